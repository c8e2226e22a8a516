"""`micrograd-sm step`: walk through a backward pass in the terminal, print it, or write it as a page."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from micrograd_sm.cli import target
from micrograd_sm.draw import in_a_folder
from micrograd_sm.steps import Steps

ABOUT = "walk through the back-propagation of an expression, or of a script's loss"
EPILOG = """\
EXPRESSION is what `draw` takes. FILE.py is run as `python FILE.py` runs it, and
its last backward pass from the value that it calls `loss` is shown, or another
one, with --pass. In a terminal, ? lists the keys; if the output is not one,
every step is printed.

examples:
  micrograd-sm step "a = 2.0; b = -3.0; (a * b + a).tanh()"
  micrograd-sm step neuron.py --name out
  micrograd-sm step train.py --pass 1
  micrograd-sm step "cross_entropy([[1.0, 2.0, 0.1]], [2])" -o backprop.html
  micrograd-sm step neuron.py -o slides.pdf
  micrograd-sm step neuron.py -o step.png --at 12
"""


_ENDINGS = (".html", ".htm", ".pdf", ".gif", ".mp4", ".svg", ".png")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    target.add_options(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=_output,
        help="file to write in place of walking: a page, .html; slides, .pdf; a film, .gif or .mp4; one step, .svg or .png",
    )  # fmt: skip
    parser.add_argument("--at", metavar="N", type=int, help="the step of .svg and .png, counted from 1 (default: the last)")
    parser.add_argument("--seconds", metavar="S", type=float, help="of each step of a film (default: 2)")
    parser.add_argument(
        "--rankdir", choices=("TB", "LR", "BT", "RL"), help="where the arrows run, on pages and slides (default: what fits)"
    )
    parser.add_argument("--plain", action="store_true", help="print every step")
    parser.add_argument(
        "--grain", choices=("node", "contribution"), default="node",
        help="one backward step for each operation, or for each contribution (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--fold", metavar="NAME|DEPTH", action="append", default=[],
        help="show a composed function as one operation: by name or path, or all at a depth, 0 outermost; may be repeated",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    from micrograd_sm.steps.record import of_graph  # noqa: PLC0415 - only for who steps

    output = in_a_folder(options.output).absolute() if options.output else None  # before the script, which may change folders
    explore = None if options.plain or output else _explorer()
    wanted = options.name, options.pass_number
    found = target.target_of(options.what, *wanted, "step", arguments=options.given, lines=output is not None)
    walk = _folded(of_graph(found.graph, found.seed, options.grain, earlier=True, rankdir=options.rankdir), options.fold)
    notes = [found.note] if found.note else []
    if walk.earlier:
        notes.append("gradients of earlier backward passes are kept apart: these steps start from none")
    if output:
        given = {name: x for name, x in (("at", options.at), ("seconds", options.seconds)) if x is not None}
        walk.save(output, **given)
        print(f"{len(walk)} steps: {options.output}")
    elif explore:
        explore(walk, "; ".join(notes))
    else:
        for note in notes:
            print(f"micrograd-sm: {note}", file=sys.stderr)
        print(walk.text())
    return 0


def _folded(walk: Steps, wanted: list[str]) -> Steps:
    names = [text for text in wanted if not text.isdecimal()]
    for depth in filter(str.isdecimal, wanted):
        walk = walk.fold(depth=int(depth))
    return walk.fold(*names) if names else walk


def _output(path: str) -> str:
    if Path(path).suffix.lower() not in _ENDINGS:
        raise argparse.ArgumentTypeError(f"{path!r} must end in .html, .pdf, .gif, .mp4, .svg or .png")
    return path


def _explorer() -> Callable[[Steps, str], None] | None:
    """Return the function that lets a reader walk by key, or None if keys cannot be read."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    if sys.platform == "win32" or os.environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        why = "keys are not read on Windows" if sys.platform == "win32" else "this terminal cannot move its cursor"
        print(f"micrograd-sm: {why}, so every step is printed", file=sys.stderr)
        return None
    try:
        from micrograd_sm.steps.terminal.session import explore  # noqa: PLC0415 - rich, only for who walks
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "rich":
            raise
        raise RuntimeError("step: walking by key needs rich: pip install 'micrograd_sm[terminal]', or add --plain") from None
    return explore
