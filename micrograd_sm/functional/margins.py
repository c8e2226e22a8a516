"""Similarity of vectors, and losses with a margin: enough distance costs nothing."""

from __future__ import annotations

import math
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array, namespace
from micrograd_sm.array.storage import like_storage, may_hold
from micrograd_sm.array.strides import broadcast_shapes
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axis_of
from micrograd_sm.functional.losses import check_reduction, reduced
from micrograd_sm.functional.pointwise import abs, clamp, exp, log1p, minimum, relu
from micrograd_sm.functional.reductions import amax, sum
from micrograd_sm.functional.selection import check_classes, gather, integers
from micrograd_sm.functional.shaping import unsqueeze
from micrograd_sm.mode import composed

__all__ = [
    "cdist", "cosine_embedding_loss", "cosine_similarity", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
    "normalize", "pairwise_distance", "soft_margin_loss", "triplet_margin_loss",
]  # fmt: skip


def _length(x: Value, p: float, axis: int, keepdim: bool) -> Value:
    """Return (sum |x|^p)^(1/p) along an axis; a vector of zeros has gradient 0, as in torch."""
    if not x.ndim:
        return abs(x)
    if p == math.inf:
        return amax(abs(x), axis, keepdim)
    if p == 1:
        return sum(abs(x), axis, keepdim)
    total = sum(x * x if p == 2 else abs(x) ** float(p), axis, keepdim)
    zero = total == 0
    return primitives.where(0.0, primitives.where(1.0, total, condition=zero) ** (1.0 / p), condition=zero)


@composed
def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Value:
    """Return input / max(length, eps), with the p-norm of vectors along `dim` as their length (torch.nn.functional.normalize).

    Raises IndexError if there is no such dim.

    >>> normalize([[3.0, 4.0]]).tolist()
    [[0.6, 0.8]]
    """
    x = as_value(input, "normalize: input")
    return x / clamp(_length(x, p, axis_of(dim, x.ndim, "normalize"), keepdim=True), min=eps)


@composed
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Value:
    """Return the p-norm of x1 - x2 + eps along the last dimension (torch.nn.functional.pairwise_distance).

    Raises RuntimeError if shapes do not broadcast.

    >>> pairwise_distance([[0.0, 0.0]], [[3.0, 4.0]], eps=0.0).tolist()
    [5.0]
    """
    difference = as_value(x1, "pairwise_distance: x1") - as_value(x2, "pairwise_distance: x2") + eps
    return _length(difference, p, -1 % max(difference.ndim, 1), keepdim)


@composed
def cdist(x1: Any, x2: Any, p: float = 2.0) -> Value:
    """Return the p-norm of each difference of two vectors: (..., N, D) and (..., M, D) to (..., N, M) (torch.cdist).

    Raises RuntimeError for vectors of different sizes.

    >>> cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).tolist()
    [[5.0, 1.0]]
    """
    a, b = as_value(x1, "cdist: x1"), as_value(x2, "cdist: x2")
    if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-1]:
        raise RuntimeError(f"cdist: expected vectors (..., N, D) and (..., M, D), got shapes {a.shape} and {b.shape}")
    difference = unsqueeze(a, -2) - unsqueeze(b, -3)
    return _length(difference, p, difference.ndim - 1, keepdim=False)


@composed
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Value:
    """Return the cosine of the angle between vectors along `dim`, which is left out of the shape.

    A length below `eps` counts as eps. Raises IndexError if there is no such dim, RuntimeError if shapes do not broadcast.
    Source: torch.nn.functional.cosine_similarity.

    >>> cosine_similarity([[1.0, 0.0]], [[1.0, 1.0]]).tolist()
    [0.7071067811865475]
    """
    a, b = as_value(x1, "cosine_similarity: x1"), as_value(x2, "cosine_similarity: x2")
    shape = broadcast_shapes(a.shape, b.shape)
    a, b = (x if x.shape == shape else primitives.expand(x, shape=shape) for x in (a, b))
    axis = axis_of(dim, len(shape), "cosine_similarity")
    directions = [x / _at_least(_length(x, 2, axis, keepdim=True), eps) for x in (a, b)]
    product = directions[0] * directions[1]
    return sum(product, axis) if shape else product


