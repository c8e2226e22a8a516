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

for _name in conversion.METHODS:
    setattr(Value, _name, getattr(conversion, _name))
for _name, _method in in_place.METHODS.items():
    setattr(Value, _name, _method)
for _name in [*functional.__all__, *conversion.METHODS]:
    if callable(getattr(Value, _name, None)) and _name not in vars(Array):
        setattr(Array, _name, getattr(Value, _name))
