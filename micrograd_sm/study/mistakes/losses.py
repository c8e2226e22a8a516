"""Rules about what a loss was given: logits, probabilities, targets, and what was done with the result."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from micrograd_sm.array import flat_of, is_foreign, namespace
from micrograd_sm.array.questions import distinct, element_at, holds, sums_of
from micrograd_sm.array.strides import groups
from micrograd_sm.array.summary import Summary, array_of
from micrograd_sm.engine import Value
from micrograd_sm.graph import Node
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule
from micrograd_sm.study.mistakes.network import without_dropout
from micrograd_sm.study.mistakes.probabilities import Made, made_by
from micrograd_sm.study.mistakes.structure import BINARY

_LOGS = {"log", "log1p"}


def logits_to_nll_loss(look: Look) -> Iterator[Mistake]:
    """Find nll_loss of numbers that no logarithm made, and of which no row is log-probabilities."""
    for node in look.target_choices():
        (operand,) = look.operands(node)
        if node.scope.split("/")[-1] != "nll_loss" or "cross_entropy" in node.scope or made_by(look, operand):
            continue
        if operand.requires_grad and _is_no_logarithm(look, operand) and not _has_logarithm(look, operand):
            logits = look.called(operand.id, "logits")
            yield look.mistake(
                operand, "nll_loss takes log-probabilities and was given logits, so the loss has no lower bound",
                f"loss = cross_entropy({logits}, target)",
            )  # fmt: skip


def _is_no_logarithm(look: Look, node: Node) -> bool:
    """Whether numbers cannot be logarithms of probabilities: one is above 0, or the probabilities of a row are more than 1."""
    x = array_of(node.data)
    if holds(lambda log: log > 1e-6, x):
        return True
    return holds(lambda p: p > 1 + 1e-6, sums_of(namespace(x).exp(x), (0,) if len(node.shape) == 1 else (1,)))


def _has_logarithm(look: Look, node: Node) -> bool:
    """Whether a logarithm was taken anywhere on the way to a node."""
    pending, seen = [node], {node.id}
    while pending:
        node = pending.pop()
        if node.op in _LOGS:
            return True
        before = [x for x in look.operands(node) if x.id not in seen]
        seen.update(x.id for x in before)
        pending.extend(before)
    return False


def squared_error_on_probabilities(look: Look) -> Iterator[Mistake]:
    """Hint at the square of what softmax or sigmoid made less a target of 0 and 1."""
    for node in look.nodes("subtract"):
        squared = [user for user in look.users[node.id] if user.op in ("multiply", "power") and _is_square(look, user, node)]
        pair = look.operands(node)
        targets = [x for x in pair if x.kind == "constant" and x.shape == node.shape and distinct(x.data) <= {0, 1}]
        if not squared or len(targets) != 1:
            continue
        made = made_by(look, pair[0] if targets[0] is pair[1] else pair[1])
        if made and made.by != "a division by the sum" and not made.scaled and not made.mixed:
            name = "cross_entropy" if made.by == "softmax" else BINARY
            yield look.mistake(
                node, f"the squared error of what {made.by} made is flat where the prediction is surely wrong",
                f"loss = {name}({made.logits}, target)", harmless=True,
            )  # fmt: skip


def _is_square(look: Look, user: Node, node: Node) -> bool:
    operands = look.operands(user)
    if user.op == "multiply":
        return all(x.id == node.id for x in operands)
    return operands[0].id == node.id and look.is_number(operands[1]) and element_at(operands[1].data, 0) == 2


def log_of_sigmoid(look: Look) -> Iterator[Mistake]:
    """Hint at the logarithm of a sigmoid, which underflows."""
    for node in look.nodes("log"):
        made = made_by(look, look.operands(node)[0])
        if made and made.by == "sigmoid" and not made.scaled and not made.mixed and "binary_cross_entropy" not in node.scope:
            yield look.mistake(
                node, "sigmoid rounds small probabilities to 0 before their logarithm is taken, which then is -inf",
                _without_sigmoid(look, node, made), harmless=True,
            )  # fmt: skip


def _without_sigmoid(look: Look, node: Node, made: Made) -> str:
    """Return the line with logsigmoid, or the loss of targets y if there is also the logarithm of 1 - p."""
    others = [user for user in look.users[made.node.id] if user.op == "subtract" and look.is_number(look.operands(user)[0])]
    if any(after.op == "log" for user in others for after in look.users[user.id]):
        targets = (x for user in look.users[node.id] if user.op == "multiply" for x in look.operands(user) if x.id != node.id)
        target = next((look.called(x.id, "target") for x in targets), "target")
        return f"loss = {BINARY}({made.logits}, {target})"
    return f"{look.called(node.id, 'log_probs')} = logsigmoid({made.logits})"


def sign_forgotten(look: Look) -> Iterator[Mistake]:
    """Find a loss that is the log-probability of the targets, and not minus that."""
    found = (found.kind == "log_softmax" and _sign_to_root(look, found.out) == 1 for found in look.softmaxes)
    if any(found) or _is_likelihood(look):
        root = look.graph[look.graph.root]
        yield look.mistake(
            root, "this is the log-probability of the targets, which training would make small",
            f"loss = -{look.called(root.id, 'log_likelihood')}",
        )  # fmt: skip


def _is_likelihood(look: Look) -> bool:
    """Whether the loss is y log p + (1 - y) log (1 - p) of a sigmoid, added up, with nothing else and no minus."""
    node = look.graph[look.graph.root]
    while node.op in ("sum", "divide", "multiply", "reshape"):
        numbers = [x for x in look.operands(node) if look.is_number(x)]
        if any(element_at(x.data, 0) <= 0 for x in numbers) or len(numbers) != len(look.operands(node)) - 1:
            return False
        node = next(x for x in look.operands(node) if not look.is_number(x))
    if node.op != "add":
        return False
    logs = [
        next((x for x in look.operands(part) if x.op in _LOGS), None) for part in look.operands(node) if part.op == "multiply"
    ]
    weights = [x for part in look.operands(node) for x in look.operands(part) if x.op not in _LOGS]
    if len(logs) != 2 or None in logs or not all(x.kind == "constant" and distinct(x.data) <= {0, 1} for x in weights):
        return False
    return any(x is not None and made_by(look, look.operands(x)[0]) for x in logs)


def log_forgotten(look: Look) -> Iterator[Mistake]:
    """Hint at a loss that is minus the probability of the targets, and not minus its logarithm."""
    for found in look.softmaxes:
        if found.kind == "softmax" and _sign_to_root(look, found.out) == -1:
            logits = look.called(found.input, "logits")
            yield look.mistake(
                found.out, "this loss is minus a probability: without the logarithm, its gradient is small where it is wrong",
                f"loss = cross_entropy({logits}, target)", harmless=True,
            )  # fmt: skip


def _sign_to_root(look: Look, id: str) -> int:
    """Return the sign with which picked elements of a node are added up to the loss, or 0 if something else happens to them."""
    sign, picked = 1, False
    while id != look.graph.root:
        users = look.users[id]
        if len(users) != 1 or "nll_loss" in users[0].scope or "cross_entropy" in users[0].scope:
            return 0
        user = users[0]
        others = [x for x in look.operands(user) if x.id != id]
        if user.op == "negative":
            sign = -sign
        elif user.op == "index":
            picked = True
        elif (user.op == "multiply" and len(others) == 1 and look.is_number(others[0])) or _divides(look, user, id):
            sign *= 1 if element_at(others[0].data, 0) > 0 else -1
        elif len(others) == 1 and _picks(user, others[0]):
            picked = True
        elif user.op not in ("reshape", "sum", "permute"):
            return 0
        id = user.id
    return sign if picked else 0


def _divides(look: Look, user: Node, id: str) -> bool:
    return user.op == "divide" and look.operands(user)[0].id == id and look.is_number(look.operands(user)[1])


def _picks(user: Node, other: Node) -> bool:
    """Whether a mask of 0 and 1, or a where with 0, leaves some of the elements."""
    if other.kind != "constant":
        return False
    numbers = distinct(other.data)
    return (user.op == "multiply" and numbers == {0, 1}) or (user.op == "where" and numbers == {0})


def targets_no_distribution(look: Look) -> Iterator[Mistake]:
    """Find targets of cross_entropy, in its input's shape, that do not sum to 1 over the classes; rows of 0 are left out."""
    for node in look.nodes("multiply"):
        if node.scope.split("/")[-1] != "cross_entropy":
            continue
        log_probs, target = look.operands(node)
        found = look.normalised.get(log_probs.id)
        if not found or target.requires_grad or target.shape != log_probs.shape:
            continue
        negative = holds(lambda y: y < 0, target.data)
        if not negative and not holds(lambda s: ((s != 0) & (abs(s - 1) > 1e-3)) | (s != s), sums_of(target.data, found.axis)):
            continue
        logits = look.called(found.input, "logits")
        told = look.called(target.id, "target")
        kept = f"{told}.clamp(min=0.0)" if negative else told
        several = distinct(target.data) <= {0, 1}
        yield look.mistake(
            target, "several classes of a row are targets, and cross_entropy lets them compete" if several else
            "the targets of a row are no distribution: they do not sum to 1, or one is below 0",
            f"loss = {BINARY}({logits}, {told})" if several else
            f"loss = cross_entropy({logits}, {kept} / {kept}.sum({found.axis[0]}, keepdim=True))",
        )  # fmt: skip


