"""What the rules of lint look at: a graph with its gradients, and what else is known around it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple, TypeAlias

from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.evaluation import Heard, backward_pass
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.study.patterns import Normalised, normalised, operands
from micrograd_sm.study.subject import subject_of
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.result import Record


@dataclass(frozen=True)
class Mistake(Record):
    """One finding: the rule, the node's id ("" for what is not in the graph) and label, why, and the mended line.

    `harmless` says that the result is right nevertheless; `source` is the line of code, where `trace()` was on.

    >>> print(Mistake("v1", "loss", "it is nan", "loss = ...", "nan"))
    nan at loss: it is nan
      instead: loss = ...
    """

    node: str
    label: str
    reason: str
    mended: str
    rule: str = ""
    harmless: bool = False
    source: str | None = None

    def __str__(self) -> str:
        where = f" ({self.source})" if self.source else ""
        harmless = ", harmless" if self.harmless else ""
        return f"{self.rule}{harmless} at {self.label}{where}: {self.reason}\n  instead: {self.mended}"

    def _repr_html_(self) -> str:
        rule, label, reason, mended = map(escape, (self.rule, self.label, self.reason, self.mended))
        where = f" ({escape(self.source)})" if self.source else ""
        harmless = ", harmless" if self.harmless else ""
        return f"<b>{rule}</b>{harmless} at <code>{label}</code>{where}: {reason}<br>instead: <code>{mended}</code>"


class Look(NamedTuple):
    """An open graph, who uses each node, the softmaxes in it, one backward pass, and what the caller told besides.

    >>> look = look_at(Value(2.0, name="x").exp(), {}, None, {})
    >>> look.label("v0"), look.label("v1"), look.called("v1", "y")
    ('x', 'L', 'y')
    """

    graph: Graph
    ids: Mapping[int, str]
    users: Mapping[str, list[Node]]
    softmaxes: tuple[Normalised, ...]
    heard: tuple[Heard, ...]
    labels: Mapping[str, str]
    parameters: Mapping[str, Value]
    sampled_from: Any
    variables: Mapping[str, Any]

    def label(self, id: str) -> str:
        return self.labels[id]

    def called(self, id: str, otherwise: str) -> str:
        """Return what the user calls a node, or a word for what it is."""
        return self.labels[id] if self.graph[id].name else otherwise

    def mistake(self, node: Node | str, reason: str, mended: str, harmless: bool = False) -> Mistake:
        id = node if isinstance(node, str) else node.id
        return Mistake(id, self.labels[id], reason, mended, harmless=harmless)

    def origin(self, id: str) -> Node:
        """Return the node whose numbers a node shows, behind operations that only move them."""
        node = self.graph[id]
        while node.op and PRIMITIVES[node.op].kind == "moves":
            node = operands(self.graph, node)[0]
        return node

    def operands(self, node: Node | str) -> list[Node]:
        return operands(self.graph, node)


Rule: TypeAlias = Callable[[Look], Iterator[Mistake]]


def look_at(loss: Any, parameters: Mapping[str, Value], sampled_from: Any, variables: Mapping[str, Any]) -> Look:
    """Return what the rules look at; TypeError for what is no Value or Graph.

    >>> len(look_at(Value(2.0).exp(), {}, None, {}).graph)
    2
    """
    graph, ids = subject_of(loss, variables, "lint")
    graph = graph.unfold()
    passed = backward_pass(graph)
    users: dict[str, list[Node]] = defaultdict(list, {node.id: [] for node in graph})
    for edge in graph.edges:
        users[edge.source].append(graph[edge.target])
    graph = graph.with_gradients(passed.gradients)
    softmaxes = tuple(normalised(graph))
    return Look(graph, ids, dict(users), softmaxes, passed.heard, labels_of(graph), parameters, sampled_from, variables)
