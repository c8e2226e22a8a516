"""`micrograd-sm study`: why a gradient is what it is, which mistake is in it, and how far to trust it."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from micrograd_sm.cli import target
from micrograd_sm.cli.draw import picture

ABOUT = "study the gradients of an expression or a script's loss: explain, lint, check"
EPILOG = """\
EXPRESSION is what `draw` takes. FILE.py is run as `python FILE.py` runs it, and
its last backward pass from the value that it calls `loss` is taken, or what
--name and --pass say. With --json a script's own output goes to stderr; nan
and infinities are words.

examples:
  micrograd-sm study explain "x = [1.0, 2.0, 0.1]; cross_entropy(x, 2)" x
  micrograd-sm study lint train.py --parameters model
  micrograd-sm study landscape simplex -o simplex.svg

exit codes: 0 done, 1 the work failed, or lint, anomaly, mine, check or torch
found something (said on stdout), 2 wrong usage
"""
LANDSCAPES: Mapping[str, str] = MappingProxyType({
    "curves": "each loss and its gradient against one logit",
    "curves-settings": "the same for temperature, smoothing, weights, ...",
    "logits": "the gradient field over two free logits, each loss",
    "logits-settings": "the same for cross-entropy, for each setting",
    "simplex": "the gradient field over three classes' probabilities",
    "simplex-settings": "the same for cross-entropy, for each setting",
    "residuals": "p - y of a batch before and after steps of training",
    "residuals-settings": "the same for each setting",
})  # fmt: skip
_EXAMPLES: Mapping[str, str] = MappingProxyType({
    "explain": 'explain "a = 2.0; b = -3.0; a * b + a" a',
    "paths": 'paths "x = 3.0; x * x + x" x -k 2',
    "compare": 'compare "x = [9.0, 1.0]; log(softmax(x, 0))[1]" \\\n      "x = [9.0, 1.0]; log_softmax(x, 0)[1]" -o two.html',
    "source": 'source "a = 2.0; b = -3.0; tanh(a * b)" -o neuron.py',
    "lint": 'lint "x = [[1.0, 2.0]]; cross_entropy(softmax(x, 1), [1])"',
    "anomaly": 'anomaly "x = [0.0, 1.0]; log(x).sum()"',
    "mine": 'mine "x = [1.0, 2.0]; y = exp(x); dx = exp(x); y.sum()"',
    "check": 'check "x = [1.0, 2.0, 0.1]; cross_entropy(x, 2)"',
    "torch": 'torch "x = [1.0, 2.0, 0.1]; cross_entropy(x, 2)"',
    "grad": 'grad "x = [1.0, 2.0, 0.1]; cross_entropy(x, 2)" x',
    "jacobian": 'jacobian "x = [1.0, 2.0, 0.1]; softmax(x, 0)" x',
    "hessian": 'hessian "x = [1.0, 2.0, 0.1]; cross_entropy(x, 2)" x',
    "digits": 'digits "x = [100.0, 0.0]; log(softmax(x, 0))[0]" \\\n      "x = [100.0, 0.0]; log_softmax(x, 0)[0]"',
    "landscape": "landscape logits -o logits.svg",
})  # fmt: skip
_OWN = """
With --logits, --targets or --loss it is about yours, as in
  landscape logits --logits "[2.0, 0.5, 0.0]" --targets "[0, 1]"
  landscape curves --loss "cross_entropy(logits, target) + (logits**2).sum()/9"
In the expression, logits is (N, C), target a list of N classes; the result is
one number, or one for each row. Pictures of settings take none of the three.
"""
_FOUND = "Exits with 1 if a mistake is found, with 0 for hints only, or for nothing.\n"
_FROZEN = """\
The leaves that require a gradient are the inputs; the graph is computed again
at other values of them. What `where` and indexing chose stays chosen.
"""
_DERIVATIVE = "\nX is a leaf: its name, or its id (v0, v1, ...); by default every leaf.\n"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the commands of `study` and their options."""
    commands = parser.add_subparsers(title="studies", metavar="STUDY", required=True)
    _add_why(commands)
    _add_mistakes(commands)
    _add_derivatives(commands)
    shown = _study(
        commands, "landscape", "a loss and its gradient over logits or probabilities: numbers, or a picture with -o",
        "names:\n" + "".join(f"  {name:<20}{what}\n" for name, what in LANDSCAPES.items()) + _OWN,
    )  # fmt: skip
    shown.add_argument("landscape", metavar="NAME", choices=tuple(LANDSCAPES), help="one of the names below")
    shown.add_argument("-o", "--output", metavar="FILE", type=_landscape, help="file to write: .svg, .png or .json")
    shown.add_argument(
        "--logits", metavar="LIST", help="the logits, a number for each class; for residuals a list of such rows"
    )
    shown.add_argument("--targets", metavar="LIST", help="the classes observed at these logits; for residuals that of each row")
    shown.add_argument(
        "--loss", metavar="EXPRESSION", help="a loss of `logits` and `target`, or one of the pictures' own by name"
    )


