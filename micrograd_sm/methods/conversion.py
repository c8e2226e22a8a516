"""Methods that ask for the size of a Value or change the type of its elements, under torch's names."""

from __future__ import annotations

import builtins
from math import prod
from typing import Any

from micrograd_sm.array import Array, is_foreign, namespace
from micrograd_sm.array.dtypes import BOOL, CPU, FLOAT64, INT64, check_device, dtype, held_as
from micrograd_sm.array.dtypes import device as Device
from micrograd_sm.array.parsing import type_of
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import axis_of
from micrograd_sm.mode import scope

METHODS = [
    "__array__", "bool", "clone", "contiguous", "cpu", "device", "dim", "double", "float", "int", "is_floating_point",
    "is_leaf", "long", "mT", "nelement", "numel", "numpy", "requires_grad_", "retain_grad", "size", "to", "type", "type_as",
]  # fmt: skip


def size(self: Any, dim: builtins.int | None = None) -> Any:
    """Return the shape, or one of its sizes (torch.Tensor.size). Raises IndexError if there is no such dim.

    >>> Value([[1.0, 2.0]]).size(), Value([[1.0, 2.0]]).size(-1)
    ((1, 2), 2)
    """
    return self.shape if dim is None else self.shape[axis_of(dim, self.ndim, "size") if self.shape else dim]


def dim(self: Any) -> builtins.int:
    """Return the number of dimensions (torch.Tensor.dim).

    >>> Value([[1.0, 2.0]]).dim()
    2
    """
    return len(self.shape)


def numel(self: Any) -> builtins.int:
    """Return the number of elements (torch.Tensor.numel).

    >>> Value([[1.0, 2.0]]).numel()
    2
    """
    return prod(self.shape)


def nelement(self: Any) -> builtins.int:
    """Return the number of elements (torch.Tensor.nelement).

    >>> Value([[1.0, 2.0]]).nelement()
    2
    """
    return prod(self.shape)


# Types of elements ---------------------------------------------------------------------------------------------------


def float(self: Any) -> Value:
    """Return the elements as floats, which are float64 here; a Value of floats as it is (torch.Tensor.float).

    >>> Value([1, 0], requires_grad=False).float().tolist()
    [1.0, 0.0]
    """
    return _as(self, FLOAT64)


def double(self: Any) -> Value:
    """Return the elements as floats of 64 bits; a Value of floats as it is (torch.Tensor.double).

    >>> Value([1, 0], requires_grad=False).double().tolist()
    [1.0, 0.0]
    """
    return _as(self, FLOAT64)


def long(self: Any) -> Value:
    """Return the elements as integers, rounded towards 0, without a gradient (torch.Tensor.long). ValueError for nan and inf.

    >>> Value([1.7, -1.7]).long().tolist()
    [1, -1]
    """
    return _as(self, INT64)


def int(self: Any) -> Value:
    """Return the elements as integers, which are int64 here, without a gradient (torch.Tensor.int). ValueError for nan and inf.

    >>> Value([1.7, -1.7]).int().tolist()
    [1, -1]
    """
    return _as(self, INT64)


def bool(self: Any) -> Value:
    """Return for each element whether it is not 0, without a gradient (torch.Tensor.bool).

    >>> Value([1.7, 0.0]).bool().tolist()
    [True, False]
    """
    return _as(self, BOOL)


def type(self: Any, dtype: Any = None) -> Any:
    """Return the elements as this dtype; without one, the name of the dtype that they have (torch.Tensor.type).

    >>> from micrograd_sm import int64
    >>> Value([1.7]).type(int64).tolist()
    [1]
    """
    return repr(as_value(self).dtype) if dtype is None else to(self, dtype)


def type_as(self: Any, other: Any) -> Value:
    """Return the elements as the dtype of another Value (torch.Tensor.type_as).

    >>> Value([1.7]).type_as(Value([2], requires_grad=False)).tolist()
    [1]
    """
    return to(self, as_value(other, "type_as: other").dtype)


def to(self: Any, *target: Any, dtype: Any = None, device: Any = None, **options: Any) -> Value:
    """Return the elements as this dtype; a device can only be the CPU (torch.Tensor.to). `target` is a dtype, device or Value.

    Raises TypeError for a dtype that cannot be had, RuntimeError for another device.

    >>> from micrograd_sm import int64
    >>> Value([1.7]).to("cpu").to(int64).tolist()
    [1]
    """
    for each in target:
        if isinstance(each, Value):
            dtype = each.dtype
        elif isinstance(each, str):
            device = each
        else:
            dtype = each
    check_device(device, "to")
    return as_value(self, "to") if dtype is None else _as(self, dtype)


