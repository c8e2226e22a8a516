"""Text and tables of DOT's labels, whose syntax is a little of HTML's."""

from __future__ import annotations

import html
import math
from unicodedata import east_asian_width

import graphviz

from micrograd_sm.draw.palette import text
from micrograd_sm.words.names import shortened, visible

# Browsers without Helvetica or Arial draw other letters than the layout measured: room for them beside text. The SVG leaves
# the spaces out, and takes from them where a number ends and which words follow others in one line.
ROOM, GAP = "&#160;", "&#160;&#160;"
PLAIN = 'BORDER="0" CELLBORDER="0" CELLSPACING="0"'
_DIGIT = 6.7  # points that a digit of 12 points takes


def table(rows: str, attributes: str = PLAIN) -> str:
    """Return a table of rows."""
    return f"<TABLE {attributes}>{rows}</TABLE>"


def row(*cells: str) -> str:
    """Return a row of cells, each `<TD>...</TD>` already."""
    return f"<TR>{''.join(cells)}</TR>"


def cell(content: str, attributes: str = "") -> str:
    """Return a cell of a table."""
    return f"<TD{' ' if attributes else ''}{attributes}>{content}</TD>"


def font(words: str, role: str, size: int | None = None) -> str:
    """Return text in the colour of its role, in points."""
    points = f' POINT-SIZE="{size}"' if size else ""
    return f'<FONT COLOR="{text(role)}"{points}>{escaped(words)}</FONT>'


def quiet(words: str, size: int = 10) -> str:
    """Return text in the muted colour."""
    return font(words, "quiet", size)


def named(words: str) -> str:
    """Return a user's name as text: short, visible, and nothing of it markup."""
    return escaped(shortened(visible(words)))


def wide_enough(name: str | None, size: int = 12) -> str:
    """Return the least width for a name outside ASCII, which layout programs without its font measure too narrow."""
    shown = shortened(visible(name or ""))
    if shown.isascii():
        return ""
    return f' WIDTH="{math.ceil(sum(1.3 if east_asian_width(char) in "WF" else 0.75 for char in shown) * size) + 10}"'


def room_for(characters: int) -> str:
    """Return the least width of a cell for a number of so many characters."""
    return f' WIDTH="{math.ceil(characters * _DIGIT + 13)}"' if characters else ""


def escaped(words: str) -> str:
    """Return text for a label in HTML's syntax: markup, backslashes and runs of spaces are only text there."""
    return graphviz.escape(html.escape(words, quote=False)).replace("  ", GAP)
