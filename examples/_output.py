"""The folder that all examples write to, and what they say of it."""

import sys
from pathlib import Path


def output_folder():
    """Return the folder given on the command line, by default `output` beside the examples; it is made if it is missing."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def written(folder, *names):
    """Say which files were written, and where."""
    print(f"written: {' and '.join(names)}, in\n    {folder.resolve()}")
