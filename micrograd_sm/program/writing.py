"""Cells as a Python program: one expression for what is used once, a variable for what is used again.

The program is bare Python, whose `math` raises where IEEE 754 has a value: then the same program runs once more, with
functions that have these values. Long programs are several functions, since compiling one takes memory for each of its lines.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from threading import RLock
from typing import Any

from micrograd_sm.array import functions, ieee
from micrograd_sm.program.cells import EAGER, Number, Tape, without_collecting

CHOICE, COMPARISON, SUM, PRODUCT, SIGN, ATOM = range(6)  # how tightly an expression holds together
LONGEST_FUNCTION = 10_000  # lines; a function of so many takes CPython some 60 MB to compile
_LARGEST_EXPRESSION = 40  # operations; CPython's parser nests 200 brackets

INFIX = {
    "+": (SUM, SUM, PRODUCT), "-": (SUM, SUM, PRODUCT), "*": (PRODUCT, PRODUCT, SIGN), "/": (PRODUCT, PRODUCT, SIGN),
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), (COMPARISON, SUM, SUM)),
    **dict.fromkeys(("&", "|", "^"), (COMPARISON, ATOM, ATOM)),
}  # fmt: skip
_CALLED = {
    "//": "whole_quotient", "**": "whole_power", "power": "pow", "max": "largest", "argmax": "first_largest", "sum": "fsum",
    "count": "sum",
}  # fmt: skip
_OF_A_TUPLE = {"max", "argmax", "sum", "count"}


_one_writer = RLock()  # cells keep their texts while they are written


class Changed(Exception):
    """A choice that the library made in the recording would be another for these numbers."""


def _long_dot(row: Sequence[float], column: Sequence[float]) -> float:
    return sum(map(operator.mul, row, column))


_EXACT: dict[str, Any] = {
    "Changed": Changed, "math": math,
    "whole_quotient": operator.floordiv, "whole_power": operator.pow, "pow": ieee.power, "fsum": functions._total,
    "largest": functions._largest, "first_largest": functions._first_largest, "dot": functions._sumprod or _long_dot,
    "divide": ieee.divide,
    **{name: EAGER[name] for name in (
        "exp", "log", "log1p", "sqrt", "sin", "cos", "tanh", "erf", "floor", "ceil", "trunc", "round", "floor_divide",
        "power_of_number")},
}  # fmt: skip
_BARE = {
    **_EXACT,
    "pow": math.pow,
    "fsum": math.fsum,
    **{name: getattr(math, name) for name in ("exp", "log", "log1p", "sqrt", "sin", "cos")},
}


class Code:
    """A program: a function that takes the inputs' numbers and returns the results'.

    `inputs` and `results` are a cell, or a list of cells and numbers for a tensor. It is written when it is first called.
    """

    def __init__(self, tape: Tape, inputs: Sequence[Any], results: Sequence[Any]) -> None:
        self.tape, self.inputs, self.results = tape, inputs, results
        self._bare: Callable | None = None
        self._exact: Callable | None = None

    @property
    def text(self) -> str:
        """The program as Python."""
        return "\n\n".join(self._parts(exact=False))

    def _parts(self, exact: bool) -> list[str]:
        writer = Writer(exact)
        written = iter(self._write(writer))
        ending = [f"[{', '.join([next(written) for _ in x])}]" if isinstance(x, list) else next(written) for x in self.results]
        unpacked = ", ".join(map(_pattern, self.inputs))
        return _split([f"{unpacked}, = values" if self.inputs else "pass", *writer.lines, f"return {_row(ending)}"])

    def _write(self, writer: Writer) -> list[str]:
        with _one_writer:
            return writer.write(self.tape, self.results)

    def _function(self, names: dict[str, Any], exact: bool) -> Callable:
        scope = dict(names)
        with without_collecting():
            for part in self._parts(exact):
                exec(compile(part, "<compiled>", "exec"), scope)
        return scope["program"]

    def __call__(self, values: Sequence[Any]) -> tuple:
        """Return the results. Raises `Changed` if the recording made a choice that is another for these values."""
        if self._bare is None:
            self._bare = self._function(_BARE, exact=False)
        try:
            return self._bare(values)
        except (OverflowError, ValueError, ZeroDivisionError):
            if self._exact is None:
                self._exact = self._function(_EXACT, exact=True)
            return self._exact(values)


def _pattern(x: Any) -> str:
    return f"({''.join(f'x{one.number}, ' for one in x)})" if isinstance(x, list) else f"x{x.number}"


def _split(lines: list[str]) -> list[str]:
    """Return the functions that run the lines one after the other; each hands on what a later one reads."""
    if len(lines) <= LONGEST_FUNCTION:
        return [_function("program", "values", lines)]
    pieces = [lines[start : start + LONGEST_FUNCTION] for start in range(0, len(lines), LONGEST_FUNCTION)]
    made: dict[str, int] = {}  # by which piece
    read: list[dict[int, list[str]]] = []  # of each piece: what it reads of earlier ones
    for place, piece in enumerate(pieces):
        wanted: dict[int, list[str]] = {}
        for name in dict.fromkeys(_NAME.findall("\n".join(piece))):
            if made.setdefault(name, place) != place:
                wanted.setdefault(made[name], []).append(name)
        read.append(wanted)
    functions, main = [], []
    for place, piece in enumerate(pieces):
        later = [(reader, wanted[place]) for reader, wanted in enumerate(read) if place in wanted]
        head = [f"{_row(names)} = s{earlier}" for earlier, names in read[place].items()]
        tail = [f"return {_row([_row(names) for _, names in later])}"] if place < len(pieces) - 1 else []
        given = ["values"] if place == 0 else [f"s{earlier}" for earlier in read[place]]
        functions.append(_function(f"part{place}", ", ".join(given), [*head, *piece, *tail]))
        call = f"part{place}({', '.join(given if place == 0 else [f's{earlier}_{place}' for earlier in read[place]])})"
        main.append(f"{_row([f's{place}_{reader}' for reader, _ in later])} = {call}" if tail else f"return {call}")
    return [*functions, _function("program", "values", main)]


_NAME = re.compile(r"[vx]\d+")  # no function that a program calls has such letters in its name


def _row(names: Sequence[str]) -> str:
    return f"({''.join(f'{name}, ' for name in names)})"


def _function(name: str, given: str, lines: Iterable[str]) -> str:
    return f"def {name}({given}):\n    " + "\n    ".join(lines) + "\n"


class Writer:
    """Writes each cell that is used once into the expression that uses it, and any other as a variable of its own."""

    def __init__(self, exact: bool) -> None:
        self.exact = exact
        self.lines: list[str] = []

    def write(self, tape: Tape, results: Sequence[Any]) -> list[str]:
        """Write the lines, and return the expressions of the results' elements."""
        choices = {id(cell): truth for cell, truth in tape.guards}
        asked = [cell for cell, _ in tape.guards]
        elements = [one for x in results for one in (x if isinstance(x, list) else [x])]
        cells = _used(tape, elements + asked)
        for cell in cells:
            op, xs = cell.op, cell.operands
            if op in INFIX and not (self.exact and op == "/"):
                a, b = xs
                level, left, right = INFIX[op]
                known = type(a) is Number and a.level >= left  # `within`, written out: most operands are such
                text = f"{a.text if known else within(a, left)} {op} "
                known = type(b) is Number and b.level >= right
                text += b.text if known else within(b, right)
                size = (a.size if type(a) is Number else 0) + (b.size if type(b) is Number else 0) + 1
            else:
                text, level = self.special(op, xs, cell)
                size = sum([x.size for x in xs if type(x) is Number], 1)
            if op != "input" and (cell.uses > 1 or size > _LARGEST_EXPRESSION):
                name = f"v{cell.number}"
                self.assign(name, text)
                text, level, size = name, ATOM, 0
            cell.text, cell.level, cell.size = text, level, size
            if id(cell) in choices:
                self.guard(text, choices[id(cell)])
        return list(map(text_of, elements))

    def assign(self, name: str, text: str) -> None:
        self.lines.append(f"{name} = {text}")

    def guard(self, text: str, truth: bool) -> None:
        self.lines.append(f"if {'not ' if truth else ''}({text}): raise Changed")

    def special(self, op: str, xs: tuple[Any, ...], cell: Number) -> tuple[str, int]:
        if op == "input":
            return f"x{cell.number}", ATOM
        if op == "negative":
            return f"-{within(xs[0], ATOM)}", SIGN
        if op == "where":
            condition, a, b = (within(x, COMPARISON) for x in xs)
            return f"{a} if {condition} else {b}", CHOICE
        if op == "maximum":
            a, b = (within(x, SUM) for x in xs)
            if type(xs[1]) is float and xs[1] == xs[1]:
                return f"{b} if {a} <= {b} else {a}", CHOICE
            return f"{a} if {a} > {b} or {a} != {a} else {b}", CHOICE
        if op == "pick":
            return f"{_row(list(map(text_of, xs[1:])))}[{text_of(xs[0])}]", ATOM
        if op in ("not", "~"):
            return f"{'not ' if op == 'not' else '~'}{within(xs[0], ATOM)}", COMPARISON if op == "~" else CHOICE
        if op == "sum" and len(xs) == 1:
            return f"0.0 + {within(xs[0], PRODUCT)}", SUM
        if op == "dot":
            half = len(xs) // 2
            return f"dot({_row(list(map(text_of, xs[:half])))}, {_row(list(map(text_of, xs[half:])))})", ATOM
        name = "divide" if op == "/" else _CALLED.get(op, op)
        listed = ", ".join(map(text_of, xs))
        return (f"{name}(({listed},))" if op in _OF_A_TUPLE else f"{name}({listed})"), ATOM


