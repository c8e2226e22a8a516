"""What programs for torch ask the library itself: its constructors of old, whether something is a tensor, the default dtype.

>>> import micrograd_sm as torch
>>> torch.Tensor([1, 2]), isinstance(torch.ones(2), torch.Tensor)
(Value([1., 2.], requires_grad=False), True)
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from micrograd_sm.array.dtypes import FLOAT64, INT64, dtype_of, held_as
from micrograd_sm.creation import as_tensor, empty, tensor
from micrograd_sm.engine import Value

__all__ = [
    "FloatTensor", "LongTensor", "Tensor", "finfo", "from_numpy", "get_default_dtype", "is_tensor", "set_default_dtype",
]  # fmt: skip

Size = tuple


class _Constructor(type):
    """A class whose instances are Values: of any dtype, or of one."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Value) and (cls is Tensor or dtype_of(instance.data) is cls.elements)  # type: ignore[attr-defined]

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, Value) if cls is Tensor else super().__subclasscheck__(subclass)

    def __call__(cls, *data: Any) -> Value:
        kind: Any = cls.elements  # type: ignore[attr-defined]
        sizes = all(isinstance(size, int) for size in data)
        return empty(*(data or (0,)), dtype=kind) if sizes else tensor(data[0], dtype=kind)


class Tensor(metaclass=_Constructor):
    """Every Value is an instance; called with data, as floats, or with sizes, it makes one without gradient (torch.Tensor).

    >>> Tensor([[1, 2]]), Tensor(2, 3).shape, isinstance(Value(1.0), Tensor)
    (Value([[1., 2.]], requires_grad=False), (2, 3), True)
    """

    elements = FLOAT64


class FloatTensor(metaclass=_Constructor):
    """Makes Values of floats, as `Tensor` does (torch.FloatTensor).

    >>> FloatTensor([1, 2])
    Value([1., 2.], requires_grad=False)
    """

    elements = FLOAT64


class LongTensor(metaclass=_Constructor):
    """Makes Values of integers (torch.LongTensor).

    >>> LongTensor([1, 2]), isinstance(LongTensor([1]), LongTensor), isinstance(Tensor([1]), LongTensor)
    (Value([1, 2], requires_grad=False), True, False)
    """

    elements = INT64


def is_tensor(obj: Any) -> bool:
    """Return whether it is a Value (torch.is_tensor).

    >>> is_tensor(Value(1.0)), is_tensor(1.0)
    (True, False)
    """
    return isinstance(obj, Value)


def from_numpy(ndarray: Any) -> Value:
    """Return the array as a Value without gradient; it stays NumPy's (torch.from_numpy).

    >>> from_numpy([1.0, 2.0]).shape
    (2,)
    """
    return as_tensor(ndarray)


def get_default_dtype() -> Any:
    """Return float64: floats have no other type here (torch.get_default_dtype).

    >>> get_default_dtype()
    micrograd_sm.float64
    """
    return FLOAT64


def finfo(type: Any = None) -> SimpleNamespace:
    """Return what is known of floats: `eps`, `max`, `min`, `tiny` (torch.finfo). Raises TypeError for a dtype of anything else.

    >>> finfo().eps
    2.220446049250313e-16
    """
    if held_as(type, "finfo") not in (None, float):
        raise TypeError(f"finfo: expected a dtype of floats, got {type!r}")
    info = sys.float_info
    return SimpleNamespace(bits=64, dtype="float64", eps=info.epsilon, max=info.max, min=-info.max, tiny=info.min)


def set_default_dtype(d: Any) -> None:
    """Change nothing: floats are float64 here. Raises TypeError for a dtype of anything else (torch.set_default_dtype).

    >>> from micrograd_sm import float32
    >>> set_default_dtype(float32)
    """
    if held_as(d, "set_default_dtype") is not float:
        raise TypeError(f"set_default_dtype: expected a dtype of floats, got {d!r}")
