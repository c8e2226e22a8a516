"""What a graph says without naming it: softmax and log_softmax found by their structure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from micrograd_sm.array.questions import distinct
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
        if node.op in ("divide", "multiply"):
            found = _softmax(graph, node)
        elif node.op == "subtract":
            found = _log_softmax(graph, node)
        else:
            continue
        if found:
            yield found


def _softmax(graph: Graph, out: Node) -> Normalised | None:
    top, bottom = operands(graph, out)
    total = before_moves(graph, bottom) if out.op == "divide" else _inverted(graph, before_moves(graph, bottom))
    if top.op != "exp" or total.op != "sum":
        return None
    (summed,), (shifted,) = operands(graph, total), operands(graph, top)
    if summed.op != "exp" or operands(graph, summed)[0].id != shifted.id or not fits(graph, total, bottom, top):
        return None
    return _found("softmax", graph, shifted, summed, total, out)


def _inverted(graph: Graph, node: Node) -> Node:
    """Return x of 1 / x or x ** -1, else the node."""
    if node.op in ("divide", "power"):
        one, x = operands(graph, node) if node.op == "divide" else reversed(operands(graph, node))
        if one.kind == "constant" and distinct(one.data) == {1.0 if node.op == "divide" else -1.0}:
            return before_moves(graph, x)
    return node


def _log_softmax(graph: Graph, out: Node) -> Normalised | None:
    own, taken = operands(graph, out)
    parts = log_of_sum(graph, before_moves(graph, taken))
    if parts is None:
        return None
    total, shift = parts
    (summed,) = operands(graph, total)
    if summed.op != "exp" or not fits(graph, total, taken, own):
        return None
    shifted = operands(graph, summed)[0]
    if shift is not None and not _is_less(graph, shifted, own, shift):
        return None
    if shift is None and shifted.id != own.id:
        return None
    return _found("log_softmax", graph, shifted, summed, total, out)


def log_of_sum(graph: Graph, node: Node) -> tuple[Node, Node | None] | None:
    """Return the sum of which the node is the logarithm, and the shift that was added to it again, if any."""
    shift = None
    if node.op == "add":
        halves = operands(graph, node)
        logs = [k for k in (0, 1) if before_moves(graph, halves[k]).op == "log"]
        if not logs:
            return None
        node, shift = before_moves(graph, halves[logs[0]]), halves[1 - logs[0]]
    if node.op != "log":
        return None
    total = before_moves(graph, operands(graph, node)[0])
    return (total, shift) if total.op == "sum" else None


def _is_less(graph: Graph, shifted: Node, x: Node, shift: Node) -> bool:
    """Whether a node is x less the shift."""
    if shifted.op != "subtract":
        return False
    first, second = operands(graph, shifted)
    return first.id == x.id and before_moves(graph, second).id == before_moves(graph, shift).id


def fits(graph: Graph, reduced: Node, used: Node, beside: Node) -> bool:
    """Whether what was reduced over an axis stands, where it is used, beside the elements that it was made of."""
    axis, shape = reduced.params["axis"], operands(graph, reduced)[0].shape
    if shape != beside.shape:
        return True  # elements of a result, which nothing is known about
    kept = tuple(1 if k in axis else size for k, size in enumerate(shape))
    given = (1,) * (len(shape) - len(used.shape)) + used.shape
    return given in (kept, shape)


def _found(kind: str, graph: Graph, shifted: Node, exp: Node, total: Node, out: Node) -> Normalised:
    return Normalised(kind, unshifted(graph, shifted).id, shifted.id, exp.id, total.id, out.id, total.params["axis"])


def unshifted(graph: Graph, node: Node) -> Node:
    """Return x of a node that is x - max(x), else the node."""
    if node.op == "subtract":
        x, shift = operands(graph, node)
        top = before_moves(graph, shift)
        if top.op == "where":  # logsumexp takes 0 in place of an infinite maximum
            top = before_moves(graph, next((y for y in operands(graph, top) if y.kind != "constant"), top))
        if top.op == "max" and operands(graph, top)[0].id == x.id and fits(graph, top, shift, x):
            return x
    return node


def before_moves(graph: Graph, node: Node) -> Node:
    while node.op in _MOVES:
        node = operands(graph, node)[0]
    return node
