"""torch's methods: attached to `Value` and, as far as they change nothing, to `Array`, which a gradient or a comparison is.

>>> from micrograd_sm import Value
>>> x = Value([1.0, -2.0])
>>> (x > 0).float().mean().item()
0.5
"""

from __future__ import annotations

from micrograd_sm import functional
from micrograd_sm.array import Array
from micrograd_sm.engine import Value
from micrograd_sm.methods import conversion, in_place
from micrograd_sm.missing import Absent

for _name in conversion.METHODS:
    setattr(Value, _name, getattr(conversion, _name))
for _name, _method in in_place.METHODS.items():
    setattr(Value, _name, _method)
    if not _name.endswith("__"):
        setattr(Array, _name, Absent(_name))
for _name in [*functional.__all__, *conversion.METHODS]:
    if callable(getattr(Value, _name, None)) and _name not in vars(Array):
        setattr(Array, _name, getattr(Value, _name))


def _detach(self: Array) -> Array:
    """Return the array itself, which has no graph (torch.Tensor.detach).

    >>> Array([1.0]).detach()
    Array([1.0])
    """
    return self


for _name, _attribute in {
    "detach": _detach, "requires_grad": False, "device": Value.device, "T": Value.T, "mT": Value.mT,  # type: ignore[attr-defined]
    "__matmul__": Value.__matmul__, "__rmatmul__": Value.__rmatmul__,
}.items():  # fmt: skip
    setattr(Array, _name, _attribute)
