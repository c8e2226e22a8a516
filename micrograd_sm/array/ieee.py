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


def maximum(a: float, b: float) -> float:
    """Return the larger; nan if either is nan."""
    return a if a > b or a != a else b


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

FAST = {exp: math.exp, log: math.log, log1p: math.log1p, sqrt: math.sqrt, sin: math.sin, cos: math.cos}


def map_floats(function: Callable[[float], float], xs: Iterable[float]) -> list[float]:
    """Map one of the functions above over a list: at C speed, and element by element if that raises."""
    try:
        return list(map(FAST.get(function, function), xs))
    except (ValueError, OverflowError):
        return list(map(function, xs))
