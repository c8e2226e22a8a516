"""Rules about a training: gradients of earlier passes, gradients that are all 0, targets that learn, too."""

from __future__ import annotations

import math
from collections.abc import Iterator

from micrograd_sm.array import namespace
from micrograd_sm.array.questions import has_nonzero, holds, kinds_in
from micrograd_sm.array.summary import array_of
from micrograd_sm.graph import Node
from micrograd_sm.graph.evaluation import dependents
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule


def gradient_left(look: Look) -> Iterator[Mistake]:
    """Hint at a leaf whose `.grad` holds more than this loss's backward pass, which has run."""
    ran = look.held.get(look.graph.root)
    if ran is None or look.graph[look.graph.root].shape:
        return
    for node in look.graph:
        held, own = look.held.get(node.id), node.grad
        if node.op is not None or held is None or own is None:
            continue
        if ran > 1.5 or holds(lambda a, b: abs(a - ran * b) > 1e-9 * (abs(a) + abs(ran * b)), held, own):
            yield look.mistake(
                node, "its .grad holds more than the gradient of this loss: that of an earlier backward pass is still in it",
                "call optimizer.zero_grad() before loss.backward()", harmless=True,
            )  # fmt: skip
            return


def target_learns(look: Look) -> Iterator[Mistake]:
    """Hint at a target reward + gamma * max(q) that learns from the same parameters as the prediction."""
    for node in look.nodes("subtract"):
        for target, prediction in (look.operands(node), look.operands(node)[::-1]):
            if _is_bootstrap(look, target) and _share_parameters(look, target, prediction):
                name = look.called(target.id, "target")
                yield look.mistake(
                    target, "this target is made of the network's own predictions and lets a gradient through: it moves "
                    "towards the prediction, as the prediction does towards it",
                    f"{name} = {name}.detach()", harmless=True,
                )  # fmt: skip


def _is_bootstrap(look: Look, node: Node) -> bool:
    """Whether a node is a constant plus a number between 0 and 1, maybe with a mask, times a maximum over predictions."""
    if node.op != "add" or not node.requires_grad:
        return False
    rewards = [x for x in look.operands(node) if x.kind == "constant"]
    futures = [x for x in look.operands(node) if x.op == "multiply"]
    if len(rewards) != 1 or len(futures) != 1:
        return False
    (future,), factors = futures, list[Node]()
    while future.op in ("multiply", "reshape"):
        inner = look.operands(future)
        factors += [x for x in inner if x.kind == "constant"]
        future = next((x for x in inner if x.kind != "constant"), inner[0])
        if len(factors) > 4:
            return False
    discounts = [x for x in factors if x.kind == "constant" and not holds(lambda y: (y < 0) | (y > 1) | (y != y), x.data)]
    return bool(discounts) and (future.op == "max" or (future.op == "index" and picks_largest(look, future)))


def picks_largest(look: Look, node: Node) -> bool:
    """Whether an index picks the largest element of each row, as max(dim) does."""
    (x,) = look.operands(node)
    rows = math.prod(x.shape[:-1])
    if rows < 2 or 0 in x.shape or math.prod(node.shape) != rows:
        return False
    data, picked = array_of(x.data), array_of(node.data)
    best = namespace(data).reshape(namespace(data).max(data, axis=(len(x.shape) - 1,)), (rows,))
    return not holds(lambda a, b: a != b, best, namespace(picked).reshape(picked, (rows,)))


def _share_parameters(look: Look, a: Node, b: Node) -> bool:
    leaves = [node.id for node in look.graph if node.op is None and node.requires_grad]
    return any({a.id, b.id} <= set(dependents(look.graph, leaf)) for leaf in leaves)


def zero_gradient(look: Look) -> Iterator[Mistake]:
    """Hint at gradients that all are exactly 0: asked if no other rule says why."""
    leaves = [node for node in look.graph if node.op is None and node.requires_grad]
    root = look.graph[look.graph.root]
    gradients = [node.grad for node in leaves if node.grad is not None and 0 not in node.shape]
    if not gradients or any(map(has_nonzero, gradients)) or not has_nonzero(root.data) or kinds_in(root.data):
        return
    amounts: dict[str, bool] = {}
    for one in look.heard:
        amounts[one.edge.target] = amounts.get(one.edge.target, False) or has_nonzero(one.amount)
    for stopped in (look.graph[id] for id, passes in amounts.items() if not passes and has_nonzero(look.graph[id].grad)):
        yield look.mistake(
            stopped, "no gradient passes here, so that of every parameter is 0, and training changes nothing",
            "look for what is flat: round, sign, a comparison, or a relu that is off everywhere", harmless=True,
        )  # fmt: skip
        return


TRAINING_RULES: tuple[Rule, ...] = (gradient_left, target_learns)
