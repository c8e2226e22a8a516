"""Evaluating a Graph, and pulling a gradient back through it, with any arithmetic: numbers, Values, decimals, source code.

Conditions of `where` and positions of an index stay as they are in the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_sm.array import Array
from micrograd_sm.graph.parts import Edge, Node
from micrograd_sm.primitives import PRIMITIVES

if TYPE_CHECKING:
    from micrograd_sm.graph.core import Graph


Recipe = tuple[str, Callable, tuple[str, ...], Mapping[str, Any]]  # a node's id, and its operation, operands and parameters


class Heard(NamedTuple):
    """One contribution of a backward pass: its amount, and the operand's gradient before (None at first) and after it."""

    edge: Edge
    amount: Any
    before: Any
    after: Any


class Pass(NamedTuple):
    """One backward pass: the gradient of each node that it reached, by id, and every contribution in order."""

    gradients: Mapping[str, Any]
    heard: tuple[Heard, ...]


def recipes(graph: Graph, operations: Mapping[str, Callable] = PRIMITIVES) -> dict[str, Recipe]:
    """Return the recipe of each node of an open graph that is not a leaf, by id, in creation order."""
    return {
        node.id: (node.id, operations[node.op], tuple(edge.source for edge in graph.operand_edges(node.id)), node.params)
        for node in graph
        if node.op is not None
    }


def compute(values: dict[str, Any], todo: Iterable[Recipe]) -> None:
    """Add the values of these nodes to `values`, by id."""
    for id, operation, operands, params in todo:
        values[id] = operation(*[values[operand] for operand in operands], **params)


def evaluated(graph: Graph, known: Mapping[str, Any], operations: Mapping[str, Callable] = PRIMITIVES) -> dict[str, Any]:
    """Return the values of an open graph's nodes, by id. The values of its leaves are known."""
    values = dict(known)
    compute(values, (recipe for id, recipe in recipes(graph, operations).items() if id not in known))
    return values


def backward_pass(
    graph: Graph,
    upstream: Any = None,
    values: Mapping[str, Any] | None = None,
    total: Callable[[Node, Any, Any], Any] | None = None,
) -> Pass:
    """Return the backward pass of a graph, unfolded, from its root: the rules, the order and the bits of `Value.backward`.

    `upstream` is the gradient of the root, ones by default; `values` and `total` are those of `pull_back`.
    """
    graph = graph.unfold()
    root = graph[graph.root]
    if not root.requires_grad:
        return Pass({}, ())
    seed = Array.of([1.0] * prod(root.shape), root.shape) if upstream is None else upstream
    gradients = {root.id: total(root, None, seed) if total else seed}
    heard = pull_back(graph, reversed(graph.nodes), gradients, values, lambda edge: graph[edge.source].requires_grad, total)
    return Pass(gradients, tuple(heard))


def pull_back(
    graph: Graph,
    nodes: Iterable[Node],
    gradients: dict[str, Any],
    values: Mapping[str, Any] | None,
    follows: Callable[[Edge], bool],
    total: Callable[[Node, Any, Any], Any] | None = None,
) -> Iterator[Heard]:
    """Yield each contribution that `nodes`, last first, pass on, after adding it to `gradients`.

    A gradient flows along the edges for which `follows` is true. `values` are those of the nodes by id, by default the graph's
    own. `total(operand, before, contribution)` is the new gradient of the operand; `before` is None at first.
    """
    for node in nodes:
        if node.op is None or node.id not in gradients:
            continue
        edges = graph.operand_edges(node.id)
        operands = [graph[edge.source].data if values is None else values[edge.source] for edge in edges]
        out = node.data if values is None else values[node.id]
        wanted = [follows(edge) for edge in edges]
        for position, contribution in PRIMITIVES[node.op].contributions(gradients[node.id], out, operands, node.params, wanted):
            edge = edges[position]
            before = gradients.get(edge.source)
            if total:
                after = total(graph[edge.source], before, contribution)
            else:
                after = contribution if before is None else before + contribution
            gradients[edge.source] = after
            yield Heard(edge, contribution, before, after)


def dependents(graph: Graph, id: str) -> list[str]:
    """Return the ids of a node and of all nodes that depend on it, in creation order."""
    found = {graph[id].id: None}
    for edge in graph.edges:
        if edge.source in found:
            found[edge.target] = None
    return list(found)
