"""Kinds of elements: floats, ints and bools, and what a function asks of them."""

from __future__ import annotations

from typing import Any

from micrograd_sm.array import Array, namespace
from micrograd_sm.engine import Value, as_value

_NAMES = {int: "ints", bool: "bools"}


def kind_of(x: Value) -> type:
    """Return `float`, `int` or `bool`: what the elements of a Value are.

    >>> kind_of(Value(1.0)), kind_of(Value([1, 2], requires_grad=False))
    (<class 'float'>, <class 'int'>)
    """
    data = x.data
    if type(data) is Array:
        return data.dtype
    if type(data) in (float, int, bool):
        return type(data)
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
