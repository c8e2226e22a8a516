"""Functions of each element, activations and losses where a table of numbers does not reach: choices, drawn masks, edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import micrograd_sm
from micrograd_sm import Graph, Value, dropout, erf, expm1, functional, hessian, isnan, manual_seed, remainder
from micrograd_sm.study import check_gradients
from micrograd_sm.study.trust.decimals import DECIMALS as xp
from micrograd_sm.study.trust.decimals import working

inf, nan = math.inf, math.nan


def test_methods_are_those_that_torch_tensors_have() -> None:
    torch = pytest.importorskip("torch")
    own = {"softplus"}  # a method here before it was one nowhere else
    methods = {name for name in functional.__all__ if callable(getattr(Value, name, None)) and name != "where"}
    assert {name for name in methods if not hasattr(torch.Tensor, name)} == own
    assert {name for name in functional.__all__ if hasattr(torch.Tensor, name)} <= methods | {"where"}


# Dropout ------------------------------------------------------------------------------------------------------------


def test_dropout_draws_from_the_default_generator() -> None:
    manual_seed(3)
    first = dropout(Value([1.0] * 20), p=0.3).tolist()
    manual_seed(3)
    assert dropout(Value([1.0] * 20), p=0.3).tolist() == first
    assert dropout(Value([1.0] * 20), p=0.3).tolist() != first
    assert set(first) == {0.0, 1.0 / 0.7}


def test_dropout_keeps_a_share_of_the_elements_and_their_mean() -> None:
    manual_seed(0)
    kept = dropout(Value([[1.0] * 100] * 100), p=0.2)
    assert sum(x != 0 for row in kept.tolist() for x in row) / 10_000 == pytest.approx(0.8, abs=0.015)
    assert kept.mean().item() == pytest.approx(1.0, abs=0.02)


def test_dropout_passes_the_gradient_of_what_it_kept() -> None:
    x = Value([1.0, 2.0, 3.0, 4.0])
    y = dropout(x, p=0.5)
    y.sum().backward()
    assert x.grad.tolist() == [2.0 if out else 0.0 for out in y.tolist()]
    assert [node.op for node in Graph(y) if node.op] == ["multiply", "divide"]


def test_dropout_of_a_number_and_of_nothing() -> None:
    manual_seed(1)
    assert {dropout(Value(1.0), p=0.5).item() for _ in range(20)} == {0.0, 2.0}
    assert dropout(Value([]), p=0.5).shape == (0,)


# Digits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [1e-300, -1e-20, 1e-8, -0.3, 0.9999, 1.0, -1.0, 3.0, -30.0, 700.0])
def test_expm1_keeps_its_digits_and_those_of_its_derivative(x: float) -> None:
    v = Value(x)
    y = expm1(v)
    y.backward()
    assert y.item() == pytest.approx(math.expm1(x), rel=1e-15, abs=0.0)
    assert v.grad == pytest.approx(math.exp(x), rel=1e-15)


def test_erf_in_decimals_has_all_its_digits() -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(100), working(60):
        for x in (0.0, 1e-300, -1e-9, 0.5, -1.0, 3.0, 6.5, -13.0, 13.5, 40.0, 1e300):
            mine, other = mpmath.mpf(str(xp.erf(x).flat[0])), mpmath.erf(x)
            assert abs(mine - other) <= abs(other) * mpmath.mpf(10) ** -57, x
        assert str(xp.erf(nan).flat[0]) == "NaN" and str(xp.erf(-inf).flat[0]) == "-1"


# Remainders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [7.5, -7.5, 0.0, -0.0, 2.0, -2.0, inf, nan, 0.1])
@pytest.mark.parametrize("b", [2.0, -2.0, 0.3, inf, -inf, nan, 0.0])
def test_a_remainder_and_its_gradient_are_torchs(a: float, b: float) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = (Value(a), Value(b)), [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (a, b)]
    mine, other = remainder(*ours), torch.remainder(*theirs)
    mine.backward()
    other.backward()
    for x, y in [(mine.item(), other.item()), *((x.grad, y.grad.item()) for x, y in zip(ours, theirs, strict=True))]:
        assert (x != x and y != y) or x == pytest.approx(y, rel=1e-14)


def test_the_quotient_of_a_remainder_is_that_of_fmod() -> None:
    assert (Value(1.0) // 0.1).item() == 9.0  # 1.0 / 0.1 rounds to 10
    assert (Value(1.0) % 0.1).item() == pytest.approx(0.1)


def test_integers_stay_integers() -> None:
    x = Value([7, -7, 8], requires_grad=False)
    assert [(x % 3).tolist(), (x // 3).tolist(), (-x % 3).tolist(), (3 % x).tolist()] == [
        [1, 2, 2], [2, -3, 2], [2, 1, 1], [3, -4, 3],
    ]  # fmt: skip
    whole = [*(x % 3).tolist(), *(100 // x).tolist(), *x.clamp(0, 3).tolist(), *x.floor().tolist(), *x.square().tolist()]
    assert set(map(type, whole)) == {int}
    assert [k for k in range(6) if Value(k, requires_grad=False) % 2 == 0] == [0, 2, 4]


# Bools --------------------------------------------------------------------------------------------------------------


def test_bools_combine_select_and_count() -> None:
    x = Value([1.0, nan, -2.0, inf])
    assert (~isnan(x) & (x > 0)).tolist() == [True, False, False, True]
    assert ((x > 0) | isnan(x)).tolist() == [True, True, False, True]
    assert x[~isnan(x)].tolist() == [1.0, -2.0, inf]
    assert isnan(x).sum().item() == 1 and bool(isnan(Value(nan))) and (~isnan(Value(nan))).item() is False
    assert micrograd_sm.where(isnan(x), 0.0, x).tolist() == [1.0, 0.0, -2.0, inf]


def test_a_mask_that_is_empty_keeps_its_shape() -> None:
    x = Value([]).reshape(0, 2)
    assert x[x > 0.5].shape == (0,) and x[~isnan(x)].shape == (0,)


def test_the_larger_of_integers_is_an_integer() -> None:
    a, b = (Value(x, requires_grad=False) for x in ([2, -2], [1, 1]))
    assert (
        repr(micrograd_sm.maximum(a, b).data) == "Array([2, 1])" and repr(micrograd_sm.minimum(a, b).data) == "Array([1, -2])"
    )


def test_softmax_takes_a_dtype_of_floats() -> None:
    x = Value([1, 2], requires_grad=False)
    for function in (micrograd_sm.softmax, micrograd_sm.log_softmax, micrograd_sm.softmin):
        assert function(x, 0, dtype=micrograd_sm.float32).tolist() == function(Value([1.0, 2.0]), 0).tolist()
        with pytest.raises(RuntimeError, match=rf"{function.__name__.replace('min', 'max')}: the result holds floats"):
            function(x, 0, dtype=micrograd_sm.int64)


# Losses -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "y", "loss", "slope"), [(0.0, 1.0, 100.0, -1e12), (1.0, 0.0, 100.0, 1e12), (0.0, 0.5, 50.0, -5e11 + 0.5)]
)
def test_binary_cross_entropy_of_a_sure_mistake_is_finite(p: float, y: float, loss: float, slope: float) -> None:
    x = Value([p])
    found = micrograd_sm.binary_cross_entropy(x, [y])
    found.backward()
    assert found.item() == loss and x.grad.tolist() == [pytest.approx(slope, rel=1e-9)]


@pytest.mark.parametrize("wrong", [1.5, -0.1, float("nan")])
@pytest.mark.parametrize("new", [lambda number: number, Value, lambda number: [number]], ids=["number", "Value", "list"])
def test_binary_cross_entropy_refuses_what_is_no_probability(wrong: float, new: Callable[[float], Any]) -> None:
    with pytest.raises(RuntimeError, match=f"input must be from 0 to 1, got {wrong}; logits go to"):
        micrograd_sm.binary_cross_entropy(new(wrong), new(0.5))
    with pytest.raises(RuntimeError, match=f"target must be from 0 to 1, got {wrong}"):
        micrograd_sm.binary_cross_entropy(new(0.5), new(wrong))


def test_binary_cross_entropy_is_the_same_from_logits() -> None:
    for z in (-3.0, 0.0, 0.5, 20.0):
        x, y = Value([z, -z]), [0.0, 0.25]
        from_logits = micrograd_sm.binary_cross_entropy_with_logits(x, y).item()
        assert micrograd_sm.binary_cross_entropy(x.sigmoid(), y).item() == pytest.approx(from_logits, rel=1e-7)


PROGRAMS: list[Any] = [
    lambda x: micrograd_sm.binary_cross_entropy(x.sigmoid(), [0.0, 1.0, 0.3]),
    lambda x: micrograd_sm.multi_margin_loss(x, 1, p=2),
    lambda x: micrograd_sm.gelu(x).sum() + micrograd_sm.logsigmoid(x).sum(),
    lambda x: micrograd_sm.cosine_similarity(x, Value([1.0, 2.0, 0.5]), dim=0),
    lambda x: micrograd_sm.logaddexp(x, 2.0 * x).sum() + erf(x).sum() + micrograd_sm.elu(x).sum(),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_first_and_second_derivatives_are_those_of_differences(program: Any) -> None:
    assert check_gradients(program, Value([0.3, -1.2, 0.8]), order=2)


def test_a_step_has_a_gradient_of_exactly_0_everywhere() -> None:
    for name in ("floor", "ceil", "round", "trunc", "sign"):
        x = Value([0.0, inf, nan, -2.5])
        getattr(micrograd_sm, name)(x).sum().backward()
        assert x.grad.tolist() == [0.0] * 4
    assert hessian(lambda x: (x.floor() * x).sum())(Value([1.5, 2.5])).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_mean_of_kl_div_divides_by_all_elements() -> None:
    log_q, p = [[-1.0, -2.0], [-0.5, -3.0]], [[0.5, 0.5], [1.0, 0.0]]
    total = micrograd_sm.kl_div(log_q, p, reduction="sum").item()
    assert micrograd_sm.kl_div(log_q, p).item() == total / 4
    assert micrograd_sm.kl_div(log_q, p, reduction="batchmean").item() == total / 2


def test_pythons_round() -> None:
    """torch's tensors have no `round(x, 2)`, only torch.round(x, decimals=2)."""
    assert round(Value(1.2345), 2).item() == 1.23 and round(Value([1.26, -2.5])).tolist() == [1.0, -2.0]
