"""The ledger of a gradient: every path from a loss to what it depends on, and what each one contributes.

The derivative of a loss is a sum over paths, and each path's share is the product of the local derivatives along it. There can
be more paths than atoms, so none is walked: a node's count is the sum of those of the nodes it is used by, and the k largest
products to a node are among the k largest to those.
"""

from __future__ import annotations

import heapq
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from micrograd_sm.array import Array, flat_of
from micrograd_sm.array.indexing import locate
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.computed import with_each_number
from micrograd_sm.graph.evaluation import backward_pass, dependents
from micrograd_sm.study.subject import check_loss, subject_of
from micrograd_sm.study.why.elements import slopes
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import data_text, number_text
from micrograd_sm.words.result import Listing, Record, prose
from micrograd_sm.words.table import table_html

MOST_EDGES = 1_000_000  # between elements of tensors
_MOST_FACTORS = 8  # of a path that are written out


@dataclass(frozen=True, eq=False)
class Path(Record):
    """One path from the loss to what it depends on, and what it contributes.

    `nodes` are ids, and `places` says which element of each, () for a number. `factors` are the local derivatives
    between them, and `product` is theirs. `labels` are what the nodes are called.

    >>> x = Value(3.0, name="x")
    >>> print(paths(x * x, x).largest[0])
    L -> x: 3
    """

    nodes: tuple[str, ...]
    places: tuple[tuple[int, ...], ...]
    labels: tuple[str, ...]
    factors: tuple[float, ...]
    product: float

    def __str__(self) -> str:
        route, factors, whole = self.parts()
        return f"{route}: {factors} = {whole}" if factors else f"{route}: {whole}"

    def parts(self) -> tuple[str, str, str]:
        """Return the path as text in three parts: the nodes, the factors if there are several, and their product.

        >>> x = Value(3.0, name="x")
        >>> paths((x * x).exp() * 0.0, x)[0].parts()
        ('L -> v2 -> v1 -> x', '0 * 8103.1 * 3', '0')
        """
        names = [f"{label}{list(place) if place else ''}" for label, place in zip(self.labels, self.places)]
        told = self.factors if len(self.factors) <= _MOST_FACTORS else [x for x in self.factors if x != 1]
        factors = [f"({number_text(x)})" if x < 0 and k else number_text(x) for k, x in enumerate(told)]
        numbers = " * ".join(_shortened(factors)) if len(factors) > 1 else ""
        return " -> ".join(_shortened(names)), numbers, number_text(self.product)


@dataclass(frozen=True, eq=False, repr=False)
class Paths(Listing[Path]):
    """The paths from a loss to a node: how many, the largest, and the gradient that all of them add up to.

    Its length, index and loop are those of `largest`, the paths that are listed, as no list could hold 2^60 of them;
    `total` counts all. It is false if no path leads there.

    >>> x = Value(3.0, name="x")
    >>> print(paths(x * x + x, x))
    3 paths from L to x; their products add up to dL/dx = 7
      L -> v1 -> x: 1 * 3 = 3
      L -> v1 -> x: 1 * 3 = 3
      L -> x: 1
    """

    root: str
    x: str
    total: int
    largest: tuple[Path, ...]
    gradient: Any

    def _items(self) -> tuple[Path, ...]:
        return self.largest

    def __str__(self) -> str:
        return "\n".join([self._headline(), *(f"  {path}" for path in self.largest)])

    def _repr_html_(self) -> str:
        rows = [("path", "local derivatives", "product"), *(path.parts() for path in self.largest)]
        return prose(self._headline()) + table_html(rows, words=1)

    def _headline(self) -> str:
        shown = self.largest
        head = f"{self.total:,} path{'' if self.total == 1 else 's'} from {self.root} to {self.x}"
        number = isinstance(self.gradient, float)
        whole = f"d{self.root}/d{self.x} = {data_text(self.gradient)}"
        part = ""
        if len(shown) < self.total and number:
            part = f"; the {len(shown)} largest add up to {number_text(math.fsum(path.product for path in shown))}"
        return f"{head}{part}; their products add up to {whole}" if not part else f"{head}{part}, all of them to {whole}"


