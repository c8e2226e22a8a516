"""Shapes: the same elements in another shape or order, or repeated."""

from __future__ import annotations

from math import prod
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array.strides import Shape, broadcast_shapes
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axes_of, axis_of, inferred, numpy_names, sizes_of
from micrograd_sm.functional.selection import integers, picked, shortened
from micrograd_sm.mode import composed

__all__ = [
    "broadcast_tensors", "broadcast_to", "expand", "expand_as", "flatten", "flip", "movedim", "permute", "repeat",
    "repeat_interleave", "reshape", "reshape_as", "roll", "squeeze", "swapaxes", "t", "tile", "transpose", "unflatten",
    "unsqueeze", "view", "view_as",
]  # fmt: skip


def reshape(input: Any, *shape: Any) -> Value:
    """Return the same elements, in row-major order, with another shape; one size may be -1 (torch.reshape).

    Raises RuntimeError if the product of the sizes is not the number of elements.

    >>> reshape(Value([[1, 2, 3], [4, 5, 6]]), (3, -1)).tolist()
    [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    """
    x = as_value(input, "reshape: input")
    return primitives.reshape(x, shape=inferred(sizes_of(shape, "reshape", minimum=-1), x.shape))


def view(input: Any, *shape: Any) -> Value:
    """Return reshape's result (torch.Tensor.view). Nothing shares memory here, so it refuses only what reshape does.

    >>> Value([[1, 2], [3, 4]]).view(-1).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    return reshape(input, *shape)


def view_as(input: Any, other: Any) -> Value:
    """Return the same elements in the shape of another Value (torch.Tensor.view_as).

    >>> Value([1, 2]).view_as(Value([[0], [0]])).shape
    (2, 1)
    """
    return reshape(input, as_value(other, "view_as: other").shape)


def reshape_as(input: Any, other: Any) -> Value:
    """Return the same elements in the shape of another Value (torch.Tensor.reshape_as).

    >>> Value([1, 2]).reshape_as(Value([[0], [0]])).shape
    (2, 1)
    """
    return reshape(input, as_value(other, "reshape_as: other").shape)


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Value:
    """Return the input with its dimensions from start_dim to end_dim as one; a number becomes (1) (torch.flatten).

    Raises RuntimeError if start_dim comes after end_dim.

    >>> flatten(Value([[[1, 2], [3, 4]]]), 1).tolist()
    [[1.0, 2.0, 3.0, 4.0]]
    """
    x = as_value(input, "flatten: input")
    first, last = axis_of(start_dim, x.ndim, "flatten"), axis_of(end_dim, x.ndim, "flatten")
    if first > last:
        raise RuntimeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim} in shape {x.shape}")
    return primitives.reshape(x, shape=(*x.shape[:first], prod(x.shape[first : last + 1]), *x.shape[last + 1 :]))


@numpy_names
def unflatten(input: Any, dim: int, sizes: Any) -> Value:
    """Return the input with several dimensions in place of one; a size may be -1 (torch.unflatten).

    Raises RuntimeError unless the product of the sizes is the size of `dim`.

    >>> unflatten(Value([1, 2, 3, 4]), 0, (2, -1)).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    x = as_value(input, "unflatten: input")
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(f"unflatten: sizes must be a tuple of ints, got {sizes!r}")
    axis = axis_of(dim, x.ndim, "unflatten")
    if not sizes or not x.ndim:
        raise RuntimeError(f"unflatten: shape {x.shape} and sizes {sizes}: there must be a dimension, and sizes for it")
    parts = inferred(sizes_of(tuple(sizes), "unflatten", minimum=-1), (x.shape[axis],))
    return primitives.reshape(x, shape=(*x.shape[:axis], *parts, *x.shape[axis + 1 :]))


def permute(input: Any, *dims: Any) -> Value:
    """Return the input with its dimensions in the order of `dims` (torch.permute).

    Raises RuntimeError unless `dims` names each dimension once.

    >>> permute(Value([[1, 2, 3]]), (1, 0)).shape
    (3, 1)
    """
    x = as_value(input, "permute: input")
    named = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    order = tuple(axis_of(dim, x.ndim, "permute") for dim in named)
    if sorted(order) != list(range(x.ndim)):
        raise RuntimeError(f"permute: dims {tuple(named)} must name each of the {x.ndim} dimensions of shape {x.shape} once")
    return primitives.permute(x, order=order)


def transpose(input: Any, dim0: int, dim1: int) -> Value:
    """Return the input with two dimensions swapped (torch.transpose).

    >>> transpose(Value([[1, 2, 3]]), 0, 1).shape
    (3, 1)
    """
    x = as_value(input, "transpose: input")
    a, b = axis_of(dim0, x.ndim, "transpose"), axis_of(dim1, x.ndim, "transpose")
    order = list(range(x.ndim))
    if order:
        order[a], order[b] = order[b], order[a]
    return primitives.permute(x, order=tuple(order))