def _at_least(x: Value, least: float) -> Value:
    """Return x, raised to `least` by a constant, so that the gradient passes."""
    lacking = namespace(x.data).maximum(least - x.data, 0.0)
    return x + Value(lacking, requires_grad=False) if may_hold(lacking != 0) else x


@composed
def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Value:
    """Return 1 - cos for pairs with target 1, max(0, cos - margin) for target -1: inputs (D) or (N, D), target () or (N).

    Raises RuntimeError for other shapes, ValueError for an unknown reduction.
    Source: torch.nn.functional.cosine_embedding_loss.

    >>> f"{cosine_embedding_loss([1.0, 0.0], [2.0, 2.0], 1):.4f}"
    '0.2929'
    """
    a, b = as_value(input1, "cosine_embedding_loss: input1"), as_value(input2, "cosine_embedding_loss: input2")
    t = as_value(target, "cosine_embedding_loss: target")
    check_reduction(reduction, "cosine_embedding_loss")
    if t.ndim > 1 or a.ndim != t.ndim + 1 or b.ndim != t.ndim + 1:
        raise RuntimeError(
            "cosine_embedding_loss: inputs are (D) with a target () or (N, D) with a target (N), "
            f"got {a.shape}, {b.shape} and {t.shape}"
        )
    squares = (sum(a * a, -1) + 1e-12) * (sum(b * b, -1) + 1e-12)
    cosine = sum(a * b, -1) / squares**0.5
    alike = primitives.where(1.0 - cosine, 0.0, condition=t == 1)
    return reduced(alike + primitives.where(clamp(cosine - margin, min=0.0), 0.0, condition=t == -1), reduction)


@composed
def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Value:
    """Return the distance x itself for a target 1, max(0, margin - x) for -1 (torch.nn.functional.hinge_embedding_loss).

    >>> hinge_embedding_loss([0.25, 0.25], [1, -1], reduction="none").tolist()
    [0.25, 0.75]
    """
    x, t = as_value(input, "hinge_embedding_loss: input"), as_value(target, "hinge_embedding_loss: target")
    check_reduction(reduction, "hinge_embedding_loss")
    apart = primitives.where(0.0, clamp(margin - x, min=0.0), condition=t == 1)
    return reduced(apart + primitives.where(0.0, x, condition=t == -1), reduction)


@composed
def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Value:
    """Return max(0, margin - target (x1 - x2)): target 1 wants x1 above x2, -1 below (torch.nn.functional.margin_ranking_loss).

    Raises RuntimeError if the inputs differ in their number of dimensions, ValueError for an unknown reduction.

    >>> margin_ranking_loss([2.0, 2.0], [1.0, 1.0], [1, -1], reduction="none").tolist()
    [0.0, 1.0]
    """
    a, b = as_value(input1, "margin_ranking_loss: input1"), as_value(input2, "margin_ranking_loss: input2")
    t = as_value(target, "margin_ranking_loss: target")
    check_reduction(reduction, "margin_ranking_loss")
    if not a.ndim == b.ndim == t.ndim:
        raise RuntimeError(
            f"margin_ranking_loss: shapes {a.shape}, {b.shape} and {t.shape} differ in their number of dimensions"
        )
    return reduced(clamp(-t * (a - b) + margin, min=0.0), reduction)


@composed
def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Value:
    """Return log(1 + exp(-target x)) for targets 1 and -1 (torch.nn.functional.soft_margin_loss).

    As torch's, it overflows if -target x is above 709; binary_cross_entropy_with_logits is the same loss, for targets 1 and 0,
    and does not.

    >>> soft_margin_loss([0.0, 100.0], [1, 1], reduction="none").tolist()
    [0.6931471805599453, 3.720075976020836e-44]
    """
    x, t = as_value(input, "soft_margin_loss: input"), as_value(target, "soft_margin_loss: target")
    check_reduction(reduction, "soft_margin_loss")
    return reduced(log1p(exp(-t * x)), reduction)


