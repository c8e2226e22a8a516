"""check_gradients: right derivatives pass, planted errors of 1e-6 are found, kinks are told from failures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_sm import Array, Value, cross_entropy, grad, nn, primitives, relu, softmax
from micrograd_sm.study import check_gradients

settings.register_profile("laws", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("laws")

SMOOTH: dict[str, tuple[str, int, Callable]] = {  # name: the primitive that it rests on, the operand, the function
    "exp": ("exp", 0, lambda x: x.exp()),
    "log": ("log", 0, lambda x: x.log()),
    "log1p": ("log1p", 0, lambda x: x.log1p()),
    "sqrt": ("sqrt", 0, lambda x: x.sqrt()),
    "sin": ("sin", 0, lambda x: x.sin()),
    "cos": ("cos", 0, lambda x: x.cos()),
    "tanh": ("tanh", 0, lambda x: x.tanh()),
    "sigmoid": ("sigmoid", 0, lambda x: x.sigmoid()),
    "square": ("multiply", 1, lambda x: x * x),
    "power": ("power", 0, lambda x: x**1.7),
    "exponent": ("power", 1, lambda x: 2.0**x),
    "inverse": ("divide", 1, lambda x: 1.0 / x),
    "scaled": ("divide", 0, lambda x: x / 7.0),
    "difference": ("subtract", 1, lambda x: 5.0 * x - 3.0 * x),
    "relu": ("relu", 0, lambda x: x.relu()),
}
magnitudes = st.tuples(st.sampled_from(sorted(SMOOTH)), st.integers(-8, 8), st.floats(1.0, 9.9), st.sampled_from([1.0, -1.0]))


@contextmanager
def planted(name: str, factor: float, operand: int = 0) -> Iterator[None]:
    """Make one gradient rule wrong by a factor."""
    primitive = primitives.PRIMITIVES[name]
    right, binary = primitive.gradient, primitive.binary
    rules = list(right)
    rules[operand] = lambda g, *rest, **params: right[operand](g, *rest, **params) * factor
    primitive.gradient, primitive.binary = tuple(rules), False
    try:
        yield
    finally:
        primitive.gradient, primitive.binary = right, binary


def finite(name: str, exponent: int, mantissa: float, sign: float) -> tuple[Callable, float, float, float]:
    """Return the function, the input, and the function's value and slope there; nan where either overflows."""
    function, x = SMOOTH[name][2], sign * mantissa * 10.0**exponent
    return function, x, function(Value(x)).item(), grad(function)(x).item()


@given(magnitudes)
def test_right_derivatives_pass_at_any_magnitude(drawn: tuple) -> None:
    function, x, value, _ = finite(*drawn)
    if math.isfinite(value):
        report = check_gradients(function, x)
        assert report and not report.findings


@given(magnitudes, st.sampled_from([1e-6, -1e-6, 1e-3, -2.0]))
def test_an_error_of_a_millionth_is_found_at_any_magnitude(drawn: tuple, error: float) -> None:
    function, x, value, slope = finite(*drawn)
    visible = math.isfinite(value) and abs(slope) * max(abs(x), 1.0) > 1e-7 * abs(value)  # else rounding hides it
    if not visible or slope == 0.0:
        return
    primitive, operand, _ = SMOOTH[drawn[0]]
    with planted(primitive, 1.0 + error, operand):
        report = check_gradients(function, x, order=1)
    assert not report and report.wrong[0].kind == "wrong"


def two_layers(p: dict, x: Any, target: Any) -> Value:
    hidden = (x @ p["w"] + p["b"]).tanh()
    return cross_entropy(hidden @ p["v"], target)


def weights() -> dict:
    random = Random(3)
    sizes = {"w": (3, 4), "b": (4,), "v": (4, 3)}
    return {k: Value(Array.of([random.gauss(0, 1) for _ in range(math.prod(s))], s)) for k, s in sizes.items()}


X = Value([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]], requires_grad=False)


def test_a_network() -> None:
    report = check_gradients(two_layers, weights(), X, [2, 0])
    assert report and report.checked == 28 + 28 * 28 and not report.findings
    assert str(report) == "right: 812 derivatives"


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "matmul", "sum", "index", "subtract", "divide", "max", "add"])
def test_an_error_in_any_operation_of_a_network_is_found(name: str) -> None:
    with planted(name, 1.0 + 1e-6):
        report = check_gradients(two_layers, weights(), X, [2, 0], order=1)
    if name == "max":  # the maximum is subtracted and added back: its gradient is 0 whatever its rule says
        return
    assert not report


def test_what_is_wrong_is_named_with_index_and_amount() -> None:
    def program(tree: dict, y: Any) -> list:
        rows = tree["rows"][1]
        return [y * 2.0, (rows * [[1.0, 1.0], [1.0, 1.0]]).sum(0) + rows[1, 0].detach() ** 2]

    tree = {"rows": [1.0, Value([[1.0, 2.0], [3.0, 4.0]], name="rows")]}
    report = check_gradients(program, tree, 5.0, order=1)
    assert [str(finding).split(" (±")[0] for finding in report.wrong] == [
        "d output[1][0] / d input 0['rows'][1][1, 0] is wrong: 1, but differences give 7",
        "d output[1][1] / d input 0['rows'][1][1, 0] is wrong: 0, but differences give 6",
    ]
    first = report.wrong[0]
    assert (first.input, first.index, first.analytic, first.difference) == (
        "input 0['rows'][1]",
        (1, 0),
        1.0,
        pytest.approx(6.0),
    )


