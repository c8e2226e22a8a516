"""Rules about the layers of a network: dead or equal units, layers that could be one, and a first loss that is too high."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from micrograd_sm.array import namespace
from micrograd_sm.array.questions import distinct, has_nonzero, holds, sums_of
from micrograd_sm.array.summary import array_of
from micrograd_sm.graph import Node
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule

_ENOUGH = 8  # numbers that are all 0 by chance no more


def dead_relus(look: Look) -> Iterator[Mistake]:
    """Find a hidden layer whose relus all are 0."""
    for node in look.nodes("relu"):
        size = math.prod(node.shape)
        weights = _layer_before(look, node)
        if size < _ENOUGH or has_nonzero(node.data) or weights is None or not _matmul_after(look, node):
            continue
        if not has_nonzero(weights.data):  # equal_units says why
            continue
        yield look.mistake(
            node, f"all {size} relus of this layer are 0, so no gradient reaches the layers before it",
            "start with smaller weights and a bias of 0, take a smaller learning rate, or use leaky_relu",
        )  # fmt: skip


def equal_units(look: Look) -> Iterator[Mistake]:
    """Find a hidden layer whose units all have the same weights and gradients: they stay copies of each other."""
    for node in look.nodes("relu", "tanh", "sigmoid"):
        weights = _layer_before(look, node)
        if weights is None or not _matmul_after(look, node) or node.shape[-1] < 2 or node.grad is None:
            continue
        if len(node.shape) != 2 or not _is_of_units(look, weights, node.shape[-1]):
            continue
        if all(_are_equal(x, 1) for x in (node.data, node.grad)) and _are_equal(weights.data, _axis_of_units(look, weights)):
            yield look.mistake(
                node, f"all {node.shape[-1]} units of this layer start with equal weights, so they stay copies of each other",
                f"nn.init.xavier_uniform_({look.called(weights.id, 'weight')})",
            )  # fmt: skip


def no_nonlinearity(look: Look) -> Iterator[Mistake]:
    """Hint at a linear layer with a bias whose result goes to another linear layer as it is."""
    for node in look.nodes("matmul"):
        hidden = without_dropout(look, look.operands(node)[0])
        if hidden.op != "add" or not _is_weight(look, look.operands(node)[1]) or _is_used_twice(look, hidden):
            continue  # what is used elsewhere, too, has a reason to be there
        biases = [x for x in look.operands(hidden) if x.op is None and x.requires_grad]
        products = [x for x in look.operands(hidden) if x.op == "matmul" and _is_weight(look, look.operands(x)[1])]
        if len(biases) == len(products) == 1 and hidden.shape[-1] >= min(
            look.operands(products[0])[0].shape[-1], node.shape[-1]
        ):
            yield look.mistake(
                hidden, "two linear layers follow each other, and together are one linear layer",
                f"give the second {look.called(hidden.id, 'hidden')}.relu()", harmless=True,
            )  # fmt: skip


def high_first_loss(look: Look) -> Iterator[Mistake]:
    """Hint at a network whose loss is far above log C, that of a guess, though it has just been made."""
    root = look.graph[look.graph.root]
    if not look.parameters or root.shape:
        return
    for found in look.softmaxes:
        shape, scope = look.graph[found.input].shape, look.graph[found.out].scope
        if "cross_entropy" not in scope or found.kind != "log_softmax" or not _is_layer(look, look.origin(found.input)):
            continue
        classes = math.prod(shape[axis] for axis in found.axis)
        loss = root.data
        if root.scope.split("/")[0] == "cross_entropy" and math.isfinite(loss) and loss > 3 * math.log(classes) + 3:
            yield look.mistake(
                root, f"the loss, {loss:.4g}, is far above log {classes} = {math.log(classes):.4g}, that of a guess: the "
                "network is sure, and wrong", "start with smaller weights in the last layer", harmless=True,
            )  # fmt: skip


def _is_used_twice(look: Look, node: Node) -> bool:
    """Whether a node is used twice, maybe once detached, as it is or with its rows normalised."""
    constants = (x for x in look.graph if x.kind == "constant" and x.shape == node.shape)
    return len(look.users[node.id]) > 1 or any(_have_directions(node, x) for x in constants)


def _have_directions(node: Node, other: Node) -> bool:
    """Whether each row of a node is a positive multiple of the same row of another."""
    a, b = array_of(node.data), array_of(other.data)
    axis, xp = (len(node.shape) - 1,), namespace(a, b)
    lengths = xp.sqrt(sums_of(a * a, axis)) * xp.sqrt(sums_of(b * b, axis))
    return 0 not in node.shape and not holds(lambda x, y: (y == 0) | (x < (1 - 1e-12) * y), sums_of(a * b, axis), lengths)


def _is_layer(look: Look, node: Node) -> bool:
    """Whether a node is the result of a linear layer, maybe times a number."""
    others = [x for x in look.operands(node) if not look.is_number(x)] if node.op in ("multiply", "divide") else []
    return _is_layer(look, others[0]) if len(others) == 1 else node.op in ("add", "matmul")


def without_dropout(look: Look, node: Node) -> Node:
    """Return what a dropout got: times a constant of zeros and one other number."""
    if node.op == "divide" and node.scope.split("/")[-1] == "dropout":
        return without_dropout(look, look.operands(node)[0])
    if node.op == "multiply":
        constants = (x for x in look.operands(node) if x.kind == "constant" and x.shape == node.shape)
        masks = [x for x in constants if len({*distinct(x.data), 0}) == 2]
        if len(masks) == 1:
            return next(x for x in look.operands(node) if x is not masks[0])
    return node


def _layer_before(look: Look, node: Node) -> Node | None:
    """Return the weights of the linear layer of which a node takes the result."""
    (before,) = look.operands(node)
    candidates = [before, *look.operands(before)] if before.op == "add" else [before]
    for x in candidates:
        if x.op == "matmul":
            weights = look.operands(x)[1]
            return look.origin(weights.id) if _is_weight(look, weights) else None
    return None


def _is_weight(look: Look, node: Node) -> bool:
    origin = look.origin(node.id)
    return origin.op is None and origin.requires_grad and len(origin.shape) == 2


def _matmul_after(look: Look, node: Node) -> bool:
    return any(user.op == "matmul" and look.operands(user)[0].id == node.id for user in look.users[node.id])


def _axis_of_units(look: Look, weights: Node) -> int:
    """Return along which axis the units lie: 0, as in Linear, or 1, as in x @ w."""
    return 0 if any(user.op == "permute" for user in look.users[weights.id]) else 1


def _is_of_units(look: Look, weights: Node, units: int) -> bool:
    return weights.shape[_axis_of_units(look, weights)] == units


def _are_equal(data: Any, axis: int) -> bool:
    """Whether all rows, or columns, of a matrix are the same."""
    x = array_of(data)
    return not holds(lambda a, b: a != b, x, x[:1] if axis == 0 else x[:, :1])


NETWORK_RULES: tuple[Rule, ...] = (dead_relus, equal_units, no_nonlinearity, high_first_loss)
