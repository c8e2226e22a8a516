"""The numbers in a box: the value, and the gradient under it, as tables or as heat strips."""

from __future__ import annotations

from collections.abc import Iterable

from micrograd_sm.draw import cells
from micrograd_sm.draw.markup import GAP, PLAIN, ROOM, cell, font, quiet, room_for, row, table
from micrograd_sm.draw.options import Options
from micrograd_sm.draw.palette import fill, line
from micrograd_sm.graph import Node

_STRANGE = ("nan", "inf", "-inf")
_ALARM = {"value": "alarm", "grad": "grad-alarm"}
_HEAT = 'WIDTH="7" HEIGHT="11"'  # one cell of a heat strip, in points
_STRIP = f'BORDER="1" CELLBORDER="0" CELLSPACING="0" COLOR="{line("faint")}" CELLPADDING="0"'
_SUMMARY_NUMBERS = 4  # as wide as the first numbers of a large array


def grid(node: Node, options: Options) -> str:
    """Return the table of the numbers that `options.show` asks for, "" if there are none; a constant has no gradient."""
    constant = node.kind == "constant"
    parts = []
    if options.show in ("both", "value"):
        parts.append(_part("constant" if constant else "value", "value", node, options))
    if options.show in ("both", "gradient") and not constant:
        parts.append(_part("grad", "grad", node, options))
    between = "<HR/>" if any(len(rows) > 1 for rows in parts) else ""
    lines = between.join(map("".join, parts))
    return table(lines, f'{PLAIN} COLOR="{line("frame")}" CELLPADDING="2"') if parts else ""


def _part(label: str, role: str, node: Node, options: Options) -> list[str]:
    """Return the rows of a value or a gradient, with the label on the left of all of them."""
    data = node.grad if role == "grad" else node.data
    room = options.room.get(node.id, 0)
    texts = cells.texts(data, node.shape)
    columns = max(1, node.shape[-1]) if node.shape and cells.is_whole(node.shape) else 1
    if texts in ([cells.PENDING], [cells.EMPTY], [cells.NOT_COMPUTED]):
        words = font(texts[0], "pending" if role == "grad" and data is None else "quiet", 10)
        rows = [_right(f"{GAP}<I>{words}</I>{ROOM}", columns=columns)]
    elif cells.is_whole(node.shape):
        numbers = [_right(f"{GAP}{_number(text, role)}{ROOM}", room) for text in texts]
        rows = ["".join(numbers[start : start + columns]) for start in range(0, len(numbers), columns)]
    else:
        rows = _summary(texts, cells.heat(data) if options.strips else [], role, room)
    head = cell(quiet(label), f'ROWSPAN="{len(rows)}" ALIGN="LEFT" VALIGN="TOP"')
    return [row(head, rows[0]), *map(row, rows[1:])]


def _right(content: str, room: int = 0, columns: int = 1) -> str:
    span = f' COLSPAN="{columns}"' if columns > 1 else ""
    return cell(content, f'ALIGN="RIGHT"{span}{room_for(room)}')


def _number(text: str, role: str) -> str:
    return f"<B>{font(text, _ALARM[role])}</B>" if text in _STRANGE else font(text, role)


def _summary(texts: list[str], levels: list[int | None], role: str, room: int) -> list[str]:
    """Return a large array's first numbers, its heat strip if it has levels, and between its ends the strip's key, or "to"."""
    first, low, high = texts
    alarming = _ALARM[role] if high.endswith("inf") else role
    least = _right(f"{font(low, role if high else alarming)}{ROOM}", room)
    key = cell(table(row(_heat(range(cells.LEVELS), role)), _STRIP) if levels else quiet("to"))
    greatest = cell(f"{GAP}{font(high, alarming)}" if high else "", 'ALIGN="LEFT"')
    rows = [_right(f"{GAP}{font(first, role)}{ROOM}", (room + 2) * _SUMMARY_NUMBERS if room else 0)]
    if levels:
        rows.append(cell(table(row(_heat(levels, role)), _STRIP), 'ALIGN="LEFT" CELLPADDING="4"'))
    return [*rows, cell(table(row(least, key, greatest), f'{PLAIN} CELLPADDING="1"'), 'ALIGN="LEFT"')]


def _heat(levels: Iterable[int | None], role: str) -> str:
    """Return the cells of a heat strip or its key; a cell whose level is None has a mark."""
    kind = "heat" if role == "value" else "grad-heat"
    mark = cell(f"<B>{font('!', _ALARM[role], 8)}</B>", f'{_HEAT} BGCOLOR="{fill("ground")}"')
    return "".join(mark if level is None else cell("", f'{_HEAT} BGCOLOR="{fill(f"{kind}-{level}")}"') for level in levels)
