"""The traceback of a script that failed, shortened to the user's own lines."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from itertools import groupby
from traceback import FrameSummary, StackSummary, TracebackException

_PACKAGE = os.path.dirname(os.path.dirname(__file__))
_INSTALLED = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
_PYTHONS_OWN = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]


def print_own_lines(error: BaseException) -> None:
    """Print an exception to stderr as Python does, but only the user's lines: a line says how many others are left out."""
    print("".join(_lines(TracebackException.from_exception(error))), end="", file=sys.stderr)


def _lines(error: TracebackException) -> Iterator[str]:
    if error.__cause__ is not None:
        yield from _lines(error.__cause__)
        yield "\nThe above exception was the direct cause of the following exception:\n\n"
    elif error.__context__ is not None and not error.__suppress_context__:
        yield from _lines(error.__context__)
        yield "\nDuring handling of the above exception, another exception occurred:\n\n"
    if any(_library(frame) is None for frame in error.stack):
        yield "Traceback (most recent call last):\n"
    started = False  # what runs the script comes before its first line
    for own, group in groupby(error.stack, lambda frame: _library(frame) is None):
        frames = list(group)
        if own:
            yield from StackSummary.from_list(frames).format()
            started = True
        elif started:
            libraries = " and ".join(dict.fromkeys(filter(None, map(_library, frames))))
            yield f"  ... {len(frames)} {'line' if len(frames) == 1 else 'lines'} of {libraries} left out\n"
    yield from error.format_exception_only()


def _library(frame: FrameSummary) -> str | None:
    """Return the name of the library that a line belongs to, None for the user's own."""
    if frame.filename.startswith("<frozen "):
        return "Python"
    if _is_in(frame.filename, _PACKAGE):
        return "micrograd_sm"
    for folder in _INSTALLED:
        if _is_in(frame.filename, folder):
            return os.path.relpath(frame.filename, folder).split(os.sep)[0].removesuffix(".py")
    return "Python" if any(_is_in(frame.filename, folder) for folder in _PYTHONS_OWN) else None


def _is_in(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, ""))
