"""Shapes: the same elements rearranged, repeated or joined; and matrix products."""

from __future__ import annotations

from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array.strides import broadcast_shapes
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axes_of, axis_of, inferred, sizes_of
from micrograd_sm.mode import composed

__all__ = ["cat", "expand", "linear", "matmul", "permute", "reshape", "squeeze", "stack", "transpose", "unsqueeze"]


def reshape(input: Any, *shape: Any) -> Value:
    """Return the same elements, in row-major order, with another shape; one size may be -1 (torch.reshape).

    Raises RuntimeError if the product of the sizes is not the number of elements.

    >>> reshape(Value([[1, 2, 3], [4, 5, 6]]), (3, -1)).tolist()
    [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    """
    x = as_value(input, "reshape: input")
    return primitives.reshape(x, shape=inferred(sizes_of(shape, "reshape", minimum=-1), x.shape))


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


def squeeze(input: Any, dim: int | tuple[int, ...] | None = None) -> Value:
    """Return the input without its dimensions of size 1: all of them, or those among `dim` (torch.squeeze).

    >>> squeeze(Value([[[1.0], [2.0]]])).shape, squeeze(Value([[[1.0], [2.0]]]), 0).shape
    ((2,), (2, 1))
    """
    x = as_value(input, "squeeze: input")
    axes = () if dim == () else axes_of(dim, x.ndim, "squeeze")
    return primitives.reshape(x, shape=tuple(s for axis, s in enumerate(x.shape) if s != 1 or axis not in axes))


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


def _values(tensors: Any, function: str, when_empty: type[Exception]) -> list[Value]:
    if not isinstance(tensors, (list, tuple, Value)):
        raise TypeError(f"{function}: expected a list or tuple of Values, got {type(tensors).__name__}")
    if not len(tensors):
        raise when_empty(f"{function}: expected at least one Value, got an empty {type(tensors).__name__}")
    return [as_value(x, f"{function}: tensors") for x in tensors]


@composed
def matmul(input: Any, other: Any) -> Value:
    """Return the matrix product: (k) @ (k), (n, k) @ (k), (n, k) @ (k, m), or batches of them, broadcast (torch.matmul).

    Raises RuntimeError for numbers and for shapes that do not multiply.

    >>> matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).tolist()
    [3.0, 7.0]
    """
    a, b = as_value(input, "matmul: input"), as_value(other, "matmul: other")
    if not a.shape or not b.shape:
        raise RuntimeError(f"matmul: needs vectors or matrices, got shapes {a.shape} and {b.shape}; use * for numbers")
    rows = a if a.ndim > 1 else unsqueeze(a, 0)
    columns = b if b.ndim > 1 else unsqueeze(b, 1)
    if rows.shape[-1] != columns.shape[-2]:
        raise RuntimeError(
            f"matmul: shapes {a.shape} and {b.shape} do not multiply: the last size of the first, {a.shape[-1]}, "
            f"must equal the {'last but one' if b.ndim > 1 else 'only'} size of the second, {columns.shape[-2]}"
        )
    broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    product = primitives.matmul(rows, columns)
    if a.ndim == 1:
        product = squeeze(product, -2)
    return squeeze(product, -1) if b.ndim == 1 else product


def linear(input: Any, weight: Any, bias: Any = None) -> Value:
    """Return input @ weight.T + bias: (..., k), (m, k) and (m) to (..., m) (torch.nn.functional.linear).

    >>> linear([1.0, 2.0], [[3.0, 4.0]], [0.5]).tolist()
    [11.5]
    """
    w = as_value(weight, "linear: weight")
    if w.ndim not in (1, 2) or (w.ndim == 1 and bias is not None):
        raise RuntimeError(f"linear: weight must be (m, k), or (k) without a bias, got shape {w.shape}")
    product = matmul(input, w.T if w.ndim == 2 else w)
    return product if bias is None else product + as_value(bias, "linear: bias")
