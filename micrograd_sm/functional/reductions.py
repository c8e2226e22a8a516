"""Reductions of many elements to one, over all dimensions or over some."""

from __future__ import annotations

import sys
from math import prod
from typing import Any, NamedTuple

from micrograd_sm import primitives
from micrograd_sm.array import namespace
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axes_of, axis_of
from micrograd_sm.functional.selection import gather
from micrograd_sm.mode import composed

__all__ = ["amax", "amin", "argmax", "argmin", "logsumexp", "max", "mean", "min", "sum"]

LARGEST = sys.float_info.max
Dim = int | tuple[int, ...] | None


class Extremes(NamedTuple):
    """The values that `max(input, dim)` found, and their indices."""

    values: Value
    indices: Value


def sum(input: Any, dim: Dim = None, keepdim: bool = False) -> Value:
    """Return the sum over `dim`, an int or a tuple, by default over all. An empty sum is 0 (torch.sum).

    >>> sum([[1.0, 2.0], [3.0, 4.0]], dim=0).tolist(), sum([[1.0, 2.0], [3.0, 4.0]]).item()
    ([4.0, 6.0], 10.0)
    """
    x = as_value(input, "sum: input")
    return primitives.sum(x, axis=axes_of(dim, x.ndim, "sum"), keepdims=bool(keepdim))


@composed
def mean(input: Any, dim: Dim = None, keepdim: bool = False) -> Value:
    """Return the mean over `dim`, an int or a tuple, by default over all. An empty mean is nan (torch.mean).

    >>> mean([[1.0, 2.0], [3.0, 4.0]], dim=1).tolist()
    [1.5, 3.5]
    """
    x = as_value(input, "mean: input")
    axes = axes_of(dim, x.ndim, "mean")
    return sum(x, axes, keepdim) / float(prod(x.shape[axis] for axis in axes)) if x.ndim else x / 1.0


def amax(input: Any, dim: Dim = (), keepdim: bool = False) -> Value:
    """Return the maximum over `dim`, an int or a tuple; ties share the gradient evenly, nan wins (torch.amax).

    Raises IndexError for a dimension of size 0, RuntimeError for an empty input without dim.

    >>> x = Value([3.0, 1.0, 3.0])
    >>> amax(x).backward()
    >>> x.grad.tolist()
    [0.5, 0.0, 0.5]
    """
    x = as_value(input, "amax: input")
    axes = _nonempty(x, dim, "amax")
    return primitives.max(x, axis=axes, keepdims=bool(keepdim))


@composed
def amin(input: Any, dim: Dim = (), keepdim: bool = False) -> Value:
    """Return the minimum over `dim`, an int or a tuple; ties share the gradient evenly, nan wins (torch.amin).

    >>> amin([[3.0, 1.0], [2.0, 5.0]], dim=1).tolist()
    [1.0, 2.0]
    """
    x = as_value(input, "amin: input")
    return -primitives.max(-x, axis=_nonempty(x, dim, "amin"), keepdims=bool(keepdim))


