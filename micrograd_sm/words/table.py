"""Tables, as text and as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

Rows = Sequence[Sequence[str]]


def table_lines(rows: Rows, words: int = 0, remarks: int = 0) -> Iterator[str]:
    """Yield the rows as lines of text. The first `words` columns and the last `remarks` are aligned left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = (f"{cell:{side}{width}}" for cell, side, width in zip(row, _sides(row, words, remarks, "<>"), widths))
        yield "  ".join(cells).rstrip()


def table_html(rows: Rows, words: int = 0, remarks: int = 0, head: bool = True) -> str:
    """Return the rows as a table in HTML, aligned as in `table_lines`; with `head` the first names the columns.

    It sets no colour, so that it is readable in a dark notebook, too.
    """
    parts = [_row(row, "th" if head and not k else "td", words, remarks) for k, row in enumerate(rows)]
    top = f"<thead>{parts.pop(0)}</thead>" if head else ""
    return f'<div style="overflow-x:auto"><table style="margin:0.5em 0">{top}<tbody>{"".join(parts)}</tbody></table></div>'


def _row(row: Sequence[str], tag: str, words: int, remarks: int) -> str:
    cells = (
        f'<{tag} style="text-align:{side};white-space:nowrap">{escape(cell)}</{tag}>'
        for cell, side in zip(row, _sides(row, words, remarks, ("left", "right")))
    )
    return f"<tr>{''.join(cells)}</tr>"


def _sides(row: Sequence[str], words: int, remarks: int, sides: Sequence[str]) -> Iterator[str]:
    left, right = sides
    return (left if k < words or k >= len(row) - remarks else right for k in range(len(row)))
