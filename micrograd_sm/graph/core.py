"""`Graph`: an immutable snapshot of everything that a Value was computed from."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NoReturn

from micrograd_sm.backward import reachable
from micrograd_sm.engine import Value
from micrograd_sm.graph import derivative, folding, serial
from micrograd_sm.graph.moment import Moment
from micrograd_sm.graph.names import names_in
from micrograd_sm.graph.parts import Edge, Node, Scope
from micrograd_sm.graph.snapshot import node_of, refuse_mixed, scopes_around, snapshot


class Graph:
    """An immutable snapshot of everything that a Value was computed from.

    `nodes` are in creation order, with ids v0, v1, ...; `edges` has one for each operand, so two for `x * x`; `root` is
    the id of the value itself; `scopes` are the calls of composed functions that made the nodes. A node has the name of its
    Value or, if that has none, of the caller's variable that holds it, also in lists, tuples and dicts (`W[0]`, `d['k']`),
    modules (`model.layers.0.weight`) and `self` (`self.w`), unless it starts with an underscore. `names`, a mapping of names
    to what they hold, replaces the caller's variables. `moment` is the time to look at, now by default.

    Raises TypeError if it is not a Value, and RuntimeError, as `backward` does, if data was set after the value was computed
    from it.

    >>> x = Value(3.0)
    >>> weights = {"w": Value(2.0)}
    >>> graph = Graph(x * weights["w"])
    >>> [(node.id, node.op, node.name, node.data) for node in graph.nodes]
    [('v0', None, 'x', 3.0), ('v1', None, "weights['w']", 2.0), ('v2', 'multiply', None, 6.0)]
    """

    __slots__ = ("_folds", "_ids", "_open", "_operand_edges", "_places", "edges", "nodes", "root", "scopes")

    edges: tuple[Edge, ...]
    nodes: tuple[Node, ...]
    root: str
    scopes: tuple[Scope, ...]
    _folds: frozenset[str]  # ids of the folded scopes, also of those inside others
    _ids: Mapping[int, str]  # ids by the creation numbers of the Values
    _open: Graph | None  # the graph without folds, if this one has any
    _operand_edges: dict[str, tuple[Edge, ...]]
    _places: dict[str, int]

    def __init__(self, loss: Value, names: Mapping[str, Any] | None = None, moment: Moment | None = None) -> None:
        if not isinstance(loss, Value):
            raise TypeError(f"Graph: expected a Value, got {loss!r} of type {type(loss).__name__}")
        if not isinstance(names, Mapping | None):
            raise TypeError(f"Graph: names must be a mapping of names to what they hold, got {names!r}")
        values = reachable(loss)
        variables = sys._getframe(1).f_locals if names is None else names
        moment = moment or Moment()
        refuse_mixed(values, moment, variables)
        found = names_in(variables, {id(value) for value in values if not value.name})
        ids = {value.number: f"v{index}" for index, value in enumerate(values)}
        scopes = scopes_around([value._place for value in values])
        names_of = (value.name or found.get(id(value)) for value in values)
        nodes = tuple(node_of(x, moment.of(x), ids[x.number], name, scopes) for x, name in zip(values, names_of))
        operands = {ids[value.number]: [ids[parent.number] for parent in value.parents] for value in values}
        self._keep(nodes, operands, ids[loss.number], tuple(scopes.values()), ids)

    def _keep(
        self,
        nodes: tuple[Node, ...],
        operands: Mapping[str, Sequence[str]],
        root: str,
        scopes: tuple[Scope, ...],
        ids: Mapping[int, str],
        opened: Graph | None = None,
        folds: frozenset[str] = frozenset(),
    ) -> Graph:
        """Become the graph of these nodes, of the operands' ids by node id, of these scopes and of the Values' ids."""
        operand_edges = {
            node.id: tuple(Edge(source, node.id, position) for position, source in enumerate(operands[node.id]))
            for node in nodes
        }
        edges, positions = tuple(chain.from_iterable(operand_edges.values())), {node.id: k for k, node in enumerate(nodes)}
        fields = folds, ids, opened, operand_edges, positions, edges, nodes, root, scopes
        for field, content in zip(self.__slots__, fields, strict=True):
            object.__setattr__(self, field, content)
        return self

    # Looking up -----------------------------------------------------------------------------------------------------

    def operand_edges(self, id: str) -> tuple[Edge, ...]:
        """Return the edges that end at a node, in the order of its operands; KeyError for an unknown id.

        >>> [edge.source for edge in Graph(Value(1.0) - Value(2.0)).operand_edges("v2")]
        ['v0', 'v1']
        """
        self.place(id)
        return self._operand_edges[id]

    def place(self, id: str) -> int:
        """Return the index of a node in `nodes`; KeyError for an unknown id.

        >>> Graph(Value(2.0).exp()).place("v1")
        1
        """
        if id in self._places:
            return self._places[id]
        if self._open is not None and id in self._open._places:
            raise KeyError(f"Graph: node {id!r} is inside a folded scope; unfold() opens it")
        raise KeyError(f"Graph: no node {id!r}; its {len(self)} nodes are {self.nodes[0].id} to {self.nodes[-1].id}")

    def id_of(self, value: Value) -> str | None:
        """Return the id of a Value's node, or None; a graph that was copied or read from JSON knows no Values.

        >>> x = Value(2.0)
        >>> Graph(x.exp()).id_of(x), Graph(x.exp()).id_of(Value(2.0))
        ('v0', None)
        """
        return self._ids.get(value.number)

    def members(self, scope: str) -> tuple[str, ...]:
        """Return the ids of the nodes made in the scope of this id, none if it is folded; ValueError for an unknown id.

        >>> Graph(Value(0.0).softplus()).members("s0")
        ('v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7')
        """
        inside = folding.members(self)
        if scope not in inside:
            raise ValueError(f"Graph: no scope {scope!r}; the ids of its scopes are {', '.join(inside) or 'none'}")
        return tuple(inside[scope])

    def jacobian(self, edge: Edge) -> Any:
        """Return the derivative of an edge's target with respect to its source, of shape target.shape + source.shape.

        Raises ValueError for an edge that the graph does not have, and for more than a million entries.

        >>> graph = Graph(Value([1.0, 2.0]).sum())
        >>> graph.jacobian(graph.edges[0])
        Array([1.0, 1.0])
        """
        return derivative.jacobian(self, edge)

    # Folding --------------------------------------------------------------------------------------------------------

    @property
    def folded(self) -> tuple[str, ...]:
        """The ids of the folded scopes, without those inside another folded scope.

        >>> Graph(Value(0.0).softplus()).fold().folded
        ('s0',)
        """
        return folding.outermost(self.scopes, self._folds)

    def fold(self, *names: str, depth: int | None = None) -> Graph:
        """Return the graph with chosen scopes as single nodes, and those that are folded already.

        `names` are names, paths or ids of scopes. Instead, `depth` chooses all scopes inside that many others; without names
        it is 0, the outermost. A folded scope has the id, value, gradient and name of its output. Its operands are the nodes
        outside that it uses, each once, and the leaves inside that require a gradient. A scope stays open if it has more than
        one output, or if its operations were not made one after another, as with threads.

        Raises ValueError for a name that no scope has, TypeError or ValueError for a bad depth.

        >>> graph = Graph(Value([1.0, 2.0]).softmax(dim=0)[0])
        >>> [node.op for node in graph.fold("softmax")]
        [None, 'softmax', 'index']
        """
        depth = 0 if depth is None and not names else depth
        new = folding.chosen(self.scopes, names, depth, "fold")
        return self._with_folds(self._folds | {fold.scope.id for fold in folding.folds(self.unfold(), new)})

    def unfold(self, *names: str) -> Graph:
        """Return the graph with folded scopes open again: those with these names, paths or ids, by default all.

        Raises ValueError for a name that no scope has.

        >>> graph = Graph(Value([1.0, 2.0]).softmax(dim=0)[0])
        >>> graph.fold().unfold() == graph
        True
        """
        if not names:
            return self if self._open is None else self._open
        opened = folding.chosen(self.scopes, names, None, "unfold")
        return self._with_folds(self._folds - {scope.id for scope in opened})

    def _with_folds(self, folds: frozenset[str]) -> Graph:
        """Return the graph with exactly these scopes folded."""
        opened = self.unfold()
        if not folds:
            return opened
        outermost = folding.outermost(self.scopes, folds)
        shown = folding.folds(opened, [scope for scope in self.scopes if scope.id in outermost])
        nodes, operands = folding.folded_nodes(opened, shown)
        return object.__new__(Graph)._keep(nodes, operands, self.root, self.scopes, self._ids, opened, folds)

    def with_gradients(self, gradients: Mapping[str, Any]) -> Graph:
        """Return the graph with these gradients by node id, also inside folded scopes; None for nodes left out.

        >>> graph = Graph(Value(2.0).exp())
        >>> [node.grad for node in graph.with_gradients({"v1": 1.0})]
        [None, 1.0]
        """
        return self._with_nodes(tuple(node._replace(grad=snapshot(gradients.get(node.id))) for node in self.unfold().nodes))

    def with_names(self, names: Mapping[str, str]) -> Graph:
        """Return the graph with other names for some nodes, by id, such as notes in a picture.

        >>> graph = Graph(Value(2.0).exp())
        >>> [node.name for node in graph.with_names({"v1": "here it grows"})]
        [None, 'here it grows']
        """
        return self._with_nodes(tuple(node._replace(name=names.get(node.id, node.name)) for node in self.unfold().nodes))

    def _with_nodes(self, nodes: tuple[Node, ...]) -> Graph:
        """Return the graph with these nodes in place of its own, which have the same ids in the same order."""
        opened, new = self.unfold(), object.__new__(Graph)
        for field in self.__slots__:
            object.__setattr__(new, field, nodes if field == "nodes" else getattr(opened, field))
        return new._with_folds(self._folds)

    # Written and read -----------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the graph as a dict of plain Python for JSON: without folds, with the ids of the folded scopes.

        >>> graph = Graph(Value(2.0).exp())
        >>> graph.to_dict()["nodes"][1]["op"]
        'exp'
        """
        return serial.as_dict(self.unfold(), self._folds)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Graph:
        """Return the graph of a dict that `to_dict` made; ValueError, with what is wrong, for any other.

        >>> graph = Graph(Value(2.0).exp())
        >>> Graph.from_dict(graph.to_dict()) == graph
        True
        """
        try:
            nodes, operands, root, scopes, folded = serial.parsed(content)
        except RecursionError:  # also where a message would have shown it
            raise ValueError("Graph.from_dict: lists lie too deep inside one another to be read") from None
        opened = object.__new__(cls)._keep(nodes, operands, root, scopes, {})
        can_fold = {fold.scope.id for fold in folding.folds(opened, scopes)}
        if not can_fold.issuperset(folded):
            raise ValueError(f"Graph.from_dict: scope {min(set(folded) - can_fold)} is said to be folded and cannot be")
        return opened._with_folds(frozenset(folded))

    def to_json(self) -> str:
        """Return the graph as strict JSON, in ASCII and the same in every run.

        >>> Graph(Value(float("inf"))).to_json()[-74:]
        '"data":"inf","grad":null,"requires_grad":true,"call":null,"source":null}]}'
        """
        import json  # noqa: PLC0415 - so that importing stays quick

        return json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Graph:
        """Return the graph that `to_json` wrote. Raises TypeError if it is not text, ValueError for any other text.

        >>> Graph.from_json(Graph(Value(2.0, name="x")).to_json())["v0"].name
        'x'
        """
        if not isinstance(text, (str, bytes, bytearray)):
            raise TypeError(f"Graph.from_json: expected text, got {text!r} of type {type(text).__name__}")
        import json  # noqa: PLC0415 - so that importing stays quick

        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"Graph.from_json: this is no JSON: {error}") from None
        return cls.from_dict(content)

    def __reduce__(self) -> tuple[Any, ...]:
        return Graph.from_json, (self.to_json(),)

    def __eq__(self, other: object) -> bool:
        """Return whether both have the same nodes, edges, scopes and folds, numbers to the last bit."""
        if not isinstance(other, Graph):
            return NotImplemented
        return self is other or self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.root, self.edges))

    # An immutable collection ----------------------------------------------------------------------------------------

    def __getitem__(self, id: str) -> Node:
        return self.nodes[self.place(id)]

    def __contains__(self, id: object) -> bool:
        """Return whether the graph has a node with this id, not inside a folded scope."""
        return isinstance(id, str) and id in self._places

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
