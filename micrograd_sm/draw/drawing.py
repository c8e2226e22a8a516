"""The picture of a graph: written in the DOT language, and laid out if it is saved or shown."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from micrograd_sm.draw.extent import refuse_huge
from micrograd_sm.draw.options import DEFAULTS, Options, checked
from micrograd_sm.graph import Graph

if TYPE_CHECKING:
    from pathlib import Path

    from graphviz import Digraph

_MOST_TURNED = 200  # nodes up to which another direction is tried, for which the graph is laid out once more
_BETTER = 1.25  # how much larger a picture must be across for it to be worth a change
FORMATS = ("svg", "png", "pdf", "dot")


def format_of(path: str | Path) -> str:
    """Return the format that a file's ending names; ValueError if it names none."""
    from pathlib import Path  # noqa: PLC0415 - so that importing stays quick

    format = Path(path).suffix[1:].lower()
    if format not in FORMATS:
        raise ValueError(f"save: {str(path)!r} must end in .svg, .png, .pdf or .dot")
    return format


def in_a_folder(path: str | Path) -> Path:
    """Return the path of a file to write; FileNotFoundError if its folder does not exist."""
    from pathlib import Path  # noqa: PLC0415 - so that importing stays quick

    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save: the folder {str(path.parent)!r} of {path.name!r} does not exist")
    return path


class Drawing:
    """A picture of a Graph, which notebooks show as SVG; `graphviz()` returns it as an object to restyle.

    `folded_from` is the number of nodes before scopes were folded automatically, or 0 if none were.

    >>> from micrograd_sm import Graph, Value
    >>> print(Drawing(Graph(Value(1.0).exp())).source.splitlines()[0])
    digraph micrograd_sm {
    """

    def __init__(self, graph: Graph, options: Options = DEFAULTS, folded_from: int = 0) -> None:
        self.graph = graph
        self.folded_from = folded_from
        self._options = checked(options)

    def graphviz(self, prefix: str = "") -> Digraph:
        """Return the picture as a new `graphviz.Digraph`, to restyle, to nest in a graph of your own, and to render.

        The name of each node and frame starts with `prefix`, so that one graph can hold several pictures. Raises ValueError
        if the prefix holds a colon, and RuntimeError, with what to install, if the graphviz package cannot be imported.

        >>> from micrograd_sm import Graph, Value
        >>> picture = Drawing(Graph(Value(1.0).exp())).graphviz()
        >>> picture.graph_attr["bgcolor"] = "lightyellow"
        >>> picture.node("note", "my own words")
        >>> print(picture.source.splitlines()[-2].strip())
        note [label="my own words"]
        """
        if ":" in prefix:
            raise ValueError(f"graphviz: the prefix {prefix!r} holds a colon, which begins a port in DOT")
        try:
            from micrograd_sm.draw.dot import to_digraph  # noqa: PLC0415 - loads graphviz, only if the picture is used
        except ImportError as error:
            raise RuntimeError(f"draw: graphviz cannot be imported ({error}); pip install 'micrograd_sm[draw]'") from None
        return to_digraph(self.graph, self._options, self._note(), prefix)

    @cached_property
    def source(self) -> str:
        """The picture in the DOT language: the same bytes for the same graph, in every run."""
        return self.graphviz().source

    def _note(self) -> str:
        if not self.folded_from:
            return ""
        return (
            f"{self.folded_from:,} nodes are many to read: scopes are folded, and {len(self.graph):,} are drawn.\n"
            "draw(..., fold=False) opens all, as does --fold never on the command line."
        )

    def save(self, path: str | Path) -> Path:
        """Write the picture in the format that the file's ending names, svg, png, pdf or dot, and return its path.

        Raises ValueError if the ending is another, FileNotFoundError if the folder does not exist, RuntimeError if the graph
        is too large, or if no layout program is found, with what to install.

        >>> from micrograd_sm import Graph, Value
        >>> Drawing(Graph(Value(1.0).exp())).save("graph.docx")
        Traceback (most recent call last):
            ...
        ValueError: save: 'graph.docx' must end in .svg, .png, .pdf or .dot
        """
        format = format_of(path)
        path = in_a_folder(path)
        if format == "dot":
            path.write_bytes(self.source.encode())
        else:
            path.write_bytes(self.svg().encode() if format == "svg" else self._render(format))
        return path

    def _render(self, format: str) -> bytes:
        refuse_huge(self.graph)
        source = self.source  # first, since it says so if graphviz is missing
        from micrograd_sm.draw.layout import render  # noqa: PLC0415 - loads subprocess, only if the picture is used

        return render(source, format)

    def svg(self, prefix: str = "") -> str:
        """Return the picture as an `<svg>` element, light and dark; each id in it starts with `prefix`.

        Raises RuntimeError as `save` does.

        >>> from micrograd_sm import Graph, Value
        >>> Drawing(Graph(Value(1.0))).svg("a-").partition(" ")[0]
        '<svg'
        """
        from micrograd_sm.draw.svg import styled  # noqa: PLC0415 - loads an XML parser, only if the picture is used

        return styled(self._render("svg"), self.graph, prefix)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from micrograd_sm.draw.notebook import drawing_bundle  # noqa: PLC0415 - it draws, by this module

        return drawing_bundle(self, include, exclude)

    def __repr__(self) -> str:
        drawn = f"{len(self.graph)} nodes and {len(self.graph.edges)} edges"
        folded = f", scopes folded from {self.folded_from:,} nodes (fold=False opens all)" if self.folded_from else ""
        return f"<Drawing of {drawn}{folded}; .save('graph.svg') writes it>"


def to_svg(graph: Graph, prefix: str = "", **options: Any) -> str:
    """Return a graph's picture as an `<svg>` element for a page; each id in it starts with `prefix`.

    The options are those of `Options`: rankdir, show, edges, room, labels and strips. Scopes stay folded or open.
    `texts(gradient, shape)` returns the texts of a node's elements that have the class `grad`, in their order.

    >>> from micrograd_sm import Graph, Value
    >>> 'data-edge="v0-v1-0"' in to_svg(Graph(Value(1.0).exp()), rankdir="LR")
    True
    """
    return Drawing(graph, Options(**options)).svg(prefix)


def fitting_svg(graph: Graph, rankdir: str | None, width: float, height: float, enough: float, **options: Any) -> str:
    """Return the `to_svg` of a direction; if that is None, of "TB", or of "LR" if the picture is larger so in that room.

    At a scale of `enough` nobody looks for another direction, nor in a graph that is too large for both.

    >>> from micrograd_sm import Graph, Value
    >>> chain = Graph(Value(1.0).exp().log())
    >>> fitting_svg(chain, None, 800, 100, 1.0) == to_svg(chain, rankdir="LR")
    True
    """
    down = to_svg(graph, rankdir=rankdir or "TB", **options)
    before = scale_in(down, width, height)
    if rankdir is not None or before >= enough or len(graph) > _MOST_TURNED:
        return down
    across = to_svg(graph, rankdir="LR", **options)
    after = scale_in(across, width, height)
    return across if after >= enough or after > _BETTER * before else down


def scale_in(picture: str, width: float, height: float) -> float:
    """Return the largest scale at which an SVG fits into a room.

    >>> scale_in('<svg viewBox="0.00 0.00 50.00 20.00">', 100, 30)
    1.5
    """
    found = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', picture)
    if found is None:
        raise ValueError("scale_in: the picture has no viewBox")
    return min(width / float(found[1]), height / float(found[2]))
