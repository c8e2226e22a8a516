"""What a graph says without naming it: softmax and log_softmax found by their structure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from micrograd_sm.graph import Graph, Node

_MOVES = {"reshape", "expand"}  # what may stand between a sum and its use


class Normalised(NamedTuple):
    """A softmax or log_softmax: the nodes on its way from `input` to `out`, by id, and the axes it normalises over.

    `shifted` is the input less its maximum, or the input itself; `exp` and `sum` are the two halves of the normaliser.
    """

    kind: str
    input: str
    shifted: str
    exp: str
    sum: str
    out: str
    axis: tuple[int, ...]


def operands(graph: Graph, node: Node | str) -> list[Node]:
    """Return the operands of a node, in order."""
    return [graph[edge.source] for edge in graph.operand_edges(node if isinstance(node, str) else node.id)]


def normalised(graph: Graph) -> Iterator[Normalised]:
    """Yield every softmax and log_softmax of an open graph, in the order of their results."""
    for node in graph:
        if node.op == "divide":
            found = _softmax(graph, node)
        elif node.op == "subtract":
            found = _log_softmax(graph, node)
        else:
            continue
        if found:
            yield found


def _softmax(graph: Graph, out: Node) -> Normalised | None:
    top, bottom = operands(graph, out)
    total = _before_moves(graph, bottom)
    if top.op != "exp" or total.op != "sum":
        return None
    (summed,), (shifted,) = operands(graph, total), operands(graph, top)
    if summed.op != "exp" or operands(graph, summed)[0].id != shifted.id:
        return None
    return _found("softmax", graph, shifted, summed, total, out)


def _log_softmax(graph: Graph, out: Node) -> Normalised | None:
    shifted, taken = operands(graph, out)
    log = _before_moves(graph, taken)
    total = _before_moves(graph, operands(graph, log)[0]) if log.op == "log" else log
    if log.op != "log" or total.op != "sum":
        return None
    (summed,) = operands(graph, total)
    if summed.op != "exp" or operands(graph, summed)[0].id != shifted.id:
        return None
    return _found("log_softmax", graph, shifted, summed, total, out)


def _found(kind: str, graph: Graph, shifted: Node, exp: Node, total: Node, out: Node) -> Normalised:
    return Normalised(kind, unshifted(graph, shifted).id, shifted.id, exp.id, total.id, out.id, total.params["axis"])


def unshifted(graph: Graph, node: Node) -> Node:
    """Return x of a node that is x - max(x), else the node."""
    if node.op == "subtract":
        x, shift = operands(graph, node)
        top = _before_moves(graph, shift)
        if top.op == "max" and operands(graph, top)[0].id == x.id:
            return x
    return node


def _before_moves(graph: Graph, node: Node) -> Node:
    while node.op in _MOVES:
        node = operands(graph, node)[0]
    return node
