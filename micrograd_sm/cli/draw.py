"""`micrograd-sm draw`: the graph of an expression, or of a script's loss, as a picture."""

from __future__ import annotations

import argparse
import sys
import textwrap
from math import prod

from micrograd_sm.array import flat_of
from micrograd_sm.cli import target
from micrograd_sm.cli.syntax import FUNCTIONS
from micrograd_sm.draw import draw, format_of, in_a_folder
from micrograd_sm.draw.folding import Fold
from micrograd_sm.draw.options import DIRECTIONS, SHOWN
from micrograd_sm.graph.evaluation import backward_pass
from micrograd_sm.words.names import visible
from micrograd_sm.words.numbers import numbers

ABOUT = "draw the graph of an expression or a script's loss, with values and gradients"
EPILOG = f"""\
An expression holds numbers, lists, + - * / ** @, comparisons, indexing, and
calls of the functions below, also as methods. It is parsed, and nothing of it
runs as Python. Assignments before it, separated by ';' or new lines, give
names. Numbers and lists become leaves with a gradient if they are operands
or a function's input; exponents, targets, dims and indices stay as they are.

FILE.py is run as `python FILE.py` runs it, and its last backward pass from the
value that it calls `loss` is drawn, or another one, with --pass.

functions:
{textwrap.fill(", ".join(sorted(FUNCTIONS, key=str.lower)), 76, initial_indent="  ", subsequent_indent="  ")}

examples:
  micrograd-sm draw "cross_entropy([[1.0, 2.0, 0.1]], [2])" -o loss.svg
  micrograd-sm draw "a = 2.0; b = -3.0; c = 10.0; a * b + c" -o neuron.png
  micrograd-sm draw "cross_entropy([[1.0, 2.0]], [0])" -o loss.svg \\
      --rankdir LR --edges --fold log_softmax
  micrograd-sm draw train.py --pass 1 -o before.svg
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    target.add_options(parser)
    add = parser.add_argument
    add("-o", "--output", metavar="FILE", type=picture, required=True, help="picture to write: .svg, .png, .pdf or .dot")
    add("--rankdir", choices=DIRECTIONS, default="TB", help="where the arrows run (default: %(default)s, down)")
    add("--show", choices=SHOWN, default="both", help="what boxes show (default: %(default)s, value and gradient)")
    add("--edges", action="store_true", help="write on each edge: local derivative x upstream gradient = contribution")
    add(
        "--fold", metavar="WHAT",
        help="make one box of each call of a function, named here, as in --fold log_softmax,nll_loss; or of all calls at a "
        "depth, 0 for the outermost; or never (default: just enough to draw at most 200 nodes)",
    )  # fmt: skip


def picture(path: str) -> str:
    """Return the path of a picture; any other ending is wrong usage."""
    try:
        format_of(path)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{path!r} must end in .svg, .png, .pdf or .dot") from None
    return path


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    output = in_a_folder(options.output).absolute()  # before the script, which may change folders
    found = target.target_of(options.what, options.name, options.pass_number, "draw", arguments=options.given)
    graph, root = found.graph, found.graph[found.graph.root]
    what = visible(found.name)
    size = prod(root.shape)
    result = f"{what} {numbers(flat_of(root.data))[0]}" if size == 1 else f"{what} of shape {root.shape}"
    if found.passed or (size == 1 and root.requires_grad):
        graph = graph.with_gradients(backward_pass(graph, found.seed).gradients)
        print(f"{result}, with the gradients of {found.passed or 'a backward pass'}")
    else:
        reduce = "a backward pass starts from one number,\nso reduce it to one, as in (...).sum()"
        why = "nothing in it requires any" if size == 1 else reduce
        graph = graph.with_gradients({})
        print(f"{result}, drawn without gradients: {why}")
    if found.note and not found.note.startswith(found.passed or "\0"):
        print(f"micrograd-sm: {found.note}", file=sys.stderr)
    drawing = draw(graph, rankdir=options.rankdir, show=options.show, edges=options.edges, fold=_fold(options.fold))
    drawing.save(output)
    if drawing.folded_from:
        print(f"{drawing.folded_from} nodes are many to read, so functions are folded; --fold never opens all")
    print(f"{len(drawing.graph)} nodes drawn: {options.output}")
    return 0


def _fold(text: str | None) -> Fold:
    """Return --fold as the argument `fold` of `draw`."""
    if text is None or text == "never":
        return None if text is None else False
    return int(text) if text.strip().lstrip("-").isdecimal() else text.split(",")
