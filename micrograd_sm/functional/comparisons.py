"""Comparisons and logic under torch's names; each result holds bools, and counts, selects and prints as any Value does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from micrograd_sm.array import flat_of
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.kinds import all_whole, like_input

__all__ = [
    "allclose", "eq", "equal", "ge", "gt", "isclose", "isfinite", "isinf", "isnan", "le", "logical_and", "logical_not",
    "logical_or", "lt", "ne",
]  # fmt: skip


def eq(input: Any, other: Any) -> Value:
    """Return whether elements are equal, with broadcasting; nan equals nothing (torch.eq).

    >>> eq([1.0, 2.0], 2.0).tolist()
    [False, True]
    """
    return _bools(as_value(input, "eq: input") == as_value(other, "eq: other"))


def ne(input: Any, other: Any) -> Value:
    """Return whether elements differ, with broadcasting (torch.ne).

    >>> ne([1.0, 2.0], 2.0).tolist()
    [True, False]
    """
    return _bools(as_value(input, "ne: input") != as_value(other, "ne: other"))


def lt(input: Any, other: Any) -> Value:
    """Return whether input is smaller, with broadcasting (torch.lt).

    >>> lt([1.0, 2.0], 2.0).tolist()
    [True, False]
    """
    return _bools(as_value(input, "lt: input") < as_value(other, "lt: other"))


def le(input: Any, other: Any) -> Value:
    """Return whether input is smaller or equal, with broadcasting (torch.le).

    >>> le([1.0, 3.0], 2.0).tolist()
    [True, False]
    """
    return _bools(as_value(input, "le: input") <= as_value(other, "le: other"))


def gt(input: Any, other: Any) -> Value:
    """Return whether input is larger, with broadcasting (torch.gt).

    >>> gt([1.0, 3.0], 2.0).tolist()
    [False, True]
    """
    return _bools(as_value(input, "gt: input") > as_value(other, "gt: other"))


def ge(input: Any, other: Any) -> Value:
    """Return whether input is larger or equal, with broadcasting (torch.ge).

    >>> ge([1.0, 2.0], 2.0).tolist()
    [False, True]
    """
    return _bools(as_value(input, "ge: input") >= as_value(other, "ge: other"))


def isclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Value:
    """Return whether |input - other| <= atol + rtol * |other|, with broadcasting; equal infinities are close (torch.isclose).

    With `equal_nan`, nan is close to nan. Raises RuntimeError for a tolerance that is negative.

    >>> isclose([1.0, 2.0], [1.000001, 2.1]).tolist()
    [True, False]
    """
    a, b = as_value(input, "isclose: input"), as_value(other, "isclose: other")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: tolerances must not be negative, got rtol={rtol}, atol={atol}")
    finite = Value(b.data, requires_grad=False) * 1.0
    near = abs(a.detach() * 1.0 - finite) <= atol + rtol * abs(finite)
    close = (a == b) | (near & isfinite(finite).data)
    return _bools(close | ((a != a) & (b != b)) if equal_nan else close)


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Return whether all elements are close, as `isclose` says (torch.allclose).

    >>> allclose([1.0, 2.0], [1.000001, 2.0]), allclose([1.0, 2.0], [1.0, 2.1])
    (True, False)
    """
    return all(flat_of(isclose(input, other, rtol, atol, equal_nan).data))


def equal(input: Any, other: Any) -> bool:
    """Return whether shapes and all elements are equal (torch.equal).

    >>> equal([1.0, 2.0], [1.0, 2.0]), equal([1.0], [1.0, 1.0])
    (True, False)
    """
    a, b = as_value(input, "equal: input"), as_value(other, "equal: other")
    return a.shape == b.shape and all(flat_of(eq(a, b).data))


def isnan(input: Any) -> Value:
    """Return whether each element is nan (torch.isnan).

    >>> isnan([1.0, float("nan")]).tolist()
    [False, True]
    """
    x = as_value(input, "isnan: input")
    return _bools(x != x)


def isinf(input: Any) -> Value:
    """Return whether each element is infinite (torch.isinf).

    >>> isinf([1.0, float("-inf")]).tolist()
    [False, True]
    """
    x = as_value(input, "isinf: input")
    return _bools((x == math.inf) | (x == -math.inf))


def isfinite(input: Any) -> Value:
    """Return whether each element is neither infinite nor nan (torch.isfinite).

    >>> isfinite([1.0, float("inf"), float("nan")]).tolist()
    [True, False, False]
    """
    x = as_value(input, "isfinite: input")
    return _bools((x == x) & (x != math.inf) & (x != -math.inf))


def logical_and(input: Any, other: Any) -> Value:
    """Return whether both are true, with broadcasting; a number is true unless it is 0 (torch.logical_and).

    >>> logical_and([True, True], [True, False]).tolist()
    [True, False]
    """
    return _bools(_truth(input, "logical_and: input") & _truth(other, "logical_and: other"))


def logical_or(input: Any, other: Any) -> Value:
    """Return whether one is true or both are, with broadcasting (torch.logical_or).

    >>> logical_or([False, True], [False, False]).tolist()
    [False, True]
    """
    return _bools(_truth(input, "logical_or: input") | _truth(other, "logical_or: other"))


def logical_not(input: Any) -> Value:
    """Return whether each element is false, or 0 (torch.logical_not).

    >>> logical_not([0.0, 2.0]).tolist()
    [True, False]
    """
    return _bools(as_value(input, "logical_not: input") == 0)


def bitwise(operation: Callable, symbol: str) -> Any:
    """Return the method for `value & other`, and the like: on bools, or bit by bit on integers.

    >>> (isnan([1.0, float("nan")]) | [True, False]).tolist()
    [True, True]
    """

    def method(self: Value, other: Any) -> Value:
        operand = like_input(self, other, symbol)
        if not all_whole(self, operand):
            raise RuntimeError(f"{symbol} takes bools or integers, got floats; compare first, as in (x > 0) {symbol} (x < 1)")
        return _bools(operation(self.data, operand.data))

    return method


def inverted(input: Any) -> Value:
    """Return `~input`: the negation of bools, the complement of integers. Raises TypeError for floats, as torch does.

    >>> inverted(isnan([1.0, float("nan")])).tolist()
    [True, False]
    """
    x = as_value(input, "~")
    if not all_whole(x):
        raise TypeError(f"~ takes bools or integers, got {x!r}")
    return _bools(not x.data if type(x.data) is bool else ~x.data)


def _truth(x: Any, what: str) -> Any:
    return as_value(x, what) != 0


def _bools(data: Any) -> Value:
    return Value(data, requires_grad=False)
