"""The primitives as torch's operations: each computes the same value, and torch knows its gradient.

They are written for tensors and for fx's proxies alike: nothing in them looks at the numbers. So a condition and positions are
tensors, too.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from operator import add, mul, neg, sub, truediv
from typing import Any

import torch

from micrograd_sm.engine import Value

_SAME = ("exp", "log", "log1p", "sqrt", "sin", "cos", "tanh", "erf", "sigmoid", "relu", "matmul")

OPERATIONS: dict[str, Callable] = {
    **{name: getattr(torch, name) for name in _SAME},
    "add": add, "subtract": sub, "multiply": mul, "divide": truediv, "negative": neg, "power": torch.pow,
    "where": lambda a, b, condition: torch.where(condition, a, b),
    "sum": lambda x, axis, keepdims: torch.sum(x, dim=axis, keepdim=keepdims) if axis else x,
    "max": lambda x, axis, keepdims: torch.amax(x, dim=axis, keepdim=keepdims) if axis else x,
    "reshape": torch.reshape,
    "permute": lambda x, order: x.permute(order),
    "expand": lambda x, shape: x.expand(shape),
    "cat": lambda *xs, axis: torch.cat(xs, dim=axis),
    "index": lambda x, positions, shape, key: x.reshape(-1)[positions].reshape(shape),
    "put": lambda x, positions, shape: x.new_zeros(prod(shape)).index_add(0, positions, x.reshape(-1)).reshape(shape),
}  # fmt: skip


def as_tensors(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a primitive with tensors for a condition and for positions.

    >>> as_tensors({"positions": (2, 0), "shape": (2,)})
    {'positions': tensor([2, 0]), 'shape': (2,)}
    """
    made = {
        "condition": lambda mask: tensor_of(Value(mask, False)),
        "positions": lambda x: torch.tensor([*x], dtype=torch.long),
    }
    return {name: made.get(name, lambda x: x)(x) for name, x in params.items()}


def tensor_of(value: Value) -> torch.Tensor:
    """Return a Value's numbers as a torch tensor, in float64 unless they are integers or bools.

    >>> tensor_of(Value([1.0, 0.1])).dtype, tensor_of(Value([1, 2], requires_grad=False)).dtype
    (torch.float64, torch.int64)
    """
    tensor = torch.tensor(value.tolist())
    if tensor.is_floating_point():  # again, since the default, float32, has rounded
        tensor = torch.tensor(value.tolist(), dtype=torch.float64)
    return tensor.reshape(value.shape)
