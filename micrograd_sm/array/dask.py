"""Dask's arrays as storage: chunks of larger arrays, computed when they are asked for, on one machine or on many.

Nothing is computed while a graph is built. So what depends on an array's numbers is decided inside the chunks: a target that
is out of range raises when it is computed.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from math import prod
from types import ModuleType
from typing import Any

from micrograd_sm.array.foreign import Foreign
from micrograd_sm.array.functions import flat_of, shape_of
from micrograd_sm.array.indexing import Picked, Sliced
from micrograd_sm.array.strides import Shape


class Dask(Foreign):
    """Dask's arrays, of NumPy's in chunks."""

    lazy = True

    def __init__(self, library: ModuleType) -> None:
        super().__init__(library)
        self._chunks_of: dict[Shape, Any] = {}  # those of arrays that were reduced: their gradients are spread out again
        self.numpy, self.da = importlib.import_module("numpy"), importlib.import_module("dask.array")

    def place(self, x: Any) -> dict[str, Any]:
        return {}

    def copied(self, x: Any, dtype: Any) -> Any:
        return x.astype(dtype).copy()

    def full(self, number: float, shape: Shape, other: Any) -> Any:
        return self.da.full(shape, number, dtype=other.dtype, chunks=self._chunks(shape, other))

    def like(self, x: Any, other: Any) -> Any:
        array = self.numpy.asarray(flat_of(x), dtype=self.dtype_of(x, other)).reshape(shape_of(x))
        return self.da.from_array(array, chunks=self._chunks(array.shape, other))

    def any_of(self, condition: Any) -> bool:
        return True

    def compute(self, *parts: Any) -> Any:
        """Return parts with the numbers of all their arrays, so that what they have in common is computed once."""
        return importlib.import_module("dask").compute(*parts)

    def checked(self, x: Any, bad: Callable[[Any], Any], error: Callable[[Any], Exception]) -> Any:
        def check(block: Any) -> Any:
            wrong = block[bad(block)]
            if wrong.size:
                raise error(wrong.reshape(-1)[0].item())
            return block

        return x.map_blocks(check, dtype=x.dtype, meta=x._meta)

    def erf(self, x: Any) -> Any:
        erf = self.numpy.vectorize(math.erf, otypes=[x.dtype])
        return x.map_blocks(erf, dtype=x.dtype, meta=x._meta)

    def reshape(self, x: Any, shape: Shape) -> Any:
        shape = (prod(x.shape),) if tuple(shape) == (-1,) else tuple(shape)
        if tuple(x.shape) == shape:
            return x
        if 0 in x.shape:
            return self.da.zeros(shape, dtype=x.dtype)
        long = tuple(axis for axis, size in enumerate(x.shape) if size != 1)
        if [x.shape[axis] for axis in long] != [size for size in shape if size != 1]:
            inner = dict.fromkeys(range(1, x.ndim), -1)  # chunks of whole rows, which Dask can always reshape
            return self.da.reshape(x.rechunk(inner if shape and shape[0] == x.shape[0] else -1), shape)
        axes = tuple(range(x.ndim))  # only axes of size 1 come or go: each chunk does it for itself
        if long != axes:
            x = self.da.blockwise(_squeezed, long, x, axes, long=long, concatenate=True, dtype=x.dtype, meta=x._meta)
        widened = x[tuple(None if size == 1 else slice(None) for size in shape)]
        widened.narrow = x, tuple(axis for axis, size in enumerate(shape) if size != 1)  # for broadcast_to
        return widened

    def sum(self, x: Any, axis: Any, keepdims: bool = False) -> Any:
        return self._reduced("sum", x, axis, keepdims)

    def max(self, x: Any, axis: Any, keepdims: bool = False) -> Any:
        return self._reduced("max", x, axis, keepdims)

    def _reduced(self, name: str, x: Any, axis: Any, keepdims: bool) -> Any:
        """Reduce each chunk for itself if the axes are whole in it, else in Dask's tree."""
        self._chunks_of[tuple(x.shape)] = x.chunks
        axes = tuple(range(x.ndim))
        if not axis or any(x.numblocks[k] > 1 for k in axis) or len(axis) == x.ndim or 0 in x.shape:
            return getattr(self.library, name)(x, axis=axis, keepdims=keepdims)
        return self.da.blockwise(
            getattr(self.numpy, name), axes if keepdims else tuple(k for k in axes if k not in axis), x, axes,
            axis=tuple(axis), keepdims=keepdims, concatenate=True, dtype=x.dtype if name == "max" else None,
            adjust_chunks=dict.fromkeys(axis, 1) if keepdims else None,
        )  # fmt: skip

    def broadcast_to(self, x: Any, shape: Shape) -> Any:
        if tuple(x.shape) == tuple(shape):
            return x
        chunks = self._chunks_of.get(tuple(shape)) or self.da.core.normalize_chunks("auto", shape, dtype=x.dtype)
        narrow, along = getattr(x, "narrow", (x, ()))
        zeros, axes = self.da.zeros(shape, dtype=x.dtype, chunks=chunks), tuple(range(len(shape)))
        if (
            len(along) != narrow.ndim
            or x.ndim != len(shape)
            or any(narrow.chunks[k] != zeros.chunks[a] for k, a in enumerate(along))
        ):
            return self.da.where(self.da.ones((), dtype=bool), x, zeros)
        # each chunk is spread for itself, from before its axes of size 1 came: so one task does what comes before and after
        return self.da.blockwise(_spread, axes, narrow, along, zeros, axes, along=along, dtype=x.dtype, meta=zeros._meta)

    def positions(self, positions: Any, x: Any) -> Any:
        if isinstance(positions, (Picked, Sliced, self.da.Array)):
            return positions
        return self.numpy.asarray(positions, dtype=self.numpy.int64)

    def take(self, x: Any, positions: Any, shape: Shape) -> Any:
        if isinstance(positions, Picked):
            return self._along(_picked, x, positions, x.dtype)
        if isinstance(positions, Sliced):
            return self.reshape(x[positions.key], shape)
        if 0 in shape:
            return self.da.zeros(shape, dtype=x.dtype)
        return self.reshape(self.reshape(x, (prod(x.shape),))[self.positions(positions, x)], shape)

    def put(self, x: Any, positions: Any, shape: Shape) -> Any:
        size = prod(shape)
        if not size or 0 in x.shape:
            return self.da.zeros(shape, dtype=x.dtype)
        if isinstance(positions, Picked):
            return self._along(_put_along, x, positions, x.dtype, new=shape[positions.axis])
        if isinstance(positions, Sliced):
            zeros = self.da.zeros(shape, dtype=x.dtype, chunks=self._chunks_of.get(tuple(shape), "auto"))
            zeros[positions.key] = self.reshape(x, zeros[positions.key].shape)
            return zeros
        elements = self.reshape(x, (prod(x.shape),))
        indices = self.positions(positions, x)
        if not isinstance(indices, self.da.Array):
            indices = self.da.from_array(indices, chunks=elements.chunks)
        chunks = self.da.core.normalize_chunks("auto", (size,), dtype=x.dtype)
        firsts = self.da.arange(size, chunks=chunks)  # only its chunks are used: which positions each holds
        parts = self.da.blockwise(
            _scattered, "ji", firsts, "j", elements, "i", indices, "i", dtype=x.dtype, adjust_chunks={"i": lambda n: 1}
        )
        return self.reshape(parts.sum(axis=1, dtype=x.dtype), shape)

    def _along(self, function: Callable, x: Any, picked: Picked, dtype: Any, new: int | None = None) -> Any:
        """Apply a function to the chunks of x and of what is picked; the picked axis, of size `new` if x lacks it, is whole."""
        axes = tuple(range(len(picked.shape)))
        others = axes[: picked.axis] + axes[picked.axis + 1 :]
        return self.da.blockwise(
            function, others if new is None else axes, x, axes if new is None else others, picked.chosen, others,
            axis=picked.axis, classes=picked.shape[picked.axis], caller=picked.function,
            concatenate=True, dtype=dtype, new_axes=None if new is None else {picked.axis: new}, meta=x._meta,
        )  # fmt: skip

    def _chunks(self, shape: Shape, other: Any) -> Any:
        """Return the chunks of `other` along the axes, from the last on, where sizes are the same; else whole ones."""
        theirs = dict(enumerate(reversed(other.chunks))) if hasattr(other, "chunks") else {}
        fitting = [theirs.get(k, ()) for k in range(len(shape))][::-1]
        return tuple(chunks if math.fsum(chunks) == size and chunks else (size,) for chunks, size in zip(fitting, shape))


