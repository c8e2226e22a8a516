"""Rules about the numbers that came out: saturation, overflow, logarithms of 0, and weights that cancel everything."""

from __future__ import annotations

import math
from collections.abc import Iterator

from micrograd_sm.array import flat_of
from micrograd_sm.array.strides import broadcast, groups
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
        if found.kind == "softmax" and node.requires_grad and _most(_one_hot_rows(look, found)):
            logits = look.called(found.input, "logits")
            weighs = any(user.op == "matmul" for user in look.users[found.out])  # attention, which may be sure
            scaled = f"softmax({logits} / temperature, {dim_text(found)})"
            yield look.mistake(
                node, "softmax is so sure of a class that its derivative is below 1e-12, and nothing flows back through it",
                scaled if weighs else f"use cross_entropy({logits}, target), or {scaled}", harmless=weighs,
            )  # fmt: skip
    for node in look.nodes("sigmoid"):
        (operand,) = look.operands(node)
        free = [y * (1 - y) < _FLAT for x, y in zip(flat_of(operand.data), flat_of(node.data)) if abs(x) < -_MASKED]
        if node.requires_grad and _most(free):
            logits = look.called(operand.id, "logits")
            yield look.mistake(
                node, "sigmoid is so close to 0 or 1 that its derivative is below 1e-12, and nothing flows back through it",
                f"use binary_cross_entropy_with_logits({logits}, target), or smaller weights",
            )  # fmt: skip


def _most(flags: list[bool]) -> bool:
    return any(flags) and 2 * sum(flags) >= len(flags)


def _one_hot_rows(look: Look, found: Normalised) -> list[bool]:
    """Return, for each row with more than one logit that is not masked out, whether it became one-hot."""
    p, x = look.graph[found.out], look.graph[found.input]
    if p.shape != x.shape:
        return []
    rows = zip(*(groups(flat_of(node.data), node.shape, found.axis) for node in (p, x)))
    return [all(q * (1 - q) < _FLAT for q in p) for p, x in rows if sum(a - max(x) > _MASKED for a in x) > 1]


def all_ignored(look: Look) -> Iterator[Mistake]:
    for node in look.target_choices():
        if node.requires_grad and not node.params["positions"] and 0 not in look.operands(node)[0].shape:
            yield look.mistake(
                node, "every target equals ignore_index, so no target counts: "
                f"{'the mean is 0 / 0' if _is_nan(look) else 'the loss is 0'} and there is no gradient",
                "skip batches without targets: if any(t != ignore_index for t in target): loss = ...",
            )  # fmt: skip


def _is_nan(look: Look) -> bool:
    return any(map(math.isnan, flat_of(look.graph[look.graph.root].data)))


def weights_sum_to_zero(look: Look) -> Iterator[Mistake]:
    if not any(node.requires_grad and node.params["positions"] for node in look.target_choices()):
        return
    for node in look.nodes("divide"):
        divisor = look.operands(node)[1]
        in_a_loss = node.scope.split("/")[-1] in ("nll_loss", "cross_entropy")
        if in_a_loss and divisor.kind == "constant" and flat_of(divisor.data) == [0.0]:
            yield look.mistake(
                node, "the class weights of the targets in this batch sum to 0, and the mean divides by that sum",
                "give every class that is a target a weight above 0, or use reduction='sum'",
            )  # fmt: skip


def exp_overflow(look: Look) -> Iterator[Mistake]:
    for node in look.nodes("exp"):
        operand = look.operands(node)[0]
        if any(y == math.inf and x < math.inf for x, y in zip(flat_of(operand.data), flat_of(node.data))):
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
        if zero in flat_of(operand.data):
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
        a, b = (broadcast(flat_of(x.data), x.shape, node.shape) for x in look.operands(node))
        if any({0.0, math.inf} == {abs(x), abs(y)} for x, y in zip(a, b)):
            yield look.mistake(node, "0 times infinity is nan", _without_infinity(look, node))


