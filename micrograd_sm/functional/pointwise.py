"""Functions of each element on its own."""

from __future__ import annotations

import math
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array, flat_of, is_foreign, namespace
from micrograd_sm.array.storage import chosen, like_storage, may_hold, stored
from micrograd_sm.engine import Value, as_value, unary
from micrograd_sm.functional.kinds import all_whole, like, like_input
from micrograd_sm.mode import composed

__all__ = [
    "abs", "clamp", "clip", "cos", "erf", "exp", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "logit", "masked_fill",
    "maximum", "minimum", "relu", "rsqrt", "sigmoid", "sin", "softplus", "sqrt", "tan", "tanh", "where",
]  # fmt: skip

NAN = float("nan")


def exp(input: Any) -> Value:
    """Return e to the power of each element; inf above 709.78 (torch.exp).

    >>> exp(Value([0.0, 1000.0]))
    Value([ 1., inf], op=exp)
    """
    return unary(primitives.exp, input, "exp: input")


def log(input: Any) -> Value:
    """Return the natural logarithm of each element; -inf at 0, nan below (torch.log).

    >>> log(Value([1.0, 0.0, -1.0]))
    Value([  0., -inf,  nan], op=log)
    """
    return unary(primitives.log, input, "log: input")


def log1p(input: Any) -> Value:
    """Return log(1 + x) of each element, exact even for tiny x (torch.log1p).

    >>> log1p(1e-20).item()
    1e-20
    """
    return unary(primitives.log1p, input, "log1p: input")


def sqrt(input: Any) -> Value:
    """Return the square root of each element; nan below 0 (torch.sqrt).

    >>> sqrt(Value([4.0, 0.0, -1.0]))
    Value([ 2.,  0., nan], op=sqrt)
    """
    return unary(primitives.sqrt, input, "sqrt: input")


@composed
def rsqrt(input: Any) -> Value:
    """Return 1 / sqrt(x) of each element; inf at 0, nan below (torch.rsqrt).

    >>> rsqrt(Value([4.0, 0.0]))
    Value([0.5000,    inf], op=rsqrt/divide)
    """
    return 1.0 / sqrt(as_value(input, "rsqrt: input"))


@composed
def log2(input: Any) -> Value:
    """Return the logarithm to base 2 of each element, composed as log(x) / log(2) (torch.log2).

    >>> log2(8.0).item()
    3.0
    """
    return log(as_value(input, "log2: input")) / math.log(2.0)


@composed
def log10(input: Any) -> Value:
    """Return the logarithm to base 10 of each element, composed as log(x) / log(10) (torch.log10).

    >>> log10(100.0).item()
    2.0
    """
    return log(as_value(input, "log10: input")) / math.log(10.0)


@composed
def expm1(input: Any) -> Value:
    """Return exp(x) - 1 of each element, exact even for tiny x (torch.expm1).

    Between -1 and 1 it is composed as tanh(x / 2) * (exp(x) + 1), where nothing cancels.

    >>> expm1(1e-20).item(), expm1(0.0).item()
    (1e-20, 0.0)
    """
    x = as_value(input, "expm1: input")
    small = (x > -1.0) & (x < 1.0)
    near, far = primitives.where(x, 0.0, condition=small), primitives.where(0.0, x, condition=small)
    return primitives.where(tanh(near / 2.0) * (exp(near) + 1.0), exp(far) - 1.0, condition=small)


def erf(input: Any) -> Value:
    """Return the error function of each element (torch.erf): how likely a normal variable of variance 1/2 is within x of 0.

    >>> erf(Value([0.0, 1.0, 1000.0]))
    Value([0.0000, 0.8427, 1.0000], op=erf)
    """
    return unary(primitives.erf, input, "erf: input")


def sin(input: Any) -> Value:
    """Return the sine of each element, in radians; nan at infinity (torch.sin).

    >>> sin(0.0).item()
    0.0
    """
    return unary(primitives.sin, input, "sin: input")


def cos(input: Any) -> Value:
    """Return the cosine of each element, in radians; nan at infinity (torch.cos).

    >>> cos(0.0).item()
    1.0
    """
    return unary(primitives.cos, input, "cos: input")


@composed
def tan(input: Any) -> Value:
    """Return the tangent of each element, sin(x) / cos(x), in radians (torch.tan).

    >>> tan(0.0).item()
    0.0
    """
    x = as_value(input, "tan: input")
    return sin(x) / cos(x)


def tanh(input: Any) -> Value:
    """Return the hyperbolic tangent of each element, within [-1, 1] (torch.tanh).

    >>> tanh(Value([0.0, 1000.0]))
    Value([0., 1.], op=tanh)
    """
    return unary(primitives.tanh, input, "tanh: input")


def sigmoid(input: Any) -> Value:
    """Return 1 / (1 + exp(-x)) of each element: a logit to a probability (torch.sigmoid).

    >>> sigmoid(Value([0.0, 1000.0, -1000.0]))
    Value([0.5000, 1.0000, 0.0000], op=sigmoid)
    """
    return unary(primitives.sigmoid, input, "sigmoid: input")


