"""Writes the picture of a loss, and the page that steps through its backward pass, into one folder for all examples."""

import os
import sys
from pathlib import Path

from micrograd_sm import draw, steps


def save(loss, name, names, **drawn):
    """Write NAME.html and NAME.svg into the folder given on the command line, by default `output` beside the examples.

    `names` are the variables of the example, such as `locals()`; `drawn` are options of `draw`. The backward pass runs here.
    """
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output"
    folder.mkdir(parents=True, exist_ok=True)
    steps(loss, names).save(folder / f"{name}.html")
    draw(loss, names, **drawn).save(folder / f"{name}.svg")
    print(f"written to {os.path.relpath(folder)}: {name}.html and {name}.svg")