def max(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the maximum of all elements, or if `dim` is not None (values, indices) along it (torch.max).

    Without dim, ties share the gradient evenly; with dim, the first of them takes all of it. nan wins.

    >>> max([[1.0, 5.0], [7.0, 7.0]], dim=1)
    Extremes(values=Value([5., 7.], requires_grad=False), indices=Value([1, 0], requires_grad=False))
    """
    return _maximum_of_all(input, "max") if dim is None else _extremes(input, argmax, dim, keepdim, "max")


def min(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the minimum of all elements, or if `dim` is not None (values, indices) along it (torch.min).

    >>> min([4.0, 2.0]).item()
    2.0
    """
    if dim is None:
        return -_maximum_of_all(-as_value(input, "min: input"), "min")
    return _extremes(input, argmin, dim, keepdim, "min")


def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Value:
    """Return the index of the maximum along `dim`, or in the flattened input; the first of ties, nan wins (torch.argmax).

    Raises IndexError if there are no elements to choose from.

    >>> argmax([1.2, 2.5, 0.9]).item(), argmax([[1.0, 2.0], [4.0, 3.0]], dim=1).tolist()
    (1, [1, 0])
    """
    x = as_value(input, "argmax: input").detach()
    if dim is None:
        if 0 in x.shape:
            raise IndexError(f"argmax: nothing to choose from in shape {x.shape}")
        found = argmax(primitives.reshape(x, shape=(prod(x.shape),)), 0)
        return primitives.reshape(found, shape=(1,) * x.ndim) if keepdim else found
    axis = axis_of(dim, x.ndim, "argmax")
    if x.ndim == 0:
        return Value(0, requires_grad=False)
    _nonempty(x, axis, "argmax")
    found = Value(namespace(x.data).argmax(x.data, axis=axis), requires_grad=False)
    return primitives.reshape(found, shape=primitives.kept(x.shape, (axis,))) if keepdim else found


def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Value:
    """Return the index of the minimum along `dim`, or in the flattened input; the first of ties, nan wins (torch.argmin).

    >>> argmin([1.2, 2.5, 0.9]).item()
    2
    """
    return argmax(-as_value(input, "argmin: input").detach(), dim, keepdim)


@composed
def logsumexp(input: Any, dim: Dim, keepdim: bool = False) -> Value:
    """Return log(sum(exp(x))) over `dim`, an int or a tuple (torch.logsumexp).

    The maximum is subtracted first, so it never overflows. An empty sum is -inf; with inf among the elements it is inf;
    if all are -inf it is -inf, with gradient nan.

    >>> logsumexp([1000.0, 1000.0], dim=0).item()
    1000.6931471805599
    """
    x = as_value(input, "logsumexp: input")
    if dim is None:
        raise TypeError("logsumexp: dim must be an int or a tuple of ints, got None")
    axes = axes_of(dim, x.ndim, "logsumexp")
    if 0 in x.shape:
        return primitives.log(sum(primitives.exp(x), axes, keepdim))
    top = primitives.max(x, axis=axes, keepdims=True)
    xp = namespace(top.data)
    largest = xp.where(top.data > 0, LARGEST, -LARGEST)  # in place of an infinite maximum: inf - inf would be nan
    shift = primitives.where(largest, top, condition=top.data - top.data != 0)
    total = primitives.log(sum(primitives.exp(x - shift), axes, keepdim=True)) + shift
    return total if keepdim else primitives.reshape(total, shape=_without(x.shape, axes))


def _extremes(input: Any, arg: Any, dim: int, keepdim: bool, function: str) -> Extremes:
    x = as_value(input, f"{function}: input")
    axis = axis_of(dim, x.ndim, function)
    if x.ndim == 0:
        return Extremes(x * 1.0, arg(x, axis))
    _nonempty(x, axis, function)
    indices = arg(x, axis, keepdim=True)
    extremes = Extremes(gather(x, axis, indices), indices)
    return extremes if keepdim else Extremes(*(primitives.reshape(e, shape=_without(x.shape, (axis,))) for e in extremes))


def _without(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def _maximum_of_all(input: Any, function: str) -> Value:
    x = as_value(input, f"{function}: input")
    top = primitives.max(x, axis=_nonempty(x, None, function), keepdims=False)
    return top if top == top else mean(x[x != x])  # nan won: all nan elements share the gradient, as in torch


def _nonempty(x: Value, dim: Dim, function: str) -> tuple[int, ...]:
    axes = axes_of(dim, x.ndim, function)
    empty = [axis for axis in axes if x.shape[axis] == 0]
    if empty and (dim is None or dim == ()):
        raise RuntimeError(f"{function}: nothing to choose from in shape {x.shape}; name a dim of size above 0")
    if empty:
        raise IndexError(f"{function}: dim {empty[0]} of shape {x.shape} has size 0, nothing to choose from")
    return axes
