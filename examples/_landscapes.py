"""Writes pictures of landscapes into one folder for all examples."""

import os
import sys
from pathlib import Path


def save(landscape, name):
    """Write NAME.svg into the folder given on the command line, by default `output` beside the examples."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output"
    folder.mkdir(parents=True, exist_ok=True)
    landscape.save(folder / f"{name}.svg")
    print(f"written to {os.path.relpath(folder)}: {name}.svg")
