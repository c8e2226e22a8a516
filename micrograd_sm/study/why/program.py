"""The source of a gradient: a graph's forward and backward pass as a plain Python program."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph
from micrograd_sm.graph.computed import with_each_number
from micrograd_sm.program.source import Program, program_of
from micrograd_sm.study.subject import check_loss, refuse_opaque, subject_of

__all__ = ["Program", "source"]


def source(loss: Value | Graph, names: Mapping[str, Any] | None = None) -> Program:
    """Return the forward and backward pass of a loss as a straight-line Python program that imports only `math`.

    It runs on its own and gives the same bits as `loss.backward()` with micrograd_sm's own numbers and arrays, in any one
    version of Python. Tensors are unrolled to one variable for each element. It is this very graph's: where an operation
    chooses, as `where`, `relu` and `max` do, it follows the choice that was made for these numbers.

    Names are found as Graph finds them. Raises TypeError if it is not a Value or Graph; ValueError for a loss of more than
    one element or without gradient, and for a graph of more than 20,000 numbers.

    >>> a, b = Value(2.0), Value(-3.0)
    >>> print(source((a * b).tanh()).partition("# Backward")[2].partition("print")[0].strip())
    grad_loss = 1.0
    grad_v2 = grad_loss * (1.0 - loss * loss)
    grad_a = grad_v2 * b
    grad_b = grad_v2 * a
    """
    graph = subject_of(loss, sys._getframe(1).f_locals if names is None else names, "source").graph.unfold()
    check_loss(graph, "source")
    refuse_opaque(graph, "source")
    return program_of(with_each_number(graph, "source"))
