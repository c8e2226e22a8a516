"""The elementary functions that Decimals lack, to the digits of the decimal context."""

from __future__ import annotations

import decimal
import math
from decimal import Context, Decimal, localcontext
from functools import lru_cache

_NAN, _HALF = Decimal("NaN"), Decimal("0.5")


def log1p(x: Decimal) -> Decimal:
    """Return log(1 + x); 1 + x keeps all digits of x."""
    digits = decimal.getcontext().prec
    if not x.is_finite() or x.is_zero():
        return _NAN if x < 0 else x
    if x.adjusted() < -digits:
        return x - x * x / 2
    with localcontext() as context:
        context.prec = digits + 5 - min(x.adjusted(), 0)
        result = (1 + x).ln()
    return +result


def tanh(x: Decimal) -> Decimal:
    digits = decimal.getcontext().prec
    if not x.is_finite():
        return x if x != x else Decimal(1).copy_sign(x)
    if x.is_zero() or 2 * x.adjusted() < -digits - 2:
        return +x
    with localcontext() as context:
        context.prec = digits + 5 - min(x.adjusted(), 0)
        shrunk = (-2 * abs(x)).exp()
        result = ((1 - shrunk) / (1 + shrunk)).copy_sign(x)
    return +result


def erf(x: Decimal) -> Decimal:
    """Return the error function by the series of erf(x) exp(x^2), whose terms have one sign; 1 where that is all digits."""
    digits = decimal.getcontext().prec
    if not x.is_finite() or x.is_zero():
        return x if x != x or x.is_zero() else Decimal(1).copy_sign(x)
    if x * x > 3 * digits:
        return Decimal(1).copy_sign(x)
    with localcontext() as context:
        context.prec = digits + 10
        term = total = 2 * x / _pi(context.prec).sqrt()
        before, n = None, 1
        while total != before:
            before, n = total, n + 2
            term = term * 2 * x * x / n
            total += term
        result = total * (-x * x).exp()
    return +result


def sin(x: Decimal, quarters: int = 0) -> Decimal:
    """Return the sine of x and a number of quarter turns."""
    if not x.is_finite():
        return _NAN
    with localcontext() as context:
        context.prec = 2 * context.prec + 10 + max(x.adjusted(), 0)
        pi = _pi(context.prec)
        half_turns = (x / pi + quarters * _HALF).to_integral_value()
        result = _sine_series(x + (quarters * _HALF - half_turns) * pi)
    return -result if half_turns % 2 else +result


def cos(x: Decimal) -> Decimal:
    return sin(x, quarters=1)


@lru_cache
def _pi(digits: int) -> Decimal:
    """Return pi: near it, x + sin(x) has three times as many right digits as x."""
    pi, right = Decimal(math.pi), 15
    with localcontext(Context(digits + 5)):
        while right < digits:
            pi, right = pi + _sine_series(pi), 3 * right
    return pi


def _sine_series(x: Decimal) -> Decimal:
    term = total = x
    before, n = None, 1
    while total != before:
        before, n = total, n + 2
        term = -term * x * x / (n * (n - 1))
        total += term
    return total


def power(a: Decimal, b: Decimal) -> Decimal:
    """Return C's pow(a, b), except that the square root of -inf is nan (see primitives.power)."""
    if b.is_zero() or a == 1:
        return Decimal(1)
    if abs(b) == _HALF:
        root = a.sqrt()
        return root if b > 0 else 1 / root
    return decimal.getcontext().power(a, b)