def relu(input: Any) -> Value:
    """Return each element if it is positive, else 0; the derivative at 0 is 0 (torch.relu). Integers stay integers.

    >>> relu(Value([-1.0, 2.0]))
    Value([0., 2.], op=relu)
    """
    x = as_value(input, "relu: input")
    if not x.requires_grad and all_whole(x):
        return primitives.where(x, like(0, x), condition=x > 0)
    return unary(primitives.relu, x)


@composed
def logit(input: Any, eps: float | None = None) -> Value:
    """Return log(p / (1 - p)) of each element, the log-odds: a probability to a logit (torch.logit).

    Composed as log(p) - log(1 - p), which keeps its digits near 0 and 1. It is nan outside [0, 1]; with `eps`, p is first
    moved into [eps, 1 - eps], and no gradient flows to an element that was moved.

    >>> logit(Value([0.5, 0.0, 1.0, 2.0]))
    Value([  0., -inf,  inf,  nan], op=logit/subtract)
    >>> logit(0.0, eps=0.5).item()
    0.0
    """
    p = as_value(input, "logit: input")
    if eps is not None:
        below = p < eps
        p = primitives.where(chosen(below, float(eps), 1.0 - eps, like=p), p, condition=below | (p > 1.0 - eps))
    outside = (p < 0) | (p > 1)
    p = p * chosen(outside, NAN, 1.0, like=p) + 0.0  # + 0.0 turns -0.0 into 0.0
    return log(p) - log1p(-p)


@composed
def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Value:
    """Return log(1 + exp(beta x)) / beta of each element (torch.nn.functional.softplus).

    If beta x is above `threshold` it returns x, as torch does (the error is at most 2.1e-9).

    >>> softplus(Value([0.0, 1000.0, -1000.0]))
    Value([   0.6931, 1000.0000,    0.0000], op=softplus/where)
    """
    x = as_value(input, "softplus: input")
    scaled = x * beta if beta != 1 else x
    smooth = relu(scaled) + log_one_plus_exp_minus_size(scaled)
    smooth = smooth / beta if beta != 1 else smooth
    return primitives.where(x, smooth, condition=scaled > threshold)


def log_one_plus_exp_minus_size(x: Value) -> Value:
    """Return log(1 + exp(-|x|)): what log(1 + exp(x)) is more than relu(x)."""
    return log1p(exp(primitives.where(-x, x, condition=x > 0)))


@composed
def abs(input: Any) -> Value:
    """Return the absolute value of each element; the derivative at 0 is 0 (torch.abs).

    Composed as relu(x) + relu(-x).

    >>> abs(Value([-2.0, 3.0]))
    Value([2., 3.], op=abs/add)
    """
    x = as_value(input, "abs: input")
    return relu(x) + relu(-x)


@composed
def maximum(input: Any, other: Any) -> Value:
    """Return the larger of two, elementwise with broadcasting; a tie gives half the gradient to each (torch.maximum).

    nan wins. Composed as a sum of both operands: the smaller one is replaced by 0, and equal ones are halved.

    >>> a, b = Value([1.0, 2.0]), Value([2.0, 2.0])
    >>> top = maximum(a, b)
    >>> top.sum().backward()
    >>> top.tolist(), a.grad.tolist(), b.grad.tolist()
    ([2.0, 2.0], [0.0, 0.5], [1.0, 0.5])
    """
    a, b = as_value(input, "maximum: input"), as_value(other, "maximum: other")
    if all_whole(a, b):
        return primitives.where(a, b, condition=a > b)
    share = chosen(a == b, 0.5, 1.0, like=a)
    return primitives.where(0.0, a * share, condition=a < b) + primitives.where(0.0, b * share, condition=b < a)


@composed
def minimum(input: Any, other: Any) -> Value:
    """Return the smaller of two, elementwise with broadcasting; a tie gives half the gradient to each (torch.minimum).

    >>> minimum([1.0, 5.0], 3.0).tolist()
    [1.0, 3.0]
    """
    return -maximum(-as_value(input, "minimum: input"), -as_value(other, "minimum: other"))


@composed
def logaddexp(input: Any, other: Any) -> Value:
    """Return log(exp(a) + exp(b)) of two, elementwise with broadcasting, without overflow (torch.logaddexp).

    Composed as the larger plus log1p(exp(smaller - larger)). Two equal infinities, whose difference has no value, have the
    gradient nan.

    >>> logaddexp(Value(1000.0), Value(1000.0)).item()
    1000.6931471805599
    """
    a, b = as_value(input, "logaddexp: input"), as_value(other, "logaddexp: other")
    first = a > b
    larger, smaller = primitives.where(a, b, condition=first), primitives.where(b, a, condition=first)
    infinite = (a == b) & (a - a != 0)
    if not may_hold(infinite):
        return larger + log1p(exp(smaller - larger))
    gap = primitives.where(0.0, smaller, condition=infinite) - primitives.where(0.0, larger, condition=infinite)
    naive = log(exp(primitives.where(a, 0.0, condition=infinite)) + exp(primitives.where(b, 0.0, condition=infinite)))
    return primitives.where(naive, larger + log1p(exp(gap)), condition=infinite)