def paths(
    loss: Value | Graph, x: Value | str, k: int = 10, at: Any = None, depth: int | None = None,
    names: Mapping[str, Any] | None = None,
) -> Paths:  # fmt: skip
    """Return how many paths lead from a loss to x, the k whose products are largest in size, and the gradient they sum to.

    `x` is a Value of the graph, or a node's name or id. The paths of a tensor lead through its elements: each path to
    one of them, or to those that the index `at` picks. Between elements of an operation that mixes them, such as a sum or a
    matrix product, only derivatives other than 0 are edges; between numbers every operand is one. `depth` folds scopes first,
    as Graph.fold does. Of equally large products the first found come first; infinite ones and nan come before all others.

    No path is walked: 2^60 of them take no longer than 60 nodes do. Raises TypeError or ValueError if it is not a loss, no
    node of it, or no k above 0, and for more than a million edges between elements.

    >>> x = Value(1.0, name="x")
    >>> y = x
    >>> for _ in range(60):
    ...     y = y + y
    >>> paths(y, x, k=1).total == 2**60
    True
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ValueError(f"paths: k must be an int above 0, got {k!r}")
    subject = subject_of(loss, sys._getframe(1).f_locals if names is None else names, "paths")
    if depth is not None:
        subject = subject._replace(graph=subject.graph.fold(depth=depth))
    graph, node = subject.graph, subject.node(x, "paths")
    root = check_loss(graph, "paths")
    graph = with_each_number(graph, "paths")
    if not node.requires_grad:
        raise ValueError(f"paths: {node.name or node.id} requires no gradient, so no path is followed to it")
    places, shape = (range(math.prod(node.shape)), node.shape) if at is None else locate(at, node.shape)
    gradient = backward_pass(graph).gradients[node.id]
    flat = flat_of(gradient)
    ledger = _Ledger(graph, node, k)
    ends = [(node.id, place) for place in places]
    labels = labels_of(graph)
    return Paths(
        labels[root.id],
        labels[node.id] + ("" if at is None else str(list(at) if isinstance(at, tuple) else [at])),
        sum(ledger.counts[end] for end in ends),
        tuple(ledger.path(entry, labels) for entry in heapq.nlargest(k, ledger.entries(ends), key=_size)),
        Array.of([flat[place] for place in places], shape),
    )


class _Entry(NamedTuple):
    """A path to one element: its product as a mantissa and an exponent, so that long ones neither overflow nor vanish."""

    end: tuple[str, int]
    mantissa: float
    exponent: int
    factor: float
    before: _Entry | None


def _size(entry: _Entry) -> tuple[int, int, float]:
    mantissa = abs(entry.mantissa)
    if mantissa == 0:
        return 0, 0, 0.0
    return (1, entry.exponent, mantissa) if mantissa < math.inf else (2 if mantissa == math.inf else 3, 0, 0.0)


class _Ledger:
    """Counts and largest products of the paths to every element that lies between the root and x."""

    def __init__(self, graph: Graph, x: Node, k: int) -> None:
        self.graph, self.k = graph, k
        self.counts: dict[tuple[str, int], int] = defaultdict(int)
        self.best: dict[tuple[str, int], list[_Entry]] = defaultdict(list)
        self.edges = 0
        start = (graph.root, 0)
        self.counts[start] = 1
        self.best[start] = [_Entry(start, 0.5, 1, 1.0, None)]
        between = set(dependents(graph, x.id))
        for node in reversed(graph.nodes):
            if node.id in between and node.id != x.id:
                self._pass_on(node, between)

    def _pass_on(self, node: Node, between: set[str]) -> None:
        self._settle(node)
        for edge in self.graph.operand_edges(node.id):
            if edge.source in between:
                for row, column, slope in slopes(self.graph, edge):
                    self._follow((node.id, row), (edge.source, column), slope)

    def _follow(self, target: tuple[str, int], source: tuple[str, int], slope: float) -> None:
        self.edges += 1
        if self.edges > MOST_EDGES:
            raise ValueError(f"paths: more than {MOST_EDGES:,} edges between elements; take a smaller batch, or fold scopes")
        if self.counts[target]:
            self.counts[source] += self.counts[target]
            self.best[source] += [_longer(entry, source, slope) for entry in self.best[target]]

    def _settle(self, node: Node) -> None:
        for place in range(math.prod(node.shape)):
            self.best[node.id, place] = heapq.nlargest(self.k, self.best[node.id, place], key=_size)

    def entries(self, ends: list[tuple[str, int]]) -> Iterator[_Entry]:
        return (entry for end in ends for entry in self.best[end])

    def path(self, entry: _Entry, labels: Mapping[str, str]) -> Path:
        try:
            whole = math.ldexp(entry.mantissa, entry.exponent)
        except OverflowError:
            whole = math.copysign(math.inf, entry.mantissa)
        ends, factors = [entry.end], [entry.factor]
        while entry.before is not None:
            entry = entry.before
            ends.append(entry.end)
            factors.append(entry.factor)
        ids = tuple(id for id, _ in reversed(ends))
        places = tuple(self._place(id, place) for id, place in reversed(ends))
        return Path(ids, places, tuple(labels[id] for id in ids), tuple(reversed(factors[:-1])), whole)

    def _place(self, id: str, place: int) -> tuple[int, ...]:
        return list(product(*map(range, self.graph[id].shape)))[place]


def _longer(entry: _Entry, end: tuple[str, int], slope: float) -> _Entry:
    (m, e), (n, f) = math.frexp(entry.mantissa), math.frexp(slope)
    mantissa, shift = math.frexp(m * n)
    return _Entry(end, mantissa, entry.exponent + e + f + shift, slope, entry)


def _shortened(parts: list[str]) -> list[str]:
    kept = _MOST_FACTORS // 2
    return parts if len(parts) <= _MOST_FACTORS else [*parts[:kept], f"... {len(parts) - 2 * kept} more ...", *parts[-kept:]]
