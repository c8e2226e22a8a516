"""The transforms against torch.func: values, shapes and structure, and errors by kind. A program is written once."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_sm
from micrograd_sm.transforms.structure import leaves, mapped, outline
from tests.agreement.oracle import OURS, THEIRS, close, seeds

settings.register_profile("laws", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("laws")

with warnings.catch_warnings():  # torch's first jvp compiles its rules with what torch itself has deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    torch.func.jvp(torch.sin, (torch.ones(1),), (torch.ones(1),))

VECTOR, MATRIX, OTHER = seeds((3,), 0.3), seeds((2, 3), 0.9), seeds((3,), 2.1)


def both(program: Callable, *data: Any) -> None:
    """Fail unless the program's results have the same structure, shapes and numbers, or errors of one kind."""
    try:
        theirs = program(THEIRS, torch.func, *(mapped(lambda x: THEIRS.new(x.tolist(), False), d) for d in data))
    except Exception as error:
        with pytest.raises(type(error)):
            program(OURS, micrograd_sm, *data)
        return
    ours = program(OURS, micrograd_sm, *data)
    assert outline(ours) == outline(theirs)
    for mine, other in zip(leaves(ours), leaves(theirs), strict=True):
        assert mine.shape == tuple(other.shape)
        assert close(mine.tolist(), other.tolist()), f"ours {mine}, torch's {other}"


def value(data: Any) -> micrograd_sm.Value:
    return micrograd_sm.Value(data, requires_grad=False)


def tree() -> dict:
    return {"w": value(MATRIX), "rest": [value(VECTOR), (value(0.7),)]}


def of_tree(m: Any, t: dict) -> Any:
    return (m.tanh(t["w"]) * t["rest"][0]).sum() * t["rest"][1][0] + (t["rest"][0] ** 3).sum()


def several(m: Any, x: Any, y: Any) -> dict:
    return {"product": x * y, "parts": (m.softmax(x, 0), [y.sum(), m.log(y * y + 1.0).reshape(1, -1)])}


SCALAR = {
    "exp of a sum": lambda m, x: m.exp(m.sin(x).sum()),
    "cross_entropy": lambda m, x: m.cross_entropy(x * x, m.torch_tensor(1) if m is THEIRS else 1),
    "logsumexp": lambda m, x: m.logsumexp(x * x, 0),
    "norm": lambda m, x: m.sqrt((x * x).sum()),
    "products of elements": lambda m, x: x[0] * x[1] * x[2] + x[0] ** 4,
    "division": lambda m, x: (x / (x.flip(0) if m is THEIRS else x[[2, 1, 0]])).sum(),
    "not of the input": lambda m, x: m.new(3.0, False) * 1.0,
    "maximum and relu": lambda m, x: m.relu(x).sum() + x.amax(),
    "matmul": lambda m, x: (x.reshape(3, 1) @ x.reshape(1, 3)).tanh().sum(),
    "a shape that is not ()": lambda m, x: x.sum(0, keepdim=True),
    "a list": lambda m, x: [x.sum()],
    "a number": lambda m, x: 3.0,
}


@pytest.mark.parametrize("name", SCALAR)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_a_function_to_one_number(name: str, order: int) -> None:
    def program(m: Any, func: Any, x: Any) -> Any:
        f = lambda x: SCALAR[name](m, x)
        g = func.grad(f)
        for _ in range(order - 1):
            g = func.jacrev(g)
        return g(x), (func.hessian(f)(x) if order == 2 else func.jacfwd(f)(x))

    both(program, value(VECTOR))


