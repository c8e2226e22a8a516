"""Reductions of many elements to one, over all dimensions or over some."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from micrograd_sm import primitives
from micrograd_sm.array import Array, namespace
from micrograd_sm.array.functions import flat_of
from micrograd_sm.array.storage import is_lazy, largest_of, may_hold
from micrograd_sm.array.strides import groups
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axes_of, axis_of, numpy_names
from micrograd_sm.functional.kinds import counted, floats, like
from micrograd_sm.functional.pointwise import maximum, minimum
from micrograd_sm.functional.selection import gather
from micrograd_sm.mode import composed

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "logsumexp", "max", "mean", "min", "prod", "std",
    "std_mean", "sum", "var", "var_mean",
]  # fmt: skip


Dim = int | tuple[int, ...] | None


class Extremes(NamedTuple):
    """The values that `max(input, dim)` found, and their indices."""

    values: Value
    indices: Value


@numpy_names
def sum(input: Any, dim: Dim = None, keepdim: bool = False) -> Value:
    """Return the sum over `dim`, an int or a tuple, by default over all. An empty sum is 0; bools are counted (torch.sum).

    >>> sum([[1.0, 2.0], [3.0, 4.0]], dim=0).tolist(), sum([[1.0, 2.0], [3.0, 4.0]]).item()
    ([4.0, 6.0], 10.0)
    """
    x = counted(as_value(input, "sum: input"))
    return primitives.sum(x, axis=axes_of(dim, x.ndim, "sum"), keepdims=bool(keepdim))


@numpy_names
@composed
def mean(input: Any, dim: Dim = None, keepdim: bool = False) -> Value:
    """Return the mean over `dim`, an int or a tuple, by default over all. An empty mean is nan (torch.mean).

    Raises RuntimeError for a Value of ints or bools, as torch does.

    >>> mean([[1.0, 2.0], [3.0, 4.0]], dim=1).tolist()
    [1.5, 3.5]
    """
    x = floats(input, "mean: input")
    axes = axes_of(dim, x.ndim, "mean")
    return sum(x, axes, keepdim) / float(math.prod(x.shape[axis] for axis in axes)) if x.ndim else x / 1.0


@numpy_names
@composed
def prod(input: Any, dim: int | None = None, keepdim: bool = False) -> Value:
    """Return the product along `dim`, by default of all elements. An empty product is 1 (torch.prod).

    Composed as products of two halves, of their halves, and so on: so the gradient is right where elements are 0, too.

    >>> x = Value([2.0, 0.0, 4.0])
    >>> prod(x).backward()
    >>> x.grad.tolist()
    [0.0, 8.0, 0.0]
    """
    x = counted(as_value(input, "prod: input"))
    axis = 0 if dim is None else axis_of(dim, x.ndim, "prod")
    shape = _reduced(x.shape, tuple(range(x.ndim)) if dim is None else (axis,), keepdim and dim is not None)
    if dim is None or not x.ndim:
        x = primitives.reshape(x, shape=(math.prod(x.shape),))
    if x.shape[axis] == 0:
        return primitives.reshape(primitives.sum(x, axis=(axis,), keepdims=False), shape=shape) + like(1, x)
    if x.shape[axis] == 1:
        x = x * like(1, x)  # a result of its own, not a view of the input
    before = (slice(None),) * axis
    while (size := x.shape[axis]) > 1:
        half = size // 2
        product = x[(*before, slice(half))] * x[(*before, slice(half, 2 * half))]
        x = primitives.cat(product, x[(*before, slice(2 * half, None))], axis=axis) if size % 2 else product
    return primitives.reshape(x, shape=shape)


@numpy_names
@composed
def var(
    input: Any, dim: Dim | bool = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Value:
    """Return the variance over `dim`, an int or a tuple, by default over all: sum((x - mean)**2) / (N - 1) (torch.var).

    `correction` is what is subtracted from N, 1 by default; `unbiased=False` is correction 0. If nothing is left of N, the
    variance is nan or inf, as torch's. Raises TypeError for both, RuntimeError for a Value of ints or bools.

    >>> var([1.0, 3.0]).item(), var([1.0, 3.0], correction=0).item()
    (2.0, 1.0)
    """
    return _variance(input, dim, unbiased, keepdim, correction, "var")


@numpy_names
@composed
def std(
    input: Any, dim: Dim | bool = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Value:
    """Return the standard deviation, the square root of `var`; where it is 0, its derivative is 0 (torch.std).

    >>> std([1.0, 3.0], correction=0).item()
    1.0
    """
    return root(_variance(input, dim, unbiased, keepdim, correction, "std"))


@numpy_names
def var_mean(
    input: Any, dim: Dim | bool = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> tuple[Value, Value]:
    """Return `var` and `mean` over `dim` (torch.var_mean).

    >>> [part.item() for part in var_mean([1.0, 3.0])]
    [2.0, 2.0]
    """
    over = None if isinstance(dim, bool) else dim
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, over, keepdim)


@numpy_names
def std_mean(
    input: Any, dim: Dim | bool = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> tuple[Value, Value]:
    """Return `std` and `mean` over `dim` (torch.std_mean).

    >>> [part.item() for part in std_mean([1.0, 3.0], correction=0)]
    [1.0, 2.0]
    """
    over = None if isinstance(dim, bool) else dim
    return std(input, dim, unbiased, keepdim, correction=correction), mean(input, over, keepdim)


def _variance(input: Any, dim: Any, unbiased: Any, keepdim: bool, correction: float | None, function: str) -> Value:
    if isinstance(dim, bool):  # torch's x.var(False)
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{function}: unbiased={unbiased} and correction={correction} say the same; give one of them")
    x = floats(input, f"{function}: input")
    axes = axes_of(dim, x.ndim, function)
    count = math.prod(x.shape[axis] for axis in axes)
    less = correction if correction is not None else 0 if unbiased is False else 1
    total = sum((x - mean(x, axes, keepdim=True)) ** 2, axes, keepdim)
    return total / builtins.max(0.0, float(count - less))


def root(x: Value, exponent: float = 0.5) -> Value:
    """Return x ** exponent of a sum that is never negative; where it is 0, its derivative is 0, as in torch's norm."""
    zero = x.data == 0
    if not may_hold(zero):
        return x**exponent
    return primitives.where(0.0, primitives.where(1.0, x, condition=zero) ** exponent, condition=zero)


