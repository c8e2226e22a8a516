"""Normalization: elements less their mean, over their standard deviation."""

from __future__ import annotations

from math import prod
from typing import Any

from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.kinds import floats
from micrograd_sm.functional.pointwise import sqrt
from micrograd_sm.functional.reductions import mean
from micrograd_sm.functional.shaping import reshape
from micrograd_sm.mode import composed

__all__ = ["batch_norm", "layer_norm", "rms_norm"]


@composed
def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Value:
    """Return (x - mean) / sqrt(variance + eps) over the last dimensions (torch.nn.functional.layer_norm).

    input is (..., *normalized_shape); the variance divides by the number of elements. `weight` and `bias`, of
    normalized_shape, then scale and shift. Raises RuntimeError for other shapes.

    >>> layer_norm([[1.0, 3.0]], (2,), eps=0.0).tolist()
    [[-1.0, 1.0]]
    """
    x = floats(input, "layer_norm: input")
    axes = _last_axes(x, normalized_shape, "layer_norm")
    return _scaled(_normalized(x, *_moments(x, axes), eps), weight, bias, x.shape[axes[0] :], "layer_norm")


@composed
def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Value:
    """Return x / sqrt(mean of x^2 + eps) over the last dimensions (torch.nn.functional.rms_norm).

    input is (..., *normalized_shape); `weight`, of normalized_shape, then scales. eps is 2^-52 by default, the distance from 1
    to the next float. Raises RuntimeError for other shapes.

    >>> rms_norm([[1.0, 7.0]], (2,), eps=0.0).tolist()
    [[0.2, 1.4]]
    """
    x = floats(input, "rms_norm: input")
    axes = _last_axes(x, normalized_shape, "rms_norm")
    size = sqrt(mean(x * x, axes, keepdim=True) + (2.0**-52 if eps is None else eps))
    return _scaled(x / size, weight, None, x.shape[axes[0] :], "rms_norm")


def _last_axes(x: Value, normalized_shape: Any, function: str) -> tuple[int, ...]:
    if not isinstance(normalized_shape, (tuple, list)):
        raise TypeError(f"{function}: normalized_shape must be a tuple of ints, got {normalized_shape!r}")
    shape = tuple(normalized_shape)
    if not shape or x.shape[-len(shape) :] != shape:
        raise RuntimeError(f"{function}: input {x.shape} must end with normalized_shape, got {shape}")
    return tuple(range(-len(shape), 0))


def _scaled(out: Value, weight: Any, bias: Any, shape: tuple[int, ...], function: str) -> Value:
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None:
            value = as_value(parameter, f"{function}: {name}")
            if value.shape != shape:
                raise RuntimeError(f"{function}: {name} must have the normalized_shape {shape}, got {value.shape}")
            out = out * value if name == "weight" else out + value
    return out


@composed
def batch_norm(
    input: Any,
    running_mean: Value | None,
    running_var: Value | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Value:
    """Return (x - mean) / sqrt(variance + eps) of each channel: (N, C) or (N, C, ...) (torch.nn.functional.batch_norm).

    In training, mean and variance are those of the batch; the running ones, two Values of (C), move towards them by `momentum`,
    in place, with the variance that divides by N - 1. Else, the running ones are used. `weight` and `bias`, (C), then scale and
    shift.

    Raises ValueError if a channel has one element in training, or if only one running Value is given, RuntimeError for other
    shapes.

    >>> running_mean, running_var = Value([0.0], requires_grad=False), Value([1.0], requires_grad=False)
    >>> batch_norm([[1.0], [3.0]], running_mean, running_var, training=True, eps=0.0).tolist()
    [[-1.0], [1.0]]
    >>> running_mean.tolist()
    [0.2]
    """
    x = floats(input, "batch_norm: input")
    parameters = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    values = {name: None if given is None else as_value(given, f"batch_norm: {name}") for name, given in parameters.items()}
    if training and not all(given is None or isinstance(given, Value) for given in (running_mean, running_var)):
        raise TypeError("batch_norm: in training running_mean and running_var change in place, so they must be Values")
    _check_batch(x, values, training, eps)
    axes = (0, *range(2, x.ndim))
    across = {name: None if value is None else _across(value, x.ndim) for name, value in values.items()}
    center: Value | None
    spread: Value | None
    if training:
        center, spread = _moments(x, axes)
        if running_mean is not None and running_var is not None:
            count = prod(x.shape[axis] for axis in axes)
            _move(running_mean, center, momentum, 1.0)
            _move(running_var, spread, momentum, count / (count - 1))
    else:
        center, spread = across["running_mean"], across["running_var"]
    out = _normalized(x, center, spread, eps)
    out = out if weight is None else out * across["weight"]
    return out if bias is None else out + across["bias"]


def _moments(x: Value, axes: tuple[int, ...]) -> tuple[Value, Value]:
    """Return the mean and the variance over some dimensions, which stay as sizes of 1."""
    center = mean(x, axes, keepdim=True)
    return center, mean((x - center) ** 2, axes, keepdim=True)


def _normalized(x: Value, center: Any, spread: Any, eps: float) -> Value:
    return (x - center) / sqrt(spread + eps)


def _across(value: Value, ndim: int) -> Value:
    """Return one number for each channel in a shape that broadcasts with (N, C, ...)."""
    return value if ndim == 2 else reshape(value, -1, *(1,) * (ndim - 2))


def _move(running: Value, found: Value, momentum: float, factor: float) -> None:
    """Move a running Value towards what was found in the batch, without a graph."""
    new = reshape(found.detach(), running.shape).data
    running.data = running.data * (1.0 - momentum) + new * (momentum * factor)


def _check_batch(x: Value, values: dict[str, Value | None], training: bool, eps: float) -> None:
    running = [values["running_mean"], values["running_var"]]
    if eps < 0:
        raise ValueError(f"batch_norm: eps must not be negative, got {eps}")
    if training and x.ndim >= 2 and prod(x.shape[:1] + x.shape[2:]) == 1:
        raise ValueError(f"batch_norm: in training each channel needs more than one element, got shape {x.shape}")
    if x.ndim < 2:
        raise RuntimeError(f"batch_norm: input must be (N, C) or (N, C, ...), got shape {x.shape}")
    if not training and None in running:
        raise RuntimeError("batch_norm: running_mean and running_var are needed, unless training=True")
    if (running[0] is None) != (running[1] is None):
        raise ValueError("batch_norm: give both running_mean and running_var, or neither")
    for name, value in values.items():
        if value is not None and value.shape != x.shape[1:2]:
            raise RuntimeError(f"batch_norm: {name} must have shape {x.shape[1:2]}, one for each channel, got {value.shape}")
        if value is not None and name.startswith("running") and value.requires_grad:
            raise RuntimeError(f"batch_norm: {name} must not require a gradient; make it with requires_grad=False")
