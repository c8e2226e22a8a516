"""The subject of a study: the graph of a loss, with nodes that are found by Value, name or id."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.words.names import shortened, visible


class Subject(NamedTuple):
    """A graph, and the ids of its nodes by the creation numbers of their Values, if it has them."""

    graph: Graph
    ids: Mapping[int, str]

    def node(self, x: Any, function: str) -> Node:
        """Return the node of a Value, an id, or a name that only one node has. Raises ValueError if there is none."""
        if isinstance(x, Value):
            id = self.graph.id_of(x)
            if id is None:
                hint = "" if self.ids else "; of a copy of a Graph, give a node's name or id"
                raise ValueError(f"{function}: {_shown(x)} is not among the {len(self.graph)} nodes of the loss{hint}")
            if id not in self.graph:
                hint = "choose a larger depth, or None to open all"
                raise ValueError(f"{function}: {_shown(x)} is inside a folded scope; {hint}")
            return self.graph[id]
        if not isinstance(x, str):
            raise TypeError(f"{function}: expected a Value, or a node's name or id, got {x!r} of type {type(x).__name__}")
        found = [node for node in self.graph if x in (node.name, node.id)]
        if not found:
            named = ", ".join(sorted({repr(node.name) for node in self.graph if node.name})[:12]) or "none"
            raise ValueError(f"{function}: no node is called {x!r}; names are {named}")
        if len(found) > 1:
            ids = ", ".join(node.id for node in found[:12])
            raise ValueError(f"{function}: {x!r} is the name of {len(found)} nodes; give the id of one: {ids}")
        return found[0]


def subject_of(loss: Any, names: Mapping[str, Any], function: str) -> Subject:
    """Return a Value or a Graph as the subject of a study; TypeError for anything else."""
    if not isinstance(loss, (Graph, Value)):
        raise TypeError(f"{function}: expected a Value or a Graph, got {loss!r} of type {type(loss).__name__}")
    graph = loss if isinstance(loss, Graph) else Graph(loss, names)
    return Subject(graph, graph._ids)


def check_loss(graph: Graph, function: str) -> Node:
    """Return the root of a graph. Raises ValueError unless it is one number that requires a gradient."""
    root = graph[graph.root]
    if prod(root.shape) != 1:
        raise ValueError(f"{function}: a loss is one number, got shape {root.shape}; reduce it first, as in loss.sum()")
    if not root.requires_grad:
        raise ValueError(f"{function}: this value requires no gradient, and neither does anything it was made of")
    return root


def opaque_in(graph: Graph) -> Node | None:
    """Return the first node whose value and gradient another library computes, such as torch's conv2d, if there is one."""
    return next((node for node in graph.unfold() if node.op is not None and PRIMITIVES[node.op].foreign), None)


def refuse_opaque(graph: Graph, function: str) -> None:
    """Raise RuntimeError if a graph has a node whose rules are not ours."""
    node = opaque_in(graph)
    if node is not None:
        whose = "what compile made: give the loss of the function itself" if node.op == "compiled" else "torch's own"
        raise RuntimeError(f"{function}: node {node.id}, {node.op}, is {whose}; its rules are not here to be used")


def _shown(x: Value) -> str:
    return visible(shortened(repr(x), 60))
