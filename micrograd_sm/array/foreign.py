"""Other libraries' arrays as storage: their own functions, and the few that the array API standard lacks.

A storage has, under the standard's names, what `micrograd_sm.array` has, `take` and `put` by flat position included.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, wraps
from math import prod
from types import ModuleType
from typing import Any

from micrograd_sm.array.core import Array
from micrograd_sm.array.functions import flat_of, shape_of
from micrograd_sm.array.parsing import type_of
from micrograd_sm.array.strides import Shape


class Foreign:
    """Another library's array API namespace, with `erf`, and with `take` and `put` by flat position like ours.

    The standard has no scatter: libraries that have none of their own multiply by a one-hot matrix.
    """

    lazy = False  # whether an array's numbers are not known before they are asked for
    listed = False  # whether positions are lists here, too
    memory: Callable[[Any], int] = staticmethod(id)  # arrays that share memory have the same, or one of them is not whole

    def __init__(self, library: ModuleType) -> None:
        self.library = library
        self.isdtype = cache(library.isdtype)

    def __getattr__(self, name: str) -> Any:
        """Find a function in the library once; it is an attribute from then on."""
        function = getattr(self.library, name)
        found = self._mixing(function) if name in _OF_SEVERAL else function
        setattr(self, name, found)
        return found

    def _mixing(self, function: Callable) -> Callable:
        """Return a function that takes our `Array`s, too."""

        @wraps(function)
        def mixed(*xs: Any, **options: Any) -> Any:
            for x in xs:
                if type(x) is Array:
                    break
            else:
                return function(*xs, **options)
            foreign = next(x for x in xs if hasattr(x, "dtype") and type(x) is not Array)
            return function(*[self.like(x, foreign) if type(x) is Array else x for x in xs], **options)

        return mixed

    def like(self, x: Any, other: Any) -> Any:
        """Return an `Array` or a number as an array of this library, on the device of `other` and in its precision."""
        xp, dtype = self.library, self.dtype_of(x, other)
        return xp.reshape(xp.asarray(flat_of(x), dtype=dtype, **self.place(other)), shape_of(x))

    def dtype_of(self, x: Any, other: Any) -> Any:
        """Return this library's type for the elements of a number or an `Array`: floats have the precision of `other`."""
        kind = type_of(x)
        if kind is float:
            return other.dtype if self.isdtype(other.dtype, "real floating") else self.library.float64
        return self.library.bool if kind is bool else self.library.int64

    def place(self, x: Any) -> dict[str, Any]:
        """Return the argument `device` that puts a new array beside x."""
        return {"device": x.device}

    def concat(self, arrays: Any, axis: int) -> Any:
        foreign = next(x for x in arrays if type(x) is not Array)
        return self.library.concat([self.like(x, foreign) if type(x) is Array else x for x in arrays], axis=axis)

    def erf(self, x: Any) -> Any:
        """Return the error function: Python's, of one element after another, since the standard has none."""
        flat = [math.erf(y) for y in flat_of(x)]
        return self.library.reshape(self.library.asarray(flat, dtype=x.dtype, **self.place(x)), x.shape)

    def copied(self, x: Any, dtype: Any) -> Any:
        """Return a copy that a later change of x does not reach."""
        return self.library.asarray(x, dtype=dtype, copy=True)

    def is_whole(self, x: Any) -> bool:
        """Return whether x may be changed in place: it has all of its memory, and no element shares its place."""
        return True

    def owned(self, x: Any, dtype: Any, held: set[Any]) -> Any:
        """Return x as a dtype, in memory that is not in `held`, and add that there: a copy if need be."""
        if (memory := self.memory(x)) in held or x.dtype != dtype or not self.is_whole(x):
            return self.astype(x, dtype, copy=True)
        held.add(memory)
        return x

    def full(self, number: float, shape: Shape, other: Any) -> Any:
        """Return an array of one number, in the precision and on the device of `other`."""
        return self.library.full(shape, number, dtype=other.dtype, **self.place(other))

    def any_of(self, condition: Any) -> bool:
        """Return whether the condition may hold anywhere; True if that is not known yet."""
        return bool(self.library.any(condition))

    def kind(self, x: Any) -> type:
        """Return float, int or bool: what the elements are."""
        return bool if self.isdtype(x.dtype, "bool") else int if self.isdtype(x.dtype, "integral") else float

    def promoted(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Return two arrays; if one holds floats and one ints or bools, those as floats of the same precision."""
        float_a, float_b = (self.isdtype(x.dtype, "real floating") for x in (a, b))
        if float_a and not float_b:
            return a, self.astype(b, a.dtype)
        return (self.astype(a, b.dtype), b) if float_b and not float_a else (a, b)

    def checked(self, x: Any, bad: Callable[[Any], Any], error: Callable[[Any], Exception]) -> Any:
        """Return x; raise the error of its first number for which `bad` holds, as soon as the numbers are known."""
        if self.any_of(found := bad(x)):
            raise error(next(number for number, is_bad in zip(flat_of(x), flat_of(found)) if is_bad))
        return x

    def beside(self, array: Any, x: Any) -> Any:
        """Return an array of another library as one of this library, on the device of x."""
        return self.library.asarray(array, **self.place(x))

    def positions(self, positions: Any, x: Any) -> Any:
        """Return flat positions as an array of integers beside x."""
        return self.library.asarray(positions, dtype=self.library.int64, **self.place(x))

    def take(self, x: Any, positions: Any, shape: Shape) -> Any:
        """Return the elements at flat positions, as an array of `shape`."""
        xp = self.library
        return xp.reshape(xp.take(xp.reshape(x, (-1,)), self.positions(positions, x), axis=0), shape)

    def put(self, x: Any, positions: Any, shape: Shape) -> Any:
        """Return zeros of `shape` with the elements of x added at flat positions."""
        elements, indices = self.library.reshape(x, (-1,)), self.positions(positions, x)
        return self.library.reshape(self.scattered(elements, indices, prod(shape)), shape)

    def scattered(self, elements: Any, indices: Any, size: int) -> Any:
        """Return a vector of zeros with the elements added at the indices."""
        xp = self.library
        one_hot = xp.astype(indices[:, None] == xp.arange(size, **self.place(elements))[None, :], elements.dtype)
        return xp.matmul(elements, one_hot)


_SMALL = 4096  # elements of an array that is written faster than NumPy finds how to share one row's memory
_OF_SEVERAL = {"divide", "floor_divide", "matmul", "maximum", "minimum", "pow", "remainder", "where"}


class Numpy(Foreign):
    """NumPy's arrays. On small ones, methods and ufuncs take half the time of the functions that lead to them."""

    def __init__(self, library: ModuleType) -> None:
        super().__init__(library)
        self._sum, self._max = library.add.reduce, library.maximum.reduce

    def reshape(self, x: Any, shape: Shape) -> Any:
        return x.reshape(shape)

    def sum(self, x: Any, axis: Any, keepdims: bool = False) -> Any:
        return self._sum(x, axis=axis, keepdims=keepdims)

    def max(self, x: Any, axis: Any, keepdims: bool = False) -> Any:
        return self._max(x, axis=axis, keepdims=keepdims)

    def take(self, x: Any, positions: Any, shape: Shape) -> Any:
        return x.reshape(-1)[self.positions(positions, x)].reshape(shape)

    def copied(self, x: Any, dtype: Any) -> Any:
        copy = self.library.array(x, dtype=dtype)
        copy.setflags(write=False)  # a change in place raises, since no Value would notice it
        return copy

    def astype(self, x: Any, dtype: Any, copy: bool = True) -> Any:
        return x.astype(dtype, copy=copy)

    def is_whole(self, x: Any) -> bool:
        return x.base is None and x.flags.writeable

    def place(self, x: Any) -> dict[str, Any]:
        return {}

    def full(self, number: float, shape: Shape, other: Any) -> Any:
        filled = self.library.empty(shape, dtype=other.dtype)
        filled.fill(number)
        return filled

    def any_of(self, condition: Any) -> bool:
        return bool(condition.any())

    def permute_dims(self, x: Any, axes: Any) -> Any:
        return x.transpose(axes)

    def broadcast_to(self, x: Any, shape: Shape) -> Any:
        if prod(shape) > _SMALL:
            return self.library.broadcast_to(x, shape)
        filled = self.library.empty(shape, dtype=x.dtype)
        filled[...] = x
        return filled

    def scattered(self, elements: Any, indices: Any, size: int) -> Any:
        xp = self.library
        if elements.dtype == xp.float64:
            return xp.bincount(indices, weights=elements, minlength=size)  # many times faster than add.at
        zeros = xp.zeros(size, dtype=elements.dtype)
        xp.add.at(zeros, indices, elements)
        return zeros


class Torch(Foreign):
    """torch's tensors, on their device."""

    def copied(self, x: Any, dtype: Any) -> Any:
        return x.detach().to(dtype, copy=True)  # without its graph, which the copy would keep

    @staticmethod
    def memory(x: Any) -> int:
        return x.untyped_storage().data_ptr() if hasattr(x, "untyped_storage") else id(x)

    def is_whole(self, x: Any) -> bool:
        return x.untyped_storage().nbytes() == x.nbytes

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """Choose as the standard does, where torch's own function takes no plain bool and makes float32 of two plain floats."""
        array = next(x for x in (condition, a, b) if hasattr(x, "device"))
        a = self.library.asarray(a, dtype=self.library.float64, device=array.device) if type(a) is type(b) is float else a
        condition = self.library.asarray(condition, device=array.device) if type(condition) is bool else condition
        a, b, condition = (self.like(x, array) if type(x) is Array else x for x in (a, b, condition))
        return self.library.where(condition, a, b)

    def erf(self, x: Any) -> Any:
        return x.erf()

    def scattered(self, elements: Any, indices: Any, size: int) -> Any:
        return elements.new_zeros(size).index_add(0, indices, elements)
