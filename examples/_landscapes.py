"""Writes pictures of landscapes into one folder for all examples."""

from _output import output_folder, written


def save(landscape, name):
    """Write NAME.svg into the folder given on the command line, by default `output` beside the examples."""
    folder = output_folder()
    landscape.save(folder / f"{name}.svg")
    written(folder, f"{name}.svg")
