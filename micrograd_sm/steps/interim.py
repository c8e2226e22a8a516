"""What record.py needs of the graph until the graph itself has it; goes away with that."""

from __future__ import annotations

from typing import Any, NamedTuple

from micrograd_sm.array import Array
from micrograd_sm.primitives import PRIMITIVES


class Local(NamedTuple):
    """A local derivative."""

    kind: str
    data: Any


def local_derivative(graph: Any, edge: Any) -> Local:
    """Return the derivative of a number by a number; no other is known here."""
    node = graph[edge.target]
    operands = [graph[one.source].data for one in graph.operand_edges(node.id)]
    if node.shape or graph[edge.source].shape:
        return Local("large", None)
    rules = list(zip(PRIMITIVES[node.op].gradient, operands))
    return Local("number", rules[edge.position][0](1.0, node.data, *operands, **node.params))


def reachable(loss: Any) -> list[Any]:
    """Return the loss and all that it was computed from, in creation order."""
    found, values = {id(loss)}, [loss]
    for value in values:
        for parent in value.parents:
            if id(parent) not in found:
                found.add(id(parent))
                values.append(parent)
    return sorted(values, key=lambda value: value.number)


def snapshot(data: Any) -> Any:
    """Return numbers that nobody can change."""
    if data is None or type(data) in (float, int, bool, Array):
        return data
    plain = data.tolist()
    return Array(plain) if isinstance(plain, list) else plain


def with_gradients(graph: Any, gradients: Any) -> Any:
    """Return the graph with other gradients."""
    other = object.__new__(type(graph))
    for field in type(graph).__slots__:
        object.__setattr__(other, field, getattr(graph, field))
    nodes = tuple(node._replace(grad=gradients.get(node.id)) for node in graph.nodes)
    object.__setattr__(other, "nodes", nodes)
    return other
