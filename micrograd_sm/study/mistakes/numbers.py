"""Rules about the numbers that came out: saturation, overflow, logarithms of 0, and weights that cancel everything."""

from __future__ import annotations

import math
from collections.abc import Iterator

from micrograd_sm.array import namespace, shape_of
from micrograd_sm.array.questions import count, element_at, holds, kinds_in, sums_of
from micrograd_sm.array.summary import array_of
from micrograd_sm.graph import Node
from micrograd_sm.graph.patterns import Normalised
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule, dim_text
from micrograd_sm.study.mistakes.probabilities import made_by
from micrograd_sm.words.numbers import data_text

_FLAT = 1e-12  # a derivative below this passes nothing back
_MASKED = -1e3  # a logit that far below the largest is masked out


def saturated(look: Look) -> Iterator[Mistake]:
    """Find a softmax, of which at least half the rows are one-hot, or a sigmoid, of which at least half is 0 or 1.

    What is masked out, by a number far below 0, does not count.
    """
    for found in look.softmaxes:
        node = look.graph[found.out]
        if found.kind == "softmax" and node.requires_grad and _most_rows_are_one_hot(look, found):
            logits = look.called(found.input, "logits")
            weighs = any(user.op == "matmul" for user in look.users[found.out])  # attention, which may be sure
            scaled = f"softmax({logits} / temperature, {dim_text(found)})"
            yield look.mistake(
                node, "softmax is so sure of a class that its derivative is below 1e-12, and nothing flows back through it",
                scaled if weighs else f"use cross_entropy({logits}, target), or {scaled}", harmless=weighs,
            )  # fmt: skip
    for node in look.nodes("sigmoid"):
        (operand,) = look.operands(node)
        free = count(lambda x: abs(x) < -_MASKED, operand.data)
        flat = count(lambda x, y: (abs(x) < -_MASKED) & (y * (1 - y) < _FLAT), operand.data, node.data)
        if node.requires_grad and _is_most(flat, free):
            logits = look.called(operand.id, "logits")
            yield look.mistake(
                node, "sigmoid is so close to 0 or 1 that its derivative is below 1e-12, and nothing flows back through it",
                f"use binary_cross_entropy_with_logits({logits}, target), or smaller weights",
            )  # fmt: skip


def _is_most(some: int, all: int) -> bool:
    return some > 0 and 2 * some >= all


def _most_rows_are_one_hot(look: Look, found: Normalised) -> bool:
    """Whether most rows with more than one logit that is not masked out became one-hot."""
    p, x = (array_of(look.graph[id].data) for id in (found.out, found.input))
    if shape_of(p) != shape_of(x):
        return False
    free = sums_of(x - namespace(x).max(x, axis=found.axis, keepdims=True) > _MASKED, found.axis)
    flat, classes = sums_of(p * (1 - p) < _FLAT, found.axis), math.prod(shape_of(p)[axis] for axis in found.axis)
    return _is_most(count(lambda n, m: (n > 1) & (m == classes), free, flat), count(lambda n: n > 1, free))


def all_ignored(look: Look) -> Iterator[Mistake]:
    for node in look.target_choices():
        if node.requires_grad and 0 in node.shape and 0 not in look.operands(node)[0].shape:
            yield look.mistake(
                node, "every target equals ignore_index, so no target counts: "
                f"{'the mean is 0 / 0' if _is_nan(look) else 'the loss is 0'} and there is no gradient",
                "skip batches without targets: if any(t != ignore_index for t in target): loss = ...",
            )  # fmt: skip


def _is_nan(look: Look) -> bool:
    return "nan" in kinds_in(look.graph[look.graph.root].data)


