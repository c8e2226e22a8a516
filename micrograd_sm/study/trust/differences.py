"""Derivatives by central differences: at steps searched for, with an error bound, and with an eye for kinks.

A step that is too large sees the function's curvature, one that is too small its rounding, and which is which depends on
the function. So the derivative is estimated at steps of many sizes, each time extrapolated to step 0
(C. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", 1982), and the estimate with the least error counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

EPSILON = math.ulp(1.0)
RIGHT = 2e-7  # a relative difference that counts as none; errors of 1e-6 are to be found
RESOLVED = 1e-7
_STEPS = 6  # steps at one scale, each 1.6 times smaller than the one before
_BETWEEN_SCALES = 16.0

Line = Callable[[float], list[float]]  # the outputs where one input element is shifted by so much


@dataclass(frozen=True)
class Estimate:
    """A derivative found by differences at one scale, and how far off it may be.

    >>> Estimate(2.0, 1e-9, 0.1).agrees_with(2.0 + 1e-8), Estimate(2.0, 1e-9, 0.1).agrees_with(2.00001)
    (True, False)
    """

    value: float
    error: float
    step: float

    def agrees_with(self, derivative: float) -> bool:
        """Return whether the derivative differs by no more than the error, or than 2e-7 of itself."""
        allowed = max(RIGHT * max(abs(derivative), abs(self.value)), 4.0 * self.error)
        return abs(self.value - derivative) <= allowed  # never so for nan

    def settles(self, derivative: float, rounding: float) -> bool:
        """Return whether the two agree, and so closely that no other step could say more."""
        size = max(abs(derivative), abs(self.value))
        sharp = self.error <= RESOLVED * size or (abs(derivative) <= rounding and self.error <= 100.0 * rounding)
        return self.agrees_with(derivative) and (sharp or self.value == derivative)


@dataclass(frozen=True)
class Verdict:
    """What differences say about one derivative: "right", "wrong", "not smooth" or "undecided"."""

    kind: str
    numeric: float
    error: float


class Differences:
    """Differences of all outputs along one input element, at as many scales as it takes.

    >>> line = lambda shift: [(3.0 + shift) ** 2, abs(shift)]
    >>> [verdict.kind for verdict in Differences(line, 3.0).verdicts([6.0, 1.0])]
    ['right', 'not smooth']
    """

    def __init__(self, line: Line, x: float, noise: list[float] | None = None) -> None:
        self.line, self.here = line, line(0.0)
        self.noise = noise or [0.0] * len(self.here)  # how far rounding inside the function may move each output
        self.scales = _scales(x)
        self.estimates: list[list[Estimate]] = [[] for _ in self.here]  # for each output, at each scale that gave one
        self.slopes: list[list[tuple[float, float]]] = [[] for _ in self.here]  # (step, central difference)
        self.sizes = list(map(abs, self.here))  # of the outputs, over the first scale
        self.bends: list[list[tuple[float, float, float]]] = [[] for _ in self.here]  # (step, bend, its rounding error)

    def verdicts(self, derivatives: list[float]) -> list[Verdict]:
        """Return what differences say about the derivative of each output."""
        for scale in self.scales:
            settled = self._at(scale, derivatives)
            if settled:
                break
        return [self._verdict(place, derivative) for place, derivative in enumerate(derivatives)]

    def _at(self, scale: float, derivatives: list[float]) -> bool:
        """Take the differences of one scale; return whether they settle every output."""
        steps = [_short(scale / 1.6**k) for k in range(_STEPS)]
        sides = [(self.line(step), self.line(-step)) for step in steps]
        settled = True
        for place, derivative in enumerate(derivatives):
            points = [(step, above[place], below[place]) for step, (above, below) in zip(steps, sides)]
            points = [point for point in points if math.isfinite(point[1]) and math.isfinite(point[2])]
            estimate = _extrapolated(points, self.noise[place])
            if estimate is None:
                settled = settled and not math.isfinite(self.here[place])
                continue
            self.estimates[place].append(estimate)
            self.slopes[place] += [(step, (above - below) / (2.0 * step)) for step, above, below in points]
            bends = [_bend(point, self.here[place], self.noise[place]) for point in points]
            self.bends[place] += [bends[0], bends[-1]]
            size = max(max(abs(above), abs(below)) for _, above, below in points)
            self.sizes[place] = max(self.sizes[place], size if scale == self.scales[0] else 0.0)
            rounding = max(EPSILON * size, self.noise[place]) / scale
            settled = settled and estimate.settles(derivative, rounding) and not _suspicious(bends)
        return settled

    def _verdict(self, place: int, derivative: float) -> Verdict:
        found = self.estimates[place]
        if not found:  # not finite beside the point: the edge of where the function is defined
            return Verdict("not smooth", math.nan, math.inf)
        if self._has_kink(place):
            best = min(found, key=lambda estimate: estimate.step)
            return Verdict("not smooth", best.value, best.error)
        found = [self._doubted(place, estimate) for estimate in found]
        best = min(found, key=lambda estimate: estimate.error)
        finer = max((e for e in found if e.step < best.step), key=lambda e: e.step, default=best)
        if best.agrees_with(derivative) or finer.agrees_with(derivative):
            blurred = best.error > 1e-3 * max(abs(best.value), abs(derivative)) and best.error > 1e-6 * self._slope(place)
            return Verdict("undecided" if blurred else "right", best.value, best.error)
        return Verdict("wrong", best.value, best.error)

    def _slope(self, place: int) -> float:
        """Return the size of a derivative that would matter: the output's size, well above its rounding, over the input's."""
        return max(self.sizes[place], 1e8 * self.noise[place]) / self.scales[0]

    def _doubted(self, place: int, estimate: Estimate) -> Estimate:
        """Raise an estimate's error to what much smaller steps say: there, all that moves the output is its rounding."""
        noises = (abs(slope - estimate.value) * step for step, slope in self.slopes[place] if 200.0 * step < estimate.step)
        return replace(estimate, error=max(estimate.error, max(noises, default=0.0) / estimate.step))

    def _has_kink(self, place: int) -> bool:
        """Return whether the slopes to both sides stay apart as the step shrinks, down to where rounding hides them."""
        spaced: list[tuple[float, float, float]] = []
        for bend in sorted(self.bends[place]):
            if not spaced or bend[0] > 8.0 * spaced[-1][0]:
                spaced.append(bend)
        for fine, middle, coarse in zip(spaced, spaced[1:], spaced[2:]):
            if abs(middle[1]) > 100.0 * fine[2]:  # a kink of that size would show in the finer step
                constant = 0.5 < abs(fine[1]) / abs(middle[1]) < 4.0
                jumping = abs(fine[1]) > max(4.0 * abs(middle[1]), 1e-6 / EPSILON * fine[2])  # and no rounding of the output's
                return (constant or jumping) and abs(middle[1]) > 0.5 * abs(coarse[1])
        return False


