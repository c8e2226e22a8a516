"""A value or gradient as the texts in its box: a number, a whole small matrix, or the summary of a large array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from micrograd_sm.array import flat_of
from micrograd_sm.array.summary import Summary
from micrograd_sm.words.numbers import numbers

PENDING, EMPTY, NOT_COMPUTED = "not yet computed", "no elements", "computed when it is asked for"
LEVELS = 5  # colours of a heat strip, each for an equal share of the array's numbers
_WHOLE = 6  # the most rows or columns of a matrix that is shown whole
_FIRST = 4  # the numbers that are shown of a larger array
_STRIP = 24  # the most cells of a heat strip


def texts(data: Any, shape: tuple[int, ...]) -> list[str]:
    """Return the texts that show a value or a gradient in its box, in the order in which the SVG has them.

    These are the elements of a number or a small matrix, in row-major order; the first numbers, the least and the greatest
    of a larger array; `not yet computed` if `data` is None.

    >>> from micrograd_sm import Array
    >>> texts(2.0, ()), texts(Array([[1.0, 0.5]]), (1, 2)), texts(None, (2,))
    (['2.0'], ['1.000', '0.5000'], ['not yet computed'])
    >>> texts(Array([float(k) for k in range(30)]), (30,))
    ['0.0  1.0  2.0  3.0 ...', '0.0', '29.0']
    """
    if data is None:
        return [PENDING]
    if isinstance(data, Summary):
        return _summarised(data)
    flat = flat_of(data)
    if not flat:
        return [EMPTY]
    return numbers(flat) if is_whole(shape) else [f"{'  '.join(numbers(flat[:_FIRST]))} ...", *_ends(flat)]


def _summarised(data: Summary) -> list[str]:
    if not data.known:
        return [NOT_COMPUTED]
    return [f"{'  '.join(numbers(data.first))} ...", *_said(data.ends, data.strange)]


def is_whole(shape: tuple[int, ...]) -> bool:
    """Return whether an array of this shape is shown whole, as a table with a cell for each element."""
    return len(shape) <= 2 and all(size <= _WHOLE for size in shape)


def _ends(flat: Sequence[Any]) -> list[str]:
    """Return the least and the greatest finite number, and how many are nan or infinite."""
    finite = [x for x in flat if math.isfinite(x)]
    return _said([min(finite), max(finite)] if finite else [], len(flat) - len(finite))


def _said(ends: list, strange: int) -> list[str]:
    low, high = numbers(ends) if ends else ("none finite", "")
    counted = f"{strange} nan or inf" if strange else ""
    return [low, ", ".join(part for part in (high, counted) if part)]


def heat(data: Any) -> list[int | None]:
    """Return the levels, 0 to 4, of a heat strip's cells, each for the mean of a run of elements of equal length.

    A level is the fifth of the array's sorted numbers that the mean lies in; None if the run holds nan or inf.
    """
    if isinstance(data, Summary):
        return []
    flat = flat_of(data)
    length = math.ceil(len(flat) / _STRIP)
    ordered = sorted(x for x in flat if math.isfinite(x))
    bounds = [ordered[len(ordered) * level // LEVELS] for level in range(1, LEVELS)] if ordered else []
    return [_level(flat[start : start + length], bounds) for start in range(0, len(flat), length)]


def _level(run: Sequence[Any], bounds: Sequence[Any]) -> int | None:
    if not all(map(math.isfinite, run)):
        return None
    mean = math.fsum(x / len(run) for x in run)
    return sum((mean >= bound) + (mean > bound) for bound in bounds) // 2  # all the same: the middle
