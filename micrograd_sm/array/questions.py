"""What views and studies ask of numbers: the same of a number, an Array, and another library's large array.

The elements of an Array are looked at one by one. A large array, or the `Summary` of one, is never made a list: its own library
answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

from micrograd_sm.array.core import Array
from micrograd_sm.array.functions import flat_of, shape_of
from micrograd_sm.array.namespace import is_foreign, namespace
from micrograd_sm.array.strides import Shape, broadcast, broadcast_shapes, indices_of, row_major_steps
from micrograd_sm.array.summary import Summary, array_of


def element_at(x: Any, position: int, shape: Shape | None = None) -> Any:
    """Return an element of a number or an array, by its place in row-major order in `shape`, to which it is broadcast.

    >>> element_at(2.0, 0), element_at(Array([1.0, 3.0]), 3, (2, 2))
    (2.0, 3.0)
    """
    x = array_of(x)
    own = shape_of(x)
    if not own:
        return x
    indices = indices_of(position, own if shape is None else shape)
    indices = tuple(0 if size == 1 else index for index, size in zip(indices[len(indices) - len(own) :], own))
    if type(x) is Array:
        return x.flat[sum(index * step for index, step in zip(indices, row_major_steps(own)))]
    return x[indices].item()


def count(test: Callable[..., Any], *data: Any) -> int:
    """Return for how many elements of these numbers and arrays, which are broadcast, a test holds.

    The test gets one element of each, or the arrays themselves where their library computes it for all elements at once; so it
    combines conditions by `&` and `|`.

    >>> count(lambda x, y: (x > 0) & (y == 2), Array([-1.0, 1.0, 3.0]), 2.0)
    2
    """
    found = _tested(test, data)
    return sum(found) if isinstance(found, Iterator) else int(namespace(found).count_nonzero(found))


def holds(test: Callable[..., Any], *data: Any) -> bool:
    """Return whether a test, as `count` takes it, holds for any element.

    >>> holds(lambda x: x != x, Array([1.0, 2.0]))
    False
    """
    found = _tested(test, data)
    return any(found) if isinstance(found, Iterator) else bool(namespace(found).library.any(found))


def has_nonzero(data: Any) -> bool:
    """Return whether any element is not 0.

    >>> has_nonzero(0.0)
    False
    """
    return holds(lambda x: x != 0, data)


def _tested(test: Callable[..., Any], data: Sequence[Any]) -> Any:
    if all(type(x) is float for x in data):  # quick, as graphs of numbers are large
        return iter((test(*data),))
    arrays = list(map(array_of, data))
    large = next(filter(is_foreign, arrays), None)
    if large is not None:
        xp = namespace(*arrays)
        return test(*(xp.like(x, large) if type(x) is Array else x for x in arrays))
    if len(arrays) == 1:
        return map(test, flat_of(arrays[0]))
    shape = broadcast_shapes(*map(shape_of, arrays))
    return map(test, *(broadcast(flat_of(x), shape_of(x), shape) for x in arrays))


def kinds_in(data: Any) -> list[str]:
    """Return which of "nan" and "inf" are among the elements of numbers; none of None, or of a Summary that is not computed.

    >>> kinds_in(Array([1.0, float("-inf")]))
    ['inf']
    """
    if data is None:
        return []
    if type(data) is Summary:
        return data.kinds
    if type(data) is float:
        return [] if math.isfinite(data) else ["nan" if data != data else "inf"]
    tests = (namespace(data).isnan, namespace(data).isinf) if is_foreign(data) else (math.isnan, math.isinf)
    return [name for name, test in zip(("nan", "inf"), tests) if holds(test, data)]


def ends_of(data: Any) -> list[Any]:
    """Return the least and the greatest element; none if there is no element, or one is nan or, in a large array, infinite.

    >>> ends_of(Array([2.0, -1.0])), ends_of(Array([]))
    ([-1.0, 2.0], [])
    """
    data = Summary(data) if is_foreign(data) and prod(data.shape) else data
    if type(data) is Summary:
        return [] if data.strange else data.ends
    flat = flat_of(data)
    return [min(flat), max(flat)] if flat and not any(x != x for x in flat) else []


def distinct(data: Any) -> set[Any]:
    """Return the different elements; of a large array that has more than two, its ends and one other.

    For one that has nan or infinity, it is these two.

    >>> sorted(distinct(Array([2.0, 1.0, 2.0])))
    [1.0, 2.0]
    """
    x = array_of(data)
    if not is_foreign(x):
        return set(flat_of(x))
    ends = ends_of(data)
    if not ends:
        return set() if 0 in x.shape else {math.nan, math.inf}
    xp, (low, high) = namespace(x), ends
    other = (x != low) & (x != high)
    at = int(xp.argmax(xp.astype(other, xp.int64)))
    return {low, high, element_at(x, at)}


def sums_of(data: Any, axis: tuple[int, ...]) -> Any:
    """Return the sums of an array, or of where a condition holds, over some axes; of a number itself.

    >>> sums_of(Array([[True, True], [False, True]]), (1,))
    Array([2, 1])
    """
    x = array_of(data)
    return namespace(x).sum(x, axis=axis)
