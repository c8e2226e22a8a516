"""What `x[key]` selects: the flat positions of the selected elements, and their shape.

The rules are NumPy's and torch's: ints, slices, None, `...`, lists and arrays of ints, boolean masks. Reading
takes the elements at the positions; the gradient is added at the same positions, so repeats accumulate.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

from micrograd_sm.array.parsing import parse, widest
from micrograd_sm.array.strides import Shape, broadcast, broadcast_shapes, row_major_steps


class _Dim:
    """Dimensions of the result: the position in the key that they come from, their shape, and the offset of each index."""

    __slots__ = ("offsets", "position", "shape")

    def __init__(self, position: int, shape: Shape, offsets: Any) -> None:
        self.position, self.shape, self.offsets = position, shape, offsets


class _Beside(NamedTuple):
    """Another library's storage, and the array in it that is selected from."""

    storage: Any
    x: Any

    def indices(self, numbers: Any) -> Any:
        return self.storage.positions(numbers, self.x)


class Sliced(Sequence[int]):
    """The flat positions that a key of ints and slices selects: a list of them is made only if somebody reads it."""

    def __init__(self, key: tuple, shape: Shape) -> None:
        self.key, self.shape = key, shape

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, place: Any) -> Any:
        return self._positions[place]

    @property
    def _positions(self) -> list[int]:
        return locate(self.key, self.shape)[0]


