"""The wrong predictions that the usual slips lead to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from micrograd_sm.array import flat_of, shape_of
from micrograd_sm.graph import Graph
from micrograd_sm.steps.parts import Contribution


def asked_for(contribution: Contribution) -> int:
    """Return the index, in row-major order, of the element that the page asks for: the first of the largest."""
    sizes = [abs(x) if x == x else math.inf for x in flat_of(contribution.amount)]
    return sizes.index(max(sizes)) if sizes else 0


def slips_of(graph: Graph, contribution: Contribution, others: Sequence[Contribution], upstream: Any) -> dict[str, float]:
    """Return the wrong amounts of the usual slips, by slip: the "upstream" or "local" factor forgotten, or the derivative
    by the other "operand" taken. `others` are all contributions of the same operation.

    A wrong sign and an overwritten total follow from the right amount, and need no entry. An empty array has no slips.
    """
    index, shape = asked_for(contribution), contribution.operand.shape
    if 0 in shape:
        return {}
    slips = {
        "upstream": _local_at(contribution, index),
        "local": _at(upstream, shape, index),
        "operand": _by_other(graph, contribution, others, upstream, index),
    }
    return {slip: float(amount) for slip, amount in slips.items() if amount is not None and math.isfinite(amount)}


def _at(data: Any, shape: tuple[int, ...], index: int) -> Any:
    """Return an element of an array, or the number if it is one for all; None if the array has another shape."""
    if shape_of(data):
        return data.flat[index] if data.shape == shape else None
    return data


def _local_at(contribution: Contribution, index: int) -> Any:
    """Return the contribution to an element if the upstream gradient were all ones."""
    kind, data = contribution.local
    shape = contribution.operand.shape
    if kind == "jacobian":
        return sum(flat_of(data)[index :: math.prod(shape)])
    return None if kind == "large" else _at(data, shape, index)


def _by_other(graph: Graph, contribution: Contribution, others: Sequence[Contribution], upstream: Any, index: int) -> Any:
    """Return the contribution by the derivative of the other operand, which for a product is this operand itself."""
    node, operand = graph[contribution.edge.target], contribution.operand
    if len(graph.operand_edges(node.id)) != 2:
        return None
    if node.op == "multiply":
        own, g = _at(operand.data, operand.shape, index), _at(upstream, operand.shape, index)
        return None if g is None else own * g
    amounts = [other.amount for other in others if other.edge.position != contribution.edge.position]
    return _at(amounts[0], operand.shape, index) if amounts else None
