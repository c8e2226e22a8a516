"""Where the local derivative of a step comes from: the rule of the operation, with the numbers of the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from micrograd_sm.array import flat_of, namespace
from micrograd_sm.array.questions import element_at
from micrograd_sm.array.strides import indices_of
from micrograd_sm.array.summary import Summary, array_of
from micrograd_sm.words.rules import FOLDED, rule_of, with_numbers
from micrograd_sm.words.terms import Line, Number, Remark, Term, Words

if TYPE_CHECKING:
    from micrograd_sm.steps.parts import Contribution, Step


def local_line(step: Step, contribution: Contribution) -> Line | None:
    """Return the rule of the local derivative, in symbols and with numbers; None if there is no rule for the operation.

    For arrays the numbers are those of one element, the one of the largest contribution.
    """
    node = step.node
    rule = rule_of(node.op or "", contribution.edge.position) if not node.folded or node.op in FOLDED else None
    if rule is None:
        return None
    at = largest(step, contribution)
    if at is None or isinstance(rule.derivative, Words):
        return Line(rule.left, "=", None, None, rule.derivative)
    slope = Number(element_at(contribution.local.data, at))
    if isinstance(rule.derivative, Number):  # it is the same everywhere
        return Line(rule.left, "=", None, None, slope)
    operands = [element_at(x.data, at, node.shape) for x in step.operands]
    numbers = with_numbers(rule, operands, element_at(node.data, at))
    result: Term = Remark(slope, f"at {place(at, node.shape)}") if node.shape else slope
    return Line(rule.left, "=", rule.derivative, None if numbers == slope else numbers, result)


def largest(step: Step, contribution: Contribution) -> int | None:
    """Return the flat index of the output's element that passes on most.

    It is None if elements are mixed or not computed, or if there are none.
    """
    kind, data = contribution.local
    if kind not in ("number", "elementwise") or data is None:
        return None
    if type(data) is Summary:
        xp = namespace(data.array)
        return int(xp.argmax(xp.abs(data.array * array_of(step.upstream))))
    slopes = flat_of(data)
    amounts = [abs(slope * g) for slope, g in zip(slopes, flat_of(step.upstream), strict=True)]
    return max(range(len(amounts)), key=amounts.__getitem__, default=None)


def place(flat: int, shape: tuple[int, ...]) -> str:
    """Return the index of an element as it is written: `[0, 2]`.

    >>> place(5, (2, 3))
    '[1, 2]'
    """
    return str(list(indices_of(flat, shape)))
