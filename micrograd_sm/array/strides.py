"""Shapes, broadcasting, transposition and grouping of flat, row-major lists.

Elements are moved by slices, `chain`, `repeat` and `map`, which loop in C.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from math import prod

Shape = tuple[int, ...]


def broadcast_shapes(*shapes: Shape) -> Shape:
    """Return the shape that all of `shapes` broadcast to; RuntimeError if they do not (as in torch)."""
    ndim = max(map(len, shapes), default=0)
    result = []
    for sizes in zip(*((1,) * (ndim - len(shape)) + shape for shape in shapes), strict=True):
        wide = set(sizes) - {1}
        if len(wide) > 1:
            raise RuntimeError(
                f"shapes {' and '.join(map(str, shapes))} do not broadcast: align them from the right; "
                "two sizes must be equal, or one of them 1"
            )
        result.append(wide.pop() if wide else 1)
    return tuple(result)


def broadcast(flat: list, shape: Shape, target: Shape) -> list:
    """Return the elements of a `shape` array, repeated to fill `target`, to which it must broadcast."""
    if shape == target:
        return flat
    missing = len(target) - len(shape)
    inner = 1
    for axis in range(len(shape) - 1, -1, -1):
        size, wanted = shape[axis], target[missing + axis]
        if size != wanted:
            flat = _repeat_blocks(flat, inner, wanted)
        inner *= wanted
    return flat * prod(target[:missing])


def _repeat_blocks(flat: list, block: int, times: int) -> list:
    if block == 1 and times <= len(flat):
        repeated = flat * times
        for offset in range(times):
            repeated[offset::times] = flat
        return repeated
    starts = range(0, len(flat), block or 1)
    return list(chain.from_iterable([flat[start : start + block] * times for start in starts]))


def permute(flat: list, shape: Shape, order: Sequence[int]) -> list:
    """Return the elements of a `shape` array in row-major order after its axes are permuted by `order`."""
    if len(shape) == 2 and tuple(order) == (1, 0):
        columns = shape[1]
        return list(chain.from_iterable([flat[column::columns] for column in range(columns)]))
    steps = row_major_steps(shape)
    positions = [0]
    for axis in order:
        offsets = range(0, shape[axis] * steps[axis], steps[axis] or 1)
        positions = [position + offset for position in positions for offset in offsets]
    return list(map(flat.__getitem__, positions))


def row_major_steps(shape: Shape) -> list[int]:
    """Return for each axis how far apart neighbours along it lie in the flat list: [12, 4, 1] for shape (2, 3, 4)."""
    return [prod(shape[axis + 1 :]) for axis in range(len(shape))]


def indices_of(position: int, shape: Shape) -> Shape:
    """Return the index of the element at a place in row-major order: (1, 2) for place 5 in shape (2, 3)."""
    return tuple(position // step % size for step, size in zip(row_major_steps(shape), shape))


def groups(flat: list, shape: Shape, axes: Sequence[int]) -> Iterator[list]:
    """Yield, for each element of the reduced array, the list of elements that a reduction over `axes` combines."""
    axes = sorted(axes)
    if not axes:
        return ([x] for x in flat)
    if axes != list(range(axes[0], axes[-1] + 1)):  # not adjacent: move them to the end
        kept = [axis for axis in range(len(shape)) if axis not in axes]
        flat = permute(flat, shape, kept + axes)
        shape = tuple(shape[axis] for axis in kept + axes)
        axes = range(len(kept), len(shape))
    outer, size, inner = prod(shape[: axes[0]]), prod(shape[axes[0] : axes[-1] + 1]), prod(shape[axes[-1] + 1 :])
    if inner == 1:
        return (flat[block * size : (block + 1) * size] for block in range(outer))
    span = size * inner
    return (flat[block * span + offset : (block + 1) * span : inner] for block in range(outer) for offset in range(inner))
