"""The box of one node: its operation, name and shape, its value and its gradient, as a table of DOT's."""

from __future__ import annotations

from micrograd_sm.draw.cells import strange_in
from micrograd_sm.draw.grid import grid
from micrograd_sm.draw.markup import GAP, PLAIN, ROOM, cell, font, named, quiet, row, table, wide_enough
from micrograd_sm.draw.options import Options
from micrograd_sm.draw.palette import fill, line
from micrograd_sm.graph import Graph, Node
from micrograd_sm.words.names import visible
from micrograd_sm.words.parameters import params_text, shape_text

NUMBERED = 32  # operands up to which each has a port of its own

_SIGNS = {"*": "×", "-": "−"}
_OUTLINES = {  # leaves are round, constants dashed, and what was computed has corners: border, style, line, ground
    "leaf": (2, ' STYLE="ROUNDED"', "leaf", "leaf"),
    "constant": (1, ' STYLE="DASHED"', "faint", "constant"),
    "intermediate": (1, "", "edge", "ground"),
    "result": (3, "", "edge", "ground"),
}
_ALARM_BORDER = 4
_BARE = 'CELLBORDER="0" CELLSPACING="0"'


def kind_of(graph: Graph, node: Node) -> str:
    """Return what a node is drawn as: "leaf", "constant", "intermediate", or "result" for the graph's own computed value."""
    return "result" if node.id == graph.root and node.kind == "intermediate" else node.kind


def strangeness(node: Node) -> str:
    """Return what to warn of in a node: which of nan and inf it is or holds, and where; "" for nothing.

    >>> from micrograd_sm import Value
    >>> strangeness(Graph(Value(0.0).log())["v1"])
    'inf in value'
    """
    value, gradient = strange_in(node.data), strange_in(node.grad)
    if value == gradient and value:
        return f"{' and '.join(value)} in value and gradient"
    found = [f"{' and '.join(words)} in {where}" for where, words in (("value", value), ("gradient", gradient)) if words]
    return ", ".join(found)


def box(graph: Graph, node: Node, options: Options) -> str:
    """Return the table of a node."""
    kind = kind_of(graph, node)
    strange = strangeness(node)
    rows = _title(node, options)
    rows += [_alarm(strange)] if strange else []
    numbers = grid(node, options)
    rows += [row(cell(numbers, 'CELLPADDING="3"'))] if numbers else []
    if node.op:
        strip = row(cell(_strip(graph, node, options), f'BGCOLOR="{fill("result" if kind == "result" else "strip")}"'))
        rows = [*rows, strip] if options.rankdir == "BT" else [strip, *rows]
    rows = rows or [row(cell(f"{quiet(kind)}{ROOM}", 'CELLPADDING="5"'))]
    outline = _outline(kind, bool(strange))
    whole = table("".join(rows), f'{_BARE} CELLPADDING="0" {outline}')
    return table(row(cell(whole)), f'{_BARE} CELLPADDING="3" {outline}') if node.folded else whole


def _alarm(strange: str) -> str:
    return row(cell(f"<B>{font(f'! {strange}', 'alarm', 11)}</B>{GAP}", 'CELLPADDING="5" ALIGN="LEFT"'))


def _outline(kind: str, strange: bool) -> str:
    border, style, lines, ground = _OUTLINES[kind]
    if strange:
        border, lines = _ALARM_BORDER, "alarm"
    return f'BORDER="{border}"{style} COLOR="{line(lines)}" BGCOLOR="{fill(ground)}"'


def _strip(graph: Graph, node: Node, options: Options) -> str:
    """Return the part at which the operands' arrows end, the first operand first, around or beside the operation."""
    operands = len(graph.operand_edges(node.id))
    said = _operation(node, options)
    if operands == 1 or operands > NUMBERED:
        rows = row(cell(said, 'PORT="o0"'))
    elif not options.down:
        rows = _beside(operands, said, options)
    elif operands == 2:
        rows = row(cell(quiet("1", 9), 'PORT="o0"'), cell(said), cell(quiet("2", 9), 'PORT="o1"'))
    else:
        ports = (cell(quiet(str(place + 1), 9), f'PORT="o{place}" WIDTH="18"') for place in range(operands))
        parts = [row(*ports), row(cell(said, f'COLSPAN="{operands}"'))]
        rows = "".join(reversed(parts) if options.rankdir == "BT" else parts)
    return table(rows, f'{PLAIN} CELLPADDING="4"')


def _beside(operands: int, said: str, options: Options) -> str:
    """Return the operands' numbers one under another, on the side at which arrows come in."""
    ports = [cell(quiet(str(place + 1), 9), f'PORT="o{place}" CELLPADDING="2"') for place in range(operands)]
    middle = cell(said, f'ROWSPAN="{operands}"')
    first = [ports[0], middle] if options.rankdir == "LR" else [middle, ports[0]]
    return row(*first) + "".join(map(row, ports[1:]))


def _operation(node: Node, options: Options) -> str:
    """Return the operation's sign, its name where the sign is another, its parameters and the result's shape."""
    params = "" if node.folded else params_text(node.op, node.params)
    sign = params if node.op == "index" and params else _SIGNS.get(node.symbol, visible(node.symbol))
    words = [str(node.op)] if sign.lower() != node.op and not node.folded else []
    words += [params] if params and params != sign else []
    shape = _shape(node, options)
    titled = node.name or node.id in options.labels
    words += [shape] if not titled and shape not in ("", params) else []
    words += [f"{len(node.folded)} nodes folded"] if node.folded else []
    said = f'<FONT POINT-SIZE="13"><B>{named(sign)}</B></FONT>'
    return f"{said}{GAP}{quiet('  '.join(words))}{GAP}" if words else f"{said}{ROOM}"


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
