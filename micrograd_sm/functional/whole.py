"""Operands that hold integers or bools, which stay what they are, and results in steps, whose derivative is 0."""

from __future__ import annotations

from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array, is_foreign, namespace
from micrograd_sm.engine import Value, as_value


def all_whole(*values: Value) -> bool:
    """Return whether all of these hold integers or bools.

    >>> all_whole(Value([1, 2], requires_grad=False)), all_whole(Value([1, 2]))
    (True, False)
    """
    return all(map(_whole, values))


def _whole(value: Value) -> bool:
    data = value.data
    if is_foreign(data):
        return bool(namespace(data).isdtype(data.dtype, ("bool", "integral")))
    return (data.dtype if type(data) is Array else type(data)) is not float


def like_input(input: Value, other: Any, what: str) -> Value:
    """Return the other operand as a Value: an int beside integers stays an int, where it would else become a float.

    >>> like_input(Value([1, 2], requires_grad=False), 3, "add: other").data
    3
    """
    return Value(other, requires_grad=False) if isinstance(other, int) and _whole(input) else as_value(other, what)


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
