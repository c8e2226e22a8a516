"""Sorting, the largest elements, the median, and running totals."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from micrograd_sm import primitives
from micrograd_sm.array import Array
from micrograd_sm.array.functions import flat_of
from micrograd_sm.array.strides import groups, permute
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axis_of, numpy_names
from micrograd_sm.functional.kinds import counted, like
from micrograd_sm.functional.reductions import amax, mean
from micrograd_sm.functional.selection import gather
from micrograd_sm.mode import composed

__all__ = ["argsort", "cumprod", "cumsum", "median", "sort", "topk", "unique"]


class Ordered(NamedTuple):
    """The values that sort, topk or `median(input, dim)` found, and their indices along the dimension."""

    values: Value
    indices: Value


@numpy_names
def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Ordered:
    """Return (values, indices) with the values along `dim` in order; nan counts as the largest (torch.sort).

    Equal elements keep their order, whatever `stable` says. The gradient of a value goes to the element it was.

    >>> values, indices = sort([3.0, 1.0, 2.0])
    >>> values.tolist(), indices.tolist()
    ([1.0, 2.0, 3.0], [1, 2, 0])
    """
    return _ordered(input, dim, lambda group: _order(group, descending), "sort")


@numpy_names
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Value:
    """Return the indices that put the elements along `dim` in order; nan counts as the largest (torch.argsort).

    >>> argsort([3.0, 1.0, 2.0]).tolist()
    [1, 2, 0]
    """
    x = as_value(input, "argsort: input")
    return _indices(x, axis_of(dim, x.ndim, "argsort"), lambda group: _order(group, descending))


@numpy_names
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Ordered:
    """Return (values, indices) of the k largest elements along `dim`, or smallest, in order (torch.topk).

    nan counts as the largest. Raises RuntimeError if there are fewer than k elements.

    >>> values, indices = topk([3.0, 1.0, 2.0], 2)
    >>> values.tolist(), indices.tolist()
    ([3.0, 2.0], [0, 2])
    """
    x = as_value(input, "topk: input")
    size = x.shape[axis_of(dim, x.ndim, "topk")] if x.ndim else 1
    if isinstance(k, bool) or not hasattr(k, "__index__"):
        raise TypeError(f"topk: k must be an int, got {k!r}")
    if not 0 <= k <= size:
        raise RuntimeError(f"topk: k {k} is out of range for dimension {dim} of shape {x.shape}")
    return _ordered(x, dim, lambda group: _order(group, largest)[:k], "topk")


@numpy_names
@composed
def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the median of all elements, or if `dim` is not None (values, indices) along it (torch.median).

    Of an even number of elements it is the lower of the two in the middle. nan wins. Without dim, ties share the gradient.

    >>> median([4.0, 1.0, 3.0, 2.0]).item()
    2.0
    """
    x = as_value(input, "median: input")
    if dim is not None:
        return _median_along(x, axis_of(dim, x.ndim, "median"), keepdim)
    flat = flat_of(x.data)
    if not flat or any(element != element for element in flat):
        return mean(x[x != x])  # nan: all nan elements share the gradient, as in torch
    middle = flat[_middle(flat)]
    return amax(x[x == middle])


@numpy_names
@composed
def cumsum(input: Any, dim: int) -> Value:
    """Return the running sums along `dim`; bools are counted (torch.cumsum).

    Composed by doubling: each element is added to the next, then sums of 2 to those 2 further on, sums of 4, and so on.

    >>> cumsum([1.0, 2.0, 3.0, 4.0], 0).tolist()
    [1.0, 3.0, 6.0, 10.0]
    """
    return _running(input, dim, primitives.add, "cumsum")


@numpy_names
@composed
def cumprod(input: Any, dim: int) -> Value:
    """Return the running products along `dim`; composed by doubling, as cumsum is (torch.cumprod).

    >>> cumprod([1.0, 2.0, 3.0, 4.0], 0).tolist()
    [1.0, 2.0, 6.0, 24.0]
    """
    return _running(input, dim, primitives.multiply, "cumprod")