@numpy_names
def all(input: Any, dim: Dim = None, keepdim: bool = False) -> Value:
    """Return whether all elements over `dim` are true, or not 0; of none it is True (torch.all).

    >>> all([[True, False], [True, True]], dim=1).tolist()
    [False, True]
    """
    return _told(builtins.all, input, dim, keepdim, "all", bool)


@numpy_names
def any(input: Any, dim: Dim = None, keepdim: bool = False) -> Value:
    """Return whether any element over `dim` is true, or not 0; of none it is False (torch.any).

    >>> x = Value([1.0, float("nan")])
    >>> any(x != x).item()
    True
    """
    return _told(builtins.any, input, dim, keepdim, "any", bool)


@numpy_names
def count_nonzero(input: Any, dim: Dim = None) -> Value:
    """Return how many elements over `dim` are not 0 (torch.count_nonzero).

    >>> count_nonzero([1.0, 0.0, 2.0]).item()
    2
    """
    return _told(lambda group: len(group) - group.count(0), input, None if dim == () else dim, False, "count_nonzero", int)


def _told(function: Callable, input: Any, dim: Dim, keepdim: bool, name: str, dtype: type) -> Value:
    """Return what a function of a list says of the elements over `dim`; as in torch, over none of them if `dim` is ()."""
    x = as_value(input, f"{name}: input")
    axes = () if dim == () else axes_of(dim, x.ndim, name)
    told = list(map(function, groups(flat_of(x.data), x.shape, axes)))
    return Value(Array.of(told, _reduced(x.shape, axes, keepdim), dtype), requires_grad=False)


@numpy_names
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


@numpy_names
@composed
def amin(input: Any, dim: Dim = (), keepdim: bool = False) -> Value:
    """Return the minimum over `dim`, an int or a tuple; ties share the gradient evenly, nan wins (torch.amin).

    >>> amin([[3.0, 1.0], [2.0, 5.0]], dim=1).tolist()
    [1.0, 2.0]
    """
    x = as_value(input, "amin: input")
    return -primitives.max(-x, axis=_nonempty(x, dim, "amin"), keepdims=bool(keepdim))