def weights_sum_to_zero(look: Look) -> Iterator[Mistake]:
    if not any(node.requires_grad and 0 not in node.shape for node in look.target_choices()):
        return
    for node in look.nodes("divide"):
        divisor = look.operands(node)[1]
        in_a_loss = node.scope.split("/")[-1] in ("nll_loss", "cross_entropy")
        if in_a_loss and divisor.kind == "constant" and divisor.shape == () and divisor.data == 0:
            yield look.mistake(
                node, "the class weights of the targets in this batch sum to 0, and the mean divides by that sum",
                "give every class that is a target a weight above 0, or use reduction='sum'",
            )  # fmt: skip


def exp_overflow(look: Look) -> Iterator[Mistake]:
    for node in look.nodes("exp"):
        operand = look.operands(node)[0]
        if holds(lambda x, y: (y == math.inf) & (x < math.inf), operand.data, node.data):
            yield look.mistake(node, "exp of more than 709.78 is inf", _without_overflow(look, node, operand))


def _without_overflow(look: Look, node: Node, operand: Node) -> str:
    """Return what computes the same without exp of a large number."""
    negative = operand.op == "negative"
    x = look.called(look.operands(operand)[0].id if negative else operand.id, "x")
    for user in look.users[node.id]:
        if user.op == "log1p" or (user.op == "add" and any(look.is_number(y) for y in look.operands(user))):
            after = {y.op for y in look.users[user.id]}
            if "divide" in after:
                return f"{x}.sigmoid()"
            if user.op == "log1p" or "log" in after:
                return f"softplus({'-' if negative else ''}{x})"
    for found in look.softmaxes:
        if found.exp == node.id:
            return f"{found.kind}({x}, {dim_text(found)})"
    return f"use softmax, log_softmax or logsumexp, which subtract the maximum of {x} first, or keep {x} below 709"


def log_of_zero(look: Look) -> Iterator[Mistake]:
    for node in look.nodes("log", "log1p"):
        operand = look.operands(node)[0]
        zero = 0.0 if node.op == "log" else -1.0
        if holds(lambda x, y: x == y, operand.data, zero):
            yield look.mistake(
                node, f"{node.op} of {zero:g} is -inf, and its derivative infinite",
                _without_zero(look, node, operand),
            )  # fmt: skip


def _without_zero(look: Look, node: Node, operand: Node) -> str:
    """Return what computes the same without the logarithm of 0."""
    made, x = made_by(look, operand), look.called(operand.id, "x")
    if made and not made.scaled and not made.mixed and made.by == "sigmoid":
        return f"logsigmoid({made.logits})"
    if made and made.found and not made.scaled and not made.mixed:
        return f"log_softmax({made.logits}, {dim_text(made.found)})"
    return f"({x} + 1e-12).log()" if node.op == "log" else f"({x} + (1 + 1e-12)).log()"


def zero_times_infinity(look: Look) -> Iterator[Mistake]:
    for node in look.nodes("multiply"):
        a, b = (x.data for x in look.operands(node))
        if any(holds(lambda x, y: (x == 0) & (abs(y) == math.inf), *pair) for pair in ((a, b), (b, a))):
            yield look.mistake(node, "0 times infinity is nan", _without_infinity(look, node))


def _without_infinity(look: Look, node: Node) -> str:
    for x, y in (look.operands(node), reversed(look.operands(node))):
        if y.op == "log" and x.id == look.operands(y)[0].id:
            name = look.called(x.id, "p")
            return f"{name} * where({name} > 0.0, {name}, 1.0).log()"
    return "use where(mask, x, 0.0) in place of mask * x, before x becomes infinite"


def nan_gradient(look: Look) -> Iterator[Mistake]:
    """Find where nan first enters the gradient of a finite loss: 0 times an infinite derivative."""
    if kinds_in(look.graph[look.graph.root].data):
        return
    for contribution in look.heard:
        if "nan" in kinds_in(contribution.amount):
            target = look.graph[contribution.edge.target]
            seen = [target.data, target.grad, *(x.data for x in look.operands(target))]
            if not any("nan" in kinds_in(numbers) for numbers in seen):
                name = "sqrt" if _is_root(look, target) else target.op
                root = "(x + 1e-12).sqrt(), or " if name == "sqrt" else ""
                yield look.mistake(
                    target, f"on the way back {name} multiplies 0 by an infinite derivative, which is nan",
                    f"keep its operand where the derivative is finite: {root}where(safe, x, 1.0) before {name}, not after",
                )  # fmt: skip
            return


