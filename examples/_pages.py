"""Writes the picture of a loss, and the page that steps through its backward pass, into one folder for all examples."""

from _output import output_folder, written

from micrograd_sm import draw, steps


def save(loss, name, names, **drawn):
    """Write NAME.html and NAME.svg into the folder given on the command line, by default `output` beside the examples.

    `names` are the variables of the example, such as `locals()`; `drawn` are options of `draw`. The backward pass runs here.
    """
    folder = output_folder()
    steps(loss, names).save(folder / f"{name}.html")
    draw(loss, names, **drawn).save(folder / f"{name}.svg")
    written(folder, f"{name}.html", f"{name}.svg")
