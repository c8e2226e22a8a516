"""A landscape: panels of numbers that can be read, compared, written as JSON or plotted."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from micrograd_sm.draw.drawing import in_a_folder
from micrograd_sm.study.landscapes.losses import Setting
from micrograd_sm.study.landscapes.panels import Panel
from micrograd_sm.words.result import Listing, prose


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
