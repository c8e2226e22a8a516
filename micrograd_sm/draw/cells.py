"""A value or gradient as the texts in its box: a number, a small matrix whole, of a large array what sums it up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from micrograd_sm.array import flat_of
from micrograd_sm.words.numbers import numbers

PENDING, EMPTY = "not yet computed", "no elements"
LEVELS = 5  # colours of a heat strip, each for as many of the array's numbers
_WHOLE = 6  # a matrix of up to this many rows and columns is shown whole
_FIRST = 4  # numbers shown of a larger one
_STRIP = 24  # cells of a heat strip, at most


def texts(data: Any, shape: tuple[int, ...]) -> list[str]:
    """Return the texts that stand for a value or a gradient in its box, in the order in which the SVG has them.

    One for each element of a number or a small matrix, in row-major order. Of a large array: its first numbers, its
    least and its greatest. `not yet computed` where `data` is None.

    >>> from micrograd_sm import Array
    >>> texts(2.0, ()), texts(Array([[1.0, 0.5]]), (1, 2)), texts(None, (2,))
    (['2.0'], ['1.0000', '0.5000'], ['not yet computed'])
    >>> texts(Array([float(k) for k in range(30)]), (30,))
    ['0.0  1.0  2.0  3.0 ...', '0.0', '29.0']
    """
    if data is None:
        return [PENDING]
    flat = flat_of(data)
    if not flat:
        return [EMPTY]
    if is_whole(shape):
        return numbers(flat)
    return [f"{'  '.join(numbers(flat[:_FIRST]))} ...", *_ends(flat)]


def is_whole(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape is shown whole, as a table with a cell for each element.

    >>> is_whole(()), is_whole((6, 6)), is_whole((7,)), is_whole((1, 1, 2))
    (True, True, False, False)
    """
    return len(shape) <= 2 and all(size <= _WHOLE for size in shape)


def _ends(flat: Sequence[Any]) -> list[str]:
    """Return the least and the greatest number; what is nan or infinite is counted beside them."""
    finite = [x for x in flat if math.isfinite(x)]
    strange = len(flat) - len(finite)
    low, high = numbers([min(finite), max(finite)]) if finite else ("none finite", "")
    counted = f"{strange} nan or inf" if strange else ""
    return [low, ", ".join(part for part in (high, counted) if part)]


def heat(data: Any) -> list[int | None]:
    """Return the levels, 0 to 4, of a heat strip's cells: each the mean of a run of elements, all as long as can be.

    A level is the fifth of the array's sorted numbers that the mean lies in; None where the run holds nan or inf.

    >>> from micrograd_sm import Array
    >>> heat(Array([5.0, 1.0, 2.0, 3.0, 4.0, float("inf")]))
    [3, 0, 0, 1, 2, None]
    """
    flat = flat_of(data)
    length = run_length(len(flat))
    ordered = sorted(x for x in flat if math.isfinite(x))
    bounds = [ordered[len(ordered) * level // LEVELS] for level in range(1, LEVELS)] if ordered else []
    return [_level(flat[start : start + length], bounds) for start in range(0, len(flat), length)]


def run_length(count: int) -> int:
    """Return how many elements one cell of a heat strip stands for.

    >>> run_length(24), run_length(25)
    (1, 2)
    """
    return math.ceil(count / _STRIP)


def _level(run: Sequence[Any], bounds: Sequence[Any]) -> int | None:
    if not all(map(math.isfinite, run)):
        return None
    mean = math.fsum(x / len(run) for x in run)
    return sum((mean >= bound) + (mean > bound) for bound in bounds) // 2  # all the same: the middle


def strange_in(data: Any) -> list[str]:
    """Return which of nan and inf a value or gradient is or holds."""
    if data is None:
        return []
    flat = flat_of(data)
    return [word for word, test in (("nan", math.isnan), ("inf", math.isinf)) if any(map(test, flat))]
