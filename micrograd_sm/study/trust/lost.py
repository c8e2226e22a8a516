"""Where digits went: the digits that each number kept, and the nodes that lost them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.patterns import operands
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.study.trust.decimals import exact
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import number_text
from micrograd_sm.words.result import Record

ALL = 16.0  # the digits of a double that is correctly rounded
LOSS = 3.0  # digits that a node must lose to be marked
_SMALLEST = 2.2250738585072014e-308  # doubles below it have fewer digits
_LARGEST = 1.7976931348623157e308


class Kept(NamedTuple):
    """The digits that a number kept, the number that was computed, and the right one."""

    digits: float
    computed: float
    right: Decimal

    def __str__(self) -> str:
        computed, right = number_text(self.computed), _decimal_text(self.right)
        return f"{computed} instead of {right}" if computed != right else f"{self.computed!r} instead of {self.right:.17g}"


def fewest(computed: Any, right: Any, scale: Decimal, nearest: bool = False) -> Kept:
    """Return the element that kept the fewest digits; with `nearest`, the double nearest to the right number has all."""
    kept = [
        Kept(ALL if nearest and abs(x) < _SMALLEST and x == float(y) else _digits(x, y, scale), x, y)
        for x, y in zip(map(float, exact(computed).flat), exact(right).flat, strict=True)
    ]
    return min(kept, key=lambda element: element.digits, default=Kept(ALL, 0.0, Decimal(0)))


def _digits(computed: float, right: Decimal, scale: Decimal) -> float:
    if not math.isfinite(computed) or not right.is_finite():
        return ALL if Decimal(computed) == right or (computed != computed and right != right) else 0.0
    if float(right) == computed and abs(computed) >= _SMALLEST:
        return ALL
    error = abs(Decimal(computed) - right)
    if error.is_zero():
        return ALL
    size = abs(right) if right else scale
    if size.is_zero() or not size.is_finite():
        return 0.0
    return min(ALL, max(0.0, -float((error / size).log10())))


def largest(x: Any) -> Decimal:
    """Return the largest absolute value of a finite element, 0 if there is none."""
    return max((abs(element) for element in exact(x).flat if element.is_finite()), default=Decimal(0))


@dataclass(frozen=True, eq=False)
class NodeDigits(Record):
    """The correct digits of a node: the fewest among its elements, from 0 to 16 (all), of its value and of its gradient.

    `gradient` is None if the node has none. `lost` says how the value lost at least three digits more than its operands, or
    is None; so does `lost_gradient` for the gradient.

    >>> NodeDigits("v1", "y", "exp", 0.0, None, "overflowed: inf instead of 1.970e434").value
    0.0
    """

    id: str
    label: str
    op: str | None
    value: float
    gradient: float | None
    lost: str | None = None
    lost_gradient: str | None = None


class Finder:
    """Finds the nodes that lost digits, from the digits that each node kept."""

    def __init__(self, graph: Graph, values: Mapping[str, Kept], gradients: Mapping[str, Kept]) -> None:
        self.graph, self.values, self.gradients = graph, values, gradients
        self.users: dict[str, list[str]] = {node.id: [] for node in graph}
        for edge in graph.edges:
            self.users[edge.source].append(edge.target)

    def nodes(self) -> tuple[NodeDigits, ...]:
        labels = labels_of(self.graph)
        return tuple(
            NodeDigits(
                node.id, labels[node.id], node.op, self.values[node.id].digits,
                self.gradients[node.id].digits if node.id in self.gradients else None,
                self._value_loss(node), self._gradient_loss(node.id),
            ) for node in self.graph
        )  # fmt: skip

    def _value_loss(self, node: Node) -> str | None:
        before = min((self.values[x.id].digits for x in operands(self.graph, node)), default=ALL)
        kept = self.values[node.id]
        return f"{_how(node, kept)}: {kept}" if node.op and kept.digits <= before - LOSS else None

    def _gradient_loss(self, id: str) -> str | None:
        kept = self.gradients.get(id)
        if kept is None or kept.digits > self._before(id) - LOSS:
            return None
        how = "underflowed" if _underflowed(kept) else "overflowed" if math.isinf(kept.computed) else "cancelled"
        return f"{'became nan' if kept.computed != kept.computed else how}: {kept}"

    def _before(self, id: str) -> float:
        """Return the fewest digits of the upstream gradients and of the values in the rules that make a gradient."""
        made_of = [self.gradients[user].digits for user in self.users[id] if user in self.gradients]
        return min([*made_of, *(self.values[x].digits for x in self._in_rules(id))], default=ALL)

    def _in_rules(self, id: str) -> list[str]:
        """Return the nodes whose values are used by the rules that pass a gradient back to a node."""
        users = [user for user in self.users[id] if user in self.gradients and not PRIMITIVES[self.graph[user].op or ""].linear]
        return [x for user in users for x in (user, *(operand.id for operand in operands(self.graph, user)))]

    def value_went(self, id: str) -> str | None:
        """Follow the fewest digits from a node to the node that lost them."""
        while self._value_loss(self.graph[id]) is None:
            id = min(operands(self.graph, id), key=lambda x: self.values[x.id].digits).id
            if self.values[id].digits == ALL:
                return None
        return id

    def gradient_went(self) -> str | None:
        leaves = [node.id for node in self.graph if node.kind == "leaf" and node.id in self.gradients]
        id = min(leaves, key=lambda leaf: self.gradients[leaf].digits, default="")
        if not id or self.gradients[id].digits > ALL - LOSS:
            return None
        while self._gradient_loss(id) is None:
            worst = min(self._in_rules(id), key=lambda x: self.values[x].digits, default=id)
            users = [user for user in self.users[id] if user in self.gradients]
            through = min(users, key=lambda user: self.gradients[user].digits, default=None)
            if through is None:
                return None
            if self.values[worst].digits < self.gradients[through].digits:
                return self.value_went(worst)
            id = through
        return id


def _how(node: Node, kept: Kept) -> str:
    if kept.computed != kept.computed:
        return "became nan"
    if math.isinf(kept.computed):
        return "overflowed"
    if _underflowed(kept):
        return "underflowed"
    if node.op == "log":
        return "took a number so near 1 that its digits were rounded away"
    if node.op in ("add", "subtract", "sum", "matmul"):
        return "cancelled"
    return "made much of a small error" if node.op in ("exp", "power", "sin", "cos") else "rounded"


def _underflowed(kept: Kept) -> bool:
    return kept.right.is_finite() and 0 < abs(kept.right) < _SMALLEST


def _decimal_text(x: Decimal) -> str:
    if not x or not x.is_finite() or _SMALLEST <= abs(x) <= _LARGEST:
        return number_text(float(x))
    mantissa, _, power = f"{x:.3e}".partition("e")
    return f"{mantissa if Decimal(f'{x:.3e}') != x else mantissa.rstrip('0').removesuffix('.')}e{int(power)}"
