"""Two graphs of the same quantity side by side, and where their values and gradients part."""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

from micrograd_sm.array import flat_of, is_foreign, namespace
from micrograd_sm.array.questions import count
from micrograd_sm.array.summary import Summary, array_of
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.computed import passed, refuse_uncomputed
from micrograd_sm.graph.evaluation import beside
from micrograd_sm.study.subject import subject_of
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import data_text, number_text
from micrograd_sm.words.result import Listing, Record, prose
from micrograd_sm.words.table import table_html, table_lines

_NEAR = 1e-6  # relative difference up to which two nodes of different structure are taken for the same quantity
_MOST_SHOWN = 40  # characters of a value in a table


@dataclass(frozen=True, eq=False)
class Match(Record):
    """A node of each graph, by id, taken for the same quantity, and how far apart they are.

    `how` says why they were matched: "root", "name", "structure" (same operation on matched operands) or "value".
    `value` and `gradient` are the largest absolute differences of an element: nan if only one of the two is nan. `gradient`
    is None if either graph has none.

    >>> x = Value(2.0, name="x")
    >>> compare(x * x, x**2.0).matches[0]
    Match(a='v0', b='v0', label='x', how='name', value=0.0, gradient=0.0)
    """

    a: str
    b: str
    label: str
    how: str
    value: float
    gradient: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Listing[Match]):
    """Two graphs node by node: what was matched, in the order of the first, and what only one of them has.

    It is true if they agree, as `close()` says; its length, index and loop are those of its matches. `a` and `b` are the
    graphs, with the gradients of a backward pass through each.

    >>> x = Value(2.0, name="x")
    >>> print(compare(x * x, x**2.0))
    2 of 2 and 3 nodes matched; values differ by at most 0, gradients by at most 0
    node a  node b  matched by  value  difference  gradient  difference
    x       x       name            2           0         4           0
    L       L       root            4           0         1           0
    only in b: v1 (2)
    """

    a: Graph
    b: Graph
    matches: tuple[Match, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]

    @property
    def worst(self) -> Match | None:
        """The first match whose value differs, else the first whose gradient does, else None.

        >>> x = Value(2.0, name="x")
        >>> compare(x * x, x**2.0).worst is None
        True
        """
        differing = [match for match in self.matches if match.value != 0]
        differing += [match for match in self.matches if match.gradient is not None and match.gradient != 0]
        return differing[0] if differing else None

    def close(self, tolerance: float = 1e-9) -> bool:
        """Return whether all matched values and gradients differ by at most `tolerance`.

        A difference is relative to the node's largest number if that is above 1. If only one graph has a gradient, it is
        not compared.

        >>> x = Value(2.0, name="x")
        >>> compare(x * x, x * x * x).close()
        False
        """
        return all(self._is_close(match, tolerance) for match in self.matches)

    def _is_close(self, match: Match, tolerance: float) -> bool:
        node = self.a[match.a]
        pairs = [(match.value, node.data)] + ([] if match.gradient is None else [(match.gradient, node.grad)])
        return all(difference <= tolerance * max(1.0, _size(data)) for difference, data in pairs)

    def verdict(self, match: Match, tolerance: float = 1e-9) -> str:
        """Return "same", "rounding" if value or gradient differ by at most `tolerance`, as in `close()`, else "differs".

        >>> x = Value(2.0, name="x")
        >>> found = compare(x * x, x * x * x)
        >>> [found.verdict(match) for match in found]
        ['differs', 'differs']
        """
        if match.value == 0 and not match.gradient:
            return "same"
        return "rounding" if self._is_close(match, tolerance) else "differs"

    def save(self, path: str | Path, titles: tuple[str, str] = ("", "")) -> Path:
        """Write both graphs side by side as a page, one HTML file that loads nothing else, and return its path.

        A step in one moves the other: steps of matched nodes are taken at once. What differs, and what only one graph has, is
        marked and listed. `titles` are the headings of the two, such as their code.

        Raises ValueError if the path does not end in .html or there are not two titles, FileNotFoundError if the folder does
        not exist, and RuntimeError, with what to install, if there is no program to lay out the pictures.

        >>> x = Value(2.0, name="x")
        >>> compare(x * x, x**2.0).save("compare.docx")
        Traceback (most recent call last):
            ...
        ValueError: save: 'compare.docx' must end in .html
        """
        from micrograd_sm.study.why.compare_page import save  # noqa: PLC0415 - it reads what is defined here

        return save(self, path, titles)

    def _items(self) -> tuple[Match, ...]:
        return self.matches

    def __bool__(self) -> bool:
        return self.close()

    def __str__(self) -> str:
        return "\n".join([self._headline(), *table_lines(self._rows(), words=3), *self._only()])

    def _repr_html_(self) -> str:
        return prose(self._headline()) + table_html(self._rows(), words=3) + prose("\n".join(self._only()))

    def _rows(self) -> list[tuple[str, ...]]:
        labels_a, labels_b = labels_of(self.a), labels_of(self.b)
        rows: list[tuple[str, ...]] = [("node a", "node b", "matched by", "value", "difference", "gradient", "difference")]
        rows += [
            (
                labels_a[match.a], labels_b[match.b], match.how, _short(self.a[match.a].data), number_text(match.value),
                _short(self.a[match.a].grad), "" if match.gradient is None else number_text(match.gradient),
            ) for match in self.matches
        ]  # fmt: skip
        return rows

    def _only(self) -> Iterator[str]:
        for side, ids, graph in (("a", self.only_a, self.a), ("b", self.only_b, self.b)):
            labels = labels_of(graph)
            if ids:
                yield f"only in {side}: {', '.join(f'{labels[id]} ({_what(graph[id])})' for id in ids)}"

    def _headline(self) -> str:
        values, gradients = ([*map(_sortable, x)] for x in ((m.value for m in self.matches),
                             (m.gradient for m in self.matches if m.gradient is not None)))  # fmt: skip
        said = f"{len(self.matches)} of {len(self.a)} and {len(self.b)} nodes matched"
        said += f"; values differ by at most {number_text(_largest(values))}"
        return said + (f", gradients by at most {number_text(_largest(gradients))}" if gradients else "")


