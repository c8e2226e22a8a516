"""From logits to probabilities, their logarithms, and samples."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array, flat_of
from micrograd_sm.array.dtypes import held_as
from micrograd_sm.array.storage import like_storage
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axis_of, numpy_names
from micrograd_sm.functional.kinds import floats
from micrograd_sm.mode import composed
from micrograd_sm.randomness import generator_or_default

__all__ = ["bernoulli", "log_softmax", "multinomial", "softmax", "softmin"]


@numpy_names
@composed
def softmax(input: Any, dim: int, dtype: Any = None) -> Value:
    """Return exp(x) / sum(exp(x)) along `dim`: logits to probabilities, of the same shape (torch.softmax).

    The maximum is subtracted first: the result is the same, and exp cannot overflow. Rows that hold +inf or nan, or only
    -inf, become nan; empty inputs pass through. `dtype` may name a type of floats, which are all float64 here. Raises
    IndexError or TypeError if there is no such dim.

    >>> softmax(Value([1.2, 2.5, 0.9]), dim=0)
    Value([0.1848, 0.6782, 0.1369], op=softmax/divide)
    """
    x = as_value(input, "softmax: input")
    _check_dtype(dtype, "softmax")
    axis = _axis(x, dim, "softmax")
    weights = primitives.exp(_shifted(x, axis))
    return weights / primitives.sum(weights, axis=axis, keepdims=True)


@numpy_names
@composed
def log_softmax(input: Any, dim: int, dtype: Any = None) -> Value:
    """Return log(softmax(x)) along `dim`, of the same shape, without the underflow of taking them one by one.

    x - max - log(sum(exp(x - max))): finite where softmax itself would round to 0 (torch.log_softmax). A log-probability
    near 0 is rounded, as torch's is: beside the largest term of the sum, exp(0) = 1, terms below 1e-16 are lost.

    >>> log_softmax(Value([1000.0, 0.0]), dim=0).tolist()
    [0.0, -1000.0]
    """
    x = as_value(input, "log_softmax: input")
    _check_dtype(dtype, "log_softmax")
    axis = _axis(x, dim, "log_softmax")
    shifted = _shifted(x, axis)
    return shifted - primitives.log(primitives.sum(primitives.exp(shifted), axis=axis, keepdims=True))


@composed
def softmin(input: Any, dim: int, dtype: Any = None) -> Value:
    """Return softmax(-x) along `dim`: the smallest element gets the largest share (torch.nn.functional.softmin).

    >>> softmin([0.0, 0.0], dim=0).tolist()
    [0.5, 0.5]
    """
    return softmax(-as_value(input, "softmin: input"), dim, dtype)


def _check_dtype(dtype: Any, function: str) -> None:
    if held_as(dtype, function) not in (None, float):
        raise RuntimeError(f"{function}: the result holds floats, not {dtype!r}")


def _axis(x: Value, dim: int, function: str) -> tuple[int, ...]:
    axis = axis_of(dim, x.ndim, function)
    return (axis,) if x.ndim else ()


def _shifted(x: Value, axis: tuple[int, ...]) -> Value:
    return x if 0 in x.shape else x - primitives.max(x, axis=axis, keepdims=True)


def bernoulli(input: Any, generator: Random | None = None) -> Value:
    """Return 1 with the probability that each element says, and 0 otherwise, as floats without gradient (torch.bernoulli).

    Raises RuntimeError for probabilities outside 0 .. 1.

    >>> bernoulli([0.0, 1.0]).tolist()
    [0.0, 1.0]
    """
    chances = floats(input, "bernoulli: input")
    source = generator_or_default(generator, "bernoulli")
    if not all(0 <= chance <= 1 for chance in flat_of(chances.data)):
        raise RuntimeError(f"bernoulli: probabilities must be from 0 to 1, got {chances!r}; logits need sigmoid first")
    drawn = [float(source.random() < chance) for chance in flat_of(chances.data)]
    return Value(like_storage(Array.of(drawn, chances.shape), chances.data), requires_grad=False)


def multinomial(input: Any, num_samples: int, replacement: bool = False, generator: Random | None = None) -> Value:
    """Return indices drawn with the given weights: (C) to (num_samples), (N, C) to (N, num_samples) (torch.multinomial).

    The weights need not sum to 1. Raises RuntimeError if weights are inf, nan, negative or all 0, and, without
    replacement, if there are fewer weights above 0 than samples.

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
    return sorted(keys, key=keys.__getitem__, reverse=True)[:num_samples]
