"""Numbers as text: columns that line up, four decimals, and big arrays shortened, as torch prints them."""

from __future__ import annotations

import math
from typing import Any

from micrograd_sm.array.functions import tolist
from micrograd_sm.array.namespace import is_foreign, namespace
from micrograd_sm.array.strides import Shape

_DECIMALS = 4
_EDGE = 3  # rows and columns kept at each end of a shortened dimension
_FULL = 1000  # the most elements that are shown without shortening
_WIDTH = 100  # characters of a line


def show(data: Any, shape: Shape, prefix: str, notes: list[str] | None = None) -> str:
    """Return `prefix`, the aligned numbers, the notes and a closing bracket: 'Value([1.0000, 2.5000], op=add)'.

    An array that is computed when it is asked for, such as Dask's, is not: its shape, type and chunks are shown.
    """
    if is_foreign(data) and namespace(data).lazy:
        chunks = f"{math.prod(data.numblocks)} chunk{'s' * (math.prod(data.numblocks) != 1)}"
        return f"{prefix}{', '.join([f'<not computed, shape {shape}, {data.dtype}, {chunks}>', *(notes or [])])})"
    nested = tolist(_edges(data, shape) if is_foreign(data) and math.prod(shape) > _FULL else data)
    if math.prod(shape) > _FULL:
        nested = _shorten(nested, shape)
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


def _edges(data: Any, shape: Shape) -> Any:
    """Return the rows and columns of another library's array that are shown of it, side by side."""
    for axis, size in enumerate(shape):
        if size > 2 * _EDGE:
            before = (slice(None),) * axis
            ends = data[(*before, slice(_EDGE))], data[(*before, slice(size - _EDGE, None))]
            data = namespace(data).concat(ends, axis=axis)
    return data


def _shorten(nested: Any, shape: Shape) -> Any:
    """Leave out the middle of long dimensions of an array of this shape; it may have been left out already."""
    if not isinstance(nested, list):
        return nested
    if shape[0] > 2 * _EDGE:
        nested = [*nested[:_EDGE], Ellipsis, *nested[-_EDGE:]]
    return [x if x is Ellipsis else _shorten(x, shape[1:]) for x in nested]
