"""Text and tables of DOT's labels, whose syntax is a part of HTML's."""

from __future__ import annotations

import html
import math
from unicodedata import east_asian_width

import graphviz

from micrograd_sm.draw.palette import text
from micrograd_sm.words.names import shortened, visible

# Room beside text, for browsers whose letters are wider than those that the layout measured. `svg` removes these spaces: they
# show it where a number ends and which words continue a line.
ROOM, GAP = "&#160;", "&#160;&#160;"
PLAIN = 'BORDER="0" CELLBORDER="0" CELLSPACING="0"'
_LETTER = 12  # points
_DIGIT = 6.7  # the width of a digit of 12 points


def table(rows: str, attributes: str = PLAIN) -> str:
    return f"<TABLE {attributes}>{rows}</TABLE>"


def row(*cells: str) -> str:
    return f"<TR>{''.join(cells)}</TR>"


def cell(content: str, attributes: str = "") -> str:
    return f"<TD{' ' if attributes else ''}{attributes}>{content}</TD>"


def font(words: str, role: str, size: int | None = None) -> str:
    """Return text in the colour of its role, in a size in points."""
    points = f' POINT-SIZE="{size}"' if size else ""
    return f'<FONT COLOR="{text(role)}"{points}>{escaped(words)}</FONT>'


def quiet(words: str, size: int = 10) -> str:
    """Return text in the muted colour."""
    return font(words, "quiet", size)


def named(words: str) -> str:
    """Return a user's name as text: shortened, visible and escaped."""
    return escaped(shortened(visible(words)))


def wide_enough(name: str) -> str:
    """Return the least width for a name outside ASCII, which layout programs without its font measure too narrow."""
    shown = shortened(visible(name))
    width = sum(1.3 if east_asian_width(char) in "WF" else 0.75 for char in shown) * _LETTER
    return "" if shown.isascii() else f' WIDTH="{math.ceil(width) + 10}"'


def room_for(characters: int) -> str:
    """Return the least width of a cell for a number of this many characters."""
    return f' WIDTH="{math.ceil(characters * _DIGIT + 13)}"' if characters else ""


def escaped(words: str) -> str:
    """Return text for a label in HTML's syntax, in which markup, backslashes and runs of spaces stay text."""
    return graphviz.escape(html.escape(words, quote=False)).replace("  ", GAP)
