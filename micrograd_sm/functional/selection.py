"""Selection by index, what is added or put at an index, and the integers that select."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array, is_foreign, namespace
from micrograd_sm.array.functions import flat_of
from micrograd_sm.array.parsing import parse, widest
from micrograd_sm.array.storage import like_storage
from micrograd_sm.array.strides import Shape, broadcast_shapes, row_major_steps
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axis_of, numpy_names
from micrograd_sm.functional.kinds import kind_of, like_input
from micrograd_sm.functional.pointwise import bools
from micrograd_sm.mode import composed

__all__ = [
    "embedding", "gather", "index_add", "index_select", "masked_select", "narrow", "nonzero", "one_hot", "scatter",
    "scatter_add", "select", "take", "take_along_dim",
]  # fmt: skip


@numpy_names
def gather(input: Any, dim: int, index: Any) -> Value:
    """Return out[i][j] = input[index[i][j]][j] for dim 0, input[i][index[i][j]] for dim 1, and so on (torch.gather).

    `index` has as many dimensions as input; only along `dim` may it be larger. Gradients of repeated indices add up.
    Raises RuntimeError for an index that is negative or too large, and for other shapes.

    >>> gather(Value([[1, 2], [3, 4]]), 1, [[1], [0]]).tolist()
    [[2.0], [3.0]]
    """
    x = as_value(input, "gather: input")
    axis = axis_of(dim, x.ndim, "gather")
    flat, shape = integers(index, "gather: index")
    positions = _aimed(flat, shape, x.shape, axis, "gather") if flat else []
    return primitives.index(x, positions=positions, shape=shape, key=f"gather(dim={axis})")


@numpy_names
@composed
def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Value:
    """Return gather along `dim`, the other dimensions broadcast; without dim, of the flattened input (torch.take_along_dim).

    It takes what argmax, argsort and topk return. Raises RuntimeError for an index that is out of range, and unless indices has
    as many dimensions as input.

    >>> x = Value([[3.0, 1.0], [2.0, 4.0]])
    >>> take_along_dim(x, x.argmax(1, keepdim=True), 1).tolist()
    [[3.0], [4.0]]
    """
    x = as_value(input, "take_along_dim: input")
    flat, shape = integers(indices, "take_along_dim: indices")
    chosen = Value(Array.of(flat, shape, int), requires_grad=False)
    if dim is None:
        size, count = prod(x.shape), len(flat)
        return gather(primitives.reshape(x, shape=(size,)), 0, primitives.reshape(chosen, shape=(count,)))
    if len(shape) != x.ndim:
        raise RuntimeError(f"take_along_dim: indices of shape {shape} must have the {x.ndim} dimensions of input {x.shape}")
    axis = axis_of(dim, x.ndim, "take_along_dim")
    wide = broadcast_shapes(*(sizes[:axis] + (1,) + sizes[axis + 1 :] for sizes in (x.shape, shape)))
    filled = [wide[:axis] + sizes[axis : axis + 1] + wide[axis + 1 :] for sizes in (x.shape, shape)]
    return gather(primitives.expand(x, shape=filled[0]), axis, primitives.expand(chosen, shape=filled[1]))


def take(input: Any, index: Any) -> Value:
    """Return the elements of the flattened input at an index, in the index's shape; -1 is the last (torch.take).

    Raises IndexError for an index that is out of range.

    >>> take(Value([[1, 2], [3, 4]]), [0, -1]).tolist()
    [1.0, 4.0]
    """
    x = as_value(input, "take: input")
    flat, shape = integers(index, "take: index")
    size = prod(x.shape)
    if wrong := [chosen for chosen in flat if not -size <= chosen < size]:
        raise IndexError(f"take: index {wrong[0]} is out of range for {size} elements")
    return primitives.index(x, positions=[chosen % size for chosen in flat], shape=shape, key=f"take({shortened(flat)})")


@numpy_names
def select(input: Any, dim: int, index: int) -> Value:
    """Return the slice at one index of `dim`, without that dimension: `input[..., index, ...]` (torch.select).

    Raises IndexError for an index that is out of range, and for a number.

    >>> select(Value([[1, 2], [3, 4]]), 1, 0).tolist()
    [1.0, 3.0]
    """
    x = as_value(input, "select: input")
    if not x.ndim:
        raise IndexError("select: a number has no dimension to select from")
    return x[(slice(None),) * axis_of(dim, x.ndim, "select") + (index,)]


@numpy_names
def narrow(input: Any, dim: int, start: int, length: int) -> Value:
    """Return `length` slices along `dim` from `start` on; a negative start counts from the end (torch.narrow).

    Raises RuntimeError for a length that is negative or too large, and for a number; IndexError for a start out of range.

    >>> narrow(Value([1, 2, 3]), 0, 1, 2).tolist()
    [2.0, 3.0]
    """
    x = as_value(input, "narrow: input")
    if not x.ndim:
        raise RuntimeError("narrow: a number has no dimension to narrow")
    axis = axis_of(dim, x.ndim, "narrow")
    size = x.shape[axis]
    if not -size <= start <= size:
        raise IndexError(f"narrow: start {start} is out of range for dimension {axis} with size {size}")
    first = start + size if start < 0 else start
    if length < 0 or first + length > size:
        raise RuntimeError(f"narrow: length {length} from {first} on is not within dimension {axis} with size {size}")
    return x[(slice(None),) * axis + (slice(first, first + length),)]


@composed
def masked_select(input: Any, mask: Any) -> Value:
    """Return the elements where the mask holds, as a vector; both broadcast (torch.masked_select).

    Raises RuntimeError if the mask holds anything but bools.

    >>> x = Value([1.0, -2.0, 3.0])
    >>> masked_select(x, x > 0).tolist()
    [1.0, 3.0]
    """
    x = as_value(input, "masked_select: input")
    wanted = Value(bools(mask, "masked_select", like=x), requires_grad=False)
    shape = broadcast_shapes(x.shape, wanted.shape)
    if shape != x.shape:
        x = primitives.expand(x, shape=shape)
    return x[primitives.expand(wanted, shape=shape).data]


def nonzero(input: Any) -> Value:
    """Return the index of each element that is not 0, one index a row: (...) to (n, ndim) (torch.nonzero).

    >>> nonzero([[0.0, 5.0], [7.0, 0.0]]).tolist()
    [[0, 1], [1, 0]]
    """
    x = as_value(input, "nonzero: input")
    steps = row_major_steps(x.shape)
    found = [position for position, element in enumerate(flat_of(x.data)) if element]
    flat = [position // step % size for position in found for step, size in zip(steps, x.shape, strict=True)]
    return Value(Array.of(flat, (len(found), x.ndim), int), requires_grad=False)


@numpy_names
@composed
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Value:
    """Return the input with src[i][j] added at [index[i][j]][j] for dim 0, and so on: gather's transpose (torch.scatter_add).

    Repeated indices add up; src may be larger than index. Raises RuntimeError for an index that is negative or too large, and
    for other shapes.

    >>> scatter_add([0.0, 0.0], 0, [1, 1, 0], Value([1.0, 2.0, 3.0])).tolist()
    [3.0, 3.0]
    """
    x, added = as_value(input, "scatter_add: input"), as_value(src, "scatter_add: src")
    positions, added = _scattered(x, dim, index, added, "scatter_add")
    return x + primitives.put(added, positions=positions, shape=x.shape)


@numpy_names
@composed
def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: float | None = None) -> Value:
    """Return the input with src[i][j] in place of what is at [index[i][j]][j] for dim 0, and so on (torch.scatter).

    `src` may be one number, as may `value`. The last of repeated indices wins, where torch does not say which. Raises as
    scatter_add does.

    >>> scatter(Value([1.0, 2.0, 3.0]), 0, [2, 0], 0.0).tolist()
    [0.0, 2.0, 0.0]
    """
    x = as_value(input, "scatter: input")
    if (src is None) == (value is None):
        raise TypeError("scatter: give src, a Value or a number, or value, a number")
    new = like_input(x, value if src is None else src, "scatter: src")
    if kind_of(new) is not kind_of(x) and new.ndim:
        kinds = f"{kind_of(x).__name__}s and {kind_of(new).__name__}s"
        raise RuntimeError(f"scatter: input and src must hold elements of one kind, got {kinds}; call .float() on both")
    if not new.ndim:
        new = primitives.expand(new, shape=integers(index, "scatter: index")[1])
    targets, new = _scattered(x, dim, index, new, "scatter")
    size = prod(x.shape)
    elements = primitives.cat(*(primitives.reshape(part, shape=(prod(part.shape),)) for part in (x, new)), axis=0)
    positions = list(range(size))
    for place, position in enumerate(targets, start=size):
        positions[position] = place
    return primitives.index(elements, positions=positions, shape=x.shape, key=f"scatter(dim={dim})")


@numpy_names
@composed
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Value:
    """Return the input with alpha times each slice of source added at its index of `dim` (torch.index_add).

    Repeated indices add up. Raises RuntimeError unless source has input's shape but for `dim`, and there one slice for each
    index; IndexError for an index that is negative or too large.

    >>> index_add([0.0, 0.0], 0, [1, 1], Value([1.0, 2.0])).tolist()
    [0.0, 3.0]
    """
    x, added = as_value(input, "index_add: input"), as_value(source, "index_add: source")
    axis = axis_of(dim, x.ndim, "index_add")
    flat, shape = integers(index, "index_add: index")
    if len(shape) > 1:
        raise IndexError(f"index_add: index must have one dimension, got shape {shape}")
    expected = (*x.shape[:axis], len(flat), *x.shape[axis + 1 :]) if x.ndim else ()
    if added.shape != expected:
        raise RuntimeError(f"index_add: source must have shape {expected}, one slice for each index, got {added.shape}")
    _check_range(flat, x.shape[axis] if x.ndim else 1, "index_add", axis, IndexError)
    chosen = [flat if k == axis else range(size) for k, size in enumerate(x.shape)]
    put = primitives.put(added, positions=_positions(x.shape, chosen), shape=x.shape)
    return x + (put if alpha == 1 else alpha * put)


@composed
def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Value:
    """Return the rows of weight at the integers of input: (...) and (n, d) to (..., d) (torch.nn.functional.embedding).

    No gradient flows to the row `padding_idx`. Raises IndexError for an integer that names no row, RuntimeError unless weight
    is a matrix, ValueError if there is no row padding_idx.

    >>> embedding([1, 0], Value([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[3.0, 4.0], [1.0, 2.0]]
    """
    w = as_value(weight, "embedding: weight")
    flat, shape = integers(input, "embedding: input")
    if w.ndim != 2:
        raise RuntimeError(f"embedding: weight must be (n, d), got shape {w.shape}")
    rows = w.shape[0]
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise ValueError(f"embedding: padding_idx {padding_idx} is no row of weight {w.shape}")
    _check_range(flat, rows, "embedding", 0, IndexError)
    found = w[Array.of(flat, shape, int)]
    padding = [padding_idx is not None and chosen == padding_idx % rows for chosen in flat]
    if not any(padding):
        return found
    condition = like_storage(Array.of(padding, (*shape, 1), bool), w.data)
    return primitives.where(found.detach(), found, condition=condition)


@numpy_names
def index_select(input: Any, dim: int, index: Any) -> Value:
    """Return the slices of input along `dim` that a 1-d index names, in its order (torch.index_select).

    Raises IndexError for an index that is negative, too large, or has more than one dimension.

    >>> index_select(Value([[1, 2], [3, 4]]), 0, [1, 1]).tolist()
    [[3.0, 4.0], [3.0, 4.0]]
    """
    x = as_value(input, "index_select: input")
    axis = axis_of(dim, x.ndim, "index_select")
    flat, shape = integers(index, "index_select: index")
    if len(shape) > 1:
        raise IndexError(f"index_select: index must have one dimension, got shape {shape}")
    _check_range(flat, x.shape[axis] if x.ndim else 1, "index_select", axis, IndexError)
    if not x.ndim:
        if len(flat) != 1:
            raise RuntimeError(f"index_select: a number has one element to select, got {len(flat)} indices")
        return primitives.reshape(x, shape=())
    return x[(slice(None),) * axis + (Array.of(flat, (len(flat),), int),)]


def one_hot(target: Any, num_classes: int = -1) -> Value:
    """Return integers as rows of 0 with a 1 at the integer: (...) to (..., num_classes) (torch.nn.functional.one_hot).

    By default the largest target is the last class. Raises RuntimeError for a target that is not an integer, negative or
    too large, and for an empty target without num_classes.

    >>> one_hot([0, 2]).tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    flat, shape = integers(target, "one_hot: target")
    if isinstance(num_classes, bool) or not isinstance(num_classes, int):
        raise TypeError(f"one_hot: num_classes must be an int, got {num_classes!r}")
    if not flat and num_classes <= 0:
        raise RuntimeError("one_hot: an empty target does not tell the number of classes; pass num_classes")
    if num_classes < -1 or num_classes == 0:
        raise RuntimeError(f"one_hot: num_classes must be above 0, or -1 to count them, got {num_classes}")
    if num_classes == -1:
        num_classes = max(flat) + 1
    check_classes(flat, shape, num_classes, "one_hot", RuntimeError)
    rows = [0] * (len(flat) * num_classes)
    for row, chosen in enumerate(flat):
        rows[row * num_classes + chosen] = 1
    return Value(Array.of(rows, (*shape, num_classes), int), requires_grad=False)


def integers(x: Any, what: str, like: Value | None = None) -> tuple[Any, Shape]:
    """Return an int, a range, (nested) lists or an array of ints as a flat list and a shape.

    If `like` holds an array of another library, they are a flat array of that library instead. Raises RuntimeError for floats
    and bools, as torch does.
    """
    data = x.data if isinstance(x, Value) else x
    if like is not None and is_foreign(like.data) and is_foreign(data):
        return _integer_array(data, what, like)
    try:
        flat, shape = parse(data)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what}: {error}") from None
    if flat and widest(flat) is not int:
        found = "floats" if widest(flat) is float else "bools"
        raise RuntimeError(f"{what} must be integers, got {found}: {x!r}")
    return (flat if like is None or not is_foreign(like.data) else namespace(like.data).positions(flat, like.data)), shape


def _integer_array(data: Any, what: str, like: Value) -> tuple[Any, Shape]:
    shape, theirs = tuple(data.shape), namespace(data)
    if prod(shape) and not theirs.isdtype(data.dtype, "integral"):
        found = "bools" if theirs.isdtype(data.dtype, "bool") else "floats"
        raise RuntimeError(f"{what} must be integers, got {found} of {data.dtype}")
    xp = namespace(like.data)
    if xp.lazy and namespace(data) is not xp:
        data = xp.like(data, like.data)
    return xp.reshape(xp.positions(data, like.data), (-1,)), shape


def offsets(shape: Shape, steps: list[int]) -> list[int]:
    """Return where each element of a shape lies in a flat list, if `steps` lead along its axes; in row-major order."""
    found = [0]
    for size, step in zip(shape, steps):
        found = [start + index * step for start in found for index in range(size)]
    return found


def check_classes(
    flat: list[int], shape: Shape, classes: int, function: str, error: type[Exception], ignored: int | None = None
) -> None:
    """Raise an error that names the first target, and its position, which is not a class and not ignored."""
    for position, chosen in enumerate(flat):
        if not 0 <= chosen < classes and chosen != ignored:
            index = [position // step % size for step, size in zip(row_major_steps(shape), shape, strict=True)]
            where = f" at position {index[0] if len(index) == 1 else tuple(index)}" if index else ""
            raise error(f"{function}: target {chosen}{where} is out of range for {classes} classes (0..{classes - 1})")


def picked(x: Value, chosen: Sequence[Sequence[int]], key: str, shape: Shape | None = None) -> Value:
    """Return the elements at all combinations of the indices chosen along each dimension, in order, as one indexing.

    `shape` is how the elements of x are arranged, if it is not x's own.
    """
    positions = _positions(x.shape if shape is None else shape, chosen)
    return primitives.index(x, positions=positions, shape=tuple(map(len, chosen)), key=key)


def shortened(items: Sequence[Any]) -> str:
    """Return a list as text, without its middle if it is long."""
    return ", ".join(map(str, items if len(items) <= 6 else [*items[:3], "...", *items[-3:]]))


def _positions(shape: Shape, chosen: Sequence[Sequence[int]]) -> list[int]:
    positions = [0]
    for step, indices in zip(row_major_steps(shape), chosen, strict=True):
        moves = [step * index for index in indices]
        positions = [position + move for position in positions for move in moves]
    return positions


def _aimed(flat: list[int], shape: Shape, target: Shape, axis: int, function: str) -> list[int]:
    """Return the flat position in `target` that each index of gather or scatter names. A number counts as one element."""
    target, shape = target or (1,), shape or (1,)
    if len(shape) != len(target) or any(size > target[k] for k, size in enumerate(shape) if k != axis):
        raise RuntimeError(
            f"{function}: index of shape {shape} must have the {len(target)} dimensions of input {target}, "
            f"and be no larger in any but dimension {axis}"
        )
    _check_range(flat, target[axis], function, axis, RuntimeError)
    steps = row_major_steps(target)
    starts = offsets(shape, [step if k != axis else 0 for k, step in enumerate(steps)])
    return [start + chosen * steps[axis] for start, chosen in zip(starts, flat, strict=True)]


def _scattered(x: Value, dim: int, index: Any, src: Value, function: str) -> tuple[list[int], Value]:
    """Return where the elements of src go in x, and those elements: as many as there are indices."""
    axis = axis_of(dim, x.ndim, function)
    flat, shape = integers(index, f"{function}: index")
    if not flat:
        return [], primitives.index(src, positions=[], shape=(0,), key="nothing")
    positions = _aimed(flat, shape, x.shape, axis, function)
    if len(src.shape) != len(shape) or any(size > given for size, given in zip(shape, src.shape)):
        raise RuntimeError(f"{function}: index of shape {shape} must be no larger than src {src.shape} in any dimension")
    return positions, src if src.shape == shape else src[tuple(map(slice, shape))]


def _check_range(flat: list[int], size: int, function: str, axis: int, error: type[Exception]) -> None:
    for position, chosen in enumerate(flat):
        if not 0 <= chosen < size:
            where = f"at position {position} is out of range for dimension {axis} with size {size}"
            raise error(f"{function}: index {chosen} {where}")
