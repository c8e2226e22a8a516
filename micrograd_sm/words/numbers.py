"""Numbers and arrays as text that is short and does not pretend."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import chain
from typing import Any

from micrograd_sm.array import shape_of
from micrograd_sm.words.names import shortened

MOST_SHOWN = 16  # elements of an array that is written out
_LONGEST_EXACT = 7  # characters up to which a number is written as it is
_SMALLEST, _LARGEST = 1e-4, 1e7  # sizes between which no power of ten is needed
_LARGEST_IN_A_COLUMN = 1e6


def number_text(x: Any) -> str:
    """Return a number as it is where that is short; else rounded to four decimals or digits, with the zeros that this leaves.

    >>> [number_text(x) for x in (2.0, 0.33, 0.1 + 0.2, 2 / 3, 0.999999, 1234.56789, 1e-9, 123456789.5, float("nan"))]
    ['2', '0.33', '0.3000', '0.6667', '1.0000', '1234.5679', '1e-9', '1.235e8', 'nan']
    """
    if isinstance(x, bool):
        return "true" if x else "false"
    if not isinstance(x, float) or not math.isfinite(x):
        return str(x)
    if x == 0 or _SMALLEST <= abs(x) < _LARGEST:
        exact = repr(x).removesuffix(".0")
        if len(exact.lstrip("-")) <= _LONGEST_EXACT:
            return exact
        decimals = 4 if abs(x) >= 0.1 else 3 - math.floor(math.log10(abs(x)))
        return f"{x:.{decimals}f}"
    mantissa, _, power = f"{x:.3e}".partition("e")
    if float(f"{x:.3e}") == x:
        mantissa = mantissa.rstrip("0").removesuffix(".")
    return f"{mantissa}e{int(power)}"


def rows_of(data: Any) -> list[Any] | None:
    """Return a number array as nested lists if it is small enough to be written out, else None.

    >>> from micrograd_sm import Array
    >>> rows_of(Array([[1.0], [2.0]])), rows_of(Array([0.0] * 100))
    ([[1.0], [2.0]], None)
    """
    return data.tolist() if math.prod(shape_of(data)) <= MOST_SHOWN else None


def data_text(data: Any) -> str:
    """Return a number, a small array in brackets, or the shape and the range of a large one.

    >>> from micrograd_sm import Array
    >>> data_text(0.5), data_text(Array([[1.0, 0.5]])), data_text(Array([float(x) for x in range(100)]))
    ('0.5', '[[1, 0.5]]', '[100 elements from 0 to 99]')
    """
    if not shape_of(data):
        return number_text(data)
    rows = rows_of(data)
    return range_text(data) if rows is None else _nested(rows)


def _nested(rows: Any) -> str:
    return f"[{', '.join(map(_nested, rows))}]" if isinstance(rows, list) else number_text(rows)


def range_text(data: Any) -> str:
    """Return the shape of an array and the smallest and largest of its elements, and whether some are nan.

    >>> from micrograd_sm import Array
    >>> range_text(Array([1.0, float("nan"), 3.0])), range_text(Array([[0.0, 1.0]]))
    ('[3 elements from 1 to 3, some nan]', '[1 x 2 from 0 to 1]')
    """
    shape = shape_of(data)
    flat = data.tolist()
    for _ in shape[1:]:
        flat = list(chain.from_iterable(flat))
    known = [x for x in flat if x == x]
    ends = f" from {number_text(min(known))} to {number_text(max(known))}" if known else ""
    size = " x ".join(map(str, shape)) + (" elements" if len(shape) == 1 else "")
    return f"[{size}{ends}{', some nan' if len(known) < len(flat) else ''}]"


def numbers(flat: Iterable[Any]) -> list[str]:
    """Return numbers as text in one style: four decimals, or one if no more are needed; powers of ten for what they hide.

    >>> numbers([0.5, -2.0]), numbers([1.0, -2.0]), numbers([3, 4]), numbers([1e-9, 1.0]), numbers([float("inf")])
    (['0.5000', '-2.0000'], ['1.0', '-2.0'], ['3', '4'], ['1.00e-09', '1.0'], ['inf'])
    """
    elements = list(flat)
    plain = [x for x in elements if isinstance(x, float) and (x == 0 or _SMALLEST <= abs(x) < _LARGEST_IN_A_COLUMN)]
    spec = ".1f" if all(x == int(x) for x in plain) else ".4f"
    return [_in_a_column(x, spec) for x in elements]


def _in_a_column(x: Any, spec: str) -> str:
    if not isinstance(x, float):
        return shortened(str(x), 15)
    return format(x, spec if x == 0 or _SMALLEST <= abs(x) < _LARGEST_IN_A_COLUMN or not math.isfinite(x) else ".2e")
