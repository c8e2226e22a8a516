"""Why a gradient is what it is: the chain rule in the user's names and numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

from micrograd_sm.array import Array
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.computed import passed
from micrograd_sm.graph.evaluation import Heard, dependents
from micrograd_sm.graph.rounding import with_rounding_marked
from micrograd_sm.steps.formula import lines_of
from micrograd_sm.steps.local import local_line
from micrograd_sm.steps.record import Steps
from micrograd_sm.steps.share import SoftmaxShare, shares_of
from micrograd_sm.study.subject import check_loss, subject_of
from micrograd_sm.words.mathml import line_elements, lines_element, math_element
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.plain import plain
from micrograd_sm.words.result import Listing
from micrograd_sm.words.terms import Infix, Line, Number
from micrograd_sm.words.text import line_parts


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Listing[str]):
    """The chain rule from a loss to x: `lines` of formulas, last first, x's own `gradient`, and the softmaxes on the way.

    `rules` has for each line the rule of its local derivative, or None; the text has it above the line. The length, the index
    and the loop are those of the lines, as text; it is always true.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> e = a * b
    >>> print(explain(e + a, a))
    dL/dL = 1
      local: d(u + v)/du = 1
    dL/de = dL/dL * d(u + v)/du = 1 * 1 = 1
      local: d(u + v)/dv = 1
    dL/da += dL/dL * d(u + v)/dv = 1 * 1 = 1
      local: d(u * v)/du = v = -3
    dL/da += dL/de * de/da = 1 * -3 = -3
    dL/da = 1 + (-3) = -2
    """

    root: str
    x: str
    gradient: Any
    lines: tuple[Line, ...]
    rules: tuple[Line | None, ...]
    shares: tuple[SoftmaxShare, ...]

    @property
    def mathml(self) -> str:
        """The explanation as one MathML element, a row for each line.

        >>> x = Value(3.0, name="x")
        >>> explain(x * x, x).mathml.count("<mtr>")
        6
        """
        return lines_element(
            [*(line for _, line in self._with_rules()), *(line for share in self.shares for line in share.lines())]
        )

    def _items(self) -> list[str]:
        return list(map(_text, self.lines))

    def __str__(self) -> str:
        lines = [f"  local: {_text(line)}" if is_rule else _text(line) for is_rule, line in self._with_rules()]
        return "\n".join([*lines, *map(str, self.shares)])

    def _with_rules(self) -> Iterator[tuple[bool, Line]]:
        """Yield all lines in order, each with whether it is a rule."""
        for line, rule in zip(self.lines, self.rules, strict=True):
            if rule:
                yield True, rule
            yield False, line

    def _repr_html_(self) -> str:
        groups = [tuple(line for _, line in self._with_rules()), *(share.lines() for share in self.shares)]
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
      local: d cross_entropy(u)/du = (p - y) / N, for the mean of N
    dL/dlogits = dL/dL * d cross_entropy(u)/du = 1 * [0.5, -0.5] = [0.5, -0.5]
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
    labels = labels_of(graph)
    graph, heard = passed(graph)
    lines, rules = zip(*_chain(*with_rounding_marked(graph, heard), node), strict=True)
    between = set(dependents(graph.unfold(), node.id))
    shares = tuple(share for id, share in shares_of(graph, heard) if id in between)
    return Explanation(labels[root.id], labels[node.id], graph[node.id].grad, lines, rules, shares)


def _chain(graph: Graph, heard: tuple[Heard, ...], x: Node) -> Iterator[tuple[Line, Line | None]]:
    """Yield the lines of the chain rule, node after node, from the root to x, each with the rule of its local derivative."""
    seed = Array.of([1.0] * prod(graph[graph.root].shape), graph[graph.root].shape)
    between = set(dependents(graph, x.id))
    lines: dict[str, list[tuple[Line, Line | None]]] = {}
    for step in Steps(graph, heard, seed, {}, "contribution"):
        if step.phase == "seed":
            yield from ((line, None) for line in lines_of(step))
        elif step.phase == "backward" and step.contributions[0].operand.id in between:
            (contribution,) = step.contributions
            lines.setdefault(contribution.operand.id, []).append((lines_of(step)[0], local_line(step, contribution)))
    for node in reversed(graph.nodes):
        parts = lines.get(node.id, [])
        if len(parts) == 1:
            ((line, rule),) = parts
            yield line._replace(relation="=", total=None), rule
        elif parts:
            yield from ((line._replace(total=None), rule) for line, rule in parts)
            amounts = reduce(lambda total, part: Infix("+", total, part), [line.result for line, _ in parts])
            yield Line(parts[0][0].left, "=", amounts, None, Number(node.grad)), None


def _text(line: Line) -> str:
    return " = ".join(part for part in line_parts(line) if part)


def _stacked(lines: tuple[Line, ...]) -> str:
    """Return lines in HTML, one below the other; a long one breaks before an equals sign."""
    return "".join(f'<div style="margin:0.7em 0">{"<wbr>".join(_parts(line))}</div>' for line in lines)


def _parts(line: Line) -> Iterator[str]:
    equals = ""
    for part in filter(None, line_elements(line)):
        yield math_element(f'<mstyle displaystyle="true">{equals}{part}</mstyle>')
        equals = "<mo>=</mo>"
