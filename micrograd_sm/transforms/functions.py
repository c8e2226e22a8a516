"""The transforms: each evaluates a function once, and computes products with its Jacobian there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from micrograd_sm.engine import as_value
from micrograd_sm.transforms.evaluation import Argnums, Evaluation, check_argnums
from micrograd_sm.transforms.structure import aligned, leaves, outline, rebuilt


def grad(function: Callable, argnums: Argnums = 0, has_aux: bool = False) -> Callable:
    """Return a function that computes the gradient of `function`, whose value has shape () (torch.func.grad).

    `argnums`, an int or a tuple of ints, chooses positional arguments; the gradient has their structure and shapes, in a
    tuple if argnums is one. With `has_aux` the function returns (value, aux), and the new function (gradient, aux).

    Raises RuntimeError if the value is not a Value of shape (), if argnums is out of range or names an argument twice, and
    for integer tensors; ValueError if an argument holds anything but numbers, Values and arrays.

    >>> grad(lambda x, y: x * x * y)(3.0, 2.0)
    Value(12., requires_grad=False)
    >>> grad(lambda p: p["w"] * p["x"][0])({"w": 2.0, "x": [5.0]})
    {'w': Value(5., requires_grad=False), 'x': [Value(2., requires_grad=False)]}
    """

    @_transform("grad", function, argnums)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        run = Evaluation("grad", function, args, kwargs, argnums, has_aux)
        found = run.arguments_like(run.pull([run.scalar_seed()]))
        return (found, run.aux()) if has_aux else found

    return gradient


def value_and_grad(function: Callable, argnums: Argnums = 0, has_aux: bool = False) -> Callable:
    """Return a function that computes (value, gradient) in one pass; otherwise it is like `grad`.

    With `has_aux` it returns ((value, aux), gradient). The order is that of jax.value_and_grad; torch.func.grad_and_value
    returns the gradient first.

    >>> value_and_grad(lambda x: x * x)(3.0)
    (Value(9., requires_grad=False), Value(6., requires_grad=False))
    """

    @_transform("value_and_grad", function, argnums)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        run = Evaluation("value_and_grad", function, args, kwargs, argnums, has_aux)
        found = run.arguments_like(run.pull([run.scalar_seed()]))
        return ((run.value(), run.aux()) if has_aux else run.value()), found

    return value_and_gradient


def vjp(function: Callable, *primals: Any, has_aux: bool = False) -> tuple:
    """Return (function(*primals), vjp_fn), with vjp_fn for vector-Jacobian products at the primals (torch.func.vjp).

    `vjp_fn(cotangents)`, with cotangents in the value's structure and shapes, returns a tuple: for each primal, cotangents
    times the Jacobian. It can be called many times. With `has_aux` the result is (value, vjp_fn, aux).
    Raises RuntimeError for cotangents of another structure or shape, and the errors of `grad`.

    >>> from micrograd_sm import Value
    >>> value, vjp_fn = vjp(lambda x: x * x, Value([1.0, 2.0]))
    >>> vjp_fn(Value([1.0, 10.0]))[0].tolist()
    [2.0, 40.0]
    """
    run = Evaluation("vjp", function, primals, {}, tuple(range(len(primals))), has_aux)
    run.require_floating_outputs()

    def vjp_fn(cotangents: Any) -> tuple:
        return run.arguments_like(run.pull(run.cotangents(cotangents)))

    return (run.value(), vjp_fn, run.aux()) if has_aux else (run.value(), vjp_fn)


def jvp(function: Callable, primals: tuple, tangents: tuple, has_aux: bool = False) -> tuple:
    """Return (function(*primals), Jacobian times tangents): the directional derivative (torch.func.jvp).

    `primals` is the tuple of arguments, `tangents` has its structure and shapes. With `has_aux`: (value, product, aux).
    It takes two backward passes: u J is linear in u, so its derivative by u times the tangents is J times the tangents
    (J. Townsend, "A new trick for calculating Jacobian vector products", 2017).
    Raises RuntimeError if primals is not a tuple or is empty, and for tangents of another structure or shape.

    >>> jvp(lambda x, y: x * y, (3.0, 2.0), (1.0, 10.0))
    (Value(6., requires_grad=False), Value(32., requires_grad=False))
    """
    if not isinstance(primals, tuple) or not leaves(primals):
        raise RuntimeError(
            f"jvp: primals must be a tuple of the function's arguments, as in jvp(f, (x,), (v,)); got {primals!r}"
        )
    run = Evaluation("jvp", function, primals, {}, tuple(range(len(primals))), has_aux)
    product = rebuilt(run.output, run.push(run.tangents(primals, tangents)))
    return (run.value(), product, run.aux()) if has_aux else (run.value(), product)


def jacobian(function: Callable, argnums: Argnums = 0, has_aux: bool = False) -> Callable:
    """Return a function that computes the Jacobian of `function`, with one backward pass for each output element.

    For an output of shape O and an argument of shape I it has shape O + I; for structures, the output's structure with the
    arguments' structure in place of each leaf (torch.func.jacrev; `jacrev` is the same function). With `has_aux` it returns
    (Jacobian, aux). Raises the errors of `grad`.

    >>> from micrograd_sm import Value
    >>> jacobian(lambda x: x * x)(Value([1.0, 2.0, 3.0])).tolist()
    [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 6.0]]
    """

    @_transform("jacobian", function, argnums)
    def jacobians(*args: Any, **kwargs: Any) -> Any:
        run = Evaluation("jacobian", function, args, kwargs, argnums, has_aux)
        run.require_floating_outputs()
        found = rebuilt(run.output, [run.arguments_like(run.rows(index)) for index in range(len(run.outputs))])
        return (found, run.aux()) if has_aux else found

    return jacobians


jacrev = jacobian


def jacfwd(function: Callable, argnums: Argnums = 0, has_aux: bool = False) -> Callable:
    """Return a function that computes the Jacobian column by column, with one pass for each input element.

    It is faster than `jacobian` if there are fewer inputs than outputs (torch.func.jacfwd). Raises the errors of `grad`.

    >>> from micrograd_sm import Value
    >>> jacfwd(lambda x: [x * x, 3.0 * x])(Value([1.0, 2.0]))[0].tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """

    @_transform("jacfwd", function, argnums)
    def jacobians(*args: Any, **kwargs: Any) -> Any:
        run = Evaluation("jacfwd", function, args, kwargs, argnums, has_aux)
        by_input = [run.columns(index) for index in range(len(run.inputs))]
        found = rebuilt(run.output, [run.arguments_like(blocks) for blocks in zip(*by_input)] or [run.arguments_like([])])
        return (found, run.aux()) if has_aux else found

    return jacobians


def hessian(function: Callable, argnums: Argnums = 0) -> Callable:
    """Return a function that computes the Hessian of `function`: the Jacobian of its Jacobian (torch.func.hessian).

    For a value of shape () and an argument of shape I it has shape I + I. Raises the errors of `grad`.

    >>> from micrograd_sm import Value, cross_entropy
    >>> f"{hessian(cross_entropy)(Value([0.0, 0.0]), 1):.2f}"  # diag(p) - p p^T
    '[[0.25, -0.25], [-0.25, 0.25]]'
    """
    check_argnums("hessian", argnums)
    return jacobian(jacobian(function, argnums), argnums)


def hvp(function: Callable, primals: Any, tangents: Any) -> Any:
    """Return the Hessian of `function` at `primals` times `tangents`, without computing the Hessian.

    A tuple of primals holds several arguments; anything else is the only argument. The product has their structure and
    shapes (torch.autograd.functional.hvp, which also returns the value). Raises the errors of `grad` and `vjp`.

    >>> from micrograd_sm import Value
    >>> hvp(lambda x: (x * x * x).sum(), Value([1.0, 2.0]), Value([1.0, 0.0])).tolist()
    [6.0, 0.0]
    """
    several = isinstance(primals, tuple) and not hasattr(primals, "_fields")
    arguments = primals if several else (primals,)
    along = aligned(primals, tangents)
    if along is None:
        raise RuntimeError(f"hvp: tangents must have the structure of the primals, {outline(primals)}, got {outline(tangents)}")
    for tangent, primal in zip(along, leaves(primals)):
        shape, needed = (as_value(x, f"hvp: {name}").shape for x, name in ((tangent, "tangents"), (primal, "primals")))
        if shape != needed:
            raise RuntimeError(f"hvp: tangents hold shape {shape} where shape {needed} is needed")
    _, product = vjp(grad(function, tuple(range(len(arguments)))), *arguments)
    products = product(tangents if several else (tangents,))
    return products if several else products[0]


def _transform(what: str, function: Callable, argnums: Argnums) -> Callable[[Callable], Callable]:
    """Return a decorator that gives the transformed function the name and documentation of `function`."""
    if not callable(function):
        raise TypeError(f"a transform needs a function, got {function!r}; write grad(f)(x), not grad(f(x))")
    check_argnums(what, argnums)
    return wraps(function)
