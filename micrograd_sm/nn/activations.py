"""Functions of tensors as modules to put between layers. `inplace` is taken as torch takes it, and changes nothing."""

from __future__ import annotations

from typing import Any

from micrograd_sm import functional as F
from micrograd_sm.nn.module import Module
from micrograd_sm.nn.of_function import OfFunction

__all__ = [
    "ELU", "GELU", "SELU", "Hardtanh", "Identity", "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "ReLU", "ReLU6", "SiLU",
    "Sigmoid", "Softmax", "Softmin", "Softplus", "Tanh",
]  # fmt: skip


class ReLU(OfFunction, function=F.relu, inplace=False):
    """Each element if it is positive, else 0; any shape (torch.nn.ReLU).

    >>> ReLU()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """


class Tanh(OfFunction, function=F.tanh):
    """The hyperbolic tangent of each element; any shape (torch.nn.Tanh).

    >>> Tanh()([0.0, 1000.0]).tolist()
    [0.0, 1.0]
    """


class Sigmoid(OfFunction, function=F.sigmoid):
    """1 / (1 + exp(-x)) of each element; any shape (torch.nn.Sigmoid).

    >>> Sigmoid()([0.0, 1000.0]).tolist()
    [0.5, 1.0]
    """


class Softplus(OfFunction, function=F.softplus, beta=1.0, threshold=20.0):
    """log(1 + exp(beta x)) / beta of each element, and x itself if beta x is above the threshold (torch.nn.Softplus).

    >>> Softplus()([-1000.0, 1000.0]).tolist()
    [0.0, 1000.0]
    """


class LeakyReLU(OfFunction, function=F.leaky_relu, negative_slope=0.01, inplace=False):
    """Each element if it is positive, else negative_slope times it (torch.nn.LeakyReLU).

    >>> LeakyReLU(0.1)([-2.0, 3.0]).tolist()
    [-0.2, 3.0]
    """


class ELU(OfFunction, function=F.elu, alpha=1.0, inplace=False):
    """Each element if it is positive, else alpha (exp(x) - 1) (torch.nn.ELU).

    >>> ELU(alpha=0.5)([-1000.0, 2.0]).tolist()
    [-0.5, 2.0]
    """


class SELU(OfFunction, function=F.selu, inplace=False):
    """1.0507 ELU(alpha=1.6733) of each element, which keeps mean 0 and variance 1 from layer to layer (torch.nn.SELU).

    >>> print(f"{SELU()([-1.0, 1.0]):.4f}")
    [-1.1113, 1.0507]
    """


class GELU(OfFunction, function=F.gelu, approximate="none"):
    """x times the probability that a standard normal variable is below x, or an `approximate` of it, 'tanh' (torch.nn.GELU).

    >>> print(f"{GELU()([-1.0, 1.0]):.4f}")
    [-0.1587, 0.8413]
    """


class SiLU(OfFunction, function=F.silu, inplace=False):
    """x sigmoid(x) of each element (torch.nn.SiLU).

    >>> SiLU()([0.0, 1000.0]).tolist()
    [0.0, 1000.0]
    """


class Mish(OfFunction, function=F.mish, inplace=False):
    """x tanh(softplus(x)) of each element (torch.nn.Mish).

    >>> Mish()([0.0, 1000.0]).tolist()
    [0.0, 1000.0]
    """


class Hardtanh(OfFunction, function=F.hardtanh, min_val=-1.0, max_val=1.0, inplace=False):
    """Each element moved into [min_val, max_val] (torch.nn.Hardtanh).

    >>> Hardtanh()([-2.0, 0.5]).tolist()
    [-1.0, 0.5]
    """


class ReLU6(OfFunction, function=F.relu6, inplace=False):
    """Each element moved into [0, 6] (torch.nn.ReLU6).

    >>> ReLU6()([-2.0, 8.0]).tolist()
    [0.0, 6.0]
    """


class LogSigmoid(OfFunction, function=F.logsigmoid):
    """log(sigmoid(x)) of each element, without underflow (torch.nn.LogSigmoid).

    >>> LogSigmoid()([-1000.0, -2000.0]).tolist()
    [-1000.0, -2000.0]
    """


class _AlongDim(OfFunction):
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


class Softmin(_AlongDim, function=F.softmin, dim=...):
    """softmax(-x) along `dim`: the smallest element gets the largest share (torch.nn.Softmin).

    >>> Softmin(dim=0)([0.0, 1000.0]).tolist()
    [1.0, 0.0]
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