@composed
def clamp(input: Any, min: Any = None, max: Any = None) -> Value:
    """Return each element moved into [min, max]; numbers, or arrays that broadcast (torch.clamp).

    An element within the bounds, or on one, passes its gradient on; any other passes it to the bound. If min is above max the
    result is max. nan stays nan. Integers stay integers. Raises RuntimeError if there is no bound.

    >>> x = Value([-2.0, 0.5, 2.0])
    >>> y = clamp(x, -1.0, 2.0)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([-1.0, 0.5, 2.0], [0.0, 1.0, 1.0])
    """
    x = as_value(input, "clamp: input")
    if min is None and max is None:
        raise RuntimeError("clamp: give at least one of min and max")
    low = None if min is None else like_input(x, min, "clamp: min")
    high = None if max is None else like_input(x, max, "clamp: max")
    if all_whole(x, *(bound for bound in (low, high) if bound is not None)):
        return _clamped_integers(x, low, high)
    inside = ordered = x == x
    for bound in (low, high):
        ordered = ordered if bound is None else ordered & (bound == bound)
    edge = as_value(chosen(ordered, 0.0, NAN, like=x))  # nan only where an operand is nan
    if low is not None and high is not None:
        edge = primitives.where(high.detach(), edge, condition=(low == high) & (x < low))  # in torch no one's gradient
        edge = primitives.where(high, edge, condition=(x > high) | ((high < low) & (x == x)))
        edge = primitives.where(low, edge, condition=(x < low) & (low < high))
    elif high is not None:
        edge = primitives.where(high, edge, condition=x > high)
    elif low is not None:
        edge = primitives.where(low, edge, condition=x < low)
    inside = inside if low is None else inside & (x >= low)
    inside = inside if high is None else inside & (x <= high)
    return primitives.where(x, edge, condition=inside)


clip = clamp


def _clamped_integers(x: Value, low: Value | None, high: Value | None) -> Value:
    data = x.data
    if low is not None:
        data = namespace(data, low.data).where(data < low.data, low.data, data)
    if high is not None:
        data = namespace(data, high.data).where(data > high.data, high.data, data)
    return Value(data, requires_grad=False)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Return `input` where the condition holds and `other` elsewhere, all broadcast together (torch.where).

    The condition alone gives a tuple: for each dimension, the indices where it is not 0. Raises RuntimeError if `condition`,
    beside the others, is not a bool, or a list or array of bools, as a comparison returns it.

    >>> x = Value([-1.0, 2.0])
    >>> where(x > 0, x, 0.1 * x).tolist()
    [-0.1, 2.0]
    """
    if input is None and other is None:
        return _places(as_value(condition, "where: condition"))
    b = Value(other, requires_grad=False) if isinstance(other, int) else as_value(other, "where: other")
    a = like_input(b, input, "where: input")
    b = like_input(a, other, "where: other") if isinstance(other, int) else b
    mask = bools(condition, "where", like=a if is_foreign(a.data) else b)
    return primitives.where(a, b, condition=mask)


def _places(x: Value) -> tuple[Value, ...]:
    """Return for each dimension the indices of the elements that are not 0; a number has one dimension here, as in torch."""
    found = [position for position, element in enumerate(flat_of(x.data)) if element]
    shape = x.shape or (1,)
    steps = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    indices = [[position // step % size for position in found] for step, size in zip(steps, shape)]
    return tuple(Value(Array.of(each, (len(found),), int), requires_grad=False) for each in indices)


def masked_fill(input: Any, mask: Any, value: float) -> Value:
    """Return the input with `value` where the mask holds; both broadcast (torch.masked_fill).

    Raises RuntimeError if the mask holds anything but bools, or if the value is not one number.

    >>> masked_fill(Value([1.0, 2.0]), [True, False], float("-inf")).tolist()
    [-inf, 2.0]
    """
    x = as_value(input, "masked_fill: input")
    plain = bools(mask, "masked_fill", like=x)
    fill = like_input(x, value, "masked_fill: value")
    if fill.shape:
        raise RuntimeError(f"masked_fill: value must be one number, got shape {fill.shape}")
    return primitives.where(fill, x, condition=plain)


def bools(mask: Any, function: str, like: Value) -> Any:
    """Return a mask as plain bools in the storage of `like`. Raises RuntimeError if it holds anything else."""
    data = mask.data if isinstance(mask, Value) else stored(mask, requires_grad=False)
    if type(data) is not bool and (
        type(data) in (float, int) or (type(data) is Array and data.dtype is not bool and data.size)
    ):
        raise RuntimeError(f"{function}: expected bools, as a comparison returns them, got {mask!r}")
    return like_storage(data, like.data)
