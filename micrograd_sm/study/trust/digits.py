"""`digits(loss)`: how many correct digits each value and gradient kept, against the same graph in 60-digit decimals."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any, NamedTuple

from micrograd_sm.array import Array
from micrograd_sm.array.storage import ones_like
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.computed import with_each_number
from micrograd_sm.graph.evaluation import Heard, Pass, backward_pass, evaluated
from micrograd_sm.study.subject import refuse_opaque, subject_of
from micrograd_sm.study.trust.decimals import Exact, exact, working
from micrograd_sm.study.trust.lost import ALL, LOSS, Finder, Kept, NodeDigits, fewest, largest
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import data_text
from micrograd_sm.words.plain import plain
from micrograd_sm.words.result import Listing, prose
from micrograd_sm.words.table import table_html, table_lines

_GUARD = 30  # more digits in a second evaluation; a number that changes then is rounding, and counts as 0
_AGREED = Decimal("1e-3")  # relative difference of the two evaluations
_MOST_SHOWN = 32  # characters of a value in a table
_MOST_LISTED = 12


@dataclass(frozen=True, eq=False, repr=False)
class Digits(Listing[NodeDigits]):
    """The digits of every node of a graph, in creation order, and where they went; true if root and gradients kept them.

    To keep them is to lose less than 3 of 16. `value` has the digits of the root. `lost_at` is the id of the node that lost
    them, None if they were kept; `gradient_lost_at` is the same for the gradients of the leaves. A loss that changes nothing
    after it is marked in the table only. Length and loop are those of the nodes; an index is a position, or a node's name,
    label or id.

    >>> x = Value([1000.0, 0.0], name="x")
    >>> naive = (x.exp() / x.exp().sum())[0]
    >>> print(digits(naive))
    naive kept 0 of 16 digits; they went at v1, where exp overflowed: inf instead of 1.970e434
    node   operation  value      digits  gradient's digits
    x      leaf       [1000, 0]     all                  0
    v1     exp        [inf, 1]        0                all  <- exp overflowed: inf instead of 1.970e434
    v2     exp        [inf, 1]        0                  0  <- exp overflowed: inf instead of 1.970e434
    v3     sum        inf             0                  0
    v4     divide     [nan, 0]        0                all
    naive  index      nan             0                all
    """

    graph: Graph
    nodes: tuple[NodeDigits, ...]
    value: float
    lost_at: str | None
    gradient_lost_at: str | None
    precision: int

    def _items(self) -> tuple[NodeDigits, ...]:
        return self.nodes

    def __getitem__(self, key: int | str) -> NodeDigits:
        """Return the digits of a node; KeyError for a name that no node has, or several."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        found = self._called(key)
        if len(found) == 1:
            return found[0]
        if found:
            raise KeyError(f"digits: {len(found)} nodes are called {key!r}: take one of {_listed(found)}")
        raise KeyError(f"digits: no node is called {key!r}; there are {_listed(self.nodes)}")

    def _called(self, key: str) -> list[NodeDigits]:
        if key in self.graph:
            return [self.nodes[self.graph.place(key)]]
        labelled = [entry for entry in self.nodes if entry.label == key]
        return labelled or [entry for node, entry in zip(self.graph, self.nodes, strict=True) if node.name == key]

    def __contains__(self, x: object) -> bool:
        return bool(self._called(x)) if isinstance(x, str) else x in self.nodes

    def __bool__(self) -> bool:
        return min(self.value, ALL if self.gradient is None else self.gradient) > ALL - LOSS

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.graph == other.graph  # type: ignore[attr-defined]

    __hash__: Any = None

    @property
    def gradient(self) -> float | None:
        """The fewest digits of a leaf's gradient, None if no leaf requires a gradient."""
        pairs = zip(self.graph, self.nodes, strict=True)
        leaves = (entry.gradient for node, entry in pairs if node.kind == "leaf" and entry.gradient is not None)
        return min(leaves, default=None)

    @property
    def sentence(self) -> str:
        """One sentence on what was kept and where the rest went."""
        said = self._kept()
        if self.lost_at is not None:
            return f"{said}; they went at {self._value_went(self.lost_at)}"
        if self.gradient is None:
            return said
        if self.gradient > ALL - LOSS:
            alike = self.gradient == self.value
            return said + (", and so did the gradients" if alike else f", the gradients {_counted(self.gradient)}")
        return f"{said}, but a gradient {_counted(self.gradient)}; they went at {self._gradient_went()}"

    def _kept(self) -> str:
        return f"{labels_of(self.graph)[self.graph.root]} kept {_counted(self.value)}"

    def _value_went(self, id: str) -> str:
        return f"{self[id].label}, where {self[id].op} {self[id].lost or 'rounded'}"

    def _gradient_went(self) -> str:
        if self.gradient_lost_at is None:
            return "no one node"
        node = self[self.gradient_lost_at]
        return self._value_went(node.id) if node.lost_gradient is None else f"{node.label}, whose gradient {node.lost_gradient}"

    def __str__(self) -> str:
        return "\n".join([self.sentence, *table_lines(self._rows(), words=3, remarks=1)])

    def _repr_html_(self) -> str:
        return prose(self.sentence) + table_html(self._rows(), words=3, remarks=1)

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("node", "operation", "value", "digits", "gradient's digits", "")]
        for node, entry in zip(self.graph, self.nodes, strict=True):
            kept = _digits_text(entry.value), _digits_text(entry.gradient)
            rows.append((entry.label, entry.op or node.kind, _short(node.data), *kept, _mark(entry)))
        return rows

    def beside(self, *others: Digits) -> str:
        """Return this and other results side by side: their nodes with the digits of value and gradient, losses marked."""
        columns = [result._column() for result in (self, *others)]
        widths = [max(map(len, column)) for column in columns]
        rows = ([line.ljust(width) for line, width in zip(row, widths)] for row in zip_longest(*columns, fillvalue=""))
        return "\n".join(" | ".join(row).rstrip() for row in rows)

    def _column(self) -> list[str]:
        rows = [("node", "operation", "digits", "gradient's", "")]
        for node in self.nodes:
            went = "<- here" if node.id in (self.lost_at, self.gradient_lost_at) else ""
            rows.append((node.label, node.op or "leaf", _digits_text(node.value), _digits_text(node.gradient), went))
        return [self._kept(), *table_lines(rows, words=2, remarks=1)]

    def to_dict(self) -> dict[str, Any]:
        return {"precision": self.precision, "value": self.value, "gradient": self.gradient, "lost_at": self.lost_at,
                "gradient_lost_at": self.gradient_lost_at, "sentence": self.sentence, "nodes": plain(self.nodes)}  # fmt: skip


