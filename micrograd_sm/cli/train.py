"""`micrograd-sm train`: run a script that trains, and write its iterations as one page with a slider."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrograd_sm.cli.passes import Passes
from micrograd_sm.cli.script import is_script, run_script
from micrograd_sm.draw import in_a_folder
from micrograd_sm.words.names import visible

if TYPE_CHECKING:
    from micrograd_sm.training import Training

ABOUT = "write a script's training as a page: a slider over its iterations"
EPILOG = """\
FILE.py is run as `python FILE.py` runs it. Each backward pass from the value
that it calls `loss`, or from another one, with --name, is an iteration: the
page has the curve of the losses, the graph with that iteration's values and
gradients, and each parameter's update spelled out.

examples:
  micrograd-sm train moons.py -o moons.html
  micrograd-sm train gan.py --name d_loss -- --epochs 3
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("what", metavar="FILE.py", type=_script, help="script or notebook that trains")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=_page, default="training.html", help="page (default: %(default)s)"
    )
    parser.add_argument("--name", metavar="NAME", default="loss", help="the script's variable (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    from micrograd_sm.training import Training  # noqa: PLC0415 - only for who trains

    if not Path(options.what).is_file():
        raise FileNotFoundError(f"train: the file {options.what!r} does not exist")
    output = in_a_folder(options.output).absolute()  # before the script, which may change folders
    film = Training()
    passes = _Filmed(options.name, film)
    run_script(options.what, passes, options.given)
    if not len(film):
        raise ValueError(
            f"train: {visible(Path(options.what).name)} ran no backward pass from {visible(options.name)!r}; "
            "choose another variable with --name"
        )
    film.save(output)
    print(f"{film!r}".strip("<>").partition(";")[0].removeprefix("Training: ") + f": {options.output}")
    return 0


class _Filmed(Passes):
    """Records the backward passes of the variable in a film as they happen."""

    def __init__(self, name: str, film: Training) -> None:
        super().__init__(name)
        self.film = film

    def _keep(self, root: Any, ran: Any) -> None:
        super()._keep(root, ran)
        if ran is not None:
            self.film.record_in_pass(root, ran.names())


def _script(path: str) -> str:
    if not is_script(path):
        raise argparse.ArgumentTypeError(f"{path!r} must end in .py or .ipynb; an expression does not train")
    return path


def _page(path: str) -> str:
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise argparse.ArgumentTypeError(f"{path!r} must end in .html")
    return path
