"""Local derivatives, computed from the numbers in a Graph by the gradient rules with chosen upstream gradients.

An elementwise operation takes one pass, with ones upstream. An operation that mixes elements, such as a sum, takes a pass
for each element of its output: a one-hot upstream gradient gives a row of the Jacobian.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_sm.array import Array, flat_of, is_foreign, namespace, shape_of
from micrograd_sm.array.storage import is_lazy, ones_like
from micrograd_sm.array.strides import broadcast
from micrograd_sm.array.summary import Summary, array_of
from micrograd_sm.graph.evaluation import array_in, beside, pull_back
from micrograd_sm.graph.parts import Edge
from micrograd_sm.graph.snapshot import snapshot
from micrograd_sm.primitives import PRIMITIVES

if TYPE_CHECKING:
    from micrograd_sm.graph.core import Graph

SMALL_JACOBIAN = 64  # entries up to which a Jacobian is something to look at
LARGEST_JACOBIAN = 1_000_000  # entries up to which one is computed


class Local(NamedTuple):
    """The derivative of a node with respect to one operand, as a reader can look at it.

    `kind` says what `data` is: "number", a float; "elementwise", an Array of the output's shape, with the derivative of each
    element by the operand's element that it depends on; "jacobian", a matrix with a row for each element of the output and a
    column for each of the operand, at most 64 entries; "large", None, since there would be more. An elementwise one is a
    Summary if the output is, and None if that is not computed.

    >>> from micrograd_sm import Graph, Value
    >>> graph = Graph(Value(2.0) * 3.0)
    >>> local_derivative(graph, graph.edges[0])
    Local(kind='number', data=3.0)
    """

    kind: str
    data: Any


def local_derivative(graph: Graph, edge: Edge) -> Local:
    """Return the derivative of an edge's target with respect to its source, the target's other operands held fixed.

    In `x * x` each of the two edges has its own derivative. Raises ValueError for an edge that the graph does not have.

    >>> from micrograd_sm import Graph, Value
    >>> graph = Graph(Value([1.0, 2.0]).sum())
    >>> local_derivative(graph, graph.edges[0])
    Local(kind='jacobian', data=Array([[1.0, 1.0]]))
    """
    operation = _Operation(graph, edge)
    if operation.large is not None and is_lazy(operation.large):
        return Local("elementwise" if operation.elementwise else "large", None)
    if operation.elementwise:
        return Local("elementwise" if operation.out_shape else "number", operation.elementwise_derivative())
    if operation.entries > SMALL_JACOBIAN:
        return Local("large", None)
    matrix = operation.matrix()
    if not operation.out_shape and not operation.operand_shape:
        return Local("number", matrix[0])
    return Local("jacobian", Array.of(matrix, (operation.rows, operation.columns)))


def jacobian(graph: Graph, edge: Edge) -> Any:
    """Return the Jacobian of an edge, as `Graph.jacobian` does.

    If numbers are infinite, an entry that is 0 can be nan where elements are mixed, as in torch: 0 times infinity is nan.
    """
    operation = _Operation(graph, edge)
    if operation.entries > LARGEST_JACOBIAN:
        entries = f"{operation.rows} x {operation.columns} = {operation.entries:,} entries"
        raise ValueError(f"jacobian: {entries} for {edge}; at most {LARGEST_JACOBIAN:,} are computed")
    return Array.of(operation.matrix(), operation.out_shape + operation.operand_shape)


class _Operation:
    """The nodes from an edge's operand to its target: one node, or the inside of a folded scope."""

    def __init__(self, graph: Graph, edge: Edge) -> None:
        if not isinstance(edge, Edge) or edge not in graph._operand_edges.get(edge.target, ()):
            raise ValueError(f"expected one of the edges of {graph!r}, got {edge!r}")
        self.out, self.operand = graph[edge.target], graph[edge.source]
        self.graph = graph.unfold() if self.out.folded else graph
        self.out_shape, self.operand_shape = self.out.shape, self.operand.shape
        self.rows, self.columns = prod(self.out_shape), prod(self.operand_shape)
        self.entries = self.rows * self.columns
        self.edges, self.path = {edge}, [self.out]
        if self.out.folded:
            self.edges = self._edges_from(edge)
            targets = {edge.target for edge in self.edges}
            self.path = [self.graph[id] for id in reversed(self.out.folded) if id in targets]
        self.around = [self.graph[edge.source] for node in self.path for edge in self.graph.operand_edges(node.id)] + self.path
        self.large = next((node.data.array for node in self.around if type(node.data) is Summary), None)
        self.elementwise = all(
            PRIMITIVES[node.op or ""].kind == "elementwise" and node.shape == self.out_shape for node in self.path
        )

    def _edges_from(self, edge: Edge) -> set[Edge]:
        """Return the edges inside the folded scope that lie on a way from the operand."""
        depend, edges = {edge.source}, set()
        for id in self.out.folded:
            if found := {inner for inner in self.graph.operand_edges(id) if inner.source in depend}:
                depend.add(id)
                edges |= found
        return edges

    def elementwise_derivative(self) -> Any:
        """Pull ones back to the operand, broadcast to the output's shape first so that nothing is summed."""
        operand = self.operand.data if self.large is None else beside(self.operand.data, self.large)
        pulled = self._pulled_back(ones_like(array_of(self.out.data)), _filled(operand, self.out_shape))
        return snapshot(_filled(pulled, self.out_shape))

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
            upstream = Array.of([float(k == row) for k in range(self.rows)], self.out_shape)
            pulled = _filled(self._pulled_back(upstream, self.operand.data), self.operand_shape)
            rows += flat_of(snapshot(pulled))
        return rows

    def _pulled_back(self, upstream: Any, operand: Any) -> Any:
        """Return the gradient of the operand, if it has these numbers, from the upstream gradient of the target."""
        values, large = None, self.large
        if operand is not self.operand.data or large is not None:
            values = {node.id: node.data if large is None else array_in(node, large) for node in self.around}
            values[self.operand.id] = operand if large is None else beside(operand, large)
        gradients = {self.out.id: upstream if large is None else beside(upstream, large)}
        for _ in pull_back(self.graph, self.path, gradients, values, self.edges.__contains__):
            pass
        return gradients[self.operand.id]


def _filled(x: Any, shape: tuple[int, ...]) -> Any:
    """Return x repeated to fill a shape that it broadcasts to."""
    if shape_of(x) == shape:
        return x
    if is_foreign(x):
        return namespace(x).broadcast_to(x, shape)
    return Array.of(broadcast(flat_of(x), shape_of(x), shape), shape)