def compare(loss_a: Value | Graph, loss_b: Value | Graph, names: Mapping[str, Any] | None = None) -> Comparison:
    """Return two graphs of the same quantity side by side, with the differences in value and gradient of each pair of nodes.

    The roots are one pair. Other nodes are matched in three rounds: leaves and intermediates of the same name and shape;
    then nodes of the same operation and parameters whose operands are matched in order; then what is left, first to first,
    where shapes are equal and values agree to 1e-6 relative. A node is matched once. Gradients are those of a backward
    pass through each graph; no `.grad` changes. Folded graphs compare as they are folded: `compare(Graph(a), Graph(b).fold())`.

    Raises TypeError if it is not a Value or Graph, ValueError if the shapes of the roots differ.

    >>> x = Value([1000.0, 0.0], name="x")
    >>> naive, shifted = x.exp() / x.exp().sum(), x.softmax(dim=0)
    >>> print(compare(naive.sum(), shifted.sum()).worst)
    Match(a='v5', b='v6', label='L', how='root', value=nan, gradient=0.0)
    """
    variables = sys._getframe(1).f_locals if names is None else names
    a, b = (_with_gradients(subject_of(loss, variables, "compare").graph) for loss in (loss_a, loss_b))
    if a[a.root].shape != b[b.root].shape:
        raise ValueError(f"compare: one root has shape {a[a.root].shape}, the other {b[b.root].shape}; they are not the same")
    pairs = _Pairs(a, b)
    labels = labels_of(a)
    matches = tuple(_match(a, b, labels[id], id, *pairs.found[id]) for id in sorted(pairs.found, key=a.place))
    only_b = tuple(node.id for node in b if node.id not in pairs.taken)
    return Comparison(a, b, matches, tuple(node.id for node in a if node.id not in pairs.found), only_b)


