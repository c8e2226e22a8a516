"""The terms of a formula: names, derivatives, numbers, and what combines them; `text` and `mathml` write them."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias


class Name(NamedTuple):
    """A node by its name."""

    text: str


class Slope(NamedTuple):
    """The derivative of one node by another: dL/dx."""

    top: str
    bottom: str


class Derivative(NamedTuple):
    """The derivative of an operation by one of its operands: d tanh(u)/du."""

    of: Term
    by: str


class Words(NamedTuple):
    """A rule that is said and not written, such as "1 for each element"."""

    text: str


class Number(NamedTuple):
    """A number or an array."""

    data: Any


class Infix(NamedTuple):
    """Two operands with a symbol between them, or one operand after the symbol, if `left` is None."""

    symbol: str
    left: Term | None
    right: Term


class Call(NamedTuple):
    """A function of some arguments; `note` has its parameters, such as `dim=1`."""

    function: str
    arguments: tuple[Term, ...]
    note: str = ""


class Transposed(NamedTuple):
    """A matrix with its last two dimensions swapped."""

    of: Term


class Picked(NamedTuple):
    """Some elements of a term; `key` is the index, with its brackets."""

    of: Term
    key: str


class Remark(NamedTuple):
    """A term, and what happens to it in words."""

    of: Term
    words: str


Term: TypeAlias = Name | Slope | Derivative | Words | Number | Infix | Call | Transposed | Picked | Remark


class Line(NamedTuple):
    """`left relation symbols = numbers = result`; `total` is a gradient before and after a contribution, or None.

    `symbols` and `numbers` are None if they would only repeat the result.
    """

    left: Term
    relation: str
    symbols: Term | None
    numbers: Term | None
    result: Term
    total: tuple[Any, Any] | None = None


_POWER, _ATOM = 3, 4
_TIGHTNESS = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "⊙": 2, "^": 3, "**": 3}
_SIDES_DIFFER = ("-", "/", "@")  # a - (b - c) is not a - b - c


def needs_brackets(term: Infix, operand: Term, right: bool) -> bool:
    """Return whether an operand of a term is to be written in brackets.

    >>> difference = Infix("-", Name("a"), Name("b"))
    >>> needs_brackets(Infix("*", Name("c"), difference), difference, right=True)
    True
    """
    own, inner = _tightness(term), _tightness(operand)
    if type(operand) is Infix and operand.left is None and not right:
        return own == _POWER  # -a / b needs none
    return inner < own or (inner == own < _ATOM and (own == _POWER or (right and term.symbol in _SIDES_DIFFER)))


def _tightness(term: Term) -> int:
    return _TIGHTNESS.get(term.symbol, _ATOM) if type(term) is Infix else _ATOM
