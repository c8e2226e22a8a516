"""The activations of networks beside relu, sigmoid, tanh and softplus, and dropout."""

from __future__ import annotations

import math
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array
from micrograd_sm.array.storage import like_storage
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.pointwise import log_one_plus_exp_minus_size, softplus
from micrograd_sm.mode import composed
from micrograd_sm.randomness import generator_or_default

__all__ = [
    "dropout", "elu", "gelu", "hardtanh", "leaky_relu", "logsigmoid", "mish", "relu6", "selu", "silu",
]  # fmt: skip

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. (2017): mean 0, variance 1 stay


@composed
def logsigmoid(input: Any) -> Value:
    """Return log(sigmoid(x)) of each element, finite where sigmoid(x) itself would round to 0 (torch.nn.functional.logsigmoid).

    Composed as -(relu(-x) + log1p(exp(-|x|))).

    >>> logsigmoid([0.0, -1000.0]).tolist()
    [-0.6931471805599453, -1000.0]
    """
    x = -as_value(input, "logsigmoid: input")
    return -(primitives.relu(x) + log_one_plus_exp_minus_size(x))


@composed
def gelu(input: Any, approximate: str = "none") -> Value:
    """Return x times the probability that a standard normal variable is below x (torch.nn.functional.gelu).

    That is x (1 + erf(x / sqrt(2))) / 2, or if `approximate` is 'tanh', x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
    Raises RuntimeError for another `approximate`. Source: Hendrycks and Gimpel (2016), arXiv:1606.08415.

    >>> gelu(Value([-1.0, 0.0, 1.0]))
    Value([-0.1587,  0.0000,  0.8413], op=gelu/multiply)
    """
    x = as_value(input, "gelu: input")
    if approximate == "none":
        return x * (0.5 * (1.0 + primitives.erf(x * math.sqrt(0.5))))
    if approximate != "tanh":
        raise RuntimeError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    return x * (0.5 * (1.0 + primitives.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * (x * x * x)))))


@composed
def silu(input: Any) -> Value:
    """Return x sigmoid(x) of each element, also called swish (torch.nn.functional.silu).

    >>> silu(Value([0.0, 1.0]))
    Value([0.0000, 0.7311], op=silu/multiply)
    """
    x = as_value(input, "silu: input")
    return x * primitives.sigmoid(x)


@composed
def mish(input: Any) -> Value:
    """Return x tanh(softplus(x)) of each element (torch.nn.functional.mish).

    >>> mish(Value([0.0, 1.0]))
    Value([0.0000, 0.8651], op=mish/multiply)
    """
    x = as_value(input, "mish: input")
    return x * primitives.tanh(softplus(x))


@composed
def leaky_relu(input: Any, negative_slope: float = 0.01) -> Value:
    """Return each element if it is positive, else negative_slope times it (torch.nn.functional.leaky_relu).

    The derivative at 0 is the negative slope.

    >>> leaky_relu([-2.0, 3.0], 0.1).tolist()
    [-0.2, 3.0]
    """
    x = as_value(input, "leaky_relu: input")
    return primitives.where(x, x * negative_slope, condition=x > 0)


@composed
def elu(input: Any, alpha: float = 1.0) -> Value:
    """Return each element if it is positive, else alpha (exp(x) - 1) (torch.nn.functional.elu).

    >>> elu(Value([0.0, -1000.0, 2.0]), alpha=0.5).tolist()
    [0.0, -0.5, 2.0]
    """
    return _elu(as_value(input, "elu: input"), alpha)


def _elu(x: Value, alpha: float) -> Value:
    below = x <= 0
    return primitives.where((primitives.exp(primitives.where(x, 0.0, condition=below)) - 1.0) * alpha, x, condition=below)


@composed
def selu(input: Any) -> Value:
    """Return 1.0507 elu(x, alpha=1.6733) of each element (torch.nn.functional.selu).

    >>> selu(Value([-1.0, 1.0]))
    Value([-1.1113,  1.0507], op=selu/multiply)
    """
    return _elu(as_value(input, "selu: input"), _SELU_ALPHA) * _SELU_SCALE


@composed
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Value:
    """Return each element moved into [min_val, max_val]; the derivative on a bound is 0 (torch.nn.functional.hardtanh).

    Raises ValueError if min_val is above max_val.

    >>> hardtanh([-2.0, 0.5, 2.0]).tolist()
    [-1.0, 0.5, 1.0]
    """
    return _between(as_value(input, "hardtanh: input"), min_val, max_val, "hardtanh")


@composed
def relu6(input: Any) -> Value:
    """Return each element moved into [0, 6]; the derivative on a bound is 0 (torch.nn.functional.relu6).

    >>> relu6([-1.0, 3.0, 8.0]).tolist()
    [0.0, 3.0, 6.0]
    """
    return _between(as_value(input, "relu6: input"), 0.0, 6.0, "relu6")


def _between(x: Value, low: float, high: float, function: str) -> Value:
    if low > high:
        raise ValueError(f"{function}: min_val, {low}, must not be above max_val, {high}")
    return primitives.where(low, primitives.where(high, x, condition=x >= high), condition=x <= low)


@composed
def dropout(input: Any, p: float = 0.5, training: bool = True) -> Value:
    """Return the input with each element set to 0 with probability p, the others divided by 1 - p; as it is if not training.

    The mask is drawn from the default generator, which `manual_seed` seeds; the graph shows x * mask / (1 - p).
    Raises ValueError if p is not between 0 and 1. Source: torch.nn.functional.dropout.

    >>> dropout([1.0, 2.0], p=0.5, training=False).tolist(), dropout([1.0, 2.0], p=1.0).tolist()
    ([1.0, 2.0], [0.0, 0.0])
    """
    x = as_value(input, "dropout: input")
    if isinstance(p, bool) or not isinstance(p, (int, float)):
        raise TypeError(f"dropout: p must be a number, got {p!r}")
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability, between 0 and 1, got {p}")
    if not training or p == 0:
        return x
    if p == 1:
        return x * 0.0
    draw = generator_or_default(None, "dropout").random
    kept = [1.0 if draw() >= p else 0.0 for _ in range(math.prod(x.shape))]
    mask = Value(like_storage(Array.of(kept, x.shape), x.data), requires_grad=False)
    return x * mask / (1.0 - p)