class _Pairs:
    """Finds for nodes of a the nodes of b that compute the same: `found[id in a]` is the id in b, and how it was found."""

    def __init__(self, a: Graph, b: Graph) -> None:
        self.a, self.b = a, b
        self.found: dict[str, tuple[str, str]] = {}
        self.taken: set[str] = set()
        self._pair(a.root, b.root, "root")
        for key, how in ((_named, "name"), (self._structure, "structure")):
            self._round(key, how)
        for node in a:
            self._by_value(node)

    def _pair(self, one: str, other: str, how: str) -> None:
        self.found[one] = other, how
        self.taken.add(other)

    def _round(self, key: Any, how: str) -> None:
        """Pair nodes of the same key, in creation order; a's operands come before what is made of them."""
        places: dict[Any, list[str]] = defaultdict(list)
        keyed: dict[str, Any] = {}
        for node in self.b:
            keyed[node.id] = key(node, False)
            places[keyed[node.id]].append(node.id)
        for node in self.a:
            wanted = None if node.id in self.found else key(node, True)
            free = (id for id in places.get(wanted, ()) if id not in self.taken)
            other = next(islice(free, 1), None) if wanted is not None else None
            if other is not None:
                self._pair(node.id, other, how)

    def _structure(self, node: Node, of_a: bool) -> Any:
        """Return what a node does, and to which nodes of b; an operand of a without a match is None, which no node of b is."""
        if node.op is None:
            return (None, node.kind, node.shape, data_text(node.data)) if node.kind == "constant" else None
        ids = [edge.source for edge in (self.a if of_a else self.b).operand_edges(node.id)]
        matched = [self.found.get(id, (None,))[0] for id in ids] if of_a else ids
        return (node.op, repr(sorted(node.params.items())), *matched)

    def _by_value(self, node: Node) -> None:
        if node.id in self.found or node.op is None:
            return
        for other in self.b:
            if other.id not in self.taken and other.op is not None and _near(node, other):
                self._pair(node.id, other.id, "value")
                return


def _named(node: Node, of_a: bool) -> Any:
    return (node.name, node.shape, node.op is None) if node.name else None


def _with_gradients(graph: Graph) -> Graph:
    refuse_uncomputed(graph, "compare")
    return cast("Graph", passed(graph)[0])


def _near(a: Node, b: Node) -> bool:
    if a.shape != b.shape:
        return False
    return count(_is_near, a.data, b.data) == math.prod(a.shape)


def _is_near(x: Any, y: Any) -> Any:
    apart = abs(x - y)
    close = (apart <= _NEAR * abs(x)) | (apart <= _NEAR * abs(y))
    return (x == y) | (close & (apart < math.inf)) | ((x != x) & (y != y))


def _match(a: Graph, b: Graph, label: str, one: str, other: str, how: str) -> Match:
    x, y = a[one], b[other]
    gradient = None if x.grad is None or y.grad is None else _difference(x.grad, y.grad)
    return Match(one, other, label, how, _difference(x.data, y.data), gradient)


def _difference(x: Any, y: Any) -> float:
    """Return the largest absolute difference; equal infinities, and nan against nan, do not differ."""
    if Summary in (type(x), type(y)):
        return _largest_difference(array_of(x), array_of(y))
    apart = [0.0 if p == q or (p != p and q != q) else abs(p - q) for p, q in zip(flat_of(x), flat_of(y), strict=True)]
    return max(apart, key=_sortable, default=0.0)


def _largest_difference(x: Any, y: Any) -> float:
    xp, large = namespace(x, y), x if is_foreign(x) else y
    x, y = beside(x, large), beside(y, large)
    apart = xp.where((x == y) | ((x != x) & (y != y)), xp.full(0.0, (), large), abs(x - y))
    return float(xp.library.max(apart))  # nan, if there is one


def _size(data: Any) -> float:
    """Return the largest size of a finite element."""
    if type(data) is Summary:
        return max(map(abs, data.ends), default=0.0)
    return max((abs(x) for x in flat_of(data) if math.isfinite(x)), default=0.0)


def _sortable(x: float) -> tuple[bool, float]:
    return (True, 0.0) if x != x else (False, x)


def _largest(sizes: list[tuple[bool, float]]) -> float:
    missing, size = max(sizes)
    return math.nan if missing else size


def _what(node: Node) -> str:
    return node.op or number_text(node.data) if not node.shape or node.op else f"{node.kind} of shape {node.shape}"


def _short(data: Any) -> str:
    if data is None:
        return ""
    text = data_text(data)
    return text if len(text) <= _MOST_SHOWN else f"shape {data.shape}"
