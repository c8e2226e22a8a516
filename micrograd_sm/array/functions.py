"""The array namespace: functions over numbers and `Array`s, under their array API standard names.

A number counts as an array of no dimensions, so each function takes either; results of shape () are Python numbers.
Axes must be in range: `primitives` and `functional` check what users pass.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from itertools import chain, repeat
from math import prod
from typing import Any

from micrograd_sm.array import ieee, strides
from micrograd_sm.array.core import Array, elementwise
from micrograd_sm.array.parsing import DType, common, convert, parse, type_of, widest
from micrograd_sm.array.strides import Shape, broadcast_shapes

__all__ = [
    "argmax", "asarray", "broadcast_to", "ceil", "computed", "concat", "cos", "divide", "erf", "exp", "flat_of", "floor",
    "floor_divide", "isnan", "log", "log1p", "matmul", "max", "maximum", "permute_dims", "pow", "put", "remainder", "reshape",
    "round", "shape_of", "sin", "sqrt", "sum", "take", "tanh", "tolist", "trunc", "where",
]  # fmt: skip

Axes = tuple[int, ...] | int | None
_sum, _max = builtins.sum, builtins.max  # the names below are the standard's
_sumprod = getattr(math, "sumprod", None)  # Python 3.12 and newer


def asarray(data: Any, dtype: DType | None = None) -> Any:
    """Return nested lists, or an array of any library, as an Array; a number as it is."""
    if type(data) is Array and dtype is None:
        return data
    flat, shape = parse(data)
    dtype = dtype or widest(flat)
    return Array.of(convert(flat, dtype), shape, dtype)


def shape_of(x: Any) -> Shape:
    """Return the shape of a number or array.

    >>> shape_of(2.0), shape_of(Array([1.0]))
    ((), (1,))
    """
    return getattr(x, "shape", ())


def flat_of(x: Any) -> list[Any]:
    """Return the elements of a number or an array, of any library, in row-major order."""
    if type(x) is Array:
        return x.flat
    return computed(x).reshape(-1).tolist() if shape_of(x) else [computed(x)]


def tolist(x: Any) -> Any:
    """Return the elements of an array, of any library, as nested lists; a number as it is."""
    x = computed(x)
    return x.tolist() if hasattr(x, "tolist") else x


def computed(x: Any) -> Any:
    """Return an array that is computed when it is asked for, such as Dask's, computed; others as they are."""
    return x.compute() if hasattr(x, "compute") else x


def _unary(name: str, function: Callable[[float], float]) -> Callable[[Any], Any]:
    def apply(x: Any) -> Any:
        if type(x) is Array:
            return Array.of(ieee.map_floats(function, x.flat), x.shape)
        return function(x)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"Return {name} of each element, with IEEE 754's values at the edges."
    return apply


def _rounding(name: str, function: Callable[[float], float]) -> Callable[[Any], Any]:
    round_floats = _unary(name, function)

    @wraps(round_floats)
    def apply(x: Any) -> Any:
        return round_floats(x) if type_of(x) is float else x  # integers are whole already

    return apply


exp = _unary("exp", ieee.exp)
log = _unary("log", ieee.log)
log1p = _unary("log1p", ieee.log1p)
sqrt = _unary("sqrt", ieee.sqrt)
sin = _unary("sin", ieee.sin)
cos = _unary("cos", ieee.cos)
tanh = _unary("tanh", ieee.tanh)
erf = _unary("erf", ieee.erf)
floor = _rounding("floor", ieee.floor)
ceil = _rounding("ceil", ieee.ceil)
trunc = _rounding("trunc", ieee.trunc)
round = _rounding("round", ieee.round_half_even)


def divide(a: Any, b: Any) -> Any:
    """Return a / b elementwise; 1 / 0 is inf."""
    return elementwise(ieee.divide, a, b)


def floor_divide(a: Any, b: Any) -> Any:
    """Return a // b elementwise; 1.0 // 0.0 is inf, and integers stay integers."""
    return elementwise(ieee.floor_divide, a, b)


def remainder(a: Any, b: Any) -> Any:
    """Return what is left of a // b elementwise, with the sign of b; 1.0 % 0.0 is nan, and integers stay integers."""
    return elementwise(ieee.remainder, a, b)


def pow(a: Any, b: Any) -> Any:
    """Return a ** b elementwise; a negative base with a fractional exponent gives nan. Ints stay ints."""
    return elementwise(ieee.power, a, b)


def maximum(a: Any, b: Any) -> Any:
    """Return the larger of a and b elementwise; nan if either is.

    >>> maximum(Array([-1.0, 2.0]), 0.0)
    Array([0.0, 2.0])
    """
    if type(a) is Array and type(b) is float is a.dtype:
        return Array.of([x if x > b or x != x else b for x in a.flat], a.shape)
    found = elementwise(ieee.maximum, a, b)
    return _of_either(found.flat, found.shape, a, b) if type(found) is Array else found


