"""What a Value keeps of the data that it is given."""

from __future__ import annotations

import numbers
from math import prod
from typing import Any

from micrograd_sm.array.core import Array
from micrograd_sm.array.functions import asarray, shape_of
from micrograd_sm.array.namespace import is_foreign, namespace


def stored(data: Any, requires_grad: bool) -> Any:
    """Return what a Value keeps of `data`: a number, an `Array`, or a copy of another library's array.

    With `requires_grad`, integers become floats.

    >>> stored([1, 2], requires_grad=True), stored([1, 2], requires_grad=False)
    (Array([1.0, 2.0]), Array([1, 2]))
    """
    if type(data) is Array:
        return data.astype(float) if requires_grad else data
    if hasattr(data, "requires_grad") and hasattr(data, "parents"):
        raise TypeError("Value: the data is a Value already; use it as it is, or detach() it from its graph")
    if is_foreign(data) and not isinstance(data, numbers.Real):
        return _foreign_stored(data, requires_grad)
    return asarray(data, float if requires_grad else None)


def _foreign_stored(data: Any, requires_grad: bool) -> Any:
    xp = namespace(data)
    if hasattr(data, "detach"):  # a torch tensor with a graph of its own, which would follow the copy
        data = data.detach()
    if not xp.isdtype(data.dtype, ("bool", "integral", "real floating")):
        raise TypeError(f"expected real numbers, got an array of {data.dtype}")
    keep = xp.isdtype(data.dtype, "real floating") or not requires_grad
    copy = xp.asarray(data, dtype=data.dtype if keep else xp.float64, copy=True)
    if hasattr(copy, "setflags"):  # NumPy: a change in place, which nobody would notice, becomes an error
        copy.setflags(write=False)
    return copy


def ones_like(data: Any) -> Any:
    """Return 1 in the shape and storage of `data`.

    >>> ones_like(3.0), ones_like(Array([2.0, 3.0]))
    (1.0, Array([1.0, 1.0]))
    """
    if is_foreign(data):
        return namespace(data).ones(data.shape, dtype=data.dtype)
    return Array.of([1.0] * prod(shape_of(data)), shape_of(data))


def like_storage(data: Any, other: Any) -> Any:
    """Return an own array in the storage of another library's `other`; numbers mix with everything as they are.

    >>> like_storage(Array([1.0]), Array([2.0]))
    Array([1.0])
    """
    if type(data) is Array and is_foreign(other):
        return namespace(other).asarray(data.tolist(), dtype=other.dtype if data.dtype is float else None)
    return data
