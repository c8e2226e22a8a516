"""From logits to probabilities, their logarithms, and samples."""

from __future__ import annotations

import heapq
import math
from random import Random
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array, namespace
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axis_of
from micrograd_sm.mode import composed
from micrograd_sm.randomness import generator_or_default

__all__ = ["log_softmax", "multinomial", "softmax"]

_FAR = 64.0  # logits that far apart have a difference that is rounded by up to 7e-15
_MANY = 16  # classes up to which that noise is below 1e-14


@composed
def softmax(input: Any, dim: int) -> Value:
    """Return exp(x) / sum(exp(x)) along `dim`: logits to probabilities, of the same shape (torch.softmax).

    The maximum is subtracted first, which changes nothing but keeps exp from overflowing. Rows that hold +inf or nan,
    or nothing but -inf, become nan; empty inputs pass through. Raises IndexError and TypeError for a wrong dim.

    >>> softmax(Value([1.2, 2.5, 0.9]), dim=0)
    Value([0.1848, 0.6782, 0.1369], op=softmax/divide)
    """
    x = as_value(input, "softmax: input")
    axis = _axis(x, dim, "softmax")
    weights = primitives.exp(_shifted(x, axis))
    return weights / primitives.sum(weights, axis=axis, keepdims=True)


@composed
def log_softmax(input: Any, dim: int) -> Value:
    """Return log(softmax(x)) along `dim`, of the same shape, without the underflow of taking them one by one.

    x - max - log(sum(exp(x - max))): finite where softmax itself would round to 0 (torch.log_softmax). The maximum's own
    exp(0) = 1 is taken out of the sum, and log1p adds it again: so a log-probability near 0 keeps its digits too, where the
    1 would swallow all the others (torch gives 0 in the example).

    >>> log_softmax(Value([40.0, 0.0]), dim=0).tolist()
    [-4.248354255291589e-18, -40.0]
    """
    x = as_value(input, "log_softmax: input")
    axis = _axis(x, dim, "log_softmax")
    shifted = x if 0 in x.shape else x - _anchor(x, axis)
    weights = primitives.exp(shifted)
    rounding = _rounding(x.data, shifted.data, axis)
    if rounding is not None:
        weights = weights * rounding
    rest = weights - _peak(shifted.data, axis)
    return shifted - primitives.log1p(primitives.sum(rest, axis=axis, keepdims=True))


def _anchor(x: Value, axis: tuple[int, ...]) -> Value:
    """Return the maximum; of many classes, a constant in its place where no class has more than half of the probability.

    The gradient that reaches the maximum is 0 but for rounding, and that rounding is just what p - 1 lacks where p is near 1.
    Beside the small p of many classes it would only be noise.
    """
    top = primitives.max(x, axis=axis, keepdims=True)
    if math.prod(x.shape[place] for place in axis) <= _MANY:
        return top
    total = primitives.sum(primitives.exp(x.data - top.data), axis=axis, keepdims=True)
    return primitives.where(top, top.detach(), condition=total < 2.0)


def _peak(shifted: Any, axis: tuple[int, ...]) -> Value:
    """Return 1 where the maximum is, shared evenly by ties, and 0 elsewhere."""
    ties = 1.0 * (shifted == 0.0)
    counts = primitives.sum(ties, axis=axis, keepdims=True)
    return Value(ties / namespace(counts).maximum(counts, 1.0), requires_grad=False, name="peak")


def _rounding(x: Any, shifted: Any, axis: tuple[int, ...]) -> Value | None:
    """Return what exp loses to the rounding of x - max, as a factor for each weight; None where it is no matter.

    An error of that difference is a relative one of its exp: up to 7e-15 from a difference of 64 on, 5.7e-14 at 745.
    """
    if type(x) is not Array or min(shifted.flat, default=0.0) > -_FAR:
        return None
    top = namespace(x).max(x, axis=axis, keepdims=True)
    moved = shifted - x  # minus the maximum, but for rounding; what follows is Knuth's exact error of a sum
    errors = (x - (shifted - moved)) - (top + moved)
    factors = [1.0 + error if math.isfinite(error) else 1.0 for error in errors.flat]
    return Value(Array.of(factors, x.shape), requires_grad=False, name="rounding") if any(errors.flat) else None


def _axis(x: Value, dim: int, function: str) -> tuple[int, ...]:
    axis = axis_of(dim, x.ndim, function)
    return (axis,) if x.ndim else ()


def _shifted(x: Value, axis: tuple[int, ...]) -> Value:
    return x if 0 in x.shape else x - primitives.max(x, axis=axis, keepdims=True)


def multinomial(input: Any, num_samples: int, replacement: bool = False, generator: Random | None = None) -> Value:
    """Return indices drawn with the given weights: (C) to (num_samples), (N, C) to (N, num_samples) (torch.multinomial).

    The weights need not sum to 1. Raises RuntimeError for weights that are inf, nan, negative or all 0, and, without
    replacement, for more samples than there are weights above 0.

    >>> multinomial([0.0, 1.0, 0.0], 3, replacement=True).tolist()
    [1, 1, 1]
    """
    weights = as_value(input, "multinomial: input").detach()
    if weights.ndim not in (1, 2):
        raise RuntimeError(f"multinomial: weights must have 1 or 2 dimensions, got shape {weights.shape}")
    if isinstance(num_samples, bool) or not isinstance(num_samples, int):
        raise TypeError(f"multinomial: num_samples must be an int, got {num_samples!r}")
    if num_samples <= 0:
        raise RuntimeError(f"multinomial: cannot draw {num_samples} samples")
    rows = weights.tolist() if weights.ndim == 2 else [weights.tolist()]
    for place, row in enumerate(rows):
        _check_weights(row, place, num_samples, replacement)
    source = generator_or_default(generator, "multinomial")
    drawn = [_draw(row, num_samples, replacement, source) for row in rows]
    flat = [index for row in drawn for index in row]
    return Value(Array.of(flat, (*weights.shape[:-1], num_samples), int), requires_grad=False)


def _check_weights(row: list[float], place: int, num_samples: int, replacement: bool) -> None:
    if not all(math.isfinite(weight) and weight >= 0 for weight in row):
        raise RuntimeError(
            f"multinomial: weights must be finite and not negative, got {row} in row {place}; "
            "logits become weights through softmax"
        )
    possible = sum(weight > 0 for weight in row)
    if not possible:
        raise RuntimeError(f"multinomial: the weights of row {place} are all 0, so there is nothing to draw")
    if not replacement and num_samples > possible:
        raise RuntimeError(
            f"multinomial: cannot draw {num_samples} different samples from {len(row)} classes of which "
            f"{possible} have a weight above 0; use replacement=True"
        )


def _draw(row: list[float], num_samples: int, replacement: bool, source: Random) -> list[int]:
    if replacement:
        return source.choices(range(len(row)), row, k=num_samples)
    # Efraimidis and Spirakis (2006): the largest u ** (1 / weight) are a draw without replacement, in order.
    keys = {index: math.log(1.0 - source.random()) / weight for index, weight in enumerate(row) if weight > 0}
    return heapq.nlargest(num_samples, keys, key=keys.__getitem__)
