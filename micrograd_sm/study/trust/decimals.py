"""Decimals for the primitives: an Array of them, or one alone, in a box that turns the floats of a rule into decimals, too.

How many digits are kept is the decimal context's business: see `working`. Array computes; here is only what decimals lack.
"""

from __future__ import annotations

import decimal
import operator
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from math import prod
from typing import Any

from micrograd_sm import array
from micrograd_sm.array import Array, flat_of, shape_of
from micrograd_sm.array.core import elementwise
from micrograd_sm.array.namespace import Foreign
from micrograd_sm.array.strides import Shape
from micrograd_sm.study.trust import elementary


def working(precision: int) -> Any:
    """Return a context in which decimals keep `precision` digits, have all exponents, and 1 / 0 is inf."""
    return localcontext(Context(precision, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[]))


def exact(x: Any) -> Exact:
    """Return numbers as the decimals that they are, to the last digit.

    >>> exact(0.1).data
    Decimal('0.1000000000000000055511151231257827021181583404541015625')
    """
    if isinstance(x, Exact):
        return x
    return Exact(Array.of(list(map(Decimal, flat_of(x))), shape_of(x), Decimal))


def _decimals(x: Any) -> Any:
    """Return an operand as Array takes it: a Decimal, an Array of Decimals or a tuple of them; anything else as it is."""
    if isinstance(x, tuple):
        return tuple(map(_decimals, x))
    return exact(x).data if isinstance(x, (Exact, Array, float)) else x


def _both(operation: Callable, result: Callable = exact) -> Any:
    """Return an operator and the same with its operands swapped."""

    def apply(a: Any, b: Any) -> Any:
        return result(elementwise(operation, _decimals(a), _decimals(b)))

    return apply, lambda a, b: apply(b, a)


class Exact:
    """A Decimal or an Array of Decimals as an operand; comparisons give ordinary booleans.

    >>> x = exact(Array([1.0, 2.0]))
    >>> (x * x + 0.5).flat, x > 1.0
    ([Decimal('1.5'), Decimal('4.5')], Array([False, True]))
    """

    __slots__ = ("data",)

    def __init__(self, data: Any) -> None:
        self.data = data

    shape = property(lambda self: shape_of(self.data))
    flat = property(lambda self: flat_of(self.data))

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return DECIMALS

    def __getitem__(self, key: Any) -> Exact:
        return exact(self.data[key])

    def __neg__(self) -> Exact:
        return exact(_each(Decimal.copy_negate)(self.data))

    __add__, __radd__ = _both(operator.add)
    __sub__, __rsub__ = _both(operator.sub)
    __mul__, __rmul__ = _both(operator.mul)
    __lt__, __gt__ = _both(operator.lt, lambda x: x)
    __le__, __ge__ = _both(operator.le, lambda x: x)
    __eq__ = _both(operator.eq, lambda x: x)[0]
    __ne__ = _both(operator.ne, lambda x: x)[0]
    __hash__ = object.__hash__


class _Namespace(Foreign):
    """The functions of the array's namespace, with decimals for operands and results."""

    def __getattr__(self, name: str) -> Callable:
        function = _LACKING.get(name) or getattr(array, name)
        return lambda *xs, **options: exact(function(*map(_decimals, xs), **options))

    def take(self, x: Exact, positions: list[int], shape: Shape) -> Exact:
        return exact(array.take(x.data, positions, shape))

    def put(self, x: Exact, positions: list[int], shape: Shape) -> Exact:
        flat = [Decimal(0)] * prod(shape)
        for position, element in zip(positions, x.flat, strict=True):
            flat[position] += element
        return Exact(Array.of(flat, shape, Decimal))


# What decimals lack ---------------------------------------------------------------------------------------------------


def _each(function: Callable[[Decimal], Decimal]) -> Callable[[Any], Any]:
    return lambda x: Array.of(list(map(function, flat_of(x))), shape_of(x), Decimal)


_ELEMENTARY: dict[str, Callable[[Decimal], Decimal]] = {
    "exp": Decimal.exp, "log": Decimal.ln, "sqrt": Decimal.sqrt, "log1p": elementary.log1p, "tanh": elementary.tanh,
    "sin": elementary.sin, "cos": elementary.cos,
}  # fmt: skip
_LACKING: dict[str, Callable] = {name: _each(function) for name, function in _ELEMENTARY.items()}
_LACKING["pow"] = lambda a, b: elementwise(elementary.power, a, b)
DECIMALS = _Namespace(array)
