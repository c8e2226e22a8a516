"""Derivatives by central differences, with an error bound, and kinks.

A step that is too large sees the function's curvature, a step that is too small its rounding. So the derivative is
estimated at steps of many sizes, each time extrapolated to step 0 (C. Ridders, "Accurate computation of F'(x) and
F'(x)F''(x)", 1982), and the estimate with the least error counts. `slope_verdict` first tries a single difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

EPSILON = math.ulp(1.0)
LEAST = math.ulp(0.0)  # 5e-324: what rounds to 0 is no more exact than this
RIGHT = 2e-7  # relative differences up to this count as none, so that errors of 1e-6 are found
RESOLVED = 1e-7
_STEPS = 6  # steps at one scale, each 1.6 times smaller than the one before
_BETWEEN_SCALES = 16.0
_MOST_MORE = 8  # scales below the first five
_FIRST_STEP = 6e-6  # about the cube root of EPSILON: where rounding and curvature err about equally
_ROUNDING = 2e-15

Line = Callable[[float], list[float]]  # the outputs as a function of the shift of one input element


@dataclass(frozen=True)
class Estimate:
    """A derivative by differences at one scale, with its error."""

    value: float
    error: float
    step: float

    def agrees_with(self, derivative: float, tolerance: float = RIGHT) -> bool:
        """Return whether the derivative differs by no more than the error, or than a fraction of itself."""
        allowed = max(tolerance * max(abs(derivative), abs(self.value)), 4.0 * self.error)
        return abs(self.value - derivative) <= allowed  # never so for nan

    def settles(self, derivative: float, rounding: float) -> bool:
        """Return whether the two agree so closely that no other step could say more."""
        hidden = abs(derivative) <= rounding and self.error <= 100.0 * rounding
        return self.agrees_with(derivative) and (self.is_sharp(derivative) or hidden or self.value == derivative)

    def is_sharp(self, derivative: float) -> bool:
        """Return whether the error is small beside the derivative or the estimate of it."""
        return self.error <= RESOLVED * max(abs(derivative), abs(self.value))


@dataclass(frozen=True)
class Verdict:
    """The verdict of differences on a derivative, with the derivative by differences and its error.

    `kind` is "agrees", "differs", "kink" (the slopes below and above, in `sides`, stay apart), "edge" (the function is not
    finite beside the point) or "undecided" (rounding hides the derivative).
    """

    kind: str
    numeric: float
    error: float
    sides: tuple[float, float] = (math.nan, math.nan)

    def admits(self, derivative: float) -> bool:
        """Return whether a derivative lies between the slopes of both sides of a kink."""
        low, high = sorted(self.sides)
        near = 1e-3 * max(abs(low), abs(high))
        return low - near <= derivative <= high + near


class Differences:
    """Differences of all outputs along one input element, at as many scales as are needed."""

    def __init__(self, line: Line, x: float, noise: list[float] | None = None, tolerance: float = RIGHT) -> None:
        self.line, self.here, self.tolerance = line, line(0.0), tolerance
        # how far rounding inside the function may move each output
        self.noise = [max(LEAST, x) for x in noise or [0.0] * len(self.here)]
        self.scales = _scales(x)
        self.estimates: list[list[Estimate]] = [[] for _ in self.here]  # for each output, at each scale that gave one
        self.looks: list[list[Look]] = [[] for _ in self.here]
        self.sizes = list(map(abs, self.here))  # of the outputs, over the first scale

    def verdicts(self, derivatives: list[float], guesses: list[float] | None = None) -> list[Verdict]:
        """Return the verdict on the derivative of each output. It stops at the first scale that settles the guesses."""
        for scale in self.scales:
            if self._at(scale, guesses or derivatives):
                break
        return [self._verdict(output, derivative) for output, derivative in enumerate(derivatives)]

    def _at(self, scale: float, derivatives: list[float]) -> bool:
        """Take the differences of one scale; return whether they settle every output."""
        steps = [_short(scale / 1.6**k) for k in range(_STEPS)]
        sides = [(self.line(step), self.line(-step)) for step in steps]
        settled = True
        for output, derivative in enumerate(derivatives):
            points = [(step, above[output], below[output]) for step, (above, below) in zip(steps, sides)]
            points = [point for point in points if math.isfinite(point[1]) and math.isfinite(point[2])]
            estimate = _extrapolated(points, self.noise[output])
            if estimate is None:
                settled = settled and not math.isfinite(self.here[output])
                continue
            self.estimates[output].append(estimate)
            looks = [_look(self.here[output], point, self.noise[output]) for point in points]
            self.looks[output] += looks
            size = max(max(abs(above), abs(below)) for _, above, below in points)
            self.sizes[output] = max(self.sizes[output], size if scale == self.scales[0] else 0.0)
            rounding = max(EPSILON * size, self.noise[output]) / scale
            settled = settled and estimate.settles(derivative, rounding) and not _suspicious(looks[0], looks[-1])
        return settled

    def _verdict(self, output: int, derivative: float) -> Verdict:
        found = self.estimates[output]
        if not found:
            return Verdict("edge", math.nan, math.inf)
        if sides := _sides_of_a_kink(self.looks[output]):
            best = min(found, key=lambda estimate: estimate.step)
            return Verdict("kink", best.value, best.error, sides)
        found = [self._doubted(output, estimate) for estimate in found]
        best = min(found, key=lambda estimate: estimate.error)
        finer = [e for e in found if e.step < best.step]
        next_finer = max(finer, key=lambda e: e.step, default=best)
        sharp = [e for e in finer if e.is_sharp(derivative)]
        finest = min(sharp, key=lambda e: e.step, default=best)  # beside a kink very near, no coarser one is right
        if any(estimate.agrees_with(derivative, self.tolerance) for estimate in (best, next_finer, finest)):
            # a slope that would matter: the output's size, well above its rounding, over the input's
            slope = max(self.sizes[output], 1e8 * self.noise[output]) / self.scales[0]
            blurred = best.error > 1e-3 * max(abs(best.value), abs(derivative)) and best.error > 1e-6 * slope
            return Verdict("undecided" if blurred else "agrees", best.value, best.error)
        return Verdict("differs", best.value, best.error)

    def _doubted(self, output: int, estimate: Estimate) -> Estimate:
        """Raise an estimate's error to the rounding that much smaller steps see."""
        noises = (abs(x.slope - estimate.value) * x.step for x in self.looks[output] if 200.0 * x.step < estimate.step)
        return replace(estimate, error=max(estimate.error, max(noises, default=0.0) / estimate.step))


