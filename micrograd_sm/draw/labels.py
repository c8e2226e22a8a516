"""What flows back along an edge: local derivative × upstream gradient = contribution."""

from __future__ import annotations

from operator import mul
from typing import Any

from micrograd_sm.array import Array, flat_of
from micrograd_sm.draw.cells import PENDING
from micrograd_sm.draw.markup import GAP, PLAIN, ROOM, cell, font, row, table
from micrograd_sm.draw.palette import fill
from micrograd_sm.graph import Edge, Graph, Local, local_derivative
from micrograd_sm.primitives import unbroadcast
from micrograd_sm.words.numbers import numbers

MEANING = "on each edge: local derivative × upstream gradient = contribution"
_SHOWN = 4  # numbers of an array, at most: beyond them its shape
_SIZE = 10
_LABEL = f'{PLAIN} CELLPADDING="1"'
_BESIDE = 'BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="0"'  # so that its ground leaves the edge's line alone


def edge_label(graph: Graph, edge: Edge, ground: str) -> str:
    """Return the table that an edge carries, in one line for numbers, in three for arrays, on the ground that it lies on.

    A long array is its shape, and a Jacobian that does not fit is its size, (elements out, elements in).
    """
    local = local_derivative(graph, edge)
    upstream = graph[edge.target].grad
    if local.kind == "number":
        rows = _line("", _in_one_line(local.data, upstream))
    else:
        parts = (_local_text(graph, edge, local), _text(upstream), _contribution(graph, edge, local))
        rows = "".join(map(_line, ("", "×", "="), parts))
    return table(row(cell(table(rows, _LABEL), f'BGCOLOR="{fill(ground)}"')), _BESIDE)


def _in_one_line(local: float, upstream: Any) -> str:
    (derivative,) = numbers([local])
    if upstream is None:
        return f"{derivative} × {PENDING}"
    return f"{derivative} × {numbers([upstream])[0]} = {numbers([local * upstream])[0]}"


def _line(sign: str, said: str) -> str:
    first = [cell(font(sign, "grad", _SIZE) if sign else "")]
    return row(*first, cell(f"{GAP}{font(said, 'grad', _SIZE)}{ROOM}", 'ALIGN="RIGHT"'))


def _local_text(graph: Graph, edge: Edge, local: Local) -> str:
    if local.kind == "elementwise":
        return _text(local.data)
    rows, columns = (_size(graph[id].data) for id in (edge.target, edge.source))
    if local.kind == "jacobian" and rows * columns <= _SHOWN:
        return _text(local.data)
    return f"Jacobian ({rows}, {columns})"


def _size(data: Any) -> int:
    return len(flat_of(data))


def _text(x: Any) -> str:
    if x is None:
        return PENDING
    flat = flat_of(x)
    if len(flat) > _SHOWN:
        return str(x.shape)
    return "  ".join(numbers(flat)) or "no elements"


def _contribution(graph: Graph, edge: Edge, local: Local) -> str:
    """Return upstream times local, which has the operand's shape; of what would take a large Jacobian only the shape."""
    upstream, shape = graph[edge.target].grad, graph[edge.source].shape
    if upstream is None:
        return PENDING
    if local.kind == "elementwise":
        return _text(unbroadcast(local.data * upstream, shape))
    if local.kind == "large":
        return str(shape)
    matrix, rows = local.data.flat, flat_of(upstream)
    columns = len(matrix) // len(rows) if rows else 0
    return _text(Array.of([sum(map(mul, rows, matrix[column::columns])) for column in range(columns)], shape))
