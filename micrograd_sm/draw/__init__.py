"""Pictures of a computation graph: `draw(loss)`, shown by a notebook or saved as svg, png, pdf or dot."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from micrograd_sm.draw.cells import texts
from micrograd_sm.draw.drawing import FORMATS, Drawing, format_of, in_a_folder
from micrograd_sm.draw.folding import Fold, folded
from micrograd_sm.draw.options import Options
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph

__all__ = ["FORMATS", "Drawing", "draw", "format_of", "in_a_folder", "texts", "to_svg"]


def draw(
    loss: Value | Graph,
    names: Mapping[str, Any] | None = None,
    *,
    rankdir: str = "TB",
    show: str = "both",
    edges: bool = False,
    fold: Fold = None,
) -> Drawing:
    """Return the picture of everything that a Value was computed from, as it is now.

    Boxes carry the Values' own names, else those of the caller's variables, or of the mapping `names` in their place.
    `rankdir` is the way the arrows run: "TB" (down), "LR", "BT" or "RL". `show` is what a box has of its node: "both" value
    and gradient, one of "value" and "gradient", "shape", or "none". With `edges`, each edge carries what flows back along
    it, `local x upstream = contribution`. `fold` makes single boxes of composed functions: those of a name, path or id, or of
    several in a list; a depth, 0 for the outermost; False for none. By itself it folds what it must, outermost last, beyond
    200 nodes, and the picture and its repr say so.

    Drawing needs no program until the picture is saved or shown. Raises TypeError for what is no Value or Graph, and
    ValueError for an option that there is not.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> draw(y)
    <Drawing of 2 nodes and 2 edges; .save('graph.svg') writes it>
    >>> draw(y.softplus(), fold="softplus")
    <Drawing of 3 nodes and 3 edges; .save('graph.svg') writes it>
    """
    if not isinstance(loss, Graph):
        if not isinstance(loss, Value):
            raise TypeError(f"draw: expected a Value or a Graph, got {loss!r} of type {type(loss).__name__}")
        if not isinstance(names, Mapping | None):
            raise TypeError(f"draw: names must be a mapping of names to what they hold, got {names!r}")
        loss = Graph(loss, sys._getframe(1).f_locals if names is None else names)
    graph, folded_from = folded(loss, fold)
    return Drawing(graph, Options(rankdir, show, edges), folded_from)


def to_svg(graph: Graph, prefix: str = "", **options: Any) -> str:
    """Return a graph's picture as an `<svg>` element for a page; `prefix` begins each id in it.

    The options are those of `Options`: rankdir, show, edges; labels, what to call nodes without a name; room, which keeps
    a width in characters for the numbers of each node's gradient; and strips. Scopes stay as folded or open as they are.
    `texts(gradient, shape)` is what the elements of a node that have the class `grad` say, in their order.

    >>> 'data-edge="v0-v1-0"' in to_svg(Graph(Value(1.0).exp()), rankdir="LR")
    True
    """
    return Drawing(graph, Options(**options)).svg(prefix)
