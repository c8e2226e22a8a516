"""Formulas in a page: each in three parts, and each piece of MathML stored once for all steps that show it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from micrograd_sm.steps.parts import Step

_MATHML = "{http://www.w3.org/1998/Math/MathML}"


class Fragments:
    """Pieces of MathML, `[tag, child, ...]`: a child is text, the index of another piece in `found`, or attributes."""

    def __init__(self) -> None:
        self.found: list[Any] = []
        self._indices: dict[tuple[Any, ...], int] = {}

    def index_of(self, element: ET.Element) -> int:
        """Return the index of a piece in `found`, and add it if it is new."""
        children = [self.index_of(child) for child in element]
        text = [element.text] if element.text and not children else []
        attributes = [dict(element.attrib)] if element.attrib else []
        piece = [element.tag.removeprefix(_MATHML), *attributes, *text, *children]
        key = (element.tag, *element.attrib.items(), *text, *children)
        if key not in self._indices:
            self._indices[key] = len(self.found)
            self.found.append(piece)
        return self._indices[key]


def formula_of(step: Step, fragments: Fragments) -> list[list[int]]:
    """Return the formulas of a step, each as the indices of its parts: symbols, numbers if it has them, result."""
    return [[fragments.index_of(ET.fromstring(part)) for part in formula if part] for formula in step.mathml_formulas]
