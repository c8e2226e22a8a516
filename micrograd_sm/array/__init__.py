"""The default storage: an n-d array in pure Python, and functions named after the array API standard.

>>> from micrograd_sm import array as xp
>>> xp.sum(xp.exp(xp.Array([[0.0, 0.0], [1000.0, 0.0]])), axis=(1,))
Array([2.0, inf])
"""

from micrograd_sm.array.core import Array
from micrograd_sm.array.functions import (
    argmax,
    asarray,
    broadcast_to,
    concat,
    cos,
    divide,
    exp,
    flat_of,
    isnan,
    log,
    log1p,
    matmul,
    max,
    maximum,
    permute_dims,
    pow,
    put,
    reshape,
    shape_of,
    sin,
    sqrt,
    sum,
    take,
    tanh,
    where,
)
from micrograd_sm.array.namespace import is_foreign, namespace

__all__ = [
    "Array",
    "argmax",
    "asarray",
    "broadcast_to",
    "concat",
    "cos",
    "divide",
    "exp",
    "flat_of",
    "is_foreign",
    "isnan",
    "log",
    "log1p",
    "matmul",
    "max",
    "maximum",
    "namespace",
    "permute_dims",
    "pow",
    "put",
    "reshape",
    "shape_of",
    "sin",
    "sqrt",
    "sum",
    "take",
    "tanh",
    "where",
]
