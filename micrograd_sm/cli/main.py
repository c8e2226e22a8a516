"""The command `micrograd-sm`: the demonstration, and pictures, steps and studies of the user's own expressions."""

from __future__ import annotations

import argparse
import os
import re
import sys
import textwrap
from collections.abc import Callable, Sequence

import micrograd_sm
from micrograd_sm.cli import demo, step, study
from micrograd_sm.cli.expression import evaluate
from micrograd_sm.cli.syntax import FUNCTIONS, NUMBERS
from micrograd_sm.draw import draw, format_of, in_a_folder
from micrograd_sm.draw.folding import Fold
from micrograd_sm.draw.options import DIRECTIONS, SHOWN
from micrograd_sm.words.numbers import numbers

_EXPRESSION = f"""\
An expression holds numbers, lists, + - * / ** @, comparisons, indexing, and
calls of the functions below, also as methods. It is parsed, and nothing of it
runs as Python. Assignments before it, separated by ';' or new lines, give
names. Numbers and lists become leaves with a gradient where they are operands
or a function's input; exponents, targets, dims and indices stay as they are.

functions:
{textwrap.fill(", ".join(sorted(FUNCTIONS, key=str.lower)), 76, initial_indent="  ", subsequent_indent="  ")}

examples:
  micrograd-sm draw "cross_entropy([[1.0, 2.0, 0.1]], [2])" -o loss.svg
  micrograd-sm draw "a = 2.0; b = -3.0; c = 10.0; a * b + c" -o neuron.png
  micrograd-sm draw "cross_entropy([[1.0, 2.0]], [0])" -o loss.svg \\
      --rankdir LR --edges --fold log_softmax
"""
_DEMO = """\
Prints the loss of three rows of logits, its gradient and the classes drawn
from them, beside the expected figures, and draws the graph. Exits with 1 if a
figure differs or the picture cannot be drawn.

example:
  micrograd-sm demo -o cross_entropy.svg
"""
_ABOUT = """\
examples:
  micrograd-sm demo
  micrograd-sm draw "cross_entropy([[1.0, 2.0, 0.1]], [2])" -o loss.svg
  micrograd-sm step "cross_entropy([[1.0, 2.0, 0.1]], [2])"
  micrograd-sm study explain "x = [1.0, 2.0, 0.1]; cross_entropy(x, 2)" x

exit codes: 0 done, 1 the work failed, 2 wrong usage
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments, by default the process's, and return its exit code.

    0 when done, 1 with one line on stderr when the work failed, 130 when interrupted. Wrong usage exits with 2.

    >>> main(["draw", "lambda: 0", "-o", "loss.svg"])
    1
    """
    if sys.stdout is None:  # closed before the start, as `>&-` does
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the process prints
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args([f" {one}" if _NEGATIVE.match(one) else one for one in given])
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a character shows its code
    try:
        code = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        return _pipe_closed()
    except KeyboardInterrupt:
        return _failed("interrupted", 130)
    except (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        return _failed(str(error) or type(error).__name__, 1)
    return code


# Begins with a minus and is an expression; with a space before it, argparse takes it for no option.
_NEGATIVE = re.compile(rf"-[-+\s]*([^-+\sA-Za-z_=]|({'|'.join([*FUNCTIONS])})\s*\(|({'|'.join(NUMBERS)})\b)")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="micrograd-sm",
        description="See and understand the gradients of classification losses.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"micrograd-sm {micrograd_sm.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    shown = _command(commands, "demo", "a loss, its gradient and its picture, figures beside the expected", _DEMO, _demo)
    shown.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=_picture,
        default="cross_entropy.svg",
        help="picture to write: .svg, .png, .pdf or .dot (default: %(default)s)",
    )
    drawn = _command(commands, "draw", "draw the graph of an expression, with values and gradients", _EXPRESSION, _draw)
    drawn.add_argument("expression", metavar="EXPRESSION", help="what to compute and draw")
    drawn.add_argument(
        "-o", "--output", metavar="FILE", type=_picture, required=True, help="picture to write: .svg, .png, .pdf or .dot"
    )
    _add_looks(drawn)
    stepped = _command(commands, "step", step.ABOUT, step.EPILOG, step.run)
    step.add_options(stepped)
    studied = commands.add_parser(
        "study", help=study.ABOUT, description=f"{study.ABOUT.capitalize()}.", epilog=study.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    study.add_options(studied)
    return parser


def _add_looks(drawn: argparse.ArgumentParser) -> None:
    """Add the options that say how a picture looks."""
    drawn.add_argument("--rankdir", choices=DIRECTIONS, default="TB", help="where the arrows run (default: %(default)s, down)")
    drawn.add_argument(
        "--show", choices=SHOWN, default="both", help="what boxes show (default: %(default)s, value and gradient)"
    )
    drawn.add_argument(
        "--edges", action="store_true", help="write on each edge: local derivative x upstream gradient = contribution"
    )
    drawn.add_argument(
        "--fold",
        metavar="WHAT",
        help="make one box of each call of a function, named here, as in --fold log_softmax,nll_loss; or of all calls at a "
        "depth, 0 for the outermost; or never (default: as few as bring more than 200 nodes under that)",
    )


def _picture(path: str) -> str:
    """Return the name of a file whose ending says how to write it; another is wrong usage."""
    try:
        format_of(path)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{path!r} must end in .svg, .png, .pdf or .dot") from None
    return path


def _command(
    commands: argparse._SubParsersAction, name: str, about: str, epilog: str, run: Callable
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=about, description=f"{about[0].upper()}{about[1:]}.", epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.set_defaults(run=run)
    return parser


def _demo(options: argparse.Namespace) -> int:
    in_a_folder(options.output)  # before a page of figures is printed
    differing = demo.run(options.output)
    return _failed(f"figures differ: {', '.join(differing)}", 1) if differing else 0


def _draw(options: argparse.Namespace) -> int:
    in_a_folder(options.output)
    result = evaluate(options.expression)
    if len(flat := _flat(result.tolist())) == 1:
        result.backward()
        print(f"result {numbers(flat)[0]}, with the gradients of a backward pass")
    else:
        print(
            f"result of shape {result.shape}, drawn without gradients: a backward pass starts from one number,\n"
            "so reduce it to one, as in (...).sum()"
        )
    fold = _fold(options.fold)
    drawing = draw(result, names={}, rankdir=options.rankdir, show=options.show, edges=options.edges, fold=fold)
    drawing.save(options.output)
    if drawing.folded_from:
        print(f"{drawing.folded_from} nodes are many to read, so functions are folded; --fold never opens all")
    print(f"{len(drawing.graph)} nodes drawn: {options.output}")
    return 0


def _fold(given: str | None) -> Fold:
    """Return what `draw` calls what --fold asks for."""
    if given is None or given == "never":
        return None if given is None else False
    return int(given) if given.strip().lstrip("-").isdecimal() else given.split(",")


def _flat(nested: object) -> list:
    return [x for y in nested for x in _flat(y)] if isinstance(nested, list) else [nested]


def _pipe_closed() -> int:
    """End quietly when whoever read the output, such as `head`, has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains as it exits
    return 1


def _failed(message: str, code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _pipe_closed()
    print(f"micrograd-sm: {' '.join(message.split())}", file=sys.stderr)
    return code