def targets_out_of_range(look: Look) -> Iterator[Mistake]:
    """Find targets of binary_cross_entropy_with_logits below 0 or above 1, such as -1 and 1."""
    for given in look.binary_logits():
        for node in look.users[given.id]:
            others = [x for x in look.operands(node) if x.id != given.id]
            if node.op != "multiply" or node.scope.split("/")[-1] != BINARY or len(others) != 1 or others[0].requires_grad:
                continue
            y = [1.0 - x for x in distinct(others[0].data)]
            if y and not 0 <= min(y) <= max(y) <= 1:
                mended = _from_0_to_1({round(x, 9) for x in y})
                yield look.mistake(
                    node, f"{BINARY} takes targets from 0 to 1, and was given {min(y):g} to {max(y):g}",
                    f"loss = {BINARY}({look.called(given.id, 'logits')}, {mended})",
                )  # fmt: skip


def _from_0_to_1(targets: set[float]) -> str:
    """Return what makes probabilities of targets that are something else."""
    if targets <= {-1.0, 1.0}:
        return "(target + 1) / 2"
    if targets <= {1.0, 2.0}:
        return "target - 1"
    return f"target / {max(targets):g}" if min(targets) >= 0 and max(targets) > 2 else "target.clamp(0.0, 1.0)"


