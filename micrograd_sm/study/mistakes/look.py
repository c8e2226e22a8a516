"""What the rules of lint look at: a graph with its gradients, and what else is known around it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple, TypeAlias

from micrograd_sm.array.questions import ends_of
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.computed import passed, refuse_uncomputed
from micrograd_sm.graph.evaluation import Heard
from micrograd_sm.graph.patterns import Normalised, normalised, operands
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.study.subject import subject_of
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.result import Record


@dataclass(frozen=True)
class Mistake(Record):
    """One finding: the rule, the node's id ("" if it is not in the graph) and label, the reason, and the mended line.

    `harmless` says that it is a hint: the result is right nevertheless, or may be meant so. `source` is the line of code if
    `trace()` was on.

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

    @property
    def grade(self) -> str:
        """Return "mistake", or "hint" for what is harmless or may be meant so.

        >>> Mistake("v1", "loss", "it is nan", "loss = ...").grade
        'mistake'
        """
        return "hint" if self.harmless else "mistake"

    def to_dict(self) -> dict[str, Any]:
        return super().to_dict() | {"grade": self.grade}

    def __str__(self) -> str:
        return self._said("{0}{1} at {2}{3}: {4}\n  instead: {5}")

    def _repr_html_(self) -> str:
        return self._said("<b>{0}</b>{1} at <code>{2}</code>{3}: {4}<br>instead: <code>{5}</code>", escape)

    def _said(self, form: str, quoted: Callable[[str], str] = str) -> str:
        where, hint = f" ({self.source})" if self.source else "", ", hint" if self.harmless else ""
        return form.format(*map(quoted, (self.rule, hint, self.label, where, self.reason, self.mended)))


Parameters: TypeAlias = tuple[tuple[str, Value], ...]


class Look(NamedTuple):
    """An open graph with the users of each node, its softmaxes, a backward pass, and lint's other arguments."""

    graph: Graph
    ids: Mapping[int, str]
    users: Mapping[str, list[Node]]
    softmaxes: tuple[Normalised, ...]
    normalised: Mapping[str, Normalised]  # by the id of their results
    heard: tuple[Heard, ...]
    labels: Mapping[str, str]
    parameters: Parameters
    sampled_from: Any
    variables: Mapping[str, Any]
    held: Mapping[str, Any]  # what `.grad` held, by id

    def called(self, id: str, otherwise: str) -> str:
        """Return the label of a node that has a name, as code, else the other word."""
        return re.sub(r"\.(\d+)", r"[\1]", self.labels[id]) if self.graph[id].name else otherwise  # net[0].weight

    def mistake(self, node: Node | str, reason: str, mended: str, harmless: bool = False) -> Mistake:
        id = node if isinstance(node, str) else node.id
        return Mistake(id, self.labels[id], reason, mended, harmless=harmless)

    def origin(self, id: str) -> Node:
        """Return the node whose elements a node holds, before operations that only move elements."""
        node = self.graph[id]
        while node.op and PRIMITIVES[node.op].kind == "moves":
            node = operands(self.graph, node)[0]
        return node

    def moves(self, id: str) -> str:
        """Return as code how the elements of `origin(id)` were moved to where they are, such as ".permute(0, 2, 1)"."""
        text, node = "", self.graph[id]
        while node.op in _MOVES:
            text = f".{node.op}({', '.join(map(str, node.params[_MOVES[node.op]]))}){text}"
            node = operands(self.graph, node)[0]
        return text

    def operands(self, node: Node | str) -> list[Node]:
        return operands(self.graph, node)

    def nodes(self, *ops: str) -> Iterator[Node]:
        """Yield the nodes of these operations."""
        return (node for node in self.graph if node.op in ops)

    def target_choices(self) -> Iterator[Node]:
        """Yield the nodes that pick the elements of the targets."""
        return (node for node in self.nodes("index") if node.params["key"] == "target")

    def binary_logits(self) -> Iterator[Node]:
        """Yield what binary_cross_entropy_with_logits was given, each once."""
        name = "binary_cross_entropy_with_logits"
        seen = set()
        for node in self.nodes("negative"):
            (operand,) = self.operands(node)
            if node.scope.split("/")[-1] == name and name not in operand.scope.split("/") and operand.id not in seen:
                seen.add(operand.id)
                yield operand

    def is_number(self, node: Node) -> bool:
        """Whether a node is a constant, all elements of which are equal."""
        ends = ends_of(node.data) if node.kind == "constant" else []
        return bool(ends) and ends[0] == ends[1]


_MOVES = {"reshape": "shape", "permute": "order"}  # with the parameter that says how
Rule: TypeAlias = Callable[[Look], Iterator[Mistake]]


def dim_text(found: Normalised) -> str:
    return f"dim={found.axis[0] if len(found.axis) == 1 else found.axis}"


def look_at(loss: Any, sampled_from: Any, variables: Mapping[str, Any]) -> Look:
    """Return what the rules look at. Raises TypeError if the loss is not a Value or a Graph."""
    graph, ids = subject_of(loss, variables, "lint")
    graph = graph.unfold()
    refuse_uncomputed(graph, "lint")
    users: dict[str, list[Node]] = defaultdict(list, {node.id: [] for node in graph})
    for edge in graph.edges:
        users[edge.source].append(graph[edge.target])
    held = {node.id: node.grad for node in graph if node.grad is not None}
    graph, heard, held = passed(graph, None, held)
    softmaxes = tuple(normalised(graph))
    by_result = {found.out: found for found in softmaxes}
    return Look(graph, ids, dict(users), softmaxes, by_result, heard, labels_of(graph), (), sampled_from, variables, held)
