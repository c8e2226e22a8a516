"""What a landscape holds: curves, fields and maps, as numbers that can be read, compared, written as JSON or plotted."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from micrograd_sm.draw.drawing import in_a_folder
from micrograd_sm.study.landscapes.losses import Row, Setting
from micrograd_sm.words.result import Listing, prose


@dataclass(frozen=True)
class Curve:
    """A loss and its gradient against one logit: `losses` and `gradients` at the panel's `x`.

    >>> Curve("cross-entropy", (0.69,), (-0.5,)).label
    'cross-entropy'
    """

    label: str
    losses: Row
    gradients: Row


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
        yield self.title
        for name, numbers in [(self.x_label, self.x), *_named(self.curves)]:
            yield f"  {name:<30}" + "".join(f"{numbers[i]:z9.2f}" for i in places)


def _named(curves: tuple[Curve, ...]) -> Iterator[tuple[str, Row]]:
    for curve in curves:
        yield curve.label, curve.losses
        yield "  gradient", curve.gradients


@dataclass(frozen=True)
class FieldPanel:
    """A loss and its gradient over a plane: `positions` (N, 2) are where the `logits` (N, C) are drawn.

    `gradients` (N, C) are with respect to the logits, `descent` (N, 2) is minus the gradient as drawn. `arrows` are the places
    of the samples that get an arrow, `lowest` the place of the least loss, None at the border of what was sampled
    and on a plateau.

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

    def lines(self) -> Iterator[str]:
        """Yield what a reader without the picture wants first: the range of the loss, and the steepest place.

        >>> panel = FieldPanel("hinge", ((0.0, 0.0),), ((0.0, 0.0),), (0.5,), ((-0.5, 0.5),), ((0.5, -0.5),), (0,), 0)
        >>> print(*panel.lines(), sep="\\n")
        hinge
          loss 0.5000 to 0.5000 over 1 samples; least at (0.00, 0.00)
          longest gradient 0.7071 at (0.00, 0.00)
        """
        sizes = [sum(g * g for g in row) ** 0.5 for row in self.gradients]
        steepest = sizes.index(max(sizes))
        least = "at the border, or on a plateau" if self.lowest is None else f"at {_point(self.positions[self.lowest])}"
        yield self.title
        yield f"  loss {min(self.losses):.4f} to {max(self.losses):.4f} over {len(self.losses):,} samples; least {least}"
        yield f"  longest gradient {sizes[steepest]:.4f} at {_point(self.positions[steepest])}"


def _point(position: Row) -> str:
    return f"({', '.join(f'{x:.2f}' for x in position)})"


@dataclass(frozen=True)
class MapPanel:
    """The gradient of a batch's summed loss with respect to each logit, `rows` (N, C): p - y for plain cross-entropy.

    `target` (N) holds the classes, `ignored` the rows that do not count, `loss` is the mean in nats.

    >>> MapPanel("at the start", ((-0.5, 0.5),), (0,), (), 0.69).rows
    ((-0.5, 0.5),)
    """

    title: str
    rows: tuple[Row, ...]
    target: tuple[int, ...]
    ignored: tuple[int, ...]
    loss: float

    def lines(self) -> Iterator[str]:
        """Yield the map as a table, each target's own number in brackets.

        >>> print(*MapPanel("at the start", ((-0.5, 0.5),), (0,), (), 0.69).lines(), sep="\\n")
        at the start: loss 0.6900 nats
          [-0.50]  +0.50
        """
        yield f"{self.title}: loss {self.loss:.4f} nats"
        for place, (row, target) in enumerate(zip(self.rows, self.target, strict=True)):
            cells = (f"[{g:+z.2f}]" if c == target else f" {g:+z.2f} " for c, g in enumerate(row))
            yield "  " + " ".join(cells).rstrip() + ("  ignored" if place in self.ignored else "")


Panel = CurvePanel | FieldPanel | MapPanel


