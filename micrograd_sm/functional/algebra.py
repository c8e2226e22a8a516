"""Products of vectors and matrices, and norms."""

from __future__ import annotations

from math import inf
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array.strides import broadcast_shapes
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axes_of, numpy_names
from micrograd_sm.functional.kinds import floats
from micrograd_sm.functional.pointwise import abs
from micrograd_sm.functional.reductions import amax, amin, root, sum
from micrograd_sm.functional.shaping import squeeze, unsqueeze
from micrograd_sm.mode import composed

__all__ = ["bmm", "dot", "linear", "matmul", "mm", "mv", "norm", "outer"]


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


@composed
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


@composed
def dot(input: Any, tensor: Any) -> Value:
    """Return the dot product of two vectors: (k) and (k) to a number (torch.dot).

    Raises RuntimeError for other than vectors of one size.

    >>> dot([1.0, 2.0], [3.0, 4.0]).item()
    11.0
    """
    a, b = as_value(input, "dot: input"), as_value(tensor, "dot: tensor")
    if a.ndim != 1 or a.shape != b.shape:
        raise RuntimeError(f"dot: needs two vectors of one size, got shapes {a.shape} and {b.shape}")
    return sum(a * b)


def mv(input: Any, vec: Any) -> Value:
    """Return the product of a matrix and a vector: (n, k) and (k) to (n) (torch.mv).

    >>> mv([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).tolist()
    [3.0, 7.0]
    """
    return _product(input, vec, (2, 1), "mv", "vec")


def mm(input: Any, mat2: Any) -> Value:
    """Return the product of two matrices: (n, k) and (k, m) to (n, m) (torch.mm).

    >>> mm([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.0]]
    """
    return _product(input, mat2, (2, 2), "mm", "mat2")


def bmm(input: Any, mat2: Any) -> Value:
    """Return the products of a batch of matrices: (b, n, k) and (b, k, m) to (b, n, m) (torch.bmm).

    >>> bmm([[[1.0, 2.0]]], [[[3.0], [4.0]]]).tolist()
    [[[11.0]]]
    """
    return _product(input, mat2, (3, 3), "bmm", "mat2")


@composed
def outer(input: Any, vec2: Any) -> Value:
    """Return the product of each element of one vector with each of another: (n) and (m) to (n, m) (torch.outer).

    >>> outer([1.0, 2.0], [3.0, 4.0]).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    a, b = as_value(input, "outer: input"), as_value(vec2, "outer: vec2")
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"outer: needs two vectors, got shapes {a.shape} and {b.shape}")
    return unsqueeze(a, 1) * b


def _product(input: Any, other: Any, ndims: tuple[int, int], function: str, second: str) -> Value:
    a, b = as_value(input, f"{function}: input"), as_value(other, f"{function}: {second}")
    if (a.ndim, b.ndim) != ndims or a.shape[:-2] != b.shape[:-2]:
        kinds = {1: "a vector (k)", 2: "a matrix (n, k)", 3: "a batch of matrices (b, n, k)"}
        needed = f"{kinds[ndims[0]]} and {kinds[ndims[1]]}"
        raise RuntimeError(f"{function}: needs {needed}, got shapes {a.shape} and {b.shape}; matmul broadcasts")
    return matmul(a, b)


@numpy_names
@composed
def norm(input: Any, p: float | str | None = "fro", dim: int | tuple[int, ...] | None = None, keepdim: bool = False) -> Value:
    """Return the p-norm over `dim`, an int or a tuple, by default over all: sum(|x|**p) ** (1/p) (torch.norm).

    By default, and for "fro", p is 2. For inf it is the largest |x|, for -inf the smallest, for 0 the number of elements that
    are not 0. Where the norm is 0, its derivative is 0. Raises RuntimeError for another p, and for a Value of ints or bools.

    >>> norm([3.0, -4.0]).item(), norm([3.0, -4.0], 1).item()
    (5.0, 7.0)
    """
    x = floats(input, "norm: input")
    order = 2.0 if p is None or p == "fro" else p
    if isinstance(order, bool) or not isinstance(order, (int, float)):
        raise RuntimeError(f"norm: p must be a number or 'fro', got {p!r}")
    axes = axes_of(dim, x.ndim, "norm")
    if order == 2:
        return root(sum(x * x, axes, keepdim))
    if order == 0:
        return sum((x != 0) * Value(1.0, requires_grad=False), axes, keepdim)
    size = abs(x)
    if order in (inf, -inf):
        return (amax if order > 0 else amin)(size, dim, keepdim)
    return sum(size, axes, keepdim) if order == 1 else root(sum(size ** float(order), axes, keepdim), 1.0 / order)
