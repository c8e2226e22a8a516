"""Rules about the numbers that came out: saturation, overflow, logarithms of 0, and weights that cancel everything."""

from __future__ import annotations

import math
from collections.abc import Iterator

from micrograd_sm.array import flat_of
from micrograd_sm.array.strides import broadcast, groups
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule, dim_text
from micrograd_sm.study.patterns import Normalised

_FLAT = 1e-12  # a derivative below this passes nothing back
_MASKED = -1e6  # a logit that far below the largest is masked out


def saturated(look: Look) -> Iterator[Mistake]:
    for found in look.softmaxes:
        node = look.graph[found.out]
        if found.kind == "softmax" and node.requires_grad and _has_one_hot_row(look, found):
            logits = look.called(found.input, "logits")
            yield look.mistake(
                node, "softmax is so sure of a class that its derivative is below 1e-12, and nothing flows back through it",
                f"use cross_entropy({logits}, target), or softmax({logits} / temperature, {dim_text(found)})",
            )  # fmt: skip
    for node in look.nodes("sigmoid"):
        if node.requires_grad and any(y * (1 - y) < _FLAT for y in flat_of(node.data)):
            logits = look.called(look.operands(node)[0].id, "logits")
            yield look.mistake(
                node, "sigmoid is so close to 0 or 1 that its derivative is below 1e-12, and nothing flows back through it",
                f"use binary_cross_entropy_with_logits({logits}, target), or smaller weights",
            )  # fmt: skip


def _has_one_hot_row(look: Look, found: Normalised) -> bool:
    """Return whether a row with more than one logit that is not masked out became one-hot."""
    p, x = look.graph[found.out], look.graph[found.input]
    if p.shape != x.shape:
        return False
    rows = zip(*(groups(flat_of(node.data), node.shape, found.axis) for node in (p, x)))
    return any(sum(a - max(x) > _MASKED for a in x) > 1 and all(q * (1 - q) < _FLAT for q in p) for p, x in rows)


def all_ignored(look: Look) -> Iterator[Mistake]:
    for node in look.target_choices():
        if node.requires_grad and not node.params["positions"] and 0 not in look.operands(node)[0].shape:
            yield look.mistake(
                node, "every target equals ignore_index, so no target counts: the mean is 0 / 0 and there is no gradient",
                "skip batches without targets: if any(t != ignore_index for t in target): loss = ...",
            )  # fmt: skip


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
            x = look.called(operand.id, "x")
            mended = f"softmax({x}, dim), log_softmax({x}, dim) or logsumexp({x}, dim)"
            yield look.mistake(node, "exp of more than 709.78 is inf", mended)


def log_of_zero(look: Look) -> Iterator[Mistake]:
    for node in look.nodes("log", "log1p"):
        operand = look.operands(node)[0]
        zero = 0.0 if node.op == "log" else -1.0
        if zero in flat_of(operand.data):
            yield look.mistake(
                node, f"{node.op} of {zero:g} is -inf, and its derivative infinite",
                f"log_softmax of the logits, or ({look.called(operand.id, 'x')} + 1e-12).log() where they are not known",
            )  # fmt: skip


def zero_times_infinity(look: Look) -> Iterator[Mistake]:
    for node in look.nodes("multiply"):
        a, b = (broadcast(flat_of(x.data), x.shape, node.shape) for x in look.operands(node))
        if any({0.0, math.inf} == {abs(x), abs(y)} for x, y in zip(a, b)):
            mended = "where(mask, x, 0.0) in place of mask * x, before x becomes infinite"
            yield look.mistake(node, "0 times infinity is nan", mended)


def nan_gradient(look: Look) -> Iterator[Mistake]:
    """Find where nan first enters the gradient of a finite loss: 0 times an infinite derivative."""
    if not all(map(math.isfinite, flat_of(look.graph[look.graph.root].data))):
        return
    for contribution in look.heard:
        if any(map(math.isnan, flat_of(contribution.amount))):
            target = look.graph[contribution.edge.target]
            seen = [target.data, target.grad, *(x.data for x in look.operands(target))]
            if not any(math.isnan(x) for numbers in seen for x in flat_of(numbers)):
                yield look.mistake(
                    target, f"on the way back {target.op} multiplies 0 by an infinite derivative, which is nan",
                    f"keep its operand where the derivative is finite: where(safe, x, 1.0) before {target.op}, not after",
                )  # fmt: skip
            return


NUMBER_RULES: tuple[Rule, ...] = (
    saturated, all_ignored, weights_sum_to_zero, exp_overflow, log_of_zero, zero_times_infinity, nan_gradient,
)  # fmt: skip
