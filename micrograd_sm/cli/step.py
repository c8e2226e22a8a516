"""`micrograd-sm step`: walk through a backward pass in the terminal, print it, or write it as a page."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from micrograd_sm.cli.expression import evaluate
from micrograd_sm.cli.script import run_script, value_in
from micrograd_sm.draw import in_a_folder
from micrograd_sm.engine import Value
from micrograd_sm.steps import Steps, steps

ABOUT = "walk through the back-propagation of an expression, or of a script's loss"
EPILOG = """\
EXPRESSION is what `draw` takes. FILE.py is run as `python FILE.py` runs it, and
the value that it calls `loss` is taken. In a terminal, ? lists the keys; where
the output is none, every step is printed.

examples:
  micrograd-sm step "a = 2.0; b = -3.0; (a * b + a).tanh()"
  micrograd-sm step neuron.py --name out
  micrograd-sm step "cross_entropy([[1.0, 2.0, 0.1]], [2])" -o backprop.html
"""
_PAGES = (".html", ".htm")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes.

    >>> parser = argparse.ArgumentParser()
    >>> add_options(parser)
    >>> parser.parse_args(["x.py", "--fold", "0"]).fold
    ['0']
    """
    parser.add_argument("what", metavar="EXPRESSION|FILE.py", help="what to compute, or a script that computes it")
    parser.add_argument("--name", metavar="NAME", help="the script's variable to start from (default: loss)")
    parser.add_argument("-o", "--output", metavar="FILE", type=_page, help="page to write in place of walking: .html")
    parser.add_argument("--plain", action="store_true", help="print every step")
    parser.add_argument(
        "--grain",
        choices=("node", "contribution"),
        default="node",
        help="one backward step for each operation, or for each contribution (default: %(default)s)",
    )
    parser.add_argument(
        "--fold",
        metavar="NAME|DEPTH",
        action="append",
        default=[],
        help="show a composed function as one operation: by name or path, or all at a depth, 0 outermost; may be repeated",
    )


def run(options: argparse.Namespace) -> int:
    """Do what the command's options ask for and return the exit code.

    >>> run(argparse.Namespace(what="x = 0.0; exp(x)", name=None, output=None, plain=True, grain="node", fold=[]))
    1  forward   L = exp(x) = exp(0) = 1
    2  seed      dL/dL = 1
    3  backward  dL/dx += dL/dL * dL/dx = 1 * 1 = 1, from nothing to 1
    0
    """
    output = in_a_folder(options.output).absolute() if options.output else None  # before the script, which may change folders
    explore = None if options.plain or output else _explorer()
    walk = _folded(_recorded(options), options.fold)
    note = "gradients of earlier backward passes are kept apart: these steps start from none" if walk.earlier else ""
    if output:
        walk.save(output)
        print(f"{len(walk)} steps: {options.output}")
    elif explore:
        explore(walk, note)
    else:
        if note:
            print(f"micrograd-sm: {note}", file=sys.stderr)
        print(walk.text())
    return 0


def _recorded(options: argparse.Namespace) -> Steps:
    loss: Value
    if options.what.endswith(".py"):
        variables = run_script(options.what)
        loss = value_in(variables, options.name or "loss", options.what)
        return steps(loss, names=variables, grain=options.grain)
    if options.name:
        raise ValueError("--name says which value of a script to take; an expression is itself the value")
    return steps(evaluate(options.what), names={}, grain=options.grain)


def _folded(walk: Steps, wanted: list[str]) -> Steps:
    names = [one for one in wanted if not one.isdecimal()]
    for depth in (int(one) for one in wanted if one.isdecimal()):
        walk = walk.fold(depth=depth)
    return walk.fold(*names) if names else walk


def _page(path: str) -> str:
    """Return the name of a page's file; another ending is wrong usage."""
    if Path(path).suffix.lower() not in _PAGES:
        raise argparse.ArgumentTypeError(f"{path!r} must end in .html")
    return path


def _explorer() -> Callable[[Steps, str], None] | None:
    """Return what lets a reader walk by key; None where keys cannot be read, and the steps are printed."""
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
