"""DOT to SVG, PNG or PDF, by Graphviz's `dot`, or by graphviz-pure, the same layout engine in a wheel."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path
from subprocess import CalledProcessError, TimeoutExpired

from graphviz import ExecutableNotFound
from graphviz.backend.execute import run_check  # its `pipe` has no time limit, and runs no program but `dot`

_SECONDS = 60
_WAY_OUT = "draw a smaller graph, or save it with the ending .dot, which needs no layout"
_INSTALL = "pip install 'micrograd_sm[draw]'"


def render(source: str, format: str) -> bytes:
    """Return a picture laid out: `format` is svg, png or pdf.

    `dot` on PATH comes first, then graphviz-pure, which has no pdf. Raises RuntimeError if neither is found, with what to
    install, or if the program fails, with its own words.
    """
    dot, pure = find_dot(), find_pure()
    programs = [program for program in (dot, pure if format != "pdf" else None) if program]
    if not programs:
        raise RuntimeError(_what_to_install(format, pure))
    for program in programs[:-1]:
        try:
            return _run(program, source, format)
        except RuntimeError:
            continue
    return _run(programs[-1], source, format)


def find_dot() -> str | None:
    """Return the path of Graphviz's `dot` on PATH, or None."""
    return shutil.which("dot")


def find_pure() -> str | None:
    """Return the path of `graphviz-pure`: on PATH, or beside Python, whose environment need not be activated; or None."""
    folders = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    found = (shutil.which("graphviz-pure", path=str(folder)) for folder in folders)
    return next(filter(None, found), None) or shutil.which("graphviz-pure")


def _what_to_install(format: str, pure: str | None) -> str:
    if format == "pdf" and pure:
        return (
            "draw: pdf needs Graphviz's own dot on PATH (https://graphviz.org/download); graphviz-pure, which is installed, "
            "writes svg and png"
        )
    if format == "pdf":
        return "draw: pdf needs Graphviz's dot, and none is on PATH; install Graphviz (https://graphviz.org/download)"
    return f"draw: no program found that lays out graphs; {_INSTALL}, or Graphviz (https://graphviz.org/download)"


def _run(program: str, source: str, format: str) -> bytes:
    command = [program, f"-T{format}", *(["-Gdpi=144"] if format == "png" else [])]
    try:
        done = run_check(command, input=source.encode(), capture_output=True, quiet=True, timeout=_SECONDS)
        if not done.stdout:
            raise CalledProcessError(0, command, stderr=done.stderr)
    except TimeoutExpired:
        raise RuntimeError(f"draw: {program} took longer than {_SECONDS} seconds; {_WAY_OUT}") from None
    except CalledProcessError as error:
        raise RuntimeError(f"draw: {program} failed: {_complaint(error)}") from None
    except (OSError, ExecutableNotFound) as error:
        raise RuntimeError(f"draw: {program} could not be started: {error}") from None
    return done.stdout


def _complaint(error: CalledProcessError) -> str:
    """Return the first line in which the program says what the error is, else its last, else its exit code."""
    words = error.stderr.decode(errors="replace").strip().splitlines()
    errors = [line for line in words if line.startswith("Error")]
    return [*errors[:1], *words[-1:], f"exit code {error.returncode}"][0]
