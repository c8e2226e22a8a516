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


Term: TypeAlias = Name | Slope | Number | Infix | Call | Transposed | Picked | Remark


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
