"""What a wrong prediction would have been, had the reader slipped in one of the usual ways."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from micrograd_sm.array import Array, flat_of
from micrograd_sm.graph import Graph
from micrograd_sm.steps.parts import Contribution


def asked_for(contribution: Contribution) -> int:
    """Return which element a reader is asked for, in row-major order: of the largest contributions the first.

    >>> from micrograd_sm import Value
    >>> from micrograd_sm.steps import steps
    >>> x = Value([1.0, -3.0, 2.0])
    >>> asked_for(steps((x * x).sum())[-1].contributions[0])
    1
    """
    sizes = [abs(x) if x == x else math.inf for x in flat_of(contribution.amount)]
    return sizes.index(max(sizes)) if sizes else 0


def slips_of(graph: Graph, contribution: Contribution, others: Sequence[Contribution], upstream: Any) -> dict[str, float]:
    """Return the amounts that the usual slips would pass on, by what went wrong: "upstream" or "local" derivative forgotten,
    or the other "operand" taken. `others` are all contributions of the same operation.

    A wrong sign and an overwritten total can be told from the right amount; they need no entry. Of an empty array nothing
    can be asked.

    >>> from micrograd_sm import Value
    >>> from micrograd_sm.steps import steps
    >>> a, b = Value(2.0), Value(-3.0)
    >>> walk = steps(a * b * 10.0)
    >>> slips_of(walk.graph, walk[-1].contributions[0], walk[-1].contributions, walk[-1].upstream)
    {'upstream': -3.0, 'local': 10.0, 'operand': 20.0}
    """
    place, shape = asked_for(contribution), contribution.operand.shape
    if 0 in shape:
        return {}
    slips = {
        "upstream": _local_at(contribution, place),
        "local": _at(upstream, shape, place),
        "operand": _by_other_operand(graph, contribution, others, upstream, place),
    }
    return {slip: float(amount) for slip, amount in slips.items() if amount is not None and math.isfinite(amount)}


def _at(data: Any, shape: tuple[int, ...], place: int) -> Any:
    """Return one element of what has a shape, or is one number for all; None of what has another shape."""
    if isinstance(data, Array):
        return data.flat[place] if data.shape == shape else None
    return data


def _local_at(contribution: Contribution, place: int) -> Any:
    """Return what an upstream gradient of ones would pass on to an element."""
    kind, data = contribution.local
    shape = contribution.operand.shape
    if kind == "jacobian":
        return sum(flat_of(data)[place :: math.prod(shape)])
    return None if kind == "large" else _at(data, shape, place)


def _by_other_operand(
    graph: Graph, contribution: Contribution, others: Sequence[Contribution], upstream: Any, place: int
) -> Any:
    """Return what would be passed on by the other operand's derivative, which for a product is the operand itself."""
    node, operand = graph[contribution.edge.target], contribution.operand
    if len(graph.operand_edges(node.id)) != 2:
        return None
    if node.op == "multiply":
        own, g = _at(operand.data, operand.shape, place), _at(upstream, operand.shape, place)
        return None if g is None else own * g
    amounts = [other.amount for other in others if other.edge.position != contribution.edge.position]
    return _at(amounts[0], operand.shape, place) if amounts else None