def unique(input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False) -> Any:
    """Return the different elements in increasing order (torch.unique).

    If asked for, a tuple: also the place of each element among them, and how often each occurs. No gradient flows through it.

    >>> values, counts = unique([2.0, 1.0, 2.0], return_counts=True)
    >>> values.tolist(), counts.tolist()
    ([1.0, 2.0], [1, 2])
    """
    x = as_value(input, "unique: input").detach()
    flat = flat_of(x.data)
    places: dict[Any, list[int]] = {}
    for place in _order(flat, False):
        places.setdefault(flat[place], []).append(place)
    inverse = [0] * len(flat)
    for rank, group in enumerate(places.values()):
        for place in group:
            inverse[place] = rank
    firsts = [group[0] for group in places.values()]
    values = primitives.index(x, positions=firsts, shape=(len(firsts),), key="unique")
    results = [values]
    if return_inverse:
        results.append(Value(Array.of(inverse, x.shape, int), requires_grad=False))
    if return_counts:
        results.append(Value(Array.of(list(map(len, places.values())), (len(places),), int), requires_grad=False))
    return tuple(results) if len(results) > 1 else values


def _order(group: list, descending: bool) -> list[int]:
    """Return the places of a list's elements in order; equal ones keep theirs, and nan is larger than all."""
    key: Callable = group.__getitem__
    if any(element != element for element in group):
        key = lambda place: (group[place] != group[place], group[place])
    return sorted(range(len(group)), key=key, reverse=bool(descending))


def _middle(group: list) -> int:
    """Return the place of the lower median, or of the first nan."""
    order = _order(group, False)
    first_nan = next((place for place, element in enumerate(group) if element != element), None)
    return order[(len(group) - 1) // 2] if first_nan is None else first_nan


def _ordered(input: Any, dim: int, order: Callable[[list], list[int]], function: str) -> Ordered:
    x = as_value(input, f"{function}: input")
    axis = axis_of(dim, x.ndim, function)
    indices = _indices(x, axis, order)
    return Ordered(gather(x, axis, indices), indices)


def _indices(x: Value, axis: int, order: Callable[[list], list[int]]) -> Value:
    """Return the places that `order` chooses of each list of elements along an axis, along that axis."""
    if not x.ndim:
        chosen = order([x.data])
        return Value(Array.of(chosen, () if len(chosen) == 1 else (0,), int), requires_grad=False)
    rows = [order(group) for group in groups(flat_of(x.data), x.shape, (axis,))]
    before, after = prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
    count = len(rows[0]) if rows else len(order([0.0] * x.shape[axis]))
    flat = permute([place for row in rows for place in row], (before, after, count), (0, 2, 1))
    return Value(Array.of(flat, (*x.shape[:axis], count, *x.shape[axis + 1 :]), int), requires_grad=False)


def _median_along(x: Value, axis: int, keepdim: bool) -> Ordered:
    if 0 in x.shape[axis : axis + 1]:
        raise IndexError(f"median: dim {axis} of shape {x.shape} has size 0, nothing to choose from")
    indices = _indices(x, axis, lambda group: [_middle(group)])
    shape = indices.shape if keepdim else x.shape[:axis] + x.shape[axis + 1 :]
    return Ordered(*(primitives.reshape(part, shape=shape) for part in (gather(x, axis, indices), indices)))


def _running(input: Any, dim: int, operation: Callable, function: str) -> Value:
    x = counted(as_value(input, f"{function}: input"))
    axis = axis_of(dim, x.ndim, function)
    size, before = x.shape[axis] if x.ndim else 1, (slice(None),) * axis
    total, step = x if size > 1 else x * like(1, x), 1  # a result of its own, not x
    while step < size:
        further = operation(total[(*before, slice(step, None))], total[(*before, slice(None, size - step))])
        total = primitives.cat(total[(*before, slice(step))], further, axis=axis)
        step *= 2
    return total
