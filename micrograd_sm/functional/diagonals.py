"""Diagonals of matrices, and the triangles below and above them."""

from __future__ import annotations

from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array
from micrograd_sm.array.storage import like_storage
from micrograd_sm.array.strides import row_major_steps
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axis_of
from micrograd_sm.functional.kinds import like

__all__ = ["diag", "diagonal", "tril", "triu"]


def tril(input: Any, diagonal: int = 0) -> Value:
    """Return the lower triangle of a matrix (..., n, m), and 0 above `diagonal`, also in place of nan and inf (torch.tril).

    Raises RuntimeError for fewer than two dimensions.

    >>> tril(Value([[1, 2], [3, 4]])).tolist()
    [[1.0, 0.0], [3.0, 4.0]]
    """
    return _triangle(input, diagonal, True, "tril")


def triu(input: Any, diagonal: int = 0) -> Value:
    """Return the upper triangle of a matrix (..., n, m), and 0 below `diagonal`, also in place of nan and inf (torch.triu).

    Raises RuntimeError for fewer than two dimensions.

    >>> triu(Value([[1, 2], [3, 4]])).tolist()
    [[1.0, 2.0], [0.0, 4.0]]
    """
    return _triangle(input, diagonal, False, "triu")


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Value:
    """Return the diagonal of two dimensions, as the last dimension; above the main one for an offset > 0 (torch.diagonal).

    Raises RuntimeError if the dimensions are the same.

    >>> diagonal(Value([[1, 2], [3, 4]])).tolist()
    [1.0, 4.0]
    """
    return _diagonal(as_value(input, "diagonal: input"), offset, dim1, dim2, "diagonal")


def diag(input: Any, diagonal: int = 0) -> Value:
    """Return a vector as the diagonal of a matrix of zeros, or the diagonal of a matrix (torch.diag).

    Raises RuntimeError for other than one or two dimensions.

    >>> diag(Value([1, 2])).tolist(), diag(Value([[1, 2], [3, 4]]), 1).tolist()
    ([[1.0, 0.0], [0.0, 2.0]], [2.0])
    """
    x = as_value(input, "diag: input")
    if x.ndim == 2:
        return _diagonal(x, diagonal, 0, 1, "diag")
    if x.ndim != 1:
        raise RuntimeError(f"diag: needs a vector or a matrix, got shape {x.shape}")
    below, right = max(-diagonal, 0), max(diagonal, 0)
    side = x.shape[0] + below + right
    positions = [(k + below) * side + k + right for k in range(x.shape[0])]
    return primitives.put(x, positions=positions, shape=(side, side))


def _triangle(input: Any, diagonal: int, lower: bool, function: str) -> Value:
    x = as_value(input, f"{function}: input")
    if x.ndim < 2:
        raise RuntimeError(f"{function}: needs a matrix, (..., n, m), got shape {x.shape}")
    n, m = x.shape[-2:]
    kept = [(column - row <= diagonal) if lower else (column - row >= diagonal) for row in range(n) for column in range(m)]
    condition = like_storage(Array.of(kept, (n, m), bool), x.data)
    return primitives.where(x, like(0, x), condition=condition)


def _diagonal(x: Value, offset: int, dim1: int, dim2: int, function: str) -> Value:
    a, b = axis_of(dim1, x.ndim, function), axis_of(dim2, x.ndim, function)
    if a == b:
        raise RuntimeError(f"{function}: dim1 {dim1} and dim2 {dim2} are the same dimension of shape {x.shape}")
    steps = row_major_steps(x.shape)
    starts = [0]
    others = [axis for axis in range(x.ndim) if axis not in (a, b)]
    for axis in others:
        starts = [start + index * steps[axis] for start in starts for index in range(x.shape[axis])]
    row, column = max(-offset, 0), max(offset, 0)
    length = max(min(x.shape[a] - row, x.shape[b] - column), 0)
    along = [(row + k) * steps[a] + (column + k) * steps[b] for k in range(length)]
    positions = [start + move for start in starts for move in along]
    shape = (*(x.shape[axis] for axis in others), length)
    return primitives.index(x, positions=positions, shape=shape, key=f"diagonal({offset})")
