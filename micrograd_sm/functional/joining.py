"""Values joined into one, and one split into several."""

from __future__ import annotations

import math
import operator
from itertools import accumulate
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array
from micrograd_sm.array.storage import like_storage
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axis_of, numpy_names, sizes_of
from micrograd_sm.functional.kinds import kind_of
from micrograd_sm.functional.selection import narrow
from micrograd_sm.functional.shaping import expand, reshape, unsqueeze
from micrograd_sm.mode import composed

__all__ = ["cat", "chunk", "concat", "concatenate", "hstack", "meshgrid", "pad", "split", "stack", "unbind", "vstack"]


@numpy_names
def cat(tensors: Any, dim: int = 0) -> Value:
    """Return the tensors joined along one of their dimensions (torch.cat).

    Raises ValueError for an empty list, RuntimeError if other sizes differ or if one is a number.

    >>> cat([[1.0, 2.0], Value([3.0])]).tolist()
    [1.0, 2.0, 3.0]
    """
    values = _values(tensors, "cat", ValueError)
    shapes = [value.shape for value in values]
    if () in shapes:
        raise RuntimeError("cat: a number has no dimension to join along; use stack")
    like = next((shape for shape in shapes if shape != (0,)), (0,))
    axis = axis_of(dim, len(like), "cat")
    nothing = (*like[:axis], 0, *like[axis + 1 :])  # torch lets an empty list join anything
    values = [reshape(value, nothing) if value.shape == (0,) != nothing else value for value in values]
    if len({(*value.shape[:axis], value.ndim, *value.shape[axis + 1 :]) for value in values}) > 1:
        raise RuntimeError(f"cat: shapes {' and '.join(map(str, shapes))} must be equal but for dimension {axis}")
    return primitives.cat(*values, axis=axis)


concat = concatenate = cat


@numpy_names
@composed
def stack(tensors: Any, dim: int = 0) -> Value:
    """Return tensors of one shape joined along a new dimension (torch.stack).

    Raises RuntimeError for an empty list and for shapes that differ.

    >>> stack([Value(1.0), Value(2.0)]).tolist()
    [1.0, 2.0]
    """
    values = _values(tensors, "stack", RuntimeError)
    shapes = {value.shape for value in values}
    if len(shapes) > 1:
        raise RuntimeError(f"stack: shapes {' and '.join(map(str, sorted(shapes)))} must be equal")
    axis = axis_of(dim, values[0].ndim + 1, "stack")
    return primitives.cat(*(unsqueeze(value, axis) for value in values), axis=axis)


@composed
def hstack(tensors: Any) -> Value:
    """Return the tensors side by side: joined along dimension 1, or along 0 if they are vectors or numbers (torch.hstack).

    >>> hstack([Value([1.0, 2.0]), Value(3.0)]).tolist()
    [1.0, 2.0, 3.0]
    """
    values = [reshape(value, 1) if not value.ndim else value for value in _values(tensors, "hstack", RuntimeError)]
    return cat(values, 0 if values[0].ndim == 1 else 1)


