"""Dimension arguments: from what users write to the axes that primitives take."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import prod
from typing import Any, TypeVar

from micrograd_sm.array.strides import Shape

Function = TypeVar("Function", bound=Callable[..., Any])

NUMPYS = {"axis": "dim", "keepdims": "keepdim"}


def numpy_names(function: Function) -> Function:
    """Let a function take `axis=` and `keepdims=` for `dim=` and `keepdim=`, as torch does. TypeError if both are given.

    >>> from micrograd_sm import Value
    >>> Value([[1.0, 2.0]]).sum(axis=1, keepdims=True).tolist()
    [[3.0]]
    """

    @wraps(function)
    def renamed(*args: Any, **options: Any) -> Any:
        return function(*args, **torchs_names(function.__name__, options)) if options else function(*args)

    return renamed  # type: ignore[return-value]


def torchs_names(function: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return keyword arguments with torch's names in place of NumPy's."""
    for theirs, ours in NUMPYS.items():
        if theirs in options and ours in options:
            raise TypeError(f"{function}: {theirs} and {ours} are two names of one argument; give one of them")
    return {NUMPYS.get(name, name): value for name, value in options.items()}


def axis_of(dim: Any, ndim: int, function: str) -> int:
    """Return `dim` counted from 0. A value without dimensions takes 0 and -1, as in torch.

    Raises TypeError if `dim` is not an int, IndexError if there is no such dimension.
    """
    if isinstance(dim, bool) or not hasattr(dim, "__index__"):
        raise TypeError(f"{function}: dim must be an int, got {dim!r}")
    axis, size = dim.__index__(), max(ndim, 1)
    if not -size <= axis < size:
        raise IndexError(f"{function}: dim {axis} is out of range for {ndim} dimensions ({-size}..{size - 1})")
    return axis % size


def axes_of(dim: Any, ndim: int, function: str) -> tuple[int, ...]:
    """Return the axes that a reduction over `dim` combines: all of them for None and ().

    Raises the errors of `axis_of`, and RuntimeError if `dim` names a dimension twice.
    """
    if dim is None:
        return tuple(range(ndim))
    named = [axis_of(each, ndim, function) for each in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    if len(set(named)) < len(named):
        raise RuntimeError(f"{function}: dim {dim} names a dimension twice")
    return tuple(sorted(named or range(ndim))) if ndim else ()


def sizes_of(sizes: tuple, function: str, minimum: int | None = 0) -> Shape:
    """Return sizes as a tuple. They may be separate arguments or one tuple or list: `f(2, 3)` or `f((2, 3))`.

    Raises TypeError if a size is not an int, RuntimeError if a size is below `minimum`, unless that is None.
    """
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    for size in sizes:
        if isinstance(size, bool) or not hasattr(size, "__index__"):
            raise TypeError(f"{function}: sizes are ints, got {size!r} in {sizes}")
        if minimum is not None and size < minimum:
            raise RuntimeError(f"{function}: size {size} in {sizes} is below {minimum}")
    return tuple(size.__index__() for size in sizes)


def inferred(sizes: Shape, shape: Shape) -> Shape:
    """Return `sizes` with a size in place of -1, so that there are as many elements as in `shape`.

    Raises RuntimeError if no size fits, and for a second -1.
    """
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known and prod(shape) % known == 0:
        return tuple(prod(shape) // known if size == -1 else size for size in sizes)
    if -1 in sizes or known != prod(shape):
        raise RuntimeError(f"reshape: shape {shape} with {prod(shape)} elements cannot become {sizes}")
    return sizes