@dataclass(frozen=True, eq=False, repr=False)
class Landscape(Listing[Panel]):
    """The numbers of a picture: `panels` of one kind, "curves", "logits", "simplex" or "residuals", in `columns` columns.

    `str()` is what can be read without a picture, `to_dict()` and `to_json()` are all of it; `figure()` and `save()` need
    matplotlib, micrograd_sm's extra `plot`. Its length, index and loop are those of its panels.

    >>> from micrograd_sm.study import loss_curves
    >>> loss_curves()
    <Landscape of 2 panels: loss and gradient against one logit; .save('landscape.svg') writes it>
    """

    kind: str
    title: str
    note: str
    setting: Setting | None
    panels: tuple[Panel, ...]
    columns: int

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists, dicts and numbers.

        >>> from micrograd_sm.study import loss_curves
        >>> loss_curves().to_dict()["panels"][0]["x"][0]
        -8.0
        """
        content = super().to_dict() | {"setting": None if self.setting is None else str(self.setting)}
        del content["columns"]
        return content

    def to_json(self) -> str:
        """Return `to_dict()` as JSON.

        >>> from micrograd_sm.study import loss_curves
        >>> loss_curves().to_json()[:17]
        '{"kind": "curves"'
        """
        return json.dumps(self.to_dict(), allow_nan=False)

    def figure(self) -> Any:
        """Return the picture as a matplotlib Figure of its own, which no pyplot state knows.

        Raises RuntimeError, which says what to install, without matplotlib.

        >>> from micrograd_sm.study import loss_curves
        >>> loss_curves().figure()  # doctest: +SKIP
        <Figure size 720x620 with 5 Axes>
        """
        from micrograd_sm.study.landscapes.plot import figure_of  # noqa: PLC0415 - matplotlib, only for who looks at it

        return figure_of(self)

    def save(self, path: str | Path) -> Path:
        """Write the picture in the format that the file's ending names, svg or png, and return its path.

        The same numbers give the same bytes. Raises ValueError for another ending, FileNotFoundError when the folder does
        not exist, RuntimeError, which says what to install, without matplotlib.

        >>> from micrograd_sm.study import loss_curves
        >>> loss_curves().save("curves.docx")
        Traceback (most recent call last):
            ...
        ValueError: save: 'curves.docx' must end in .svg or .png
        """
        format = Path(path).suffix[1:].lower()
        if format not in ("svg", "png"):
            raise ValueError(f"save: {str(path)!r} must end in .svg or .png")
        path = in_a_folder(path)
        from micrograd_sm.study.landscapes.plot import picture_of  # noqa: PLC0415 - matplotlib, only for who looks at it

        path.write_bytes(picture_of(self, format))
        return path

    @cached_property
    def _svg(self) -> str | None:
        """The picture for a notebook, which asks for it twice; None without matplotlib."""
        from micrograd_sm.study.landscapes.plot import picture_of  # noqa: PLC0415 - matplotlib, only for who looks at it

        try:
            return picture_of(self, "svg").decode()
        except RuntimeError:
            return None

    def _repr_svg_(self) -> str | None:
        return self._svg

    def _repr_html_(self) -> str:
        """What a notebook shows: the picture, as an image, which is also shown where the notebook is not trusted."""
        if self._svg is None:
            return prose(f"{self}\n\nThe picture needs matplotlib: pip install 'micrograd_sm[plot]'")
        data = b64encode(self._svg.encode()).decode()
        return f'<img alt="{escape(self.title)}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'

    def _items(self) -> tuple[Panel, ...]:
        return self.panels

    def __str__(self) -> str:
        head = [f"{self.title[:1].upper()}{self.title[1:]}", *([self.note] if self.note else [])]
        return "\n".join([*head, *(line for panel in self.panels for line in ("", *panel.lines()))])

    def __repr__(self) -> str:
        count = f"{len(self.panels)} panel{'s' if len(self.panels) > 1 else ''}"
        return f"<Landscape of {count}: {self.title}; .save('landscape.svg') writes it>"
