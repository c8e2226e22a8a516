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

__all__ = [
    "abs",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "binary_cross_entropy_with_logits",
    "cat",
    "cos",
    "cross_entropy",
    "exp",
    "expand",
    "gather",
    "index_select",
    "linear",
    "log",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "masked_fill",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mse_loss",
    "multinomial",
    "nll_loss",
    "one_hot",
    "permute",
    "relu",
    "reshape",
    "sigmoid",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "squeeze",
    "stack",
    "sum",
    "tanh",
    "transpose",
    "unsqueeze",
    "where",
]

_FUNCTIONS_ONLY = {
    "binary_cross_entropy_with_logits",
    "cat",
    "cross_entropy",
    "linear",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "stack",
    "where",
}
for _name in [name for name in __all__ if name not in _FUNCTIONS_ONLY]:
    setattr(Value, _name, globals()[_name])


def _where(self: Value, condition: object, other: object) -> Value:
    """Return this Value where the condition holds and `other` elsewhere (torch.Tensor.where).

    >>> Value([1.0, 2.0]).where([True, False], 0.0).tolist()
    [1.0, 0.0]
    """
    return where(condition, self, other)


for _name, _method in {
    "__abs__": abs,
    "__matmul__": matmul,
    "__rmatmul__": lambda self, other: matmul(other, self),
    "where": _where,
}.items():
    setattr(Value, _name, _method)