def _add_why(commands: argparse._SubParsersAction) -> None:
    explained = _study(commands, "explain", "the chain rule that leads to a gradient, in your names and numbers")
    paths = _study(commands, "paths", "every path to x with its product of local derivatives: how many, the largest, the sum")
    for parser in (explained, paths):
        target.add_options(parser)
        parser.add_argument("x", metavar="X", nargs="?", help="whose gradient: a name, or an id (default: the only leaf)")
        parser.add_argument("--depth", metavar="N", type=int, help="fold composed functions at this depth, 0 for the outermost")
        _add_picture(parser, "with these derivatives on its edges")
    explained.add_argument("--mathml", action="store_true", help="print a MathML element in place of text")
    paths.add_argument("-k", metavar="N", type=int, default=10, help="how many of the largest (default: %(default)s)")
    paths.add_argument("--at", metavar="I[,J]", type=_index, help="only paths to this element of x")
    compared = _study(commands, "compare", "two graphs of the same quantity node by node, with differences")
    target.add_options(compared)
    compared.add_argument("other", metavar="EXPRESSION|FILE.py", help="what to compare it with")
    compared.add_argument("--other-name", metavar="NAME", help="the second script's variable (default: what --name says)")
    target.add_pass(compared, "--other-pass", "which of the second script's backward passes (default: what --pass says)")
    compared.add_argument(
        "-o", "--output", metavar="FILE", type=_page, help="page with both graphs, one slider over both: .html"
    )
    compared.add_argument("--depth", metavar="N", type=int, help="fold composed functions at this depth, 0 for the outermost")
    written = _study(commands, "source", "the forward and backward pass as a Python program that imports only math")
    target.add_options(written)
    written.add_argument("-o", "--output", metavar="FILE.py", type=_python, help="file to write in place of printing")


def _add_picture(study: argparse.ArgumentParser, what: str) -> None:
    study.add_argument("-o", "--output", metavar="FILE", type=picture, help=f"picture of the graph, {what}")


def _add_mistakes(commands: argparse._SubParsersAction) -> None:
    linted = _study(commands, "lint", "the usual mistakes with losses, each with a reason and the mended line", _FOUND)
    target.add_options(linted)
    _add_picture(linted, "with the mistakes at their nodes")
    linted.add_argument("--parameters", metavar="NAME", help="the script's model or parameters: each must get a gradient")
    linted.add_argument("--sampled-from", metavar="NAME", help="what the script gave to multinomial: it must not be logits")
    linted.add_argument(
        "--ignore", metavar="RULE", action="append", default=[], help="a rule that is not asked; may be repeated"
    )
    first = _study(commands, "anomaly", "the first value or gradient that is nan or inf, with its line", _FOUND)
    target.add_options(first)
    _add_picture(first, "with the node at which it came up")
    mine = _study(
        commands, "mine", "gradients that you derived by hand, line by line: right, or which slip it is",
        "The variable dlogits is the gradient of logits. Exits with 1 if one is wrong.\n",
    )  # fmt: skip
    target.add_options(mine)
    mine.add_argument("--prefix", metavar="TEXT", default="d", help="what a gradient's name starts with (default: %(default)s)")
    mine.add_argument("--mine", metavar="NAME", help="a dict of the script with the gradients by name, in place of a prefix")
    checked = _study(
        commands, "check", "the gradients against central differences, forward mode and symmetry",
        f"{_FROZEN}Exits with 1 if a derivative is wrong or cannot be decided.\n",
    )  # fmt: skip
    target.add_options(checked)
    hessian = "2 checks the Hessian, too (default: 2 up to 200 numbers, then 1)"
    checked.add_argument("--order", type=int, choices=(1, 2), help=hessian)
    torch = _study(
        commands, "torch", "the same operations on torch, values and gradients compared in ulps",
        "Needs torch. Exits with 1 if a number differs by more.\n",
    )  # fmt: skip
    target.add_options(torch)
    counted = _study(commands, "digits", "how many correct digits each node kept, beside 60-digit decimals; where they went")
    target.add_options(counted)
    _add_picture(counted, "with the digits that each node kept; of one expression")
    counted.add_argument("others", metavar="EXPRESSION|FILE.py", nargs="*", help="more to show side by side with it")
    counted.add_argument("--precision", metavar="N", type=int, default=60, help="digits of the decimals (default: 60)")
    torch.add_argument("--ulps", metavar="N", type=float, default=64.0, help="how many may differ (default: %(default)g)")


def _add_derivatives(commands: argparse._SubParsersAction) -> None:
    for name, what in (
        ("grad", "the gradient by named leaves"),
        ("jacobian", "the Jacobian by named leaves: d each output element / d each element"),
        ("hessian", "the Hessian by named leaves: all second derivatives"),
    ):
        derived = _study(commands, name, what, _FROZEN + _DERIVATIVE)
        target.add_options(derived)
        derived.add_argument("leaves", metavar="X", nargs="*", help="leaves to differentiate by (default: all)")


def _study(commands: argparse._SubParsersAction, name: str, about: str, more: str = "") -> argparse.ArgumentParser:
    epilog = f"{more}{chr(10) if more else ''}example:\n  micrograd-sm study {_EXAMPLES[name]}\n"
    parser = commands.add_parser(
        name, help=about, description=textwrap.fill(f"{about[0].upper()}{about[1:]}.", 79), epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.set_defaults(run=run, study=name)
    parser.add_argument("--json", action="store_true", help="print one JSON document in place of text")
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    from micrograd_sm.cli.study_runs import RUNS  # noqa: PLC0415 - all of study, only for who studies

    return RUNS[options.study](options)


def _landscape(path: str) -> str:
    return _ending(path, (".svg", ".png", ".json"), ".svg, .png or .json")


def _page(path: str) -> str:
    return _ending(path, (".html", ".htm"), ".html")


def _python(path: str) -> str:
    return _ending(path, (".py",), ".py")


def _ending(path: str, endings: tuple[str, ...], said: str) -> str:
    if Path(path).suffix.lower() not in endings:
        raise argparse.ArgumentTypeError(f"{path!r} must end in {said}")
    return path


def _index(text: str) -> tuple[int, ...]:
    try:
        return tuple(map(int, text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} must be an index, as 1 or 0,2") from None