def _scales(x: float) -> list[float]:
    """Return the steps to start from: downward past the input's own size, then upward.

    >>> _scales(0.0)[:3]
    [0.1, 0.00625, 0.000390625]
    """
    if not math.isfinite(x):  # nothing lies beside it
        return []
    first = 0.1 * max(abs(x), 1.0)
    last = max(1e-3 * min(abs(x), 1.0), 1e-300) if x else 1e-5
    down = math.ceil(math.log(first / last) / math.log(_BETWEEN_SCALES))
    return [first / _BETWEEN_SCALES**k for k in range(max(down, 4) + 1)] + [first * _BETWEEN_SCALES**k for k in (1, 2, 3)]


def _short(step: float) -> float:
    """Round a step to 12 bits, so that adding it to an input is exact.

    >>> _short(0.1)
    0.100006103515625
    """
    fraction, exponent = math.frexp(step)
    return math.ldexp(round(fraction * 4096.0), exponent - 12)


def _extrapolated(points: list[tuple[float, float, float]], noise: float) -> Estimate | None:
    """Return the best estimate of the derivative from outputs above and below; None from fewer than three steps.

    Neville's scheme in step squared. The error is what the last two columns differ by, and not less than rounding.
    """
    if len(points) < 3:
        return None
    table: list[list[float]] = []
    best: Estimate | None = None
    for row, (step, above, below) in enumerate(points):
        table.append([(above - below) / (2.0 * step)])
        rounding = max(2.0 * EPSILON * max(abs(above), abs(below)), noise) / step
        for column in range(1, row + 1):
            shrink = (points[row - column][0] / step) ** 2
            left, up = table[row][column - 1], table[row - 1][column - 1]
            table[row].append(left + (left - up) / (shrink - 1.0))
            error = max(abs(table[row][column] - left), abs(table[row][column] - up)) + rounding
            if math.isfinite(error) and (best is None or error <= best.error):
                best = Estimate(table[row][column], error, step)
    return best


def _bend(point: tuple[float, float, float], here: float, noise: float) -> tuple[float, float, float]:
    """Return the step, the slope above less the slope below, and the rounding error of that."""
    step, above, below = point
    rounding = max(EPSILON * max(abs(above), abs(below), abs(here)), noise) / step
    return step, ((above - here) - (here - below)) / step, rounding


def _suspicious(bends: list[tuple[float, float, float]]) -> bool:
    """Return whether the bend does not go to 0 with the step, as it does where a function is smooth."""
    (wide, first, _), (narrow, last, rounding) = bends[0], bends[-1]
    if abs(last) <= 100.0 * rounding:
        return False
    at_zero = last - (first - last) / (wide / narrow - 1.0)
    return abs(at_zero) > 0.05 * abs(last)
