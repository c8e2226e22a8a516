"""The HTML of a page: its parts put together, and a policy that allows nothing else."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from micrograd_sm.array.summary import Summary
from micrograd_sm.draw import fitting_svg
from micrograd_sm.draw.extent import refuse_huge
from micrograd_sm.graph import Graph, Node
from micrograd_sm.steps.page.content import cell_text, content_of, json_text, room_for_totals
from micrograd_sm.words.names import labels_of, visible

if TYPE_CHECKING:
    from micrograd_sm.steps.record import Steps

_SCRIPTS = (
    "model.js",
    "picture.js",
    "squeeze.js",
    "program.js",
    "formula.js",
    "predict.js",
    "elements.js",
    "heat.js",
    "paper.js",
    "page.js",
)
_ROOM = (780.0, 570.0)  # for the picture, in a window of 1280 by 800
_READABLE = 0.9  # a scale at which nobody looks for another direction
_MOST_STRIPS = 200  # nodes up to which the picture has heat strips for large arrays


def save(walk: Steps, path: str | Path) -> Path:
    """Write the page of a recorded pass as one HTML file and return its path. Raises the errors of `Steps.save`."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"save: {str(path)!r} must end in .html")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save: the folder {str(path.parent)!r} of {path.name!r} does not exist")
    path.write_text(page_html(walk), encoding="utf-8")
    return path


def page_html(walk: Steps) -> str:
    """Return the page of a recorded pass as one HTML document, which also runs in a sandboxed frame.

    If the graph is too large for a layout, the page has no picture. Raises RuntimeError, with what to install, if there is
    no program to lay out the picture.
    """
    opened = walk.unfold().by_node()
    events = opened.by_contribution()
    picture = _picture(opened, walk.rankdir)
    framed = set(re.findall(r'data-scope="([^"]+)"', picture)) if "<svg" in picture else None
    labels = labels_of(opened.graph)
    title = f"Back-propagation of {labels[opened.graph.root]}, step by step"
    style, script = inlined("page.css"), "".join(map(inlined, _SCRIPTS))
    return Template(asset("page.html")).substitute(
        title=escape(title),
        policy=policy([style, *re.findall(r"<style>(.*?)</style>", picture, re.DOTALL)], script),
        style=style,
        script=script,
        picture=picture,
        rows="\n".join(_row(opened.graph, node, labels[node.id]) for node in opened.graph),
        steps="\n".join(_items(events)),
        data=json_text(content_of(walk, events, framed)),
        summary=f"{len(opened.graph)} nodes, {len(opened)} steps",
    )


def _picture(opened: Steps, rankdir: str | None) -> str:
    """Return the picture of a graph without folds, or a message if it is too large for a layout."""
    try:
        refuse_huge(opened.graph)
    except RuntimeError as error:
        return f"<p>{escape(str(error))}</p>"
    strips = len(opened.graph) <= _MOST_STRIPS and not any(type(node.data) is Summary for node in opened.graph)
    labels = labels_of(opened.graph)
    options: dict[str, Any] = {"room": room_for_totals(opened), "labels": labels, "strips": strips}
    picture = fitting_svg(opened.graph, rankdir, *_ROOM, _READABLE, **options)
    # a class sets the colour, since a page always has the style sheet
    return re.sub(r'(?: (?:fill|stroke)="#\w+")+(?=[^<>]* class="[^"]+)', "", picture)


def asset(name: str, room: str = __package__) -> str:
    """Return the text of a file that lies beside a module."""
    return files(room).joinpath(name).read_text("utf-8")


def inlined(name: str, room: str = __package__) -> str:
    """Return a style sheet or a script without indents and comments, which would make each page larger."""
    lines = (line.strip() for line in asset(name, room).splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith(("//", "/*")))


def policy(styles: list[str], script: str) -> str:
    """Return the content security policy: load nothing, and run only the inline parts with these hashes."""
    sources = {"style-src": " ".join(map(_hash, dict.fromkeys(styles))), "script-src": _hash(script)}
    return "; ".join(["default-src 'none'", *(f"{kind} {hashes}" for kind, hashes in sources.items()), "base-uri 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _row(graph: Graph, node: Node, label: str) -> str:
    """Return the row of a node in the table of values and gradients after the last step."""
    gradient = "none, a constant" if node.kind == "constant" else _shown(node.grad)
    name = f'<th scope="row">{escape(label)}</th>'
    made = escape(visible(node.op)) if node.op else node.kind
    return f'<tr data-row="{node.id}">{name}<td>{made}</td><td>{_shown(node.data)}</td><td>{gradient}</td><td></td></tr>'


def _shown(data: object) -> str:
    return "not yet computed" if data is None else escape(cell_text(data))


def _items(events: Steps) -> Iterator[str]:
    """Yield a list item for each step by node, with a line for each of its events."""
    for _, run in groupby(events, key=lambda event: (event.phase, event.node.id)):
        yield "<li>" + "".join(f"<span>{escape(event.text)}</span>" for event in run) + "</li>"
