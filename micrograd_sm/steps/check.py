"""The final gradients of a pass against central differences, so that what was recorded is known to be right.

A node's number is moved a little up and a little down, all that depends on it is computed again from the graph alone, and
the difference of the two results is divided by the distance. Nothing of the user's Values is touched.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from micrograd_sm.array import Array, flat_of
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.differences import Verdict, slope_verdict
from micrograd_sm.graph.evaluation import compute, dependents, recipes
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import number_text
from micrograd_sm.words.plain import plain
from micrograd_sm.words.result import Listing, Record
from micrograd_sm.words.text import bracketed

MOST_ELEMENTS = 16  # of each array, evenly spread
MOST_WORK = 3_000_000  # operations on a number that may be repeated, about; beyond it fewer elements, evenly spread
TOLERANCE = 1e-5  # relative


@dataclass(frozen=True, eq=False)
class Compared(Record):
    """One element of one node's gradient: `found` by the pass, `expected` from central differences.

    `index` is () for a number; `label` is what formulas call the node, and `users` the operations that contributed.
    """

    node: Node
    label: str
    index: tuple[int, ...]
    expected: float
    found: float
    users: tuple[str, ...] = ()

    @property
    def difference(self) -> float:
        """How far the two lie apart.

        >>> from micrograd_sm import Graph, Value
        >>> Compared(Graph(Value(1.0))["v0"], "x", (), 3.0, 2.5).difference
        0.5
        """
        return abs(self.expected - self.found)

    @property
    def place(self) -> str:
        """The node and the element: `x` or `x[0, 2]`.

        >>> from micrograd_sm import Graph, Value
        >>> Compared(Graph(Value([1.0]))["v0"], "x", (0,), 3.0, 2.5).place
        'x[0]'
        """
        return bracketed(self.label) + (f"[{', '.join(map(str, self.index))}]" if self.index else "")

    def to_dict(self) -> dict[str, Any]:
        """Return the element as plain data, with the id of its node.

        >>> from micrograd_sm import Graph, Value
        >>> Compared(Graph(Value(1.0))["v0"], "x", (), 3.0, 2.5).to_dict()["node"]
        'v0'
        """
        return plain({**vars(self), "node": self.node.id})


@dataclass(frozen=True, eq=False, repr=False)
class Check(Listing[Compared]):
    """What a check found; true when no gradient differs. The parts are in the order of the backward pass.

    `differ` are the failures; the length, index and loop of a check are theirs, so one of length 0 is true. `kinks` lie where
    the function has none or several slopes (a tie of max, relu at 0), the gradient being one of those between, or pass on
    through such points, as in relu(x) - relu(-x) at 0; `unknown` where central differences have no finite answer, or rounding
    hides it. `checked` elements of `elements` were looked at.

    >>> from micrograd_sm import Value, steps
    >>> x = Value(3.0, name="x")
    >>> check = steps(x.relu() + (x - 3.0).relu()).check()
    >>> bool(check), check.first, [one.place for one in check.kinks]
    (True, None, ['v3', 'x'])
    """

    differ: tuple[Compared, ...]
    kinks: tuple[Compared, ...]
    unknown: tuple[Compared, ...]
    checked: int
    elements: int

    @property
    def first(self) -> Compared | None:
        """The first element that differs, going backward: what contributed to it is where to look. None if none does.

        >>> from micrograd_sm import Value, steps
        >>> steps(Value(2.0).exp()).check().first is None
        True
        """
        return self.differ[0] if self.differ else None

    def _items(self) -> tuple[Compared, ...]:
        return self.differ

    def __bool__(self) -> bool:
        return not self.differ

    def to_dict(self) -> dict[str, Any]:
        """Return the check as plain data.

        >>> from micrograd_sm import Value, steps
        >>> steps(Value(2.0).exp()).check().to_dict()["agrees"]
        True
        """
        return {"agrees": bool(self), **super().to_dict()}

    def __str__(self) -> str:
        looked_at = f"{self.checked} of {self.elements}" if self.checked < self.elements else f"all {self.elements}"
        lines = []
        if self.first is None:
            lines.append(f"agrees with central differences: {looked_at} elements of the gradients checked")
        else:
            lines.append(f"{len(self.differ)} of {self.checked} elements differ from central differences; the first is")
            lines.append(f"  {_said(self.first)}")
            if self.first.users:
                lines.append(f"  what contributes to it: {', '.join(self.first.users)}")
        lines += [f"not smooth at {_said(one)}" for one in self.kinks[:3]]
        lines += [f"{_why_unknown(one)} at {_said(one)}" for one in self.unknown[:3]]
        more = len(self.kinks[3:]) + len(self.unknown[3:])
        return "\n".join([*lines, f"and {more} more such points"] if more else lines)


def _said(one: Compared) -> str:
    return f"{one.place}: {number_text(one.found)} in the pass, {number_text(one.expected)} by central differences"


def _why_unknown(one: Compared) -> str:
    return "rounding hides the slope" if math.isfinite(one.expected) else "no finite difference"


def check(graph: Graph, seed: Any) -> Check:
    """Compare the gradients that a graph holds, those of seed * root, with central differences; of folds, the inside."""
    graph = graph.unfold()
    objective, labels = _Objective(graph, seed), labels_of(graph)
    nodes = [node for node in reversed(graph.nodes) if node.grad is not None]
    elements = sum(math.prod(node.shape) for node in nodes)
    found: dict[str, list[Compared]] = {"differs": [], "kink": [], "unknown": []}
    checked = 0
    most = int(MOST_WORK / sum(1 + math.prod(node.shape) / 64 for node in graph)) + 1
    most_of_each = min(MOST_ELEMENTS, max(1, most // len(nodes)))
    for node in _spread(nodes, most):
        at, numbers, gradients = objective.along(node), flat_of(node.data), flat_of(node.grad)
        for place in _spread(range(len(numbers)), most_of_each):
            checked += 1
            verdict = slope_verdict(partial(at, place), numbers[place], objective.here, gradients[place], TOLERANCE)
            kind = _kind(verdict, gradients[place])
            if kind == "differs" and _leads_to(found["kink"], graph, node):
                kind = "kink"
            if kind != "agrees":
                index, users = _index(place, node.shape), _users(graph, node, labels)
                found[kind].append(Compared(node, labels[node.id], index, verdict.numeric, gradients[place], users))
    return Check(tuple(found["differs"]), tuple(found["kink"]), tuple(found["unknown"]), checked, elements)


def _kind(verdict: Verdict, gradient: float) -> str:
    if verdict.kind == "kink":
        return "kink" if verdict.admits(gradient) else "differs"
    return "unknown" if verdict.kind in ("edge", "undecided") else verdict.kind


def _leads_to(kinks: list[Compared], graph: Graph, node: Node) -> bool:
    """Whether a node's gradient passed through a kink: the slopes chosen at several need not add up to one of its own."""
    ends = {one.node.id for one in kinks}
    return bool(ends) and not ends.isdisjoint(dependents(graph, node.id)[1:])


