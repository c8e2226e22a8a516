"""The nodes and the running gradients as lines that fit; marks show the current node and what the step changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from micrograd_sm.array import flat_of, shape_of
from micrograd_sm.array.summary import Summary
from micrograd_sm.graph import Node
from micrograd_sm.steps.terminal.walk import Walk
from micrograd_sm.words.numbers import data_text, number_text

_NOT_YET = "-"
_WIDEST_NAME = 18
_CHANGED = "bold magenta"
_MOST_LINES = 5  # lines for a gradient that changed


def node_lines(walk: Walk, width: int, height: int, safe: Callable[[str], str]) -> list[Text]:
    """Return a heading and the nodes around the current node, each with its operation, value and running gradient."""
    widths = _widths(walk, width)
    heading = Text(_row("", ("name", "made by", "value", "gradient"), widths), style="dim")
    rows = max(height - 1, 0) if height > 2 else height
    nodes = walk.steps.graph.nodes
    start = max(0, min(walk.rows[walk.step.node.id] - rows // 2, len(nodes) - rows))
    gradients, changed = walk.steps.gradients(walk.index), _changed(walk)
    lines = [_line(walk, node, gradients, changed, widths, safe) for node in nodes[start : start + rows]]
    return [heading, *lines] if height > 2 else lines


def gradient_lines(walk: Walk, width: int, height: int, safe: Callable[[str], str]) -> list[Text]:
    """Return the running gradients; those that the step changed come first, marked, with their value before."""
    gradients, changed = walk.steps.gradients(walk.index), _changed(walk)
    lines: list[Text] = []
    for id, before in changed.items():
        was = "the first" if before is None else f"was {data_text(before)}"
        text = safe(f"* {walk.step.names[id]} = {data_text(gradients[id])}, {was}")
        lines += [Text(row, style=_CHANGED) for row in _wrapped(text, width)[:_MOST_LINES]]
    for id in reversed(gradients):
        if id not in changed and len(lines) < height:
            name = safe(walk.step.names[id])
            lines.append(Text(safe(f"  {name} = {fitted(gradients[id], width - cell_len(name) - 5)}")))
    return lines or [Text("none yet: the backward pass begins at the seed", style="dim")]


def _wrapped(text: str, width: int) -> list[str]:
    """Return text in lines of at most `width` columns, all but the first indented."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) > width:
            lines.append(f"    {word}")
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return [cut(line, width) for line in lines]


def fitted(data: Any, width: int) -> str:
    """Return a number or array as text of at most `width` columns, shortened if necessary."""
    choices = [data_text(data)]
    if shape := shape_of(data):
        among = _range(data)
        choices += [f"{shape} {among}", among, str(shape)]
    return next((text for text in choices if len(text) <= width), cut(choices[-1], width))


def _range(data: Any) -> str:
    """Return the smallest and largest element of an array as text; nan comes first, since it spreads to all later nodes."""
    if type(data) is Summary:
        known, has_nan = data.ends, "nan" in data.kinds
    else:
        flat = flat_of(data)
        known = [x for x in flat if x == x]
        has_nan = len(known) < len(flat)
    nan = "nan, " if has_nan else ""
    if not known:
        return "all nan"
    low, high = number_text(min(known)), number_text(max(known))
    return nan + (f"all {low}" if low == high else f"{low} to {high}")


def cut(text: str, width: int) -> str:
    """Return text cut to `width` columns; two dots mark the cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 2) + ".." if width > 4 else set_cell_size(text, max(width, 0))


def _widths(walk: Walk, width: int) -> tuple[int, ...]:
    """Return the widths of name, operation, value and gradient; 0 for a column that has no room."""
    longest = max(map(cell_len, walk.step.names.values()))
    name = max(4, min(longest, _WIDEST_NAME, width // 4 if width >= 30 else width // 3))
    rest = width - 2 - name
    if width < 24:
        return name, 0, 0, max(rest - 2, 0)
    if width < 44:
        return name, 0, (rest - 4) // 2, (rest - 4) // 2
    made = min(rest * 3 // 10, 26)
    return name, made, (rest - made - 6) // 2, (rest - made - 6) // 2


def _line(walk: Walk, node: Node, gradients: dict, changed: dict, widths: tuple[int, ...], safe: Callable) -> Text:
    names = walk.step.names
    operands = [names[edge.source] for edge in walk.steps.graph.operand_edges(node.id)]
    made = " ".join([node.op, *operands]) if node.op else node.kind
    known = node.op is None or walk.computed[node.id] <= walk.index
    current = node.id == walk.step.node.id
    mark = "*" if node.id in changed else ""
    grad = ""
    if node.requires_grad:
        grad = fitted(gradients[node.id], widths[3] - 2) if node.id in gradients else _NOT_YET
    value = fitted(node.data, widths[2]) if known else _NOT_YET
    row = _row(">" if current else "", tuple(map(safe, (names[node.id], made, value, f"{mark} {grad}".strip()))), widths)
    return Text(row, style="bold reverse" if current else "bold" if mark else "" if known else "dim")


def _row(mark: str, cells: tuple[str, ...], widths: tuple[int, ...]) -> str:
    shown = [set_cell_size(cut(cell, width), width) for cell, width in zip(cells, widths, strict=True) if width > 0]
    return f"{mark:<2}" + "  ".join(shown)


def _changed(walk: Walk) -> dict[str, Any]:
    """Return by node id the gradients that the current step set, as they were before it, or None."""
    if walk.step.phase == "seed":
        return {walk.step.node.id: None}
    before: dict[str, Any] = {}
    for contribution in walk.step.contributions:
        before.setdefault(contribution.operand.id, contribution.before)
    return before
