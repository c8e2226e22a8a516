"""Shapes and the parameters of an operation as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from micrograd_sm.array import Array
from micrograd_sm.words.names import shortened, visible


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as text, "" for the shape of a number."""
    return str(shape) if shape else ""


def params_text(op: str | None, params: Mapping[str, Any]) -> str:
    """Return the parameters of an operation that a reader needs to know, in torch's words.

    >>> params_text("sum", {"axis": (1,), "keepdims": True}), params_text("reshape", {"shape": (2, 3)})
    ('dim=1', '(2, 3)')
    >>> params_text("index", {"key": (slice(None), 0), "positions": [0, 2], "shape": (2,)})
    '[:, 0]'
    """
    if "axis" in params:
        axis = params["axis"]
        dims = axis if isinstance(axis, tuple) else (axis,)
        return f"dim={dims[0]}" if len(dims) == 1 else f"dim={dims}" if dims else ""
    if op == "index":
        key = params.get("key")
        return f"[{shortened(visible(_key_text(key)), 24)}]" if key is not None else ""
    if op == "permute":
        return shape_text(params["order"])
    return shape_text(params["shape"]) if op in ("reshape", "expand") else ""


def _key_text(key: Any) -> str:
    if isinstance(key, tuple):
        return ", ".join(map(_key_text, key))
    if isinstance(key, slice):
        ends = [key.start, key.stop] + ([key.step] if key.step is not None else [])
        return ":".join("" if end is None else str(end) for end in ends)
    if key is Ellipsis:
        return "..."
    if isinstance(key, Array):
        key = key.tolist()
    return str(key)
