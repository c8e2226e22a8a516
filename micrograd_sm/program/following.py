"""Cells as expressions of the numbers of one graph: they follow the choices made for these, and import only `math`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from micrograd_sm.program.cells import EAGER, Number, Tape
from micrograd_sm.program.writing import ATOM, INFIX, PRODUCT, SIGN, SUM, literal, text_of, within

_Expression = tuple[str, int]


class Following(Tape):
    """A tape whose cells are written as they are noted; a variable is a cell that is written as its name."""

    def __init__(self) -> None:
        super().__init__(follows=True)
        self.written = 0

    def variable(self, text: str, value: Any, level: int = ATOM) -> Number:
        """Return a cell that is written as this text."""
        cell = Number("variable", (), type(value), -1)
        cell.value, cell.text, cell.level = value, text, level
        return cell

    def literal(self, x: Any) -> Number:
        return x if type(x) is Number else self.variable(literal(x)[0], x, literal(x)[1])

    def text(self, x: Any) -> str:
        """Return the expression of a cell or number."""
        for cell in self.cells[self.written :]:
            cell.text, cell.level = self._expression(cell.op, cell.operands, cell)
        self.written = len(self.cells)
        return x.text if type(x) is Number else literal(x)[0]

    def _expression(self, op: str, xs: Sequence[Any], cell: Number) -> _Expression:
        if op == "/" and self.value(xs[1]) == 0:
            return f"divide({text_of(xs[0])}, {text_of(xs[1])})", ATOM
        if op in INFIX:
            level, left, right = INFIX[op]
            return f"{within(xs[0], left)} {op} {within(xs[1], right)}", level
        if op == "negative":
            return f"-{within(xs[0], ATOM)}", SIGN
        if op == "maximum":
            x = xs[0]
            return (f"max(0.0, {text_of(x)})", ATOM) if self.value(cell) == self.value(cell) else (text_of(x), x.level)
        if op in ("sum", "count"):
            return self._total(xs, floating=op == "sum")
        if op == "max":
            missing = [x for x in xs if self.value(x) != self.value(x)]  # nan wins
            return (text_of(missing[0]), ATOM) if missing else (f"max({_listed(xs)})" if len(xs) > 1 else text_of(xs[0]), ATOM)
        if op == "dot":
            half = len(xs) // 2
            return f"dot(({_listed(xs[:half])}), ({_listed(xs[half:])}))", ATOM
        if op == "power_of_number" and self.value(xs[1]) in (0.5, -0.5):
            return self._root(xs[0], self.value(xs[1]))
        return self._call(math.pow if op.startswith("power") else getattr(math, op), EAGER[op], xs), ATOM

    def _root(self, x: Any, exponent: float) -> _Expression:
        root = self._call(math.sqrt, EAGER["sqrt"], (x,))
        if exponent > 0:
            return root, ATOM
        return (f"divide(1.0, {root})", ATOM) if self.value(x) == 0 else (f"1.0 / {root}", PRODUCT)

    def _call(self, function: Callable, eager: Callable, xs: Sequence[Any]) -> str:
        numbers = [self.value(x) for x in xs]
        try:
            function(*numbers)
        except (ValueError, OverflowError):
            return f"ieee(math.{function.__name__}, {_listed(xs)}, otherwise={literal(eager(*numbers))[0]})"
        return f"math.{function.__name__}({_listed(xs)})"

    def _total(self, xs: Sequence[Any], floating: bool) -> _Expression:
        start = "0.0" if floating else "0"
        if len(xs) < 2:
            return " + ".join([start, *(within(x, PRODUCT) for x in xs)]), SUM
        if not floating:
            return f"sum(({_listed(xs)}))", ATOM
        try:
            math.fsum(map(self.value, xs))
        except (ValueError, OverflowError):
            return f"sum(({_listed(xs)}), {start})", ATOM
        return f"math.fsum(({_listed(xs)}))", ATOM


def _listed(xs: Sequence[Any]) -> str:
    return ", ".join(map(text_of, xs))
