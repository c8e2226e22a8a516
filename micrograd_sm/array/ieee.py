"""Float arithmetic as IEEE 754 has it, where Python's own raises.

`math.exp(1000)` raises OverflowError and `1 / 0` raises ZeroDivisionError; torch and NumPy answer `inf`.
Each function here tries the C function first and looks at the special cases only when that refuses, so the
ordinary case costs nothing extra.
"""

import math
from collections.abc import Callable, Iterable

inf, nan = math.inf, math.nan


def divide(a: float, b: float) -> float:
    """Return `a / b`, with the signed infinities and nan of IEEE 754 where b is 0.

    >>> divide(1.0, 0.0), divide(-1.0, 0.0), divide(1.0, -0.0), divide(0.0, 0.0)
    (inf, -inf, -inf, nan)
    """
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0 or a != a:
            return nan
        return math.copysign(inf, a) * math.copysign(1.0, b)


def power(a: float, b: float) -> float:
    """Return `a ** b` of C's pow: never complex, never an exception.

    >>> power(-8.0, 1 / 3), power(0.0, -1.0), power(-10.0, 309.0), power(0.0, 0.0)
    (nan, inf, -inf, 1.0)
    """
    try:
        return math.pow(a, b)
    except ValueError:
        if a != 0:
            return nan
        return math.copysign(inf, a) if b % 2 == 1 else inf
    except OverflowError:
        return -inf if a < 0 and b % 2 == 1 else inf


def maximum(a: float, b: float) -> float:
    """Return the larger; nan if either is nan (torch.maximum).

    >>> maximum(1.0, 2.0), maximum(nan, 2.0), maximum(2.0, nan)
    (2.0, nan, nan)
    """
    return a if a > b or a != a else b


def _guarded(function: Callable[[float], float], special: Callable[[float], float]) -> Callable[[float], float]:
    def guarded(x: float) -> float:
        try:
            return function(x)
        except (ValueError, OverflowError):
            return special(x)

    guarded.__name__ = function.__name__
    guarded.__doc__ = f"`math.{function.__name__}`, with IEEE 754's value where that raises."
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
    """Map one of the functions above over a list: at C speed, and element by element only if that raises.

    >>> map_floats(exp, [0.0, 1000.0])
    [1.0, inf]
    """
    try:
        return list(map(FAST.get(function, function), xs))
    except (ValueError, OverflowError):
        return list(map(function, xs))
