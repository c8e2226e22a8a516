"""Rules about axes: the classes of a prediction, and what is averaged over."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from micrograd_sm.array import is_foreign, namespace
from micrograd_sm.array.questions import count as elements_that
from micrograd_sm.array.questions import distinct, element_at, holds, sums_of
from micrograd_sm.array.storage import ones_like
from micrograd_sm.array.summary import array_of
from micrograd_sm.graph import Node
from micrograd_sm.graph.evaluation import beside
from micrograd_sm.graph.patterns import Normalised
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule

_APART = {"log", "negative", "exp"}  # operations that keep the elements where they are


def softmax_over_other_axis(look: Look) -> Iterator[Mistake]:
    """Find a softmax in whose sums several targets of nll_loss compete: it was taken over another axis than the classes."""
    seen = set()
    for node in look.target_choices():
        traced = _traced(look, node)
        if traced is None or traced[0].out in seen or node.scope.split("/")[-1] != "nll_loss":
            continue
        found, marks = traced
        competing = [holds(lambda n: n > 1, sums_of(marks, (axis,))) for axis in range(len(marks.shape))]
        right = [axis for axis, compete in enumerate(competing) if not compete]
        axis = found.axis[0]
        if len(found.axis) == 1 and competing[axis] and right and not (axis == 0 and len(competing) == 2):
            seen.add(found.out)
            yield look.mistake(
                found.out, f"{found.kind} over dim={axis} of shape {look.graph[found.out].shape} lets targets of different "
                f"predictions compete: the classes are along dim={right[-1]}",
                f"{found.kind}({look.labels[found.input]}, dim={right[-1]})" if look.graph[found.input].name else
                f"give {found.kind} dim={right[-1]}",
            )  # fmt: skip


def _traced(look: Look, choice: Node) -> tuple[Normalised, Any] | None:
    """Return the softmax of whose elements a choice of targets picks, and how often it picks each of them."""
    (node,) = look.operands(choice)
    data, ones = array_of(node.data), ones_like(array_of(choice.data))
    xp, positions = namespace(data), array_of(choice.params["positions"])
    marks = xp.put(beside(ones, data) if is_foreign(data) else ones, positions, node.shape)
    while node.id not in look.normalised:
        if node.op == "permute":
            order = node.params["order"]
            marks = xp.permute_dims(marks, tuple(map(order.index, range(len(order)))))
        elif node.op == "reshape":
            marks = xp.reshape(marks, look.operands(node)[0].shape)
        elif node.op not in _APART:
            return None
        (node,) = look.operands(node)
    return look.normalised[node.id], marks


def classes_not_second(look: Look) -> Iterator[Mistake]:
    """Find logits (N, L, C) of a linear layer in cross_entropy, which takes dim 1 for the classes: with L = C nothing fails."""
    for found in look.softmaxes:
        given = look.graph[found.input]
        if found.kind != "log_softmax" or "cross_entropy" not in look.graph[found.out].scope or found.axis != (1,):
            continue
        if len(given.shape) != 3 or given.shape[2] < 2:
            continue
        before = given
        while before.op == "reshape":
            (before,) = look.operands(before)
        last = _features(look, before)
        swapped = before.shape != given.shape and before.shape == (given.shape[0], given.shape[2], given.shape[1])
        square = before.id == given.id and given.shape[1] == given.shape[2]
        if last and (square or swapped):
            logits = look.called(before.id, "logits")
            places = f"reshape mixes them with the {given.shape[2]} places"
            taken = f"cross_entropy takes dim=1 of shape {given.shape} for the classes"
            yield look.mistake(
                given, f"a linear layer has the classes along the last axis, and {places if swapped else taken}",
                f"loss = cross_entropy({logits}.transpose(1, 2), target)",
            )  # fmt: skip


def _features(look: Look, node: Node) -> bool:
    """Whether the last axis of a node has the features of a linear layer."""
    parts = look.operands(node) if node.op == "add" else [node]
    products = [x for x in parts if x.op == "matmul"]
    if len(products) != 1:
        return False
    weights = look.origin(look.operands(products[0])[1].id)
    return weights.op is None and weights.requires_grad and len(weights.shape) == 2


def mean_over_padding(look: Look) -> Iterator[Mistake]:
    """Hint at losses of tokens times a mask of the padding, and a mean over all tokens."""
    for node in look.nodes("multiply"):
        masks = [x for x in look.operands(node) if x.kind == "constant" and x.shape == node.shape and _is_padding(x)]
        if len(masks) != 1 or not any(_is_from_targets(look, x) for x in look.operands(node)):
            continue
        for total in look.users[node.id]:
            for mean in look.users[total.id] if total.op == "sum" else ():
                count = look.operands(mean)[1] if mean.op == "divide" else None
                if count is not None and look.is_number(count) and element_at(count.data, 0) == math.prod(node.shape):
                    mask, kept = look.called(masks[0].id, "mask"), elements_that(lambda x: x != 0, masks[0].data)
                    yield look.mistake(
                        mean, f"the mean counts all {math.prod(node.shape)} tokens, and {kept} are not padding: the more "
                        "padding, the smaller the loss",
                        f"loss = (losses * {mask}).sum() / {mask}.sum()", harmless=True,
                    )  # fmt: skip


def _is_padding(node: Node) -> bool:
    """Whether each row of a mask is ones and then zeros, of different lengths."""
    if len(node.shape) != 2 or distinct(node.data) != {0, 1}:
        return False
    mask = array_of(node.data)
    if holds(lambda x: x != 1, mask[:, 0]) or holds(lambda x, after: x < after, mask[:, :-1], mask[:, 1:]):
        return False
    return len(distinct(sums_of(mask, (1,)))) > 1


def _is_from_targets(look: Look, node: Node) -> bool:
    """Whether a node holds one loss for each target."""
    while node.op in ("reshape", "negative", "put"):
        (node,) = look.operands(node)
    return node.op == "index" and (node.params["key"] == "target" or look.operands(node)[0].id in look.normalised)


LAYOUT_RULES: tuple[Rule, ...] = (softmax_over_other_axis, classes_not_second, mean_over_padding)
