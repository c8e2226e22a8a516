"""Which element of a tensor is made of which: the edges of a graph, one for each pair of elements."""

from __future__ import annotations

import math
from collections.abc import Iterator

from micrograd_sm.array import flat_of
from micrograd_sm.array.strides import broadcast, broadcast_shapes, groups
from micrograd_sm.graph import Edge, Graph, Node, local_derivative
from micrograd_sm.graph.patterns import operands
from micrograd_sm.graph.places import moved_places
from micrograd_sm.primitives import PRIMITIVES

Slopes = Iterator[tuple[int, int, float]]


def slopes(graph: Graph, edge: Edge) -> Slopes:
    """Yield, for each pair of elements that an edge joins, their places and the derivative of one by the other.

    Operations that move, sum or multiply matrices are told from what they are, others from their Jacobian. Raises ValueError
    for a Jacobian of more than a million entries.
    """
    source, target = graph[edge.source], graph[edge.target]
    if not target.folded and (source.shape or target.shape):
        if PRIMITIVES[target.op or ""].kind == "moves":
            return _moved(graph, edge)
        if target.op == "sum":
            return _summed(source, target)
        if target.op == "matmul":
            return _multiplied(graph, edge)
    return _differentiated(graph, edge)


def _moved(graph: Graph, edge: Edge) -> Slopes:
    places = enumerate(moved_places(graph, graph[edge.target]))
    return ((row, place, 1.0) for row, (position, place) in places if position == edge.position)


def _summed(source: Node, target: Node) -> Slopes:
    places = list(range(math.prod(source.shape)))
    rows = groups(places, source.shape, target.params["axis"]) if source.shape else [places]
    return ((row, column, 1.0) for row, group in enumerate(rows) for column in group)


def _multiplied(graph: Graph, edge: Edge) -> Slopes:
    """An element of a matrix product is a row times a column: by each element of one, its derivative is the other's."""
    a, b = operands(graph, edge.target)
    (n, k), m = a.shape[-2:], b.shape[-1]
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    places = [broadcast(list(range(math.prod(x.shape))), x.shape, (*batch, *x.shape[-2:])) for x in (a, b)]
    own, other = places[edge.position], places[1 - edge.position]
    factors = flat_of((a, b)[1 - edge.position].data)
    for row in range(math.prod(batch) * n * m):
        block, i, j = row // (n * m), row % (n * m) // m, row % m
        for inner in range(k):
            pair = block * n * k + i * k + inner, block * k * m + inner * m + j
            slope = factors[other[pair[1 - edge.position]]]
            if slope != 0:
                yield row, own[pair[edge.position]], slope


def _differentiated(graph: Graph, edge: Edge) -> Slopes:
    local, width = local_derivative(graph, edge), math.prod(graph[edge.source].shape)
    if local.kind == "number":
        yield 0, 0, local.data
    elif local.kind == "elementwise":
        columns = broadcast(list(range(width)), graph[edge.source].shape, graph[edge.target].shape)
        yield from ((row, column, slope) for row, (column, slope) in enumerate(zip(columns, local.data.flat, strict=True)))
    else:
        matrix = (graph.jacobian(edge) if local.data is None else local.data).flat
        yield from ((entry // width, entry % width, slope) for entry, slope in enumerate(matrix) if slope != 0)
