"""`namespace(x)`: the functions with which a primitive computes on a storage."""

from __future__ import annotations

import math
import sys
from functools import lru_cache
from math import prod
from types import ModuleType
from typing import Any

from micrograd_sm.array.core import Array
from micrograd_sm.array.libraries import library_of
from micrograd_sm.array.strides import Shape

OWN = {float, int, bool, Array}


def namespace(*xs: Any) -> Any:
    """Return the functions that compute on these numbers and arrays, under their array API names.

    Numbers and `Array`s have `micrograd_sm.array`; NumPy's, torch's and other arrays have their library's own
    array API namespace (torch's through array-api-compat). Raises TypeError if one is neither a number nor an array.

    >>> namespace(1.0, Array([2.0])).__name__
    'micrograd_sm.array'
    """
    for x in xs:
        if type(x) not in OWN:
            return _foreign(library_of(x))
    return sys.modules[__package__]


def is_foreign(x: Any) -> bool:
    """Return whether x is an array of another library.

    >>> is_foreign(1.0), is_foreign(Array([1.0]))
    (False, False)
    """
    return type(x) not in OWN and (hasattr(x, "__array_namespace__") or type(x).__module__ == "torch") and hasattr(x, "shape")


@lru_cache
def _foreign(library: ModuleType | Foreign) -> Foreign:
    return library if isinstance(library, Foreign) else Foreign(library)


class Foreign:
    """Another library's array API namespace, with `erf`, and with `take` and `put` by flat position like ours.

    The standard has no scatter: `put` uses NumPy's or torch's own, and for other libraries a product with a one-hot matrix.
    """

    def __init__(self, library: ModuleType) -> None:
        self.library = library

    def __getattr__(self, name: str) -> Any:
        if name == "erf" and not hasattr(self.library, name):  # the standard has none, and neither has NumPy
            return self._erf
        function = getattr(self.library, name)
        if isinstance(function, type) or not callable(function):  # a dtype, NumPy's are classes
            return function
        return lambda *xs, **options: function(*map(self._own, xs), **options)

    def _own(self, x: Any) -> Any:
        """Return an `Array`, also inside a tuple of them, as an array of this library; anything else as it is."""
        if isinstance(x, tuple):
            return tuple(map(self._own, x))
        return self.library.asarray(x.tolist()) if type(x) is Array else x

    def _erf(self, x: Any) -> Any:
        flat = [math.erf(y) for y in self.library.reshape(x, (-1,)).tolist()]
        return self.library.reshape(self.library.asarray(flat, dtype=x.dtype), x.shape)

    def take(self, x: Any, positions: list[int], shape: Shape) -> Any:
        """Return the elements at flat positions, as an array of `shape`."""
        xp = self.library
        return xp.reshape(xp.take(xp.reshape(x, (-1,)), self._indices(positions), axis=0), shape)

    def put(self, x: Any, positions: list[int], shape: Shape) -> Any:
        """Return zeros of `shape` with the elements of x added at flat positions."""
        xp, size = self.library, prod(shape)
        elements, indices, zeros = xp.reshape(x, (-1,)), self._indices(positions), xp.zeros(size, dtype=x.dtype)
        if xp.__name__ == "numpy":
            xp.add.at(zeros, indices, elements)
        elif hasattr(zeros, "index_add"):
            zeros = zeros.index_add(0, indices, elements)
        else:
            one_hot = xp.astype(indices[:, None] == xp.arange(size)[None, :], x.dtype)
            zeros = xp.matmul(elements, one_hot)
        return xp.reshape(zeros, shape)

    def _indices(self, positions: list[int]) -> Any:
        return self.library.asarray(positions, dtype=self.library.int64)
