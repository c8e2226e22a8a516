"""A backward pass, recorded as steps to walk through, forward and back."""

from __future__ import annotations

import sys
from collections.abc import Mapping
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


def steps(loss: Value | Graph, names: Mapping[str, Any] | None = None, gradient: Any = None, grain: str = "node") -> Steps:
    """Run one backward pass from a Value and return it as steps: the forward values, the seed, and each contribution.

    Afterwards every `.grad` is the same as after `loss.backward(gradient)`. Names are found as `Graph` finds them. From a
    Graph, the pass is computed with the Graph's own numbers, and no `.grad` changes.
    `grain` is "node" (one backward step for each operation) or "contribution" (one for each operand that takes a gradient).

    Raises TypeError if the loss is not a Value or a Graph, ValueError for another grain, and the errors of `Value.backward`.

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
    """
    from micrograd_sm.steps.record import record  # noqa: PLC0415 - so that importing stays quick

    return record(loss, sys._getframe(1).f_locals if names is None else names, gradient, grain)


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"micrograd_sm.steps.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
