"""Graph to DOT: one box for each Value, an arrow for each operand, a frame around each composed function."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from micrograd_sm.array import Array
from micrograd_sm.draw.scopes import Scope, scopes_of
from micrograd_sm.draw.text import escaped, numbers, params_text, shape_text, shortened, visible
from micrograd_sm.graph import Edge, Graph, Node

_WHOLE_ROWS, _WHOLE_COLUMNS = 6, 6  # a matrix up to this size is shown whole
_FIRST = 4  # numbers shown of a larger one
_NUMBERED = 12  # operands up to which each has a port of its own

# Text on its ground has a contrast of at least 4.5 to 1: tests/test_draw.py computes it.
INK, QUIET, GRADIENT, ALARM = "#111827", "#4b5563", "#9a3412", "#b91c1c"
LEAF, STRIP, RESULT, CONSTANT, GROUND = "#e0ecff", "#e5e7eb", "#fde68a", "#f3f4f6", "#ffffff"
LEAF_LINE, LINE, FAINT = "#1d4ed8", "#374151", "#6b7280"
FRAMES, FRAME_LINE = ("#f8fafc", "#eef2f7"), "#94a3b8"

_HEAD = f"""digraph micrograd_sm {{
  graph [rankdir=TB, bgcolor="{GROUND}", pad=0.2, nodesep=0.35, ranksep=0.42, fontname="Helvetica,Arial,sans-serif"]
  node [shape=plain, fontname="Helvetica,Arial,sans-serif", fontsize=12, fontcolor="{INK}"]
  edge [color="{LINE}", arrowsize=0.7, penwidth=1.2]
"""


def to_dot(graph: Graph) -> str:
    """Return a Graph in the DOT language; the same bytes for the same graph, in every run.

    >>> from micrograd_sm import Value
    >>> x = Value(3.0, name="x")
    >>> print(to_dot(Graph(x * x)).splitlines()[-2])
      v0 -> v1:o1:n [class="edge"]
    """
    lines = [_HEAD]
    lines += _scope_lines(graph, scopes_of(graph), depth=0)
    lines += [_edge_line(graph, edge) for edge in graph.edges]
    return "\n".join(lines) + "\n}\n"


def _scope_lines(graph: Graph, scope: Scope, depth: int) -> Iterator[str]:
    """Yield a scope's own nodes and the frames within it, in creation order; scopes nest no deeper than calls do."""
    indent = "  " * (depth + 1)
    for member in scope.members:
        if isinstance(member, str):
            yield f"{indent}{_node_line(graph, graph[member])}"
            continue
        yield f"{indent}subgraph cluster_{member.id} {{"
        yield (
            f'{indent}  graph [label=<{_text(member.name)}>, labeljust=l, style="rounded,filled", color="{FRAME_LINE}", '
            f'fillcolor="{FRAMES[depth % len(FRAMES)]}", fontcolor="{QUIET}", fontsize=12, margin=12, class="scope"]'
        )
        yield from _scope_lines(graph, member, depth + 1)
        yield f"{indent}}}"


def _node_line(graph: Graph, node: Node) -> str:
    kind = "result" if node.id == graph.root and node.kind == "intermediate" else node.kind
    return f'{node.id} [class="{kind}", label=<{_box(graph, node, kind)}>]'


def _edge_line(graph: Graph, edge: Edge) -> str:
    target = graph[edge.target]
    port = f":o{edge.position}:n" if _operands(graph, target) <= _NUMBERED else ""
    flows = graph[edge.source].requires_grad
    style = 'class="edge"' if flows else f'class="edge constant", style=dashed, color="{FAINT}"'
    label = "" if port else f', headlabel="{edge.position + 1}", fontsize=9, fontcolor="{QUIET}"'
    return f"  {edge.source} -> {edge.target}{port} [{style}{label}]"


def _operands(graph: Graph, node: Node) -> int:
    return len(graph.operand_edges(node.id))


# One box -------------------------------------------------------------------------------------------------------------

_TABLES = {
    "leaf": f'BORDER="2" STYLE="ROUNDED" COLOR="{LEAF_LINE}" BGCOLOR="{LEAF}"',
    "constant": f'BORDER="1" STYLE="DASHED" COLOR="{FAINT}" BGCOLOR="{CONSTANT}"',
    "intermediate": f'BORDER="1" COLOR="{LINE}" BGCOLOR="{GROUND}"',
    "result": f'BORDER="3" COLOR="{LINE}" BGCOLOR="{GROUND}"',
}


def _box(graph: Graph, node: Node, kind: str) -> str:
    rows = [_strip(graph, node, RESULT if kind == "result" else STRIP)] if node.op else []
    rows.append(_title(node, kind))
    rows.append(_cell(_grids(node, kind)))
    return f'<TABLE CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" {_TABLES[kind]}>{"".join(rows)}</TABLE>'


def _strip(graph: Graph, node: Node, ground: str) -> str:
    """Return the row that the arrows of the operands end at, first operand leftmost, around the operation."""
    operands = _operands(graph, node)
    params = params_text(node.op, node.params)
    symbol = params if node.op == "index" and params else visible(node.symbol)
    words = [] if symbol == node.op else [str(node.op)]
    words += [params] if params and params != symbol else []
    sign = f'<FONT POINT-SIZE="13"><B>{_text(symbol)}</B></FONT>'
    quiet = f'&#160;&#160;<FONT COLOR="{QUIET}" POINT-SIZE="10">{_text(" ".join(words))}</FONT>' if words else ""
    middle = sign + quiet
    if operands == 1 or operands > _NUMBERED:
        return f'<TR><TD PORT="o0" BGCOLOR="{ground}" CELLPADDING="4">{middle}</TD></TR>'
    small = f'<FONT COLOR="{QUIET}" POINT-SIZE="9">'
    if operands == 2:
        cells = f'<TD PORT="o0">{small}1</FONT></TD><TD>{middle}</TD><TD PORT="o1">{small}2</FONT></TD>'
        inner = f"<TR>{cells}</TR>"
    else:
        ports = "".join(f'<TD PORT="o{place}" WIDTH="18">{small}{place + 1}</FONT></TD>' for place in range(operands))
        inner = f'<TR>{ports}</TR><TR><TD COLSPAN="{operands}">{middle}</TD></TR>'
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4">{inner}</TABLE>'
    return f'<TR><TD BGCOLOR="{ground}">{table}</TD></TR>'


def _title(node: Node, kind: str) -> str:
    name = f"<B>{_text(node.name)}</B>" if node.name else f'<FONT COLOR="{QUIET}" POINT-SIZE="10">{node.id}</FONT>'
    notes = " ".join(note for note in ("constant" if kind == "constant" else "", shape_text(node.shape)) if note)
    cells = f'<TD ALIGN="LEFT">{name}</TD>'
    if notes:
        cells += f'<TD ALIGN="RIGHT"><FONT COLOR="{QUIET}" POINT-SIZE="10">{escaped(notes)}</FONT></TD>'
    return _cell(f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3"><TR>{cells}</TR></TABLE>')


def _cell(content: str) -> str:
    return f"<TR><TD>{content}</TD></TR>"


def _grids(node: Node, kind: str) -> str:
    rows = _number_rows("value", node.data, node.shape, INK)
    if kind != "constant":
        rows += _number_rows("grad", node.grad, node.shape, GRADIENT)
    columns = max(len(cells) for _, cells in rows)
    lines = []
    for label, group in groupby(rows, key=lambda row: row[0]):
        lines += _grid_lines(label, [cells for _, cells in group], columns)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{"".join(lines)}</TABLE>'


def _grid_lines(label: str, rows: list[list[str]], columns: int) -> Iterator[str]:
    for place, cells in enumerate(rows):
        head = ""
        if place == 0:
            head = f'<TD ROWSPAN="{len(rows)}" ALIGN="LEFT" VALIGN="TOP"><FONT COLOR="{QUIET}" POINT-SIZE="10">{label}</FONT></TD>'
        span = f' COLSPAN="{columns}"' if len(cells) < columns and len(cells) == 1 else ""
        blank = "<TD></TD>" * (columns - len(cells)) if not span else ""
        shown = "".join(f'<TD ALIGN="RIGHT"{span}>{cell}</TD>' for cell in cells)
        yield f"<TR>{head}{shown}{blank}</TR>"


def _number_rows(label: str, data: Any, shape: tuple[int, ...], ink: str) -> list[tuple[str, list[str]]]:
    """Return rows of cells: a number, a small matrix whole, of a large array the first numbers and the range."""
    if data is None:
        return [(label, [f'<FONT COLOR="{QUIET}"><I>not yet computed</I></FONT>'])]
    flat = data.flat if isinstance(data, Array) else [data]
    if not flat:
        return [(label, [f'<FONT COLOR="{QUIET}"><I>no elements</I></FONT>'])]
    columns = shape[-1] if shape else 1
    if len(shape) <= 2 and columns <= _WHOLE_COLUMNS and len(flat) // columns <= _WHOLE_ROWS:
        cells = [_number(text, ink) for text in numbers(flat)]
        return [(label, cells[start : start + columns]) for start in range(0, len(cells), columns)]
    first = " ".join(numbers(flat[:_FIRST]))
    return [(label, [_font(f"{first} ...", ink)]), (label, [_font(_range(flat), ink)])]


def _range(flat: list) -> str:
    finite = [x for x in flat if math.isfinite(x)]
    strange = len(flat) - len(finite)
    low_high = " to ".join(numbers([min(finite), max(finite)])) if finite else ""
    return ", ".join(part for part in (low_high, f"{strange} nan or inf" if strange else "") if part)


def _number(text: str, ink: str) -> str:
    return f"<B>{_font(text, ALARM)}</B>" if text in ("nan", "inf", "-inf") else _font(text, ink)


def _font(text: str, color: str) -> str:
    return f'<FONT COLOR="{color}">{escaped(text)}</FONT>'


def _text(text: str) -> str:
    return escaped(shortened(visible(text)))