_BOUNDS = {  # by the name of the last layer: what its results cannot be, and whether that may be meant
    "relu": ("cannot be negative", False), "softplus": ("cannot be negative", False),
    "tanh": ("lie between -1 and 1", False), "hardtanh": ("lie between -1 and 1", False),
    "relu6": ("lie between 0 and 6", False), "leaky_relu": ("are hardly negative", True),
    **dict.fromkeys(("gelu", "silu", "mish", "elu"), ("are never far below 0", True)),
}  # fmt: skip


def activation_before_loss(look: Look) -> Iterator[Mistake]:
    """Find an activation function as the last layer, of which cross_entropy takes the result for logits."""
    given = [(look.graph[found.input], "cross_entropy") for found in look.softmaxes if found.kind == "log_softmax"]
    for node, name in [*given, *((node, BINARY) for node in look.binary_logits())]:
        last = look.origin(without_dropout(look, look.origin(node.id)).id)
        called, operand = _activation(look, last)
        if called and last.requires_grad and not made_by(look, node):
            why, doubtful = _BOUNDS.get(called, ("lie between 0 and 1", False))
            logits = look.called(operand.id, "logits")
            yield look.mistake(
                last, f"{called} is the last layer: its results {why}, and logits must be free",
                f"loss = {name}({logits}{look.moves(node.id)}, target)", harmless=doubtful,
            )  # fmt: skip


