"""Formulas as a page keeps them: three parts each, and every piece of MathML once, however many steps show it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from micrograd_sm.steps.parts import Step

_MATHML = "{http://www.w3.org/1998/Math/MathML}"


class Fragments:
    """Pieces of MathML, `[tag, child, ...]`: a child is text, the place of another piece in `found`, or attributes.

    >>> fragments = Fragments()
    >>> fragments.place_of(ET.fromstring("<mfrac><mi>L</mi><mi>L</mi></mfrac>")), fragments.found
    (1, [['mi', 'L'], ['mfrac', 0, 0]])
    """

    def __init__(self) -> None:
        self.found: list[Any] = []
        self._places: dict[tuple[Any, ...], int] = {}

    def place_of(self, element: ET.Element) -> int:
        """Return the place of a piece, which is added unless it is there."""
        children = [self.place_of(child) for child in element]
        text = [element.text] if element.text and not children else []
        attributes = [dict(element.attrib)] if element.attrib else []
        piece = [element.tag.removeprefix(_MATHML), *attributes, *text, *children]
        key = (element.tag, *element.attrib.items(), *text, *children)
        if key not in self._places:
            self._places[key] = len(self.found)
            self.found.append(piece)
        return self._places[key]


def formula_of(step: Step, fragments: Fragments) -> list[list[int]]:
    """Return the formulas of a step, each as the places of its parts: symbols, numbers unless they say nothing more, result.

    >>> from micrograd_sm import Value
    >>> from micrograd_sm.steps import steps
    >>> fragments = Fragments()
    >>> [[symbols, numbers, result]] = formula_of(steps(Value(3.0, name="x") * 2.0)[0], fragments)
    >>> fragments.found[result], fragments.found[result - 1]
    (['math', 11], ['mn', '6'])
    """
    return [
        [fragments.place_of(ET.fromstring(part)) for part in formula if part]
        for formula in step.mathml_formulas
    ]  # fmt: skip
