"""How hard a graph is to lay out, and from which size it is refused."""

from __future__ import annotations

from micrograd_sm.graph import Graph

DENSE = 5_000  # the most rows crossed for which dot looks for a good layout, which takes minutes for more
_MOST_CROSSED = 150_000  # takes half a gigabyte and ten seconds, which grow faster than this number
_MOST_DRAWN = 14_000  # nodes and edges


def rows_crossed(graph: Graph) -> int:
    """Return about how many rows of the picture its arrows cross in total, on which a layout's time and memory depend.

    Arrows between the same nodes count once. Each node is right under its lowest operand, or each is right above its
    highest use, whichever makes the arrows shorter.
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
    """Raise RuntimeError, with a way out, if the layout of a graph would take minutes."""
    drawn = len(graph) + len(graph.edges)
    if drawn > _MOST_DRAWN or rows_crossed(graph) > _MOST_CROSSED:
        raise RuntimeError(
            f"draw: {len(graph):,} nodes and {len(graph.edges):,} edges are too many to be laid out in reasonable time; "
            "draw a part of it, or save it with the ending .dot, which needs no layout"
        )
