"""How many digits a graph kept: what is exact keeps all, what overflows none, and the node at fault is named."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import add, mul

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_sm as sm
from micrograd_sm import Graph, Value
from micrograd_sm.array import Array
from micrograd_sm.study import Digits, digits
from micrograd_sm.study.trust.decimals import DECIMALS as xp
from micrograd_sm.study.trust.decimals import exact, working

SMALL = st.floats(-1e3, 1e3)
LOGITS = [1000.0, 990.0, 0.0]


def lost_op(found: Digits) -> str | None:
    return None if found.lost_at is None else found[found.lost_at].op


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=6), st.sampled_from([add, mul]))
def test_small_integers_keep_everything(numbers: list[int], operation: object) -> None:
    found = digits(reduce(operation, [Value(float(x)) for x in numbers]), names={})  # type: ignore[call-overload]
    assert {one.value for one in found.nodes} == {one.gradient for one in found.nodes} == {16.0}
    assert found.lost_at is None and found.gradient_lost_at is None


@settings(deadline=None)
@given(SMALL, SMALL, SMALL, st.floats(0.1, 10.0))
def test_agrees_with_fractions(a: float, b: float, c: float, d: float) -> None:
    loss = (Value(a) * b - Value(c)) / Value(d) + a
    right = (Fraction(a) * Fraction(b) - Fraction(c)) / Fraction(d) + Fraction(a)
    found = digits(loss, names={}).value
    if right == 0 or abs(right) < 1e-300:
        return
    error = abs(Fraction(loss.item()) - right) / abs(right)
    assert (
        found == 16.0
        if loss.item() == float(right)
        else found == pytest.approx(min(16.0, max(0.0, -math.log10(error))), abs=1e-6)
    )


@settings(deadline=None)
@given(st.floats(1e-12, 50.0))
def test_elementary_functions_agree_with_mpmath(x: float) -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(70), working(60):
        for ours, theirs in ((xp.exp, mpmath.exp), (xp.log, mpmath.log), (xp.log1p, mpmath.log1p), (xp.sin, mpmath.sin),
                             (xp.cos, mpmath.cos), (xp.tanh, mpmath.tanh),
                             (lambda y: xp.pow(y, 1.7), lambda y: y ** mpmath.mpf(1.7))):  # fmt: skip
            mine, other = mpmath.mpf(str(ours(x).flat[0])), theirs(mpmath.mpf(x))
            assert abs(mine - other) <= abs(other) * mpmath.mpf(10) ** -57


@pytest.mark.parametrize("x", [-1e300, -1e4, -0.5, 0.0, 1e-300, 1e22])
def test_circular_functions_far_out(x: float) -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(400), working(60):
        assert abs(mpmath.mpf(str(xp.sin(x).flat[0])) - mpmath.sin(x)) < mpmath.mpf(10) ** -58


def test_naive_shifted_and_log_softmax_stand_side_by_side() -> None:
    x = Value(LOGITS, name="x")
    naive = (x.exp() / x.exp().sum()).log()[2]
    shifted = x.softmax(dim=0).log()[2]
    stable = x.log_softmax(dim=0)[2]
    found = [digits(naive), digits(shifted), digits(stable)]
    assert [lost_op(one) for one in found] == ["exp", "exp", None]
    assert "overflowed: inf instead of 1.970e434" in found[0].sentence
    assert "underflowed: 0 instead of 5.076e-435" in found[1].sentence
    assert found[2].sentence.startswith("stable kept all 16 digits, ") and found[2].value == 16.0
    assert (found[2].gradient or 0) > 15
    text = found[0].beside(found[1], found[2])
    assert text.startswith("naive kept 0 of 16 digits") and "shifted kept 0" in text and "stable kept all" in text
    exps = next(line for line in text.splitlines() if line.startswith("v1 "))
    assert exps.split(" | ")[0].rstrip().endswith("<- here") and text.count("<- here") == 2
    assert len({line.index(" | ") for line in text.splitlines()[:8]}) == 1


def test_a_shared_loss_is_blamed_on_the_cancelling_node() -> None:
    a, b = Value(1.0, name="a"), Value(1e-12, name="b")
    total = a + b
    loss = total - 1.0
    found = digits(loss)
    assert found[found.lost_at or ""].op == "subtract" and 3 < found.value < 5
    assert "loss kept 4.0 of 16 digits; they went at loss, where subtract cancelled: 1.000" in found.sentence
    assert found.gradient == 16.0


def test_a_log_near_one_is_named_with_both_numbers() -> None:
    x = Value([100.0, 0.0], name="x")
    loss = -x.softmax(dim=0)[0].log()
    found = digits(loss)
    assert lost_op(found) == "log" and "so near 1" in found.sentence and found.value == 0.0


def test_lost_gradient_is_named() -> None:
    x = Value(20.0, name="x")
    loss = x.tanh()
    found = digits(loss)
    assert found.value == 16.0 and found.gradient == 0.0
    assert found.gradient_lost_at == "v0" and "cancelled: 0 instead of 1.699e-17" in found.sentence


@pytest.mark.parametrize("x", [math.inf, -math.inf, math.nan])
def test_special_values_that_are_right_keep_everything(x: float) -> None:
    found = digits(Value([x, 1.0]) * 2.0, names={})
    assert found.value == 16.0 and found.lost_at is None


def test_a_right_zero_is_measured_against_what_it_came_from() -> None:
    x = Value([0.1, 0.2, 0.3], name="x")
    loss = x.softmax(dim=0).sum() - 1.0
    assert digits(loss).value >= 15.0


def test_underflow_counts_where_something_needs_it_and_not_at_the_end() -> None:
    x = Value(-1000.0, name="x")
    alone = digits(x.exp())
    assert alone.value == alone.nodes[1].value == 16.0 and alone.nodes[1].lost is None
    assert lost_op(digits(x.exp().log())) == "exp"


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: (x @ x.T).sum(),
        lambda x: sm.cat([x, x * 2.0], dim=0).amax(dim=0).sum(),
        lambda x: x.relu().sigmoid().sin().cos().sqrt().mean(),
        lambda x: sm.cross_entropy(x, [1, 0], label_smoothing=0.1),
        lambda x: sm.where(x > 0.5, x**3.0, x.log1p()).sum(),
        lambda x: sm.softmax(x.transpose(0, 1), dim=1)[0, 1:].mean(),
        lambda x: x.logsumexp(dim=1).abs().log().sum(),
    ],
)
def test_every_primitive_runs_on_decimals(loss: object) -> None:
    x = Value([[0.5, 1.5], [2.0, 0.25]], name="x")
    value = loss(x)  # type: ignore[operator]
    before = x.grad
    found = digits(value, names={})
    assert found.value > 14 and (found.gradient or 0) > 13 and x.grad is before


def test_a_program_can_read_it() -> None:
    x = Value([1000.0, -1000.0], name="x")
    content = json.loads(json.dumps(digits(x.exp().sum(), names={}).to_dict(), allow_nan=False))
    assert content["lost_at"] == "v1" and content["value"] == 0.0 and content["nodes"][1]["lost"].startswith("overflowed")


def test_graphs_and_more_precision() -> None:
    x = Value([200.0, 0.0], name="x")
    loss = x.softmax(dim=0)[0].log()
    assert digits(Graph(loss).fold()).value == 16.0  # 60 digits cannot see the 1e-87 either
    assert digits(loss, precision=120).value == 0.0


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match=r"digits: expected a Value or a Graph, got 2\.0"):
        digits(2.0)  # type: ignore[arg-type]
    for precision in (10, 60.0, True):
        with pytest.raises(ValueError, match="precision must be an int of at least 40"):
            digits(Value(2.0).exp(), precision=precision)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        digits(Value(2.0).exp())["v9"]


def test_immutable() -> None:
    found = digits(Value(2.0).exp())
    with pytest.raises(AttributeError):
        found.value = 1.0  # type: ignore[misc]


def test_decimals_compare_and_index_as_arrays_do() -> None:
    x = exact(Array([[1.0, 2.0], [3.0, math.nan]]))
    with working(60):
        assert (x >= 2.0).tolist() == [[False, True], [True, False]] and x[0, 1].flat == [Decimal(2)]
