"""Why a step gives what it gives, in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from micrograd_sm.array import flat_of
from micrograd_sm.array.questions import count, element_at
from micrograd_sm.array.storage import is_lazy
from micrograd_sm.array.summary import Summary, array_of
from micrograd_sm.steps.local import largest, place
from micrograd_sm.words.names import visible
from micrograd_sm.words.numbers import data_text, number_text
from micrograd_sm.words.text import bracketed

if TYPE_CHECKING:
    from micrograd_sm.steps.parts import Contribution, Step

_COUNTED = {2: "twice", 3: "three times", 4: "four times"}
_NUMBERS = {2: "two", 3: "three", 4: "four"}


def why(step: Step) -> str:
    """Return the sentence of a step; of a backward step, first what is new: a sum over uses, p - y, or the operation.

    >>> from micrograd_sm import Value, steps
    >>> why(steps(Value(4.0, name="x").tanh())[-1])
    'tanh is flat here: its slope is 0.001341, so little passes.'
    """
    if step.phase == "seed":
        root = step.names[step.root]
        return f"The pass starts here: if {root} grows by a little, {root} grows by just that."
    if step.phase == "forward":
        return _forward(step)
    sentences = [said for contribution in step.contributions for said in _backward(step, contribution)]
    return " ".join(dict.fromkeys(sentences))


def _backward(step: Step, contribution: Contribution) -> list[str]:
    operand = contribution.operand
    label, used = step.names[operand.id], step.facts.uses.get(operand.id, 1)
    op = "" if step.node.folded else step.node.op or ""
    explain = _composed if op in _BY_SLOPES and contribution.local.data is None else _OPERATIONS.get(op, _composed)
    said = [explain(step, contribution)]
    if used > 1 and contribution.before is not None:
        times = _COUNTED.get(used, f"{used} times")
        said.append(f"{label} was used {times}, so its gradient is a sum of {_NUMBERS.get(used, used)}.")
    if operand.id in step.facts.residuals and _is_last(step, contribution):
        said.append(f"What has been reached, the gradient of {label}, is {step.facts.residuals[operand.id]}.")
    return said


def _is_last(step: Step, contribution: Contribution) -> bool:
    return contribution.edge == step.facts.last.get(contribution.operand.id)


# Backward, by operation -----------------------------------------------------------------------------------------------


def _slope_at(step: Step, contribution: Contribution) -> tuple[str, float]:
    """Return where the slope is looked at (" at [0, 2]", "" for a number), and the slope there."""
    at = largest(step, contribution)
    if at is None:
        return "", 0.0
    return (f" at {place(at, step.node.shape)}" if step.node.shape else ""), element_at(contribution.local.data, at)


def _greatest(data: Any) -> Any:
    return data.ends[1] if type(data) is Summary else max(flat_of(data))


def _saturating(name: str, steepest: float) -> Callable[[Any, Any], str]:
    def said(step: Step, contribution: Contribution) -> str:
        slopes, size = contribution.local.data, prod(step.node.shape)
        where, slope = _slope_at(step, contribution)
        flat = count(lambda x: abs(x) < steepest / 10, slopes)
        if flat == size > 1:
            return f"{name} is flat at each element: its slopes are at most {number_text(_greatest(slopes))}, so little passes."
        if flat == size == 1:
            return f"{name} is flat here: its slope is {number_text(slope)}, so little passes."
        some = f" At {flat} of {size} elements it is flat, and little passes." if flat else ""
        return f"{name} has slope {number_text(slope)}{where}; its steepest, at 0, is {number_text(steepest)}.{some}"

    return said


def _relu(step: Step, contribution: Contribution) -> str:
    off, size = count(lambda x: x == 0, contribution.local.data), prod(step.node.shape)
    if size == 1:
        return "ReLU is off here, since its operand is not above 0: nothing passes." if off else "ReLU is on here: all passes."
    return f"ReLU lets through what is above 0; {off} of {size} elements are off, and nothing passes there."


def _exp(step: Step, contribution: Contribution) -> str:
    where, slope = _slope_at(step, contribution)
    return f"exp is its own slope, so its result is the factor: {number_text(slope)}{where}."


def _log(step: Step, contribution: Contribution) -> str:
    where, slope = _slope_at(step, contribution)
    steep = ": log is steep near 0" if abs(slope) > 10 else ": log is flat for large numbers" if abs(slope) < 0.1 else ""
    return f"The slope of log is 1 over its operand, {number_text(slope)}{where}{steep}."


def _sqrt(step: Step, contribution: Contribution) -> str:
    where, slope = _slope_at(step, contribution)
    steep = ": a root is steep near 0" if abs(slope) > 10 else ""
    return f"The slope of a root is 1 over twice the root, {number_text(slope)}{where}{steep}."


def _power(step: Step, contribution: Contribution) -> str:
    if contribution.edge.position:
        return "By its exponent, a power grows with the logarithm of its base."
    where, slope = _slope_at(step, contribution)
    return f"The exponent comes down as a factor, and is one less: the slope is {number_text(slope)}{where}."


def _max(step: Step, contribution: Contribution) -> str:
    data, out = contribution.operand.data, step.node.data
    known = prod(step.node.shape) == 1 and not is_lazy(array_of(data))
    if known and (ties := count(lambda x, y: x == y, data, out)) > 1:
        return f"{ties} elements tie for the largest, so each gets 1/{ties} of the gradient."
    return "Only the largest decides the maximum, so it gets the whole gradient; ties share it."


def _same(sentence: str) -> Callable[[Any, Any], str]:
    return lambda step, contribution: sentence


def _composed(step: Step, contribution: Contribution) -> str:
    if step.node.folded:
        return f"{visible(step.node.symbol)} is folded: unfold it to see the steps inside."
    return f"{visible(step.node.symbol)} passes on the upstream gradient times its own slope."


_OPERATIONS: Mapping[str, Callable[[Any, Any], str]] = {
    "add": _same("A sum passes the gradient on to each operand as it is."),
    "subtract": _same("A difference passes the gradient on to its first operand as it is, to the second with the other sign."),
    "multiply": _same("The slope of a product by one factor is the other factor."),
    "divide": _same("What divides the value divides its gradient, too; by the divisor v, a quotient u / v has slope -u / v^2."),
    "power": _power,
    "negative": _same("The minus reverses the sign of the gradient."),
    "exp": _exp, "log": _log, "sqrt": _sqrt, "relu": _relu, "max": _max,
    "tanh": _saturating("tanh", 1.0), "sigmoid": _saturating("sigmoid", 0.25),
    "where": _same("Only the elements that were chosen from this operand get a gradient."),
    "sum": _same("Each element went into the sum once, so each gets a copy of the gradient."),
    "matmul": _same("Each element meets a whole row or column of the other matrix, so the gradient meets its transpose."),
    "reshape": _same("Only the shape changed, so the gradient is put into the old shape."),
    "permute": _same("Only the order of the axes changed, so the gradient is put into the old order."),
    "expand": _same("The same numbers were used several times, so their gradients are added up."),
    "cat": _same("Each operand gets the part of the gradient that stands where it stood."),
    "index": _same("Only what was picked counted, so only that gets a gradient; the others get 0."),
    "put": _same("Each element gets the gradient of the place where it was put."),
}  # fmt: skip


_BY_SLOPES = {"exp", "log", "power", "relu", "sigmoid", "sqrt", "tanh"}  # their sentences tell slopes

# Forward --------------------------------------------------------------------------------------------------------------

_FORWARD: Mapping[str, str] = {
    "exp": "exp makes every number positive, and large differences larger.",
    "log": "log is negative below 1, and far below 0 for numbers near 0.",
    "sqrt": "The square root: times itself it gives the operand.",
    "tanh": "tanh squeezes its operand to between -1 and 1.",
    "sigmoid": "sigmoid squeezes its operand to between 0 and 1.",
    "relu": "ReLU keeps what is above 0, and puts 0 for the rest.",
    "max": "Only the largest element goes on, along the dimension if there is one.",
    "sum": "All elements along the dimension are added.",
    "matmul": "Each row of the first times each column of the second, added up.",
    "index": "Only these elements go on.",
    "negative": "The sign is reversed.",
    "expand": "The same numbers, repeated.",
    "reshape": "The same numbers in another shape.",
    "permute": "The same numbers with their axes in another order.",
    "cat": "The operands, one after another.",
    "where": "From the first operand where the condition is true, from the second elsewhere.",
}


_INFIX: Mapping[str, str] = {
    "add": "{} and {} are added.",
    "subtract": "{1} is subtracted from {0}.",
    "multiply": "{} and {} are multiplied.",
    "divide": "{} is divided by {}.",
    "power": "{} is raised to the power {}.",
}


def _forward(step: Step) -> str:
    node = step.node
    if node.folded:
        return f"{visible(node.symbol)} is folded: unfold it to see the steps inside."
    if node.op == "max" and "softmax" in node.scope:
        return "The largest logit will be subtracted, so that exp cannot overflow; the result stays the same."
    if said := _FORWARD.get(node.op or ""):
        return said
    if node.op is None or node.op not in _INFIX:
        return f"{visible(node.symbol)} of its operands."
    called = (bracketed(step.names[x.id]) if x.name or x.op or x.shape else data_text(x.data) for x in step.operands)
    said = _INFIX[node.op].format(*called)
    repeated = [x for x in step.operands if x.shape and x.shape != node.shape]
    return said + "".join(f" {bracketed(step.names[x.id])} is repeated to the shape {node.shape}." for x in repeated)