def _users(graph: Graph, node: Node, labels: Any) -> tuple[str, ...]:
    targets = dict.fromkeys(edge.target for edge in graph.edges if edge.source == node.id)
    return tuple(f"{graph[target].op} ({labels[target]})" for target in targets)


def _spread(sequence: Any, most: int) -> list[Any]:
    """Return at most so many of a sequence, evenly spread, both ends included."""
    if len(sequence) <= most:
        return list(sequence)
    return [sequence[k * (len(sequence) - 1) // max(most - 1, 1)] for k in range(most)]


class _Objective:
    """seed * root of a graph, `here` as it is, and computed again where one node has another number."""

    def __init__(self, graph: Graph, seed: Any) -> None:
        self.graph, self.seed = graph, flat_of(seed)
        self.values = {node.id: node.data for node in graph}
        self.recipes = recipes(graph, {name: primitive.value for name, primitive in PRIMITIVES.items()})
        self.here = self._of(self.values[graph.root])

    def along(self, node: Node) -> Callable[[int, float], float]:
        """Return the function of a place in a node, and of the number there."""
        id, shape, root = node.id, node.shape, self.graph.root
        values, flat = dict(self.values), flat_of(node.data)
        todo = [self.recipes[dependent] for dependent in dependents(self.graph, id)[1:]]

        def at(place: int, x: float) -> float:
            values[id] = Array.of([*flat[:place], x, *flat[place + 1 :]], shape) if shape else x
            compute(values, todo)
            return self._of(values[root])

        return at

    def _of(self, root: Any) -> float:
        if type(root) is float:
            return self.seed[0] * root
        try:
            return math.fsum(g * x for g, x in zip(self.seed, flat_of(root), strict=True))
        except (OverflowError, ValueError):  # of infinities
            return math.nan


def _index(place: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    index = []
    for size in reversed(shape):
        place, at = divmod(place, size)
        index.append(at)
    return tuple(reversed(index))
