"""A Jupyter notebook as a script: its code cells in order, without what only IPython understands."""

from __future__ import annotations

import json
import linecache
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from micrograd_sm.words.names import visible

_MAGIC = re.compile(r"\s*(?:[\w.,\s]+=\s*)?[%!]|.*\?\s*$")
_TIMED = re.compile(r"(\s*)%time\s+(.*)")
_STILL_PYTHON = {"capture", "prun", "time"}  # cell magics whose cell is Python all the same


class Cell(NamedTuple):
    """The code of one cell, the name under which its lines are known, and how many lines were left out."""

    source: Any
    filename: str
    left_out: int


def cells_of(path: Path, content: bytes) -> list[Cell]:
    """Return the code cells of a notebook. Raises ValueError if it is none.

    A cell's lines are `FILE.ipynb[3]:1: ...`, counted from 1 among all code cells.
    """
    shown = visible(path.name)
    try:
        notebook = json.loads(content)
        sources = list(_sources(notebook))
    except (AttributeError, KeyError, TypeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{shown} is not a Jupyter notebook: {type(error).__name__}: {error}") from None
    cells = []
    for number, source in enumerate(sources, 1):
        filename = f"{path.absolute()}[{number}]"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        cells.append(_python(source, filename))
    return cells


def _sources(notebook: Any) -> Iterator[str]:
    cells = notebook["cells"] if "cells" in notebook else [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    for cell in cells:
        if cell["cell_type"] == "code":
            source = cell["source"] if "source" in cell else cell["input"]  # format 3 had another word
            yield source if isinstance(source, str) else "".join(source)


def _python(source: str, filename: str) -> Cell:
    """Return a cell without magics, shell commands and questions; lines keep their numbers."""
    lines = source.split("\n")
    if lines[0].startswith("%%") and lines[0][2:].split(" ")[0].strip() not in _STILL_PYTHON:
        return Cell("", filename, len(lines))
    kept = list(lines)
    while (number := _unreadable("\n".join(kept), filename)) is not None and _MAGIC.match(line := kept[number]):
        timed = _TIMED.fullmatch(line)
        kept[number] = "".join(timed.groups()) if timed else re.sub(r"\S.*", "pass", line)
    return Cell("\n".join(kept), filename, sum(a != b for a, b in zip(lines, kept, strict=True)))


def _unreadable(source: str, filename: str) -> int | None:
    """Return the index of the line at which Python cannot read code, or None if it can."""
    try:
        compile(source, filename, "exec")
    except SyntaxError as error:
        return min(error.lineno or 1, source.count("\n") + 1) - 1
    return None
