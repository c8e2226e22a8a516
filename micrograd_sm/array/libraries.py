"""Other libraries' arrays: which objects are such arrays, and which library computes on one."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

_COMPATIBLE = {"cupy", "dask", "jax", "ndonnx", "numpy", "paddle", "sparse", "torch"}  # what array-api-compat wraps


def is_array_type(kind: type) -> bool:
    """Return whether objects of this type are arrays of another library, as array-api-compat recognises them.

    >>> is_array_type(float)
    False
    """
    return _protocol(kind) or _wrapped(kind)


def library_of(x: Any) -> Any:
    """Return the array API namespace of an array's library. Raises TypeError if it has none, or if elements are masked."""
    if any(base.__name__ == "MaskedArray" for base in type(x).__mro__):
        raise TypeError("a masked array would lose its mask here: use its filled(number), or its compressed() elements")
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    kind: Any = type(x)
    if _wrapped(kind):
        try:
            return importlib.import_module("array_api_compat").array_namespace(x)
        except ImportError:
            library = type(x).__module__.partition(".")[0]
            raise TypeError(f"{library}'s arrays as storage need array-api-compat: pip install array-api-compat") from None
    raise TypeError(f"expected numbers or arrays, got {x!r} of type {type(x).__name__}")


@cache
def _protocol(kind: Any) -> bool:
    return hasattr(kind, "__array_namespace__")


@cache
def _wrapped(kind: Any) -> bool:
    """Return whether a type, or one that it extends, is the array type of a library that array-api-compat wraps."""
    return any(
        base.__module__.partition(".")[0] in _COMPATIBLE and base.__name__ in ("Array", "Tensor", "ndarray")
        for base in kind.__mro__
    )
