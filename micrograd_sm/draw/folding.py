"""Which scopes a picture folds into single boxes: those asked for, or by itself as many as a reader needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from micrograd_sm.graph import Graph

Fold: TypeAlias = str | Sequence[str] | int | bool | None
READABLE = 200  # nodes beyond which scopes fold by themselves


def folded(graph: Graph, fold: Fold) -> tuple[Graph, int]:
    """Return the graph as it is to be drawn, and how many nodes it had if its scopes folded by themselves, else 0.

    `fold` is a name, path or id of scopes, a list of such, a depth, True for the outermost, False for none, or None for as
    little folding as brings a graph of more than 200 nodes under them: the innermost scopes, else those around them.

    >>> from micrograd_sm import Value, softplus
    >>> graph = Graph(softplus(Value(0.0)))
    >>> [len(folded(graph, fold)[0]) for fold in ("softplus", 0, True, False, None)]
    [2, 2, 2, 8, 8]
    """
    if fold is None:
        return _as_little_as_needed(graph)
    if isinstance(fold, bool):
        return (graph.fold() if fold else graph), 0
    if isinstance(fold, int):
        return graph.fold(depth=fold), 0
    if isinstance(fold, str):
        return graph.fold(fold), 0
    if isinstance(fold, Sequence):
        return (graph.fold(*fold) if fold else graph), 0
    raise TypeError(f"draw: fold must be a name, a list of names, a depth, True, False or None, got {fold!r}")


def _as_little_as_needed(graph: Graph) -> tuple[Graph, int]:
    if len(graph) <= READABLE or not graph.scopes:
        return graph, 0
    fewest = graph
    for depth in reversed(range(1 + max(scope.path.count("/") for scope in graph.scopes))):
        fewest = fewest.fold(depth=depth)  # an outer scope of several outputs stays open, those in it need not
        if len(fewest) <= READABLE:
            break
    return (fewest, len(graph)) if len(fewest) < len(graph) else (graph, 0)
