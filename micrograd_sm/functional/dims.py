"""Dimension arguments: what people write, to axes that primitives take."""

from __future__ import annotations

from math import prod
from typing import Any

from micrograd_sm.array.strides import Shape


def axis_of(dim: Any, ndim: int, function: str) -> int:
    """Return `dim` counted from 0; a value of no dimensions takes 0 and -1, as torch's does.

    Raises TypeError for what is not an int and IndexError where there is no such dimension.

    >>> axis_of(-1, 3, "softmax"), axis_of(-1, 0, "softmax")
    (2, 0)
    """
    if isinstance(dim, bool) or not hasattr(dim, "__index__"):
        raise TypeError(f"{function}: dim must be an int, got {dim!r}")
    axis, size = dim.__index__(), max(ndim, 1)
    if not -size <= axis < size:
        raise IndexError(f"{function}: dim {axis} is out of range for {ndim} dimensions ({-size}..{size - 1})")
    return axis % size


def axes_of(dim: Any, ndim: int, function: str) -> tuple[int, ...]:
    """Return the axes that a reduction over `dim` combines: all for None and (), those of an int or a tuple.

    Raises TypeError and IndexError as `axis_of`, RuntimeError for a dimension named twice.

    >>> axes_of(None, 2, "sum"), axes_of(-1, 2, "sum"), axes_of((1, 0), 2, "sum"), axes_of(0, 0, "sum")
    ((0, 1), (1,), (0, 1), ())
    """
    if dim is None:
        return tuple(range(ndim))
    named = [axis_of(one, ndim, function) for one in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    if len(set(named)) < len(named):
        raise RuntimeError(f"{function}: dim {dim} names a dimension twice")
    return tuple(sorted(named or range(ndim))) if ndim else ()


def sizes_of(sizes: tuple, function: str, minimum: int = 0) -> Shape:
    """Return sizes given one by one or as one tuple or list: `f(2, 3)` and `f((2, 3))` mean the same.

    Raises TypeError for what is not an int, RuntimeError for a size below `minimum`.

    >>> sizes_of((2, 3), "zeros"), sizes_of(([2, 3],), "zeros"), sizes_of((), "zeros")
    ((2, 3), (2, 3), ())
    """
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    for size in sizes:
        if isinstance(size, bool) or not hasattr(size, "__index__"):
            raise TypeError(f"{function}: sizes are ints, got {size!r} in {sizes}")
        if size < minimum:
            raise RuntimeError(f"{function}: size {size} in {sizes} is below {minimum}")
    return tuple(size.__index__() for size in sizes)


def inferred(sizes: Shape, shape: Shape) -> Shape:
    """Return `sizes` with a -1 replaced by what makes it hold as many elements as `shape`.

    Raises RuntimeError when it cannot, or for a second -1.

    >>> inferred((-1, 2), (2, 3))
    (3, 2)
    """
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known and prod(shape) % known == 0:
        return tuple(prod(shape) // known if size == -1 else size for size in sizes)
    if -1 in sizes or known != prod(shape):
        raise RuntimeError(f"reshape: shape {shape} with {prod(shape)} elements cannot become {sizes}")
    return sizes
