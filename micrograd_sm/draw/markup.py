"""Text and tables of DOT's labels, whose syntax is a little of HTML's."""

from __future__ import annotations

import math
from unicodedata import east_asian_width

from micrograd_sm.draw.palette import text
from micrograd_sm.words.names import shortened, visible

# Browsers without Helvetica or Arial draw other letters than the layout measured: room for them beside text. The SVG leaves
# the spaces out, and takes from them where a number ends and which words follow others in one line.
ROOM, GAP = "&#160;", "&#160;&#160;"
PLAIN = 'BORDER="0" CELLBORDER="0" CELLSPACING="0"'
_DIGIT = 6.7  # points that a digit of 12 points takes

_ENTITIES = {  # DOT replaces \\N and its like even here, unless the backslash is doubled
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\": "&#92;&#92;", "  ": "&#160;&#160;",
}  # fmt: skip


def table(rows: str, attributes: str = PLAIN) -> str:
    """Return a table of rows.

    >>> table("<TR><TD>1</TD></TR>", 'BORDER="1"')
    '<TABLE BORDER="1"><TR><TD>1</TD></TR></TABLE>'
    """
    return f"<TABLE {attributes}>{rows}</TABLE>"


def row(*cells: str) -> str:
    """Return a row of cells, each `<TD>...</TD>` already.

    >>> row(cell("1"), cell("2"))
    '<TR><TD>1</TD><TD>2</TD></TR>'
    """
    return f"<TR>{''.join(cells)}</TR>"


def cell(content: str, attributes: str = "") -> str:
    """Return a cell of a table.

    >>> cell("1", 'ALIGN="LEFT"')
    '<TD ALIGN="LEFT">1</TD>'
    """
    return f"<TD{' ' if attributes else ''}{attributes}>{content}</TD>"


def font(words: str, role: str, size: int | None = None) -> str:
    """Return text in the colour of its role, in points.

    >>> font("a < b", "ink", 9)
    '<FONT COLOR="#111827" POINT-SIZE="9">a &lt; b</FONT>'
    """
    points = f' POINT-SIZE="{size}"' if size else ""
    return f'<FONT COLOR="{text(role)}"{points}>{escaped(words)}</FONT>'


def quiet(words: str, size: int = 10) -> str:
    """Return text that steps back.

    >>> quiet("grad")
    '<FONT COLOR="#4b5563" POINT-SIZE="10">grad</FONT>'
    """
    return font(words, "quiet", size)


def named(words: str) -> str:
    """Return a name of anybody's making as text: short, visible, and nothing of it markup.

    >>> named("<b>")
    '&lt;b&gt;'
    """
    return escaped(shortened(visible(words)))


def wide_enough(name: str | None, size: int = 12) -> str:
    """Return the least width for a name outside ASCII, which layout programs without its font measure too narrow.

    >>> wide_enough("x"), wide_enough("日本")
    ('', ' WIDTH="42"')
    """
    shown = shortened(visible(name or ""))
    if shown.isascii():
        return ""
    return f' WIDTH="{math.ceil(sum(1.3 if east_asian_width(char) in "WF" else 0.75 for char in shown) * size) + 10}"'


def room_for(characters: int) -> str:
    """Return the least width of a cell for a number of so many characters.

    >>> room_for(9), room_for(0)
    (' WIDTH="74"', '')
    """
    return f' WIDTH="{math.ceil(characters * _DIGIT + 13)}"' if characters else ""


def escaped(text: str) -> str:
    """Return text for a DOT label in HTML's syntax: markup, backslashes and runs of spaces are only text there.

    >>> escaped('<a & "b">')
    '&lt;a &amp; &quot;b&quot;&gt;'
    """
    for char, entity in _ENTITIES.items():
        text = text.replace(char, entity)
    return text
