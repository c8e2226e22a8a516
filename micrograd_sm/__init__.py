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
from math import e, inf, nan, pi
from typing import TYPE_CHECKING, Any

from micrograd_sm import creation, functional, methods, torch_names
from micrograd_sm.array import Array
from micrograd_sm.array.dtypes import DTYPES, device, dtype
from micrograd_sm.creation import *
from micrograd_sm.draw import draw
from micrograd_sm.engine import Value
from micrograd_sm.functional import *
from micrograd_sm.methods.conversion import is_floating_point, numel
from micrograd_sm.missing import missing
from micrograd_sm.mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled, trace
from micrograd_sm.randomness import Generator, manual_seed
from micrograd_sm.steps import steps
from micrograd_sm.torch_names import *
from micrograd_sm.torch_names import Size

if TYPE_CHECKING:
    from micrograd_sm.graph import Graph
    from micrograd_sm.program import compile
    from micrograd_sm.saving import load, save
    from micrograd_sm.training import Training
    from micrograd_sm.transforms import *

__version__ = "0.1.0"

_ROOMS = ("autograd", "backends", "cuda", "nn", "optim", "study")
_TRANSFORMS = ("grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jvp", "value_and_grad", "vjp")
_LATER = {
    **dict.fromkeys(_TRANSFORMS, "transforms"),
    "Graph": "graph",
    "compile": "program",
    "load": "saving",
    "save": "saving",
    "Training": "training",
}
_NAMES = [
    "Array", "Generator", "Graph", "Training", "Value", "__version__", "compile", "device", "draw", "dtype", "enable_grad",
    "inference_mode", "is_floating_point", "is_grad_enabled", "load", "manual_seed", "no_grad", "numel", "save",
    "set_grad_enabled", "steps",
    "trace", *creation.__all__, *functional.__all__, *torch_names.__all__, *_ROOMS, *_TRANSFORMS, *DTYPES,
]  # fmt: skip
_ALONE = {*dir(builtins), "t"}  # `import *` leaves Python's own abs and sum alone, and a user's t
__all__ = [name for name in _NAMES if name not in _ALONE]


def __getattr__(name: str) -> Any:
    """Return dtypes, and import rooms, the transforms, Graph, Training, load and save when they are first asked for."""
    if name in DTYPES:
        return DTYPES[name]
    if name in (*_ROOMS, "torch"):  # `import *` leaves micrograd_sm.torch alone: it needs torch
        return import_module(f"{__name__}.{name}")
    if name == "func":  # torch.func's functions are the transforms
        return import_module(f"{__name__}.transforms")
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise missing(__name__, name, _NAMES)
