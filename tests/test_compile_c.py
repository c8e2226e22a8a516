"""Compiled functions in C: the bits of those in Python, the choices that are checked, and what is refused."""

from __future__ import annotations

import math
import os
import pickle
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from micrograd_sm import Value, autograd, compile, cross_entropy, nn, one_hot, stack, where
from micrograd_sm.program import c
from tests.test_compile import bits, outcome, recordings

pytestmark = pytest.mark.skipif(not c.compiler(), reason="there is no C compiler")

floats = st.floats(allow_subnormal=True)
total = compile(lambda *xs: stack(list(xs)).sum(), backend="c")


@settings(max_examples=200, deadline=None)
@given(st.lists(floats, min_size=6, max_size=6))
@example([1e308, 1e308, -1e308, 1.0, 0.0, -0.0])
@example([1e16, 1.0, 1e-16, -1e16, 0.5, -0.5])
@example([math.inf, -math.inf, 1.0, 1.0, 1.0, 1.0])
@example([-0.0] * 6)
def test_sums_are_rounded_once_as_ever(numbers: list[float]) -> None:
    assert bits(total(*map(Value, numbers)).data) == bits(total.function(*map(Value, numbers)).data)


def chain(x: Value, a: Value, b: Value) -> Value:
    for _ in range(1_500):
        x = x * a + b
    return x


FUNCTIONS: dict[str, tuple[Callable, list[Any]]] = {
    "a long chain": (chain, [0.5, 0.999, 0.001]),
    "a classifier": (lambda x: cross_entropy(x, [2, 0]), [[[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]]]),
    "powers": (lambda x, y: x**y + x**0.5 + x**-0.5 + x**3 + 2.0**y, [1.7, 0.3]),
    "choices": (lambda x: (x.relu() + x.abs() + x.clamp(-0.5, 0.5)).sum() + x.amax(), [[-1.0, 0.2, 2.0]]),
    "functions": (lambda x: x.exp() + x.log() + x.log1p() + x.sin() + x.cos() + x.tanh() + x.erf() + x.sqrt(), [0.7]),
    "a product of matrices": (lambda x, y: (x @ y).tanh().sum(), [[[1.0, 2.0]] * 3, [[0.5, -1.0, 3.0], [0.1, 0.2, 0.3]]]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_bits(name: str) -> None:
    f, point = FUNCTIONS[name]
    step = compile(f, backend="c")
    for scale in (1.0, 1.5, -1.0, 0.0, math.inf):
        scaled = [Value(part).__mul__(scale).tolist() for part in point]
        assert outcome(step, scaled) == outcome(f, scaled)
    assert recordings(step) == 1 and "int program(const double *x, double *out)" in step.code


def test_targets_are_read_anew_and_choices_are_checked() -> None:
    step = compile(cross_entropy, backend="c")
    for targets in ([0, 1], [2, 2], [-100, 1], [1, 0]):
        x, y, t = Value([[1.0, 2.0, 3.0]] * 2), Value([[1.0, 2.0, 3.0]] * 2), Value(targets, requires_grad=False)
        step(x, t).backward()
        cross_entropy(y, t).backward()
        assert bits(x.grad) == bits(y.grad)
    assert recordings(step) == 2
    with pytest.raises(IndexError, match="target 3 at position 0 is out of range"):
        step(Value([[1.0, 2.0, 3.0]] * 2), Value([3, 0], requires_grad=False))


def test_results_keep_their_types_and_gradients_have_gradients() -> None:
    x = Value(2.0)
    found = compile(lambda x: {"positive": x.data > 0.0, "first": Value([1.0, 3.0]).data * x.data, "cube": x**3}, "c")(x)
    assert found["positive"] is True and found["first"].tolist() == [2.0, 6.0]
    (slope,) = autograd.grad(found["cube"], [x], create_graph=True)
    slope.backward()
    assert (slope.data, x.grad) == (12.0, 12.0)


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = c.compiler()
    with pytest.raises(ValueError, match="backend must be one of 'python', 'c', got 'rust'"):
        compile(chain, backend="rust")
    with pytest.raises(RuntimeError, match=r'there is no C for the operation int; leave out backend="c"'):
        compile(lambda x: x.long() * 2, backend="c")(Value(2.0))
    assert compile(lambda i: one_hot(i, 3), backend="c")(Value(1, requires_grad=False)).tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match=r"backend must be one of 'python', 'c', got \['c'\]"):
        compile(chain, backend=["c"])
    monkeypatch.setenv("CC", os.devnull)
    with pytest.raises(RuntimeError, match=r"the C compiler .* cannot be run \(Permission denied\); set CC to one"):
        compile(lambda x: x * 2.0, backend="c")(Value(2.0))
    monkeypatch.setenv("CC", f"{shlex.join(found)} -g")
    assert compile(lambda x: x * 2.0, backend="c")(Value(2.0)).data == 4.0
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="needs a C compiler, such as gcc or clang; install one, or set CC"):
        compile(lambda x: x * 2.0, backend="c")(Value(2.0))


def test_whole_numbers_are_divided_as_in_python() -> None:
    f = lambda x: where(x > 0.0, Value(1, requires_grad=False), Value(2, requires_grad=False)) / 4 + 1e-05 * x
    step = compile(f, backend="c")
    assert [step(Value(x)).data for x in (3.0, -3.0)] == [f(Value(x)).data for x in (3.0, -3.0)]


def test_a_model_is_trained() -> None:
    model = nn.Linear(3, 2)
    step = compile(lambda x, t: cross_entropy(model(x), t), backend="c")
    x, t = Value([[1.0, 2.0, 3.0], [0.5, -1.0, 0.0]], requires_grad=False), Value([0, 1], requires_grad=False)
    losses = []
    for _ in range(20):
        model.zero_grad()
        loss = step(x, t)
        loss.backward()
        losses.append(loss.data)
        for p in model.parameters():
            p.data = p.data - 0.1 * p.grad
    assert losses[-1] < losses[0] / 2 and recordings(step) == 1
    assert pickle.loads(pickle.dumps(compile(chain, backend="c"))).backend == "c"
