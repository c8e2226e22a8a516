"""The losses of classification: how far predictions are from targets, as one number.

Each is composed of primitives, so that its graph shows what it does: cross_entropy is log_softmax (max, subtract,
exp, sum, log, subtract) and then nll_loss (index, negative, sum, divide).
"""

from __future__ import annotations

from math import prod
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import namespace
from micrograd_sm.array.storage import may_hold
from micrograd_sm.array.strides import Shape, broadcast_shapes
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.kinds import checked, kind_of
from micrograd_sm.functional.pointwise import log, log1p, log_one_plus_exp_minus_size, relu
from micrograd_sm.functional.probability import log_softmax
from micrograd_sm.functional.reductions import mean, sum
from micrograd_sm.functional.targets import Targets, class_weights, targets_of
from micrograd_sm.mode import composed, scope

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "nll_loss"]

_BINARY = "binary_cross_entropy_with_logits"
_STEEPEST = 1e-12  # of a probability: where the slope of its logarithm is bounded


@composed
def nll_loss(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Value:
    """Return the negative log-likelihood of the target classes: minus the log-probability at each target.

    input holds log-probabilities: (C), (N, C) or (N, C, d1, ...); target the class indices: (), (N) or (N, d1, ...).
    `weight` is (C), one factor for each class; targets equal to `ignore_index` do not count. `reduction` 'mean' divides by
    the sum of the counted targets' weights; 'sum' adds up; 'none' returns one loss for each target.

    Raises IndexError if a target is out of range, RuntimeError if targets are not integers or shapes do not fit, ValueError
    if the batch sizes differ or the reduction is unknown. Source: torch.nn.functional.nll_loss.

    >>> log_probs = Value([[-0.5, -1.0, -2.0], [-0.1, -2.0, -0.9]])
    >>> nll_loss(log_probs, [0, 2]).item()
    0.7
    """
    x = as_value(input, "nll_loss: input")
    _check_options(reduction, ignore_index, "nll_loss")
    return _picked(x, targets_of(x, target, weight, ignore_index, "nll_loss"), reduction)


def _picked(log_probs: Value, targets: Targets, reduction: str) -> Value:
    """Return minus the log-probability at each target that counts, weighted and reduced: what nll_loss computes."""
    return targets.reduced(targets.weighted(-targets.at_target(log_probs)), reduction)


@composed
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Value:
    """Return the cross-entropy of logits against class indices or class probabilities.

    input holds logits: (C), (N, C) or (N, C, d1, ...). target holds class indices, (), (N) or (N, d1, ...), or, where it
    has input's very shape, probabilities, through which a gradient flows too. For indices this is log_softmax over the
    classes and then nll_loss, with its `weight`, `ignore_index` and `reduction`. For probabilities the loss is
    -sum_c weight_c target_c log p_c, and 'mean' divides by their number, weighted or not. `label_smoothing` e, from 0 to 1,
    mixes the target with the uniform distribution: (1 - e) target + e / C.

    Raises as nll_loss does; RuntimeError for integers in input's shape, for a smoothing above 1 and for an ignore_index >= 0
    with probabilities; ValueError for a smoothing below 0 (which torch ignores in silence).
    Source: torch.nn.functional.cross_entropy.

    >>> logits = Value([0.0, 3.0, -2.0, 1.0])
    >>> loss = cross_entropy(logits, 3)
    >>> loss.backward()
    >>> f"{loss:.4f} {Value(logits.grad):.4f}"
    '2.1755 [0.0418, 0.8390, 0.0057, -0.8865]'
    """
    x = as_value(input, "cross_entropy: input")
    _check_options(reduction, ignore_index, "cross_entropy")
    smoothing = _check_smoothing(label_smoothing)
    if not x.shape:
        raise RuntimeError("cross_entropy: a single number has no classes; input must be (C), (N, C) or (N, C, d1, ...)")
    shaped = target if hasattr(target, "shape") else as_value(target, "cross_entropy: target")
    if tuple(shaped.shape) == x.shape:
        return _cross_entropy_of_probabilities(x, target, weight, ignore_index, reduction, smoothing)
    targets = targets_of(x, target, weight, ignore_index, "cross_entropy")
    log_probs = log_softmax(x, targets.axis)
    with scope("nll_loss"):
        loss = _picked(log_probs, targets, reduction)
    if not smoothing:
        return loss
    return (1.0 - smoothing) * loss + (smoothing / targets.classes) * _uniform_part(log_probs, targets, reduction)


def _uniform_part(log_probs: Value, targets: Targets, reduction: str) -> Value:
    """Return -sum_c weight_c log p_c, over the targets that count: what label smoothing mixes in."""
    rows = targets.rows(log_probs)
    if targets.weights is not None:
        rows = rows * targets.weights
    return targets.reduced(-sum(rows, dim=1), reduction)


def _cross_entropy_of_probabilities(
    x: Value, target: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float
) -> Value:
    probabilities = as_value(target, "cross_entropy: target")
    if 0 not in probabilities.shape and kind_of(probabilities) is not float:
        raise RuntimeError(
            f"cross_entropy: a target of input's shape {x.shape} holds probabilities, which are floats; got "
            "integers. Class indices have input's shape without the class dimension"
        )
    if ignore_index >= 0:
        raise RuntimeError(f"cross_entropy: ignore_index, {ignore_index}, has no meaning for a target of probabilities")
    axis = 0 if x.ndim == 1 else 1
    classes = x.shape[axis]
    if smoothing and classes:
        probabilities = probabilities * (1.0 - smoothing) + smoothing / classes
    products = log_softmax(x, axis) * probabilities
    weights = class_weights(weight, classes, "cross_entropy", x)
    if weights is not None:
        products = products * primitives.reshape(weights, shape=(classes,) + (1,) * (x.ndim - axis - 1))
    losses = -sum(products, dim=axis)
    if reduction == "none":
        return losses
    return sum(losses) if reduction == "sum" else sum(losses) / float(prod(losses.shape) if classes else 0)


@composed
def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Value:
    """Return -[y log p + (1 - y) log(1 - p)] of probabilities p against targets y of the same shape.

    A logarithm is at least -100, and its slope at most 1e12, so that a p of 0 or 1 gives a finite loss and gradient.
    `weight` multiplies each loss and broadcasts. From logits, binary_cross_entropy_with_logits keeps more digits.

    Raises RuntimeError for a p or y outside [0, 1], ValueError for shapes that differ or an unknown reduction.
    Source: torch.nn.functional.binary_cross_entropy.

    >>> binary_cross_entropy([0.5, 0.0], [1.0, 1.0], reduction="none").tolist()
    [0.6931471805599453, 100.0]
    """
    p, y = as_value(input, "binary_cross_entropy: input"), as_value(target, "binary_cross_entropy: target")
    check_reduction(reduction, "binary_cross_entropy")
    if p.shape != y.shape:
        raise ValueError(f"binary_cross_entropy: target of shape {y.shape} must have input's shape {p.shape}")
    p, y = _share(p, "input", "; logits go to binary_cross_entropy_with_logits"), _share(y, "target")
    losses = -(y * _bounded_log(p, complement=False) + (1.0 - y) * _bounded_log(p, complement=True))
    if weight is not None:
        losses = losses * _fitting(weight, p.shape, "weight", "binary_cross_entropy")
    return reduced(losses, reduction)


@composed
def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Value:
    """Return -[w y log σ(x) + (1 - y) log(1 - σ(x))] of logits x against targets y of the same shape.

    `weight` multiplies each loss and `pos_weight` (w) the positive part; both broadcast. 'mean' divides by the number of
    elements. Composed as (1 - y) x + (1 + (w - 1) y) [max(-x, 0) + log1p(exp(-|x|))]; value and gradient keep their digits
    however large the logit is.

    Raises ValueError for shapes that differ or an unknown reduction.
    Source: torch.nn.functional.binary_cross_entropy_with_logits.

    >>> binary_cross_entropy_with_logits([1000.0, 0.0], [1.0, 1.0], reduction="none").tolist()
    [0.0, 0.6931471805599453]
    """
    x, y = as_value(input, f"{_BINARY}: input"), as_value(target, f"{_BINARY}: target")
    check_reduction(reduction, _BINARY)
    if x.shape != y.shape:
        raise ValueError(f"{_BINARY}: target of shape {y.shape} must have input's shape {x.shape}")
    parts = [log_one_plus_exp_minus_size(-x), relu(-x)]  # in this order: backward adds the first one's small gradient last
    if pos_weight is not None:
        factor = (_fitting(pos_weight, x.shape, "pos_weight") - 1.0) * y + 1.0
        parts = [part * factor for part in parts]
    losses = (1.0 - y) * x + parts[1] + parts[0]
    if weight is not None:
        losses = losses * _fitting(weight, x.shape, "weight")
    return reduced(losses, reduction)


def _share(x: Value, argument: str, way_out: str = "") -> Value:
    message = f"binary_cross_entropy: {argument} must be from 0 to 1, got {{}}{way_out}"
    return checked(x, lambda p: (p < 0) | (p > 1) | (p != p), lambda wrong: RuntimeError(message.format(wrong)))


def _bounded_log(p: Value, complement: bool) -> Value:
    """Return log(p) or log(1 - p); below 1e-12, where torch bounds value and slope, a line of slope 1e12, at -100 or above."""
    q = 1.0 - p if complement else p
    tiny = q < _STEEPEST
    if not may_hold(tiny):
        return log1p(-p) if complement else log(p)
    inner = primitives.where(0.5, p, condition=tiny)  # so that 1 / 0 is never computed
    logarithm = log1p(-inner) if complement else log(inner)
    lowest = namespace(q.data).maximum(log(q.detach()).data, -100.0)
    line = (q - q.detach()) / _STEEPEST + Value(lowest, requires_grad=False)
    return primitives.where(line, logarithm, condition=tiny)


def _fitting(factor: Any, shape: Shape, argument: str, function: str = _BINARY) -> Value:
    factors = as_value(factor, f"{function}: {argument}")
    if broadcast_shapes(factors.shape, shape) != shape:
        raise RuntimeError(f"{function}: {argument} of shape {factors.shape} does not broadcast to input's shape {shape}")
    return factors


def reduced(losses: Value, reduction: str) -> Value:
    """Return the losses as they are for 'none', else their sum or mean."""
    return losses if reduction == "none" else sum(losses) if reduction == "sum" else mean(losses)


def check_reduction(reduction: str, function: str) -> None:
    """Raise ValueError if the reduction is unknown."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{function}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def _check_options(reduction: str, ignore_index: int, function: str) -> None:
    check_reduction(reduction, function)
    if isinstance(ignore_index, bool) or not isinstance(ignore_index, int):
        raise TypeError(f"{function}: ignore_index must be an int, got {ignore_index!r}")


def _check_smoothing(label_smoothing: float) -> float:
    if isinstance(label_smoothing, bool) or not isinstance(label_smoothing, (int, float)):
        raise TypeError(f"cross_entropy: label_smoothing must be a number, got {label_smoothing!r}")
    if label_smoothing > 1:
        raise RuntimeError(f"cross_entropy: label_smoothing must be between 0 and 1, got {label_smoothing}")
    if not label_smoothing >= 0:
        raise ValueError(f"cross_entropy: label_smoothing must be between 0 and 1, got {label_smoothing}")
    return float(label_smoothing)
