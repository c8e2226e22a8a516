"""Why a gradient is what it is: the chain rule in the user's names and numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from micrograd_sm.array import Array, namespace
from micrograd_sm.engine import Value
from micrograd_sm.graph import Edge, Graph, Node
from micrograd_sm.graph.evaluation import Heard, backward_pass, dependents
from micrograd_sm.steps.formula import lines_of
from micrograd_sm.steps.record import Steps
from micrograd_sm.study.patterns import Normalised, normalised
from micrograd_sm.study.subject import check_loss, subject_of
from micrograd_sm.words.mathml import line_elements, lines_element, math_element
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import data_text, number_text
from micrograd_sm.words.plain import plain
from micrograd_sm.words.result import Listing, Record
from micrograd_sm.words.terms import Call, Infix, Line, Name, Number, Remark, Slope, Term
from micrograd_sm.words.text import line_parts


@dataclass(frozen=True, eq=False)
class SoftmaxShare(Record):
    """How the gradient of a log_softmax's input comes about, over `classes` that sum to 1.

    `own` came through each logit's own log-probability, so it is there for targets only; `normaliser` came through the
    logarithm of the sum of exponentials, and goes to every logit; `shift`, through the maximum that was subtracted, is 0
    but for rounding. `p` are the probabilities, `y` what they are compared with, and `scale` how much each row counts:
    own = -scale y and normaliser = scale p, so together they are scale (p - y).

    >>> from micrograd_sm import cross_entropy
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

        >>> from micrograd_sm import cross_entropy
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
        if not scales or max(scales) - min(scales) > 1e-12 * abs(scales[0]) or not 0 < scales[0] < float("inf"):
            return None
        nearest = float(round(1 / scales[0]))
        return nearest if nearest and abs(nearest * scales[0] - 1) < 1e-12 else 1 / scales[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the share as plain data, with its formula."""
        return super().to_dict() | {"formula": self.formula}

    def lines(self) -> tuple[Line, ...]:
        """Return the shares as lines, for text and MathML.

        >>> from micrograd_sm import cross_entropy
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
            Line(slope, "=", Infix("-", p, y), None, Number(self.own + self.normaliser)),
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
                f"  together: {data_text(self.own + self.normaliser)}",
            ]
        )


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Listing[str]):
    """The chain rule from a loss to x: `lines` of formulas, last first, x's own `gradient`, and the softmaxes on the way.

    Its length, index and loop are those of its lines, as text; it is always true.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> e = a * b
    >>> print(explain(e + a, a))
    dL/dL = 1
    dL/de = dL/dL * dL/de = 1 * 1 = 1
    dL/da += dL/dL * dL/da = 1 * 1 = 1
    dL/da += dL/de * de/da = 1 * -3 = -3
    dL/da = 1 + (-3) = -2
    """

    root: str
    x: str
    gradient: Any
    lines: tuple[Line, ...]
    shares: tuple[SoftmaxShare, ...]

    @property
    def mathml(self) -> str:
        """The explanation as one MathML element, a row for each line.

        >>> x = Value(3.0, name="x")
        >>> explain(x * x, x).mathml.count("<mtr>")
        4
        """
        return lines_element([*self.lines, *(line for share in self.shares for line in share.lines())])

    def _items(self) -> list[str]:
        return [" = ".join(part for part in line_parts(line) if part) for line in self.lines]

    def __str__(self) -> str:
        return "\n".join([*self, *map(str, self.shares)])

    def _repr_html_(self) -> str:
        groups = [self.lines, *(share.lines() for share in self.shares)]
        return "".join(f'<div style="overflow-x:auto;margin:0.5em 0">{_stacked(lines)}</div>' for lines in groups)

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain data: its lines in symbols, numbers and result.

        >>> x = Value(3.0, name="x")
        >>> explain(x * x, x).to_dict()["lines"][-1]
        {'symbols': 'dL/dx = 3 + 3', 'numbers': '', 'result': '6'}
        """
        parts = [dict(zip(("symbols", "numbers", "result"), line_parts(line))) for line in self.lines]
        return {"root": self.root, "x": self.x, "gradient": plain(self.gradient), "lines": parts,
                "shares": plain(self.shares), "mathml": self.mathml}  # fmt: skip


def explain(
    loss: Value | Graph, x: Value | str, depth: int | None = None, names: Mapping[str, Any] | None = None
) -> Explanation:
    """Return the chain rule that leads from a loss to the gradient of x, in the user's names and numbers.

    It says only what x's gradient passes through. `depth` folds scopes first, as Graph.fold does: 0 shows composed functions
    such as cross_entropy as one operation each, 1 what they are made of, None every primitive. For each log_softmax on the
    way, however deep and also as log(softmax(x)), it says which part of its input's gradient came through the target's own
    logit and which through the normaliser: for cross_entropy they are -y and p. `x` is a Value of the graph, or a node's
    name or id. No `.grad` changes.

    Raises TypeError or ValueError if it is not a loss, or x is not a node of it or requires no gradient.

    >>> from micrograd_sm import cross_entropy
    >>> logits = Value([0.0, 0.0], name="logits")
    >>> print(explain(cross_entropy(logits, 1), logits, depth=0))
    dL/dL = 1
    dL/dlogits = dL/dL * dL/dlogits = 1 * [0.5, -0.5] = [0.5, -0.5]
    dL/dlogits is p - y: p = [0.5, 0.5], y = [0, 1]
      through the target's own logit: -y = [0, -1]
      through the normaliser: p = [0.5, 0.5]
      together: [0.5, -0.5]
    """
    subject = subject_of(loss, sys._getframe(1).f_locals if names is None else names, "explain")
    if depth is not None:
        subject = subject._replace(graph=subject.graph.fold(depth=depth))
    graph, node = subject.graph, subject.node(x, "explain")
    root = check_loss(graph, "explain")
    if not node.requires_grad:
        raise ValueError(f"explain: {node.name or node.id} requires no gradient, so there is none to explain")
    passed = backward_pass(graph)
    labels = labels_of(graph)
    lines = tuple(_chain(graph.with_gradients(passed.gradients), passed.heard, node))
    shares = tuple(_shares(graph.unfold(), passed.gradients, passed.heard, node))
    return Explanation(labels[root.id], labels[node.id], passed.gradients[node.id], lines, shares)


def _chain(graph: Graph, heard: tuple[Heard, ...], x: Node) -> Iterator[Line]:
    """Yield the lines of the chain rule, node after node, from the root to x."""
    seed = Array.of([1.0] * prod(graph[graph.root].shape), graph[graph.root].shape)
    between = set(dependents(graph, x.id))
    lines: dict[str, list[Line]] = {}
    for step in Steps(graph, heard, seed, {}, "contribution"):
        if step.phase == "seed":
            yield from lines_of(step)
        elif step.phase == "backward" and step.contributions[0].operand.id in between:
            lines.setdefault(step.contributions[0].operand.id, []).append(lines_of(step)[0])
    for node in reversed(graph.nodes):
        parts = lines.get(node.id, [])
        if len(parts) == 1:
            yield parts[0]._replace(relation="=", total=None)
        elif parts:
            yield from (part._replace(total=None) for part in parts)
            amounts: Term = parts[0].result
            for part in parts[1:]:
                amounts = Infix("+", amounts, part.result)
            yield Line(parts[0].left, "=", amounts, None, Number(node.grad))


def _shares(graph: Graph, gradients: Mapping[str, Any], heard: tuple[Heard, ...], x: Node) -> Iterator[SoftmaxShare]:
    """Yield the shares at every log_softmax, and every softmax of which the logarithm is taken, between x and the root."""
    amounts = {one.edge: one.amount for one in heard}
    between, labels = set(dependents(graph, x.id)), labels_of(graph)
    for found in normalised(graph):
        if found.input not in between or found.out not in gradients:
            continue
        if found.kind == "log_softmax":
            own = amounts[Edge(graph.operand_edges(found.out)[0].source, found.out, 0)]
            normaliser = amounts[Edge(found.shifted, found.exp, 0)]
            p = namespace(own).exp(graph[found.out].data)
        elif _is_in_logs_only(graph, found.out):
            weights, p = graph[found.exp].data, graph[found.out].data
            own = amounts[Edge(graph.operand_edges(found.out)[0].source, found.out, 0)] * weights
            normaliser = amounts[Edge(found.exp, found.sum, 0)] * weights
        else:
            continue
        yield _share(p, found, (labels[found.input], labels[graph.root]), own, normaliser, _shift(graph, found, amounts))


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
    return SoftmaxShare(*labels, own + 0.0, normaliser, shift, p, y, scale)


def _stacked(lines: tuple[Line, ...]) -> str:
    """Return lines in HTML, one below the other; a long one breaks before an equals sign."""
    return "".join(f'<div style="margin:0.7em 0">{"<wbr>".join(_parts(line))}</div>' for line in lines)


def _parts(line: Line) -> Iterator[str]:
    equals = ""
    for part in filter(None, line_elements(line)):
        yield math_element(f'<mstyle displaystyle="true">{equals}{part}</mstyle>')
        equals = "<mo>=</mo>"
