"""The chain rule in names and numbers: its lines lead to the gradient, and cross-entropy's arrives at p - y."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import chain
from typing import Any
from xml.etree import ElementTree

import pytest

from micrograd_sm import Graph, Value, cross_entropy, log, nll_loss, nn, softmax
from micrograd_sm.study import explain

ROWS = [[1.0, 2.0, 0.1], [0.5, 0.2, 0.9]]


def flat(x: Any) -> list[float]:
    x = x.tolist() if hasattr(x, "tolist") else x
    return list(chain.from_iterable(map(flat, x))) if isinstance(x, list) else [x]


def test_the_chain_rule_in_the_users_names_and_numbers() -> None:
    a, b, c = Value(2.0), Value(-3.0), Value(10.0)
    e = a * b
    d = e + c
    assert str(explain(d * a, a)).splitlines() == [
        "dL/dL = 1",
        "  local: d(u * v)/du = v = 2",
        "dL/dd = dL/dL * d(u * v)/du = 1 * 2 = 2",
        "  local: d(u + v)/du = 1",
        "dL/de = dL/dd * dd/de = 2 * 1 = 2",
        "  local: d(u * v)/dv = u = 4",
        "dL/da += dL/dL * d(u * v)/dv = 1 * 4 = 4",
        "  local: d(u * v)/du = v = -3",
        "dL/da += dL/de * de/da = 2 * -3 = -6",
        "dL/da = 4 + (-6) = -2",
    ]


def test_only_what_the_gradient_passes_through_is_told() -> None:
    a, b = Value(2.0, name="a"), Value(3.0, name="b")
    left, right = a.exp(), b.sin()
    assert "right" not in str(explain(left * right, a))
    assert "dL/db" not in str(explain(left * right, a))


@pytest.mark.parametrize("depth", [None, 0, 1])
def test_cross_entropy_arrives_at_p_minus_y_at_any_depth(depth: int | None) -> None:
    logits = Value(ROWS, name="logits")
    loss = cross_entropy(logits, [2, 0])
    told = explain(loss, logits, depth=depth)
    (share,) = told.shares
    assert share.formula == "(p - y) / 2"
    assert flat(share.y) == [0, 0, 1, 1, 0, 0]
    assert flat(share.p) == pytest.approx(flat(softmax(logits, dim=1)), rel=1e-14)
    assert flat(share.own) == [0, 0, -0.5, -0.5, 0, 0]
    assert flat(share.normaliser) == pytest.approx([p / 2 for p in flat(share.p)], rel=1e-14)
    assert flat(share.shift) == pytest.approx([0.0] * 6, abs=1e-15)
    loss.backward()
    assert flat(told.gradient) == flat(logits.grad)
    assert flat(told.gradient) == pytest.approx(flat(share.own + share.normaliser), abs=1e-15)


def test_smoothing_weights_sums_and_ignored_targets() -> None:
    logits = Value(ROWS, name="logits")
    smooth = explain(cross_entropy(logits, [2, 0], label_smoothing=0.3, reduction="sum"), logits).shares[0]
    assert smooth.formula == "p - y"
    assert flat(smooth.y) == pytest.approx([0.1, 0.1, 0.8, 0.8, 0.1, 0.1])
    weighted = explain(cross_entropy(logits, [2, 0], weight=[1.0, 2.0, 3.0]), logits).shares[0]
    assert weighted.formula == "s (p - y)" and flat(weighted.scale) == pytest.approx([0.75, 0.25])
    assert "-s y = [[0, 0, -0.75], [-0.25, 0, 0]]" in str(weighted)
    ignored = explain(cross_entropy(logits, [2, -100]), logits).shares[0]
    assert flat(ignored.scale) == [1.0, 0.0] and flat(ignored.y)[3:] == [0, 0, 0]


def test_a_loss_times_a_number_is_a_number_times_p_minus_y() -> None:
    x = Value([1.0, 2.0], name="x")
    share = explain(3.0 * cross_entropy(x, 1), x).shares[0]
    assert share.formula == "3 (p - y)"
    assert "through the target's own logit: -3 y = [0, -3]" in str(share)
    assert explain(cross_entropy(x, 1) / 4.0, x).shares[0].formula == "(p - y) / 4"


def test_an_ignored_row_counts_0_and_not_minus_0() -> None:
    x = Value([[1.0, 2.0], [3.0, 4.0]], name="x")
    assert "s = [[1], [0]]" in str(explain(cross_entropy(x, [1, -100]), x).shares[0])


def test_a_log_softmax_written_by_hand_and_weights_before_it() -> None:
    w = Value([1.0, 2.0, 0.1], name="w")
    logits = w * 2.0
    by_hand = logits - logits.exp().sum().log()
    share = explain(-by_hand[0], w).shares[0]
    assert share.logits == "logits" and share.formula == "p - y" and flat(share.y) == [1, 0, 0]


@pytest.mark.parametrize(
    "loss_of",
    [
        lambda x: nll_loss(log(softmax(x, dim=1)), [2, 0]),
        lambda x: -(log(softmax(x, dim=1)[0, 2]) + log(softmax(x, dim=1)[1, 0])) / 2.0,
        lambda x: -(x.exp() / x.exp().sum(dim=1, keepdim=True)).log()[[0, 1], [2, 0]].mean(),
    ],
)
def test_the_logarithm_of_a_softmax_arrives_at_p_minus_y_too(loss_of: Callable[[Value], Value]) -> None:
    x = Value([[1.0, 2.0, 0.1], [0.3, 0.2, 0.5]], name="x")
    loss = loss_of(x)
    told = explain(loss, x, depth=0)
    loss.backward()
    total = sum(share.own + share.normaliser + share.shift for share in told.shares)
    for row, right in zip(total.tolist(), x.grad.tolist(), strict=True):
        assert row == pytest.approx(right, abs=1e-15)
    assert told.shares[0].y.tolist()[0] == pytest.approx([0.0, 0.0, 1.0], abs=1e-15)
    for row, right in zip(told.shares[0].p.tolist(), softmax(x, dim=1).tolist(), strict=True):
        assert row == pytest.approx(right, rel=1e-15)
    assert len(told.shares) > 1 or told.shares[0].formula == "(p - y) / 2"


def test_a_softmax_in_another_loss_has_no_p_minus_y() -> None:
    x = Value([1.0, 2.0, 0.1], name="x")
    assert explain(((softmax(x, dim=0) - 1.0) ** 2).sum(), x).shares == ()
    assert explain(softmax(x, dim=0)[1], x).shares == ()


def test_a_network_at_each_depth() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
    weight = dict(model.named_parameters())["0.weight"]
    weight.name = "W"
    loss = cross_entropy(model([[0.5, -1.0], [2.0, 0.1]]), [0, 1])
    lengths = [len(explain(loss, weight, depth=depth).lines) for depth in (0, 1, None)]
    assert lengths[0] < lengths[1] < lengths[2]
    for depth in (0, 1, None):
        last = explain(loss, weight, depth=depth).lines[-1]
        assert flat(last.result.data) == flat(explain(loss, weight).gradient)  # type: ignore[union-attr]


def test_mathml_is_well_formed_and_says_the_same() -> None:
    x = Value(ROWS, name="<x & y>")
    told = explain(cross_entropy(x, [2, 0]), x, depth=0)
    tree = ElementTree.fromstring(told.mathml)
    assert tree.tag.endswith("math")
    assert len(re.findall("<mtr><mtd><mrow>", told.mathml)) >= len(told.lines) + len(told.shares[0].lines())


def test_plain_data_and_untouched_gradients() -> None:
    x = Value(ROWS, name="x")
    content = json.loads(json.dumps(explain(cross_entropy(x, [2, 0]), x).to_dict()))
    assert content["shares"][0]["formula"] == "(p - y) / 2" and content["root"] == "L"
    assert x.grad is None
    assert explain(Graph(cross_entropy(x, [2, 0])).fold(), "x").lines[-1].left.bottom == "x"  # type: ignore[union-attr]


def test_what_it_refuses() -> None:
    x = Value(2.0, name="x")
    with pytest.raises(ValueError, match="explain: c requires no gradient, so there is none to explain"):
        explain(x * Value(1.0, requires_grad=False, name="c"), "c")
    with pytest.raises(TypeError, match="explain: expected a Value or a Graph"):
        explain(None, x)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is not among the"):
        explain(x * x, Value(1.0))


def test_p_minus_y_is_said_only_where_the_sum_stands_beside_its_own_row() -> None:
    x = Value([[1.0, 2.0], [0.5, 1.5]], name="x")
    exps = x.exp()
    assert not explain(-(exps / exps.sum(1)).log()[[0, 1], [1, 0]].mean(), x).shares  # keepdim was forgotten
    (share,) = explain(-(exps / exps.sum(1, keepdim=True)).log()[[0, 1], [1, 0]].mean(), x).shares
    assert share.formula == "(p - y) / 2"


def test_a_log_softmax_through_logsumexp_is_one() -> None:
    x = Value([[1.0, 2.0, 0.1], [0.5, 1.5, 3.0]], name="x")
    (through,) = explain(-(x - x.logsumexp(1, keepdim=True))[[0, 1], [1, 0]].mean(), x).shares
    (share,) = explain(cross_entropy(x, [1, 0]), x).shares
    assert through.formula == share.formula and through.p.flat == pytest.approx(share.p.flat)
    assert through.y.flat == pytest.approx(share.y.flat)
