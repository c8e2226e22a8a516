"""Graph to DOT: one box for each Value, an arrow for each operand, a frame around each composed function."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any
from unicodedata import east_asian_width

from micrograd_sm.array import Array
from micrograd_sm.draw.extent import DENSE, rows_crossed
from micrograd_sm.draw.palette import fill, line, text
from micrograd_sm.draw.scopes import Scope, scopes_of
from micrograd_sm.draw.text import escaped, numbers, params_text, shape_text, shortened, visible
from micrograd_sm.graph import Edge, Graph, Node

_WHOLE = 6  # a matrix of up to this many rows and columns is shown whole
_FIRST = 4  # numbers shown of a larger one
_MANY = 150  # nodes beyond which dot is told to settle for a good layout: the best takes it minutes
_NUMBERED = 32  # operands up to which each has a port of its own

_INK, _VALUE, _QUIET, _PENDING = map(text, ("ink", "value", "quiet", "pending"))
_GRADIENT, _ALARM, _GRADIENT_ALARM = map(text, ("grad", "alarm", "grad-alarm"))
_GROUND, _LINE, _FAINT = fill("ground"), line("edge"), line("faint")
_FRAMES, _FRAME_LINE = (fill("frame"), fill("frame-inner")), line("frame")

# Browsers without Helvetica or Arial draw wider letters than the layout measured: room for them, to the right of text.
_ROOM = "&#160;"

_HEAD = f"""digraph micrograd_sm {{
  graph [rankdir=TB, bgcolor="{_GROUND}", pad=0.2, nodesep=0.35, ranksep=0.32, fontname="Helvetica"]
  node [shape=plain, fontname="Helvetica", fontsize=12, fontcolor="{_INK}"]
  edge [color="{_LINE}", arrowsize=0.7, penwidth=1.2]
"""


def to_dot(graph: Graph) -> str:
    """Return a Graph in the DOT language; the same bytes for the same graph, in every run.

    >>> from micrograd_sm import Value
    >>> x = Value(3.0, name="x")
    >>> print(*(line for line in to_dot(Graph(x * x)).splitlines() if "->" in line), sep="\\n")
      v0 -> v1:o0:n [id="v0-v1-0", class="edge"]
      v0 -> v1:o1:n [id="v0-v1-1", class="edge"]
    """
    lines = [_HEAD]
    if rows_crossed(graph) > DENSE:
        lines.append("  graph [nslimit=0.1, nslimit1=0.1, mclimit=0.01, splines=line]")
    elif len(graph) > _MANY:
        lines.append("  graph [nslimit=1, nslimit1=1]")
    lines += [_edge_line(graph, edge) for edge in sorted(graph.edges, key=_drawing_order)]
    lines += _scope_lines(graph, scopes_of(graph), depth=0)
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
            f'{indent}  graph [label=<{_text(member.name)}&#160;>, labeljust=r, style="rounded,filled", color="{_FRAME_LINE}", '
            f'fillcolor="{_FRAMES[depth % len(_FRAMES)]}", fontcolor="{_QUIET}", fontsize=12, margin=12, class="scope"]'
        )
        yield from _scope_lines(graph, member, depth + 1)
        yield f"{indent}}}"


def _node_line(graph: Graph, node: Node) -> str:
    kind = "result" if node.id == graph.root and node.kind == "intermediate" else node.kind
    return f'{node.id} [class="{kind}", label=<{_box(graph, node, kind)}>]'


def _drawing_order(edge: Edge) -> tuple[int, int, int]:
    """Order edges so that dot, which starts from it, crosses few: of one source's arrows the longest leftmost."""
    return int(edge.source[1:]), -int(edge.target[1:]), edge.position


def _edge_line(graph: Graph, edge: Edge) -> str:
    port = f":o{edge.position}:n" if len(graph.operand_edges(edge.target)) <= _NUMBERED else ""
    flows = graph[edge.source].requires_grad
    style = 'class="edge"' if flows else f'class="edge constant", style=dashed, color="{_FAINT}"'
    label = "" if port else f', headlabel="{edge.position + 1}", fontsize=9, fontcolor="{_QUIET}"'
    return f'  {edge.source} -> {edge.target}{port} [id="{edge.source}-{edge.target}-{edge.position}", {style}{label}]'


# One box -------------------------------------------------------------------------------------------------------------

_BOXES = {
    "leaf": f'BORDER="2" STYLE="ROUNDED" COLOR="{line("leaf")}" BGCOLOR="{fill("leaf")}"',
    "constant": f'BORDER="1" STYLE="DASHED" COLOR="{_FAINT}" BGCOLOR="{fill("constant")}"',
    "intermediate": f'BORDER="1" COLOR="{_LINE}" BGCOLOR="{_GROUND}"',
    "result": f'BORDER="3" COLOR="{_LINE}" BGCOLOR="{_GROUND}"',
}
_PLAIN = 'BORDER="0" CELLBORDER="0" CELLSPACING="0"'
_SIGNS = {"*": "×", "-": "−"}


def _box(graph: Graph, node: Node, kind: str) -> str:
    rows = []
    if node.op:
        rows.append(f'<TR><TD BGCOLOR="{fill("result" if kind == "result" else "strip")}">{_strip(graph, node)}</TD></TR>')
    if node.name or (not node.op and node.shape):
        rows.append(f"<TR><TD>{_title(node)}</TD></TR>")
    rows.append(f'<TR><TD CELLPADDING="3">{_grid(node, kind)}</TD></TR>')
    return f'<TABLE CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" {_BOXES[kind]}>{"".join(rows)}</TABLE>'


def _strip(graph: Graph, node: Node) -> str:
    """Return the row at which the operands' arrows end, the first operand leftmost, around the operation."""
    operands = len(graph.operand_edges(node.id))
    said = _operation(node)
    if operands == 1 or operands > _NUMBERED:
        rows = f'<TR><TD PORT="o0">{said}</TD></TR>'
    elif operands == 2:
        rows = f'<TR><TD PORT="o0">{_quiet("1", 9)}</TD><TD>{said}</TD><TD PORT="o1">{_quiet("2", 9)}</TD></TR>'
    else:
        ports = "".join(f'<TD PORT="o{place}" WIDTH="18">{_quiet(str(place + 1), 9)}</TD>' for place in range(operands))
        rows = f'<TR>{ports}</TR><TR><TD COLSPAN="{operands}">{said}</TD></TR>'
    return f'<TABLE {_PLAIN} CELLPADDING="4">{rows}</TABLE>'


def _operation(node: Node) -> str:
    """Return the operation's sign, its name where the sign is another, its parameters and the result's shape."""
    params = params_text(node.op, node.params)
    sign = params if node.op == "index" and params else _SIGNS.get(node.symbol, visible(node.symbol))
    words = [str(node.op)] if sign.lower() != node.op else []
    words += [params] if params and params != sign else []
    words += [shape_text(node.shape)] if not node.name and shape_text(node.shape) not in ("", params) else []
    quiet = f"{_ROOM}{_ROOM}{_quiet('  '.join(words))}{_ROOM}" if words else ""
    return f'<FONT POINT-SIZE="13"><B>{_text(sign)}</B></FONT>{quiet}'


def _title(node: Node) -> str:
    cells = f'<TD ALIGN="LEFT"{_width(node.name)}><B>{_text(node.name)}</B></TD>' if node.name else ""
    if node.shape:
        cells += f'<TD ALIGN="RIGHT">{_quiet(shape_text(node.shape))}{_ROOM}</TD>'
    return f'<TABLE {_PLAIN} CELLPADDING="5"><TR>{cells}</TR></TABLE>'


def _grid(node: Node, kind: str) -> str:
    """Return the value, and under it the gradient, in the same columns; nothing flows back to a constant."""
    parts = [("constant" if kind == "constant" else "value", _number_rows(node.data, node.shape, _VALUE))]
    if kind != "constant":
        parts.append(("grad", _number_rows(node.grad, node.shape, _GRADIENT)))
    columns = max(len(rows[0]) for _, rows in parts)
    lines = "<HR/>".join("".join(_grid_lines(label, rows, columns)) for label, rows in parts)
    if all(len(rows) == 1 for _, rows in parts):
        lines = lines.replace("<HR/>", "")
    return f'<TABLE {_PLAIN} COLOR="{_FRAME_LINE}" CELLPADDING="2">{lines}</TABLE>'


def _grid_lines(label: str, rows: list[list[str]], columns: int) -> Iterator[str]:
    for place, cells in enumerate(rows):
        head = f'<TD ROWSPAN="{len(rows)}" ALIGN="LEFT" VALIGN="TOP">{_quiet(label)}</TD>' if place == 0 else ""
        span = f' COLSPAN="{columns}"' if len(cells) == 1 and columns > 1 else ""
        yield f"<TR>{head}" + "".join(f'<TD ALIGN="RIGHT"{span}>&#160;{cell}{_ROOM}</TD>' for cell in cells) + "</TR>"


def _number_rows(data: Any, shape: tuple[int, ...], ink: str) -> list[list[str]]:
    """Return rows of cells: a number, a small matrix whole, of a large array the first numbers and the range."""
    if data is None:
        return [[f'<I>{_font("not yet computed", _PENDING, 10)}</I>']]
    flat = data.flat if isinstance(data, Array) else [data]
    if not flat:
        return [[f"<I>{_quiet('no elements')}</I>"]]
    columns = shape[-1] if shape else 1
    if len(shape) <= 2 and columns <= _WHOLE and len(flat) // columns <= _WHOLE:
        cells = [_number(text, ink) for text in numbers(flat)]
        return [cells[start : start + columns] for start in range(0, len(cells), columns)]
    first = "  ".join(numbers(flat[:_FIRST]))
    return [[_font(f"{first} ...", ink)], [_font(_range(flat), ink)]]


def _range(flat: list) -> str:
    finite = [x for x in flat if math.isfinite(x)]
    strange = len(flat) - len(finite)
    low_high = " to ".join(numbers([min(finite), max(finite)])) if finite else ""
    return ", ".join(part for part in (low_high, f"{strange} nan or inf" if strange else "") if part)


def _number(text: str, ink: str) -> str:
    alarm = _GRADIENT_ALARM if ink == _GRADIENT else _ALARM
    return f"<B>{_font(text, alarm)}</B>" if text in ("nan", "inf", "-inf") else _font(text, ink)


def _font(text: str, color: str, size: int | None = None) -> str:
    points = f' POINT-SIZE="{size}"' if size else ""
    return f'<FONT COLOR="{color}"{points}>{escaped(text)}</FONT>'


def _quiet(text: str, size: int = 10) -> str:
    return _font(text, _QUIET, size)


def _text(text: str) -> str:
    return escaped(shortened(visible(text)))


def _width(text: str | None, size: int = 12) -> str:
    """Return a least width for text outside ASCII, which layout programs without its font measure too narrow."""
    shown = shortened(visible(text or ""))
    if shown.isascii():
        return ""
    return f' WIDTH="{math.ceil(sum(1.3 if east_asian_width(char) in "WF" else 0.75 for char in shown) * size) + 10}"'
