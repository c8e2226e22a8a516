"""Tables, as text and as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

Rows = Sequence[Sequence[str]]


def table_lines(rows: Rows, words: int = 0) -> Iterator[str]:
    """Yield the rows as lines of text: the first `words` columns to the left, the others, which hold numbers, to the right.

    >>> list(table_lines([("node", "value"), ("x", "2"), ("loss", "-4")], words=1))
    ['node  value', 'x         2', 'loss     -4']
    """
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = [cell.ljust(width) if k < words else cell.rjust(width) for k, (cell, width) in enumerate(zip(row, widths))]
        yield "  ".join(cells).rstrip()


def table_html(rows: Rows, words: int = 0, head: bool = True) -> str:
    """Return the rows as a table in HTML; with `head` the first names the columns.

    It names no colour, so that it is read in a dark notebook, too.

    >>> table_html([("node", "value"), ("<x>", "2")], words=1).count("&lt;x&gt;")
    1
    """
    parts = [_row(row, "th" if head and not k else "td", words) for k, row in enumerate(rows)]
    top = f"<thead>{parts.pop(0)}</thead>" if head else ""
    return f'<div style="overflow-x:auto"><table style="margin:0.5em 0">{top}<tbody>{"".join(parts)}</tbody></table></div>'


def _row(row: Sequence[str], tag: str, words: int) -> str:
    sides = ("left" if k < words else "right" for k in range(len(row)))
    cells = (f'<{tag} style="text-align:{side};white-space:nowrap">{escape(cell)}</{tag}>' for cell, side in zip(row, sides))
    return f"<tr>{''.join(cells)}</tr>"
