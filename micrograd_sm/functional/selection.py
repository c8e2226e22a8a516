"""Selection by index, and the integers that select: gather, index_select, one_hot."""

from __future__ import annotations

from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array
from micrograd_sm.array.parsing import parse, widest
from micrograd_sm.array.strides import Shape, row_major_steps
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axis_of

__all__ = ["gather", "index_select", "one_hot"]


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
    if (flat and len(shape) != x.ndim) or any(size > x.shape[k] for k, size in enumerate(shape) if k != axis):
        raise RuntimeError(
            f"gather: index of shape {shape} must have the {x.ndim} dimensions of input {x.shape}, "
            f"and be no larger in any but dimension {axis}"
        )
    _check_range(flat, x.shape[axis] if x.ndim else 1, "gather", axis, RuntimeError)
    steps = row_major_steps(x.shape) or [0]
    starts = offsets(shape, [step if k != axis else 0 for k, step in enumerate(steps)])
    positions = [start + chosen * steps[axis] for start, chosen in zip(starts, flat, strict=True)]
    return primitives.index(x, positions=positions, shape=shape, key=f"gather(dim={axis})")


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


def integers(x: Any, what: str) -> tuple[list[int], Shape]:
    """Return an int, a range, (nested) lists or an array of ints as a flat list and a shape.

    Raises RuntimeError for floats and bools, as torch does.
    """
    try:
        flat, shape = parse(x.data if isinstance(x, Value) else x)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what}: {error}") from None
    if flat and widest(flat) is not int:
        found = "floats" if widest(flat) is float else "bools"
        raise RuntimeError(f"{what} must be integers, got {found}: {x!r}")
    return flat, shape


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


def _check_range(flat: list[int], size: int, function: str, axis: int, error: type[Exception]) -> None:
    for position, chosen in enumerate(flat):
        if not 0 <= chosen < size:
            where = f"at position {position} is out of range for dimension {axis} with size {size}"
            raise error(f"{function}: index {chosen} {where}")