def digits(loss: Value | Graph, names: Mapping[str, Any] | None = None, precision: int = 60) -> Digits:
    """Evaluate a graph and its backward pass again in 60-digit decimals; return the correct digits of each node.

    The leaves are exact. Every other node is compared with the exact value of the whole computation up to it, so it includes
    what its operands lost. Digits are -log10 of the relative error of an element, at most 16; the fewest of a node's elements
    count. A number that overflows, underflows to 0 or becomes nan has none; inf and nan have all if the exact value is the
    same. In the root and in gradients, the double nearest to the exact value has all. An exact 0 is compared with the largest
    operand, or upstream gradient, that it came from. No `.grad` changes; the gradient of a tensor is that of its sum.

    A number that 60 digits cannot tell from 0, such as 1e-70 in log(1 + 1e-70), counts as 0; a higher `precision` sees more.
    Names are found as Graph finds them. Raises TypeError if `loss` is neither a Value nor a Graph, ValueError for a precision
    below 40.

    >>> x = Value([100.0, 0.0], name="x")
    >>> print(digits(-x.softmax(dim=0)[0].log()).sentence)
    L kept 0 of 16 digits; they went at v7, where log took a number so near 1 that its digits were rounded away: 0 instead of \
-3.720e-44
    """
    if isinstance(precision, bool) or not isinstance(precision, int) or precision < 40:
        raise ValueError(f"digits: precision must be an int of at least 40 digits, got {precision!r}")
    graph = subject_of(loss, sys._getframe(1).f_locals if names is None else names, "digits").graph.unfold()
    refuse_opaque(graph, "digits")
    graph = with_each_number(graph, "digits")
    passed = backward_pass(graph)
    with working(precision + _GUARD):
        right = _agreed(_evaluated(graph, precision), _evaluated(graph, precision + _GUARD))
        values = {node.id: _value_kept(graph, right.values, node) for node in graph}
        gradients = _gradients_kept(right, passed)
        root = values[graph.root] = fewest(graph[graph.root].data, right.values[graph.root], Decimal(0), nearest=True)
    graph = graph.with_gradients(passed.gradients)
    found = Finder(graph, values, gradients)
    lost_at = found.value_went(graph.root) if root.digits <= ALL - LOSS else None
    return Digits(graph, found.nodes(), root.digits, lost_at, found.gradient_went(), precision)