def _as(self: Any, wanted: Any) -> Value:
    x = as_value(self)
    kind = held_as(wanted, "to")
    if is_foreign(x.data):
        return _foreign_as(x, kind)
    flat = x.data.flat if builtins.type(x.data) is Array else [x.data]
    return x if type_of(x.data) is kind else Value(Array.of(list(map(kind, flat)), x.shape, kind), requires_grad=False)  # type: ignore[arg-type]


def _foreign_as(x: Value, kind: Any) -> Value:
    xp = namespace(x.data)
    held = {builtins.float: "real floating", builtins.int: "integral", builtins.bool: "bool"}[kind]
    if xp.isdtype(x.data.dtype, held):
        return x
    library = {builtins.float: xp.float64, builtins.int: xp.int64, builtins.bool: xp.bool}[kind]
    return Value(xp.astype(x.data, library), requires_grad=False)


@property  # type: ignore[misc]
def is_leaf(self: Any) -> builtins.bool:
    """Whether it was given, not computed with a graph (torch.Tensor.is_leaf).

    >>> x = Value(2.0)
    >>> x.is_leaf, x.exp().is_leaf
    (True, False)
    """
    return self.primitive is None


def is_floating_point(self: Any) -> builtins.bool:
    """Return whether the elements are floats (torch.Tensor.is_floating_point).

    >>> Value([1.0]).is_floating_point()
    True
    """
    found = as_value(self).dtype
    return found.is_floating_point if isinstance(found, dtype) else "float" in str(found)


# The same numbers ----------------------------------------------------------------------------------------------------


def clone(self: Any) -> Value:
    """Return a copy, through which the gradient flows (torch.Tensor.clone): `x * 1.0` in the graph.

    >>> x = Value([1.0, 2.0])
    >>> copy = x.clone()
    >>> copy[0] = 5.0
    >>> x.tolist(), copy.tolist()
    ([1.0, 2.0], [5.0, 2.0])
    """
    x = as_value(self)
    if not x.requires_grad:
        return Value(x.data, requires_grad=False)
    with scope("clone"):
        return x * 1.0


def contiguous(self: Any) -> Value:
    """Return the Value itself: the elements always lie in row-major order here (torch.Tensor.contiguous).

    >>> Value([1.0]).contiguous().tolist()
    [1.0]
    """
    return as_value(self)


def cpu(self: Any) -> Value:
    """Return the Value itself (torch.Tensor.cpu).

    >>> Value([1.0]).cpu().tolist()
    [1.0]
    """
    return as_value(self)


@property  # type: ignore[misc]
def device(self: Any) -> Device:
    """Where the numbers are: "cpu" (torch.Tensor.device).

    >>> from micrograd_sm import Value
    >>> Value([1.0]).device
    device(type='cpu')
    """
    return CPU


@property  # type: ignore[misc]
def mT(self: Any) -> Value:
    """The last two dimensions swapped (torch.Tensor.mT). Raises RuntimeError if there are fewer.

    >>> from micrograd_sm import Value
    >>> Value([[[1.0, 2.0]]]).mT.shape
    (1, 2, 1)
    """
    if self.ndim < 2:
        raise RuntimeError(f"mT: needs at least two dimensions, got shape {self.shape}")
    return as_value(self).transpose(-2, -1)


def numpy(self: Any) -> Any:
    """Return a NumPy array of the numbers (torch.Tensor.numpy). Raises RuntimeError if a gradient is required.

    >>> Value([1.0, 2.0]).detach().numpy().shape  # doctest: +SKIP
    (2,)
    """
    import numpy  # noqa: PLC0415 (not needed otherwise)

    if getattr(self, "requires_grad", False):
        raise RuntimeError("numpy: this Value requires a gradient, which NumPy would lose; use detach().numpy()")
    return numpy.asarray(self.tolist()).reshape(self.shape)


def __array__(self: Any, dtype: Any = None, copy: builtins.bool | None = None) -> Any:
    """Return a NumPy array of the numbers, as `numpy()`: so that matplotlib and NumPy take a Value (torch.Tensor.__array__)."""
    found = numpy(self)
    return found if dtype is None else found.astype(dtype)


# Gradients -----------------------------------------------------------------------------------------------------------


def retain_grad(self: Any) -> None:
    """Do nothing: every Value keeps its gradient (torch.Tensor.retain_grad). RuntimeError if it requires none, as in torch.

    >>> Value(2.0).exp().retain_grad()
    """
    if not self.requires_grad:
        raise RuntimeError("retain_grad: this Value requires no gradient, so it will never have one")


def requires_grad_(self: Any, requires_grad: builtins.bool = True) -> Value:
    """Set whether a gradient is required, and return the Value (torch.Tensor.requires_grad_). RuntimeError for integers.

    >>> from micrograd_sm import zeros
    >>> zeros(2).requires_grad_().requires_grad
    True
    """
    if requires_grad and not is_floating_point(self):
        raise RuntimeError(f"requires_grad_: only floats can require a gradient, this Value holds {self.dtype}; use float()")
    self.requires_grad = requires_grad
    return self
