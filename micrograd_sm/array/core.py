"""`Array`: an immutable n-d array of floats, ints or bools, stored as one flat row-major list.

Its names are those of the Python array API standard. An Array has at least one dimension: a single number stays a Python
number, so scalar graphs do not pay for arrays.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any

from micrograd_sm.array import ieee
from micrograd_sm.array.indexing import locate
from micrograd_sm.array.libraries import is_array_type
from micrograd_sm.array.parsing import DType, common, convert, parse, widest
from micrograd_sm.array.strides import Shape, broadcast, broadcast_shapes
from micrograd_sm.missing import Lacking, missing_on_array

Number = float | int | bool


def _forward(operation: Callable) -> Any:
    return lambda self, other: _operate(operation, self, other)


def _reflected(operation: Callable) -> Any:
    return lambda self, other: _operate(operation, other, self)


class Array(Lacking):
    """An immutable n-d array, n >= 1, of Python floats, ints or bools.

    `data` is a (nested) list, tuple or range of numbers, or another array; `dtype` is `float`, `int` or `bool`,
    by default the widest found. Raises ValueError if lists are ragged, TypeError if an element is not a real number.
    Source: the array API standard, https://data-apis.org/array-api.

    >>> a = Array([[1, 2], [3, 4]])
    >>> a.shape, a.dtype, (a * 2.0).tolist(), (a > 2).tolist()
    ((2, 2), <class 'int'>, [[2.0, 4.0], [6.0, 8.0]], [[False, False], [True, True]])
    """

    __slots__ = ("dtype", "flat", "shape")
    __array_ufunc__ = None  # NumPy leaves arithmetic between its arrays and ours to us

    flat: list
    shape: Shape
    dtype: DType

    def __init__(self, data: Any, dtype: DType | None = None) -> None:
        flat, shape = parse(data)
        if not shape:
            raise TypeError(f"Array: {data!r} is a number; an Array has at least one dimension, so put it in a list")
        self.flat, self.shape, self.dtype = convert(flat, dtype or widest(flat)), shape, dtype or widest(flat)

    _lacks = staticmethod(missing_on_array)

    @classmethod
    def of(cls, flat: list, shape: Shape, dtype: DType = float) -> Any:
        """Wrap a flat list that nobody else will change; return the element itself if `shape` is ().

        >>> Array.of([1.0, 2.0], (2,)), Array.of([1.0], ())
        (Array([1.0, 2.0]), 1.0)
        """
        if not shape:
            return flat[0]
        array = object.__new__(cls)
        array.flat, array.shape, array.dtype = flat, shape, dtype
        return array

    @property
    def ndim(self) -> int:
        """The number of dimensions, at least 1.

        >>> Array([[1.0]]).ndim
        2
        """
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements.

        >>> Array([[1.0, 2.0]]).size
        2
        """
        return len(self.flat)

    def tolist(self) -> list:
        """Return the elements as nested lists.

        >>> Array([(1, 2), (3, 4)]).tolist()
        [[1, 2], [3, 4]]
        """
        nested = list(self.flat)
        for axis in range(self.ndim - 1, 0, -1):
            size = self.shape[axis]
            nested = [nested[k * size : (k + 1) * size] for k in range(math.prod(self.shape[:axis]))]
        return nested

    def item(self) -> Number:
        """Return the only element; ValueError if there are more or none.

        >>> Array([[3.0]]).item()
        3.0
        """
        if len(self.flat) != 1:
            raise ValueError(f"item: only one element can become a number, and shape {self.shape} has {len(self.flat)}")
        return self.flat[0]

    def astype(self, dtype: DType) -> Array:
        """Return the same elements as `float`, `int` or `bool`.

        >>> Array([0, 1]).astype(bool)
        Array([False, True])
        """
        return self if dtype is self.dtype else Array.of(convert(self.flat, dtype), self.shape, dtype)

    @property
    def data(self) -> Array:
        """The array itself, as for torch's tensors, which have it too.

        >>> Array([1.0]).data
        Array([1.0])
        """
        return self

    if TYPE_CHECKING:  # torch's methods (mean, abs, all, ...) are attached in methods

        def __getattr__(self, name: str) -> Any: ...

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            "an Array never changes: set elements of the Value, x[...] = v, under no_grad() if it requires a gradient"
        )

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        """Return `micrograd_sm.array`, as the array API standard asks."""
        return sys.modules[__package__]

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        inner = self.shape[1:]
        step = math.prod(inner)
        return (Array.of(self.flat[k * step : (k + 1) * step], inner, self.dtype) for k in range(self.shape[0]))

    def __bool__(self) -> bool:
        if len(self.flat) != 1:
            raise ValueError(f"the truth of an Array of shape {self.shape} is ambiguous: use any(a.flat) or all(a.flat)")
        return bool(self.flat[0])

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __repr__(self) -> str:
        return f"Array({self.tolist()})"

    def __hash__(self) -> int:
        return id(self)

    def __getitem__(self, key: Any) -> Any:
        positions, shape = locate(key, self.shape)
        return Array.of(list(map(self.flat.__getitem__, positions)), shape, self.dtype)

    def __neg__(self) -> Array:
        return Array.of(list(map(operator.neg, self.flat)), self.shape, int if self.dtype is bool else self.dtype)

    def __abs__(self) -> Array:
        return Array.of(list(map(abs, self.flat)), self.shape, int if self.dtype is bool else self.dtype)

    def __pos__(self) -> Array:
        return self

    __add__, __radd__ = _forward(operator.add), _reflected(operator.add)
    __sub__, __rsub__ = _forward(operator.sub), _reflected(operator.sub)
    __mul__, __rmul__ = _forward(operator.mul), _reflected(operator.mul)
    __truediv__, __rtruediv__ = _forward(ieee.divide), _reflected(ieee.divide)
    __floordiv__, __rfloordiv__ = _forward(ieee.floor_divide), _reflected(ieee.floor_divide)
    __mod__, __rmod__ = _forward(ieee.remainder), _reflected(ieee.remainder)
    __pow__, __rpow__ = _forward(ieee.power), _reflected(ieee.power)
    __eq__, __ne__ = _forward(operator.eq), _forward(operator.ne)
    __lt__, __le__ = _forward(operator.lt), _forward(operator.le)
    __gt__, __ge__ = _forward(operator.gt), _forward(operator.ge)
    __and__ = __rand__ = _forward(operator.and_)
    __or__ = __ror__ = _forward(operator.or_)
    __xor__ = __rxor__ = _forward(operator.xor)

    def __invert__(self) -> Array:
        invert = operator.not_ if self.dtype is bool else operator.invert
        return Array.of(list(map(invert, self.flat)), self.shape, self.dtype)


