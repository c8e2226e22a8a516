"""`Graph`: the nodes, edges, names and scopes of a loss, in creation order. What every view reads."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from micrograd_sm.array import Array
from micrograd_sm.engine import Value

_NO_PARAMS: Mapping[str, Any] = MappingProxyType({})
_MAX_LOOKED_AT = 100_000  # entries of the caller's containers among which names are looked for


class Node(NamedTuple):
    """One Value as it was when the Graph was made.

    `op`, `symbol` and `params` say which primitive made it (None, "" and nothing for a leaf); `grad` is None before a
    backward pass; `scope` names the composed functions that it was made in, outermost first: `cross_entropy/nll_loss`.

    >>> node = Graph(Value(2.0, name="x").exp())["v1"]
    >>> node.op, node.symbol, node.name, node.data, node.grad, node.shape
    ('exp', 'exp', None, 7.38905609893065, None, ())
    """

    id: str
    op: str | None
    symbol: str
    name: str | None
    data: Any
    grad: Any
    shape: tuple[int, ...]
    scope: str
    params: Mapping[str, Any]
    requires_grad: bool

    @property
    def kind(self) -> str:
        """Say what the node is: "leaf", "constant" (nothing flows back to it), or "intermediate".

        >>> [node.kind for node in Graph(Value(2.0) * 3.0).nodes]
        ['leaf', 'constant', 'intermediate']
        """
        if not self.requires_grad:
            return "constant"
        return "leaf" if self.op is None else "intermediate"


class Edge(NamedTuple):
    """The node `source` is operand number `position`, counted from 0, of the node `target`.

    >>> x = Value(3.0)
    >>> Graph(x * x).edges
    (Edge(source='v0', target='v1', position=0), Edge(source='v0', target='v1', position=1))
    """

    source: str
    target: str
    position: int


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

    __slots__ = ("_operand_edges", "_places", "edges", "nodes", "root")

    edges: tuple[Edge, ...]
    nodes: tuple[Node, ...]
    root: str
    _places: dict[str, int]
    _operand_edges: tuple[tuple[Edge, ...], ...]

    def __init__(self, loss: Value, names: Mapping[str, Any] | None = None) -> None:
        if not isinstance(loss, Value):
            raise TypeError(f"Graph: expected a Value, got {loss!r} of type {type(loss).__name__}")
        if not isinstance(names, Mapping | None):
            raise TypeError(f"Graph: names must be a mapping of names to what they hold, got {names!r}")
        values = _reachable(loss)
        variables = sys._getframe(1).f_locals if names is None else names
        found = _names_in(variables, {id(value) for value in values if not value.name})
        ids = {id(value): f"v{place}" for place, value in enumerate(values)}
        operand_edges = tuple(
            tuple(Edge(ids[id(parent)], ids[id(value)], position) for position, parent in enumerate(value.parents))
            for value in values
        )
        fields = {
            "nodes": tuple(_node(value, ids[id(value)], value.name or found.get(id(value))) for value in values),
            "edges": tuple(chain.from_iterable(operand_edges)),
            "root": ids[id(loss)],
            "_operand_edges": operand_edges,
            "_places": {name: place for place, name in enumerate(ids.values())},
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


def _reachable(loss: Value) -> list[Value]:
    """Return the loss and all that it was computed from, in creation order."""
    found = {id(loss): loss}
    values = [loss]
    for value in values:  # grows as it goes
        for parent in value.parents:
            if id(parent) not in found:
                found[id(parent)] = parent
                values.append(parent)
    return sorted(values, key=lambda value: value.number)


def _node(value: Value, id: str, name: str | None) -> Node:
    data = _snapshot(value.data)
    return Node(
        id,
        value.op,
        "" if value.primitive is None else value.primitive.symbol,
        name,
        data,
        _snapshot(value.grad),
        value.shape,
        value.scope,
        MappingProxyType(dict(value.params)) if value.params else _NO_PARAMS,
        value.requires_grad,
    )


def _snapshot(data: Any) -> Any:
    """Return numbers that nobody can change: foreign arrays are copied, a Value's graph is left behind."""
    if data is None or type(data) in (float, int, bool, Array):
        return data
    plain = data.tolist()
    return Array(plain) if isinstance(plain, list) else plain


def _names_in(variables: Mapping[str, Any], wanted: set[int]) -> dict[int, str]:
    """Return names for the Values whose identities are wanted: variables first, then what lies in containers."""
    names: dict[int, str] = {}
    level = [(name, x) for name, x in variables.items() if _is_a_readers(name, variables)]
    opened: set[int] = set()
    looked_at = 0
    while level and len(names) < len(wanted):
        containers = []
        for name, x in level:
            if id(x) in wanted:
                names.setdefault(id(x), name)
            elif isinstance(x, (list, tuple, dict)) and id(x) not in opened:
                opened.add(id(x))
                containers.append((name, x))
        level = []
        for name, container in containers:
            looked_at += len(container)
            if looked_at > _MAX_LOOKED_AT:
                break
            level += [(f"{name}[{key!r}]", x) for key, x in _entries(container)]
    return names


def _entries(container: Any) -> Iterable[tuple[Any, Any]]:
    """Return what a name can be made of; keys whose repr could differ between runs are left out."""
    if isinstance(container, dict):
        entries: Iterable = ((key, x) for key, x in container.items() if type(key) in (str, int))
    else:
        entries = enumerate(container)
    return ((key, x) for key, x in entries if isinstance(x, (Value, list, tuple, dict)))


def _is_a_readers(name: str, variables: Mapping[str, Any]) -> bool:
    """Whether a variable is one that a reader knows: not private, not an interpreter's, not IPython's `Out`."""
    return name.isidentifier() and not name.startswith("_") and not (name == "Out" and "_oh" in variables)