def not_finite(look: Look) -> Iterator[Mistake]:
    """Find where a loss, or a gradient of a leaf, that is not finite began to be so: asked if no other rule says why."""
    root = look.graph[look.graph.root]
    leaves = [node.grad for node in look.graph if node.op is None and node.requires_grad]
    if not any(map(kinds_in, (root.data, *leaves))):
        return
    node, said = _origin_in_values(look) or _origin_in_gradients(look) or (root, "an infinite constant reached the loss")
    yield look.mistake(node, said, _finite(look, node))


def _finite(look: Look, node: Node) -> str:
    if node.op is None and not node.requires_grad:
        return f"leave out the rows of {look.called(node.id, 'the data')} that are not finite, or fill them"
    if node.op == "divide" and _is_root(look, look.origin(look.operands(node)[1].id)):
        return "keep what is under the root above 0: (x * x).sum() + 1e-12, or use normalize(x, dim)"
    return _MENDED.get(node.op or "", "look at this operation's operands")


def _is_root(look: Look, node: Node) -> bool:
    if node.op != "power":
        return node.op == "sqrt"
    exponent = look.operands(node)[1]
    return look.is_number(exponent) and element_at(exponent.data, 0) == 0.5


def _origin_in_values(look: Look) -> tuple[Node, str] | None:
    """Return the first node with a nan or inf that its operands have not; an infinite constant, such as a mask, is meant."""
    for node in look.graph:
        for kind in kinds_in(node.data):
            if any(kind in kinds_in(operand.data) for operand in look.operands(node)):
                continue
            if node.op is not None:
                shown = ", ".join(f"{look.labels[x.id]} = {data_text(x.data)}" for x in look.operands(node))
                return node, f"{kind} comes up here first: {node.op} of {shown}"
            if node.requires_grad or (kind == "nan" and any(not _without_nan(user) for user in look.users[node.id])):
                return node, f"{kind} was given"
    return None


def _without_nan(node: Node) -> bool:
    """Whether a node has left out the nan of an operand, as the where of a clamp does."""
    return node.op == "where" and "nan" not in kinds_in(node.data)


def _origin_in_gradients(look: Look) -> tuple[Node, str] | None:
    for one in look.heard:
        if kinds_in(one.amount):
            node, operand = look.graph[one.edge.target], look.labels[one.edge.source]
            if kinds_in(look.graph[look.graph.root].data):
                shown = ", ".join(f"{look.labels[x.id]} = {data_text(x.data)}" for x in look.operands(node))
                return node, f"an infinite constant meets the gradient in {node.op} of {shown}"
            return node, f"the loss is finite, but the gradient that {node.op} passes back to {operand} is not"
    return None


_MENDED = {
    "": "start again from finite parameters, with a smaller learning rate",
    "divide": "keep the divisor from 0: x / total.clamp(min=1e-12), or leave out what is empty: if mask.any():",
    "subtract": "leave at least one element of each row without a mask, or mask with -1e9 in place of -inf",
    **dict.fromkeys(("power", "sqrt"), "keep it above 0 before the root: x.clamp(min=1e-12).sqrt()"),
    "log": "keep it above 0: (x + 1e-12).log()",
    "exp": "subtract the maximum first, or clamp it",
    "matmul": "start with smaller weights",
}  # by operation
EXPLAIN_NAN = {"all-ignored", "weights-sum-to-zero", "exp-overflow", "log-of-zero", "zero-times-infinity", "nan-gradient"}
NUMBER_RULES: tuple[Rule, ...] = (
    saturated, all_ignored, weights_sum_to_zero, exp_overflow, log_of_zero, zero_times_infinity, nan_gradient,
)  # fmt: skip