@numpy_names
def max(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the maximum of all elements, or if `dim` is not None (values, indices) along it (torch.max).

    Without dim, ties share the gradient evenly; with dim, the first of them takes all of it. nan wins. If a Value takes
    dim's place, it is `maximum(input, other)`.

    >>> max([[1.0, 5.0], [7.0, 7.0]], dim=1)
    Extremes(values=Value([5., 7.], requires_grad=False), indices=Value([1, 0], requires_grad=False))
    """
    if isinstance(dim, (Value, Array)):
        return maximum(input, dim)
    return _maximum_of_all(input, "max") if dim is None else _extremes(input, argmax, dim, keepdim, "max")


@numpy_names
def min(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the minimum of all elements, or if `dim` is not None (values, indices) along it (torch.min).

    If a Value takes dim's place, it is `minimum(input, other)`.

    >>> min([4.0, 2.0]).item()
    2.0
    """
    if isinstance(dim, (Value, Array)):
        return minimum(input, dim)
    if dim is None:
        return -_maximum_of_all(-as_value(input, "min: input"), "min")
    return _extremes(input, argmin, dim, keepdim, "min")


@numpy_names
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
        found = argmax(primitives.reshape(x, shape=(math.prod(x.shape),)), 0)
        return primitives.reshape(found, shape=(1,) * x.ndim) if keepdim else found
    axis = axis_of(dim, x.ndim, "argmax")
    if x.ndim == 0:
        return Value(0, requires_grad=False)
    _nonempty(x, axis, "argmax")
    found = Value(namespace(x.data).argmax(x.data, axis=axis), requires_grad=False)
    return primitives.reshape(found, shape=primitives.kept(x.shape, (axis,))) if keepdim else found


@numpy_names
def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Value:
    """Return the index of the minimum along `dim`, or in the flattened input; the first of ties, nan wins (torch.argmin).

    >>> argmin([1.2, 2.5, 0.9]).item()
    2
    """
    return argmax(-as_value(input, "argmin: input").detach(), dim, keepdim)


@numpy_names
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
    bound = largest_of(top.data)
    largest = xp.where(top.data > 0, bound, -bound)  # in place of an infinite maximum: inf - inf would be nan
    shift = primitives.where(largest, top, condition=top.data - top.data != 0)
    total = primitives.log(sum(primitives.exp(x - shift), axes, keepdim=True)) + shift
    return total if keepdim else primitives.reshape(total, shape=_without(x.shape, axes))


def _extremes(input: Any, arg: Any, dim: int, keepdim: bool, function: str) -> Extremes:
    x = as_value(input, f"{function}: input")
    axis = axis_of(dim, x.ndim, function)
    if x.ndim == 0:
        return Extremes(x * 1, arg(x, axis))
    _nonempty(x, axis, function)
    indices = arg(x, axis, keepdim=True)
    extremes = Extremes(gather(x, axis, indices), indices)
    return extremes if keepdim else Extremes(*(primitives.reshape(e, shape=_without(x.shape, (axis,))) for e in extremes))


def _without(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def _reduced(shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    return primitives.kept(shape, axes) if keepdim else _without(shape, axes)


def _maximum_of_all(input: Any, function: str) -> Value:
    x = as_value(input, f"{function}: input")
    top = primitives.max(x, axis=_nonempty(x, None, function), keepdims=False)
    if is_lazy(top.data) or top == top:
        return top
    return mean(x[x != x])  # nan won: all nan elements share the gradient, as in torch


def _nonempty(x: Value, dim: Dim, function: str) -> tuple[int, ...]:
    axes = axes_of(dim, x.ndim, function)
    empty = [axis for axis in axes if x.shape[axis] == 0]
    if empty and (dim is None or dim == ()):
        raise RuntimeError(f"{function}: nothing to choose from in shape {x.shape}; name a dim of size above 0")
    if empty:
        raise IndexError(f"{function}: dim {empty[0]} of shape {x.shape} has size 0, nothing to choose from")
    return axes
