"""Decimals for the primitives: `Exact` holds an Array of Decimals, or one, and turns the floats of a rule into Decimals.

The decimal context sets how many digits are kept: see `working`. Array computes; this module adds what Decimals lack.
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
from micrograd_sm.array.strides import Shape
from micrograd_sm.study.trust import elementary


def working(precision: int) -> Any:
    """Return a context in which decimals keep `precision` digits, have all exponents, and 1 / 0 is inf."""
    return localcontext(Context(precision, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[]))


def exact(x: Any) -> Exact:
    """Return numbers as Decimals, to the last digit."""
    return x if isinstance(x, Exact) else Exact(_each(Decimal)(x))


def _decimals(x: Any) -> Any:
    """Return the Decimal, Array of Decimals or tuple of them that an operand holds; anything else as it is."""
    if isinstance(x, tuple):
        return tuple(map(_decimals, x))
    return exact(x).data if isinstance(x, (Exact, Array, float)) else x


def _both(operation: Callable, result: Callable = exact) -> Any:
    """Return an operator and the same with its operands swapped."""

    def apply(a: Any, b: Any) -> Any:
        return result(elementwise(operation, _decimals(a), _decimals(b)))

    return apply, lambda a, b: apply(b, a)


class Exact:
    """A Decimal or an Array of Decimals as an operand; comparisons return ordinary booleans."""

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


class _Namespace:
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


def _each(function: Callable[[Any], Decimal]) -> Callable[[Any], Any]:
    return lambda x: Array.of(list(map(function, flat_of(x))), shape_of(x), Decimal)


_ELEMENTARY: dict[str, Callable[[Decimal], Decimal]] = {
    "exp": Decimal.exp, "log": Decimal.ln, "sqrt": Decimal.sqrt, "log1p": elementary.log1p, "tanh": elementary.tanh,
    "erf": elementary.erf, "sin": elementary.sin, "cos": elementary.cos,
}  # fmt: skip
_LACKING: dict[str, Callable] = {name: _each(function) for name, function in _ELEMENTARY.items()}
_LACKING["pow"] = lambda a, b: elementwise(elementary.power, a, b)
DECIMALS = _Namespace()
