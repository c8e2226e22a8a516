"""Where a loss is least: Newton's steps on the engine's own gradients, from the least of the samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from micrograd_sm.study.landscapes.losses import Row
from micrograd_sm.words.numbers import number_text

# Takes points of one or two free numbers to the loss at each, and its gradient by these numbers.
Slopes = Callable[[Sequence[Row]], tuple[Sequence[float], Sequence[Row]]]
_MOST_STEPS, _APART, _FLAT, _ROUNDING = 30, 1e-5, 1e-9, 1e-12


def minimum_near(slopes: Slopes, start: Row, reach: float) -> Row | None:
    """Return the point within `reach` of `start` where the gradient is 0 and the loss curves upwards; None if there is none.

    There is none at a kink, on a plateau, and where the loss has no minimum.

    >>> minimum_near(lambda points: ([(x - 0.25) ** 2 for x, in points], [(2 * x - 0.5,) for x, in points]), (0.0,), 1.0)
    (0.25,)
    """
    point = start
    for _ in range(_MOST_STEPS):
        gradient, curvature = _at(slopes, point)
        move = _solution(curvature, gradient)
        if move is None:
            return None
        point = tuple(x - dx for x, dx in zip(point, move))
        if not all(abs(x - x0) <= reach for x, x0 in zip(point, start)):
            return None
        if all(abs(dx) <= 1e-13 * max(1.0, abs(x)) for x, dx in zip(point, move)):
            break
    return point if all(abs(slope) <= _FLAT for slope in slopes([point])[1][0]) else None


def _at(slopes: Slopes, point: Row) -> tuple[Row, list[Row]]:
    """Return the gradient at a point, and its own derivatives by central differences."""
    ends = [
        tuple(x + sign * _APART * (axis == moved) for axis, x in enumerate(point))
        for moved in range(len(point))
        for sign in (1, -1)
    ]
    gradient, *around = slopes([point, *ends])[1]
    pairs = zip(around[::2], around[1::2])
    return gradient, [tuple((p - q) / (2 * _APART) for p, q in zip(above, below)) for above, below in pairs]


def _solution(curvature: list[Row], gradient: Row) -> Row | None:
    """Return x with curvature @ x = gradient; None unless the loss curves upwards in every direction."""
    if len(gradient) == 1:
        return (gradient[0] / curvature[0][0],) if curvature[0][0] > _FLAT else None
    (a, b), (c, d) = curvature
    determinant = a * d - b * c
    if not (a > 0.0 and determinant > _FLAT * max(abs(a), abs(d)) ** 2):
        return None
    u, v = gradient
    return (d * u - b * v) / determinant, (a * v - c * u) / determinant


def is_flat(losses: Sequence[float]) -> bool:
    """Return whether losses are all the same but for rounding, as none and one are.

    >>> is_flat([0.1 + 0.2, 0.3]), is_flat([0.3, 0.4])
    (True, False)
    """
    return not losses or max(losses) - min(losses) <= _ROUNDING * max(1.0, *map(abs, losses))


def no_minimum(losses: Sequence[float], places: Sequence[Row], inner: Sequence[bool]) -> str:
    """Return why the samples have no single minimum inside, in words; "" if they have one.

    >>> no_minimum([1.0, 1.0], [(0.0,), (1.0,)], [True, True])
    'the loss is 1 everywhere here: nothing pulls, so there is no arrow and no contour'
    """
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        return "no sample of the loss is finite, so there is nothing to draw"
    least = min(finite)
    count = finite.count(least)
    if len(finite) == len(losses) and is_flat(finite):
        return f"the loss is {number_text(least)} everywhere here: nothing pulls, so there is no arrow and no contour"
    if count > 1:
        return f"no single minimum: {count:,} samples share the least loss"
    place = list(losses).index(least)
    at = ", ".join(f"{x:.2f}" for x in places[place])
    return "" if inner[place] else f"no minimum inside: the loss falls up to the border, at ({at})"