def swapaxes(input: Any, axis0: int, axis1: int) -> Value:
    """Return the input with two dimensions swapped: transpose, by NumPy's name (torch.swapaxes).

    >>> swapaxes(Value([[1, 2, 3]]), 0, 1).shape
    (3, 1)
    """
    return transpose(input, axis0, axis1)


def t(input: Any) -> Value:
    """Return a matrix transposed; a vector or a number as it is (torch.t).

    Raises RuntimeError for more than two dimensions.

    >>> t(Value([[1, 2, 3]])).shape
    (3, 1)
    """
    x = as_value(input, "t: input")
    if x.ndim > 2:
        raise RuntimeError(f"t: needs a matrix, got shape {x.shape}; use permute or transpose")
    return primitives.permute(x, order=tuple(reversed(range(x.ndim))))


def movedim(input: Any, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Value:
    """Return the input with dimensions moved from `source` to `destination`; the others keep their order (torch.movedim).

    Raises RuntimeError if a dimension is named twice, or if there are more of one than of the other.

    >>> movedim(Value([[[1, 2]], [[3, 4]], [[5, 6]]]), 0, -1).shape
    (1, 2, 3)
    """
    x = as_value(input, "movedim: input")
    pairs = [dims if isinstance(dims, (tuple, list)) else (dims,) for dims in (source, destination)]
    start, end = ([axis_of(dim, x.ndim, "movedim") for dim in dims] for dims in pairs)
    if len(start) != len(end) or len(set(start)) < len(start) or len(set(end)) < len(end):
        raise RuntimeError(f"movedim: source {source} and destination {destination} must name as many dimensions, each once")
    others = iter([axis for axis in range(x.ndim) if axis not in start])
    moved = dict(zip(end, start, strict=True))
    return primitives.permute(x, order=tuple(moved[axis] if axis in moved else next(others) for axis in range(x.ndim)))


@numpy_names
def squeeze(input: Any, dim: int | tuple[int, ...] | None = None) -> Value:
    """Return the input without its dimensions of size 1: all of them, or those among `dim` (torch.squeeze).

    >>> squeeze(Value([[[1.0], [2.0]]])).shape, squeeze(Value([[[1.0], [2.0]]]), 0).shape
    ((2,), (2, 1))
    """
    x = as_value(input, "squeeze: input")
    axes = () if dim == () else axes_of(dim, x.ndim, "squeeze")
    return primitives.reshape(x, shape=tuple(s for axis, s in enumerate(x.shape) if s != 1 or axis not in axes))


@numpy_names
def unsqueeze(input: Any, dim: int) -> Value:
    """Return the input with a new dimension of size 1 at `dim` (torch.unsqueeze).

    >>> unsqueeze(Value([1.0, 2.0]), -1).shape
    (2, 1)
    """
    x = as_value(input, "unsqueeze: input")
    axis = axis_of(dim, x.ndim + 1, "unsqueeze")
    return primitives.reshape(x, shape=(*x.shape[:axis], 1, *x.shape[axis:]))


def expand(input: Any, *sizes: Any) -> Value:
    """Return the input repeated to fill `sizes`; -1 keeps a size (torch.Tensor.expand).

    Raises RuntimeError if a size other than 1 would have to change.

    >>> expand(Value([[1.0], [2.0]]), -1, 3).tolist()
    [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    """
    x = as_value(input, "expand: input")
    wanted = sizes_of(sizes, "expand", minimum=-1)
    missing = len(wanted) - x.ndim
    shape = tuple(x.shape[k - missing] if size == -1 and k >= missing else size for k, size in enumerate(wanted))
    if missing < 0 or -1 in shape or broadcast_shapes(x.shape, shape) != shape:
        raise RuntimeError(f"expand: shape {x.shape} cannot fill {wanted}; only sizes of 1 repeat, new dimensions come first")
    return primitives.expand(x, shape=shape)


def broadcast_to(input: Any, size: Any) -> Value:
    """Return the input repeated to fill a shape: expand, by NumPy's name (torch.broadcast_to).

    >>> broadcast_to(Value([[1.0], [2.0]]), (2, 3)).shape
    (2, 3)
    """
    return expand(input, sizes_of((size,), "broadcast_to", minimum=-1))


def broadcast_tensors(*tensors: Any) -> tuple[Value, ...]:
    """Return the tensors, each repeated to the shape that all broadcast to (torch.broadcast_tensors).

    Raises RuntimeError if their shapes do not broadcast.

    >>> [x.tolist() for x in broadcast_tensors([1.0, 2.0], 3.0)]
    [[1.0, 2.0], [3.0, 3.0]]
    """
    values = [as_value(x, f"broadcast_tensors: tensor {position}") for position, x in enumerate(tensors)]
    shape: Shape = ()
    for value in values:
        shape = broadcast_shapes(shape, value.shape)
    return tuple(value if value.shape == shape else primitives.expand(value, shape=shape) for value in values)


def expand_as(input: Any, other: Any) -> Value:
    """Return the input repeated to fill the shape of another Value (torch.Tensor.expand_as).

    >>> Value([1.0]).expand_as(Value([2.0, 3.0])).tolist()
    [1.0, 1.0]
    """
    return expand(input, as_value(other, "expand_as: other").shape)


def repeat(input: Any, *repeats: Any) -> Value:
    """Return the input beside itself, `repeats` times along each dimension; new dimensions come first (torch.Tensor.repeat).

    Raises RuntimeError for fewer repeats than dimensions.

    >>> repeat(Value([1, 2]), 2, 2).tolist()
    [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]]
    """
    x = as_value(input, "repeat: input")
    if not repeats:
        raise TypeError("repeat: say how many times, as in x.repeat(2)")
    return _tiled(x, sizes_of(repeats, "repeat"), "repeat")


def tile(input: Any, *dims: Any) -> Value:
    """Return the input beside itself, `dims` times along its last dimensions: repeat, by NumPy's name (torch.tile).

    >>> tile(Value([[1, 2]]), 2).tolist()
    [[1.0, 2.0, 1.0, 2.0]]
    """
    x = as_value(input, "tile: input")
    times = sizes_of(dims, "tile")
    return _tiled(x, (1,) * (x.ndim - len(times)) + times, "tile")


def _tiled(x: Value, times: Shape, function: str) -> Value:
    if len(times) < x.ndim:
        raise RuntimeError(f"{function}: {times} must say how many times for each dimension of shape {x.shape}")
    shape = (1,) * (len(times) - x.ndim) + x.shape
    chosen = [list(range(size)) * count for size, count in zip(shape, times, strict=True)]
    return picked(x, chosen, f"{function}({', '.join(map(str, times))})", shape)


@numpy_names
@composed
def repeat_interleave(input: Any, repeats: Any, dim: int | None = None) -> Value:
    """Return each slice along `dim` repeated, without dim each element of the flattened input (torch.repeat_interleave).

    `repeats` is an int, or one for each slice. Raises RuntimeError if one is negative, or if there are not as many as slices.

    >>> repeat_interleave(Value([1, 2]), 2).tolist(), repeat_interleave(Value([1, 2]), [1, 2]).tolist()
    ([1.0, 1.0, 2.0, 2.0], [1.0, 2.0, 2.0])
    """
    x = as_value(input, "repeat_interleave: input")
    if dim is not None and not x.ndim:
        raise IndexError(f"repeat_interleave: a number has no dimension {dim}")
    axis = 0 if dim is None else axis_of(dim, x.ndim, "repeat_interleave")
    if dim is None:
        x = flatten(x)
    flat, shape = integers(repeats, "repeat_interleave: repeats")
    times = flat * x.shape[axis] if prod(shape) == 1 else flat
    if len(times) != x.shape[axis] or len(shape) > 1 or any(count < 0 for count in times):
        raise RuntimeError(f"repeat_interleave: repeats must be an int of at least 0, or {x.shape[axis]}, got {repeats}")
    chosen: list = [range(size) for size in x.shape]
    chosen[axis] = [index for index, count in enumerate(times) for _ in range(count)]
    return picked(x, chosen, f"repeat_interleave({shortened(flat)})")


def roll(input: Any, shifts: int | tuple[int, ...], dims: int | tuple[int, ...] | None = None) -> Value:
    """Return the input with its elements moved on along `dims`, the last ones to the front (torch.roll).

    Without dims, the flattened input is rolled. Raises RuntimeError unless there is a shift for each of dims.

    >>> roll(Value([1, 2, 3]), 1).tolist()
    [3.0, 1.0, 2.0]
    """
    x = as_value(input, "roll: input")
    moves = sizes_of((shifts,), "roll", minimum=None)
    if dims is None and len(moves) == 1:
        size = prod(x.shape)
        positions = [(place - moves[0]) % size for place in range(size)]
        return primitives.index(x, positions=positions, shape=x.shape, key=f"roll({moves[0]})")
    named = dims if isinstance(dims, (tuple, list)) else () if dims is None else (dims,)
    if not x.ndim:
        raise IndexError(f"roll: a number has no dimension {dims}")
    if len(named) != len(moves):
        raise RuntimeError(f"roll: shifts {shifts} and dims {dims} must be equally many")
    total = [0] * x.ndim
    for dim, move in zip(named, moves, strict=True):
        total[axis_of(dim, x.ndim, "roll")] += move
    chosen = [[(place - move) % size for place in range(size)] for size, move in zip(x.shape, total, strict=True)]
    return picked(x, chosen, f"roll({shifts}, dims={dims})")


def flip(input: Any, *dims: Any) -> Value:
    """Return the input with the order along `dims` reversed (torch.flip).

    Raises RuntimeError if a dimension is named twice.

    >>> flip(Value([[1, 2], [3, 4]]), 0).tolist()
    [[3.0, 4.0], [1.0, 2.0]]
    """
    x = as_value(input, "flip: input")
    named = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    axes = axes_of(tuple(named), x.ndim, "flip") if named else ()
    chosen = [range(size)[::-1] if axis in axes else range(size) for axis, size in enumerate(x.shape)]
    return picked(x, chosen, f"flip({', '.join(map(str, named))})")
