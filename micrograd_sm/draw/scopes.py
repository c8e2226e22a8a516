"""Which nodes a call of a composed function made: the frames of a picture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from micrograd_sm.graph import Graph, Node


class Scope(NamedTuple):
    """A call of a composed function: its name, and what it made, ids of nodes or calls inside it, in creation order."""

    id: str
    name: str
    members: list[str | Scope]


def scopes_of(graph: Graph) -> Scope:
    """Return the whole graph as one scope without a name, with a scope for each call in it that made several nodes.

    A Value knows the names of the functions that made it and not the call, so a call is found as nodes of one name that
    were made one after another and hang together: two that feed each other directly count as one.

    >>> from micrograd_sm import Value, softplus
    >>> x = Value(1.0)
    >>> [member if isinstance(member, str) else member.name for member in scopes_of(Graph(x * softplus(x))).members]
    ['v0', 'softplus', 'v8']
    """
    return Scope("", "", list(_members(graph, list(graph.nodes), depth=0)))


def _members(graph: Graph, nodes: list[Node], depth: int) -> Iterator[str | Scope]:
    for name, run in groupby(nodes, key=lambda node: _name_at(node, depth)):
        if name is None:
            yield from (node.id for node in run)
            continue
        for call in _connected(graph, list(run)):
            inner = list(_members(graph, call, depth + 1))
            if len(call) == 1 or {node.op for node in call} <= {name, None}:  # a frame that says what the box says
                yield from inner
            else:
                yield Scope(f"{call[0].id}_{depth}", name, inner)


def _name_at(node: Node, depth: int) -> str | None:
    names = node.scope.split("/") if node.scope else []
    return names[depth] if depth < len(names) else None


def _connected(graph: Graph, nodes: list[Node]) -> list[list[Node]]:
    """Split nodes into groups that edges among them hold together, each in creation order."""
    leader = {node.id: node.id for node in nodes}

    def find(id: str) -> str:
        while leader[id] != id:
            leader[id] = id = leader[leader[id]]
        return id

    for node in nodes:
        for edge in graph.operand_edges(node.id):
            if edge.source in leader:
                one, other = sorted((find(edge.source), find(node.id)), key=lambda id: int(id[1:]))
                leader[other] = one
    groups: dict[str, list[Node]] = {}
    for node in nodes:
        groups.setdefault(find(node.id), []).append(node)
    return list(groups.values())