@pytest.mark.parametrize("argnums", [0, 1, -1, (0,), (0, 1), (1, 0), (-1, 0), (), (0, 0), (0, -2), 2, [0], 0.5], ids=str)
@pytest.mark.parametrize("transform", ["grad", "jacrev", "jacfwd", "hessian"])
def test_argnums(transform: str, argnums: Any) -> None:
    if transform in ("jacfwd", "hessian") and argnums in (-1, (-1, 0)):
        argnums = 1  # torch 2.13 returns zeros for negative argnums here

    def program(m: Any, func: Any, x: Any, y: Any) -> Any:
        return getattr(func, transform)(lambda x, y: (x * y.sum()).sum() * y[0], argnums)(x, y)

    both(program, value(VECTOR), value(MATRIX)[0])


def test_structures_in() -> None:
    both(lambda m, func, t: func.grad(lambda t: of_tree(m, t))(t), tree())
    both(lambda m, func, t: func.jacrev(lambda t: of_tree(m, t))(t), tree())
    both(lambda m, func, t: func.jacfwd(lambda t: of_tree(m, t))(t), tree())
    both(lambda m, func, t: func.hessian(lambda t: of_tree(m, t))(t), tree())


@pytest.mark.parametrize("transform", ["jacrev", "jacfwd"])
def test_structures_in_and_out(transform: str) -> None:
    for argnums in (0, (0, 1)):
        both(
            lambda m, func, x, y, n=argnums: getattr(func, transform)(lambda x, y: several(m, x, y), n)(x, y),
            value(VECTOR),
            value(OTHER),
        )
    both(
        lambda m, func, x, y: getattr(func, transform)(getattr(func, transform)(lambda x, y: several(m, x, y)), 1)(x, y),
        value(VECTOR),
        value(OTHER),
    )


def test_vjp_and_jvp_of_structures() -> None:
    def pulled(m: Any, func: Any, x: Any, y: Any) -> Any:
        out, pull = func.vjp(lambda x, y: several(m, x, y), x, y)
        return out, pull(mapped(lambda leaf: leaf * 0.5 + 1.0, out))

    both(pulled, value(VECTOR), value(OTHER))
    both(lambda m, func, x, y: func.jvp(lambda x, y: several(m, x, y), (x, y), (y, x)), value(VECTOR), value(OTHER))
    both(lambda m, func, t: func.jvp(lambda t: of_tree(m, t), (t,), (t,)), tree())


def test_has_aux() -> None:
    f = lambda x: ((x * x).sum(), {"aux": x * 2.0})
    both(lambda m, func, x: func.grad(f, has_aux=True)(x), value(VECTOR))
    both(lambda m, func, x: func.jacrev(f, has_aux=True)(x), value(VECTOR))
    both(lambda m, func, x: func.jacfwd(f, has_aux=True)(x), value(VECTOR))
    both(lambda m, func, x: func.jvp(f, (x,), (x,), has_aux=True), value(VECTOR))
    both(lambda m, func, x: func.vjp(f, x, has_aux=True)[0::2], value(VECTOR))
    both(lambda m, func, x: func.grad(lambda x: x.sum(), has_aux=True)(x), value(VECTOR))

    def value_first(m: Any, func: Any, x: Any) -> Any:
        if func is torch.func:
            return func.grad_and_value(f, has_aux=True)(x)[::-1]
        return func.value_and_grad(f, has_aux=True)(x)

    both(value_first, value(VECTOR))


def test_hvp_is_that_of_torch_autograd_functional() -> None:
    f = lambda x, y: (x * x * y.sum()).sum() + (x * y).sum() ** 2

    def program(m: Any, func: Any, x: Any, y: Any) -> Any:
        if func is torch.func:
            return torch.autograd.functional.hvp(f, (x, y), (y, x))[1]
        return func.hvp(f, (x, y), (y, x))

    both(program, value(VECTOR), value(OTHER))


