"""Formulas as presentation MathML, with only what all browsers know: MathML Core, without styles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from micrograd_sm.array import shape_of
from micrograd_sm.words.numbers import ABOUT_ZERO, number_text, range_text, rows_of
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
from micrograd_sm.words.text import bracketed

_SYMBOLS = {"*": "⋅", "-": "−"}
_HARD_SPACE = "\u00a0"
_WORDS = {"inf": "∞", "-inf": "−∞"}


def math_element(content: str) -> str:
    """Return MathML as an element of its own."""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{content}</math>'


def line_elements(line: Line) -> tuple[str, str, str]:
    """Return the symbols, the numbers ("" if the line has none) and the result of a line, without `<math>` around them."""
    left = term_element(line.left)
    symbols = left if line.symbols is None else _row(left, _operator(line.relation), term_element(line.symbols))
    numbers = "" if line.numbers is None else term_element(line.numbers)
    result = term_element(line.result)
    return symbols, "" if numbers == result else numbers, _with_total(result, line.total)


def lines_element(lines: Sequence[Line]) -> str:
    """Return lines as one `<math>` element; several lines stand one below the other."""
    rows = [_row(*_between(_operator("="), [part for part in line_elements(line) if part])) for line in lines]
    if len(rows) == 1:
        return math_element(rows[0])
    return math_element(f"<mtable>{''.join(f'<mtr><mtd>{row}</mtd></mtr>' for row in rows)}</mtable>")


def term_element(term: Term) -> str:
    """Return a term as MathML."""
    return _WRITE[type(term)](term)


def _with_total(result: str, total: tuple[Any, Any] | None) -> str:
    if total is None:
        return result
    before, after = total
    if before is not None:
        return _row(result, _said(", from "), _data(before), _said(" to "), _data(after))
    if shape_of(after):
        return _row(result, _said(", the first contribution"))
    return _row(result, _said(", from nothing to "), _data(after))


# Small pieces -------------------------------------------------------------------------------------------------------


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>" if len(parts) > 1 else parts[0]


def _between(mark: str, parts: Sequence[str]) -> list[str]:
    return [piece for part in parts for piece in (mark, part)][1:]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _operator(symbol: str) -> str:
    return f"<mo>{_escaped(_SYMBOLS.get(symbol, symbol))}</mo>"


def _said(words: str) -> str:
    """Return words between formulas. MathML would drop plain spaces at their ends."""
    inner = words.strip(" ")
    before, _, after = words.partition(inner)
    return f"<mtext>{_HARD_SPACE * len(before)}{_escaped(inner)}{_HARD_SPACE * len(after)}</mtext>"


def _name(text: str) -> str:
    return f"<mi>{_escaped(text)}</mi>"


def _enclosed(part: str) -> str:
    return _row("<mo>(</mo>", part, "<mo>)</mo>")


# Numbers ------------------------------------------------------------------------------------------------------------


def _data(data: Any) -> str:
    shape = shape_of(data)
    if not shape:
        return _number(data)
    rows = rows_of(data) if len(shape) <= 2 else None
    if rows is None:
        return _said(range_text(data))
    grid = [rows] if len(shape) == 1 else rows
    cells = "".join(f"<mtr>{''.join(f'<mtd>{_number(x)}</mtd>' for x in row)}</mtr>" for row in grid)
    return _row("<mo>[</mo>", f"<mtable>{cells}</mtable>", "<mo>]</mo>")


def _number(x: Any) -> str:
    text = number_text(x)
    if text == ABOUT_ZERO:
        return f"<mn>{ABOUT_ZERO}</mn>"
    if text[-1].isalpha():  # nan, inf, true
        return f"<mi>{_WORDS.get(text, text)}</mi>"
    sign = "<mo>−</mo>" if text[0] == "-" else ""
    mantissa, _, power = text.removeprefix("-").partition("e")
    parts = [sign] if sign else []
    parts.append(f"<mn>{mantissa}</mn>")
    if power:
        parts += ["<mo>⋅</mo>", f"<msup><mn>10</mn><mn>{power.replace('-', '−')}</mn></msup>"]
    return _row(*parts)


# Terms --------------------------------------------------------------------------------------------------------------


def _slope(term: Slope) -> str:
    top, bottom = (_row("<mi>∂</mi>", _name(bracketed(part))) for part in term)
    return f"<mfrac>{top}{bottom}</mfrac>"


def _derivative(term: Derivative) -> str:
    of = term_element(term.of)
    top = _row("<mi>∂</mi>", of if isinstance(term.of, Call) else _enclosed(of))
    return f"<mfrac>{top}{_row('<mi>∂</mi>', _name(term.by))}</mfrac>"


def _infix(term: Infix) -> str:
    left, right = (term_element(part) if part is not None else "" for part in (term.left, term.right))
    if term.symbol == "/":
        return f"<mfrac>{left}{right}</mfrac>"
    if term.symbol in ("**", "^"):
        plain = isinstance(term.left, (Name, Number)) and not _negative(term.left) and not _powered(term.left)
        base = left if plain else _enclosed(left)
        return f"<msup>{base}{right}</msup>"
    if _negative(term.right) or needs_brackets(term, term.right, right=True):
        right = _enclosed(right)
    if term.left is None:
        return _row(_operator(term.symbol), right)
    if needs_brackets(term, term.left, right=False):
        left = _enclosed(left)
    return _row(left, _operator(term.symbol), right)


def _negative(term: Term | None) -> bool:
    return isinstance(term, Number) and not shape_of(term.data) and number_text(term.data).startswith("-")


def _powered(term: Term | None) -> bool:
    """Whether a term is a number that is written with a power of ten."""
    return isinstance(term, Number) and not shape_of(term.data) and "<msup>" in _number(term.data)


def _call(term: Call) -> str:
    arguments = [_name(part.text) if isinstance(part, Name) else term_element(part) for part in term.arguments]
    arguments += [_said(term.note)] if term.note else []
    return _row(_name(term.function), "<mo>&#x2061;</mo>", _enclosed(_row(*_between("<mo>,</mo>", arguments))))


def _transposed(term: Transposed) -> str:
    of = term_element(term.of)
    return f"<msup>{_enclosed(of) if isinstance(term.of, Slope) else of}<mi>T</mi></msup>"


_WRITE: dict[type, Callable[[Any], str]] = {
    Name: lambda term: _name(bracketed(term.text)),
    Slope: _slope,
    Derivative: _derivative,
    Words: lambda term: _said(term.text),
    Number: lambda term: _data(term.data),
    Infix: _infix,
    Call: _call,
    Transposed: _transposed,
    Picked: lambda term: _row(term_element(term.of), _said(term.key)),
    Remark: lambda term: _row(term_element(term.of), _said(f", {term.words}")),
}
