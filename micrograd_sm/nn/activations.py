"""Functions without parameters, as modules to put between layers."""

from __future__ import annotations

from typing import Any

from micrograd_sm import functional
from micrograd_sm.engine import Value
from micrograd_sm.nn.module import Module


class ReLU(Module):
    """Each element if it is positive, else 0; any shape (torch.nn.ReLU).

    >>> ReLU()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    def forward(self, input: Any) -> Value:
        return functional.relu(input)


class Tanh(Module):
    """The hyperbolic tangent of each element; any shape (torch.nn.Tanh).

    >>> Tanh()([0.0, 1000.0]).tolist()
    [0.0, 1.0]
    """

    def forward(self, input: Any) -> Value:
        return functional.tanh(input)


class Sigmoid(Module):
    """1 / (1 + exp(-x)) of each element; any shape (torch.nn.Sigmoid).

    >>> Sigmoid()([0.0, 1000.0]).tolist()
    [0.5, 1.0]
    """

    def forward(self, input: Any) -> Value:
        return functional.sigmoid(input)


class _AlongDim(Module):
    def __init__(self, dim: int | None = None) -> None:
        if isinstance(dim, bool) or not isinstance(dim, int):
            raise TypeError(f"{type(self).__name__}: dim must be an int, as in {type(self).__name__}(dim=1), got {dim!r}")
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """exp(x) / sum(exp(x)) along `dim`: logits to probabilities, of the same shape (torch.nn.Softmax).

    Raises IndexError or TypeError for a wrong dim when it is called. cross_entropy takes logits: put no softmax before it.

    >>> Softmax(dim=1), Softmax(dim=1)([[0.0, 0.0]]).tolist()
    (Softmax(dim=1), [[0.5, 0.5]])
    """

    def forward(self, input: Any) -> Value:
        return functional.softmax(input, self.dim)


class LogSoftmax(_AlongDim):
    """log(softmax(x)) along `dim`, without underflow, of the same shape (torch.nn.LogSoftmax).

    Raises IndexError or TypeError for a wrong dim when it is called.

    >>> LogSoftmax(dim=1), LogSoftmax(dim=1)([[1000.0, 0.0]]).tolist()
    (LogSoftmax(dim=1), [[0.0, -1000.0]])
    """

    def forward(self, input: Any) -> Value:
        return functional.log_softmax(input, self.dim)