def where(condition: Any, a: Any, b: Any) -> Any:
    """Return a where the condition holds and b elsewhere, all three broadcast together.

    >>> where(Array([True, False]), 1.0, Array([3.0, 4.0]))
    Array([1.0, 4.0])
    """
    if type(condition) is type(b) is Array and condition.shape == b.shape and type(a) is b.dtype:
        return Array.of([a if holds else y for holds, y in zip(condition.flat, b.flat)], b.shape, b.dtype)  # relu's gradient
    if type(condition) is Array and type(a) is type(b) is not Array:
        return Array.of([a if holds else b for holds in condition.flat], condition.shape, type(a))
    shape = broadcast_shapes(shape_of(condition), shape_of(a), shape_of(b))
    if not shape:
        return common(type(a), type(b))(a if condition else b)
    test, xs, ys = (strides.broadcast(x.flat, x.shape, shape) if type(x) is Array else repeat(x) for x in (condition, a, b))
    return _of_either([x if holds else y for holds, x, y in zip(test, xs, ys, strict=False)], shape, a, b)


def _of_either(flat: list, shape: Shape, a: Any, b: Any) -> Array:
    """Wrap elements of which each is one of a or of b."""
    kinds = {type_of(a), type_of(b)}
    dtype = common(*kinds)
    return Array.of(flat if len(kinds) == 1 else convert(flat, dtype), shape, dtype)


def isnan(x: Any) -> Any:
    """Return whether each element is nan."""
    return elementwise(operator.ne, x, x)


def sum(x: Any, axis: Axes = None, keepdims: bool = False, dtype: DType | None = None) -> Any:
    """Return the sum over `axis`, or of all elements, correctly rounded, so that it does not depend on the order of addition.

    >>> sum(Array([[1.0, 2.0], [3.0, 4.0]]), axis=(0,))
    Array([4.0, 6.0])
    """
    if type(x) is not Array:
        return x if dtype is None else dtype(x)
    x = x if dtype is None else x.astype(dtype)
    return _reduce(_total if x.dtype is float else _sum, x, axis, keepdims, int if x.dtype is bool else x.dtype)


def _total(group: list[float]) -> float:
    try:
        return math.fsum(group)
    except (OverflowError, ValueError):  # a sum beyond 1.8e308, or inf - inf: IEEE 754 has an answer
        return _sum(group, 0.0)


