"""Evaluating a Graph, and pulling a gradient back through it, with any arithmetic: numbers, Values, decimals, source code.

Conditions of `where` and positions of an index stay as they are in the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_sm.array import is_foreign, namespace
from micrograd_sm.array.storage import ones_like
from micrograd_sm.array.summary import Summary, array_of
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
        node.id: (node.id, operations[node.op], tuple(edge.source for edge in graph.operand_edges(node.id)), whole_params(node))
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

    `upstream` is the gradient of the root, ones by default; `values` and `total` are those of `pull_back`. If the graph
    summarises arrays, their library computes the pass, with all other numbers as its arrays, too.
    """
    graph = graph.unfold()
    root = graph[graph.root]
    if not root.requires_grad:
        return Pass({}, ())
    seed = ones_like(array_of(root.data)) if upstream is None else upstream
    if values is None and (values := arrays_in(graph)) is not None:
        seed = beside(seed, values[root.id])
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
        params = whole_params(node)
        for position, contribution in PRIMITIVES[node.op].contributions(gradients[node.id], out, operands, params, wanted):
            edge = edges[position]
            before = gradients.get(edge.source)
            if total:
                after = total(graph[edge.source], before, contribution)
            else:
                after = contribution if before is None else before + contribution
            gradients[edge.source] = after
            yield Heard(edge, contribution, before, after)


def arrays_in(graph: Graph) -> dict[str, Any] | None:
    """Return the numbers of all nodes, by id, as arrays of the library whose arrays a graph summarises; None if it has none."""
    large = next((node.data.array for node in graph if type(node.data) is Summary), None)
    return None if large is None else {node.id: array_in(node, large) for node in graph}


def array_in(node: Node, array: Any) -> Any:
    """Return the numbers of a node as operations take them beside another array: a number that was given stays a number."""
    return array_of(node.data) if node.op is None and not node.shape else beside(node.data, array)


def beside(x: Any, array: Any) -> Any:
    """Return numbers of a graph as an array of the library, the precision and the device of another array."""
    x = array_of(x)
    return x if is_foreign(x) else namespace(array).like(x, array)


def whole_params(node: Node) -> Mapping[str, Any]:
    """Return the parameters of a node, with the arrays themselves for those that are summarised."""
    if Summary not in map(type, node.params.values()):
        return node.params
    return {name: array_of(x) for name, x in node.params.items()}


def dependents(graph: Graph, id: str) -> list[str]:
    """Return the ids of a node and of all nodes that depend on it, in creation order."""
    found = {graph[id].id: None}
    for edge in graph.edges:
        if edge.source in found:
            found[edge.target] = None
    return list(found)
