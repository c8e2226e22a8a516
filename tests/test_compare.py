"""Two graphs of one quantity, node by node: what is the same is matched, and what differs is measured."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_sm import Graph, Value, cross_entropy, nll_loss, softmax
from micrograd_sm.study import compare


def by_label(comparison: object) -> dict[str, tuple[str, float, float | None]]:
    return {match.label: (match.how, match.value, match.gradient) for match in comparison.matches}  # type: ignore[attr-defined]


def test_naive_and_shifted_softmax_agree_for_small_logits() -> None:
    x = Value([1.0, 0.0, 3.0], name="x")
    found = compare(-(x.exp() / x.exp().sum())[1].log(), cross_entropy(x, 1), names={})
    assert [match.how for match in found.matches] == ["name", "value", "root"]
    assert found.close(1e-12) and not found.close(0.0)


def test_naive_softmax_overflows_where_the_shifted_does_not() -> None:
    x = Value([1000.0, 0.0, 3.0], name="x")
    found = compare(-(x.exp() / x.exp().sum())[1].log(), cross_entropy(x, 1), names={})
    rows = by_label(found)
    assert rows["L"] == ("root", math.inf, 0.0)
    assert math.isnan(rows["x"][2] or 0.0)
    assert found.worst is not None and found.worst.label == "L" and not found.close()
    assert "values differ by at most inf, gradients by at most nan" in str(found)


def test_composed_against_folded() -> None:
    x = Value([[1.0, 0.0, 3.0]], name="x")
    loss = cross_entropy(x, [1])
    found = compare(loss, Graph(loss).fold(depth=1))
    assert {match.label for match in found.matches} == {"x", "v6", "loss"}
    assert found.worst is None
    assert found.only_b == () and "v3" in found.only_a


def test_the_same_program_twice_matches_node_for_node() -> None:
    def program(x: Value) -> Value:
        return nll_loss(softmax(x * 2.0, dim=1).log(), [1, 0])

    a, b = Value([[1.0, 2.0], [0.0, 3.0]], name="x"), Value([[1.0, 2.0], [0.0, 3.0]], name="x")
    found = compare(program(a), program(b), names={})
    assert found.only_a == found.only_b == () and found.worst is None
    assert [match.a for match in found.matches] == [match.b for match in found.matches] == [node.id for node in found.a]
    assert {match.how for match in found.matches} == {"name", "structure", "root"}


def test_a_changed_number_is_seen_where_it_enters() -> None:
    def program(x: Value, w: float) -> Value:
        h = x * x
        return (h * w).tanh() + h

    x = Value(0.5, name="x")
    found = compare(program(x, 2.0), program(x, 2.5), names={})
    assert by_label(found)["x"][1] == 0 and (by_label(found)["x"][2] or 0) > 0.1
    assert found.worst is not None and found.worst.how == "root"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-30, 30), min_size=2, max_size=6))
def test_a_graph_never_differs_from_itself(logits: list[float]) -> None:
    x = Value(logits, name="x")
    loss = cross_entropy(x, 0)
    found = compare(loss, loss)
    assert found.worst is None and found.close(0.0) and len(found.matches) == len(found.a)


def test_nan_against_nan_is_no_difference() -> None:
    x = Value([math.nan, 1.0], name="x")
    assert compare(x.exp().sum(), x.exp().sum()).worst is None
    assert compare(x.sum(), (x * 0.0).sum() + 1.0).worst is not None


def test_plain_data_and_untouched_gradients() -> None:
    x = Value(2.0, name="x")
    content = json.loads(json.dumps(compare(x * x, x**2.0).to_dict()))
    assert content["matches"][0]["how"] == "name" and x.grad is None


def test_what_it_refuses() -> None:
    x = Value([1.0, 2.0], name="x")
    with pytest.raises(ValueError, match=r"one root has shape \(\), the other \(2,\)"):
        compare(x.sum(), x * 2)
    with pytest.raises(TypeError, match="compare: expected a Value or a Graph"):
        compare(x.sum(), 3)  # type: ignore[arg-type]
