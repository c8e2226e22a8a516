"""What a study looks at: a loss, as a graph whose nodes are found by Value, name or id."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.words.names import shortened, visible


class Subject(NamedTuple):
    """What a study looks at: a graph, and the ids of its nodes by the creation numbers of their Values, if it has them."""

    graph: Graph
    ids: Mapping[int, str]

    def node(self, x: Any, function: str) -> Node:
        """Return the node of a Value, of a node's id, or of a name that only one node has.

        Raises ValueError for what the graph does not have, TypeError for anything else.
        """
        if isinstance(x, Value):
            id = self.graph.id_of(x)
            if id is None:
                hint = "" if self.ids else "; of a copy of a Graph, give a node's name or id"
                raise ValueError(f"{function}: {_shown(x)} is not among the {len(self.graph)} nodes of the loss{hint}")
            return self.graph[id] if id in self.graph else self._hidden(x, function)
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

    def _hidden(self, x: Value, function: str) -> Node:
        raise ValueError(f"{function}: {_shown(x)} is inside a folded scope; choose a larger depth, or None to open all")


def subject_of(loss: Any, names: Mapping[str, Any], function: str) -> Subject:
    """Return a loss, a Value or a Graph, as the subject of a study; TypeError for anything else."""
    if not isinstance(loss, (Graph, Value)):
        raise TypeError(f"{function}: expected a Value or a Graph, got {loss!r} of type {type(loss).__name__}")
    graph = loss if isinstance(loss, Graph) else Graph(loss, names)
    return Subject(graph, graph._ids)


def check_loss(graph: Graph, function: str) -> Node:
    """Return the root of a graph; ValueError unless it is one number that requires a gradient."""
    root = graph[graph.root]
    if prod(root.shape) != 1:
        raise ValueError(f"{function}: a loss is one number, got shape {root.shape}; reduce it first, as in loss.sum()")
    if not root.requires_grad:
        raise ValueError(f"{function}: this value requires no gradient, and neither does anything it was made of")
    return root


def _shown(x: Value) -> str:
    return visible(shortened(repr(x), 60))
