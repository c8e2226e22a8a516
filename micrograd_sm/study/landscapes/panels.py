"""What a landscape is made of: panels of curves, a field or a map, as numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from micrograd_sm.study.landscapes.losses import Row


@dataclass(frozen=True)
class Curve:
    """A loss and its gradient against one logit: `losses` and `gradients` at the panel's `x`.

    `minimum` is the logit and the loss at which the gradient is 0, exact to rounding; None if there is none in view.

    >>> Curve("cross-entropy", (0.69,), (-0.5,)).label
    'cross-entropy'
    """

    label: str
    losses: Row
    gradients: Row
    minimum: Row | None = None


@dataclass(frozen=True)
class CurvePanel:
    """Curves over the same logit, whose numbers are `x`, in nats.

    >>> CurvePanel("hinge", "logit of class 0", (0.0,), ()).title
    'hinge'
    """

    title: str
    x_label: str
    x: Row
    curves: tuple[Curve, ...]

    def lines(self) -> Iterator[str]:
        """Yield a table: nine of the points, with each curve's loss and gradient.

        >>> list(CurvePanel("hinge", "logit of class 0", (0.0,), ()).lines())
        ['hinge', '  logit of class 0                   0.00']
        """
        last = len(self.x) - 1
        places = sorted({round(last * part / 8) for part in range(9)})
        rows = [(self.x_label, self.x), *_named(self.curves)]
        width = max(30, *(len(name) for name, _ in rows))
        yield self.title
        for name, numbers in rows:
            yield f"  {name:<{width}}" + "".join(f"{numbers[i]:z9.2f}" for i in places)
        for curve in self.curves:
            if curve.minimum is not None:
                yield f"  {curve.label}: minimum {curve.minimum[1]:.4f} at {curve.minimum[0]:.4f}"


def _named(curves: tuple[Curve, ...]) -> Iterator[tuple[str, Row]]:
    for curve in curves:
        yield curve.label, curve.losses
        yield "  gradient", curve.gradients


@dataclass(frozen=True)
class Minimum:
    """A minimum of a loss over a plane: where it is drawn, its logits, and the loss.

    >>> Minimum((1.0, 0.0), (1.0, 0.0, 0.0), 0.5).loss
    0.5
    """

    position: Row
    logits: Row
    loss: float


@dataclass(frozen=True)
class FieldPanel:
    """A loss and its gradient over a plane: `positions` (N, 2) are where the `logits` (N, C) are drawn.

    `gradients` (N, C) are with respect to the logits, `descent` (N, 2) is minus the gradient as drawn. `arrows` are the places
    of the samples that get an arrow, `lowest` the place of the least loss, None at the border of what was sampled
    and on a plateau. `minimum` is the minimum near it, exact to rounding, in the plane, as logits, and its loss; None if the
    gradient is not 0 there. `why` says why there is none, or why the panel is empty; `here` is where the given logits are.

    >>> FieldPanel("hinge", (), (), (), (), (), (), None).title
    'hinge'
    """

    title: str
    logits: tuple[Row, ...]
    positions: tuple[Row, ...]
    losses: Row
    gradients: tuple[Row, ...]
    descent: tuple[Row, ...]
    arrows: tuple[int, ...]
    lowest: int | None
    minimum: Minimum | None = None
    why: str = ""
    here: Row | None = None

    def lines(self) -> Iterator[str]:
        """Yield what a reader without the picture wants first: the range of the loss, and the steepest place.

        >>> panel = FieldPanel("hinge", ((0.0, 0.0),), ((0.0, 0.0),), (0.5,), ((-0.5, 0.5),), ((0.5, -0.5),), (0,), 0)
        >>> print(*panel.lines(), sep="\\n")
        hinge
          loss 0.5000 to 0.5000 over 1 samples
          least of the samples at (0.00, 0.00), where the gradient is not 0
          longest gradient 0.7071 at (0.00, 0.00)
        """
        yield self.title
        finite = [loss for loss in self.losses if math.isfinite(loss)]
        if finite:
            apart = "" if len(finite) == len(self.losses) else f", {len(self.losses) - len(finite):,} not finite"
            yield f"  loss {min(finite):.4f} to {max(finite):.4f} over {len(self.losses):,} samples{apart}"
        yield f"  {self._least()}"
        sizes = [size if math.isfinite(size) else -1.0 for size in (sum(g * g for g in row) ** 0.5 for row in self.gradients)]
        steepest = sizes.index(max(sizes))
        if sizes[steepest] > 0.0:
            yield f"  longest gradient {sizes[steepest]:.4f} at {_point(self.positions[steepest])}"

    def _least(self) -> str:
        if self.minimum is not None:
            logits = ", ".join(f"{z:.4f}" for z in self.minimum.logits)
            return f"minimum {self.minimum.loss:.4f} at {_point(self.minimum.position)}, logits ({logits})"
        if self.lowest is not None:
            return f"least of the samples at {_point(self.positions[self.lowest])}, where the gradient is not 0"
        return self.why


def _point(position: Row) -> str:
    return f"({', '.join(f'{x:.2f}' for x in position)})"


@dataclass(frozen=True)
class MapPanel:
    """The gradient of a batch's summed loss with respect to each logit, `rows` (N, C): p - y for plain cross-entropy.

    `target` (N) holds the classes, `ignored` the rows that do not count, `loss` is the mean, in `unit`.

    >>> MapPanel("at the start", ((-0.5, 0.5),), (0,), (), 0.69).rows
    ((-0.5, 0.5),)
    """

    title: str
    rows: tuple[Row, ...]
    target: tuple[int, ...]
    ignored: tuple[int, ...]
    loss: float
    unit: str = "nats"

    @property
    def why(self) -> str:
        """Why the map is empty, in words; "" if it is not."""
        if len(self.ignored) == len(self.rows):
            return "every row is ignored, so nothing counts"
        return "" if any(g for row in self.rows for g in row) else "every gradient is 0"

    def lines(self) -> Iterator[str]:
        """Yield the map as a table, each target's own number in brackets.

        >>> print(*MapPanel("at the start", ((-0.5, 0.5),), (0,), (), 0.69).lines(), sep="\\n")
        at the start: loss 0.6900 nats
          [-0.50]  +0.50
        """
        yield f"{self.title}: loss {self.loss:.4f} {self.unit}".rstrip() + (f"; {self.why}" if self.why else "")
        for place, (row, target) in enumerate(zip(self.rows, self.target, strict=True)):
            cells = (f"[{g:+z.2f}]" if c == target else f" {g:+z.2f} " for c, g in enumerate(row))
            yield "  " + " ".join(cells).rstrip() + ("  ignored" if place in self.ignored else "")


Panel = CurvePanel | FieldPanel | MapPanel
