"""Where the elements of a result come from, if an operation only moves them."""

from __future__ import annotations

from math import prod

from micrograd_sm.array import Array, flat_of
from micrograd_sm.graph.core import Graph
from micrograd_sm.graph.parts import Node
from micrograd_sm.primitives import PRIMITIVES


def moved_places(graph: Graph, node: Node) -> list[tuple[int, int]]:
    """Return, for each element of a node that moves elements, which operand it comes from, and its place there.

    Both count from 0; places are in row-major order.

    >>> from micrograd_sm import Value, cat
    >>> graph = Graph(cat([Value([1.0, 2.0]), Value([3.0])]), names={})
    >>> moved_places(graph, graph[graph.root])
    [(0, 0), (0, 1), (1, 0)]
    """
    marked: list[Array] = []
    origins: list[tuple[int, int]] = []
    for position, edge in enumerate(graph.operand_edges(node.id)):
        shape = graph[edge.source].shape
        marked.append(Array.of(list(range(len(origins), len(origins) + prod(shape))), shape, int))
        origins += [(position, place) for place in range(prod(shape))]
    return [origins[int(mark)] for mark in flat_of(PRIMITIVES[node.op or ""].value(*marked, **node.params))]
