"""The functions people call, under torch's names: composed of primitives, with no gradient rule of their own.

Each takes Values, numbers, nested lists (which may hold Values) and arrays. Where torch has a method of the same
name, so has Value: it is the same function, joined on at the end of this file.
"""

from micrograd_sm.engine import Value
from micrograd_sm.functional.losses import binary_cross_entropy_with_logits, cross_entropy, mse_loss, nll_loss
from micrograd_sm.functional.pointwise import (
    abs,
    cos,
    exp,
    log,
    log1p,
    logit,
    masked_fill,
    maximum,
    minimum,
    relu,
    sigmoid,
    sin,
    softplus,
    sqrt,
    tanh,
    where,
)
from micrograd_sm.functional.probability import log_softmax, multinomial, softmax
from micrograd_sm.functional.reductions import amax, amin, argmax, argmin, logsumexp, max, mean, min, sum
from micrograd_sm.functional.selection import gather, index_select, one_hot
from micrograd_sm.functional.shaping import (
    cat,
    expand,
    linear,
    matmul,
    permute,
    reshape,
    squeeze,
    stack,
    transpose,
    unsqueeze,
)

METHODS = (
    abs, amax, amin, argmax, argmin, cos, exp, expand, gather, index_select, log, log1p, log_softmax, logit, logsumexp,
    masked_fill, matmul, max, maximum, mean, min, minimum, multinomial, permute, relu, reshape, sigmoid, sin, softmax,
    softplus, sqrt, squeeze, sum, tanh, transpose, unsqueeze,
)  # fmt: skip
FUNCTIONS = (
    *METHODS, binary_cross_entropy_with_logits, cat, cross_entropy, linear, mse_loss, nll_loss, one_hot, stack, where,
)  # fmt: skip

for function in METHODS:
    setattr(Value, function.__name__, function)
Value.__abs__ = abs  # type: ignore[method-assign]
Value.__matmul__ = matmul  # type: ignore[method-assign]
Value.__rmatmul__ = lambda self, other: matmul(other, self)  # type: ignore[method-assign]
Value.where = lambda self, condition, other: where(condition, self, other)  # type: ignore[method-assign]

__all__ = sorted(function.__name__ for function in FUNCTIONS)
