"""Kinds of elements: floats, ints and bools; integers stay what they are, and results in steps have the derivative 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array, flat_of, is_foreign, namespace
from micrograd_sm.array.parsing import type_of
from micrograd_sm.array.storage import is_lazy, may_hold
from micrograd_sm.engine import Value, as_value

_NAMES = {int: "ints", bool: "bools"}


def kind_of(x: Value) -> type:
    """Return `float`, `int` or `bool`: what the elements of a Value are.

    >>> kind_of(Value(1.0)), kind_of(Value([1, 2], requires_grad=False))
    (<class 'float'>, <class 'int'>)
    """
    data = x.data
    if not is_foreign(data):
        return type_of(data)
    xp = namespace(data)
    return float if xp.isdtype(data.dtype, "real floating") else bool if xp.isdtype(data.dtype, "bool") else int


def counted(x: Value) -> Value:
    """Return bools as ints, so that they add up; anything else as it is."""
    if kind_of(x) is not bool:
        return x
    if type(x.data) in (Array, bool):
        return Value(x.data.astype(int) if type(x.data) is Array else int(x.data), requires_grad=False)
    return Value(namespace(x.data).astype(x.data, namespace(x.data).int64), requires_grad=False)


def floats(input: Any, what: str) -> Value:
    """Return the input as a Value of floats. Raises RuntimeError for a Value or an array of ints or bools, as torch does.

    The numbers of a list are floats here, whether they are written with a point or not.
    """
    x = as_value(input, what)
    kind = kind_of(x)
    if kind is float:
        return x
    if hasattr(input, "shape"):
        raise RuntimeError(f"{what} must be floats, got {_NAMES[kind]}: call its .float() first")
    return x * 1.0


def like(number: float, x: Value) -> Value:
    """Return a number as a constant of the kind of x, so that ints stay ints beside it."""
    return Value(kind_of(x)(number), requires_grad=False)


def all_whole(*values: Value) -> bool:
    """Return whether all of these hold integers or bools.

    >>> all_whole(Value([1, 2], requires_grad=False)), all_whole(Value([1, 2]))
    (True, False)
    """
    return all(kind_of(value) is not float for value in values)


def like_input(input: Value, other: Any, what: str) -> Value:
    """Return the other operand as a Value: an int beside integers stays an int, where it would else become a float.

    >>> like_input(Value([1, 2], requires_grad=False), 3, "add: other").data
    3
    """
    return (
        Value(other, requires_grad=False) if isinstance(other, int) and kind_of(input) is not float else as_value(other, what)
    )


def in_steps(data: Any, *operands: Value) -> Value:
    """Return data that were made of the operands in steps: the graph stays connected, and each operand's gradient is 0.

    >>> x = Value(1.5)
    >>> y = in_steps(2.0, x)
    >>> y.backward()
    >>> y.data, x.grad
    (2.0, 0.0)
    """
    if all_whole(*operands):
        return Value(data, requires_grad=False)
    last, everywhere = operands[0], (data == data) | True
    for operand in operands[1:]:
        last = primitives.where(last, operand, condition=everywhere)
    return primitives.where(Value(data, requires_grad=False), last, condition=everywhere)


def checked(x: Value, bad: Callable[[Any], Any], error: Callable[[Any], Exception]) -> Value:
    """Return x; raise the error of its first element for which `bad` holds, on Dask when that is computed.

    >>> checked(Value([1.0, 2.0]), lambda data: data < 0, lambda wrong: ValueError(f"got {wrong}")).tolist()
    [1.0, 2.0]
    """
    if not may_hold(found := bad(x.data)):
        return x
    if not is_lazy(x.data):
        raise error(next(number for number, is_bad in zip(flat_of(x.data), flat_of(found)) if is_bad))
    data = namespace(x.data).checked(x.data, bad, error)
    return primitives.where(x, 0.0, condition=(data == data) | True)
