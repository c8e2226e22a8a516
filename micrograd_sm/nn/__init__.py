"""Layers of neural networks: micrograd's layers of single numbers, torch's layers of tensors, and the losses as layers.

`nn.functional` has all functions, `nn.init` first numbers for parameters, `nn.utils` what bounds gradients.

>>> from micrograd_sm import manual_seed, nn
>>> _ = manual_seed(0)
>>> model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 3))
>>> loss = nn.CrossEntropyLoss()(model([[0.5, -1.0], [2.0, 0.1]]), [0, 2])
>>> loss.backward()
>>> [name for name, parameter in model.named_parameters()]
['0.weight', '0.bias', '2.weight', '2.bias']
"""

from micrograd_sm.missing import missing
from micrograd_sm.nn import (
    activations,
    containers,
    functional,
    init,
    layers,
    losses,
    module,
    neurons,
    normalization,
    parameter,
    utils,
)
from micrograd_sm.nn.activations import *
from micrograd_sm.nn.containers import *
from micrograd_sm.nn.layers import *
from micrograd_sm.nn.losses import *
from micrograd_sm.nn.module import *
from micrograd_sm.nn.neurons import *
from micrograd_sm.nn.normalization import *
from micrograd_sm.nn.parameter import *

_ROOMS = (activations, containers, layers, losses, module, neurons, normalization, parameter)
__all__ = [name for room in _ROOMS for name in room.__all__]


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
