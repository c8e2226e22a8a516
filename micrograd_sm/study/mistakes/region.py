"""The part of a graph between one value and the gradients that are given after it, and the gradient that comes through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from micrograd_sm.array import Array, flat_of, shape_of
from micrograd_sm.graph import Edge, Graph, Node
from micrograd_sm.primitives import PRIMITIVES, unbroadcast

Change = Callable[["Step"], Any]  # of one step of a backward pass: another contribution


class Step(NamedTuple):
    """One contribution of a backward pass: its edge and node, the upstream gradient, the operands, and what the rule says."""

    edge: Edge
    node: Node
    g: Any
    out: Any
    operands: tuple[Any, ...]

    @property
    def x(self) -> Any:
        """The operand that the contribution is for."""
        return self.operands[self.edge.position]

    @property
    def other(self) -> Any:
        """The other operand of two, or the only one."""
        return self.operands[1 - self.edge.position] if len(self.operands) == 2 else self.x

    def wide(self, g: Any = None) -> Any:
        """Return the contribution before it is summed over the dimensions along which the operand was repeated."""
        primitive, g = PRIMITIVES[self.node.op or ""], self.g if g is None else g
        if primitive.variadic:
            return primitive.gradient(self.edge.position, g, self.out, *self.operands, **self.node.params)
        return primitive.gradient[self.edge.position](g, self.out, *self.operands, **self.node.params)

    def amount(self, g: Any = None) -> Any:
        """Return the contribution, in the shape of the operand."""
        return self.narrow(self.wide(g))

    def narrow(self, wide: Any) -> Any:
        """Sum over the dimensions along which the operand was repeated, where the operation repeats."""
        shape = shape_of(self.x)
        return unbroadcast(wide, shape) if PRIMITIVES[self.node.op or ""].broadcasts and shape_of(wide) != shape else wide


class Region(NamedTuple):
    """A value, the edges between it and the gradients given after it, and those gradients by id.

    `data` are the values of all nodes by id.
    """

    graph: Graph
    data: Mapping[str, Any]
    id: str
    given: Mapping[str, Any]
    edges: tuple[Edge, ...]

    def pull(self, changed: Mapping[Edge, Change | None] | None = None, given: Mapping[str, Any] | None = None) -> Any:
        """Return the gradient of the value; `changed` has other rules for some edges, None for one that is left out."""
        return self.gradients(changed, given).get(self.id)

    def gradients(
        self, changed: Mapping[Edge, Change | None] | None = None, given: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the gradient of each node of the region, by id; what is `given` stays as it is."""
        given = self.given if given is None else given
        gradients = dict(given)
        for edge in self.edges:
            change = (changed or {}).get(edge, Step.amount)
            if edge.target not in gradients or change is None or edge.source in given:
                continue
            amount = change(self.step(edge, gradients[edge.target]))
            before = gradients.get(edge.source)
            gradients[edge.source] = amount if before is None else before + amount
        return gradients

    def step(self, edge: Edge, g: Any) -> Step:
        node = self.graph[edge.target]
        operands = tuple(self.data[x.source] for x in self.graph.operand_edges(node.id))
        return Step(edge, node, g, self.data[node.id], operands)


def region_of(graph: Graph, data: Mapping[str, Any], id: str, gradients: Mapping[str, Any], named: Mapping[str, Any]) -> Region:
    """Return the region of a node: back from it to the nodes in `named`, whose gradients, as all others, are in `gradients`."""
    between = {id}
    edges: list[Edge] = []
    for edge in graph.edges:
        if edge.source in between and edge.target in gradients and graph[edge.source].requires_grad:
            edges.append(edge)
            if edge.target not in named:
                between.add(edge.target)
    ends = {edge.target for edge in edges} - between
    given = {end: gradients[end] for end in ends}
    if graph.root in between:
        given[graph.root] = gradients[graph.root]
    order = {node.id: place for place, node in enumerate(graph)}
    edges.sort(key=lambda edge: (-order[edge.target], edge.position))
    return Region(graph, data, id, given, tuple(edges))


def largest(x: Any) -> float:
    """Return the largest absolute value, 0 of nothing."""
    return max(map(abs, flat_of(x)), default=0.0)


def as_array(x: Any) -> Any:
    """Return what holds numbers as a number or an Array of floats; any class that has `tolist` may hold them."""
    x = getattr(x, "data", x) if type(x).__name__ == "Value" else x
    if hasattr(x, "detach"):
        x = x.detach()
    x = x.tolist() if hasattr(x, "tolist") else x
    if isinstance(x, (int, float)):
        return float(x)
    made = Array(x)
    return Array.of(list(map(float, flat_of(made))), made.shape)
