"""Local derivatives, from the numbers that a Graph keeps: the gradient rules applied to chosen upstream gradients.

An elementwise operation needs one pass over its rule, with ones upstream. One that mixes elements, such as a sum or a
matrix product, needs a pass for each element of its output: each one-hot upstream gradient gives a row of the Jacobian.
A folded scope is differentiated by a small reverse pass over the nodes inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_sm.array import Array, flat_of, shape_of
from micrograd_sm.array.strides import broadcast
from micrograd_sm.graph.parts import Edge, Node
from micrograd_sm.primitives import ELEMENTWISE, PRIMITIVES, unbroadcast

if TYPE_CHECKING:
    from micrograd_sm.graph.core import Graph

SMALL_JACOBIAN = 64  # entries up to which a Jacobian is something to look at
LARGEST_JACOBIAN = 1_000_000  # entries up to which one is computed


class Local(NamedTuple):
    """The derivative of a node with respect to one operand, as a reader can look at it.

    `kind` says what `data` is: "number", a float; "elementwise", an Array of the output's shape, for each element of the
    output the derivative with respect to the operand's element that it is made of; "jacobian", an Array (elements of the
    output, elements of the operand), of at most 64 entries; "large", None, since there would be more.

    >>> from micrograd_sm import Graph, Value
    >>> graph = Graph(Value(2.0) * 3.0)
    >>> local_derivative(graph, graph.edges[0])
    Local(kind='number', data=3.0)
    """

    kind: str
    data: Any


def local_derivative(graph: Graph, edge: Edge) -> Local:
    """Return the derivative of an edge's target with respect to its source, the target's other operands held fixed.

    It is computed from the graph's own numbers, also for folded scopes. An operand that a primitive takes twice, `x * x`,
    has two edges and a derivative for each. Raises ValueError for an edge that the graph does not have.

    >>> from micrograd_sm import Graph, Value
    >>> graph = Graph(Value([1.0, 2.0]).sum())
    >>> local_derivative(graph, graph.edges[0])
    Local(kind='jacobian', data=Array([[1.0, 1.0]]))
    """
    operation = _Operation(graph, edge)
    if operation.elementwise:
        data = operation.elementwise_derivative()
        return Local("elementwise" if operation.out_shape else "number", data)
    if operation.entries > SMALL_JACOBIAN:
        return Local("large", None)
    matrix = operation.matrix()
    if not operation.out_shape and not operation.operand_shape:
        return Local("number", matrix[0])
    return Local("jacobian", Array.of(matrix, (operation.rows, operation.columns)))


def jacobian(graph: Graph, edge: Edge) -> Any:
    """Return the derivative of an edge's target with respect to its source, of shape target.shape + source.shape.

    Raises ValueError for an edge that the graph does not have, and for more than a million entries. Where numbers are
    infinite, products that mix elements can give nan for an entry that is 0, as torch's do: 0 times infinity is nan.

    >>> from micrograd_sm import Graph, Value
    >>> graph = Graph(Value([2.0, 3.0]).exp())
    >>> [[round(entry, 2) for entry in row] for row in jacobian(graph, graph.edges[0]).tolist()]
    [[7.39, 0.0], [0.0, 20.09]]
    """
    operation = _Operation(graph, edge)
    if operation.entries > LARGEST_JACOBIAN:
        raise ValueError(
            f"jacobian: {operation.rows} x {operation.columns} = {operation.entries:,} entries for {edge}; at most "
            f"{LARGEST_JACOBIAN:,} are computed"
        )
    return Array.of(operation.matrix(), operation.out_shape + operation.operand_shape)


class _Operation:
    """The nodes from an edge's operand to its target: one node, or the inside of a folded scope."""

    def __init__(self, graph: Graph, edge: Edge) -> None:
        if not isinstance(edge, Edge) or edge not in graph._operand_edges.get(edge.target, ()):
            raise ValueError(f"expected one of the edges of {graph!r}, got {edge!r}")
        out, self.operand = graph[edge.target], graph[edge.source]
        self.graph = graph.unfold() if out.folded else graph
        self.out_shape, self.operand_shape = out.shape, self.operand.shape
        self.rows, self.columns = prod(self.out_shape), prod(self.operand_shape)
        self.entries = self.rows * self.columns
        self.path = list(self._path(out, edge))
        self.elementwise = all(node.op in ELEMENTWISE and node.shape == out.shape for node, _ in self.path)

    def _path(self, out: Node, edge: Edge) -> Iterator[tuple[Node, tuple[Edge, ...]]]:
        """Yield the nodes that depend on the operand, last first, with the edges through which they do."""
        if not out.folded:
            yield out, (edge,)
            return
        depend = {edge.source}
        found = []
        for id in out.folded:
            edges = tuple(inner for inner in self.graph.operand_edges(id) if inner.source in depend)
            if edges:
                depend.add(id)
                found.append((self.graph[id], edges))
        yield from reversed(found)

    def elementwise_derivative(self) -> Any:
        ones = Array.of([1.0] * self.rows, self.out_shape)
        derivative = self._pulled_back(ones, lambda contribution, shape: contribution)
        return _filled(derivative, self.out_shape)

    def matrix(self) -> list[float]:
        """Return the entries of the Jacobian, row after row."""
        if self.elementwise:  # no zeros are multiplied, so an infinite element leaves its neighbours alone
            entries = [0.0] * self.entries
            columns = broadcast(list(range(self.columns)), self.operand_shape, self.out_shape)
            for row, (column, slope) in enumerate(zip(columns, flat_of(self.elementwise_derivative()), strict=True)):
                entries[row * self.columns + column] = slope
            return entries
        rows = []
        for row in range(self.rows):
            one_hot = [0.0] * self.rows
            one_hot[row] = 1.0
            rows += flat_of(_filled(self._pulled_back(Array.of(one_hot, self.out_shape), unbroadcast), self.operand_shape))
        return rows

    def _pulled_back(self, upstream: Any, at_operand: Callable[[Any, tuple[int, ...]], Any]) -> Any:
        """Return the upstream gradient of the target carried back to the operand, where `at_operand` fits its shape."""
        totals = {self.path[0][0].id: upstream}
        for node, edges in self.path:
            g = totals.pop(node.id)
            primitive = PRIMITIVES[node.op or ""]
            operands = [self.graph[edge.source].data for edge in self.graph.operand_edges(node.id)]
            for edge in edges:
                rule = next(islice(primitive.gradient, edge.position, None))
                contribution = rule(g, node.data, *operands, **node.params)
                if primitive.broadcasts:
                    fit = at_operand if edge.source == self.operand.id else unbroadcast
                    contribution = fit(contribution, self.graph[edge.source].shape)
                before = totals.get(edge.source)
                totals[edge.source] = contribution if before is None else before + contribution
        return totals[self.operand.id]


def _filled(x: Any, shape: tuple[int, ...]) -> Any:
    """Return x repeated to fill a shape that it broadcasts to."""
    return x if shape_of(x) == shape else Array.of(broadcast(flat_of(x), shape_of(x), shape), shape)
