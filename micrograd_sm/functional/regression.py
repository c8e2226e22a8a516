"""Losses that compare numbers or distributions: how far a prediction is from its target."""

from __future__ import annotations

import math
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import namespace
from micrograd_sm.array.storage import may_hold
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.kinds import checked
from micrograd_sm.functional.losses import check_reduction, reduced
from micrograd_sm.functional.pointwise import abs, exp, log
from micrograd_sm.functional.reductions import sum
from micrograd_sm.mode import composed

__all__ = [
    "gaussian_nll_loss", "huber_loss", "kl_div", "l1_loss", "mse_loss", "poisson_nll_loss", "smooth_l1_loss",
]  # fmt: skip


@composed
def mse_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Value:
    """Return the squared error, (input - target)^2, reduced (torch.nn.functional.mse_loss).

    `weight`, of input's shape, multiplies each error, and then 'mean' divides by the sum of the weights.
    Raises ValueError for an unknown reduction or another shape of weight, RuntimeError for shapes that do not broadcast.

    >>> mse_loss([1.0, 2.0], [0.0, 0.0]).item()
    2.5
    """
    x, difference = _compared(input, target, reduction, "mse_loss")
    return _weighted(difference * difference, x, weight, reduction, "mse_loss")


@composed
def l1_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Value:
    """Return the absolute error, |input - target|, reduced (torch.nn.functional.l1_loss).

    `weight` is as in mse_loss; the errors are too.

    >>> l1_loss([1.0, -2.0], [0.0, 0.0]).item()
    1.5
    """
    x, difference = _compared(input, target, reduction, "l1_loss")
    return _weighted(abs(difference), x, weight, reduction, "l1_loss")


@composed
def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Value:
    """Return d^2 / (2 beta) for an error |d| below beta, else |d| - beta / 2, reduced (torch.nn.functional.smooth_l1_loss).

    With beta 0 it is l1_loss. Raises RuntimeError for a beta below 0.

    >>> smooth_l1_loss([0.5, 3.0], [0.0, 0.0], reduction="none").tolist()
    [0.125, 2.5]
    """
    _, difference = _compared(input, target, reduction, "smooth_l1_loss")
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    if beta == 0:
        return reduced(abs(difference), reduction)
    far = (difference >= beta) | (difference <= -beta)
    near = primitives.where(0.0, difference, condition=far)
    return reduced(primitives.where(abs(difference) - 0.5 * beta, 0.5 * near * near / beta, condition=far), reduction)


@composed
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Value:
    """Return d^2 / 2 for an error |d| below delta, else delta (|d| - delta / 2), reduced (torch.nn.functional.huber_loss).

    `weight`, of input's shape, multiplies each loss; 'mean' divides by the number of losses.
    Raises RuntimeError for a delta that is not above 0.

    >>> huber_loss([0.5, 3.0], [0.0, 0.0], reduction="none", delta=2.0).tolist()
    [0.125, 4.0]
    """
    x, difference = _compared(input, target, reduction, "huber_loss")
    if not delta > 0:
        raise RuntimeError(f"huber_loss: delta must be above 0, got {delta}")
    far = (difference >= delta) | (difference <= -delta)
    near = primitives.where(0.0, difference, condition=far)
    losses = primitives.where(delta * (abs(difference) - 0.5 * delta), 0.5 * near * near, condition=far)
    return reduced(losses if weight is None else losses * _like(x, weight, "huber_loss"), reduction)


@composed
def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Value:
    """Return target (log target - input), the Kullback-Leibler divergence of log-probabilities `input` from `target`.

    With `log_target`, target holds log-probabilities too. `reduction` 'batchmean' divides the sum by the first size of input,
    which is the divergence as it is defined; 'mean' divides by the number of elements. A target of 0 gives 0.
    Raises ValueError for an unknown reduction. Source: torch.nn.functional.kl_div.

    >>> p, log_q = [[0.5, 0.5]], [[math.log(0.25), math.log(0.75)]]
    >>> kl_div(log_q, p, reduction="batchmean").item()
    0.14384103622589045
    """
    x, t = as_value(input, "kl_div: input"), as_value(target, "kl_div: target")
    if reduction != "batchmean":
        check_reduction(reduction, "kl_div")
    if log_target:
        losses = exp(t) * (t - x)
    else:
        losses = t * (log(primitives.where(1.0, t, condition=t == 0)) - x)  # 0 log 0 is 0
    if reduction != "batchmean":
        return reduced(losses, reduction)
    return sum(losses) / float(x.shape[0]) if x.ndim else sum(losses)


