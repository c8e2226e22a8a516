"""Optimizers: they change parameters by their gradients. `lr_scheduler` changes the learning rate from epoch to epoch.

>>> from micrograd_sm import Value, optim
>>> x = Value(5.0)
>>> optimizer = optim.SGD([x], lr=0.25)
>>> for _ in range(20):
...     optimizer.zero_grad()
...     ((x - 3) ** 2).backward()
...     optimizer.step()
>>> round(x.item(), 4)
3.0
"""

from micrograd_sm.missing import missing
from micrograd_sm.optim import lr_scheduler
from micrograd_sm.optim.adam import Adam, AdamW
from micrograd_sm.optim.optimizer import Optimizer
from micrograd_sm.optim.rmsprop import Adagrad, RMSprop
from micrograd_sm.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop"]


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
