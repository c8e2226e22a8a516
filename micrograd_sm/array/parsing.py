"""Nested Python data as flat lists: what counts as a number, its shape, and its element type."""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from itertools import chain
from typing import Any

from micrograd_sm.array.strides import Shape

DType = type  # bool, int or float
_SEQUENCES = {list, tuple, range}
MAX_NDIM = 64
MAX_INT = 2**63 - 1


def type_of(x: Any) -> DType:
    """Return the type of a number, or of an `Array`'s elements.

    >>> type_of(1.5)
    <class 'float'>
    """
    return getattr(x, "dtype", type(x))


def common(*kinds: DType) -> DType:
    """Return the widest of these element types: float, else int, else bool."""
    return float if float in kinds else int if int in kinds else bool


def widest(flat: list) -> DType:
    """Return the narrowest element type that holds every element; float if there are none, as in torch."""
    return common(*set(map(type, flat))) if flat else float


def convert(flat: list, dtype: DType) -> list:
    """Return the elements as `dtype`; ValueError if an int is too large for it."""
    if dtype is int and flat and not -MAX_INT - 1 <= min(flat) <= max(flat) <= MAX_INT:
        bits = max(flat, key=abs).bit_length()
        raise ValueError(f"an integer of {bits} bits is too large for a 64-bit one; write it as a float")
    if set(map(type, flat)) <= {dtype}:
        return flat
    try:
        return list(map(dtype, flat))
    except OverflowError:
        raise ValueError(f"an integer of {max(flat, key=abs).bit_length()} bits is too large for a float") from None


def parse(data: Any) -> tuple[list, Shape]:
    """Return the elements of nested lists, tuples, ranges or arrays, and their shape; () for a number.

    Raises ValueError if lists are ragged, TypeError if an element is not a real number.
    """
    if 0 in getattr(data, "shape", ()):
        return [], tuple(data.shape)  # an array's nested lists would lose the sizes after a 0
    level: list = [data]
    shape: Shape = ()
    while True:
        kinds = set(map(type, level))
        if not kinds <= _SEQUENCES | {float, int, bool}:
            level = list(map(_plain, level))
            kinds = set(map(type, level))
        if not kinds & _SEQUENCES:
            return level, shape
        lengths = set(map(len, level)) if kinds <= _SEQUENCES else set()
        if len(lengths) != 1:
            found = f"lists of length {' and '.join(map(str, sorted(lengths)))}" if lengths else "numbers and lists"
            raise ValueError(f"ragged list: at depth {len(shape)} there are {found}; each row needs the same length")
        shape += (lengths.pop(),)
        if len(shape) > MAX_NDIM:
            raise ValueError(f"lists nested deeper than {MAX_NDIM}: an array has at most that many dimensions")
        level = list(chain.from_iterable(level))
        if not level:
            return level, shape


def _plain(x: Any) -> Any:
    """Return an element of another type as a Python number or list; TypeError if it is neither."""
    if isinstance(x, bool):
        return bool(x)
    if isinstance(x, numbers.Integral):
        return int(x)
    if isinstance(x, numbers.Real):
        return float(x)
    if isinstance(x, (list, tuple)):
        return list(x)
    if hasattr(x, "shape") and (hasattr(x, "tolist") or hasattr(x, "compute")):
        return _plain_array(x)
    if isinstance(x, Iterator):
        raise TypeError(f"expected numbers or nested lists of numbers, got the iterator {type(x).__name__}: use list(...)")
    raise TypeError(f"expected a real number or nested lists of them, got {x!r} of type {type(x).__name__}")


def _plain_array(x: Any) -> Any:
    if getattr(x, "requires_grad", False):
        raise TypeError(
            "a list that holds Values which require a gradient: join them with stack([...]), so that the gradient reaches them"
        )
    nested = (x.compute() if hasattr(x, "compute") else x).tolist()
    if isinstance(nested, (list, float, int)):
        return nested
    raise TypeError(f"expected an array of real numbers, got {type(x).__name__} of {getattr(x, 'dtype', '?')}")
