"""Float arithmetic as IEEE 754 has it, where Python's own raises.

`math.exp(1000)` raises OverflowError and `1 / 0` raises ZeroDivisionError; torch and NumPy answer `inf`.
Each function here tries the C function first, and looks at the special cases only if that raises.
"""

import math
from collections.abc import Callable, Iterable

inf, nan = math.inf, math.nan


def divide(a: float, b: float) -> float:
    """Return `a / b`; a signed infinity or nan if b is 0."""
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0 or a != a:
            return nan
        return math.copysign(inf, a) * math.copysign(1.0, b)


def power(a: float, b: float) -> float:
    """Return `a ** b` as C's pow does: never complex, never an exception."""
    try:
        return math.pow(a, b)
    except ValueError:
        if a != 0:
            return nan
        return math.copysign(inf, a) if b % 2 == 1 else inf
    except OverflowError:
        return -inf if a < 0 and b % 2 == 1 else inf


def power_of_int(a: int, b: int) -> int:
    """Return `a ** b`, an int. Raises RuntimeError if b is negative."""
    if b < 0:
        raise RuntimeError("pow: an int to the power of a negative int is no int; convert it with float()")
    return a**b


def maximum(a: float, b: float) -> float:
    """Return the larger; nan if either is nan."""
    return a if a > b or a != a else b


def floor_divide(a: float, b: float) -> float:
    """Return the largest whole number that is not above a / b, as C's fmod finds it, which does not round a / b first."""
    if b == 0 or not math.isfinite(a) or b != b:
        return divide(a, b) if b == 0 else nan
    over = math.fmod(a, b)
    whole = divide(a - over, b) - (over != 0 and (over < 0) != (b < 0))
    if math.isfinite(whole) and whole:
        return math.floor(whole) + float(whole - math.floor(whole) > 0.5)
    return whole or math.copysign(0.0, divide(a, b))


def remainder(a: float, b: float) -> float:
    """Return what is left of a when it is divided by b, with b's sign; nan if b is 0."""
    return a % b if b != 0 and math.isfinite(a) else nan


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    """Return a function that rounds to a whole number, which stays a float; inf, nan and the sign of -0.0 pass through."""
    return lambda x: math.copysign(float(function(x)), x) if math.isfinite(x) else x


floor, ceil, trunc, round_half_even = _whole(math.floor), _whole(math.ceil), _whole(math.trunc), _whole(round)


def _guarded(function: Callable[[float], float], special: Callable[[float], float]) -> Callable[[float], float]:
    def guarded(x: float) -> float:
        try:
            return function(x)
        except (ValueError, OverflowError):
            return special(x)

    return guarded


exp = _guarded(math.exp, lambda x: inf)
log = _guarded(math.log, lambda x: -inf if x == 0 else nan)
log1p = _guarded(math.log1p, lambda x: -inf if x == -1 else nan)
sqrt = _guarded(math.sqrt, lambda x: nan)
sin = _guarded(math.sin, lambda x: nan)
cos = _guarded(math.cos, lambda x: nan)
tanh = math.tanh
erf = math.erf


def sigmoid(x: float) -> float:
    """Return 1 / (exp(-x) + 1)."""
    return 1.0 / (exp(-x) + 1.0)


FAST = {exp: math.exp, log: math.log, log1p: math.log1p, sqrt: math.sqrt, sin: math.sin, cos: math.cos}


def map_floats(function: Callable[[float], float], xs: Iterable[float]) -> list[float]:
    """Map one of the functions above over a list: at C speed, and element by element if that raises."""
    try:
        return list(map(FAST.get(function, function), xs))
    except (ValueError, OverflowError):
        return list(map(function, xs))