def _without_infinity(look: Look, node: Node) -> str:
    for x, y in (look.operands(node), reversed(look.operands(node))):
        if y.op == "log" and x.id == look.operands(y)[0].id:
            name = look.called(x.id, "p")
            return f"{name} * where({name} > 0.0, {name}, 1.0).log()"
    return "use where(mask, x, 0.0) in place of mask * x, before x becomes infinite"


def nan_gradient(look: Look) -> Iterator[Mistake]:
    """Find where nan first enters the gradient of a finite loss: 0 times an infinite derivative."""
    if not all(map(math.isfinite, flat_of(look.graph[look.graph.root].data))):
        return
    for contribution in look.heard:
        if any(map(math.isnan, flat_of(contribution.amount))):
            target = look.graph[contribution.edge.target]
            seen = [target.data, target.grad, *(x.data for x in look.operands(target))]
            if not any(math.isnan(x) for numbers in seen for x in flat_of(numbers)):
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
    if all(map(math.isfinite, (x for data in (root.data, *leaves) if data is not None for x in flat_of(data)))):
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
    return node.op == "power" and look.is_number(look.operands(node)[1]) and flat_of(look.operands(node)[1].data)[0] == 0.5


def _origin_in_values(look: Look) -> tuple[Node, str] | None:
    """Return the first node with a nan or inf that its operands have not; an infinite constant, such as a mask, is meant."""
    for node in look.graph:
        before = [x for operand in look.operands(node) for x in flat_of(operand.data)]
        for kind, is_kind in (("nan", math.isnan), ("inf", math.isinf)):
            if not any(map(is_kind, flat_of(node.data))) or any(map(is_kind, before)):
                continue
            if node.op is not None:
                shown = ", ".join(f"{look.labels[x.id]} = {data_text(x.data)}" for x in look.operands(node))
                return node, f"{kind} comes up here first: {node.op} of {shown}"
            if node.requires_grad or (kind == "nan" and any(not _without_nan(user) for user in look.users[node.id])):
                return node, f"{kind} was given"
    return None


def _without_nan(node: Node) -> bool:
    """Whether a node has left out the nan of an operand, as the where of a clamp does."""
    return node.op == "where" and not any(map(math.isnan, flat_of(node.data)))


def _origin_in_gradients(look: Look) -> tuple[Node, str] | None:
    for one in look.heard:
        if not all(map(math.isfinite, flat_of(one.amount))):
            node, operand = look.graph[one.edge.target], look.labels[one.edge.source]
            if not all(map(math.isfinite, flat_of(look.graph[look.graph.root].data))):
                shown = ", ".join(f"{look.labels[x.id]} = {data_text(x.data)}" for x in look.operands(node))
                return node, f"an infinite constant meets the gradient in {node.op} of {shown}"
            return node, f"the loss is finite, but the gradient that {node.op} passes back to {operand} is not"
    return None


_MENDED = {
    "": "start again from finite parameters, with a smaller learning rate",
    "divide": "keep the divisor from 0: x / total.clamp(min=1e-12), or leave out what is empty: if mask.any():",
    "subtract": "leave at least one element of each row without a mask, or mask with -1e9 in place of -inf",
    "power": "keep it above 0 before the root: x.clamp(min=1e-12).sqrt()",
    "log": "keep it above 0: (x + 1e-12).log()",
    "exp": "subtract the maximum first, or clamp it",
    "matmul": "start with smaller weights",
}  # by operation
EXPLAIN_NAN = {"all-ignored", "weights-sum-to-zero", "exp-overflow", "log-of-zero", "zero-times-infinity", "nan-gradient"}
NUMBER_RULES: tuple[Rule, ...] = (
    saturated, all_ignored, weights_sum_to_zero, exp_overflow, log_of_zero, zero_times_infinity, nan_gradient,
)  # fmt: skip
