"""Where probabilities came from, also in disguise: clamped, scaled, renormalised, averaged, or written by hand."""

from __future__ import annotations

import math
from typing import NamedTuple

from micrograd_sm.array.questions import element_at, ends_of, holds, sums_of
from micrograd_sm.graph import Node
from micrograd_sm.graph.patterns import Normalised, before_moves, fits
from micrograd_sm.study.mistakes.look import Look

_DEEP = 6  # how many disguises are looked through
_SCALES = {"add", "subtract", "multiply", "divide"}


class Made(NamedTuple):
    """What made probabilities: "softmax", "sigmoid" or "a division by the sum", what to call its logits, and its axis."""

    by: str
    logits: str
    node: Node
    found: Normalised | None = None
    scaled: bool = False
    mixed: bool = False
    guarded: bool = False  # kept away from 0


def made_by(look: Look, node: Node, deep: int = _DEEP) -> Made | None:
    """Return what made probabilities of which a node holds the elements, maybe scaled, kept from 0, or averaged."""
    if not deep:
        return None
    if (joined := before_moves(look.graph, node)).op == "cat" and (both := _both_classes(look, joined, deep - 1)):
        return both
    origin = look.origin(node.id)
    found = normalised_at(look, origin)
    if found and found.kind == "softmax":
        return Made("softmax", look.called(found.input, "logits"), origin, found)
    if origin.op == "sigmoid":
        return Made("sigmoid", look.called(look.operands(origin)[0].id, "logits"), origin)
    if origin.op == "exp":
        (inner,) = look.operands(origin)
        logs = normalised_at(look, look.origin(inner.id))
        return Made("softmax", look.called(logs.input, "logits"), origin, logs) if logs and logs.kind == "log_softmax" else None
    if origin.op in ("multiply", "divide", "add") and (sigmoid := _sigmoid_by_tanh(look, origin)):
        return sigmoid
    if origin.op == "divide":
        return _sigmoid_by_hand(look, origin) or _renormalised(look, origin, deep - 1) or _scaled(look, origin, deep - 1)
    if origin.op in _SCALES:
        return _scaled(look, origin, deep - 1) or (_averaged(look, origin, deep - 1) if origin.op == "add" else None)
    if origin.op == "where":
        return _clamped(look, origin, deep - 1)
    return _averaged(look, origin, deep - 1) if origin.op == "sum" else None


def normalised_at(look: Look, node: Node) -> Normalised | None:
    """Return the softmax or log_softmax that a node is the result of."""
    return look.normalised.get(node.id)


def _scaled(look: Look, node: Node, deep: int) -> Made | None:
    """Probabilities with a number added, or times one."""
    numbers = [look.is_number(x) for x in look.operands(node)]
    if numbers.count(True) != 1:
        return None
    made = made_by(look, look.operands(node)[numbers.index(False)], deep)
    number = element_at(look.operands(node)[numbers.index(True)].data, 0)
    grown = node.op in ("multiply", "divide") or abs(number) > 1e-3
    guarded = made is not None and (made.guarded or (node.op == "add" and number > 0))
    return made and made._replace(scaled=made.scaled or grown, guarded=guarded)


def _clamped(look: Look, node: Node, deep: int) -> Made | None:
    """Probabilities of which some were replaced by a number from 0 to 1, as clamp does (its constant is 0 where unused)."""
    a, b = look.operands(node)
    constants = [x for x in (a, b) if x.kind == "constant"]
    if len(constants) != 1 or holds(lambda x: (x < 0) | (x > 1), constants[0].data):
        return None
    made = made_by(look, b if constants[0] is a else a, deep)
    return made and made._replace(guarded=True)


def _both_classes(look: Look, node: Node, deep: int) -> Made | None:
    """cat([1 - p, p]) of one sigmoid: the probabilities of two classes."""
    for rest, p in zip(look.operands(node), reversed(look.operands(node))):
        rest, p = (before_moves(look.graph, x) for x in (rest, p))
        made = made_by(look, p, deep)
        if made and made.by == "sigmoid" and rest.op == "subtract" and len(look.operands(node)) == 2:
            one, taken = look.operands(rest)
            if look.is_number(one) and element_at(one.data, 0) == 1 and before_moves(look.graph, taken).id == p.id:
                first = look.operands(node)[0].id == rest.id or before_moves(look.graph, look.operands(node)[0]).id == rest.id
                zeros = f"zeros_like({made.logits})"
                pair = f"{zeros}, {made.logits}" if first else f"{made.logits}, {zeros}"
                return made._replace(logits=f"cat([{pair}], dim={node.params['axis']})", mixed=True)
    return None


