"""DOT to SVG, PNG or PDF, by Graphviz's `dot`, or by graphviz-pure, the same layout engine as a wheel."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path
from subprocess import CalledProcessError, TimeoutExpired

from graphviz import ExecutableNotFound
from graphviz.backend.execute import run_check  # its `pipe` has no time limit, and runs no program but `dot`

_SECONDS = 60
_SITE = "https://graphviz.org/download"


def render(source: str, format: str) -> bytes:
    """Return the laid-out picture as svg, png or pdf, by `dot` if it is on PATH, else by graphviz-pure, which has no pdf.

    Raises RuntimeError if neither is found, with what to install, or if the program fails, with its own words.
    """
    dot, pure = find_dot(), find_pure()
    programs = [program for program in (dot, pure if format != "pdf" else None) if program]
    for program in programs:
        try:
            return _run(program, source, format)
        except RuntimeError:
            if program == programs[-1]:
                raise
    raise RuntimeError(_what_to_install(format, pure))


def find_dot() -> str | None:
    """Return the path of Graphviz's `dot` on PATH, or None."""
    return shutil.which("dot")


def find_pure() -> str | None:
    """Return the path of `graphviz-pure`, beside Python (even if its environment is not active) or on PATH, or None."""
    folders = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    found = (shutil.which("graphviz-pure", path=str(folder)) for folder in folders)
    return next(filter(None, found), None) or shutil.which("graphviz-pure")


def _what_to_install(format: str, pure: str | None) -> str:
    if format == "pdf" and pure:
        return f"draw: pdf needs Graphviz's own dot on PATH ({_SITE}); graphviz-pure, which is installed, writes svg and png"
    if format == "pdf":
        return f"draw: pdf needs Graphviz's dot, and none is on PATH; install Graphviz ({_SITE})"
    return f"draw: no program found that lays out graphs; pip install 'micrograd_sm[draw]', or Graphviz ({_SITE})"


def _run(program: str, source: str, format: str) -> bytes:
    command = [program, f"-T{format}", *(["-Gdpi=144"] if format == "png" else [])]
    try:
        done = run_check(command, input=source.encode(), capture_output=True, quiet=True, timeout=_SECONDS)
        if not done.stdout:
            raise CalledProcessError(0, command, stderr=done.stderr)
    except TimeoutExpired:
        way_out = "draw a smaller graph, or save it with the ending .dot, which needs no layout"
        raise RuntimeError(f"draw: {program} took longer than {_SECONDS} seconds; {way_out}") from None
    except CalledProcessError as error:
        raise RuntimeError(f"draw: {program} failed: {_complaint(error)}") from None
    except (OSError, ExecutableNotFound) as error:
        raise RuntimeError(f"draw: {program} could not be started: {error}") from None
    return done.stdout


def _complaint(error: CalledProcessError) -> str:
    """Return the program's first line that starts with "Error", else its last line, else its exit code."""
    lines = error.stderr.decode(errors="replace").strip().splitlines()
    errors = (line for line in lines if line.startswith("Error"))
    return next(errors, lines[-1] if lines else f"exit code {error.returncode}")