_COMPARISONS = {operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge}
_BITWISE = {operator.and_, operator.or_, operator.xor}
_OF_INTS = {ieee.floor_divide: operator.floordiv, ieee.remainder: operator.mod, ieee.power: ieee.power_of_int}
_PYTHONS = {ieee.divide: operator.truediv, **_OF_INTS, ieee.power: operator.pow}


def _operate(operation: Callable, a: Any, b: Any) -> Any:
    if type(a) is type(b) is Array:
        return elementwise(operation, a, b)
    for operand in (a, b):
        if not isinstance(operand, (Array, float, int)):
            return _operate_elsewhere(operation, a, b, operand) if is_array_type(type(operand)) else NotImplemented
    return elementwise(operation, a, b)


def _operate_elsewhere(operation: Callable, a: Any, b: Any, foreign: Any) -> Any:
    """Compute in the library of the array `foreign`, to which an Array beside it is converted."""
    storage = sys.modules[__package__].namespace(foreign)
    a, b = (storage.like(x, foreign) if type(x) is Array else x for x in (a, b))
    return _PYTHONS.get(operation, operation)(a, b)


def elementwise(operation: Callable, a: Any, b: Any) -> Any:
    """Apply a function of two numbers to two numbers or Arrays, with broadcasting; RuntimeError if shapes do not broadcast."""
    shape: Shape
    xs: Iterable
    ys: Iterable
    if type(a) is not Array:
        if type(b) is not Array:
            return (_OF_INTS.get(operation, operation) if isinstance(a, int) and isinstance(b, int) else operation)(a, b)
        shape, xs, ys = b.shape, repeat(a), b.flat
    elif type(b) is not Array:
        shape, xs, ys = a.shape, a.flat, repeat(b)
    elif a.shape == b.shape:
        shape, xs, ys = a.shape, a.flat, b.flat
    else:
        shape = broadcast_shapes(a.shape, b.shape)
        xs, ys = broadcast(a.flat, a.shape, shape), broadcast(b.flat, b.shape, shape)
    if operation is ieee.divide:
        return Array.of(_divide(xs, ys), shape)
    dtype = _result(operation, a, b)
    if dtype is int:
        operation = _OF_INTS.get(operation, operation)
    return Array.of(list(map(operation, xs, ys)), shape, dtype)


def _divide(xs: Any, ys: Any) -> list[float]:
    try:
        return list(map(operator.truediv, xs, ys))
    except ZeroDivisionError:
        return list(map(ieee.divide, xs, ys))


def _result(operation: Callable, a: Any, b: Any) -> DType:
    if operation in _COMPARISONS:
        return bool
    kinds = {a.dtype if type(a) is Array else type(a), b.dtype if type(b) is Array else type(b)}
    if float in kinds:
        return float
    if operation in _BITWISE:
        return common(*kinds)
    return int if kinds <= {int, bool} else float
