"""The directive `run`: code that runs while the documentation is built, in this process, and what its last line is.

A kernel for each page would take a second. The blocks of a page share their variables.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Run(SphinxDirective):
    """Show code, and the value of the expression in its last line as a notebook shows it."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        code, variables = "\n".join(self.content), self.env.temp_data.setdefault("variables of run", {})
        before, _, last = code.rpartition("\n")
        exec(before, variables)
        value = eval(last, variables)
        html = getattr(value, "_repr_html_", None)
        shown = nodes.raw("", html(), format="html") if html else _literal(repr(value), "none")
        return [_cell("cell", _cell("cell_input", _literal(code, "python")), _cell("cell_output", shown))]


def _cell(name: str, *parts: nodes.Node) -> nodes.Element:
    return nodes.container("", *parts, classes=[name])


def _literal(text: str, language: str) -> nodes.Element:
    return nodes.literal_block(text, text, language=language)


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this."""
    app.add_directive("run", Run)
    return {"parallel_read_safe": True}