def slope_verdict(f: Callable[[float], float], x: float, here: float, slope: float, tolerance: float = RIGHT) -> Verdict:
    """Return the verdict of differences on the slope of f at x, where f(x) is `here`."""
    noise, first = max(LEAST, _ROUNDING * abs(here)), _FIRST_STEP * max(1.0, abs(x))

    def look(step: float) -> Look:
        return _look(here, (step, f(x + step), f(x - step)), noise)

    near = look(first)
    curved = 0.01 * abs(near.slope) + 10.0 * first + near.rounding  # a curve bends so much
    smooth = math.isfinite(near.slope + near.rounding) and abs(near.bend) <= curved
    if smooth and abs(near.slope - slope) <= tolerance * max(abs(near.slope), abs(slope)) + near.rounding:
        return Verdict("agrees", near.slope, near.rounding)
    if not smooth and (x == 0.0 or first <= 0.1 * abs(x)):  # else a kink nearby would look as if it were here
        sides = _sides_of_a_kink([near, look(first / 16.0), look(first / 256.0)])
        if sides:
            return Verdict("kink", near.slope, near.rounding, sides)
    search = Differences(lambda shift: [f(x + shift)], x, [noise], tolerance)
    return search.verdicts([slope], [near.slope] if smooth else None)[0]


def _scales(x: float) -> list[float]:
    """Return the steps to start from: downward past the input's own size, then upward."""
    if not math.isfinite(x):  # nothing lies beside it
        return []
    first = 0.1 * max(abs(x), 1.0)
    last = max(1e-3 * min(abs(x), 1.0), 1e-300) if x else 1e-5
    dense = [first / _BETWEEN_SCALES**k for k in range(5)]
    more = max(math.ceil(math.log(dense[-1] / last) / math.log(_BETWEEN_SCALES)), 0)
    between = max(_BETWEEN_SCALES, (dense[-1] / last) ** (1 / _MOST_MORE))  # wider, so that few reach down to a tiny x
    down = dense + [dense[-1] / between**k for k in range(1, min(more, _MOST_MORE) + 1)]
    return down + [first * _BETWEEN_SCALES**k for k in (1, 2, 3)]


def _short(step: float) -> float:
    """Round a step to 12 bits, so that adding it to an input is exact."""
    fraction, exponent = math.frexp(step)
    return math.ldexp(round(fraction * 4096.0), exponent - 12)


def _extrapolated(points: list[tuple[float, float, float]], noise: float) -> Estimate | None:
    """Return the best estimate of the derivative from outputs above and below; None from fewer than three steps.

    Neville's scheme in step squared. The error is the difference of the last two columns, plus rounding.
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


class Look(NamedTuple):
    """What one step sees: the slope from below to above, and the bend: the slope above minus the slope below."""

    step: float
    slope: float
    bend: float
    rounding: float


def _look(here: float, point: tuple[float, float, float], noise: float) -> Look:
    step, above, below = point
    rounding = max(EPSILON * max(abs(above), abs(below), abs(here)), noise) / step
    return Look(step, (above - below) / (2.0 * step), ((above - here) - (here - below)) / step, rounding)


def _suspicious(wide: Look, narrow: Look) -> bool:
    """Return whether the bend does not go to 0 with the step, as it does where a function is smooth."""
    if abs(narrow.bend) <= 100.0 * narrow.rounding:
        return False
    at_zero = narrow.bend - (wide.bend - narrow.bend) / (wide.step / narrow.step - 1.0)
    return abs(at_zero) > 0.05 * abs(narrow.bend)


def _sides_of_a_kink(looks: Iterable[Look]) -> tuple[float, float] | None:
    """Return the slopes to both sides, as far apart as rounding may have them, if they stay apart as the step shrinks."""
    spaced: list[Look] = []
    for look in sorted(looks):
        if not spaced or look.step > 10.2 * spaced[-1].step:  # the first and the last step of each scale
            spaced.append(look)
    for fine, middle, coarse in zip(spaced, spaced[1:], spaced[2:]):
        if abs(middle.bend) > 100.0 * fine.rounding:  # a kink of that size would show in the finer step
            constant = 0.5 < abs(fine.bend) / abs(middle.bend) < 4.0
            jumping = abs(fine.bend) > max(4.0 * abs(middle.bend), 1e-6 / EPSILON * fine.rounding)  # and no rounding
            stays = (constant or jumping) and abs(middle.bend) > 0.5 * abs(coarse.bend)
            shrink = (middle.step / fine.step - 1.0) if constant else math.inf  # to step 0, as far as a curve bends
            slope, bend = fine.slope - (middle.slope - fine.slope) / shrink, fine.bend - (middle.bend - fine.bend) / shrink
            half = math.copysign(abs(bend) / 2.0 + 2.0 * fine.rounding, bend)
            return (slope - half, slope + half) if stays else None
    return None
