"""Other libraries' arrays: which library computes on one."""

from __future__ import annotations

import importlib
from typing import Any


def library_of(x: Any) -> Any:
    """Return the array API namespace of an array's library. Raises TypeError if it has none."""
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    if type(x).__module__ == "torch":
        try:
            return importlib.import_module("array_api_compat.torch")
        except ImportError:
            raise TypeError("torch tensors as storage need array-api-compat: pip install array-api-compat") from None
    raise TypeError(f"expected numbers or arrays, got {x!r} of type {type(x).__name__}")


def converted(x: Any, xp: Any, dtype: Any) -> Any:
    """Return an `Array` as an array of a library; nested lists alone lose the sizes after a 0."""
    array = xp.asarray(x.tolist(), dtype=dtype)
    return xp.reshape(array, x.shape) if 0 in x.shape else array
