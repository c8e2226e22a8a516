"""The page of a training: the loss curve, the graph at each iteration, and the updates, in one HTML file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from micrograd_sm.draw import to_svg
from micrograd_sm.draw.extent import refuse_huge
from micrograd_sm.graph import Graph
from micrograd_sm.steps.page.content import json_text
from micrograd_sm.steps.page.document import asset, inlined, policy
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import number_text

if TYPE_CHECKING:
    from micrograd_sm.training.film import Frame, Training


def save(film: Training, path: str | Path) -> Path:
    """Write the page of a training and return its path. Raises the errors of `Training.save`."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"save: {str(path)!r} must end in .html")
    if not len(film):
        raise ValueError("save: no iteration was recorded; call film.record(loss) in the loop")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save: the folder {str(path.parent)!r} of {path.name!r} does not exist")
    path.write_text(page_html(film), encoding="utf-8")
    return path


def page_html(film: Training) -> str:
    """Return the page of a training as one HTML document."""
    frames = film.frames
    pictures = "".join(
        f'<div data-picture="{k}">{_picture(graph, film.room[k], k)}</div>' for k, graph in enumerate(film.graphs)
    )
    style, script = inlined("page.css") + inlined("page.css", __package__), inlined("page.js", __package__)
    root = labels_of(film.graphs[0])[film.graphs[0].root]
    return Template(asset("page.html", __package__)).substitute(
        title=escape(f"Training: {root} over {len(frames)} iterations"),
        summary=escape(f"{root} from {number_text(frames[0].loss)} to {number_text(frames[-1].loss)}"),
        policy=policy([style, *re.findall(r"<style>(.*?)</style>", pictures, re.DOTALL)], script),
        style=style,
        script=script,
        pictures=pictures,
        data=json_text(_content(frames)),
    )


def _picture(graph: Graph, room: dict[str, int], number: int) -> str:
    try:
        refuse_huge(graph)
    except RuntimeError as error:
        return f"<p>{escape(str(error))}</p>"
    picture = to_svg(graph, f"p{number}-" if number else "", room=room, strips=False)
    return re.sub(r'(?: (?:fill|stroke)="#\w+")+(?=[^<>]* class="[^"]+)', "", picture)


def _content(frames: tuple[Frame, ...]) -> dict[str, Any]:
    """Return the data of the page; a frame has only the texts that differ from those of the frame before."""
    losses = [frame.loss for frame in frames]
    finite = [loss for loss in losses if math.isfinite(loss)] or [0.0]
    written: list[dict[str, Any]] = []
    before = None
    for frame in frames:
        same: Mapping[str, Any] = before.shown if before and before.picture == frame.picture else {}
        shown = {id: parts for id, parts in frame.shown.items() if same.get(id) != parts}
        updates = list(frame.updates.items())
        one = {"loss": number_text(frame.loss), "picture": frame.picture, "shown": shown, "updates": updates}
        written.append(one | ({"note": frame.note} if frame.note else {}))
        before = frame
    return {"losses": losses, "ends": [number_text(min(finite)), number_text(max(finite))], "frames": written}
