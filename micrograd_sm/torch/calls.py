"""From a call of torch to the function of micrograd_sm that does the same.

A function is looked up by its name. The tables hold what is named, or called, in another way.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import torch

from micrograd_sm import functional as F
from micrograd_sm.autograd import grad
from micrograd_sm.engine import Value

SAME = {  # their result is the operand, with the same numbers
    "__pos__", "alias", "bfloat16", "clone", "contiguous", "cpu", "cuda", "double", "float", "half", "positive", "to", "type",
    "type_as",
}  # fmt: skip
_OPERATORS = {
    "__add__": "add", "__radd__": "add", "__sub__": "sub", "__mul__": "mul", "__rmul__": "mul", "__truediv__": "div",
    "__div__": "div", "__pow__": "pow", "__neg__": "neg", "__abs__": "abs", "__matmul__": "matmul", "__mod__": "remainder",
    "__floordiv__": "floor_divide", "__iadd__": "add_", "__isub__": "sub_", "__imul__": "mul_", "__itruediv__": "div_",
    "__idiv__": "div_", "__ipow__": "pow_", "__imod__": "remainder_", "__setitem__": "setitem_",
    "true_divide": "div", "divide": "div", "multiply": "mul", "subtract": "sub", "negative": "neg", "absolute": "abs",
    "concat": "cat", "concatenate": "cat", "moveaxis": "movedim", "swapdims": "swapaxes", "fix": "trunc",
    "log_sigmoid": "logsigmoid", "rsub": "__rsub__",
}  # fmt: skip
_RENAMED = {"split_size": "split_size_or_sections"}  # parameters
_NOT_OURS = {"_stacklevel", "inplace", "size_average", "reduce", "dtype", "memory_format", "sparse", "scale_grad_by_freq"}


def name_of(function: Callable) -> str:
    """Return the name of a function that torch calls, `add_` for `+=`; for an attribute that it gets or sets, `.T`, ..."""
    name = getattr(function, "__name__", type(function).__name__)
    if name in ("__get__", "__set__", "__delete__"):
        owner = function.__self__  # type: ignore[attr-defined]
        return f".{getattr(owner, '__name__', None) or getattr(getattr(owner, 'fget', None), '__name__', name)}"
    return _OPERATORS.get(name, name)


def plain(name: str) -> str:
    """Return the name of the function that does not change its operand: `add` for `add_`."""
    return name if name.startswith("__") else name.removesuffix("_")


def ours(function: Callable, name: str, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Return what our function of the same name returns. Raises whatever it raises if it cannot do what torch did."""
    name = plain(name)
    own, signature = _OWN.get(name) or getattr(F, name), _signature(function)
    if signature is None or any(x.kind is x.VAR_POSITIONAL for x in signature.parameters.values()):
        return own(*args, **{word: x for word, x in kwargs.items() if word not in _NOT_OURS})
    given = signature.bind(*args, **kwargs).arguments
    defaults = {word: x.default for word, x in signature.parameters.items()}
    first, *others = [word for word, x in given.items() if word not in _NOT_OURS and x is not defaults[word]]
    return own(given[first], **{_RENAMED.get(word, word): given[word] for word in others})


def changes_operand(function: Callable, name: str, args: tuple, kwargs: dict[str, Any]) -> bool:
    """Return whether a call changes its first argument in place."""
    if not args or not isinstance(args[0], torch.Tensor):
        return False
    signature = _signature(function)
    if signature is not None and "inplace" in signature.parameters:
        return bool(signature.bind(*args, **kwargs).arguments.get("inplace"))
    return name.endswith("_") and not name.startswith("__")


@cache
def _signature(function: Callable) -> inspect.Signature | None:
    """Return the signature of a function that is written in Python, None for another."""
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        return None
    return inspect.signature(function)


# Called in another way -----------------------------------------------------------------------------------------------


def _batch_norm(
    input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Value:  # fmt: skip
    """Normalise without changing the running statistics: torch has done that."""
    mean, var = (None, None) if training else (running_mean, running_var)
    return F.batch_norm(input, mean, var, weight, bias, training, momentum, eps)


def _attention(query: Value, key: Value, value: Value, *args: Any, dropout_p: float = 0.0, **options: Any) -> Value:
    if dropout_p:
        raise ValueError("the mask of this dropout cannot be seen from outside")
    return F.scaled_dot_product_attention(query, key, value, *args, **options)


def _rnn_cell(activation: Callable[[Any], Value]) -> Callable[..., Value]:
    def cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Value:
        return activation(F.linear(input, w_ih, b_ih) + F.linear(hx, w_hh, b_hh))

    return cell


def _reflected(operation: str) -> Callable[[Any, Any], Any]:
    return lambda x, other: getattr(F, operation)(other, x)


_OWN: dict[str, Callable] = {
    "__getitem__": lambda x, key: x[key],
    "__rsub__": _reflected("sub"), "__rtruediv__": _reflected("div"), "__rdiv__": _reflected("div"),
    "__rpow__": _reflected("pow"), "__rmatmul__": _reflected("matmul"), "__rmod__": _reflected("remainder"),
    ".T": lambda x: x.permute(tuple(reversed(range(x.ndim)))), ".mT": lambda x: x.transpose(-2, -1),
    "batch_norm": _batch_norm, "grad": grad,
    "embedding": lambda input, weight, padding_idx=None, max_norm=None, norm_type=2.0: F.embedding(input, weight, padding_idx),
    "scaled_dot_product_attention": _attention,
    "rnn_tanh_cell": _rnn_cell(F.tanh), "rnn_relu_cell": _rnn_cell(F.relu),
    "addmm": lambda input, mat1, mat2, *, beta=1, alpha=1: input * beta + (mat1 @ mat2) * alpha if (beta, alpha) != (1, 1)
    else input + mat1 @ mat2,
    "relu": lambda input, inplace=False: F.relu(input),
}  # fmt: skip
