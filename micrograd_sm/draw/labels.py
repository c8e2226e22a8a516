"""What flows back along an edge: local derivative × upstream gradient = contribution."""

from __future__ import annotations

from math import prod
from operator import mul
from typing import Any

from micrograd_sm.array import Array, flat_of, shape_of
from micrograd_sm.array.summary import Summary, array_of
from micrograd_sm.draw.cells import EMPTY, NOT_COMPUTED, PENDING
from micrograd_sm.draw.markup import GAP, PLAIN, ROOM, cell, font, row, table
from micrograd_sm.draw.palette import fill
from micrograd_sm.graph import Edge, Graph, Local, local_derivative, snapshot
from micrograd_sm.primitives import unbroadcast
from micrograd_sm.words.numbers import numbers

MEANING = "on each edge: local derivative × upstream gradient = contribution"
_SHOWN = 4  # the most numbers of an array that are shown; its shape if there are more
_SIZE = 10
_LABEL = f'{PLAIN} CELLPADDING="1"'
_BESIDE = 'BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="0"'  # keeps the ground off the edge's line


def edge_label(graph: Graph, edge: Edge, ground: str) -> str:
    """Return the table of an edge's label, on the ground that is under it: a line for numbers, three lines for arrays.

    For a long array it shows the shape, and for a large Jacobian its size (elements out, elements in).
    """
    local, upstream = local_derivative(graph, edge), graph[edge.target].grad
    if local.kind == "number":
        rows = _line("", _equation(local.data, upstream))
    else:
        parts = (_local_text(graph, edge, local), _text(upstream), _contribution(graph, edge, local))
        rows = "".join(map(_line, ("", "×", "="), parts))
    return table(row(cell(table(rows, _LABEL), f'BGCOLOR="{fill(ground)}"')), _BESIDE)


def _equation(local: float, upstream: Any) -> str:
    (derivative,) = numbers([local])
    if upstream is None:
        return f"{derivative} × {PENDING}"
    return f"{derivative} × {numbers([upstream])[0]} = {numbers([local * upstream])[0]}"


def _line(sign: str, words: str) -> str:
    first = cell(font(sign, "grad", _SIZE) if sign else "")
    return row(first, cell(f"{GAP}{font(words, 'grad', _SIZE)}{ROOM}", 'ALIGN="RIGHT"'))


def _local_text(graph: Graph, edge: Edge, local: Local) -> str:
    rows, columns = (prod(graph[id].shape) for id in (edge.target, edge.source))
    if local.kind == "elementwise" or (local.kind == "jacobian" and rows * columns <= _SHOWN):
        return NOT_COMPUTED if local.data is None else _text(local.data)
    return f"Jacobian ({rows}, {columns})"


def _text(x: Any) -> str:
    if x is None:
        return PENDING
    if prod(shape_of(x)) > _SHOWN:
        return str(x.shape)
    return NOT_COMPUTED if type(x) is Summary else "  ".join(numbers(flat_of(x))) or EMPTY


def _contribution(graph: Graph, edge: Edge, local: Local) -> str:
    """Return upstream times local, which has the operand's shape; only that shape if the Jacobian is large."""
    upstream, shape = graph[edge.target].grad, graph[edge.source].shape
    if upstream is None:
        return PENDING
    if local.kind == "large" or prod(shape) > _SHOWN:
        return str(shape)
    if local.kind == "elementwise" and local.data is None:
        return NOT_COMPUTED
    if local.kind == "elementwise":
        return _text(snapshot(unbroadcast(array_of(local.data) * array_of(upstream), shape)))
    matrix, rows = local.data.flat, flat_of(upstream)
    columns = len(matrix) // len(rows) if rows else 0
    return _text(Array.of([sum(map(mul, rows, matrix[column::columns])) for column in range(columns)], shape))
