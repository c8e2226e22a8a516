"""Rules about which operation was applied to what: softmax, sigmoid, log_softmax, nll_loss and multinomial."""

from __future__ import annotations

import math
from collections.abc import Iterator

from micrograd_sm.array import flat_of
from micrograd_sm.array.strides import groups
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule, dim_text
from micrograd_sm.study.patterns import Normalised, normalised
from micrograd_sm.study.subject import subject_of

_BINARY = "binary_cross_entropy_with_logits"
_UNCHANGED = {"reshape", "log", "negative", "multiply"}  # what may lie between a softmax and the choice of the targets


def _made_by(look: Look, id: str) -> Normalised | None:
    origin = look.origin(id).id
    return next((found for found in look.softmaxes if found.out == origin), None)


def _squashed(look: Look, id: str) -> tuple[str, str] | None:
    """Return "softmax" or "sigmoid" and the name of its logits, if a node holds the result of one."""
    found = _made_by(look, id)
    if found and found.kind == "softmax":
        return "softmax", look.called(found.input, "logits")
    node = look.origin(id)
    return ("sigmoid", look.called(look.operands(node)[0].id, "logits")) if node.op == "sigmoid" else None


def _without_number(look: Look, node: Node, ops: set[str]) -> Node:
    """Return the node before operations of these names with a constant number."""
    node = look.origin(node.id)
    while node.op in ops:
        others = [x for x in look.operands(node) if x.kind != "constant" or x.shape]
        if len(others) != 1:
            break
        node = look.origin(others[0].id)
    return node


def softmax_before_cross_entropy(look: Look) -> Iterator[Mistake]:
    for found in look.softmaxes:
        scaled = _without_number(look, look.graph[found.input], {"add", "subtract", "multiply", "divide"})
        before = _squashed(look, found.input) or _squashed(look, scaled.id)
        if before and found.kind == "log_softmax":
            yield look.mistake(
                look.origin(found.input), f"log_softmax is applied to what {before[0]} already made probabilities, which "
                "flattens the loss and its gradient", f"loss = cross_entropy({before[1]}, target)",
            )  # fmt: skip
    for node in look.nodes("negative"):
        operand = look.operands(node)[0]
        before = _squashed(look, operand.id)
        if before and node.scope.split("/")[-1] == _BINARY and not operand.scope.endswith(_BINARY):
            yield look.mistake(
                look.origin(operand.id), f"{_BINARY} applies sigmoid itself, and was given what {before[0]} already made "
                "probabilities", f"loss = {_BINARY}({before[1]}, target)",
            )  # fmt: skip


def probabilities_to_nll_loss(look: Look) -> Iterator[Mistake]:
    for node in look.target_choices():
        (operand,) = look.operands(node)
        before = _squashed(look, operand.id)
        if node.scope.split("/")[-1] == "nll_loss" and (before or _are_probabilities(operand)):
            yield look.mistake(
                operand, f"nll_loss takes log-probabilities and was given {f'what {before[0]} made: ' if before else ''}"
                "probabilities, so the loss is minus one of them and never large",
                f"loss = cross_entropy({before[1]}, target)" if before else "loss = nll_loss(probabilities.log(), target)",
            )  # fmt: skip


def _are_probabilities(node: Node) -> bool:
    numbers = flat_of(node.data)
    if not numbers or not all(0 <= x <= 1 for x in numbers) or not any(numbers):
        return False
    rows = groups(numbers, node.shape, (0,) if len(node.shape) == 1 else (1,))
    return all(math.isclose(math.fsum(row), 1, rel_tol=1e-9) for row in rows)


def log_of_softmax(look: Look) -> Iterator[Mistake]:
    for node in look.nodes("log"):
        found = _made_by(look, _without_number(look, look.operands(node)[0], {"add"}).id)
        if found and found.kind == "softmax":
            yield look.mistake(
                node, "softmax rounds small probabilities to 0 before their logarithm is taken, which then is -inf",
                f"{look.called(node.id, 'log_probs')} = log_softmax({look.called(found.input, 'logits')}, {dim_text(found)})",
            )  # fmt: skip


