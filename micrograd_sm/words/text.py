"""Formulas as one line of plain text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from micrograd_sm.array import shape_of
from micrograd_sm.words.numbers import data_text
from micrograd_sm.words.terms import (
    Call,
    Derivative,
    Infix,
    Line,
    Name,
    Number,
    Picked,
    Remark,
    Slope,
    Term,
    Transposed,
    Words,
    needs_brackets,
)

_PLAIN = re.compile(r"[\w.:\[\]'\"]+")  # a name that needs no brackets
_SYMBOLS = {"⊙": "*"}  # plain text has one symbol for both products


def term_text(term: Term) -> str:
    """Return a term as text."""
    return _WRITE[type(term)](term)


def line_parts(line: Line) -> tuple[str, str, str]:
    """Return the symbols, the numbers ("" if they only repeat the result) and the result of a line."""
    symbols = term_text(line.left) + ("" if line.symbols is None else f" {line.relation} {term_text(line.symbols)}")
    numbers = "" if line.numbers is None else term_text(line.numbers)
    result = term_text(line.result)
    return symbols, "" if numbers == result else numbers, result + total_text(line)


def total_text(line: Line) -> str:
    """Return how a contribution changes the total: the first one starts it, each other one is added to it."""
    if line.total is None:
        return ""
    before, after = line.total
    if before is not None:
        return f", from {data_text(before)} to {data_text(after)}"
    return ", the first contribution" if shape_of(after) else f", from nothing to {data_text(after)}"


def bracketed(name: str) -> str:
    """Return a name, in brackets if a space or sign in it would make a formula ambiguous."""
    return name if _PLAIN.fullmatch(name) else f"({name})"


def _slope(term: Slope) -> str:
    return f"d{bracketed(term.top)}/d{bracketed(term.bottom)}"


def _derivative(term: Derivative) -> str:
    of = term_text(term.of)
    return f"d {of}/d{term.by}" if isinstance(term.of, Call) else f"d({of})/d{term.by}"


def _infix(term: Infix) -> str:
    symbol = _SYMBOLS.get(term.symbol, term.symbol)
    right = term_text(term.right)
    if (right.startswith("-") and term.symbol in ("+", "-", "**", "^")) or needs_brackets(term, term.right, right=True):
        right = f"({right})"
    if term.left is None:
        return symbol + right
    left = term_text(term.left)
    if (left.startswith("-") and term.symbol in ("**", "^")) or needs_brackets(term, term.left, right=False):
        left = f"({left})"
    return f"{left}{symbol}{right}" if symbol == "^" else f"{left} {symbol} {right}"


def _call(term: Call) -> str:
    arguments = [part.text if isinstance(part, Name) else term_text(part) for part in term.arguments]
    return f"{term.function}({', '.join([*arguments, *([term.note] if term.note else [])])})"


def _transposed(term: Transposed) -> str:
    text = term_text(term.of)
    return f"({text})^T" if isinstance(term.of, Slope) else f"{text}^T"


def _picked(term: Picked) -> str:
    text = term_text(term.of)
    return f"({text}){term.key}" if isinstance(term.of, Slope) else text + term.key


_WRITE: dict[type, Callable[[Any], str]] = {
    Name: lambda term: bracketed(term.text),
    Slope: _slope,
    Derivative: _derivative,
    Words: lambda term: term.text,
    Number: lambda term: data_text(term.data),
    Infix: _infix,
    Call: _call,
    Transposed: _transposed,
    Picked: _picked,
    Remark: lambda term: f"{term_text(term.of)}, {term.words}",
}
