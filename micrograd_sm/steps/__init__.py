"""A backward pass, recorded as steps to walk through, forward and back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from micrograd_sm.engine import Value

if TYPE_CHECKING:
    from micrograd_sm.graph import Graph
    from micrograd_sm.steps.formula import Formula
    from micrograd_sm.steps.parts import Contribution, Step
    from micrograd_sm.steps.record import Steps

__all__ = ["Contribution", "Formula", "Step", "Steps", "steps"]

_LATER = {"Contribution": "parts", "Formula": "formula", "Step": "parts", "Steps": "record"}  # so that importing stays quick


def steps(
    loss: Value | Graph | Callable[..., Value],
    *inputs: Any,
    names: Mapping[str, Any] | None = None,
    gradient: Any = None,
    grain: str = "node",
    rankdir: str | None = None,
) -> Steps:
    """Run one backward pass from a Value and return it as steps: the forward values, the seed, and each contribution.

    Afterwards every `.grad` is the same as after `loss.backward(gradient)`. Names are found as `Graph` finds them. From a
    Graph, the pass is computed with the Graph's own numbers, and no `.grad` changes. A function is called with the inputs,
    numbers and lists as Values, and its lines and variables are remembered.
    `grain` is "node" (one backward step for each operation) or "contribution" (one for each operand that takes a gradient).
    `rankdir` is the direction of the picture on pages and slides, "TB", "LR", "BT" or "RL", by default the one that fits
    better. After a Value or Graph, `names`, `gradient` and `grain` may also be given by position.

    Raises TypeError if the loss is none of these, ValueError for another grain or rankdir, and the errors of `Value.backward`.

    >>> x = Value(3.0, name="x")
    >>> for step in steps(x * x + 1.0):
    ...     print(step.text)
    v1 = x * x = 3 * 3 = 9
    L = v1 + 1 = 9 + 1 = 10
    dL/dL = 1
    dL/dv1 += dL/dL * d(u + v)/du = 1 * 1 = 1, from nothing to 1
    dL/dx += dL/dv1 * dv1/dx, as operand 1 = 1 * 3 = 3, from nothing to 3; \
dL/dx += dL/dv1 * dv1/dx, as operand 2 = 1 * 3 = 3, from 3 to 6
    >>> x.grad
    6.0
    >>> def neuron(w, b):
    ...     z = 2.0 * w + b
    ...     return z.tanh()
    >>> [step.text for step in steps(neuron, 0.5, -1.0)][1]
    'z = v3 + b = 1 + (-1) = 0'
    """
    from micrograd_sm.graph import Graph  # noqa: PLC0415
    from micrograd_sm.steps.record import called, record  # noqa: PLC0415 - so that importing stays quick

    options: dict[str, Any] = {"names": names, "gradient": gradient, "grain": grain}
    variables: Mapping[str, Any] = sys._getframe(1).f_locals
    root: Any = loss
    if not isinstance(loss, (Value, Graph)) and callable(loss):
        root, variables = called(loss, inputs)
    elif len(inputs) > len(options):
        raise TypeError(f"steps: after the loss come names, gradient and grain, got {len(inputs)} arguments")
    else:
        options |= zip(options, inputs)
    chosen = variables if options["names"] is None else options["names"]
    return record(root, chosen, options["gradient"], options["grain"], rankdir)


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"micrograd_sm.steps.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
