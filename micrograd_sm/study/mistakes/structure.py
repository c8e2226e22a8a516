"""Rules about which operation was applied to what: softmax, sigmoid, log_softmax, nll_loss and multinomial."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from micrograd_sm.array import flat_of, is_foreign, namespace
from micrograd_sm.array.questions import distinct, ends_of, holds, sums_of
from micrograd_sm.array.strides import groups
from micrograd_sm.array.summary import Summary, array_of
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.patterns import Normalised, operands
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule, dim_text
from micrograd_sm.study.mistakes.probabilities import along, made_by
from micrograd_sm.study.subject import subject_of

BINARY = "binary_cross_entropy_with_logits"
_UNCHANGED = {"reshape", "log", "negative", "multiply"}  # what may lie between a softmax and the choice of the targets


def softmax_before_cross_entropy(look: Look) -> Iterator[Mistake]:
    for found in look.softmaxes:
        if found.kind != "log_softmax":
            continue
        given = look.graph[found.input]
        made = made_by(look, given)
        if made and ((made.by == "sigmoid" and not made.scaled) or (made.by != "sigmoid" and along(look, given, found.axis))):
            yield look.mistake(
                look.origin(found.input), f"log_softmax is applied to what {made.by} already made probabilities, which "
                "flattens the loss and its gradient", f"loss = cross_entropy({made.logits}{look.moves(given.id)}, target)",
            )  # fmt: skip
    for node in look.binary_logits():
        made = made_by(look, node)
        if made and not made.scaled:
            yield look.mistake(
                look.origin(node.id), f"{BINARY} applies sigmoid itself, and was given what {made.by} already made "
                "probabilities", f"loss = {BINARY}({made.logits}{look.moves(node.id)}, target)",
            )  # fmt: skip


def probabilities_to_nll_loss(look: Look) -> Iterator[Mistake]:
    for node in look.target_choices():
        (operand,) = look.operands(node)
        made = made_by(look, operand)
        if node.scope.split("/")[-1] == "nll_loss" and (made or _are_probabilities(operand)):
            known = made and made.by != "a division by the sum" and not made.mixed
            yield look.mistake(
                operand, f"nll_loss takes log-probabilities and was given {f'what {made.by} made: ' if made else ''}"
                "probabilities, so the loss is minus one of them and never large",
                f"loss = cross_entropy({made.logits}, target)" if made and known else
                f"loss = nll_loss({look.called(operand.id, 'probabilities')}.log(), target)",
            )  # fmt: skip


def probabilities_to_kl_div(look: Look) -> Iterator[Mistake]:
    """Find probabilities in kl_div, which takes their logarithms first."""
    for node in look.nodes("subtract"):
        if node.scope.split("/")[-1] == "kl_div" and (made := made_by(look, look.operands(node)[1])) and made.found:
            yield look.mistake(
                look.operands(node)[1], f"kl_div takes log-probabilities first, and was given what {made.by} made",
                f"loss = kl_div(log_softmax({made.logits}, {dim_text(made.found)}), target, reduction='batchmean')",
            )  # fmt: skip


def _are_probabilities(node: Node) -> bool:
    ends = ends_of(node.data)
    return bool(ends) and 0 <= ends[0] <= ends[1] <= 1 and ends[1] > 0 and not _apart_from_1(sums_of(node.data, _classes(node)))


def _apart_from_1(sums: Any) -> bool:
    return holds(lambda x: (abs(x - 1) <= 1e-9) == False, sums)  # noqa: E712 - nan is apart, too


def _classes(node: Node) -> tuple[int, ...]:
    return (0,) if len(node.shape) == 1 else (1,) if node.shape else ()


def log_of_softmax(look: Look) -> Iterator[Mistake]:
    """Hint at the logarithm of a softmax, a mistake once a probability is 0; kept from 0, only if it is the targets'."""
    for node in look.nodes("log"):
        (operand,) = look.operands(node)
        made = made_by(look, operand)
        if not made or not made.found or made.scaled or made.mixed or _kept_finite(node):
            continue
        if made.guarded and not _is_picked(look, node):
            continue
        yield look.mistake(
            node, "what keeps this probability from 0 also keeps the gradient of a target that is surely wrong small, or 0"
            if made.guarded else
            "softmax rounds small probabilities to 0 before their logarithm is taken, which then is -inf",
            f"{look.called(node.id, 'log_probs')} = log_softmax({made.logits}, {dim_text(made.found)})",
            harmless=not holds(lambda x: x == 0, operand.data),
        )  # fmt: skip


