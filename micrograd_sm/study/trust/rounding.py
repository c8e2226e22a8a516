"""How far rounding moves a number: the rounding of each operation, times the derivative of the number by its result."""

from __future__ import annotations

import math
from math import prod
from typing import Any

from micrograd_sm.array import Array, flat_of
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph
from micrograd_sm.graph.evaluation import backward_pass


def roundings(output: Value) -> list[float]:
    """Return, for each element of an output, how far the rounding of all operations may have moved it.

    To first order: half a unit in the last place of each result, times the derivative of the element by that result; 0 if
    that is not finite, or if the output has no graph.
    """
    size = prod(output.shape)
    if not output.requires_grad:
        return [0.0] * size
    graph = Graph(output, {})
    seeds = [[float(k == element) for k in range(size)] for element in range(size)]
    return [_rounding(graph, Array.of(seed, output.shape) if output.shape else 1.0) for seed in seeds]


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