def softmax_over_one(look: Look) -> Iterator[Mistake]:
    for found in look.softmaxes:
        shape = look.graph[found.input].shape
        if shape and math.prod(shape[axis] for axis in found.axis) == 1:
            best, logits = max(range(len(shape)), key=shape.__getitem__), look.called(found.input, "logits")
            yield look.mistake(
                found.out,
                f"{found.kind} over {dim_text(found)} of shape {shape}, a single element, is the same for every input",
                f"{found.kind}({logits}, dim={best})" if shape[best] > 1 else f"{_BINARY}({logits}, target)",
            )  # fmt: skip


def softmax_over_batch(look: Look) -> Iterator[Mistake]:
    for found in look.softmaxes:
        shape = look.graph[found.input].shape
        if found.axis == (0,) and len(shape) > 1 and shape[0] > 1 and _one_of_each_row(look, found.out):
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
                rows = [position // math.prod(shape[1:]) for position in user.params["positions"]]
                if user.params["key"] == "target" or rows == list(range(shape[0])):
                    return True
            elif user.op in ("multiply", "subtract") and any(_one_hot_rows(x) for x in look.operands(user)):
                return True
            elif user.op in _UNCHANGED and user.shape == shape:
                pending.append(user.id)
    return False


def _one_hot_rows(node: Node) -> bool:
    """Whether a constant picks one element of each row, and not also one of each column."""
    if node.kind != "constant" or len(node.shape) != 2 or not set(flat_of(node.data)) <= {0, 1}:
        return False
    rows, columns = (map(sum, groups(flat_of(node.data), node.shape, (axis,))) for axis in (1, 0))
    return all(total == 1 for total in rows) and any(total != 1 for total in columns)


def log_softmax_twice(look: Look) -> Iterator[Mistake]:
    for found in look.softmaxes:
        before = _made_by(look, found.input)
        if found.kind == "log_softmax" and before and before.kind == "log_softmax":
            logits, in_loss = look.called(before.input, "logits"), "cross_entropy" in look.graph[found.out].scope
            yield look.mistake(
                found.input, "log_softmax of log-probabilities gives them back: the second changes nothing and costs time",
                f"loss = cross_entropy({logits}, target)" if in_loss else f"log_softmax({logits}, {dim_text(before)})",
                harmless=True,
            )  # fmt: skip


def sampling_from_logits(look: Look) -> Iterator[Mistake]:
    weights = look.sampled_from
    if weights is None:
        return
    weights = weights if isinstance(weights, (Graph, Value)) else Value(weights, requires_grad=False)
    graph = subject_of(weights, look.variables, "lint")[0]
    root = graph[graph.root]
    if _are_logits(graph, root):
        name = root.name or "logits"
        yield Mistake(
            "", name, "multinomial takes weights, and these are logits: negative ones are refused, others drawn wrongly",
            f"multinomial(softmax({name}, dim={len(root.shape) - 1}), num_samples)",
        )  # fmt: skip


def _are_logits(graph: Graph, root: Node) -> bool:
    numbers = flat_of(root.data)
    if any(x < 0 for x in numbers):
        return True
    made = root.op in ("exp", "sigmoid", "relu") or any(found.out == root.id for found in normalised(graph))
    rows = groups(numbers, root.shape, (len(root.shape) - 1,)) if root.shape else []
    sums_to_one = all(math.isclose(math.fsum(row), 1, rel_tol=1e-6) for row in rows)
    return root.op is not None and not made and not sums_to_one and any(x != int(x) for x in numbers if math.isfinite(x))


STRUCTURE_RULES: tuple[Rule, ...] = (
    softmax_before_cross_entropy, probabilities_to_nll_loss, log_of_softmax, softmax_over_one, softmax_over_batch,
    log_softmax_twice, sampling_from_logits,
)  # fmt: skip
