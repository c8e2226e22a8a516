"""check_against_torch on torch itself: programs that agree, programs that do not, and how it says so."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_sm
from micrograd_sm import (
    Value,
    binary_cross_entropy_with_logits,
    cosine_embedding_loss,
    cross_entropy,
    huber_loss,
    logsumexp,
    multi_margin_loss,
    nll_loss,
    nn,
    primitives,
    relu,
    softmax,
    tanh,
)
from micrograd_sm.study import check_against_torch, check_gradients
from tests.agreement.oracle import seeds

settings.register_profile("laws", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("laws")


TREE = {"w": Value(seeds((2, 3), 1.0)), "x": [Value(seeds((3,), 2.0))]}


@given(st.integers(1, 5), st.integers(1, 6), st.floats(0.01, 2.0))  # beyond, p - y cancels in torch
def test_losses_agree(rows: int, classes: int, scale: float) -> None:
    logits = Value(seeds((rows, classes), scale)) * scale
    target = [(3 * k + 1) % classes for k in range(rows)]
    assert check_against_torch(cross_entropy, Value(logits.data), target, ulps=500.0)
    assert check_against_torch(lambda x, F: F.softmax(x, 1).log() * 1.0, Value(logits.data))


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (softmax, (Value(seeds((2, 3), 0.3)), 1)),
        (logsumexp, (Value(seeds((2, 3), 0.3)), -1)),
        (nll_loss, (Value(seeds((2, 3), 0.3)), [2, 0])),
        (binary_cross_entropy_with_logits, (Value([0.3, -2.0]), Value([1.0, 0.0], requires_grad=False))),
        (relu, (Value([0.0, -1.0, 2.0, math.inf, math.nan]),)),
        (tanh, (0.5,)),
        (lambda x: x.exp() / (x * x).sum() - 2.0**x, (Value([0.3, -1.0]),)),
        (lambda p, F: F.cross_entropy((p["w"] @ p["x"][0]).reshape(1, 2), F.tensor([1])), (TREE,)),
        (lambda x: {"a": [x * 2.0, (x.sum(),)], "b": x.T}, (Value(seeds((2, 3), 1.0)),)),
        (lambda x, k: x[k], (Value(seeds((4,), 1.0)), [0, 2, 2])),
        (lambda x, y: x * 1.0, (Value([1.0]), 2.0)),
        (lambda x, F: F.gelu(x) + F.silu(x) + F.erf(x) + F.clamp(x, -0.5, 0.5) + x % 2.0 + x.floor(), (Value([0.3, -1.2]),)),
        (lambda x: huber_loss(x, [[0.0, 3.0, 0.0], [0.0, -3.0, 1.0]]), (Value(seeds((2, 3), 0.3)),)),
        (multi_margin_loss, (Value(seeds((2, 3), 0.3)), [2, 0])),
        (lambda x: cosine_embedding_loss(x, [[1.0, 2.0, 0.5]] * 2, [1.0, -1.0]), (Value(seeds((2, 3), 0.3)),)),
        (lambda x: micrograd_sm.triplet_margin_loss(x, [[1.0, 2.0, 0.5]], [[0.0, 1.0, 0.0]]), (Value(seeds((1, 3), 0.3)),)),
        (lambda x: micrograd_sm.clamp(x, [0.0, 1.0], max=Value([1.0, 2.0])), (Value([0.5, 3.0]),)),
        (lambda x, F: F.zeros(2) + F.expand(x, 3, 2).sum(0), (Value([1.0, 2.0]),)),
        (lambda w: micrograd_sm.embedding([0, 2, 2], w), (Value(seeds((3, 2), 1.0)),)),
        (lambda x: micrograd_sm.scatter_add(x, 0, [1, 1], [2.0, 3.0]), (Value([1.0, 2.0]),)),
        (lambda x, F: F.view(F.repeat(x, 2, 1), -1) + F.dot(x, F.tensor([1.0, 2.0])), (Value([1.0, 2.0]),)),
        (lambda x: micrograd_sm.layer_norm(x, (3,), weight=[1.0, 2.0, 3.0]), (Value(seeds((2, 3), 1.0)),)),
        (lambda x: micrograd_sm.sort(x, descending=True).values + x.std(), (Value([1.0, 3.0, 2.0]),)),
    ],
)  # fmt: skip
def test_programs_that_agree(function: Any, inputs: tuple) -> None:
    report = check_against_torch(function, *inputs)
    assert report and report.ulps <= 8.0, report
    assert str(report).startswith("agrees with torch\n  output")


MODULE = nn.Softmax(dim=0)
HALVES = Value([[0.5, -0.5, 0.25]], requires_grad=False)


def scored(x: Any) -> Any:
    return softmax(x, dim=1) * HALVES if x.shape[0] > 1 else scored(micrograd_sm.cat([x, x]))


def test_our_functions_by_any_name_are_torch_s_on_torch() -> None:
    x = Value([[1.0, 2.0, 0.1], [100.0, -100.0, 0.0]])
    target, shift = [0, 2], Value([1.0, 0.0, -1.0], requires_grad=False)
    programs: list[Any] = [
        lambda x: cross_entropy(x, target),
        lambda x: cross_entropy(x + shift, [0, 2], weight=[1.0, 2.0, 0.5], label_smoothing=0.1),
        lambda x: micrograd_sm.log_softmax(x, 1)[0, 2] + Value([1.0, 2.0], requires_grad=False).sum(),
        lambda x: sum(nll_loss(micrograd_sm.log_softmax(x, 1)[k], k) for k in range(2)),
        lambda x: scored(x[:1]).sum() + scored(x).sum(),
        lambda x: micrograd_sm.where(x > 0.0, x, relu(x) + 2.0 * x).sum(),
    ]
    for program in programs:
        report = check_against_torch(program, x)
        assert report and report.ulps <= 8.0, report
        assert any(comparison.theirs for comparison in report.comparisons[1:])  # it has a gradient


def test_an_error_in_our_function_is_seen_from_a_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    primitive = primitives.PRIMITIVES["exp"]
    monkeypatch.setattr(primitive, "gradient", (lambda g, out, x: g * out * (1.0 + 1e-9),))
    assert not check_against_torch(lambda x: cross_entropy(x, [1]), Value([[1.0, 2.0, 0.1]]))


def test_a_module_cannot_go_to_torch_and_that_is_said() -> None:
    for program in (MODULE, lambda x: 2.0 * MODULE(x)):
        with pytest.raises(
            RuntimeError, match="a Module of micrograd_sm cannot run on torch; write its operations as a function"
        ):
            check_against_torch(program, Value([1.0, 2.0]))


def test_what_is_still_ours_on_torch_is_said() -> None:
    class Program:  # an object of the user's is taken as it is
        def __call__(self, x: Any) -> Value:
            return Value(2.0) * 1.0

    with pytest.raises(RuntimeError, match="on torch, output is still a Value, so something of micrograd_sm computed it"):
        check_against_torch(Program(), Value(1.0))


def test_a_program_that_differs_says_where() -> None:
    def program(x: Any) -> Any:
        return x * (3.0 if isinstance(x, Value) else torch.tensor([3.0, 3.0 + 1e-12], dtype=torch.float64))

    report = check_against_torch(program, Value([1.0, 2.0]))
    assert not report and [comparison.name for comparison in report.comparisons] == ["output", "gradient of input 0"]
    worst = report.comparisons[0]
    assert worst.index == (1,) and worst.ours == 6.0 and worst.ulps == pytest.approx(2e-12 / math.ulp(6.0), rel=0.01)
    assert "output[1] differs by 2.25e+03 ulps: 6.0 here" in str(report)
    assert check_against_torch(program, Value([1.0, 2.0]), ulps=1e5)


def test_a_gradient_that_differs_alone() -> None:
    report = check_against_torch(lambda x: x * x.detach() if isinstance(x, Value) else x * x, 3.0)
    assert not report and report.comparisons[0].ulps == 0.0 and report.comparisons[1].theirs == 6.0


def test_nan_for_a_number_is_a_difference() -> None:
    report = check_against_torch(lambda x: x * (math.nan if isinstance(x, Value) else 1.0), 3.0)
    assert not report and report.ulps == math.inf


def test_outputs_of_another_structure_or_shape() -> None:
    with pytest.raises(RuntimeError, match=r"\[\*\] here and \(\*,\) on torch"):
        check_against_torch(lambda x: [x] if isinstance(x, Value) else (x,), 1.0)
    with pytest.raises(RuntimeError, match=r"output has shape \(2,\) here and \(2, 1\) on torch"):
        check_against_torch(lambda x: x * 1.0 if isinstance(x, Value) else x.reshape(2, 1) * 1.0, Value([1.0, 2.0]))


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="pip install torch"):
        check_against_torch(relu, 1.0)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=4))
def test_check_gradients_agrees_with_torch_s_gradcheck(x: list[float]) -> None:
    def program(x: Any) -> Any:
        return (x * x + 1.0).log().sum() * x[0].sin()

    tensor = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(program, tensor) and check_gradients(program, Value(x))


@pytest.mark.parametrize("ulps", [-1.0, math.nan, "3", True])
def test_ulps_that_are_none(ulps: Any) -> None:
    with pytest.raises(ValueError, match="check_against_torch: ulps must be a number that is not negative"):
        check_against_torch(relu, 1.0, ulps=ulps)


@pytest.mark.parametrize("check", [check_against_torch, check_gradients])
def test_what_is_no_function(check: Any) -> None:
    with pytest.raises(TypeError, match=rf"{check.__name__}: the first argument must be a function, got \[1\]; write"):
        check([1], Value(2.0))
