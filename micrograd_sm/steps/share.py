"""How the gradient of a log_softmax's input comes about: p - y, in two shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from micrograd_sm.array import Array, namespace
from micrograd_sm.array.questions import holds
from micrograd_sm.array.storage import is_lazy
from micrograd_sm.array.summary import Summary, array_of
from micrograd_sm.graph import Edge, Graph, snapshot
from micrograd_sm.graph.evaluation import Heard
from micrograd_sm.graph.patterns import Normalised, normalised
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import data_text, number_text
from micrograd_sm.words.result import Record
from micrograd_sm.words.terms import Call, Infix, Line, Name, Number, Remark, Slope, Term


@dataclass(frozen=True, eq=False)
class SoftmaxShare(Record):
    """How the gradient of a log_softmax's input comes about, over `classes` that sum to 1.

    `own` came through each logit's own log-probability, so it is there for targets only; `normaliser` came through the
    logarithm of the sum of exponentials, and goes to every logit; `shift`, through the maximum that was subtracted, is 0
    but for rounding. `p` are the probabilities, `y` what they are compared with, and `scale` how much each row counts:
    own = -scale y and normaliser = scale p, so together they are scale (p - y).

    >>> from micrograd_sm import Value, cross_entropy
    >>> from micrograd_sm.study import explain
    >>> x = Value([0.0, 0.0], name="x")
    >>> share = explain(cross_entropy(x, 1), x).shares[0]
    >>> share.own, share.normaliser, share.p, share.y, share.scale
    (Array([0.0, -1.0]), Array([0.5, 0.5]), Array([0.5, 0.5]), Array([0.0, 1.0]), Array([1.0]))
    """

    logits: str
    root: str
    own: Any
    normaliser: Any
    shift: Any
    p: Any
    y: Any
    scale: Any

    @property
    def formula(self) -> str:
        """The gradient in symbols: `p - y`, `(p - y) / 3` for the mean of 3, `2 (p - y)`, `s (p - y)` where rows differ.

        >>> from micrograd_sm import Value, cross_entropy
        >>> from micrograd_sm.study import explain
        >>> x = Value([[0.0, 0.0], [1.0, 0.0]], name="x")
        >>> explain(cross_entropy(x, [1, 0]), x).shares[0].formula
        '(p - y) / 2'
        """
        divisor = self._divisor()
        if divisor is None or divisor == 1:
            return "p - y" if divisor else "s (p - y)"
        return f"(p - y) / {number_text(divisor)}" if divisor.is_integer() else f"{number_text(1 / divisor)} (p - y)"

    def _divisor(self) -> float | None:
        """Return the number that divides every row alike, or None if rows count differently."""
        scales = self.scale.flat if type(self.scale) is Array else [self.scale]
        if type(self.scale) is Summary:
            scales = [] if self.scale.strange else self.scale.ends
        if not scales or max(scales) - min(scales) > 1e-12 * abs(scales[0]) or not 0 < scales[0] < float("inf"):
            return None
        nearest = float(round(1 / scales[0]))
        return nearest if nearest and abs(nearest * scales[0] - 1) < 1e-12 else 1 / scales[0]

    def is_all_of(self, gradient: Any) -> bool:
        """Return whether a gradient is these shares and nothing more, but for rounding."""
        apart = lambda g, a, b: (abs(g - (a + b)) <= 1e-9 * (abs(a) + abs(b))) == False  # noqa: E712 - also of nan
        return not holds(apart, gradient, self.own, self.normaliser)

    @property
    def together(self) -> Any:
        """The sum of both: the gradient, if nothing else is added to it."""
        return snapshot(array_of(self.own) + array_of(self.normaliser))

    def to_dict(self) -> dict[str, Any]:
        """Return the share as plain data, with its formula."""
        return super().to_dict() | {"formula": self.formula}

    def lines(self) -> tuple[Line, ...]:
        """Return the shares as lines, for text and MathML.

        >>> from micrograd_sm import Value, cross_entropy
        >>> from micrograd_sm.study import explain
        >>> x = Value([0.0, 0.0], name="x")
        >>> len(explain(cross_entropy(x, 1), x).shares[0].lines())
        5
        """
        slope, divisor = Slope(self.root, self.logits), self._divisor()
        p, y = self._scaled(Name("p"), divisor), self._scaled(Name("y"), divisor)
        lines = [Line(Name("p"), "=", Call("softmax", (Name(self.logits),)), None, Number(self.p)),
                 Line(Name("y"), "=", Name("target"), None, Number(self.y))]  # fmt: skip
        if divisor is None:
            lines.append(Line(Name("s"), "=", None, None, Number(self.scale)))
        return (
            *lines,
            Line(Remark(Infix("-", None, y), "through the target's own logit"), "=", None, None, Number(self.own)),
            Line(Remark(p, "through the normaliser"), "=", None, None, Number(self.normaliser)),
            Line(slope, "=", Infix("-", p, y), None, Number(self.together)),
        )

    def _scaled(self, term: Term, divisor: float | None) -> Term:
        if divisor is None:
            return Infix("*", Name("s"), term)
        if divisor.is_integer():
            return term if divisor == 1 else Infix("/", term, Number(divisor))
        return Infix("*", Number(1 / divisor), term)

    def __str__(self) -> str:
        weights = f", s = {data_text(self.scale)}" if self._divisor() is None else ""
        own, normaliser = (self.formula.replace("(p - y)", side).replace("p - y", side) for side in ("y", "p"))
        return "\n".join(
            [
                f"d{self.root}/d{self.logits} is {self.formula}: p = {data_text(self.p)}, y = {data_text(self.y)}{weights}",
                f"  through the target's own logit: -{own} = {data_text(self.own)}",
                f"  through the normaliser: {normaliser} = {data_text(self.normaliser)}",
                f"  together: {data_text(self.together)}",
            ]
        )


def shares_of(graph: Graph, heard: Iterable[Heard]) -> Iterator[tuple[str, SoftmaxShare]]:
    """Yield the share at every log_softmax, and every softmax of which the logarithm is taken, with the id of its input.

    The graph has the gradients of the pass that was heard.
    """
    graph, amounts = graph.unfold(), {one.edge: array_of(one.amount) for one in heard}
    labels = labels_of(graph)
    for found in normalised(graph):
        if graph[found.input].grad is None or graph[found.out].grad is None:
            continue
        if found.kind == "log_softmax":
            own = amounts[Edge(graph.operand_edges(found.out)[0].source, found.out, 0)]
            normaliser = amounts[Edge(found.shifted, found.exp, 0)]
            p = namespace(own).exp(array_of(graph[found.out].data))
        elif _is_in_logs_only(graph, found.out):
            weights, p = array_of(graph[found.exp].data), array_of(graph[found.out].data)
            own = amounts[Edge(graph.operand_edges(found.out)[0].source, found.out, 0)] * weights
            normaliser = amounts[Edge(found.exp, found.sum, 0)] * weights
        else:
            continue
        if is_lazy(p):  # to look at it would compute it
            continue
        yield (
            found.input,
            _share(p, found, (labels[found.input], labels[graph.root]), own, normaliser, _shift(graph, found, amounts)),
        )


def _is_in_logs_only(graph: Graph, id: str) -> bool:
    """Return whether a node is used in logarithms only, of it or of elements of it."""
    users = [graph[edge.target] for edge in graph.edges if edge.source == id]
    return bool(users) and all(
        user.op == "log" or (user.op in ("index", "reshape") and _is_in_logs_only(graph, user.id)) for user in users
    )


def _shift(graph: Graph, found: Normalised, amounts: Mapping[Edge, Any]) -> Any:
    if found.input == found.shifted:
        return 0.0
    shift = graph.operand_edges(found.shifted)[1].source
    through = [amounts[edge] for edge in graph.edges if edge.source == found.input and edge.target == shift and edge in amounts]
    return through[0] if through else 0.0


def _share(p: Any, found: Normalised, labels: tuple[str, str], own: Any, normaliser: Any, shift: Any) -> SoftmaxShare:
    xp = namespace(p)
    scale = 0.0 - xp.sum(own, axis=found.axis, keepdims=True)  # not -0 in a row that is ignored
    y = -1.0 * xp.divide(own, xp.where(scale == 0, 1.0, scale)) + 0.0  # so that -0 does not show
    return SoftmaxShare(*labels, *map(snapshot, (own + 0.0, normaliser, shift, p, y, scale)))