class Picked(Sequence[int]):
    """The flat positions of one element along `axis` for each place of the other axes: `chosen` says which.

    The positions themselves are computed only if somebody reads them. `function` names the caller in errors.
    """

    def __init__(self, chosen: Any, axis: int, shape: Shape, function: str) -> None:
        self.chosen, self.axis, self.shape, self.function = chosen, axis, shape, function

    def __len__(self) -> int:
        return prod(self.chosen.shape)

    def __getitem__(self, place: Any) -> Any:
        return list(self)[place]

    def __iter__(self) -> Iterator[int]:
        step = prod(self.shape[self.axis + 1 :])
        span = step * self.shape[self.axis]
        chosen = self.chosen.compute() if hasattr(self.chosen, "compute") else self.chosen
        flat = chosen.reshape(-1).tolist()
        return (place // step * span + place % step + chosen * step for place, chosen in enumerate(flat))


class Among(NamedTuple):
    """A flat position that is not known yet: the one of `positions` that `chosen`, an int of a recording, will select."""

    chosen: Any
    positions: range


def locate(key: Any, shape: Shape, storage: Any = None, x: Any = None) -> tuple[Any, Shape]:
    """Return the flat positions that `key` selects from an array of `shape`, and the shape of the selection.

    The positions are a list. If x, the array that is selected from, is in another library's `storage` and an index is an array,
    they are an array beside x.

    A nested list is one index array, as in NumPy; torch 2.13 still reads it as a tuple, and warns that this will change.
    Raises IndexError if an index is out of range or not an integer, if there are too many, or if a mask has another shape;
    ValueError if a slice has a negative step (as torch does).
    """
    xp = None if storage is None else _Beside(storage, x)
    steps = row_major_steps(shape)
    axis = 0
    fixed = 0  # the offset that plain ints add to every position
    dims: list[_Dim] = []  # in the key's order
    arrays: list[_Dim] = []  # those of index arrays, which broadcast together into one block
    entries = _expand_ellipsis(key if isinstance(key, tuple) else (key,), shape, xp)
    for position, entry in enumerate(entries):
        if entry is None:
            dims.append(_Dim(position, (1,), [0]))
        elif isinstance(entry, slice):
            dims.append(_Dim(position, *_slice_offsets(entry, shape[axis], steps[axis])))
        elif isinstance(entry, int):
            fixed += _check(entry, axis, shape[axis]) * steps[axis]
        else:
            arrays += [_Dim(position, *found) for found in _array_offsets(entry, axis, shape, steps, xp)]
        axis += _axes_used(entry)
    if arrays:
        _insert_array_block(dims, arrays, xp)
    selected = tuple(size for dim in dims for size in dim.shape)
    if xp is not None and xp.storage.lazy and not arrays:
        return Sliced(tuple(entry for entry in entries if entry is not None), shape), selected
    positions: Any = [fixed]
    for dim in dims:
        positions = _outer_sum(positions, dim.offsets, xp)
    return positions, selected


def _outer_sum(xs: Any, ys: Any, xp: Any) -> Any:
    """Return x + y for each x and each y, in order."""
    if type(xs) is type(ys) is list:
        return [x + y for x in xs for y in ys]
    xs, ys = (xp.indices(zs) for zs in (xs, ys))
    return xp.storage.reshape(xs[:, None] + ys[None, :], (-1,))


def _expand_ellipsis(key: tuple, shape: Shape, xp: Any) -> list:
    entries = [_plain_index(entry, xp) for entry in key]
    used = sum(map(_axes_used, entries))
    ellipses = [position for position, entry in enumerate(entries) if entry is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError("an index can have only one '...'")
    if used > len(shape):
        raise IndexError(f"too many indices: {used} for shape {shape}, which has {len(shape)} dimensions")
    start, stop = (ellipses[0], ellipses[0] + 1) if ellipses else (len(entries), len(entries))
    entries[start:stop] = [slice(None)] * (len(shape) - used)
    return entries


def _plain_index(entry: Any, xp: Any) -> Any:
    if entry is None or entry is Ellipsis or isinstance(entry, slice):
        return entry
    if hasattr(entry, "dtype") and not entry.shape and not isinstance(entry, (bool, int)):
        entry = parse(entry)[0][0]  # another library's number
    if isinstance(entry, bool):
        return (), [entry], bool
    if isinstance(entry, float):
        raise IndexError(f"index {entry!r} is a float: an index is an int, a slice, None, ..., or a list of ints or bools")
    if hasattr(entry, "__index__") and not getattr(entry, "shape", ()):
        return operator.index(entry)
    if xp is not None and hasattr(entry, "dtype") and not isinstance(entry.dtype, type):
        return _foreign_index(entry, xp)
    flat, shape = parse(entry)
    dtype = widest(flat) if flat else getattr(entry, "dtype", int)
    if dtype is float:
        raise IndexError(f"index {entry!r} holds floats: an index array holds ints or bools")
    return shape, flat, dtype


def _foreign_index(entry: Any, xp: Any) -> Any:
    """Return an array as an index array in the library of the array that it indexes; an unknown mask as a list."""
    kind = str(entry.dtype).rpartition(".")[2]
    if kind == "bool":
        flat = parse(entry)[0] if xp.storage.lazy else xp.storage.reshape(xp.storage.beside(entry, xp.x), (-1,))
        return tuple(entry.shape), flat, bool
    if "int" not in kind:
        raise IndexError(f"index of {entry.dtype} holds floats: an index array holds ints or bools")
    return tuple(entry.shape), xp.storage.reshape(xp.indices(entry), (-1,)), int


def _axes_used(entry: Any) -> int:
    if entry is None or entry is Ellipsis:
        return 0
    if isinstance(entry, tuple) and entry[2] is bool:
        return len(entry[0])
    return 1


def _check(index: int, axis: int, size: int) -> int:
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of range for dimension {axis} with size {size}")
    return index % size


def _slice_offsets(entry: slice, size: int, step: int) -> tuple[Shape, list[int]]:
    if entry.step is not None and operator.index(entry.step) <= 0:
        raise ValueError(f"slice step {entry.step} must be greater than 0")
    chosen = range(*entry.indices(size))
    return (len(chosen),), [index * step for index in chosen]


def _array_offsets(entry: tuple, axis: int, shape: Shape, steps: list[int], xp: Any) -> list[tuple[Shape, Any]]:
    """Return (shape, offsets) for each axis that an index array or a mask covers."""
    index_shape, flat, dtype = entry
    if dtype is not bool and type(flat) is not list:
        size, message = shape[axis], "index {} is out of range for dimension {} with size {}"
        outside = lambda indices: (indices < -size) | (indices >= size)
        flat = xp.storage.checked(flat, outside, lambda wrong: IndexError(message.format(wrong, axis, size)))
        return [(index_shape, (flat + size * (flat < 0)) * steps[axis])]
    if dtype is not bool:
        return [(index_shape, [_check(index, axis, shape[axis]) * steps[axis] for index in flat])]
    if not index_shape:  # a lone True or False makes a new dimension, of size 1 or 0
        return [((int(flat[0]),), [0] * flat[0])]
    covered = shape[axis : axis + len(index_shape)]
    if covered != index_shape:
        raise IndexError(f"mask of shape {index_shape} does not match the dimensions it selects from, {covered}")
    if type(flat) is not list:
        chosen = xp.storage.nonzero(xp.storage.reshape(flat, index_shape))
        return [(tuple(along.shape), along * steps[axis + k]) for k, along in enumerate(chosen)]
    chosen = [index for index, wanted in zip(product(*map(range, index_shape)), flat, strict=True) if wanted]
    return [((len(chosen),), [index[k] * steps[axis + k] for index in chosen]) for k in range(len(index_shape))]


def _insert_array_block(dims: list[_Dim], arrays: list[_Dim], xp: Any) -> None:
    """Broadcast the index arrays into one block of dimensions, and insert it by NumPy's rule.

    The block stands where the arrays stood; first if a slice or None is between them. As in torch, and not in NumPy, a
    plain int does not count as an array.
    """
    try:
        block = broadcast_shapes(*(array.shape for array in arrays))
    except RuntimeError as error:
        raise IndexError(f"index arrays: {error}") from None
    if all(type(array.offsets) is list for array in arrays):
        columns = [broadcast(array.offsets, array.shape, block) for array in arrays]
        offsets = list(map(sum, zip(*columns, strict=True))) if prod(block) else []
    else:
        along = [xp.storage.broadcast_to(xp.storage.reshape(xp.indices(array.offsets), array.shape), block) for array in arrays]
        offsets = xp.storage.reshape(sum(along[1:], along[0]), (-1,))
    first, last = arrays[0].position, arrays[-1].position
    apart = any(first < dim.position < last for dim in dims)
    dims.insert(0 if apart else sum(dim.position < first for dim in dims), _Dim(first, block, offsets))
