"""Which numbers of a graph are 0 but for rounding: what is left where terms cancel.

A number is compared with the sum of the sizes of the terms that it was made of: 0.1 + 0.2 - 0.3 gives 5.6e-17, of terms that
add up to 0.6. A number that is small in itself, such as exp(-40), is no rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from operator import add
from typing import Any, NamedTuple

from micrograd_sm.array import Array, flat_of, shape_of
from micrograd_sm.array.summary import Summary
from micrograd_sm.graph.core import Graph
from micrograd_sm.graph.evaluation import Heard
from micrograd_sm.graph.parts import Edge, Node
from micrograd_sm.primitives import PRIMITIVES

_MOST_NODES = 5_000  # of a graph whose numbers are read one by one
_ROUNDING = 2.0**-48  # sixteen times the relative error of one operation
_BY_SIZES = {"multiply", "matmul", "sum", "reshape", "permute", "expand", "cat", "index", "put", "where"}  # no sign is lost
_BILINEAR = {"multiply", "divide", "matmul"}  # their gradient rules are products with the other operand


class Rounded(float):
    """A number that is 0 but for rounding. It is equal to the float that it was made of, and is shown as `≈0`.

    >>> Rounded(5e-17) == 5e-17, Rounded(5e-17)
    (True, 5e-17)
    """

    __slots__ = ()


class _Sizes(NamedTuple):
    """How large the terms were that a node's value, a node's gradient, and an edge's contribution were added up from."""

    values: Mapping[str, Any]
    gradients: Mapping[str, Any]
    contributions: Mapping[Edge, Any]


def with_rounding_marked(graph: Graph, heard: Iterable[Heard] = ()) -> tuple[Graph, tuple[Heard, ...]]:
    """Return a graph, and contributions of its backward pass, with each number that is 0 but for rounding as `Rounded`.

    Graphs of more than 5,000 nodes, of torch's own operations and with summaries of large arrays are left as they are.

    >>> from micrograd_sm import Value
    >>> graph, _ = with_rounding_marked(Graph(Value(0.1) + 0.2 - 0.3))
    >>> type(graph["v4"].data).__name__
    'Rounded'
    """
    heard, opened = tuple(heard), graph.unfold()
    foreign = any(PRIMITIVES[node.op].foreign for node in opened if node.op)
    if len(opened) > _MOST_NODES or foreign or any(type(x) is Summary for node in opened for x in (node.data, node.grad)):
        return graph, heard
    sizes = _sizes(opened)
    nodes = tuple(_marked_node(node, sizes) for node in opened)
    changed = any(new is not old for new, old in zip(nodes, opened))
    return graph._with_nodes(nodes) if changed else graph, tuple(_marked_heard(one, sizes) for one in heard)


def _marked_node(node: Node, sizes: _Sizes) -> Node:
    data, grad = _marked(node.data, sizes.values.get(node.id)), _marked(node.grad, sizes.gradients.get(node.id))
    return node if data is node.data and grad is node.grad else node._replace(data=data, grad=grad)


def _marked_heard(one: Heard, sizes: _Sizes) -> Heard:
    edge, amount, before, after = one
    size, total = sizes.contributions.get(edge), sizes.gradients.get(edge.source)
    marked = Heard(edge, _marked(amount, size), _marked(before, total), _marked(after, total))
    return one if marked[1] is amount and marked[2] is before and marked[3] is after else marked


def _marked(data: Any, size: Any) -> Any:
    if type(data) is float and type(size) is float:  # quick, as graphs of numbers are large
        return Rounded(data) if _is_rounding(data, size) else data
    if data is None or size is None or shape_of(data) != shape_of(size):
        return data
    pairs = list(zip(flat_of(data), flat_of(size), strict=True))
    if not any(_is_rounding(x, terms) for x, terms in pairs):
        return data
    return Array.of([Rounded(x) if _is_rounding(x, terms) else x for x, terms in pairs], shape_of(data))


def _is_rounding(x: float, terms: float) -> bool:
    return 0 < abs(x) <= _ROUNDING * terms < math.inf


def _size(x: Any) -> Any:
    return abs(x) if type(x) is float else Array.of([abs(number) for number in flat_of(x)], shape_of(x))


def _sizes(graph: Graph) -> _Sizes:
    values: dict[str, Any] = {}
    for node in graph:
        values[node.id] = _value_size(node, [values[edge.source] for edge in graph.operand_edges(node.id)])
    gradients = {graph.root: _size(graph[graph.root].grad)} if graph[graph.root].grad is not None else {}
    contributions: dict[Edge, Any] = {}
    for node in reversed(graph.nodes):
        if node.op is None or node.id not in gradients:
            continue
        edges = graph.operand_edges(node.id)
        operands = [graph[edge.source] for edge in edges]
        data = [_size(x.data) if node.op in _BILINEAR else x.data for x in operands]
        wanted = [x.requires_grad for x in operands]
        rules = PRIMITIVES[node.op]
        for position, amount in rules.contributions(gradients[node.id], node.data, data, node.params, wanted):
            contributions[edges[position]] = size = _size(amount)
            source = edges[position].source
            gradients[source] = gradients[source] + size if source in gradients else size
    return _Sizes(values, gradients, contributions)


def _value_size(node: Node, operands: list[Any]) -> Any:
    if node.op in ("add", "subtract"):
        return add(*operands)
    if node.op == "negative":
        return operands[0]
    if node.op in _BY_SIZES:
        rule: Callable[..., Any] = PRIMITIVES[node.op].value
        return rule(*operands, **node.params)
    return _size(node.data)