def _sigmoid_by_tanh(look: Look, node: Node) -> Made | None:
    """(tanh(x) + 1) / 2, in any order, which is the sigmoid of 2 x."""
    scale, shift = 1.0, 0.0
    while node.op in ("multiply", "divide", "add") and node.scope.split("/")[-1] != "tanh":
        numbers = [look.is_number(x) for x in look.operands(node)]
        if numbers.count(True) != 1 or (node.op == "divide" and numbers[0]):
            return None
        number = element_at(look.operands(node)[numbers.index(True)].data, 0)
        if node.op == "add":
            shift += scale * number
        else:
            scale *= number if node.op == "multiply" else 1 / (number or math.inf)
        node = look.operands(node)[numbers.index(False)]
    if node.op != "tanh" or not (math.isclose(scale, 0.5) and math.isclose(shift, 0.5)):
        return None
    (x,) = look.operands(node)
    halved = [y for y in look.operands(x) if not look.is_number(y)] if x.op in ("multiply", "divide") else []
    number = next((element_at(y.data, 0) for y in look.operands(x) if look.is_number(y)), 0.0)
    if len(halved) == 1 and number == (0.5 if x.op == "multiply" else 2.0):
        return Made("sigmoid", look.called(halved[0].id, "logits"), node)
    return Made("sigmoid", f"2 * {look.called(x.id, 'logits')}", node)


def _renormalised(look: Look, node: Node, deep: int) -> Made | None:
    """x / x.sum() of what are probabilities, maybe times a mask."""
    top, bottom = look.operands(node)
    total = _without_floor(look, bottom)
    if total.op != "sum" or not fits(look.graph, total, bottom, top):
        return None
    if _unsigned(look, look.operands(total)[0]).id != _unsigned(look, top).id:
        return None
    made = made_by(look, top, deep)
    if made is None and top.op == "multiply":
        made = next((m for m in (made_by(look, x, deep) for x in look.operands(top) if x.kind != "constant") if m), None)
        mask = next((look.called(x.id, "mask") for x in look.operands(top) if x.kind == "constant"), "mask")
        made = made and made._replace(mixed=True, logits=f"masked_fill({made.logits}, {mask} == 0.0, -1e9)")
    if made:
        return made
    if holds(lambda x: x < 0, top.data):
        return None
    logits = look.called(look.operands(top)[0].id, "logits") if top.op == "exp" else f"{look.called(top.id, 'counts')}.log()"
    return Made("a division by the sum", logits, node)


def _without_floor(look: Look, node: Node) -> Node:
    """Return the sum before a clamp or a small number that keeps it from 0."""
    node = before_moves(look.graph, node)
    while node.op in ("where", "add"):
        others = [x for x in look.operands(node) if x.kind != "constant"]
        if len(others) != 1:
            break
        node = before_moves(look.graph, others[0])
    return node


def _unsigned(look: Look, node: Node) -> Node:
    """Return x of abs(x), which is relu(x) + relu(-x)."""
    while node.op == "add" and node.scope.split("/")[-1] == "abs":
        node = look.operands(look.operands(node)[0])[0]
    return node


def _sigmoid_by_hand(look: Look, node: Node) -> Made | None:
    """1 / (1 + exp(-x)), or exp(x) / (1 + exp(x))."""
    top, bottom = look.operands(node)
    if bottom.op != "add":
        return None
    ones = [x for x in look.operands(bottom) if look.is_number(x) and element_at(x.data, 0) == 1]
    exps = [x for x in look.operands(bottom) if x.op == "exp"]
    if len(ones) != 1 or len(exps) != 1:
        return None
    (x,) = look.operands(exps[0])
    if top.op == "exp" and look.operands(top)[0].id == x.id:
        return Made("sigmoid", look.called(x.id, "logits"), node)
    if not (look.is_number(top) and element_at(top.data, 0) == 1):
        return None
    if x.op == "negative":
        x = look.operands(x)[0]
        return Made("sigmoid", look.called(x.id, "logits"), node)
    return Made("sigmoid", f"-{look.called(x.id, 'logits')}", node)


def _averaged(look: Look, node: Node, deep: int) -> Made | None:
    """The sum of several probabilities, added up or stacked."""
    parts = look.operands(node)
    if node.op == "sum":
        inner = before_moves(look.graph, parts[0])
        if inner.op != "cat" or node.params["axis"] != (inner.params["axis"],):
            return None
        parts = look.operands(inner)
    made = [made_by(look, part, deep) for part in parts]
    if not made or not made[0] or not all(made):
        return None
    p = look.called(node.id, "probabilities")
    return made[0]._replace(logits=f"{p}.log()" if made[0].by != "sigmoid" else f"logit({p})", mixed=True)


def along(look: Look, node: Node, axis: tuple[int, ...]) -> bool:
    """Whether a node's elements have about the same sum along an axis, as those of a softmax over that axis have."""
    ends = ends_of(sums_of(node.data, axis))
    return not ends or not all(map(math.isfinite, ends)) or ends[1] - ends[0] <= 0.02 * max(map(abs, ends))
