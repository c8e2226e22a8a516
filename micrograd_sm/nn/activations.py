"""Functions of tensors as modules to put between layers. `inplace` is taken as torch takes it, and changes nothing."""

from __future__ import annotations

from typing import Any

from micrograd_sm import functional as F
from micrograd_sm.nn.module import Module
from micrograd_sm.nn.of_function import OfFunction


class _Activation(OfFunction):
    def extra_repr(self) -> str:
        shown = {name: getattr(self, name) for name in self.__signature__.parameters}
        return ", ".join(f"{name}={option!r}" for name, option in shown.items() if name != "inplace" or option)


class ReLU(_Activation, function=lambda input, inplace: F.relu(input), inplace=False):
    """Each element if it is positive, else 0; any shape (torch.nn.ReLU).

    >>> ReLU()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """


class Tanh(_Activation, function=F.tanh):
    """The hyperbolic tangent of each element; any shape (torch.nn.Tanh).

    >>> Tanh()([0.0, 1000.0]).tolist()
    [0.0, 1.0]
    """


class Sigmoid(_Activation, function=F.sigmoid):
    """1 / (1 + exp(-x)) of each element; any shape (torch.nn.Sigmoid).

    >>> Sigmoid()([0.0, 1000.0]).tolist()
    [0.5, 1.0]
    """


class Softplus(_Activation, function=F.softplus, beta=1.0, threshold=20.0):
    """log(1 + exp(beta x)) / beta of each element, and x itself if beta x is above the threshold (torch.nn.Softplus).

    >>> Softplus()([-1000.0, 1000.0]).tolist()
    [0.0, 1000.0]
    """


class _AlongDim(_Activation):
    def __init__(self, dim: int | None = None) -> None:
        if isinstance(dim, bool) or not isinstance(dim, int):
            raise TypeError(f"{type(self).__name__}: dim must be an int, as in {type(self).__name__}(dim=1), got {dim!r}")
        super().__init__(dim)


class Softmax(_AlongDim, function=F.softmax, dim=...):
    """exp(x) / sum(exp(x)) along `dim`: logits to probabilities, of the same shape (torch.nn.Softmax).

    Raises IndexError or TypeError for a wrong dim when it is called. cross_entropy takes logits: put no softmax before it.

    >>> Softmax(dim=1), Softmax(dim=1)([[0.0, 0.0]]).tolist()
    (Softmax(dim=1), [[0.5, 0.5]])
    """


class LogSoftmax(_AlongDim, function=F.log_softmax, dim=...):
    """log(softmax(x)) along `dim`, without underflow, of the same shape (torch.nn.LogSoftmax).

    Raises IndexError or TypeError for a wrong dim when it is called.

    >>> LogSoftmax(dim=1), LogSoftmax(dim=1)([[1000.0, 0.0]]).tolist()
    (LogSoftmax(dim=1), [[0.0, -1000.0]])
    """


class Identity(Module):
    """What it is given, as it is; any arguments of its own are ignored (torch.nn.Identity).

    >>> Identity(54, unused=0.1)(3.0)
    3.0
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input
