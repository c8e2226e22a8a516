"""What a formula is made of: names, derivatives, numbers, and how they are put together; `text` and `mathml` write it."""

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
    """Two operands with a symbol between them, or one after a symbol."""

    symbol: str
    left: Term | None
    right: Term


class Call(NamedTuple):
    """A function of some arguments; `note` says what else it was told: `dim=1`."""

    function: str
    arguments: tuple[Term, ...]
    note: str = ""


class Transposed(NamedTuple):
    """A matrix with its last two dimensions swapped."""

    of: Term


class Picked(NamedTuple):
    """Some elements: `key` is what stands in the brackets, with them."""

    of: Term
    key: str


class Remark(NamedTuple):
    """A term, and in words what happens to it."""

    of: Term
    words: str


Term: TypeAlias = Name | Slope | Number | Infix | Call | Transposed | Picked | Remark


class Line(NamedTuple):
    """`left relation symbols = numbers = result`; `total` is the gradient before and after, where there is one.

    `symbols` and `numbers` are None where they would only say the result again.
    """

    left: Term
    relation: str
    symbols: Term | None
    numbers: Term | None
    result: Term
    total: tuple[Any, Any] | None = None
