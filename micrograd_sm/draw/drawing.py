"""A picture: described in the DOT language, and laid out when it is saved or shown."""

from __future__ import annotations

from pathlib import Path

from micrograd_sm.draw.dot import to_dot
from micrograd_sm.draw.extent import refuse_huge
from micrograd_sm.draw.options import DEFAULTS, Options, checked
from micrograd_sm.graph import Graph

FORMATS = ("svg", "png", "pdf", "dot")


def format_of(path: str | Path) -> str:
    """Return the format that a file's ending names; ValueError for another ending.

    >>> format_of("loss.SVG")
    'svg'
    """
    format = Path(path).suffix[1:].lower()
    if format not in FORMATS:
        raise ValueError(f"save: {str(path)!r} must end in .svg, .png, .pdf or .dot")
    return format


def in_a_folder(path: str | Path) -> Path:
    """Return the path of a file to write; FileNotFoundError when its folder does not exist.

    >>> in_a_folder("loss.svg").name
    'loss.svg'
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save: the folder {str(path.parent)!r} of {path.name!r} does not exist")
    return path


class Drawing:
    """A picture of a Graph. `source` is its description in the DOT language; notebooks show it as SVG.

    `folded_from` is how many nodes there were before scopes folded by themselves, 0 where they did not.

    >>> from micrograd_sm import Graph, Value
    >>> print(Drawing(Graph(Value(1.0).exp())).source.splitlines()[0])
    digraph micrograd_sm {
    """

    def __init__(self, graph: Graph, options: Options = DEFAULTS, folded_from: int = 0) -> None:
        self.graph = graph
        self.folded_from = folded_from
        self.source = to_dot(graph, checked(options), self._note())

    def _note(self) -> str:
        if not self.folded_from:
            return ""
        return (
            f"{self.folded_from:,} nodes are many to read: scopes are folded, and {len(self.graph):,} are drawn.\n"
            "draw(..., fold=False) opens all, as does --fold never on the command line."
        )

    def save(self, path: str | Path) -> Path:
        """Write the picture in the format that the file's ending names, svg, png, pdf or dot, and return its path.

        Raises ValueError for another ending, FileNotFoundError when the folder does not exist, RuntimeError when no
        program is found that can lay the picture out, with what to install, or the graph is too large for any.

        >>> from micrograd_sm import Graph, Value
        >>> Drawing(Graph(Value(1.0).exp())).save("graph.docx")
        Traceback (most recent call last):
            ...
        ValueError: save: 'graph.docx' must end in .svg, .png, .pdf or .dot
        """
        format = format_of(path)
        path = in_a_folder(path)
        path.write_bytes(self._bytes(format))
        return path

    def _bytes(self, format: str) -> bytes:
        if format == "dot":
            return self.source.encode()
        return self.svg().encode() if format == "svg" else self._render(format)

    def _render(self, format: str) -> bytes:
        from micrograd_sm.draw.layout import render  # noqa: PLC0415 - subprocess, only for who looks at the picture

        refuse_huge(self.graph)
        return render(self.source, format)

    def svg(self, prefix: str = "") -> str:
        """Return the picture as an `<svg>` element, light and dark; `prefix` begins each id in it, so that ids stay unique.

        Raises RuntimeError as `save` does.

        >>> from micrograd_sm import Graph, Value
        >>> Drawing(Graph(Value(1.0))).svg("a-").partition(" ")[0]
        '<svg'
        """
        from micrograd_sm.draw.svg import styled  # noqa: PLC0415 - an XML parser, only for who looks at the picture

        return styled(self._render("svg"), self.graph, prefix)

    def __repr__(self) -> str:
        drawn = f"{len(self.graph)} nodes and {len(self.graph.edges)} edges"
        folded = f", scopes folded from {self.folded_from:,} nodes (fold=False opens all)" if self.folded_from else ""
        return f"<Drawing of {drawn}{folded}; .save('graph.svg') writes it>"