def _is_picked(look: Look, node: Node) -> bool:
    """Whether some elements of a node are chosen next, by an index or by a constant of 0 and 1."""
    for user in look.users[node.id]:
        if user.op == "index" or (user.op in ("reshape", "permute", "negative") and _is_picked(look, user)):
            return True
        if user.op == "multiply" and any(x.kind == "constant" and distinct(x.data) == {0, 1} for x in look.operands(user)):
            return True
    return False


def _kept_finite(node: Node) -> bool:
    """Whether a loss takes the logarithm itself, and keeps it finite where the probability is 0."""
    return node.scope.split("/")[-1] in ("binary_cross_entropy", "kl_div", "xlogy", "entr")


def softmax_over_one(look: Look) -> Iterator[Mistake]:
    for found in look.softmaxes:
        shape = look.graph[found.input].shape
        if not shape or math.prod(shape[axis] for axis in found.axis) != 1 or _is_attention(look, found):
            continue
        logits, wide = look.called(found.input, "logits"), [axis for axis, size in enumerate(shape) if size > 1]
        if found.axis == (0,) and wide == [1]:
            mended = f"{found.kind}({logits}, dim=1)"
        elif found.kind == "softmax":
            mended = f"sigmoid({logits})"
        else:
            mended = f"loss = {BINARY}({logits}.squeeze({found.axis[0]}), target)"
        yield look.mistake(
            found.out, f"{found.kind} over {dim_text(found)} of shape {shape}, a single element, is the same for every input",
            mended,
        )  # fmt: skip


def _is_attention(look: Look, found: Normalised) -> bool:
    """Whether a softmax weighs elements of a sequence, which may be one long."""
    pending = [found.out] if found.kind == "softmax" else []
    while pending:
        node = look.graph[pending.pop()]
        if math.prod(node.shape) == 1:
            return True
        for user in look.users[node.id]:
            if user.op == "matmul":
                return True
            if user.op in ("reshape", "permute", "expand", "where"):
                pending.append(user.id)
    return False


def softmax_over_batch(look: Look) -> Iterator[Mistake]:
    for found in look.softmaxes:
        shape = look.graph[found.input].shape
        if (
            found.axis == (0,)
            and len(shape) > 1
            and shape[0] > 1
            and (_one_of_each_row(look, found.out) or _learns_one_of_each_row(look.graph[found.out]))
        ):
            yield look.mistake(
                found.out,
                f"{found.kind} over dim=0 of shape {shape} makes the batch compete, and one class is then picked in each row",
                f"{found.kind}({look.called(found.input, 'logits')}, dim=1)",
            )


def _one_of_each_row(look: Look, id: str) -> bool:
    """Whether one element of each row is picked from a node, at once or after steps that keep elements apart."""
    shape = look.graph[id].shape
    pending = [id]
    while pending:
        for user in look.users[pending.pop()]:
            if user.op == "index":
                if _picks_of_rows(user, shape):
                    return True
            elif user.op in ("multiply", "subtract") and user.shape == shape and any(map(_one_hot_rows, look.operands(user))):
                return True
            elif user.op in _UNCHANGED and user.shape == shape:
                pending.append(user.id)
    return False


def _learns_one_of_each_row(node: Node) -> bool:
    """Whether a gradient reaches one element of each row, and not also one of each column, however they were picked."""
    if len(node.shape) != 2 or node.shape[1] < 2 or node.grad is None:
        return False
    return _one_in_each_row(array_of(node.grad) != 0)


def _one_in_each_row(numbers: Any) -> bool:
    """Whether the sums of all rows of 0 and 1 are 1, and not also those of all columns."""
    rows, columns = (sums_of(numbers, (axis,)) for axis in (1, 0))
    return not holds(lambda x: x != 1, rows) and holds(lambda x: x != 1, columns)


def _picks_of_rows(node: Node, shape: tuple[int, ...]) -> bool:
    """Whether one element of each row is picked, and not also one of each column."""
    positions = array_of(node.params["positions"])
    if is_foreign(positions):
        columns = namespace(positions).unique_values(positions % shape[1])
        return node.params["key"] == "target" and not tuple(columns.shape) == tuple(positions.shape) == shape[1:]
    inner = math.prod(shape[1:])
    rows, columns = zip(*(divmod(position, inner) for position in positions)) if inner else ((), ())
    if len(shape) == 2 and sorted(columns) == list(range(shape[1])):
        return False
    return node.params["key"] == "target" or list(rows) == list(range(shape[0]))


