"""All of micrograd_sm.functional, under the name that programs for torch import.

>>> import micrograd_sm.nn.functional as F
>>> F.softmax([0.0, 0.0], dim=0).tolist()
[0.5, 0.5]
"""

from micrograd_sm.functional import *  # noqa: F403
from micrograd_sm.functional import __all__ as __all__
from micrograd_sm.missing import missing


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
