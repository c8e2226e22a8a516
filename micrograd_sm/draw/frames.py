"""Which scopes of a graph are drawn as frames, and what is in each."""

from __future__ import annotations

from typing import NamedTuple

from micrograd_sm.graph import Graph


class Frame(NamedTuple):
    """A call of a composed function: the scope's id and name, and in creation order the ids of nodes and the frames in it."""

    id: str
    name: str
    members: list[str | Frame]


def frames_of(graph: Graph) -> Frame:
    """Return the whole graph as one frame without a name, with a frame for each scope that says more than its boxes do.

    A scope of one node, or of nodes that all carry its name, gets none.

    >>> from micrograd_sm import Value, softplus
    >>> x = Value(1.0)
    >>> [member if isinstance(member, str) else member.name for member in frames_of(Graph(x * softplus(x))).members]
    ['v0', 'softplus', 'v8']
    """
    whole = Frame("", "", [])
    frames: dict[str | None, Frame] = {None: whole}
    ops = _ops_inside(graph)
    for scope in graph.scopes:  # an outer one was opened before those in it
        says_more = len(ops[scope.id]) > 1 and not set(ops[scope.id]) <= {scope.name, None}
        frames[scope.id] = Frame(scope.id, scope.name, []) if says_more else frames[scope.outer]
    outer = {scope.id: scope.outer for scope in graph.scopes}
    entered = {whole.id}
    for node in graph:
        for id in reversed(_around(node.call, outer)):
            frame = frames[id]
            if frame.id not in entered:
                entered.add(frame.id)
                frames[outer[id]].members.append(frame)
        frames[node.call].members.append(node.id)
    return whole


def _ops_inside(graph: Graph) -> dict[str, list[str | None]]:
    """Return for each scope the operations of the nodes in it, at any depth."""
    outer = {scope.id: scope.outer for scope in graph.scopes}
    ops: dict[str, list[str | None]] = {scope: [] for scope in outer}
    for node in graph:
        for scope in _around(node.call, outer):
            ops[scope].append(node.op)
    return ops


def _around(scope: str | None, outer: dict[str, str | None]) -> list[str]:
    """Return a scope and those around it, innermost first."""
    found = []
    while scope is not None:
        found.append(scope)
        scope = outer[scope]
    return found
