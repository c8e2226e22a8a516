"""`Graph`: an immutable snapshot of everything that a Value was computed from."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NoReturn

from micrograd_sm.engine import Value
from micrograd_sm.graph.names import names_in
from micrograd_sm.graph.parts import Edge, Node, Scope
from micrograd_sm.graph.snapshot import node_of, reachable, scopes_around


class Graph:
    """An immutable snapshot of everything that a Value was computed from.

    `nodes` are in creation order, with ids v0, v1, ...; `edges` has one for each operand, so two for `x * x`; `root` is
    the id of the value itself. A name is the Value's own, else that of the caller's variable which holds it, also inside
    lists, tuples and dicts (`W[0]`, `d['k']`), else None. Names that start with an underscore do not count. `names`
    replaces the caller's variables: a mapping of names to what they hold.

    Raises TypeError for what is not a Value.

    >>> x = Value(3.0)
    >>> weights = {"w": Value(2.0)}
    >>> graph = Graph(x * weights["w"])
    >>> [(node.id, node.op, node.name, node.data) for node in graph.nodes]
    [('v0', None, 'x', 3.0), ('v1', None, "weights['w']", 2.0), ('v2', 'multiply', None, 6.0)]
    """

    __slots__ = ("_operand_edges", "_places", "edges", "nodes", "root", "scopes")

    edges: tuple[Edge, ...]
    nodes: tuple[Node, ...]
    root: str
    scopes: tuple[Scope, ...]
    _places: dict[str, int]
    _operand_edges: tuple[tuple[Edge, ...], ...]

    def __init__(self, loss: Value, names: Mapping[str, Any] | None = None) -> None:
        if not isinstance(loss, Value):
            raise TypeError(f"Graph: expected a Value, got {loss!r} of type {type(loss).__name__}")
        if not isinstance(names, Mapping | None):
            raise TypeError(f"Graph: names must be a mapping of names to what they hold, got {names!r}")
        values = reachable(loss)
        variables = sys._getframe(1).f_locals if names is None else names
        found = names_in(variables, {id(value) for value in values if not value.name})
        ids = {id(value): f"v{place}" for place, value in enumerate(values)}
        scopes = scopes_around([value._place for value in values])
        nodes = tuple(node_of(value, ids[id(value)], value.name or found.get(id(value)), scopes) for value in values)
        operands = {ids[id(value)]: [ids[id(parent)] for parent in value.parents] for value in values}
        self._keep(nodes, operands, ids[id(loss)], tuple(scopes.values()))

    def _keep(
        self, nodes: tuple[Node, ...], operands: Mapping[str, Sequence[str]], root: str, scopes: tuple[Scope, ...]
    ) -> None:
        """Become the graph of these nodes, of the ids of each one's operands and of these scopes."""
        operand_edges = tuple(
            tuple(Edge(source, node.id, position) for position, source in enumerate(operands[node.id])) for node in nodes
        )
        fields = {
            "nodes": nodes,
            "edges": tuple(chain.from_iterable(operand_edges)),
            "root": root,
            "scopes": scopes,
            "_operand_edges": operand_edges,
            "_places": {node.id: place for place, node in enumerate(nodes)},
        }
        for field, content in fields.items():
            object.__setattr__(self, field, content)

    def operand_edges(self, id: str) -> tuple[Edge, ...]:
        """Return the edges that end at a node, in the order of its operands; KeyError for an unknown id.

        >>> [edge.source for edge in Graph(Value(1.0) - Value(2.0)).operand_edges("v2")]
        ['v0', 'v1']
        """
        return self._operand_edges[self._place(id)]

    def __getitem__(self, id: str) -> Node:
        return self.nodes[self._place(id)]

    def _place(self, id: str) -> int:
        if id not in self._places:
            raise KeyError(f"Graph: no node {id!r}; its {len(self)} nodes are v0 to v{len(self) - 1}")
        return self._places[id]

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} nodes and {len(self.edges)} edges, root {self.root}>"

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"Graph: {name} cannot be set, a Graph is a snapshot; make another with Graph(loss)")

    def __delattr__(self, name: str) -> NoReturn:
        self.__setattr__(name, None)
