"""A check of the final gradients of a pass against central differences.

Everything that depends on a number is computed again from the graph, with the number moved a little. No Value changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from micrograd_sm.array import Array, flat_of
from micrograd_sm.array.strides import indices_of
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.computed import with_each_number
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
        """How far the two are apart.

        >>> from micrograd_sm import Graph, Value
        >>> Compared(Graph(Value(1.0))["v0"], "x", (), 3.0, 2.5).difference
        0.5
        """
        return abs(self.expected - self.found)

    @property
    def place(self) -> str:
        """The node and the index: `x` or `x[0, 2]`.

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
    """What a check found, in the order of the backward pass; true if no gradient differs.

    `differ` are the failures: a check has their length, index and loop, so one of length 0 is true. `kinks` are elements at
    which the function has two slopes (a tie of max, relu at 0) and the gradient lies between them, or whose gradient passed
    through one. At `unknown` ones the difference is not finite, or rounding hides it. `checked` of `elements` were looked at.

    >>> from micrograd_sm import Value, steps
    >>> x = Value(3.0, name="x")
    >>> check = steps(x.relu() + (x - 3.0).relu()).check()
    >>> bool(check), check.first, [kink.place for kink in check.kinks]
    (True, None, ['v3', 'x'])
    """

    differ: tuple[Compared, ...]
    kinks: tuple[Compared, ...]
    unknown: tuple[Compared, ...]
    checked: int
    elements: int

    @property
    def first(self) -> Compared | None:
        """The first element of the backward pass that differs, or None: look at what contributed to it.

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
        lines = [f"agrees with central differences: {looked_at} elements of the gradients checked"]
        if self.first:
            lines = [f"{len(self.differ)} of {self.checked} elements differ from central differences; the first is"]
            lines.append(f"  {_in_words(self.first)}")
            lines += [f"  what contributes to it: {', '.join(self.first.users)}"] if self.first.users else []
        lines += [f"not smooth at {_in_words(kink)}" for kink in self.kinks[:3]]
        for element in self.unknown[:3]:
            why = "rounding hides the slope" if math.isfinite(element.expected) else "no finite difference"
            lines.append(f"{why} at {_in_words(element)}")
        more = len(self.kinks[3:]) + len(self.unknown[3:])
        return "\n".join([*lines, f"and {more} more such points"] if more else lines)


def _in_words(x: Compared) -> str:
    return f"{x.place}: {number_text(x.found)} in the pass, {number_text(x.expected)} by central differences"


def check(graph: Graph, seed: Any) -> Check:
    """Compare the gradients that a graph holds, those of seed * root, with central differences; of folds, the inside."""
    graph = with_each_number(graph.unfold(), "check")
    objective, labels = _Objective(graph, seed), labels_of(graph)
    nodes = [node for node in reversed(graph.nodes) if node.grad is not None]
    elements = sum(math.prod(node.shape) for node in nodes)
    found: dict[str, list[Compared]] = {"differs": [], "kink": [], "unknown": []}
    checked = 0
    most = int(MOST_WORK / sum(1 + math.prod(node.shape) / 64 for node in graph)) + 1
    most_of_each = min(MOST_ELEMENTS, max(1, most // len(nodes)))
    for node in _spread(nodes, most):
        at, numbers, gradients = objective.along(node), flat_of(node.data), flat_of(node.grad)
        for position in _spread(range(len(numbers)), most_of_each):
            checked += 1
            gradient = gradients[position]
            verdict = slope_verdict(partial(at, position), numbers[position], objective.here, gradient, TOLERANCE)
            kind = _kind(verdict, gradient)
            missed = abs(verdict.numeric - gradient)
            if kind == "differs" and (
                _leads_to(found["kink"], graph, node) or (numbers[position] == 0 and missed <= _jump(graph, node, position))
            ):
                kind = "kink"
            if kind != "agrees":
                index, users = indices_of(position, node.shape), _users(graph, node, labels)
                found[kind].append(Compared(node, labels[node.id], index, verdict.numeric, gradient, users))
    return Check(tuple(found["differs"]), tuple(found["kink"]), tuple(found["unknown"]), checked, elements)


def _kind(verdict: Verdict, gradient: float) -> str:
    if verdict.kind == "kink":
        return "kink" if verdict.admits(gradient) else "differs"
    return "unknown" if verdict.kind in ("edge", "undecided") else verdict.kind


def _leads_to(kinks: list[Compared], graph: Graph, node: Node) -> bool:
    """Return whether a node's gradient passed through a kink: slopes chosen at several kinks need not add up to its own."""
    return bool(kinks) and not {kink.node.id for kink in kinks}.isdisjoint(dependents(graph, node.id)[1:])


def _jump(graph: Graph, node: Node, position: int) -> float:
    """Return how far apart the slopes below and above are where relu is given 0: too little to be seen in a steep function."""
    bent = [graph[edge.target] for edge in graph.edges if edge.source == node.id and graph[edge.target].op == "relu"]
    return sum(abs(flat_of(user.grad)[position]) for user in bent if user.grad is not None)


def _users(graph: Graph, node: Node, labels: Any) -> tuple[str, ...]:
    targets = dict.fromkeys(edge.target for edge in graph.edges if edge.source == node.id)
    return tuple(f"{graph[target].op} ({labels[target]})" for target in targets)


def _spread(sequence: Any, most: int) -> list[Any]:
    """Return at most `most` items of a sequence, evenly spread, both ends included."""
    if len(sequence) <= most:
        return list(sequence)
    return [sequence[k * (len(sequence) - 1) // max(most - 1, 1)] for k in range(most)]


class _Objective:
    """The function seed * root of a graph: its value `here`, and along the numbers of one node."""

    def __init__(self, graph: Graph, seed: Any) -> None:
        self.graph, self.seed = graph, flat_of(seed)
        self.values = {node.id: node.data for node in graph}
        self.recipes = recipes(graph, {name: primitive.value for name, primitive in PRIMITIVES.items()})
        self.here = self._of(self.values[graph.root])

    def along(self, node: Node) -> Callable[[int, float], float]:
        """Return seed * root as a function of a position in a node and the number there."""
        id, shape, root = node.id, node.shape, self.graph.root
        values, flat = dict(self.values), flat_of(node.data)
        todo = [self.recipes[dependent] for dependent in dependents(self.graph, id)[1:]]

        def at(position: int, x: float) -> float:
            values[id] = Array.of([*flat[:position], x, *flat[position + 1 :]], shape) if shape else x
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
