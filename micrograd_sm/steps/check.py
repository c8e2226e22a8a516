"""The final gradients of a pass against central differences, so that what was recorded is known to be right.

A node's number is moved a little up and a little down, all that depends on it is computed again from the graph alone, and
the difference of the two results is divided by the distance. Nothing of the user's Values is touched.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from micrograd_sm.array import Array, flat_of, shape_of
from micrograd_sm.graph import Graph, Node
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import number_text
from micrograd_sm.words.plain import plain
from micrograd_sm.words.result import Listing, Record
from micrograd_sm.words.text import bracketed

MOST_ELEMENTS = 16  # of each array, evenly spread
MOST_WORK = 3_000_000  # operations on a number that may be repeated, about; beyond it fewer elements, evenly spread
TOLERANCE = 1e-5  # relative
_STEP = 6e-6  # the cube root of a double's rounding: where rounding and curvature err about equally
_OTHER_STEPS = (1e-2, 1e2, 1e-4, 1e4, 1e-6)  # times _STEP, where the first disagrees: kinks nearby want less, cancellation more
_ROUNDING = 2e-15


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
    through such points, as in relu(x) - relu(-x) at 0; `unknown` where central differences have no finite answer. `checked`
    elements of `elements` were looked at.

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
        lines += [f"no finite difference at {_said(one)}" for one in self.unknown[:3]]
        more = len(self.kinks[3:]) + len(self.unknown[3:])
        return "\n".join([*lines, f"and {more} more such points"] if more else lines)


def _said(one: Compared) -> str:
    return f"{one.place}: {number_text(one.found)} in the pass, {number_text(one.expected)} by central differences"


def check(graph: Graph, seed: Any) -> Check:
    """Compare the gradients that a graph holds, those of seed * root, with central differences; of folds, the inside.

    >>> from micrograd_sm import Value
    >>> x = Value([1.0, 2.0], name="x")
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> print(check(Graph(y), 1.0))
    agrees with central differences: all 5 elements of the gradients checked
    """
    graph = graph.unfold()
    replay, labels = _Replay(graph, seed), labels_of(graph)
    nodes = [node for node in reversed(graph.nodes) if node.grad is not None]
    elements = sum(math.prod(node.shape) for node in nodes)
    found: dict[str, list[Compared]] = {"differ": [], "kinks": [], "unknown": []}
    checked = 0
    most = int(MOST_WORK / sum(1 + math.prod(node.shape) / 64 for node in graph)) + 1
    most_of_each = min(MOST_ELEMENTS, max(1, most // len(nodes)))
    for node in _spread(nodes, most):
        for place, verdict, expected in _verdicts(replay, node, most_of_each):
            checked += 1
            if verdict == "differ" and _leads_to(found["kinks"], replay, node):
                verdict = "kinks"
            if verdict != "agree":
                one = Compared(node, labels[node.id], _index(place, node.shape), expected, flat_of(node.grad)[place])
                found[verdict].append(replace(one, users=_users(graph, node, labels)))
    return Check(tuple(found["differ"]), tuple(found["kinks"]), tuple(found["unknown"]), checked, elements)


def _leads_to(kinks: list[Compared], replay: _Replay, node: Node) -> bool:
    """Whether a node's gradient passed through a kink: the slopes chosen at several need not add up to one of its own."""
    ends = {one.node.id for one in kinks}
    return bool(ends) and any(id in ends for id, *_ in replay.after(node))


def _users(graph: Graph, node: Node, labels: Any) -> tuple[str, ...]:
    targets = dict.fromkeys(edge.target for edge in graph.edges if edge.source == node.id)
    return tuple(f"{graph[target].op} ({labels[target]})" for target in targets)