def _squeezed(block: Any, long: Sequence[int]) -> Any:
    return block.reshape([block.shape[axis] for axis in long])


def _spread(block: Any, zeros: Any, along: Sequence[int]) -> Any:
    return block.reshape([size if axis in along else 1 for axis, size in enumerate(zeros.shape)]) + zeros


def _picked(block: Any, chosen: Any, axis: int, classes: int, caller: str) -> Any:
    numpy = importlib.import_module("numpy")
    _check(chosen, classes, caller)
    return numpy.take_along_axis(block, numpy.expand_dims(chosen, axis), axis).squeeze(axis)


def _put_along(block: Any, chosen: Any, axis: int, classes: int, caller: str) -> Any:
    numpy = importlib.import_module("numpy")
    _check(chosen, classes, caller)
    shape = (*block.shape[:axis], classes, *block.shape[axis:])
    zeros = numpy.zeros(shape, dtype=block.dtype)
    numpy.put_along_axis(zeros, numpy.expand_dims(chosen, axis), numpy.expand_dims(block, axis), axis)
    return zeros


def _check(chosen: Any, classes: int, caller: str) -> None:
    wrong = chosen[(chosen < 0) | (chosen >= classes)]
    if wrong.size:
        raise IndexError(f"{caller}: target {wrong.reshape(-1)[0]} is out of range for {classes} classes (0..{classes - 1})")


def _scattered(places: Any, elements: Any, indices: Any) -> Any:
    """Return, as a column, what a chunk of elements adds to the places of one chunk of the result."""
    numpy = importlib.import_module("numpy")
    inside = (indices >= places[0]) & (indices <= places[-1])
    part = numpy.zeros(len(places), dtype=elements.dtype)
    numpy.add.at(part, indices[inside] - places[0], elements[inside])
    return part[:, None]
