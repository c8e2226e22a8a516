"""The command `micrograd-sm`: the demonstration, and pictures, steps and studies of the user's own expressions."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import micrograd_sm
from micrograd_sm.cli import demo, draw, step, study, train
from micrograd_sm.cli.script import is_script
from micrograd_sm.cli.syntax import FUNCTIONS, NUMBERS
from micrograd_sm.draw import in_a_folder

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
  micrograd-sm train train.py -o training.html

exit codes: 0 done, 1 the work failed, 2 wrong usage
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, by default those of the process, and return its exit code.

    It is 0 if the work is done, 1 with a line on stderr if it failed, 130 if interrupted. Wrong usage exits with 2.

    >>> main(["draw", "lambda: 0", "-o", "loss.svg"])
    1
    """
    if sys.stdout is None:  # closed before the start, as `>&-` does
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the process prints
    arguments = sys.argv[1:] if arguments is None else arguments
    arguments, given = _split(list(arguments))
    options = _parser().parse_args([f" {text}" if _NEGATIVE.match(text) else text for text in arguments])
    options.given = given
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


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the arguments of the command, and those after `--`, which go to the script before it."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return (arguments[:end], arguments[end + 1 :]) if any(map(is_script, arguments[:end])) else (arguments, [])


# An expression that begins with a minus: with a space before it, argparse does not take it for an option.
_NEGATIVE = re.compile(rf"-[-+\s]*([^-+\sA-Za-z_=]|({'|'.join([*FUNCTIONS])})\s*\(|({'|'.join(NUMBERS)})\b)")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="micrograd-sm", description="See and understand the gradients of classification losses.", epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"micrograd-sm {micrograd_sm.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    shown = _command(commands, "demo", "a loss, its gradient and its picture, figures beside the expected", _DEMO, _demo)
    shown.add_argument(
        "-o", "--output", metavar="FILE", type=draw.picture, default="cross_entropy.svg",
        help="picture to write: .svg, .png, .pdf or .dot (default: %(default)s)",
    )  # fmt: skip
    draw.add_options(_command(commands, "draw", draw.ABOUT, draw.EPILOG, draw.run))
    step.add_options(_command(commands, "step", step.ABOUT, step.EPILOG, step.run))
    train.add_options(_command(commands, "train", train.ABOUT, train.EPILOG, train.run))
    studied = commands.add_parser(
        "study", help=study.ABOUT, description=f"{study.ABOUT.capitalize()}.", epilog=study.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    study.add_options(studied)
    return parser


def _command(commands: Any, name: str, about: str, epilog: str, run: Callable) -> argparse.ArgumentParser:
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


def _pipe_closed() -> int:
    """End quietly if the reader of the output, such as `head`, has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains as it exits
    return 1


def _failed(message: str, code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _pipe_closed()
    print(f"micrograd-sm: {' '.join(message.split())}", file=sys.stderr)
    return code
