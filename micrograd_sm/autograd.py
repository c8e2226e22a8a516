"""`autograd.grad`, as programs for torch call it.

>>> from micrograd_sm import tensor
>>> x = tensor(3.0, requires_grad=True)
>>> (slope,) = grad(x**3, x, create_graph=True)
>>> grad(slope, x)
(Value(18., requires_grad=False),)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from micrograd_sm.array.storage import ones_like
from micrograd_sm.backward import gradients
from micrograd_sm.engine import Value, as_value
from micrograd_sm.mode import recording, scope

__all__ = ["grad"]


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Value | None, ...]:  # fmt: skip
    """Return the gradients of outputs by inputs, each a Value or a list of Values; no `.grad` changes (torch.autograd.grad).

    `grad_outputs` are dL/d output, 1 by default for outputs with one element. With `create_graph` the gradients can be
    differentiated again; the graph is kept, whatever `retain_graph` says. Raises RuntimeError if an output or an input
    requires no gradient, and, unless `allow_unused`, if the outputs do not depend on an input; else its gradient is None.

    >>> from micrograd_sm import tensor
    >>> x, y = tensor([1.0, 2.0], requires_grad=True), tensor(5.0, requires_grad=True)
    >>> [gradient.tolist() for gradient in grad((x * y).sum(), [x, y])]
    [[5.0, 5.0], 3.0]
    """
    roots, leaves = (_listed(x) for x in (outputs, inputs))
    for what, values in (("output", roots), ("input", leaves)):
        for position, value in enumerate(values):
            if not value.requires_grad:
                raise RuntimeError(f"grad: {what} {position}, {value!r}, requires no gradient")
    given = [None] * len(roots) if grad_outputs is None else _listed(grad_outputs)
    if len(given) != len(roots):
        raise RuntimeError(f"grad: each output needs one of grad_outputs: {len(roots)} outputs, {len(given)} grad_outputs")
    with recording(create_graph), scope("grad"):
        seeds = [_seed(root, seed) for root, seed in zip(roots, given)]
        found = gradients(roots, seeds if create_graph else [seed.data for seed in seeds], leaves, create_graph)
    unused = [position for position, gradient in enumerate(found) if gradient is None]
    if unused and not allow_unused:
        raise RuntimeError(f"grad: the outputs do not depend on input {unused[0]}; allow_unused=True gives None for it")
    return tuple(x if x is None or isinstance(x, Value) else Value(x, requires_grad=False) for x in found)


def _listed(x: Any) -> list[Any]:
    return list(x) if isinstance(x, Sequence) else [x]


def _seed(root: Value, seed: Any) -> Value:
    if seed is None:
        if prod(root.shape) != 1:
            raise RuntimeError(f"grad: an output of shape {root.shape} has more than one element, so it needs grad_outputs")
        return Value(ones_like(root.data), requires_grad=False)
    value = as_value(seed, "grad: grad_outputs")
    if value.shape != root.shape:
        raise RuntimeError(f"grad: a grad_output of shape {value.shape} does not fit an output of shape {root.shape}")
    return value