class _Right(NamedTuple):
    """A graph in decimals: the values and the gradients of its nodes, by id, and all contributions."""

    values: Mapping[str, Exact]
    gradients: Mapping[str, Exact]
    heard: tuple[Heard, ...]


def _evaluated(graph: Graph, precision: int) -> _Right:
    with working(precision):
        values = evaluated(graph, {node.id: exact(node.data) for node in graph if node.op is None})
        return _Right(values, *backward_pass(graph, exact(ones_like(graph[graph.root].data)), values))


def _agreed(one: _Right, other: _Right) -> _Right:
    """Return the second of two evaluations, with 0 for each number on which they do not agree."""
    values = {id: _same(one.values[id], value) for id, value in other.values.items()}
    gradients = {id: _same(one.gradients[id], gradient) for id, gradient in other.gradients.items()}
    return _Right(values, gradients, other.heard)


def _same(one: Exact, other: Exact) -> Exact:
    pairs = zip(one.flat, other.flat, strict=True)
    flat = [y if not (x.is_finite() and y.is_finite()) or abs(x - y) <= _AGREED * abs(y) else Decimal(0) for x, y in pairs]
    return Exact(Array.of(flat, other.shape, Decimal))


def _value_kept(graph: Graph, right: Mapping[str, Exact], node: Node) -> Kept:
    scale = max((largest(right[edge.source]) for edge in graph.operand_edges(node.id)), default=Decimal(0))
    return fewest(node.data, right[node.id], scale)


def _gradients_kept(right: _Right, passed: Pass) -> dict[str, Kept]:
    scales: dict[str, Decimal] = {}
    for contribution in right.heard:
        edge = contribution.edge
        came_from = max(largest(contribution.amount), largest(right.gradients[edge.target]))
        scales[edge.source] = max(came_from, scales.get(edge.source, Decimal(0)))
    return {
        id: fewest(gradient, right.gradients[id], scales.get(id, Decimal(0)), nearest=True)
        for id, gradient in passed.gradients.items()
    }


def _counted(kept: float) -> str:
    return "all 16 digits" if kept >= ALL else f"{_digits_text(kept)} of 16 digits"


def _digits_text(kept: float | None) -> str:
    if kept is None:
        return ""
    return "all" if kept >= ALL else "0" if kept < 0.1 else f"{math.floor(kept * 10) / 10:.1f}"


def _mark(node: NodeDigits) -> str:
    marks = [f"{node.op} {node.lost}"] if node.lost else []
    marks += [f"its gradient {node.lost_gradient}"] if node.lost_gradient else []
    return f"<- {'; '.join(marks)}" if marks else ""


def _short(data: Any) -> str:
    text = data_text(data)
    return text if len(text) <= _MOST_SHOWN else f"shape {data.shape}"


def _listed(nodes: Sequence[NodeDigits]) -> str:
    shown = ", ".join(node.label if node.label == node.id else f"{node.label} ({node.id})" for node in nodes[:_MOST_LISTED])
    return shown + (f" and {len(nodes) - _MOST_LISTED} more" if len(nodes) > _MOST_LISTED else "")
