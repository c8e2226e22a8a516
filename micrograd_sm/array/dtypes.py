"""The types of elements, under torch's names: floats are held as float64, ints as int64, and there are bools.

>>> from micrograd_sm import tensor
>>> tensor([1, 2]).dtype, tensor([1.0]).dtype, tensor([True]).dtype
(micrograd_sm.int64, micrograd_sm.float64, micrograd_sm.bool)
"""

from __future__ import annotations

from typing import Any


class dtype:
    """A type of elements (torch.dtype). `held` is the type of Python that holds them, None if none can.

    `float32` is `float64`, and `int32` is `int64`: every number of the first is one of the second.

    >>> from micrograd_sm import float32, float64, int32
    >>> float32 is float64, float64.is_floating_point, int32
    (True, True, micrograd_sm.int64)
    """

    __slots__ = ("held", "name")

    def __init__(self, name: str, held: type | None = None) -> None:
        self.name, self.held = name, held

    @property
    def is_floating_point(self) -> Any:
        """Whether the elements are floats (torch.dtype.is_floating_point).

        >>> from micrograd_sm import int64
        >>> int64.is_floating_point
        False
        """
        return "float" in self.name

    def __repr__(self) -> str:
        return f"micrograd_sm.{self.name}"


FLOAT64, INT64, BOOL = dtype("float64", float), dtype("int64", int), dtype("bool", bool)
_OF_PYTHON = {float: FLOAT64, int: INT64, bool: BOOL}
DTYPES = {
    **dict.fromkeys(("float64", "double", "float32", "float"), FLOAT64),
    **dict.fromkeys(("int64", "long", "int32", "int", "int16", "short"), INT64),
    "bool": BOOL,
    **{name: dtype(name) for name in ("bfloat16", "complex128", "complex64", "float16", "half", "int8", "uint8")},
}


def held_as(wanted: Any, function: str) -> type | None:
    """Return the type of Python that holds the elements of a dtype; None for None. Raises TypeError if there is none.

    >>> from micrograd_sm import float32
    >>> held_as(float32, "zeros")
    <class 'float'>
    """
    wanted = _OF_PYTHON.get(wanted, wanted) if isinstance(wanted, type) else wanted
    if wanted is None:
        return None
    if not isinstance(wanted, dtype):
        raise TypeError(f"{function}: dtype must be one of micrograd_sm's, such as float64, int64 or bool, got {wanted!r}")
    if wanted.held is None:
        raise TypeError(f"{function}: dtype {wanted.name} cannot be had: floats are float64 here, and ints are int64")
    return wanted.held


def dtype_of(data: Any) -> Any:
    """Return the dtype of a number or an `Array`; that of another library's array is its own.

    >>> dtype_of(1.0)
    micrograd_sm.float64
    """
    kind = getattr(data, "dtype", type(data))
    return _OF_PYTHON.get(kind, kind) if isinstance(kind, type) else kind


class device(str):
    """Where numbers are: its `type`, as in "cpu", and its `index`, if it has one (torch.device). It is that string, too.

    >>> from micrograd_sm import zeros
    >>> device("cuda:1"), device("cuda:1").index, zeros(2, device=device("cpu")).device == "cpu"
    (device(type='cuda', index=1), 1, True)
    """

    __slots__ = ()

    @property
    def type(self) -> str:
        """The kind of device (torch.device.type).

        >>> device("cuda:1").type
        'cuda'
        """
        return self.partition(":")[0]

    @property
    def index(self) -> Any:
        """Which of several devices it is, or None (torch.device.index).

        >>> device("cpu").index
        """
        number = self.partition(":")[2]
        return int(number) if number else None

    def __repr__(self) -> str:
        number = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{number})"


CPU = device("cpu")


def check_device(device: Any, function: str) -> None:
    """Raise RuntimeError if a device is not the CPU, where Python's numbers live.

    >>> check_device("cpu", "zeros")
    """
    if device is not None and str(device).partition(":")[0] != "cpu":
        raise RuntimeError(f"{function}: device {str(device)!r} cannot be had: Python's numbers are on the CPU; use 'cpu'")
