"""micrograd's layers of single numbers: every weight is a Value of its own, and so is every product and sum."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from micrograd_sm.engine import Value
from micrograd_sm.nn.module import Module, size_of

__all__ = ["MLP", "Layer", "Neuron"]


class Neuron(Module):
    """A weighted sum of `nin` single numbers plus a bias, then relu unless `nonlin` is False.

    The weights `w`, a list of scalar Values, are drawn with Python's `random.uniform(-1, 1)`; the bias `b` starts at 0.
    The input is a sequence of nin numbers or Values; if nin is 1, it may be the number itself. Raises ValueError for
    another number of inputs (micrograd ignores the rest). Source: micrograd.nn.Neuron.

    >>> neuron = Neuron(2, nonlin=False)
    >>> neuron.w[0].data, neuron.w[1].data = 2.0, -1.0
    >>> neuron, neuron([1.0, 3.0]).data
    (LinearNeuron(2), -1.0)
    """

    def __init__(self, nin: int, nonlin: bool = True) -> None:
        self.w = [Value(random.uniform(-1, 1)) for _ in range(size_of(nin, "Neuron: nin"))]
        self.b = Value(0)
        self.nonlin = nonlin

    def forward(self, x: Any) -> Value:
        if isinstance(x, str):
            raise TypeError(f"{self}: the inputs must be numbers or Values, got {x!r}")
        inputs = list(x) if hasattr(x, "__iter__") and getattr(x, "shape", True) != () else [x]
        if len(inputs) != len(self.w):
            raise ValueError(f"{self}: expected {len(self.w)} inputs, got {len(inputs)}: {x!r}")
        total = sum((wi * xi for wi, xi in zip(self.w, inputs, strict=True)), self.b)
        return total.relu() if self.nonlin else total

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """`nout` neurons, each with the same `nin` inputs; `kwargs` go to Neuron.

    Returns the list of their outputs, or the output itself if there is one neuron. Raises the errors of Neuron.
    Source: micrograd.nn.Layer.

    >>> Layer(2, 2, nonlin=False)
    Layer of [LinearNeuron(2), LinearNeuron(2)]
    """

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        self.neurons = [Neuron(nin, **kwargs) for _ in range(size_of(nout, "Layer: nout"))]

    def forward(self, x: Any) -> Any:
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """A multi-layer perceptron of single numbers: `nin` inputs, then layers of `nouts` neurons, the last without relu.

    Raises the errors of Neuron. Source: micrograd.nn.MLP.

    >>> MLP(2, [3, 1])
    MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(3)]]
    """

    def __init__(self, nin: int, nouts: Sequence[int]) -> None:
        if not isinstance(nouts, (list, tuple, range)):
            raise TypeError(f"MLP: nouts must list the sizes of the layers, as in MLP(2, [16, 16, 1]), got {nouts!r}")
        sizes = enumerate(pairwise([nin, *nouts]), start=1)
        self.layers = [Layer(*size, nonlin=k != len(nouts)) for k, size in sizes]

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"
