"""A graph as a function again: its primitives, in their order, on other values of its leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from operator import add, mul, neg, sub, truediv
from typing import Any

from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.evaluation import evaluated
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.study.trust.on_torch import There


def inputs_of(graph: Graph) -> list[Node]:
    """Return the leaves of a graph that require a gradient.

    >>> [node.data for node in inputs_of(Graph(Value(2.0) * 3.0))]
    [2.0]
    """
    return [node for node in graph.unfold() if node.kind == "leaf" and node.requires_grad]


def replay(graph: Graph, inputs: Iterable[Node]) -> Callable[..., Value]:
    """Return the function that computes a graph's root from other values of `inputs`; all other leaves stay as they are.

    It calls the primitives of this very graph: conditions of `where` and positions of an index are those that were
    chosen. For check_against_torch it has an argument F, and computes on torch where that is torch's.

    >>> x = Value(2.0, name="x")
    >>> graph = Graph(x * x)
    >>> replay(graph, inputs_of(graph))(Value(3.0))
    Value(9., op=multiply)
    """
    opened, places = graph.unfold(), [node.id for node in inputs]

    def function(*values: Any, F: Any = None) -> Any:
        on_torch = isinstance(F, There)
        operations = _torch_operations(F.torch) if on_torch else PRIMITIVES
        known: dict[str, Any] = dict(zip(places, values, strict=True))
        for node in opened:
            if node.op is None and node.id not in known:
                known[node.id] = F.tensor(node.data) if on_torch else Value(node.data, requires_grad=False)
        return evaluated(opened, known, operations=operations)[opened.root]

    return function


def _torch_operations(torch: Any) -> dict[str, Callable]:
    """Return torch's counterpart of each primitive, with the primitive's parameters."""
    same = ("exp", "log", "log1p", "sin", "cos", "tanh", "sigmoid", "relu", "matmul")

    def positions_of(positions: Any) -> Any:
        return torch.tensor(list(positions), dtype=torch.long)

    return {
        **{name: getattr(torch, name) for name in same},
        "add": add, "subtract": sub, "multiply": mul, "divide": truediv, "negative": neg, "power": torch.pow,
        "where": lambda a, b, condition: torch.where(_tensor(torch, condition), a, b),
        "sum": lambda x, axis, keepdims: torch.sum(x, dim=axis, keepdim=keepdims) if axis else x,
        "max": lambda x, axis, keepdims: torch.amax(x, dim=axis, keepdim=keepdims) if axis else x,
        "reshape": torch.reshape,
        "permute": lambda x, order: x.permute(order),
        "expand": lambda x, shape: x.expand(shape),
        "cat": lambda *xs, axis: torch.cat(xs, dim=axis),
        "index": lambda x, positions, shape, key: x.reshape(-1)[positions_of(positions)].reshape(shape),
        "put": lambda x, positions, shape: torch.zeros(prod(shape), dtype=x.dtype).index_add(
            0, positions_of(positions), x.reshape(-1)).reshape(shape),
    }  # fmt: skip


def _tensor(torch: Any, data: Any) -> Any:
    return torch.tensor(data.tolist() if hasattr(data, "tolist") else data)
