"""First numbers for parameters: each function sets the data of a Value in place and returns it (torch.nn.init).

Random numbers come from `generator`, by default the one that `manual_seed` seeds. A gradient does not flow through the change.

>>> from micrograd_sm import nn
>>> layer = nn.Linear(2, 3)
>>> _ = nn.init.xavier_uniform_(layer.weight)
>>> nn.init.zeros_(layer.bias).tolist()
[0.0, 0.0, 0.0]
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from random import Random

from micrograd_sm.array import Array
from micrograd_sm.array.storage import like_storage
from micrograd_sm.engine import Value
from micrograd_sm.randomness import generator_or_default

__all__ = [
    "calculate_gain", "constant_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_", "trunc_normal_",
    "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

_GAINS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "sigmoid"), 1.0),
    "tanh": 5.0 / 3.0, "relu": sqrt(2.0), "selu": 0.75,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor that keeps the variance from layer to layer after a nonlinearity (torch.nn.init.calculate_gain).

    `param` is the slope of leaky_relu below 0, by default 0.01. Raises ValueError for a nonlinearity that is not known.

    >>> calculate_gain("relu") ** 2, calculate_gain("leaky_relu", 1.0)
    (2.0000000000000004, 1.0)
    """
    if nonlinearity == "leaky_relu":
        return sqrt(2.0 / (1.0 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"calculate_gain: nonlinearity must be one of {[*_GAINS, 'leaky_relu']}, got {nonlinearity!r}")
    return _GAINS[nonlinearity]


def uniform_(tensor: Value, a: float = 0.0, b: float = 1.0, generator: Random | None = None) -> Value:
    """Draw each element uniformly from `a` to `b` (torch.nn.init.uniform_).

    >>> uniform_(Value([0.0, 0.0]), 3.0, 3.0).tolist()
    [3.0, 3.0]
    """
    source = generator_or_default(generator, "uniform_")
    return _set(tensor, lambda: source.uniform(a, b), "uniform_")


def normal_(tensor: Value, mean: float = 0.0, std: float = 1.0, generator: Random | None = None) -> Value:
    """Draw each element from the normal distribution (torch.nn.init.normal_).

    >>> normal_(Value([0.0, 0.0]), mean=2.0, std=0.0).tolist()
    [2.0, 2.0]
    """
    source = generator_or_default(generator, "normal_")
    return _set(tensor, lambda: source.gauss(mean, std), "normal_")


def trunc_normal_(
    tensor: Value, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Random | None = None
) -> Value:
    """Draw each element from the normal distribution, again until it is from `a` to `b` (torch.nn.init.trunc_normal_).

    >>> max(map(abs, trunc_normal_(Value([0.0] * 100)).tolist())) <= 2.0
    True
    """
    source = generator_or_default(generator, "trunc_normal_")

    def number() -> float:
        while not a <= (drawn := source.gauss(mean, std)) <= b:
            pass
        return drawn

    return _set(tensor, number, "trunc_normal_")


def constant_(tensor: Value, val: float) -> Value:
    """Set each element to `val` (torch.nn.init.constant_).

    >>> constant_(Value([1.0, 2.0]), 0.5).tolist()
    [0.5, 0.5]
    """
    return _set(tensor, lambda: float(val), "constant_")


def zeros_(tensor: Value) -> Value:
    """Set each element to 0 (torch.nn.init.zeros_).

    >>> zeros_(Value([1.0, 2.0])).tolist()
    [0.0, 0.0]
    """
    return constant_(tensor, 0.0)


def ones_(tensor: Value) -> Value:
    """Set each element to 1 (torch.nn.init.ones_).

    >>> ones_(Value([3.0, 2.0])).tolist()
    [1.0, 1.0]
    """
    return constant_(tensor, 1.0)


def eye_(tensor: Value) -> Value:
    """Set a matrix to 1 on the diagonal and 0 elsewhere (torch.nn.init.eye_). Raises ValueError if it is no matrix.

    >>> eye_(Value([[3.0, 2.0], [1.0, 0.0]])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if tensor.ndim != 2:
        raise ValueError(f"eye_: needs a matrix, got shape {tensor.shape}")
    rows, columns = tensor.shape
    elements = iter([float(i == j) for i in range(rows) for j in range(columns)])
    return _set(tensor, lambda: next(elements), "eye_")


def xavier_uniform_(tensor: Value, gain: float = 1.0, generator: Random | None = None) -> Value:
    """Draw uniformly within +-gain sqrt(6 / (fan_in + fan_out)): for tanh and sigmoid (torch.nn.init.xavier_uniform_).

    A weight of (fan_out, fan_in, ...) is needed, else ValueError. Source: Glorot and Bengio 2010,
    https://proceedings.mlr.press/v9/glorot10a.html.

    >>> max(map(abs, xavier_uniform_(Value([[0.0, 0.0, 0.0]])).tolist()[0])) <= (6 / 4) ** 0.5
    True
    """
    bound = gain * sqrt(6.0 / (sum(_fans(tensor, "xavier_uniform_")) or 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Value, gain: float = 1.0, generator: Random | None = None) -> Value:
    """Draw from the normal distribution with std gain sqrt(2 / (fan_in + fan_out)) (torch.nn.init.xavier_normal_).

    >>> xavier_normal_(Value([[1.0, 2.0]]), gain=0.0).tolist()
    [[0.0, 0.0]]
    """
    std = gain * sqrt(2.0 / (sum(_fans(tensor, "xavier_normal_")) or 1))
    return normal_(tensor, 0.0, std, generator)


def kaiming_uniform_(
    tensor: Value, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Random | None = None
) -> Value:
    """Draw uniformly within +-gain sqrt(3 / fan): for relu and leaky_relu, whose slope below 0 is `a`.

    `mode` is "fan_in", which keeps the variance in the forward pass, or "fan_out", for the backward pass, else ValueError.
    Source: torch.nn.init.kaiming_uniform_; He et al. 2015, https://arxiv.org/abs/1502.01852.

    >>> max(map(abs, kaiming_uniform_(Value([[0.0, 0.0, 0.0]])).tolist()[0])) <= 2**0.5
    True
    """
    bound = sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity, "kaiming_uniform_")
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Value, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Random | None = None
) -> Value:
    """Draw from the normal distribution with std gain / sqrt(fan), as kaiming_uniform_ does (torch.nn.init.kaiming_normal_).

    >>> kaiming_normal_(Value([[1.0, 2.0]]), mode="fan_out").shape
    (1, 2)
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity, "kaiming_normal_")
    return normal_(tensor, 0.0, std, generator)


def _kaiming_std(tensor: Value, a: float, mode: str, nonlinearity: str, function: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"{function}: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return calculate_gain(nonlinearity, a) / sqrt(_fans(tensor, function)[mode == "fan_out"] or 1)


def _fans(tensor: Value, function: str) -> tuple[int, int]:
    """Return how many inputs an output has, and how many outputs an input."""
    if tensor.ndim < 2:
        raise ValueError(f"{function}: needs a weight of (fan_out, fan_in, ...), got shape {tensor.shape}")
    fan_out, fan_in, *window = tensor.shape
    return fan_in * prod(window), fan_out * prod(window)


def _set(tensor: Value, number: Callable[[], float], function: str) -> Value:
    if not isinstance(tensor, Value):
        raise TypeError(f"{function}: expected a Value, such as layer.weight, got {tensor!r}")
    flat = [number() for _ in range(prod(tensor.shape))]
    tensor.data = like_storage(Array.of(flat, tensor.shape), tensor.data)
    return tensor
