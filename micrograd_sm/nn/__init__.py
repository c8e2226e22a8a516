"""Layers of neural networks: micrograd's layers of single numbers, torch's layers of tensors, and the losses as layers.

>>> from micrograd_sm import manual_seed, nn
>>> _ = manual_seed(0)
>>> model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 3))
>>> loss = nn.CrossEntropyLoss()(model([[0.5, -1.0], [2.0, 0.1]]), [0, 2])
>>> loss.backward()
>>> [name for name, parameter in model.named_parameters()]
['0.weight', '0.bias', '2.weight', '2.bias']
"""

from micrograd_sm.nn.activations import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from micrograd_sm.nn.layers import Embedding, Linear, Sequential
from micrograd_sm.nn.losses import BCEWithLogitsLoss, CrossEntropyLoss, NLLLoss
from micrograd_sm.nn.module import IncompatibleKeys, Module
from micrograd_sm.nn.neurons import MLP, Layer, Neuron

__all__ = [
    "MLP", "BCEWithLogitsLoss", "CrossEntropyLoss", "Embedding", "IncompatibleKeys", "Layer", "Linear", "LogSoftmax", "Module",
    "NLLLoss", "Neuron", "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh",
]  # fmt: skip