def _one_hot_rows(node: Node) -> bool:
    """Whether a constant picks one element of each row, and not also one of each column."""
    is_mask = node.kind == "constant" and len(node.shape) == 2 and distinct(node.data) <= {0, 1}
    return is_mask and _one_in_each_row(node.data)


def log_softmax_twice(look: Look) -> Iterator[Mistake]:
    for found in look.softmaxes:
        before = look.normalised.get(look.origin(found.input).id)
        if (
            found.kind == "log_softmax"
            and before
            and before.kind == "log_softmax"
            and _are_logs(look.graph[found.input], found)
        ):
            logits, in_loss = look.called(before.input, "logits"), "cross_entropy" in look.graph[found.out].scope
            yield look.mistake(
                found.input, "log_softmax of log-probabilities gives them back: the second is harmless, and costs time",
                f"loss = cross_entropy({logits}, target)" if in_loss else f"log_softmax({logits}, {dim_text(before)})",
                harmless=True,
            )  # fmt: skip


def _are_logs(node: Node, found: Normalised) -> bool:
    numbers = array_of(node.data)
    return not _apart_from_1(sums_of(namespace(numbers).exp(numbers), found.axis))


def sampling_from_logits(look: Look) -> Iterator[Mistake]:
    weights = look.sampled_from
    if weights is None:
        return
    weights = weights if isinstance(weights, (Graph, Value)) else Value(weights, requires_grad=False)
    graph = subject_of(weights, look.variables, "lint")[0]
    root = graph[graph.root]
    if holds(lambda x: x < 0, root.data) or any(_fed_to_softmax(look, x) for x in _unscaled(graph, root)):
        name = root.name or "logits"
        yield Mistake(
            "", name, "multinomial takes weights, and these are logits: negative ones are refused, others drawn wrongly",
            f"multinomial(softmax({name}, dim={len(root.shape) - 1}), num_samples)",
        )  # fmt: skip


def _fed_to_softmax(look: Look, root: Node) -> bool:
    """Whether weights that are no probabilities are also the input of a softmax or log_softmax of the loss."""
    if not root.shape or type(root.data) is Summary or _are_probabilities(root):
        return False
    rows = [list(row) for row in groups(flat_of(root.data), root.shape, (len(root.shape) - 1,))]
    for found in look.softmaxes:
        given = look.graph[found.input]
        if type(given.data) is Summary:
            continue
        logits = [list(row) for row in groups(flat_of(given.data), given.shape, found.axis)]
        if all(any(_is_made_of(row, other) for other in logits) for row in rows):
            return True
    return False


def _is_made_of(weights: list[float], logits: list[float]) -> bool:
    """Whether weights are logits that were scaled, shifted, or made positive one by one, and no probabilities."""
    if len(weights) != len(logits) or not all(map(math.isfinite, [*weights, *logits])):
        return False
    sure = [x for x in logits if abs(x) < 700]
    if len(sure) == len(logits) and _all_close(weights, [1 / (1 + math.exp(-x)) for x in logits]):
        return True
    return weights == logits or _all_close(weights, [abs(x) for x in logits]) or _is_affine(weights, logits)


def _is_affine(weights: list[float], logits: list[float]) -> bool:
    """Whether three or more different weights lie on a line over the logits."""
    low, high = logits.index(min(logits)), logits.index(max(logits))
    if len(set(logits)) < 3 or weights[low] == weights[high]:
        return False
    slope = (weights[high] - weights[low]) / (logits[high] - logits[low])
    return _all_close(weights, [weights[low] + slope * (x - logits[low]) for x in logits])


def _all_close(a: list[float], b: list[float]) -> bool:
    return all(abs(x - y) <= 1e-9 * (1 + abs(x)) for x, y in zip(a, b, strict=True))


def _unscaled(graph: Graph, root: Node) -> Iterator[Node]:
    """Yield a node, and what it was before it was multiplied or divided by a number."""
    node: Node | None = root
    while node is not None:
        yield node
        others = [x for x in operands(graph, node) if x.kind != "constant"] if node.op in ("multiply", "divide") else []
        node = others[0] if len(others) == 1 else None


STRUCTURE_RULES: tuple[Rule, ...] = (
    softmax_before_cross_entropy, probabilities_to_nll_loss, probabilities_to_kl_div, log_of_softmax, softmax_over_one,
    softmax_over_batch, log_softmax_twice, sampling_from_logits,
)  # fmt: skip
