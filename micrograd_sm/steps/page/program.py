"""The reader's own program beside the picture: its lines, and which of them made each node."""

from __future__ import annotations

import linecache
import re
from typing import Any, NamedTuple

from micrograd_sm.graph import Graph
from micrograd_sm.words.names import visible

_SOURCE = re.compile(r"(?P<name>.*?):(?P<number>\d+): (?P<code>.*)", re.DOTALL)
_MOST_LINES = 150  # of a file up to which it is shown whole
_AROUND = 6  # lines shown around those that made nodes, of a longer file


class Program(NamedTuple):
    """The files as JSON, and for each node that a line made the file's index and the line's number."""

    files: list[dict[str, Any]]
    lines: dict[str, tuple[int, int]]


def program_of(graph: Graph) -> Program:
    """Return the program of a graph, empty if its lines were not recorded, or cannot be read any more."""
    names: dict[str, list[str]] = {}
    lines: dict[str, tuple[int, int]] = {}
    for node in graph.unfold():
        found = _SOURCE.fullmatch(node.source or "")
        if found is None:
            continue
        name, number = found["name"], int(found["number"])
        if name not in names:
            names[name] = _text_of(name, number, found["code"])
        if 0 < number <= len(names[name]):
            lines[node.id] = (list(names).index(name), number)
    files = []
    for index, (name, text) in enumerate(names.items()):
        used = [number for file, number in lines.values() if file == index]
        files.append({"name": visible(name)} | _window(text, used))
    return Program(files, lines)


def _text_of(name: str, number: int, code: str) -> list[str]:
    """Return the lines of the file, cell or expression in which the line of this number has this code."""
    for filename in list(linecache.cache):
        named = name == "cell" or re.split(r"[\\/]", filename)[-1] == name
        if named and linecache.getline(filename, number).strip() == code:
            return linecache.getlines(filename)
    return []


def _window(text: list[str], used: list[int]) -> dict[str, Any]:
    """Return the number of the first line that is shown, and the lines: all of a short file, else those around the used."""
    first, last = 1, len(text)
    if last > _MOST_LINES and used:
        first, last = max(1, min(used) - _AROUND), min(last, max(used) + _AROUND, min(used) - _AROUND + _MOST_LINES)
    return {"first": first, "lines": [visible(line.rstrip("\n")).replace("\\t", "    ") for line in text[first - 1 : last]]}
