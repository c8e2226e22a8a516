"""Pictures of a computation graph: `draw(loss)`, shown by a notebook or saved as svg, png, pdf or dot."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from micrograd_sm.engine import Value

if TYPE_CHECKING:
    from micrograd_sm.draw.cells import texts
    from micrograd_sm.draw.drawing import FORMATS, Drawing, fitting_svg, format_of, in_a_folder, scale_in, to_svg
    from micrograd_sm.draw.folding import Fold
    from micrograd_sm.graph import Graph

__all__ = ["FORMATS", "Drawing", "draw", "fitting_svg", "format_of", "in_a_folder", "scale_in", "texts", "to_svg"]

_LATER = {**dict.fromkeys(__all__, "drawing"), "texts": "cells"}  # so that importing stays quick


def draw(
    loss: Value | Graph,
    names: Mapping[str, Any] | None = None,
    *,
    rankdir: str = "TB",
    show: str = "both",
    edges: bool = False,
    fold: Fold = None,
    notes: Mapping[str, str] | None = None,
) -> Drawing:
    """Return the picture of everything that a Value was computed from, as it is now.

    Boxes show the Values' own names, else the names of the caller's variables, or of the mapping `names` if there is one.
    `rankdir` is the direction of the arrows: "TB" (down), "LR", "BT" or "RL". `show` is what a box shows of its node: "both"
    value and gradient, "value", "gradient", "shape" or "none". If `edges` is True, each edge shows what flows back along it,
    `local x upstream = contribution`. `fold` draws composed functions as single boxes: those of a name, path or id, or of a
    list of these; those at a depth, 0 for the outermost; none if it is False. If it is None, graphs of more than 200 nodes
    are folded, innermost functions first, until at most 200 are drawn; the picture and its repr say so. `notes` are sentences
    by the ids of nodes: they are framed, the first one most, and the arrows between them are thick.

    The `draw` extra is needed only if the picture is saved or shown. Raises TypeError if `loss` is neither a Value nor a
    Graph, and ValueError if an option is unknown.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> draw(y)
    <Drawing of 2 nodes and 2 edges; .save('graph.svg') writes it>
    >>> draw(y.softplus(), fold="softplus")
    <Drawing of 3 nodes and 3 edges; .save('graph.svg') writes it>
    """
    from micrograd_sm.draw.drawing import Drawing  # noqa: PLC0415 - so that importing stays quick
    from micrograd_sm.draw.folding import folded  # noqa: PLC0415
    from micrograd_sm.draw.options import Options  # noqa: PLC0415
    from micrograd_sm.graph import Graph  # noqa: PLC0415

    if not isinstance(loss, Graph):
        if not isinstance(loss, Value):
            raise TypeError(f"draw: expected a Value or a Graph, got {loss!r} of type {type(loss).__name__}")
        if not isinstance(names, Mapping | None):
            raise TypeError(f"draw: names must be a mapping of names to what they hold, got {names!r}")
        loss = Graph(loss, sys._getframe(1).f_locals if names is None else names)
    graph, folded_from = folded(loss, fold)
    if unknown := [id for id in notes or {} if id not in loss.unfold()]:
        raise ValueError(f"draw: notes are by the ids of nodes, from v0 to {loss.nodes[-1].id}, got {unknown[0]!r}")
    return Drawing(graph, Options(rankdir, show, edges, notes=notes or {}), folded_from)


def _value_bundle(value: Value, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """Return what a notebook shows of a Value: its text and, if it has a small graph, its picture."""
    from micrograd_sm.draw.notebook import value_bundle  # noqa: PLC0415 - so that importing stays quick

    return value_bundle(value, draw, include, exclude)


Value._repr_mimebundle_ = _value_bundle  # type: ignore[attr-defined] # the engine knows nothing of its views


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"micrograd_sm.draw.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
