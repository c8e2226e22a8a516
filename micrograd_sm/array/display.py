"""Numbers as text: columns that line up, four decimals, and big arrays shortened, as torch prints them."""

from __future__ import annotations

import math
from typing import Any

from micrograd_sm.array.strides import Shape

_DECIMALS = 4
_EDGE = 3  # rows and columns kept at each end of a shortened dimension
_FULL = 1000  # elements up to which nothing is shortened


def show(nested: Any, shape: Shape, prefix: str, notes: list[str] | None = None) -> str:
    """Return `prefix`, the aligned numbers, the notes and a closing bracket.

    >>> print(show([[1.0, 2.5], [-10.0, 0.25]], (2, 2), "Value(", ["op=add"]))
    Value([[  1.0000,   2.5000],
           [-10.0000,   0.2500]], op=add)
    >>> print(show(float("inf"), (), "Value("))
    Value(inf)
    """
    if shape and math.prod(shape) > _FULL:
        nested = _shorten(nested)
    shown = format_nested(nested, " " * len(prefix))
    extra = [f"shape={shape}"] if 0 in shape and shape != (0,) else []
    return prefix + ", ".join([shown, *extra, *(notes or [])]) + ")"


def format_nested(nested: Any, indent: str = "") -> str:
    """Return nested lists of numbers as text, each column as wide as the widest number.

    >>> format_nested([1.0, 2.0, 3.0]), format_nested([0.5, 100.0]), format_nested([1, 20])
    ('[1., 2., 3.]', '[  0.5000, 100.0000]', '[ 1, 20]')
    """
    leaves = list(_leaves(nested))
    style = _style([x for x in leaves if x is not Ellipsis])
    width = max((len(style(x)) for x in leaves if x is not Ellipsis), default=0)
    return _layout(nested, lambda x: style(x).rjust(width), indent + " ")


def _style(numbers: list) -> Any:
    floats = [x for x in numbers if isinstance(x, float) and math.isfinite(x)]
    if not any(isinstance(x, float) for x in numbers):
        return str
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
        return f"[{_wrap(['...' if x is Ellipsis else style(x) for x in nested], indent)}]"
    blank = "\n" * _depth(nested)
    return f"[{f',{blank}{indent}'.join('...' if x is Ellipsis else _layout(x, style, indent + ' ') for x in nested)}]"


def _wrap(cells: list[str], indent: str) -> str:
    per_line = max(1, (100 - len(indent)) // (len(cells[0]) + 2)) if cells else 1
    lines = [", ".join(cells[start : start + per_line]) for start in range(0, len(cells), per_line)]
    return f",\n{indent}".join(lines)


def _depth(nested: Any) -> int:
    depth = -1
    while isinstance(nested, list) and nested:
        nested = next((x for x in nested if x is not Ellipsis), None)
        depth += 1
    return max(depth, 1)


def _shorten(nested: Any) -> Any:
    if not isinstance(nested, list):
        return nested
    if len(nested) > 2 * _EDGE:
        nested = [*nested[:_EDGE], Ellipsis, *nested[-_EDGE:]]
    return [x if x is Ellipsis else _shorten(x) for x in nested]