@composed
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Value:
    """Return the negative log-likelihood of targets under normal distributions, [log var + (input - target)^2 / var] / 2.

    `var` has input's shape, or 1 in place of one of its sizes, or lacks the last; or is a number. A var below `eps` counts as
    eps, and its gradient passes. `full` adds log(2 pi) / 2. Raises ValueError for a negative var, a var of another shape and an
    unknown reduction. Source: torch.nn.functional.gaussian_nll_loss.

    >>> gaussian_nll_loss([1.0, 2.0], [0.0, 2.0], [1.0, 1.0]).item()
    0.25
    """
    x, t = as_value(input, "gaussian_nll_loss: input"), as_value(target, "gaussian_nll_loss: target")
    variance = _variance(x, var)
    check_reduction(reduction, "gaussian_nll_loss")
    lacking = namespace(variance.data).maximum(eps - variance.data, 0.0)
    if may_hold(lacking != 0):
        variance = variance + Value(lacking, requires_grad=False)
    difference = x - t
    losses = 0.5 * (log(variance) + difference * difference / variance)
    return reduced(losses + 0.5 * math.log(2.0 * math.pi) if full else losses, reduction)


def _variance(x: Value, var: Any) -> Value:
    variance = as_value(var, "gaussian_nll_loss: var")
    message = "gaussian_nll_loss: var must not be negative, got {}"
    variance = checked(variance, lambda v: v < 0, lambda wrong: ValueError(message.format(wrong)))
    if variance.shape == x.shape or isinstance(var, (int, float)):
        return variance
    if variance.shape == x.shape[:-1]:
        return primitives.reshape(variance, shape=(*variance.shape, 1))
    differing = [size for size, wanted in zip(variance.shape, x.shape) if size != wanted]
    if variance.ndim != x.ndim or differing != [1]:
        raise ValueError(f"gaussian_nll_loss: var of shape {variance.shape} does not fit input of shape {x.shape}")
    return variance


@composed
def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
) -> Value:
    """Return the negative log-likelihood of counts under Poisson distributions, without log(target!).

    That is exp(input) - target * input, or, if not `log_input`, input - target * log(input + eps). `full` adds Stirling's
    approximation of log(target!) for targets above 1. Raises ValueError for an unknown reduction.
    Source: torch.nn.functional.poisson_nll_loss.

    >>> poisson_nll_loss([0.0, 0.0], [1.0, 2.0]).item()
    1.0
    """
    x, t = as_value(input, "poisson_nll_loss: input"), as_value(target, "poisson_nll_loss: target")
    check_reduction(reduction, "poisson_nll_loss")
    losses = exp(x) - t * x if log_input else x - t * log(x + eps)
    if full:
        small = t <= 1
        counts = primitives.where(1.0, t, condition=small)
        stirling = counts * log(counts) - counts + 0.5 * log(2.0 * math.pi * counts)
        losses = losses + primitives.where(0.0, stirling, condition=small)
    return reduced(losses, reduction)


def _compared(input: Any, target: Any, reduction: str, function: str) -> tuple[Value, Value]:
    """Return the input and how far it is from the target."""
    check_reduction(reduction, function)
    x = as_value(input, f"{function}: input")
    return x, x - as_value(target, f"{function}: target")


def _weighted(losses: Value, x: Value, weight: Any, reduction: str, function: str) -> Value:
    if weight is None:
        return reduced(losses, reduction)
    weights = _like(x, weight, function)
    losses = losses * weights
    return sum(losses) / sum(weights) if reduction == "mean" else reduced(losses, reduction)


def _like(x: Value, weight: Any, function: str) -> Value:
    weights = as_value(weight, f"{function}: weight")
    if weights.shape != x.shape:
        raise ValueError(f"{function}: weight of shape {weights.shape} must have input's shape {x.shape}")
    return weights