def test_results_require_a_gradient_where_torch_s_do() -> None:
    def required(m: Any, func: Any) -> list[bool]:
        x, w, plain = m.new(2.0), m.new(3.0), m.new(5.0, False)
        out, pull = func.vjp(lambda x: x * w, plain)
        free, pull_free = func.vjp(lambda x: x * x, plain)
        found = [
            func.grad(lambda x: x * x)(x),
            func.grad(lambda x: x * x)(plain),
            func.grad(lambda x: x * w)(plain),
            func.grad(lambda x: x * x + 0.0 * w)(plain),
            out,
            pull(m.new(1.0, False))[0],
            free,
            pull_free(m.new(1.0, False))[0],
            pull_free(m.new(1.0))[0],
            *func.jvp(lambda x: x * w, (plain,), (m.new(1.0, False),)),
            *func.jvp(lambda x: x * x, (plain,), (m.new(1.0, False),)),
            func.hessian(lambda x: x * x * w)(plain),
        ]
        return [value.requires_grad for value in found]

    assert required(OURS, micrograd_sm) == required(THEIRS, torch.func)


ERRORS: list[Callable] = [
    lambda m, func, x: func.grad(lambda x: x[0])([x, None]),
    lambda m, func, x: func.grad(lambda x: x[0])([x, "text"]),
    lambda m, func, x: func.grad(lambda x: x.sum())(m.new([1, 2], False) if m is OURS else torch.tensor([1, 2])),
    lambda m, func, x: func.vjp(lambda x: x * x, x)[1]([x]),
    lambda m, func, x: func.vjp(lambda x: x * x, x)[1](x.sum()),
    lambda m, func, x: func.vjp(lambda x: 3.0, x),
    lambda m, func, x: func.vjp(lambda x: [], x),
    lambda m, func, x: func.vjp(lambda x: x.argmax(), x),
    lambda m, func, x: func.jacrev(lambda x: x.argmax())(x),
    lambda m, func, x: func.jvp(lambda x: x, x, x),
    lambda m, func, x: func.jvp(lambda x: x, [x], [x]),
    lambda m, func, x: func.jvp(lambda: x, (), ()),
    lambda m, func, x: func.jvp(lambda x: x, (x,), (x, x)),
    lambda m, func, x: func.jvp(lambda x: x, (x,), (x.sum(),)),
    lambda m, func, x: func.jvp(lambda x: 3.0, (x,), (x,)),
    lambda m, func, x: func.grad(lambda x: (x, x, x), has_aux=True)(x),
]


@pytest.mark.parametrize("program", ERRORS)
def test_errors_are_of_torch_s_kind(program: Callable) -> None:
    with pytest.raises((RuntimeError, ValueError)) as theirs:
        program(THEIRS, torch.func, THEIRS.new(VECTOR, False))
    with pytest.raises(theirs.type):
        program(OURS, micrograd_sm, value(VECTOR))


UNARY = ["sin", "tanh", "exp", "sigmoid", "relu", "cos"]
TRANSFORMS = ["grad", "jacrev", "jacfwd", "hessian", "jvp", "vjp"]


@given(st.lists(st.sampled_from(UNARY), min_size=1, max_size=3), st.lists(st.sampled_from(TRANSFORMS), min_size=1, max_size=3))
def test_any_transform_of_any(chain: list[str], transforms: list[str]) -> None:
    """Transforms drawn in any order, each reduced to one number so that the next can follow."""

    def program(m: Any, func: Any, x: Any) -> Any:
        def f(x: Any) -> Any:
            for name in chain:
                x = getattr(m, name)(x * 0.7 + 0.1)
            return (x * x).sum() * x[0]

        for name in transforms:
            f = applied(name, f)
        return f(x)

    def applied(name: str, f: Callable) -> Callable:
        def derived(x: Any) -> Any:
            func = micrograd_sm if isinstance(x, micrograd_sm.Value) else torch.func
            if name == "jvp":
                return func.jvp(f, (x,), (x * 0.5,))[1]
            if name == "vjp":
                out, pull = func.vjp(f, x)
                return (pull(out * 0.5)[0] * x).sum()
            return (getattr(func, name)(f)(x) * 0.3).sum()

        return derived

    both(program, value(VECTOR))
