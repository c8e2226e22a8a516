"""Panels from samples of a loss and its gradient: curves over one logit, fields over two logits and over the simplex."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

from micrograd_sm.study.landscapes.losses import Loss, Row, Samples, Setting, sample
from micrograd_sm.study.landscapes.minimum import Slopes, is_flat, minimum_near, no_minimum
from micrograd_sm.study.landscapes.panels import Curve, FieldPanel, Minimum

THREE = (0.0, 0.0, 0.0)  # the logits that stay, if none are given
_CORNERS = ((0.0, 0.0), (1.0, 0.0), (0.5, math.sqrt(0.75)))  # of the simplex, for classes 0, 1 and 2


def row_of(logits: Sequence[float] | None) -> Row:
    """Return the logits of one example as a tuple, three zeros for None. Raises TypeError or ValueError for anything else."""
    if logits is None:
        return THREE
    row = tuple(logits)
    if not all(isinstance(z, Real) for z in row):
        raise TypeError(f"landscapes: logits must be the numbers of one example, one for each class, got {logits!r}")
    if len(row) < 2 or not all(map(math.isfinite, row)):
        raise ValueError(f"landscapes: logits must be two or more finite numbers, one for each class, got {logits!r}")
    return tuple(map(float, row))


def curve(label: str, loss: Loss, along: int, x: Row, still: Row, setting: Setting) -> Curve:
    """Return a loss and its gradient where the logit of class `along` is each of `x`, and the others are those of `still`."""

    def at(points: Sequence[Row]) -> tuple[Row, list[Row]]:
        found = sample(loss, [_with(still, {along: z}) for (z,) in points], setting)
        return found.losses, [(row[along],) for row in found.gradients]

    losses, gradients = at([(z,) for z in x])
    places = [(z,) for z in x]
    inner = [0 < place < len(x) - 1 for place in range(len(x))]
    point = _minimum(at, losses, places, inner, reach=2 * (x[1] - x[0]))
    minimum = None if point is None else (point[0], at([point])[0][0])
    return Curve(label, losses, tuple(slope for (slope,) in gradients), minimum)


def logit_panel(
    title: str, loss: Loss, setting: Setting, grids: Sequence[Row], still: Row, here: Row | None = None
) -> FieldPanel:
    """Return a loss over the logits of classes 0 and 1, which take the numbers of the two grids; the others are `still`'s."""
    xs, ys = grids
    positions = tuple((z0, z1) for z1 in ys for z0 in xs)

    def at(points: Sequence[Row]) -> tuple[Row, list[Row]]:
        found = sample(loss, [_with(still, {0: z0, 1: z1}) for z0, z1 in points], setting)
        return found.losses, [row[:2] for row in found.gradients]

    logits = tuple(_with(still, {0: z0, 1: z1}) for z0, z1 in positions)
    found = sample(loss, logits, setting)
    descent = tuple((-row[0], -row[1]) for row in found.gradients)
    apart = max(1, (len(xs) - 1) // 10)
    shown = range(apart // 2, len(xs), apart)
    arrows = tuple(row * len(xs) + column for row in shown for column in shown)
    inner = [0 < place // len(xs) < len(ys) - 1 and 0 < place % len(xs) < len(xs) - 1 for place in range(len(positions))]
    point = _minimum(at, found.losses, positions, inner, reach=2 * (xs[1] - xs[0]))
    minimum = None if point is None else Minimum(point, _with(still, {0: point[0], 1: point[1]}), at([point])[0][0])
    ring = None if here is None else here[:2]
    return _field(title, logits, positions, found, descent, arrows, inner, minimum, ring)


def simplex_panel(title: str, loss: Loss, setting: Setting, subdivisions: int, here: Row | None = None) -> FieldPanel:
    """Return a loss over the probabilities of three classes: at p the logits are log p; `here` are logits to be marked."""
    if subdivisions < 3:
        raise ValueError(f"landscapes: subdivisions must be at least 3, got {subdivisions}")
    counts = [
        (i, j, subdivisions - i - j) for i in range(1, subdivisions - 1) for j in range(1, subdivisions - i)
    ]  # of what the simplex is divided into, for each class
    logits = tuple(tuple(math.log(n / subdivisions) for n in count) for count in counts)
    positions = tuple(_in_plane([math.exp(z) for z in row]) for row in logits)
    found = sample(loss, logits, setting)
    descent = tuple(_in_plane([-g for g in row]) for row in found.gradients)
    apart = max(1, subdivisions // 12)
    arrows = tuple(place for place, count in enumerate(counts) if not any(n % apart for n in count))
    inner = [max(count) < subdivisions - 2 for count in counts]

    def at(points: Sequence[Row]) -> tuple[Row, list[Row]]:
        """The free numbers are log(p0 / p2) and log(p1 / p2)."""
        rows = [_log_probabilities((*point, 0.0)) for point in points]
        found = sample(loss, rows, setting)
        pairs = zip(rows, found.gradients)
        return found.losses, [tuple(g[c] - math.exp(z[c]) * math.fsum(g) for c in (0, 1)) for z, g in pairs]

    odds = [(z[0] - z[2], z[1] - z[2]) for z in logits]
    point = _minimum(at, found.losses, odds, inner, reach=1.0)
    minimum = None
    if point is not None:
        row = _log_probabilities((*point, 0.0))
        minimum = Minimum(_in_plane([math.exp(z) for z in row]), row, at([point])[0][0])
    ring = None if here is None else _in_plane([math.exp(z) for z in _log_probabilities(here)])
    return _field(title, logits, positions, found, descent, arrows, inner, minimum, ring)


def _with(row: Row, changed: dict[int, float]) -> Row:
    return tuple(changed.get(c, z) for c, z in enumerate(row))


def _log_probabilities(row: Row) -> Row:
    top = max(row)
    total = top + math.log(math.fsum(math.exp(z - top) for z in row))
    return tuple(z - total for z in row)


def _in_plane(barycentric: Sequence[float]) -> Row:
    """Return where a point of the simplex, or a direction in it, is in the plane of the picture."""
    return tuple(math.fsum(b * corner[axis] for b, corner in zip(barycentric, _CORNERS)) for axis in (0, 1))


def _minimum(at: Slopes, losses: Sequence[float], places: Sequence[Row], inner: Sequence[bool], reach: float) -> Row | None:
    """Return the exact minimum near the least of the samples, or the first of several; None if that lies at the border."""
    if is_flat(_finite(losses)) or not inner[_least(losses)]:
        return None
    return minimum_near(at, places[_least(losses)], reach)


def _finite(losses: Sequence[float]) -> list[float]:
    return [loss for loss in losses if math.isfinite(loss)]


def _least(losses: Sequence[float]) -> int:
    return losses.index(min(_finite(losses)))


def _field(
    title: str,
    logits: tuple[Row, ...],
    positions: tuple[Row, ...],
    found: Samples,
    descent: tuple[Row, ...],
    arrows: tuple[int, ...],
    inner: list[bool],
    minimum: Minimum | None,
    here: Row | None,
) -> FieldPanel:
    why = "" if minimum else no_minimum(found.losses, positions, inner)
    lowest = None if why else _least(found.losses)
    seen = () if is_flat(_finite(found.losses)) else arrows
    arrows = tuple(place for place in seen if all(map(math.isfinite, (found.losses[place], *descent[place]))))
    return FieldPanel(title, logits, positions, found.losses, found.gradients, descent, arrows, lowest, minimum, why, here)