def _used(tape: Tape, results: list[Any]) -> list[Number]:
    """Return the cells that the results are made of, operands first, with their numbers of uses."""
    for cell in tape.cells:
        cell.uses = 0
    times = 2 if len(results) > _LARGEST_EXPRESSION else 1  # what is used twice has a line of its own
    for x in results:
        if type(x) is Number:
            x.uses += times
    used = []
    for cell in reversed(tape.cells):
        if cell.uses:
            used.append(cell)
            xs = cell.operands
            times = 2 if cell.op == "maximum" or len(xs) > _LARGEST_EXPRESSION else 1
            for x in xs:
                if type(x) is Number:
                    x.uses += times
    used.reverse()
    return used


def text_of(x: Any) -> str:
    return x.text if type(x) is Number else literal(x)[0]


def within(x: Any, level: int) -> str:
    """Return the text of an operand, in brackets if it holds less tightly than `level`."""
    text, own = (x.text, x.level) if type(x) is Number else literal(x)
    return text if own >= level else f"({text})"


def literal(x: Any) -> tuple[str, int]:
    """Return a number as Python writes it, and how tightly that holds together."""
    text = repr(x) if math.isfinite(x) else repr(x).replace("inf", "math.inf").replace("nan", "math.nan")
    return text, SIGN if text[0] == "-" else ATOM
