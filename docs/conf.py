"""The documentation's build: `python -m sphinx -W -n -b html docs docs/_build` (after `pip install -e '.[docs]'`).

The code of the guide runs while it is built, so what a page shows is what this code does; nothing is fetched, then or later.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import micrograd_sm

sys.path.insert(0, str(Path(__file__).parent))  # for running.py, the directive of the rules' pages
os.environ["PYTHONHASHSEED"] = "0"  # of the notebooks' kernels: the same pages from the same code

project = "micrograd_sm"
author = "the micrograd_sm team"
version = release = micrograd_sm.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton", "running"]
exclude_patterns = ["_build", "jupyter_execute", "screenshots"]  # the second is where MyST-NB keeps what ran

default_role = "literal"  # a docstring's `x` is code
autodoc_mock_imports = ["torch"]  # described, not used
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False  # a forward without a docstring is described by its class
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"
nitpick_ignore_regex = [
    ("py:.*", r"(?!micrograd_sm\b).*"),  # what is not ours, in the types of signatures
    ("py:class", r"micrograd_sm\..*\.(Options|Function|Line|Block|Self|Part)"),  # aliases and type variables
]

myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120

html_theme = "furo"
html_title = f"micrograd_sm {version}"
html_static_path = ["_static"]
html_css_files = ["own.css"]
html_copy_source = False
html_show_sphinx = html_show_copyright = False
copybutton_exclude = ".linenos, .gp, .go"

_AS_IT_IS = re.compile(r"`[^`]+`|^\s*(?:>>>|\.\.\.) .*$")  # code in a line of a docstring
_MARKUP = re.compile(r"[*_|\\]")


def plain_text(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape what reStructuredText would take for markup: our docstrings are plain text, with `code` and doctests."""
    in_doctest = False
    for number, line in enumerate(lines):
        in_doctest = line.lstrip().startswith(">>>") or (in_doctest and bool(line.strip()))
        if not in_doctest:
            lines[number] = _escaped(line)


def _escaped(line: str) -> str:
    parts, end = [], 0
    for code in _AS_IT_IS.finditer(line):
        parts += [_MARKUP.sub(r"\\\g<0>", line[end : code.start()]), code.group()]
        end = code.end()
    return "".join(parts) + _MARKUP.sub(r"\\\g<0>", line[end:])


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", plain_text)