def test_a_second_derivative_that_is_wrong_alone() -> None:
    def slope_is_frozen(x: Any) -> Any:
        return x.sin().detach() + x.cos().detach() * (x - x.detach())  # the value and slope of sin; no more

    report = check_gradients(slope_is_frozen, 0.5)
    assert [finding.order for finding in report.wrong] == [2]


def test_forward_mode_that_differs_from_reverse() -> None:
    exp = primitives.PRIMITIVES["exp"]
    right = exp.gradient
    exp.gradient = (lambda g, out, x: g * out + 1e-3 * (g - 1.0) * (g - 1.0) * out,)  # not linear in the upstream gradient
    try:
        report = check_gradients(lambda x: x.exp(), 0.5, order=1)
    finally:
        exp.gradient = right
    assert [finding.kind for finding in report.wrong] == ["forward"] and "in forward mode" in str(report)


def test_a_hessian_that_is_not_symmetric() -> None:
    with planted("divide", 1.001, operand=0):
        report = check_gradients(lambda x, y: x / y, 0.5, 1.5)
    assert "asymmetric" in {finding.kind for finding in report.wrong} and "the other way round" in str(report)


def test_rounding_inside_the_function_is_not_taken_for_an_error() -> None:
    for x in (3.7e7, 1e8, 3.7e8):  # p = x / (1 + x) is so near 1 that log(1 - p) keeps but 8 digits
        report = check_gradients(lambda x: (x / (1.0 + x)).logit(), x)
        assert report and not report.findings


@pytest.mark.parametrize("x", [[13.9, 1.0], [14.3, -15.0, 0.5], [18.0, -20.0]])
def test_saturation_is_not_taken_for_an_error(x: list[float]) -> None:  # 1 - tanh^2 is a rounded difference of ones
    report = check_gradients(lambda x: x.tanh().sum() * 3.0, Value(x))
    assert report and not report.findings


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (relu, 0.0),
        (lambda x: (x**2).sum().sqrt(), [0.0, 0.0]),
        (lambda x: (x**1.5).sum(), [0.0, 1.0]),
        (abs, 0.0),
        (lambda x: x.amax(), [2.0, 2.0, 1.0]),
        (lambda x: x.max(), [2.0, 2.0, 2.0]),
        (lambda x: (x.relu() * 3.0 + x.sin()).exp().sum(), [0.0, 1.0]),
        (lambda x: x.maximum(1.0).sum(), [1.0, 3.0]),
        (lambda x: (x > 1.0) * x, 1.0),
        (lambda x: x.sqrt(), 0.0),
        (lambda x: x.log(), 0.0),
        (lambda x: x.relu() * 1e-3 + x.cos(), 0.0),
    ],
)
def test_points_without_a_derivative_are_no_failures(function: Callable, x: Any) -> None:
    for order in (1, 2):
        report = check_gradients(function, Value(x), order=order)
        assert report and report.not_smooth and "kink" in str(report)


def test_a_wrong_derivative_at_a_kink_is_still_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives.PRIMITIVES["relu"], "gradient", (lambda g, out, x: g * 2.0,))
    assert [finding.kind for finding in check_gradients(relu, 0.0, order=1).findings] == ["wrong"]
    monkeypatch.setattr(primitives.PRIMITIVES["relu"], "gradient", (lambda g, out, x: g * 0.3,))  # any slope between will do
    assert check_gradients(relu, 0.0, order=1).not_smooth


def test_only_the_derivative_jumps() -> None:
    report = check_gradients(lambda x: x.relu() ** 2, 0.0)
    assert report and [finding.order for finding in report.not_smooth] == [2]


def test_a_kink_nearby_is_not_taken_for_one_here() -> None:
    for x in (1e-7, -1e-5, 1e-3, 0.09):
        report = check_gradients(lambda x: relu(x) + abs(x), x)
        assert report and not report.findings
    with planted("relu", 1.0 + 1e-6):
        assert not check_gradients(relu, 1e-7)


def test_nan_is_wrong_where_differences_are_finite() -> None:
    report = check_gradients(lambda x: (x * x).sqrt().exp() * (x * 0.0 + 1.0) + (x * x).sqrt() / (x * x).sqrt(), 1.0)
    assert report
    with planted("tanh", math.nan):
        assert not check_gradients(lambda x: x.tanh(), 0.5, order=1)


def test_what_is_no_float_is_handed_on() -> None:
    logits, temperature = Value([1.0, 2.0]), Value(2.0, requires_grad=False)
    report = check_gradients(
        lambda z, t, k, how: cross_entropy(z / t, k, reduction=how), logits, temperature, 1, "sum", order=1
    )
    assert report and report.checked == 2


def test_nothing_is_left_behind() -> None:
    layer, x = nn.Linear(2, 2), Value([1.0, 2.0], name="x")
    assert check_gradients(lambda x: softmax(layer(x), 0), x)
    assert x.grad is None and layer.weight.grad is None and x.data.tolist() == [1.0, 2.0]


def test_errors() -> None:
    with pytest.raises(ValueError, match="order must be 1 or 2, got 3"):
        check_gradients(relu, 1.0, order=3)
    with pytest.raises(ValueError, match="nothing can be checked"):
        check_gradients(lambda x: Value(1.0), 1)
    random = Random(0)
    with pytest.raises(ValueError, match="another value when it is called again"):
        check_gradients(lambda x: x * random.random(), 1.0)
    with pytest.raises(RuntimeError, match="leave the graph"):
        check_gradients(lambda x: x.item() ** 2, 1.0)
