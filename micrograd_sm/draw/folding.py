"""Which scopes a picture folds into single boxes: those that the caller names, or just enough to be readable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from micrograd_sm.graph import Graph

Fold: TypeAlias = str | Sequence[str] | int | bool | None
READABLE = 200  # the most nodes that are drawn without folding


def folded(graph: Graph, fold: Fold) -> tuple[Graph, int]:
    """Return the graph with scopes folded, and its number of nodes before if they were folded automatically, else 0.

    `fold` is a name, path or id of scopes, a list of these, a depth, True for the outermost, False for none, or None for
    just enough to draw at most 200 nodes, innermost scopes first.
    """
    if fold is None:
        return _as_little_as_needed(graph)
    if isinstance(fold, bool):
        return (graph.fold() if fold else graph), 0
    if isinstance(fold, int):
        return graph.fold(depth=fold), 0
    names = [fold] if isinstance(fold, str) else fold
    if isinstance(names, Sequence):
        return (graph.fold(*names) if names else graph), 0
    raise TypeError(f"draw: fold must be a name, a list of names, a depth, True, False or None, got {fold!r}")


def _as_little_as_needed(graph: Graph) -> tuple[Graph, int]:
    if len(graph) <= READABLE or not graph.scopes:
        return graph, 0
    fewest = graph
    for depth in reversed(range(1 + max(scope.path.count("/") for scope in graph.scopes))):
        fewest = fewest.fold(depth=depth)  # a scope with several outputs stays open
        if len(fewest) <= READABLE:
            break
    return (fewest, len(graph)) if len(fewest) < len(graph) else (graph, 0)
