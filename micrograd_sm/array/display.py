"""Numbers as text: columns that line up, four decimals, and big arrays shortened, as torch prints them."""

from __future__ import annotations

import math
from typing import Any

from micrograd_sm.array.strides import Shape

_DECIMALS = 4
_EDGE = 3  # rows and columns kept at each end of a shortened dimension
_FULL = 1000  # the most elements that are shown without shortening
_WIDTH = 100  # characters of a line


def show(nested: Any, shape: Shape, prefix: str, notes: list[str] | None = None) -> str:
    """Return `prefix`, the aligned numbers, the notes and a closing bracket: 'Value([1.0000, 2.5000], op=add)'."""
    if math.prod(shape) > _FULL:
        nested = _shorten(nested)
    indent = " " * (len(prefix) + 1)
    extra = [f"shape={shape}"] if 0 in shape and shape != (0,) else []
    return f"{prefix}{', '.join([_format(nested, indent), *extra, *(notes or [])])})"


def _format(nested: Any, indent: str) -> str:
    """Return nested lists of numbers as text, each column as wide as the widest number."""
    leaves = [x for x in _leaves(nested) if x is not Ellipsis]
    style = _style(leaves)
    width = max((len(style(x)) for x in leaves), default=0)
    return _layout(nested, lambda x: "..." if x is Ellipsis else style(x).rjust(width), indent)


def _style(numbers: list) -> Any:
    if not any(isinstance(x, float) for x in numbers):
        return str
    floats = [x for x in numbers if isinstance(x, float) and math.isfinite(x)]
    sizes = [abs(x) for x in floats if x]
    if sizes and (max(sizes) >= 1e8 or min(sizes) < 1e-4 or max(sizes) / min(sizes) > 1e3 * 10**_DECIMALS):
        return lambda x: f"{x:.{_DECIMALS}e}"
    if all(x == int(x) for x in floats):
        return lambda x: f"{x:.0f}." if math.isfinite(x) else str(x)
    return lambda x: f"{x:.{_DECIMALS}f}"


def _leaves(nested: Any) -> Any:
    if isinstance(nested, list):
        for x in nested:
            yield from _leaves(x)
    else:
        yield nested


def _layout(nested: Any, style: Any, indent: str) -> str:
    if not isinstance(nested, list):
        return style(nested)
    if not any(isinstance(x, list) for x in nested):
        cells = list(map(style, nested))
        per_line = max(1, (_WIDTH - len(indent)) // (len(cells[0]) + 2)) if cells else 1
        lines = [", ".join(cells[start : start + per_line]) for start in range(0, len(cells), per_line)]
        return "[" + f",\n{indent}".join(lines) + "]"
    between = "," + "\n" * _depth(nested) + indent
    return "[" + between.join(_layout(x, style, indent + " ") for x in nested) + "]"


def _depth(nested: list) -> int:
    """Return how many levels of lists are inside these, at least 1; the first element is never the Ellipsis."""
    depth = -1
    while isinstance(nested, list) and nested:
        nested, depth = nested[0], depth + 1
    return max(depth, 1)


def _shorten(nested: Any) -> Any:
    if not isinstance(nested, list):
        return nested
    if len(nested) > 2 * _EDGE:
        nested = [*nested[:_EDGE], Ellipsis, *nested[-_EDGE:]]
    return [x if x is Ellipsis else _shorten(x) for x in nested]
