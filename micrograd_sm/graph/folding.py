"""Folding: one node in place of all nodes of a scope.

A scope can be folded if it has one output (a node that is used outside, or the root) and if its operations were made one
after another, so that a backward pass also takes them one after another. Any other scope stays open, and so does one that
holds nothing but the operation of its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from micrograd_sm.graph.parts import NO_PARAMS, Node, Scope

if TYPE_CHECKING:
    from micrograd_sm.graph.core import Graph


class Fold(NamedTuple):
    """A folded scope, the ids of the nodes inside, in creation order, and the id of its output."""

    scope: Scope
    inside: tuple[str, ...]
    output: str


def chosen(scopes: Sequence[Scope], names: Sequence[str], depth: int | None, what: str) -> list[Scope]:
    """Return the scopes that have one of the names, paths or ids, or that lie in `depth` others.

    Raises TypeError if a name is not a str or depth is not an int, ValueError for unknown names and a negative depth.
    """
    if depth is not None:
        if names:
            raise ValueError(f"{what}: give names or a depth, not both; got {names} and depth {depth!r}")
        if type(depth) is not int:
            raise TypeError(f"{what}: depth must be an int, 0 for the outermost scopes, got {depth!r}")
        if depth < 0:
            raise ValueError(f"{what}: depth counts from 0, the outermost scopes, got {depth}")
        return [scope for scope in scopes if scope.path.count("/") == depth]
    found = [scope for name in names for scope in _named(scopes, name, what)]
    return list(dict.fromkeys(found))


def _named(scopes: Sequence[Scope], name: str, what: str) -> list[Scope]:
    if type(name) is not str:
        raise TypeError(f"{what}: a scope is chosen by name, path or id, got {name!r} of type {type(name).__name__}")
    found = [scope for scope in scopes if scope.id == name] or [scope for scope in scopes if name in (scope.name, scope.path)]
    if not found:
        there = ", ".join(f"{scope.path} ({scope.id})" for scope in scopes[:20]) or "none"
        more = f" and {len(scopes) - 20} more" if len(scopes) > 20 else ""
        raise ValueError(f"{what}: no scope {name!r}; the scopes are {there}{more}")
    return found


def members(graph: Graph) -> dict[str, list[str]]:
    """Return for each scope the ids of the nodes that were made inside it, at any depth."""
    outer = {scope.id: scope.outer for scope in graph.scopes}
    found: dict[str, list[str]] = {scope.id: [] for scope in graph.scopes}
    for node in graph.nodes:
        call = node.call
        while call is not None:
            found[call].append(node.id)
            call = outer[call]
    return found


def folds(graph: Graph, scopes: Iterable[Scope]) -> list[Fold]:
    """Return folds of those scopes that can be folded. `graph` must be open."""
    scopes = list(scopes)
    if not scopes:
        return []
    inside_of = members(graph)
    users: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        users[edge.source].append(edge.target)
    ranks = {id: rank for rank, id in enumerate(node.id for node in graph.nodes if node.op is not None)}
    return [fold for scope in scopes if (fold := _fold(graph, scope, inside_of[scope.id], users, ranks))]


def _fold(graph: Graph, scope: Scope, ids: list[str], users: dict[str, list[str]], ranks: dict[str, int]) -> Fold | None:
    operations = [id for id in ids if id in ranks]
    if not operations or ranks[operations[-1]] - ranks[operations[0]] + 1 != len(operations):
        return None
    inside = set(operations)
    outputs = [id for id in operations if id == graph.root or not inside.issuperset(users[id])]
    if len(outputs) != 1:
        return None
    inside.update(id for id in ids if graph[id].kind == "constant" and inside.issuperset(users[id]))
    if len(inside) == 1 and graph[outputs[0]].op == scope.name:
        return None
    return Fold(scope, tuple(id for id in ids if id in inside), outputs[0])


def outermost(scopes: Sequence[Scope], ids: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the scopes that lie in no other scope of `ids`, in the order of the scopes."""
    ids, covered = set(ids), set()
    for scope in scopes:  # an outer scope comes before its inner scopes
        if scope.outer in ids or scope.outer in covered:
            covered.add(scope.id)
    return tuple(scope.id for scope in scopes if scope.id in ids and scope.id not in covered)


def folded_nodes(graph: Graph, folds: Iterable[Fold]) -> tuple[tuple[Node, ...], dict[str, list[str]]]:
    """Return the nodes of an open graph, with folds in place of the nodes inside them, and the operands of each."""
    by_output = {fold.output: fold for fold in folds}
    held = {id: fold for fold in by_output.values() for id in fold.inside}
    nodes, operands = [], {}
    outer_of = _surroundings(graph, by_output.values())
    for node in graph.nodes:
        fold = held.get(node.id)
        if fold is None:
            scope, call = outer_of.get(node.call, (node.scope, node.call))
            nodes.append(node._replace(scope=scope, call=call))
            operands[node.id] = [edge.source for edge in graph.operand_edges(node.id)]
        elif node.id == fold.output:
            (scope, call), name = outer_of[fold.scope.id], fold.scope.name
            nodes.append(node._replace(op=name, symbol=name, scope=scope, params=NO_PARAMS, call=call, folded=fold.inside))
            entering = {edge.source for id in fold.inside for edge in graph.operand_edges(id)} - set(fold.inside)
            operands[node.id] = sorted(entering, key=graph.place)
    return tuple(nodes), operands


def _surroundings(graph: Graph, folds: Iterable[Fold]) -> dict[str | None, tuple[str, str | None]]:
    """Return the path and id of the scope around each fold, by the id of the folded scope and of every scope in it."""
    around: dict[str | None, tuple[str, str | None]] = {
        fold.scope.id: (fold.scope.path.rpartition("/")[0], fold.scope.outer) for fold in folds
    }
    for scope in graph.scopes:
        if scope.outer in around and scope.id not in around:
            around[scope.id] = around[scope.outer]
    return around
