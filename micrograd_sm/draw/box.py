"""The box of a node: its operation, name, shape, value and gradient, as a table in DOT's syntax."""

from __future__ import annotations

from micrograd_sm.array.questions import kinds_in
from micrograd_sm.draw.grid import grid
from micrograd_sm.draw.markup import GAP, PLAIN, ROOM, cell, font, named, quiet, row, table, wide_enough
from micrograd_sm.draw.options import Options
from micrograd_sm.draw.palette import fill, line
from micrograd_sm.graph import Graph, Node
from micrograd_sm.words.names import visible
from micrograd_sm.words.parameters import params_text, shape_text

NUMBERED = 32  # the most operands that have a port each

_SIGNS = {"*": "×", "-": "−"}
_OUTLINES = {  # border, style, line and ground: leaves are round, constants dashed, computed nodes have corners
    "leaf": (2, ' STYLE="ROUNDED"', "leaf", "leaf"),
    "constant": (1, ' STYLE="DASHED"', "faint", "constant"),
    "intermediate": (1, "", "edge", "ground"),
    "result": (3, "", "edge", "ground"),
}
_ALARM_BORDER, _NOTE_BORDER, _FIRST_BORDER = 4, 4, 7
_BARE = 'CELLBORDER="0" CELLSPACING="0"'


def kind_of(graph: Graph, node: Node) -> str:
    """Return how a node is drawn: "leaf", "constant", "intermediate", or "result" if it is the computed value of the graph."""
    return "result" if node.id == graph.root and node.kind == "intermediate" else node.kind


def strangeness(node: Node) -> str:
    """Return a warning that says where a node holds nan or inf, such as "inf in value"; "" if it holds neither."""
    value, gradient = (" and ".join(kinds_in(data)) for data in (node.data, node.grad))
    if value == gradient and value:
        return f"{value} in value and gradient"
    return ", ".join(f"{found} in {part}" for found, part in ((value, "value"), (gradient, "gradient")) if found)


def box(graph: Graph, node: Node, options: Options) -> str:
    """Return the table of a node."""
    kind, strange, note = kind_of(graph, node), strangeness(node), options.notes.get(node.id)
    rows = _title(node, options)
    if note:
        rows.insert(0, row(cell(f"<B>{font(note, 'note', 12)}</B>{GAP}", 'CELLPADDING="5" ALIGN="LEFT"')))
    if strange:
        rows.append(row(cell(f"<B>{font(f'! {strange}', 'alarm', 11)}</B>{GAP}", 'CELLPADDING="5" ALIGN="LEFT"')))
    if numbers := grid(node, options):
        rows.append(row(cell(numbers, 'CELLPADDING="3"')))
    if node.op:
        strip = cell(_strip(graph, node, options), f'BGCOLOR="{fill("result" if kind == "result" else "strip")}"')
        rows.insert(len(rows) if options.rankdir == "BT" else 0, row(strip))
    rows = rows or [row(cell(f"{quiet(kind)}{ROOM}", 'CELLPADDING="5"'))]
    outline = _outline(kind, bool(strange), None if not note else next(iter(options.notes)) == node.id)
    whole = table("".join(rows), f'{_BARE} CELLPADDING="0" {outline}')
    return table(row(cell(whole)), f'{_BARE} CELLPADDING="3" {outline}') if node.folded else whole


def _outline(kind: str, strange: bool, first_note: bool | None = None) -> str:
    border, style, lines, ground = _OUTLINES[kind]
    if strange:
        border, lines = _ALARM_BORDER, "alarm"
    if first_note is not None:
        border, lines = _FIRST_BORDER if first_note else _NOTE_BORDER, "note"
    return f'BORDER="{border}"{style} COLOR="{line(lines)}" BGCOLOR="{fill(ground)}"'


def _strip(graph: Graph, node: Node, options: Options) -> str:
    """Return the table of the operation and of its operands' numbers, in order, at which the operands' arrows end."""
    operands = len(graph.operand_edges(node.id))
    operation = _operation(node, options)
    if operands == 1 or operands > NUMBERED:
        rows = row(cell(operation, 'PORT="o0"'))
    elif not options.down:  # one under another, on the side at which arrows come in
        first, *others = _ports(operands, ' CELLPADDING="2"')
        middle = cell(operation, f'ROWSPAN="{operands}"')
        rows = row(*((first, middle) if options.rankdir == "LR" else (middle, first))) + "".join(map(row, others))
    elif operands == 2:
        first, second = _ports(operands)
        rows = row(first, cell(operation), second)
    else:
        parts = [row(*_ports(operands, ' WIDTH="18"')), row(cell(operation, f'COLSPAN="{operands}"'))]
        rows = "".join(reversed(parts) if options.rankdir == "BT" else parts)
    return table(rows, f'{PLAIN} CELLPADDING="4"')


def _ports(operands: int, attributes: str = "") -> list[str]:
    return [cell(quiet(str(position + 1)), f'PORT="o{position}"{attributes}') for position in range(operands)]


def _operation(node: Node, options: Options) -> str:
    """Return the operation's sign, its name if that differs, its parameters and the shape of the result."""
    params = "" if node.folded else params_text(node.op, node.params)
    sign = params if node.op == "index" and params else _SIGNS.get(node.symbol, visible(node.symbol))
    words = [str(node.op)] if sign.lower() != node.op and not node.folded else []
    words += [params] if params and params != sign else []
    shape = _shape(node, options)
    titled = node.name or node.id in options.labels
    words += [shape] if not titled and shape not in ("", params) else []
    words += [f"{len(node.folded)} node{'s' * (len(node.folded) > 1)} folded"] if node.folded else []
    bold = f'<FONT POINT-SIZE="13"><B>{named(sign)}</B></FONT>'
    return f"{bold}{GAP}{quiet('  '.join(words))}{GAP}" if words else f"{bold}{ROOM}"


def _shape(node: Node, options: Options) -> str:
    if options.show == "none":
        return ""
    return shape_text(node.shape) or ("()" if options.show == "shape" else "")


def _title(node: Node, options: Options) -> list[str]:
    shape, label = _shape(node, options), options.labels.get(node.id)
    if not node.name and not label and (node.op or not shape):
        return []
    parts = cell(f"<B>{named(node.name)}</B>{ROOM}", f'ALIGN="LEFT"{wide_enough(node.name)}') if node.name else ""
    parts += cell(f"{quiet(label, 12)}{ROOM}", 'ALIGN="LEFT"') if label and not node.name else ""
    parts += cell(f"{quiet(shape)}{ROOM}", 'ALIGN="RIGHT"') if shape else ""
    return [row(cell(table(row(parts), f'{PLAIN} CELLPADDING="5"')))]
