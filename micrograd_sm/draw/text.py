"""Names, numbers and parameters as text that is safe and short enough for a picture."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from micrograd_sm.array import Array

_UNSHOWABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format (bidi among them), surrogate, private, unassigned
_JOINERS = "\u200c\u200d"  # format characters that emoji and several scripts are written with
_ENTITIES = {  # DOT replaces \\N and its like even here, unless the backslash is doubled
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\": "&#92;&#92;", "  ": "&#160;&#160;",
}  # fmt: skip
_MAX_TEXT = 36
_SMALLEST, _LARGEST = 1e-4, 1e6  # sizes between which a number is written without a power of ten


def visible(text: str) -> str:
    """Return text with every character that would not be seen, or would move others, written as its code.

    >>> print(visible("a\\u202eb\\nc"))
    a\\u202eb\\nc
    """
    return "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in _UNSHOWABLE and char not in _JOINERS
        else char
        for char in text
    )


def shortened(text: str, longest: int = _MAX_TEXT) -> str:
    """Return text with its middle left out if it is longer than `longest`.

    >>> shortened("abcdefghijklmnop", 11)
    'abcd...mnop'
    """
    if len(text) <= longest:
        return text
    kept = (longest - 3) // 2
    return f"{text[:kept]}...{text[-kept:]}"


def escaped(text: str) -> str:
    """Return text for a DOT label in HTML's syntax: markup, backslashes and runs of spaces are only text there.

    >>> escaped('<a & "b">')
    '&lt;a &amp; &quot;b&quot;&gt;'
    """
    for char, entity in _ENTITIES.items():
        text = text.replace(char, entity)
    return text


def numbers(flat: Iterable[Any]) -> list[str]:
    """Return numbers as text in one style: four decimals, or one if no more are needed; powers of ten for what they hide.

    >>> numbers([0.5, -2.0]), numbers([1.0, -2.0]), numbers([3, 4]), numbers([1e-9, 1.0]), numbers([float("inf")])
    (['0.5000', '-2.0000'], ['1.0', '-2.0'], ['3', '4'], ['1.00e-09', '1.0'], ['inf'])
    """
    elements = list(flat)
    plain = [x for x in elements if isinstance(x, float) and (x == 0 or _SMALLEST <= abs(x) < _LARGEST)]
    spec = ".1f" if all(x == int(x) for x in plain) else ".4f"
    return [_number(x, spec) for x in elements]


def _number(x: Any, spec: str) -> str:
    if not isinstance(x, float):
        return shortened(str(x), 15)
    return format(x, spec if x == 0 or _SMALLEST <= abs(x) < _LARGEST or not math.isfinite(x) else ".2e")


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as people write it, with nothing for a number.

    >>> shape_text((2, 3)), shape_text((3,)), shape_text(())
    ('(2, 3)', '(3,)', '')
    """
    return str(shape) if shape else ""


def params_text(op: str | None, params: Mapping[str, Any]) -> str:
    """Return what a reader needs to know of an operation's parameters, in torch's words.

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