def max(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the maximum over `axis`, or of all elements, which must not be empty; nan if an element is nan.

    >>> max(Array([[1.0, float("nan")], [3.0, 4.0]]), axis=(1,))
    Array([nan, 4.0])
    """
    return x if type(x) is not Array else _reduce(_largest, x, axis, keepdims, x.dtype)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the index of the first maximum along an axis, or in row-major order; nan counts as the largest.

    >>> argmax(Array([[1.0, 5.0, 5.0]]), axis=1)
    Array([1])
    """
    return 0 if type(x) is not Array else _reduce(_first_largest, x, axis, keepdims, int)


def _reduce(function: Callable[[list], Any], x: Array, axis: Axes, keepdims: bool, dtype: DType) -> Any:
    if not isinstance(axis, tuple):
        axis = tuple(range(x.ndim)) if axis is None else (axis,)
    if len(axis) == x.ndim and not keepdims:
        return function(x.flat)
    if axis and min(axis) < 0:
        axis = tuple(each % x.ndim for each in axis)
    flat = list(map(function, strides.groups(x.flat, x.shape, axis)))
    sizes = ((1 if k in axis else size) for k, size in enumerate(x.shape) if keepdims or k not in axis)
    return Array.of(flat, tuple(sizes), dtype)


def _largest(group: list) -> Any:
    """Return the maximum of a list, or its first nan, which Python's max can miss and a sum cannot."""
    total = _sum(group)
    return _max(group) if total == total else next((x for x in group if x != x), _max(group))


def _first_largest(group: list) -> int:
    x = _largest(group)
    return group.index(x) if x == x else next(index for index, y in enumerate(group) if y != y)


def matmul(a: Any, b: Any) -> Any:
    """Return the matrix product over the last two axes, (..., n, k) @ (..., k, m), leading axes broadcast.

    >>> matmul(Array([[1.0, 2.0]]), Array([[3.0], [4.0]]))
    Array([[11.0]])
    """
    (n, k), m = a.shape[-2:], b.shape[-1]
    dtype = float if float in (a.dtype, b.dtype) else int
    if k == 0:
        return broadcast_to(dtype(0), (*broadcast_shapes(a.shape[:-2], b.shape[:-2]), n, m))
    if a.ndim == b.ndim == 2:
        return Array.of(_product(a.flat, b.flat, n, k, m), (n, m), dtype)
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    xs = strides.broadcast(a.flat, a.shape, (*batch, n, k))
    ys = strides.broadcast(b.flat, b.shape, (*batch, k, m))
    products = (_product(xs[i * n * k : (i + 1) * n * k], ys[i * k * m : (i + 1) * k * m], n, k, m) for i in range(prod(batch)))
    return Array.of(list(chain.from_iterable(products)), (*batch, n, m), dtype)


def _product(xs: list, ys: list, n: int, k: int, m: int) -> list:
    """Multiply a flat (n, k) matrix by a flat (k, m) one: rows by columns."""
    rows = [xs[start : start + k] for start in range(0, n * k, k)]
    columns = [ys[column::m] for column in range(m)]
    if _sumprod and k > 16:
        return [_sumprod(row, column) for row in rows for column in columns]
    if k <= 256:
        return _unrolled_product(k)(rows, columns)
    return [_sum(map(operator.mul, row, column)) for row in rows for column in columns]


@lru_cache(maxsize=512)
def _unrolled_product(k: int) -> Callable[[list, list], list[float]]:
    """Write out the dot product of length k, as `r0*c0 + r1*c1 + ...`, for every row and column.

    CPython 3.11 runs these adaptive float instructions in half the time of `sum(map(mul, row, column))`.
    """
    row, column = ([f"{side}{i}" for i in range(k)] for side in "rc")
    terms = " + ".join(f"{r}*{c}" for r, c in zip(row, column, strict=True))
    source = f"lambda rows, columns: [{terms} for {','.join(row)}, in rows for {','.join(column)}, in columns]"
    return eval(source)


def reshape(x: Any, shape: Shape) -> Any:
    """Return the same elements in row-major order under another shape of the same size; one -1 in it is what is left.

    >>> reshape(Array([1.0, 2.0]), (2, 1)), reshape(5.0, (1,)), reshape(Array([5.0]), ())
    (Array([[1.0], [2.0]]), Array([5.0]), 5.0)
    """
    flat, dtype = (x.flat, x.dtype) if type(x) is Array else ([x], type(x))
    if -1 in shape:
        shape = tuple(len(flat) // -prod(shape) if size == -1 else size for size in shape)
    return Array.of(flat, shape, dtype)


def permute_dims(x: Any, axes: Sequence[int]) -> Any:
    """Return the array with its axes in another order."""
    if type(x) is not Array:
        return x
    return Array.of(strides.permute(x.flat, x.shape, axes), tuple(x.shape[axis] for axis in axes), x.dtype)


def broadcast_to(x: Any, shape: Shape) -> Any:
    """Return the array repeated to fill `shape`."""
    if type(x) is Array:
        return Array.of(strides.broadcast(x.flat, x.shape, shape), shape, x.dtype)
    return Array.of([x] * prod(shape), shape, type(x))


def concat(arrays: Sequence[Any], axis: int | None = 0) -> Array:
    """Return the arrays joined along an axis, along which alone their sizes may differ; flattened first if it is None."""
    if axis is None:
        arrays, axis = [reshape(x, (prod(shape_of(x)),)) for x in arrays], 0
    axis %= arrays[0].ndim
    outer = prod(arrays[0].shape[:axis])
    widths = [prod(array.shape[axis:]) for array in arrays]
    blocks = [
        array.flat[k * width : (k + 1) * width] for k in range(outer) for array, width in zip(arrays, widths, strict=True)
    ]
    shape = (*arrays[0].shape[:axis], _sum(array.shape[axis] for array in arrays), *arrays[0].shape[axis + 1 :])
    kinds = {array.dtype for array in arrays}
    flat, dtype = list(chain.from_iterable(blocks)), common(*kinds)
    return Array.of(flat if len(kinds) == 1 else convert(flat, dtype), shape, dtype)


def take(x: Any, positions: list[int], shape: Shape) -> Any:
    """Return the elements at flat positions, as an array of `shape`."""
    flat, dtype = (x.flat, x.dtype) if type(x) is Array else ([x], type(x))
    return Array.of(list(map(flat.__getitem__, positions)), shape, dtype)


def put(x: Any, positions: list[int], shape: Shape) -> Any:
    """Return zeros of `shape` with the elements of x added at flat positions: the transpose of `take`."""
    elements, dtype = (x.flat, x.dtype) if type(x) is Array else ([x], type(x))
    flat = [dtype(0)] * prod(shape)
    for position, element in zip(positions, elements, strict=True):
        flat[position] += element
    return Array.of(flat, shape, dtype)
