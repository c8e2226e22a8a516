"""The scopes of a graph that are drawn as frames, and their members."""

from __future__ import annotations

from typing import NamedTuple

from micrograd_sm.graph import Graph


class Frame(NamedTuple):
    """The call of a composed function: the scope's id and name, and its node ids and inner frames in creation order."""

    id: str
    name: str
    members: list[str | Frame]


def frames_of(graph: Graph) -> Frame:
    """Return the whole graph as a frame without a name, which holds a frame for each scope that adds information.

    A scope of one node, or of nodes that all have the scope's name, gets none.
    """
    whole = Frame("", "", [])
    frames: dict[str | None, Frame] = {None: whole}
    outer = {scope.id: scope.outer for scope in graph.scopes}
    ops: dict[str, list[str | None]] = {scope: [] for scope in outer}
    for node in graph:
        for id in _around(node.call, outer):
            ops[id].append(node.op)
    for scope in graph.scopes:  # outer scopes come first
        adds = len(ops[scope.id]) > 1 and not set(ops[scope.id]) <= {scope.name, None}
        frames[scope.id] = Frame(scope.id, scope.name, []) if adds else frames[scope.outer]
    entered = {whole.id}
    for node in graph:
        for id in reversed(_around(node.call, outer)):
            frame = frames[id]
            if frame.id not in entered:
                entered.add(frame.id)
                frames[outer[id]].members.append(frame)
        frames[node.call].members.append(node.id)
    return whole


def _around(scope: str | None, outer: dict[str, str | None]) -> list[str]:
    """Return a scope and the scopes around it, innermost first."""
    found = []
    while scope is not None:
        found.append(scope)
        scope = outer[scope]
    return found