@composed
def vstack(tensors: Any) -> Value:
    """Return the tensors one above the other: vectors and numbers as rows, joined along dimension 0 (torch.vstack).

    >>> vstack([Value([1.0, 2.0]), Value([3.0, 4.0])]).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    values = _values(tensors, "vstack", RuntimeError)
    return cat([reshape(value, 1, *(value.shape or (1,))) if value.ndim < 2 else value for value in values])


@numpy_names
def unbind(input: Any, dim: int = 0) -> tuple[Value, ...]:
    """Return the slices along a dimension, without it (torch.unbind).

    >>> first, second = unbind(Value([[1, 2], [3, 4]]), 1)
    >>> second.tolist()
    [2.0, 4.0]
    """
    x = as_value(input, "unbind: input")
    if not x.ndim:
        raise IndexError("unbind: a number has no dimension to take apart")
    axis = axis_of(dim, x.ndim, "unbind")
    return tuple(x[(slice(None),) * axis + (index,)] for index in range(x.shape[axis]))


@numpy_names
def split(input: Any, split_size_or_sections: int | list[int] | tuple[int, ...], dim: int = 0) -> tuple[Value, ...]:
    """Return the parts along a dimension: of one size, the last may be smaller, or of these sizes (torch.split).

    Raises RuntimeError if the sizes do not add up to that of `dim`, for a size below 0 and for a number.

    >>> [part.tolist() for part in split(Value([1, 2, 3]), 2)], [part.tolist() for part in split(Value([1, 2, 3]), [1, 2])]
    ([[1.0, 2.0], [3.0]], [[1.0], [2.0, 3.0]])
    """
    x = as_value(input, "split: input")
    sizes = sizes_of((split_size_or_sections,), "split")
    if not x.ndim:
        raise RuntimeError("split: a number has no dimension to split along")
    axis = axis_of(dim, x.ndim, "split")
    size = x.shape[axis]
    if not isinstance(split_size_or_sections, (tuple, list)):
        step = sizes[0]
        if not step and size:
            raise RuntimeError(f"split: parts of size 0 do not make up dimension {axis} of shape {x.shape}")
        sizes = tuple(min(step, size - start) for start in range(0, size, step)) if size else (0,)
    if sum(sizes) != size:
        raise RuntimeError(f"split: sizes {sizes} must add up to dimension {axis} of shape {x.shape}")
    ends = list(accumulate(sizes))
    before = (slice(None),) * axis
    return tuple(x[(*before, slice(end - part, end))] for end, part in zip(ends, sizes, strict=True))


@numpy_names
def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Value, ...]:
    """Return at most `chunks` parts along a dimension, all of one size but the last, which may be smaller (torch.chunk).

    >>> [part.tolist() for part in chunk(Value([1, 2, 3]), 2)]
    [[1.0, 2.0], [3.0]]
    """
    x = as_value(input, "chunk: input")
    (count,) = sizes_of((chunks,), "chunk", minimum=1)
    if not x.ndim:
        raise RuntimeError("chunk: a number has no dimension to split along")
    size = x.shape[axis_of(dim, x.ndim, "chunk")]
    return split(x, -(-size // count) if size else [0] * count, dim)


@composed
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Value, ...]:
    """Return the coordinates of all points of a grid: vectors of n, m, ... to as many (n, m, ...) (torch.meshgrid).

    With `indexing="xy"`, the first two dimensions are swapped. Raises RuntimeError for other than vectors and numbers.

    >>> x, y = meshgrid(Value([1, 2]), Value([3, 4, 5]))
    >>> y.tolist()
    [[3.0, 4.0, 5.0], [3.0, 4.0, 5.0]]
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) and not isinstance([*tensors[0], 0.0][0], (int, float)):
        tensors = tuple(tensors[0])
    values = [reshape(value, 1) if not value.ndim else value for value in _values(tensors, "meshgrid", RuntimeError)]
    if wrong := [value.shape for value in values if value.ndim > 1]:
        raise RuntimeError(f"meshgrid: needs vectors, got shape {wrong[0]}")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    places = list(range(len(values)))
    if indexing == "xy" and len(values) > 1:
        places[:2] = [1, 0]
    ahead = [(1,) * place + value.shape + (1,) * (len(values) - 1 - place) for place, value in zip(places, values, strict=True)]
    full = tuple(map(max, *ahead)) if len(ahead) > 1 else ahead[0]
    return tuple(expand(reshape(value, shape), full) for value, shape in zip(values, ahead, strict=True))


def _values(tensors: Any, function: str, when_empty: type[Exception]) -> list[Value]:
    if not isinstance(tensors, (list, tuple, Value)):
        raise TypeError(f"{function}: expected a list or tuple of Values, got {type(tensors).__name__}")
    if not len(tensors):
        raise when_empty(f"{function}: expected at least one Value, got an empty {type(tensors).__name__}")
    return [as_value(x, f"{function}: tensors") for x in tensors]


@composed
def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Value:
    """Return the input with constants around it; `pad` has (before, after) for the last dimension, then the one before it, ...

    A negative number takes elements away. The constant is 0 by default. Raises RuntimeError for an odd number of sizes, for
    more than the dimensions have, and if less than nothing is left, NotImplementedError for another mode.
    Source: torch.nn.functional.pad.

    >>> pad([1.0, 2.0], (2, 1)).tolist(), pad([[1.0, 2.0]], (0, -1, 1, 0), value=5.0).tolist()
    ([0.0, 0.0, 1.0, 2.0, 0.0], [[5.0], [1.0]])
    """
    x, sizes = as_value(input, "pad: input"), [operator.index(size) for size in pad]
    if mode != "constant":
        raise NotImplementedError(f"pad: mode {mode!r} cannot be had, only 'constant'; join slices of the input with cat")
    if len(sizes) % 2 or len(sizes) > 2 * x.ndim:
        raise RuntimeError(f"pad: needs (before, after) for at most {x.ndim} dimensions of shape {x.shape}, got {pad}")
    for place in range(0, len(sizes), 2):
        axis, (before, after) = x.ndim - 1 - place // 2, sizes[place : place + 2]
        if x.shape[axis] + before + after < 0:
            raise RuntimeError(f"pad: {before} before and {after} after leave less than nothing of {x.shape[axis]} elements")
        x = narrow(x, axis, max(-before, 0), x.shape[axis] + min(before, 0) + min(after, 0)) if min(before, after) < 0 else x
        if max(before, after) > 0:
            sides = [_constant_beside(x, axis, max(size, 0), value or 0) for size in (before, after)]
            x = primitives.cat(sides[0], x, sides[1], axis=axis)
    return x


def _constant_beside(x: Value, axis: int, size: int, number: float) -> Value:
    shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
    kind = kind_of(x)
    return Value(like_storage(Array.of([kind(number)] * math.prod(shape), shape, kind), x.data), requires_grad=False)