@composed
def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Value:
    """Return sum_j max(0, margin - x_y + x_j)^p / C over the classes j that are not the target y.

    input holds scores: (C) or (N, C); target the class indices, () or (N). `weight` is (C): that of the target multiplies.
    Raises ValueError for a p that is not 1 or 2 and an unknown reduction, RuntimeError for other shapes and a target out of
    range. Source: torch.nn.functional.multi_margin_loss.

    >>> multi_margin_loss([[0.0, 2.0, 1.5]], [1]).item()
    0.16666666666666666
    """
    x = as_value(input, "multi_margin_loss: input")
    check_reduction(reduction, "multi_margin_loss")
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p must be 1 or 2, got {p!r}")
    flat, shape = integers(target, "multi_margin_loss: target")
    if x.ndim not in (1, 2) or 0 in x.shape[1:] or len(flat) != (x.shape[0] if x.ndim == 2 else 1) or len(shape) > 1:
        raise RuntimeError(f"multi_margin_loss: input is (C) or (N, C), target () or (N), got {x.shape} and {shape}")
    classes = x.shape[-1]
    check_classes(flat, shape, classes, "multi_margin_loss", RuntimeError)
    places = Array.of(flat, (*x.shape[:-1], 1), int)
    excess = relu(margin - gather(x, -1, places) + x)
    own = Array.of([k == chosen for chosen in flat for k in range(classes)], x.shape, bool)
    others = primitives.where(0.0, excess if p == 1 else excess * excess, condition=like_storage(own, x.data))
    losses = sum(others, -1) / float(classes)
    if weight is not None:
        losses = losses * _target_weights(weight, classes, flat, losses)
    return reduced(losses if losses.shape == shape else primitives.reshape(losses, shape=shape), reduction)


def _target_weights(weight: Any, classes: int, flat: list[int], losses: Value) -> Value:
    weights = as_value(weight, "multi_margin_loss: weight").detach()
    if weights.ndim != 1:
        raise ValueError(f"multi_margin_loss: weight must be (C), got shape {weights.shape}")
    if weights.shape != (classes,):
        raise RuntimeError(
            f"multi_margin_loss: weight must hold a number for each of the {classes} classes, got {weights.shape}"
        )
    return primitives.index(weights, positions=flat, shape=losses.shape, key="target")


@composed
def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Value:
    """Return max(0, d(anchor, positive) - d(anchor, negative) + margin): (D) or (N, D), with d the p-norm of a - b + eps.

    If `swap`, a negative that is nearer to the positive than to the anchor counts with that distance. Raises ValueError for a
    margin that is not above 0 and an unknown reduction, RuntimeError if the inputs differ in their number of dimensions.
    Source: torch.nn.functional.triplet_margin_loss.

    >>> triplet_margin_loss([[0.0]], [[1.0]], [[1.5]], eps=0.0).item()
    0.5
    """
    a, near, far = (
        as_value(x, f"triplet_margin_loss: {name}")
        for x, name in ((anchor, "anchor"), (positive, "positive"), (negative, "negative"))
    )
    check_reduction(reduction, "triplet_margin_loss")
    if not margin > 0:
        raise ValueError(f"triplet_margin_loss: margin must be above 0, got {margin}")
    if not a.ndim == near.ndim == far.ndim:
        raise RuntimeError(f"triplet_margin_loss: {a.shape}, {near.shape} and {far.shape} differ in their number of dimensions")
    apart = pairwise_distance(a, far, p, eps)
    if swap:
        apart = minimum(apart, pairwise_distance(near, far, p, eps))
    return reduced(clamp(margin + pairwise_distance(a, near, p, eps) - apart, min=0.0), reduction)
