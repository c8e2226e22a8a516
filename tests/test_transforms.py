"""The transforms: laws of derivatives, nesting, structures, what stays untouched, and errors. No other library is needed."""

from __future__ import annotations

import math
from collections import OrderedDict, namedtuple
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_sm import (
    Array,
    Value,
    cross_entropy,
    exp,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    nn,
    no_grad,
    primitives,
    sin,
    softmax,
    value_and_grad,
    vjp,
)

settings.register_profile("laws", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("laws")

numbers = st.floats(-5, 5, allow_subnormal=False)
Pair = namedtuple("Pair", "left right")


def near(a: Any, b: Any, tolerance: float = 1e-12) -> bool:
    if isinstance(a, list):
        return len(a) == len(b) and all(near(x, y, tolerance) for x, y in zip(a, b, strict=True))
    return abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


# Laws ---------------------------------------------------------------------------------------------------------------


@given(st.lists(numbers, min_size=1, max_size=5), st.data())
def test_the_hessian_of_cross_entropy_is_diag_p_minus_p_p_transposed(z: list, data: Any) -> None:
    target = data.draw(st.integers(0, len(z) - 1))
    p = softmax(z, 0).tolist()
    expected = [[(a if i == j else 0.0) - a * b for j, b in enumerate(p)] for i, a in enumerate(p)]
    assert near(hessian(cross_entropy)(Value(z), target).tolist(), expected)
    assert near(jacfwd(grad(cross_entropy))(Value(z), target).tolist(), expected)


@given(st.lists(numbers, min_size=1, max_size=5), st.data())
def test_the_gradient_of_cross_entropy_is_p_minus_y(z: list, data: Any) -> None:
    target = data.draw(st.integers(0, len(z) - 1))
    expected = [p - (k == target) for k, p in enumerate(softmax(z, 0).tolist())]
    assert near(grad(cross_entropy)(Value(z), target).tolist(), expected)
    assert near([g.item() for g in grad(cross_entropy)(z, target)], expected), "a list is a structure of numbers"


@given(st.lists(numbers, min_size=3, max_size=3), st.lists(numbers, min_size=3, max_size=3), st.lists(numbers, min_size=3))
def test_forward_and_reverse_are_the_same_bilinear_form(x: list, v: list, u: list) -> None:
    def f(x: Value) -> Value:
        return softmax(x.tanh() * x, 0) * x.exp()

    _, pull = vjp(f, Value(x))
    _, pushed = jvp(f, (Value(x),), (Value(v),))
    assert near((pull(Value(u[:3]))[0] * Value(v)).sum().item(), (pushed * Value(u[:3])).sum().item(), 1e-10)


@given(st.lists(numbers, min_size=2, max_size=4))
def test_hvp_is_the_hessian_times_the_vector(x: list) -> None:
    def f(x: Value) -> Value:
        return (x.sin() * x.sum()).exp().mean()

    v = Value([float(k + 1) for k in range(len(x))])
    expected = (hessian(f)(Value(x)) @ v).tolist()
    scale = max(1.0, *map(abs, expected))
    assert all(abs(a - b) < 1e-11 * scale for a, b in zip(hvp(f, Value(x), v).tolist(), expected))


def test_derivatives_to_any_order() -> None:
    f, expected = sin, [math.sin(0.7), math.cos(0.7), -math.sin(0.7), -math.cos(0.7), math.sin(0.7)]
    for order in range(5):
        assert near(f(Value(0.7)).item(), expected[order])
        f = grad(f)


def test_orders_mix() -> None:
    def f(x: Any) -> Any:
        return (x * x * x).sum()

    x = Value([1.0, 2.0])
    diagonal = [[[6.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 6.0]]]
    for outer in (jacobian, jacfwd, jacrev):
        for inner in (jacobian, jacfwd, jacrev):
            assert outer(inner(grad(f)))(x).tolist() == diagonal
    assert grad(lambda x: jvp(f, (x,), (Value([1.0, 1.0]),))[1])(x).tolist() == [6.0, 12.0]
    assert jvp(grad(f), (x,), (Value([1.0, 0.0]),))[1].tolist() == [6.0, 0.0]
    assert grad(lambda x: hvp(f, x, x).sum())(x).tolist() == [12.0, 24.0]
    assert grad(lambda x: vjp(grad(f), x)[1](x)[0].sum())(x).tolist() == [12.0, 24.0]


# Nested derivatives are kept apart ----------------------------------------------------------------------------------


def test_no_perturbation_confusion() -> None:
    """Siskind and Pearlmutter, "Nesting forward-mode AD in a functional framework", 2008."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0).item() == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0).item() == 6.0
    assert grad(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1])(1.0).item() == 1.0
    assert jvp(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1].item() == 1.0
    assert jvp(lambda x: x * grad(lambda y: x + y)(1.0), (1.0,), (1.0,))[1].item() == 1.0


def test_the_same_variable_inside_and_outside() -> None:
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0).item() == 12.0  # d/dx of 2 x x
    assert grad(lambda x: grad(lambda x: x * x)(x) * x)(3.0).item() == 12.0
    assert grad(lambda x, y: x * y, (0, 1))(x := Value(3.0), x)[0].item() == 3.0


def test_a_closed_over_value_is_a_constant_of_the_inner_derivative() -> None:
    w = Value(3.0)
    slope = grad(lambda x: x * x * w)(2.0)
    slope.backward()
    assert (slope.item(), w.grad) == (12.0, 4.0)


def test_a_gradient_penalty_reaches_the_parameters() -> None:
    model, x = nn.Linear(2, 1), Value([0.5, -1.0])
    penalty = (grad(lambda x: model(x).tanh().sum())(x) ** 2).sum()
    penalty.backward()
    step = 1e-6
    weight = model.weight.data.tolist()
    numeric = []
    for shift in (step, -step):
        model.weight.data = [[weight[0][0] + shift, weight[0][1]]]
        numeric.append((grad(lambda x: model(x).tanh().sum())(x) ** 2).sum().item())
    assert near(Value(model.weight.grad).tolist()[0][0], (numeric[0] - numeric[1]) / (2 * step), 1e-8)


# What stays untouched -----------------------------------------------------------------------------------------------


def every_transform(f: Any, x: Any) -> None:
    grad(f)(x), value_and_grad(f)(x), jacobian(f)(x), jacfwd(f)(x), hessian(f)(x), hvp(f, x, Value(1.0))
    vjp(f, x)[1](Value(1.0)), jvp(f, (x,), (Value(1.0),))


def test_nothing_that_the_user_holds_changes() -> None:
    w = Value(2.0, name="w")
    x, kept = w * 3.0, []

    def f(x: Value) -> Value:
        kept.append(x * w)
        return kept[-1].exp()

    x.grad = 7.0
    every_transform(f, x)
    assert (x.grad, w.grad, x.data, w.data) == (7.0, None, 6.0, 2.0)
    assert all(value.grad is None for value in kept) and all(value._upstream is None for value in [*kept, w, x])


def test_a_function_that_raises_leaves_nothing_behind() -> None:
    w = Value([1.0, 2.0])

    def f(x: Value) -> Value:
        return (x * w).log() @ Value([1.0, 2.0, 3.0])

    with pytest.raises(RuntimeError, match="matmul"):
        grad(f)(Value([1.0, 2.0]))
    assert w.grad is None and w._upstream is None
    (w * w).sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]


def test_data_set_inside_the_function_is_refused() -> None:
    w = Value(2.0, name="w")

    def f(x: Value) -> Value:
        y = x * w
        w.data = 5.0
        return y

    with pytest.raises(RuntimeError, match="'w' was set"):
        grad(f)(1.0)
    assert w._upstream is None


def test_results_carry_no_graph_where_nothing_required_a_gradient() -> None:
    x = Value([1.0, 2.0], requires_grad=False)
    value, gradient = value_and_grad(lambda x: (x * x).sum())(x)
    assert not value.requires_grad and not gradient.requires_grad and gradient.parents == ()
    assert not jacobian(lambda x: x * x)(x).requires_grad
    assert not grad(lambda x: x * x)(2.0).requires_grad


def test_no_grad_outside_gives_plain_results_of_the_same_numbers() -> None:
    w, x = Value(3.0), Value(2.0)
    with no_grad():
        assert grad(grad(lambda x: x**3))(x).item() == 12.0
        value, gradient = value_and_grad(lambda x: x * w)(x)
        assert (gradient.item(), gradient.requires_grad, value.requires_grad) == (3.0, False, False)
        value, pull = vjp(lambda x: x * w, x)
        assert not value.requires_grad and not pull(Value(1.0))[0].requires_grad
        assert not jvp(lambda x: x * w, (x,), (Value(1.0),))[1].requires_grad


def test_no_grad_inside_is_respected() -> None:
    def frozen(x: Value) -> Value:
        with no_grad():
            return grad(lambda y: y**3)(x)

    assert grad(frozen)(2.0).item() == 0.0
    assert grad(lambda x: x * no_grad()(lambda: x * x)())(3.0).item() == 9.0


def test_only_what_lies_between_input_and_output_is_differentiated() -> None:
    seen: list[str] = []
    exp = primitives.PRIMITIVES["exp"]
    right = exp.gradient
    exp.gradient = (lambda g, out, x: seen.append("exp") or g * out,)
    try:
        w, x = Value(2.0), Value(3.0)
        assert grad(lambda x: x * (w.exp() + 1.0))(x).item() == w.exp().item() + 1.0 and not seen
        grad(lambda x: x.exp() * w.exp())(x)
        assert seen == ["exp"]
    finally:
        exp.gradient = right


# Structures ---------------------------------------------------------------------------------------------------------


def test_structures_keep_their_types() -> None:
    tree = {"a": [2.0, (Value([1.0, 2.0]), 3.0)], "b": Pair(1.0, OrderedDict(c=4.0))}
    gradient = grad(lambda t: t["a"][0] * t["a"][1][0].sum() * t["b"].left * t["b"].right["c"])(tree)
    assert gradient["a"][0].item() == 12.0 and gradient["a"][1][0].tolist() == [8.0, 8.0]
    assert isinstance(gradient["b"], Pair) and type(gradient["b"].right) is OrderedDict
    assert gradient["a"][1][1].item() == 0.0, "what the value does not depend on has gradient 0"
    assert tree["a"][0] == 2.0
    _, product = jvp(lambda d: d["a"] * d["b"], ({"a": 2.0, "b": 3.0},), ({"b": 0.0, "a": 1.0},))
    assert product.item() == 3.0, "tangents are matched by key, not by order"


def test_argnums() -> None:
    def f(x: Any, y: Any, z: Any = 1.0) -> Any:
        return x * y * y * z

    assert grad(f, 1)(2.0, 3.0).item() == grad(f, -1)(2.0, 3.0).item() == 12.0
    both = grad(f, (1, 0))(2.0, 3.0, z=2.0)
    assert isinstance(both, tuple) and [g.item() for g in both] == [24.0, 18.0]
    assert isinstance(grad(f, (0,))(2.0, 3.0), tuple)
    assert jacfwd(f, -1)(2.0, 3.0).item() == 12.0 and hessian(f, -1)(2.0, 3.0).item() == 4.0
    blocks = hessian(f, (0, 1))(2.0, 3.0)
    assert [[block.item() for block in row] for row in blocks] == [[0.0, 6.0], [6.0, 4.0]]


def test_aux_is_returned_as_it_is_but_without_the_own_inputs() -> None:
    def f(x: Value) -> Any:
        return x * x, {"twice": 2.0 * x, "note": "kept"}

    gradient, aux = grad(f, has_aux=True)(3.0)
    assert gradient.item() == 6.0 and aux["note"] == "kept"
    assert aux["twice"].item() == 6.0 and not aux["twice"].requires_grad
    (value, _), gradient = value_and_grad(f, has_aux=True)(3.0)
    assert (value.item(), gradient.item()) == (9.0, 6.0)
    assert vjp(f, 3.0, has_aux=True)[2]["note"] == jvp(f, (3.0,), (1.0,), has_aux=True)[2]["note"] == "kept"
    assert jacobian(f, has_aux=True)(3.0)[1]["note"] == jacfwd(f, has_aux=True)(3.0)[1]["note"] == "kept"


def test_results_keep_names_and_functions_keep_theirs() -> None:
    x = Value(2.0, name="x")
    seen = []
    grad(lambda x: seen.append(x.name) or x * x)(x)
    assert seen == ["x"] and grad(exp).__name__ == "exp"


def test_vjp_functions_can_be_called_again() -> None:
    _, pull = vjp(lambda x, y: [x * y, x], Value([1.0, 2.0]), 3.0)
    first = pull([Value([1.0, 1.0]), Value([0.0, 0.0])])
    second = pull([Array([1.0, 0.0]), Array([5.0, 5.0])])
    assert first[0].tolist() == [3.0, 3.0] and first[1].item() == 3.0
    assert second[0].tolist() == [8.0, 5.0] and second[1].item() == 1.0


def test_the_gradient_flows_into_cotangents_and_tangents() -> None:
    u = Value([1.0, 2.0])
    vjp(lambda x: x * x, Value([3.0, 4.0], requires_grad=False))[1](u)[0].sum().backward()
    assert u.grad.tolist() == [6.0, 8.0]
    v = Value([1.0, 2.0])
    jvp(lambda x: x * x, (Value([3.0, 4.0], requires_grad=False),), (v,))[1].sum().backward()
    assert v.grad.tolist() == [6.0, 8.0]


def test_empty_shapes() -> None:
    x = Value([1.0, 2.0])
    assert jacobian(lambda x: x[:0])(x).shape == jacfwd(lambda x: x[:0])(x).shape == (0, 2)
    nothing = Value(Array.of([], (0,)))
    assert jacobian(lambda x: x.sum())(nothing).shape == jacfwd(lambda x: x.sum())(nothing).shape == (0,)
    assert grad(lambda x: Value(3.0))([]) == []


# Errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: grad(lambda x: x * x)(Value([1.0, 2.0])), RuntimeError, r"grad: .*shape \(2,\); reduce it"),
        (lambda: grad(lambda x: x * x)(Value([1.0])), RuntimeError, r"shape \(1,\)"),
        (lambda: grad(lambda x: [x])(1.0), RuntimeError, r"one Value, it returned \[\*\]"),
        (lambda: grad(lambda x: x.item() ** 2)(1.0), RuntimeError, "1.0 of type float; item"),
        (lambda: grad(lambda x: x, 1)(1.0), RuntimeError, "argument 1, and there are 1"),
        (lambda: grad(lambda x: x, (0, -1))(1.0), RuntimeError, "twice"),
        (lambda: grad(lambda x: x, ())(1.0), RuntimeError, "empty"),
        (lambda: grad(lambda x: x, [0])(1.0), RuntimeError, r"an int or a tuple of ints, got \[0\]"),
        (lambda: grad(lambda x: x, True)(1.0), RuntimeError, "got True"),
        (lambda: grad(Value(2.0) * 1.0)(1.0), TypeError, r"grad\(f\)\(x\)"),
        (lambda: grad(lambda x: x[0])([1.0, None]), ValueError, r"grad: argument 0\[1\] is None"),
        (lambda: grad(lambda x: x["a"])({"a": "text"}), ValueError, r"argument 0\['a'\] is 'text'"),
        (lambda: grad(lambda x: x)(True), ValueError, "argument 0 is True"),
        (lambda: grad(lambda x: x.sum())(Value([1, 2], requires_grad=False)), RuntimeError, "argument 0 holds integers"),
        (lambda: grad(lambda x: x.sum())(Array([1, 2])), RuntimeError, "only floats can be differentiated"),
        (lambda: grad(lambda x: x, has_aux=True)(1.0), RuntimeError, r"has_aux the function must return \(output, aux\)"),
        (lambda: vjp(lambda x: x * x, 1.0)[1]([1.0]), RuntimeError, r"structure of the output, \*, got \[\*\]"),
        (lambda: vjp(lambda x: x * x, Value([1.0, 2.0]))[1](1.0), RuntimeError, r"shape \(\) where shape \(2,\)"),
        (lambda: vjp(lambda x: [], 1.0), RuntimeError, "at least one Value"),
        (lambda: vjp(lambda x: x.argmax(), Value([1.0, 2.0])), RuntimeError, "no derivative"),
        (lambda: jacobian(lambda x: x.argmax())(Value([1.0, 2.0])), RuntimeError, "no derivative"),
        (lambda: jvp(lambda x: x, 1.0, 1.0), RuntimeError, r"jvp\(f, \(x,\), \(v,\)\)"),
        (lambda: jvp(lambda: Value(1.0), (), ()), RuntimeError, "tuple"),
        (lambda: jvp(lambda x: x, (1.0,), (1.0, 1.0)), RuntimeError, "structure of the primals"),
        (lambda: jvp(lambda x: x, (Value([1.0, 2.0]),), (1.0,)), RuntimeError, r"shape \(2,\) is needed"),
        (lambda: hvp(lambda x: x * x, 1.0, [1.0]), RuntimeError, r"hvp: tangents must have the structure of the primals"),
        (
            lambda: hvp(lambda x: x.sum(), Value([1.0]), Value(1.0)),
            RuntimeError,
            r"hvp: tangents hold shape \(\) where shape \(1,\)",
        ),
    ],
)
def test_errors_name_what_is_wrong(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