def _spread(sequence: Any, most: int) -> list[Any]:
    """Return at most so many of a sequence, evenly spread, both ends included."""
    if len(sequence) <= most:
        return list(sequence)
    return [sequence[k * (len(sequence) - 1) // max(most - 1, 1)] for k in range(most)]


# Computing again ----------------------------------------------------------------------------------------------------


class _Replay:
    """The graph's own numbers, and seed * root computed again when one node has others."""

    def __init__(self, graph: Graph, seed: Any) -> None:
        self.nodes, self.root, self.seed = graph.nodes, graph.root, flat_of(seed)
        self.places = {node.id: place for place, node in enumerate(graph.nodes)}
        self.operands = {node.id: [edge.source for edge in graph.operand_edges(node.id)] for node in graph.nodes}
        self.data = {node.id: node.data for node in graph.nodes}

    def after(self, node: Node) -> list[tuple[str, Any, list[str], Any]]:
        """Return what depends on a node, in creation order: id, value rule, operands, parameters."""
        reached, recipes = {node.id}, []
        for other in self.nodes[self.places[node.id] + 1 :]:
            if other.op is not None and not reached.isdisjoint(self.operands[other.id]):
                reached.add(other.id)
                recipes.append((other.id, PRIMITIVES[other.op].value, self.operands[other.id], other.params))
        return recipes

    def objective(self, node: Node, data: Any, recipes: list[tuple[str, Any, list[str], Any]]) -> float:
        moved = {node.id: data}
        for id, rule, operands, params in recipes:
            moved[id] = rule(*[moved[one] if one in moved else self.data[one] for one in operands], **params)
        root = moved.get(self.root, self.data[self.root])
        return (
            math.fsum(g * x for g, x in zip(self.seed, flat_of(root), strict=True)) if shape_of(root) else self.seed[0] * root
        )


def _verdicts(replay: _Replay, node: Node, most: int) -> Iterator[tuple[int, str, float]]:
    """Yield place, verdict and central difference of the elements of a node that are looked at."""
    flat, gradients, recipes = flat_of(node.data), flat_of(node.grad), replay.after(node)

    def value(place: int, x: float) -> float:
        data = Array.of([*flat[:place], x, *flat[place + 1 :]], node.shape) if node.shape else x
        try:
            return replay.objective(node, data, recipes)
        except (OverflowError, ValueError):  # fsum of infinities
            return math.nan

    for place in _spread(range(len(flat)), most):
        yield place, *_verdict(lambda x, place=place: value(place, x), flat[place], gradients[place])


def _verdict(f: Any, x: float, gradient: float) -> tuple[str, float]:
    """Say whether a slope agrees with central differences of f at x, and what those are."""
    step = _STEP * max(1.0, abs(x))
    steps = [step, *(step * factor for factor in _OTHER_STEPS), *([_STEP * abs(x)] if 0 < abs(x) < 1 else [])]
    estimates = []
    for h in steps:
        above, below = f(x + h), f(x - h)
        slope = (above - below) / ((x + h) - (x - h))
        if not math.isfinite(slope):
            continue
        if _close(slope, gradient, h, above):
            return "agree", slope
        estimates.append(slope)
        if len(estimates) == 2 and _vanishes(estimates[0], estimates[1], gradient):
            return "agree", slope
    if not estimates:
        return "unknown", math.nan
    left, right = _sides(f, x, step * 1e-2)
    if _between(gradient, left, right):
        return "kinks", estimates[0]
    return "differ", estimates[0]


def _close(slope: float, gradient: float, h: float, value: float) -> bool:
    return abs(slope - gradient) <= TOLERANCE * max(abs(slope), abs(gradient)) + _ROUNDING * abs(value) / h


def _vanishes(wide: float, narrow: float, gradient: float) -> bool:
    """Whether two differences, one with a hundredth of the other's step, come together where the gradient is.

    At a point as flat as x * relu(x), x**3 or x**5 at 0 every difference is the curve's doing: its error falls with the
    step, with the step's square, or faster.
    """
    limits = (narrow + (narrow - wide) / (1e2 - 1), narrow + (narrow - wide) / (1e4 - 1), narrow)
    return any(abs(limit - gradient) <= TOLERANCE * max(abs(wide), abs(gradient)) for limit in limits)


def _sides(f: Any, x: float, h: float) -> tuple[float, float]:
    """Return the slopes to the left and to the right; nan where there is none or they come together as h shrinks."""
    middle = f(x)
    return (middle - f(x - h)) / (x - (x - h)), (f(x + h) - middle) / ((x + h) - x)


def _between(gradient: float, left: float, right: float) -> bool:
    low, high = sorted((left, right))
    size = max(abs(low), abs(high))
    return high - low > 1e-3 * size and low - 1e-3 * size <= gradient <= high + 1e-3 * size


def _index(place: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    index = []
    for size in reversed(shape):
        place, at = divmod(place, size)
        index.append(at)
    return tuple(reversed(index))
