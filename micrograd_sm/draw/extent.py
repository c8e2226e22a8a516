"""How hard a graph is to lay out: beyond some size no program draws it in reasonable time and memory."""

from __future__ import annotations

from micrograd_sm.graph import Graph

DENSE = 5_000  # rows that arrows cross, beyond which a plain layout stands in for a good one, which takes it minutes
_MOST_CROSSED = 150_000  # half a gigabyte and ten seconds; both grow faster than this does
_MOST_DRAWN = 14_000  # nodes and edges


def rows_crossed(graph: Graph) -> int:
    """Return about how many rows of the picture its arrows cross together: what a layout's time and memory go to.

    Two arrows between the same nodes count as one. Each node stands right under the lowest of its operands, or each
    right above the highest of its uses, whichever makes the arrows shorter.

    >>> from micrograd_sm import Value
    >>> x = Value(2.0)
    >>> rows_crossed(Graph(x.exp().exp() * x))
    6
    """
    pairs = dict.fromkeys((edge.source, edge.target) for edge in graph.edges)  # in the order of their targets
    under = {node.id: 0 for node in graph}
    for source, target in pairs:
        under[target] = max(under[target], under[source] + 1)
    above = {node.id: under[graph.root] for node in graph}
    for source, target in reversed(pairs):
        above[source] = min(above[source], above[target] - 1)
    return min(sum(row[target] - row[source] for source, target in pairs) for row in (under, above))


def refuse_huge(graph: Graph) -> None:
    """Raise RuntimeError, with a way out, for a graph that would keep the layout busy for minutes."""
    drawn = len(graph) + len(graph.edges)
    if drawn > _MOST_DRAWN or rows_crossed(graph) > _MOST_CROSSED:
        raise RuntimeError(
            f"draw: {len(graph):,} nodes and {len(graph.edges):,} edges are too many to be laid out in reasonable time; "
            "draw a part of it, or save it with the ending .dot, which needs no layout"
        )
