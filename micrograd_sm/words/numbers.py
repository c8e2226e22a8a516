"""Numbers and arrays as short text that shows no more digits than it has."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from micrograd_sm.array import flat_of, shape_of
from micrograd_sm.array.summary import Summary
from micrograd_sm.graph.rounding import Rounded
from micrograd_sm.words.names import shortened

ABOUT_ZERO = "≈0"  # 0 but for rounding
MOST_SHOWN = 16  # elements up to which an array is written out
_FIRST = 3  # numbers of a summary that are written out
_LONGEST_EXACT = 7  # characters up to which a number is written as it is
_SMALLEST, _LARGEST = 1e-4, 1e7  # numbers between them are written without a power of ten
_LARGEST_ROUNDED = 1e5  # numbers from it on are rounded with a power of ten
_LARGEST_IN_A_COLUMN = 1e6


def number_text(x: Any) -> str:
    """Return a number as it is if that is short, else rounded to four significant digits, final zeros included.

    What is 0 but for rounding, a `Rounded` number, is written `≈0`.

    >>> [number_text(x) for x in (2.0, 0.33, 0.1 + 0.2, 2 / 3, 0.999999, 1234.56789, 1e-9, 123456789.5, float("nan"))]
    ['2', '0.33', '0.3000', '0.6667', '1.000', '1234.6', '1e-9', '1.235e8', 'nan']
    >>> number_text(-0.0), number_text(Rounded(0.1 + 0.2 - 0.3))
    ('0', '≈0')
    """
    if isinstance(x, bool):
        return "true" if x else "false"
    if isinstance(x, Rounded):
        return ABOUT_ZERO
    if not isinstance(x, float) or not math.isfinite(x):
        return str(x)
    if x == 0:
        return "0"
    if _SMALLEST <= abs(x) < _LARGEST:
        exact = repr(x).removesuffix(".0")
        if len(exact.lstrip("-")) <= _LONGEST_EXACT:
            return exact
        if abs(x) < _LARGEST_ROUNDED:
            return _digits(x)
    mantissa, _, power = f"{x:.3e}".partition("e")
    if float(f"{x:.3e}") == x:
        mantissa = mantissa.rstrip("0").removesuffix(".")
    return f"{mantissa}e{int(power)}"


def _digits(x: float) -> str:
    """Return a number with four significant digits, and at least one after the point, so that it does not look whole."""
    size = math.floor(math.log10(abs(float(f"{x:.3e}"))))
    return f"{x:.{max(3 - size, 1)}f}"


def rows_of(data: Any) -> list[Any] | None:
    """Return an array as nested lists if it is small enough to be written out, else None."""
    return data.tolist() if type(data) is not Summary and math.prod(data.shape) <= MOST_SHOWN else None


def data_text(data: Any) -> str:
    """Return a number, a small array in brackets, or the shape and range of a large array, as text."""
    if not shape_of(data):
        return number_text(data)
    rows = rows_of(data)
    return range_text(data) if rows is None else _nested(rows)


def _nested(rows: Any) -> str:
    return f"[{', '.join(map(_nested, rows))}]" if isinstance(rows, list) else number_text(rows)


def range_text(data: Any) -> str:
    """Return the shape of an array, its smallest and largest elements, and whether it holds nan, as text."""
    shape = shape_of(data)
    size = " x ".join(map(str, shape)) + (" elements" if len(shape) == 1 else "")
    if type(data) is Summary:
        return f"[{size}{_summary_text(data)}]"
    flat = flat_of(data)
    known = [x for x in flat if x == x]
    return f"[{size}{_ends_text(known)}{', some nan' if len(known) < len(flat) else ''}]"


def _ends_text(known: list) -> str:
    return f" from {number_text(min(known))} to {number_text(max(known))}" if known else ""


def _summary_text(data: Summary) -> str:
    if not data.known:
        return ", not computed"
    first = ", ".join(map(number_text, data.first[:_FIRST]))
    return f"{_ends_text(data.ends)}{''.join(f', some {kind}' for kind in data.kinds)}: {first}, ..."


def numbers(flat: Iterable[Any]) -> list[str]:
    """Return numbers as texts in one style: four significant digits, or one decimal if that is exact for all of them.

    Extreme numbers have powers of ten. What is 0 but for rounding is written `≈0`.

    >>> numbers([0.5, -2.0, 0.0]), numbers([1.0, -0.0]), numbers([3, 4]), numbers([1e-9, 1.0]), numbers([float("inf")])
    (['0.5000', '-2.000', '0'], ['1.0', '0.0'], ['3', '4'], ['1.00e-09', '1.0'], ['inf'])
    """
    elements = [x + 0.0 if isinstance(x, float) and x == 0 else x for x in flat]
    plain = [x for x in elements if isinstance(x, float) and _is_plain(x)]
    whole = all(x == int(x) for x in plain)
    return [_in_a_column(x, whole) for x in elements]


def _is_plain(x: float) -> bool:
    return not isinstance(x, Rounded) and (x == 0 or _SMALLEST <= abs(x) < _LARGEST_IN_A_COLUMN)


def _in_a_column(x: Any, whole: bool) -> str:
    if not isinstance(x, float):
        return shortened(str(x), 15)
    if isinstance(x, Rounded):
        return ABOUT_ZERO
    if not math.isfinite(x):
        return str(x)
    if not _is_plain(x):
        return f"{x:.2e}"
    return f"{x:.1f}" if whole else _digits(x) if x else "0"
