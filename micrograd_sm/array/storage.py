"""The data that a Value keeps."""

from __future__ import annotations

import numbers
import sys
from math import prod
from typing import Any

from micrograd_sm.array.core import Array
from micrograd_sm.array.functions import asarray, flat_of, shape_of
from micrograd_sm.array.namespace import is_foreign, namespace


def stored(data: Any, requires_grad: bool) -> Any:
    """Return `data` as a number, an `Array`, or a copy of another library's array; floats if it requires a gradient."""
    if type(data) is Array:
        return data.astype(float) if requires_grad else data
    if hasattr(data, "requires_grad") and hasattr(data, "parents"):
        raise TypeError("Value: the data is a Value already; use it as it is, or detach() it from its graph")
    if is_foreign(data) and not isinstance(data, numbers.Real):
        return _foreign_stored(data, requires_grad)
    return asarray(data, float if requires_grad else None)


def _foreign_stored(data: Any, requires_grad: bool) -> Any:
    xp = namespace(data)
    if xp.isdtype(data.dtype, "real floating"):
        return xp.copied(data, data.dtype)
    if not xp.isdtype(data.dtype, ("bool", "integral")):
        raise TypeError(f"expected real numbers, got an array of {data.dtype}")
    return xp.copied(data, xp.float64 if requires_grad else data.dtype)


def ones_like(data: Any) -> Any:
    """Return ones in the shape and storage of `data`."""
    if is_foreign(data):
        return namespace(data).full(1.0, tuple(data.shape), data)
    return Array.of([1.0] * prod(shape_of(data)), shape_of(data))


def largest_of(data: Any) -> Any:
    """Return the largest finite number of the elements' type: a float, or another library's array of no dimensions."""
    if not is_foreign(data):
        return sys.float_info.max
    xp = namespace(data)
    return xp.full(float(xp.finfo(data.dtype).max), (), data)


def chosen(condition: Any, yes: float, no: float, like: Any) -> Any:
    """Return one of two numbers for each element of a condition, in the precision of `like`, a Value or an array.

    >>> chosen(Array([True, False]), 1.0, 0.0, Array([2.0, 3.0]))
    Array([1.0, 0.0])
    """
    xp = namespace(condition)
    if is_foreign(condition):
        yes, no = (xp.like(number, like) for number in (yes, no))
    return xp.where(condition, yes, no)


def is_lazy(data: Any) -> bool:
    """Return whether the numbers of an array, such as Dask's, are not computed before they are asked for."""
    return is_foreign(data) and namespace(data).lazy


def may_hold(condition: Any) -> bool:
    """Return whether a condition holds anywhere; True if that is not known yet.

    >>> may_hold(Array([False, True])), may_hold(False)
    (True, False)
    """
    return namespace(condition).any_of(condition) if is_foreign(condition) else True in flat_of(condition)


def like_storage(data: Any, other: Any) -> Any:
    """Return an Array as an array of the library of `other`; anything else as it is, since numbers mix with every library."""
    if type(data) is Array and is_foreign(other):
        return namespace(other).like(data, other)
    return data
