"""A graph as a function again: its primitives, in their order, on other values of its leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.evaluation import evaluated
from micrograd_sm.primitives import PRIMITIVES


def inputs_of(graph: Graph) -> list[Node]:
    """Return the leaves of a graph that require a gradient."""
    return [node for node in graph.unfold() if node.kind == "leaf" and node.requires_grad]


def replay(graph: Graph, inputs: Iterable[Node]) -> Callable[..., Value]:
    """Return the function that computes a graph's root from other values of `inputs`; all other leaves stay as they are.

    It calls the primitives of this very graph: conditions of `where` and positions of an index are those that were
    chosen. check_against_torch gives it F, whose `operations` and `tensor` compute here or on torch.
    """
    opened, places = graph.unfold(), [node.id for node in inputs]

    def function(*values: Any, F: Any = None) -> Any:
        operations, constant = (F.operations, F.tensor) if F else (PRIMITIVES, _constant)
        known: dict[str, Any] = dict(zip(places, values, strict=True))
        for node in opened:
            if node.op is None and node.id not in known:
                known[node.id] = constant(node.data)
        return evaluated(opened, known, operations)[opened.root]

    return function


def _constant(data: Any) -> Value:
    return Value(data, requires_grad=False)
