"""How far rounding moves a number: each operation's own rounding, times the derivative of the number by its result."""

from __future__ import annotations

import math
from math import prod
from typing import Any

from micrograd_sm.array import Array, flat_of
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph
from micrograd_sm.graph.evaluation import backward_pass


def roundings(output: Value) -> list[float]:
    """Return, for each element of an output, by how much the rounding of all operations may have moved it.

    To first order: half a unit in the last place of each result, times the derivative of the element by that result. 0
    where that is not finite, and for an output without a graph.

    >>> x = Value(1e8)
    >>> [round(size, 9) for size in roundings((x + 1.0) - x)]
    [7e-09]
    """
    size = prod(output.shape)
    if not output.requires_grad:
        return [0.0] * size
    graph = Graph(output, {})
    ones = [[float(k == place) for k in range(size)] for place in range(size)]
    return [_rounding(graph, Array.of(one, output.shape) if output.shape else 1.0) for one in ones]


def _rounding(graph: Graph, seed: Any) -> float:
    gradients = backward_pass(graph, seed).gradients
    total = math.fsum(
        abs(upstream) * math.ulp(number) / 2.0
        for node in graph
        if node.op is not None and node.id in gradients
        for number, upstream in zip(flat_of(node.data), flat_of(gradients[node.id]), strict=True)
        if math.isfinite(number) and math.isfinite(upstream)
    )
    return total if math.isfinite(total) else 0.0
