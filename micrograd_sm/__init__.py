"""micrograd_sm: understand back-propagation and the losses of classification, in pure Python.

>>> from micrograd_sm import Value, cross_entropy
>>> logits = Value([[1.0, 2.0, 0.1], [1.2, 0.5, 0.3], [0.4, 1.0, 1.5]], name="logits")
>>> loss = cross_entropy(logits, [2, 0, 1])
>>> loss.backward()
>>> f"{loss:.4f} {Value(logits.grad):.4f}"
'1.3743 [[0.0808, 0.2197, -0.3005], [-0.1582, 0.0870, 0.0712], [0.0572, -0.2291, 0.1719]]'
"""

import builtins
from importlib import import_module
from typing import TYPE_CHECKING, Any

from micrograd_sm import creation, functional
from micrograd_sm.array import Array
from micrograd_sm.creation import *
from micrograd_sm.draw import draw
from micrograd_sm.engine import Value
from micrograd_sm.functional import *
from micrograd_sm.graph import Graph
from micrograd_sm.mode import no_grad, trace
from micrograd_sm.randomness import manual_seed
from micrograd_sm.steps import steps

if TYPE_CHECKING:
    from micrograd_sm.transforms import *

__version__ = "0.1.0"

_ROOMS = ("nn", "optim", "study")
_TRANSFORMS = ("grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jvp", "value_and_grad", "vjp")
__all__ = [
    "Array", "Graph", "Value", "__version__", "draw", "manual_seed", "no_grad", "steps", "trace",
    *creation.__all__, *_ROOMS, *_TRANSFORMS,
    *(name for name in functional.__all__ if not hasattr(builtins, name) and name != "t"),  # `import *` leaves these alone
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import nn, optim, study and the transforms when they are first asked for."""
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name in _TRANSFORMS:
        return getattr(import_module(f"{__name__}.transforms"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