def _activation(look: Look, node: Node) -> tuple[str, Node]:
    """Return the name of the activation function whose result a node is, "" if it is none, and its operand."""
    if node.op in ("relu", "tanh") and node.scope.split("/")[-1] not in (*_BOUNDS, "clamp", "abs"):
        return node.op, look.operands(node)[0]
    name = node.scope.split("/")[-1]
    if name not in _BOUNDS and not (name == "clamp" and _is_unit(look, node)):
        return "", node
    depth, operand = node.scope.count("/"), node
    while operand.scope.split("/")[depth : depth + 1] == [name]:
        inner = [x for x in look.operands(operand) if x.requires_grad]
        if not inner:
            return "", node
        operand = inner[0]
    return name, operand


def _is_unit(look: Look, node: Node) -> bool:
    """Whether a clamp has put a number from 0 to 1, its bounds, in place of some elements."""
    bounds: set[float] = set()
    while node.op == "where":
        a, b = look.operands(node)
        free = b if a.kind == "constant" else a
        bounds |= _changed(array_of(node.data), array_of(free.data))
        node = free
    return bool(bounds) and bounds <= {0.0, 1.0}


def _changed(x: Any, before: Any) -> set[float]:
    """Return the different elements that are not what they were before."""
    if is_foreign(x):
        return distinct(x[x != before])
    return {a for a, b in zip(flat_of(x), flat_of(before)) if a != b}


def batch_divided_twice(look: Look) -> Iterator[Mistake]:
    """Hint at a mean that is divided by the same number again."""
    for node in look.nodes("divide", "multiply"):
        for k in (0, 1):
            inner, number = (look.operands(node)[j] for j in (k, 1 - k))
            if inner.op != "divide" or not look.is_number(number) or (node.op == "divide" and k):
                continue
            total, count = look.operands(inner)
            n = element_at(count.data, 0) if look.is_number(count) else 0.0
            again = element_at(number.data, 0)
            same = math.isclose(again * n, 1) if node.op == "multiply" else again == n
            if total.op == "sum" and n > 1 and same and not node.shape:
                yield look.mistake(
                    node, f"a mean of {n:g} is divided by {n:g} once more, so the gradient is {n:g} times too small",
                    f"leave out the {'division by' if node.op == 'divide' else 'factor'} {again:g}", harmless=True,
                )  # fmt: skip


def smoothing_twice(look: Look) -> Iterator[Mistake]:
    """Find targets that a variable holds smoothed already, and that cross_entropy smoothed again."""
    for node in look.nodes("multiply"):
        if node.scope.split("/")[-1] != "cross_entropy" or look.operands(node)[0].id not in look.normalised:
            continue
        target = look.operands(node)[1]
        for name, x in look.variables.items():
            held = getattr(x, "data", x) if isinstance(x, Value) else None
            if held is not None and x.shape == target.shape and not x.requires_grad and _smoothed_again(held, target):
                logits = look.called(look.normalised[look.operands(node)[0].id].input, "logits")
                yield look.mistake(
                    target, f"{name} is smoothed already, and label_smoothing smooths it once more",
                    f"loss = cross_entropy({logits}, {name})",
                )  # fmt: skip
                return


def _smoothed_again(held: Any, target: Node) -> bool:
    """Whether rows of one large and equal small numbers were mixed with 1 / C once more."""
    if len(target.shape) != 2 or target.shape[1] < 2 or type(target.data) is Summary:
        return False
    classes = target.shape[1]
    pairs = zip(*(groups(flat_of(x), target.shape, (1,)) for x in (held, target.data)))
    for before, after in pairs:
        low, high = min(before), max(before)
        if not 0 < low < high or sum(math.isclose(x, low) for x in before) != classes - 1:
            return False
        smoothing = 1 - (max(after) - min(after)) / (high - low)
        mixed = [x * (1 - smoothing) + smoothing / classes for x in before]
        if smoothing < 1e-6 or not all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(mixed, after)):
            return False
    return 0 not in target.shape


LOSS_RULES: tuple[Rule, ...] = (
    logits_to_nll_loss, squared_error_on_probabilities, log_of_sigmoid, sign_forgotten, log_forgotten,
    targets_no_distribution, targets_out_of_range, activation_before_loss, batch_divided_twice, smoothing_twice,
)  # fmt: skip
