"""Numbers that stand for what a program will compute: each operation on them is noted on a tape, and computes nothing.

A `Number` takes the place of a Python float, int or bool. What is known already stays a plain number, and operations on plain
numbers are done at once. An operation that is repeated on the same operands, such as a comparison, is one cell.
"""

from __future__ import annotations

import gc
import math
import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any, NoReturn

from micrograd_sm.array import functions, ieee
from micrograd_sm.array.parsing import common
from micrograd_sm.backward import scalars
from micrograd_sm.primitives import power as power_primitive

MOST_OPERATIONS = 1_000_000  # of one recording, on single numbers: they take some 600 MB, and half a minute to compile
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Tape:
    """The cells of one recording in the order in which they were made, and the choices that the library made on the way.

    If it `follows` the numbers of one graph, comparisons are true or false at once, and nothing is left out.
    """

    def __init__(self, follows: bool = False) -> None:
        self.follows = follows
        self.cells: list[Number] = []
        self.known: dict[tuple, Number] = {}
        self.guards: list[tuple[Number, bool]] = []
        self.refused: RuntimeError | None = None  # the first thing that the function may not do, also if it catches the error
        self.evaluated = 0

    def check_room(self, more: int = 0) -> None:
        """Raise RuntimeError if, with so many more operations, there are too many."""
        if len(self.cells) + more > MOST_OPERATIONS:
            raise RuntimeError(
                f"compile: the function takes more than {MOST_OPERATIONS:,} operations on single numbers, each of which would "
                "be written; call the function itself, whose arrays do many at once, or compile a part of it"
            )

    def refuse(self, why: str) -> NoReturn:
        """Raise RuntimeError, now and, if the function catches it, again when the function has been recorded."""
        error = RuntimeError(f"compile: {why}")
        self.refused = self.refused or error
        raise error

    def input(self, kind: type, value: Any) -> Number:
        """Return a new cell for a number that every call of the program is given; it has this value now."""
        cell = Number("input", (), kind, len(self.cells))
        cell.value = value
        self.cells.append(cell)
        return cell

    def literal(self, x: Any) -> Any:
        """Return a plain number as a cell, if operations on it are to be written."""
        return x

    def value(self, wanted: Any) -> Any:
        """Return the number that a cell has for the inputs of the recording; a plain number as it is."""
        if type(wanted) is not Number:
            return wanted
        while not hasattr(wanted, "value"):
            cell = self.cells[self.evaluated]
            self.evaluated += 1
            if not hasattr(cell, "value"):
                cell.value = EAGER[cell.op](*[x.value if type(x) is Number else x for x in cell.operands])
        return wanted.value


_KINDS: dict[str, type] = {
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "not", "bool"), bool),
    **dict.fromkeys(("int", "argmax"), int),
    **dict.fromkeys(
        ("/", "float", "exp", "log", "log1p", "sqrt", "sin", "cos", "tanh", "erf", "power", "power_of_number", "sum", "dot",
         "floor_divide"), float),
}  # fmt: skip
_tape: Tape | None = None


_one_tape = RLock()


@contextmanager
def without_collecting() -> Iterator[None]:
    """Let the garbage collector rest in the block: what is made there stays, and looking through it takes half of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@contextmanager
def noting(tape: Tape) -> Iterator[None]:
    """Note operations on this tape in the block; other threads that would note on theirs wait."""
    global _tape
    with _one_tape:
        before, _tape = _tape, tape
        try:
            yield
        finally:
            _tape = before


def current_tape() -> Tape:
    """Return the tape of the recording. Raises RuntimeError if there is none."""
    if _tape is None:
        raise RuntimeError(
            "compile: a value that was made while a function was recorded holds no numbers after it; return it instead"
        )
    return _tape


def note(op: str, *operands: Any) -> Any:
    """Return the result of an operation: a plain number if all operands are, else a cell."""
    for operand in operands:
        if type(operand) is Number:
            if _tape is not None and _tape.follows:
                return _followed(_tape, op, operands)
            simpler = _SIMPLER[op](*operands) if op in _SIMPLER else None
            return _noted(op, operands) if simpler is None else simpler
    return EAGER[op](*operands)


def _followed(tape: Tape, op: str, operands: tuple[Any, ...]) -> Any:
    if op == "where":
        return tape.literal(operands[1] if operands[0] else operands[2])
    if _KINDS.get(op) is bool:
        return EAGER[op](*map(tape.value, operands))
    return _noted(op, operands)


def _noted(op: str, operands: tuple[Any, ...]) -> Number:
    tape = current_tape()
    key = (op, *map(id, operands))
    cell = tape.known.get(key)
    if cell is None:
        cell = tape.known[key] = Number(op, operands, kind_of(op, _types(operands)), len(tape.cells))
        tape.cells.append(cell)
    return cell


def kind_of(op: str, kinds: Sequence[type]) -> type:
    """Return the type of an operation's result by those of its operands."""
    if op in _KINDS:
        return _KINDS[op]
    kinds = kinds[1:] if op in ("where", "pick") else kinds
    return common(*kinds) if op in ("where", "pick", "&", "|", "^") else float if float in kinds else int


def _types(operands: Iterable[Any]) -> list[type]:
    return [x.dtype if type(x) is Number else type(x) for x in operands]


def _is(x: Any, number: float) -> bool:
    """Return whether x is this plain float, the sign of 0.0 included."""
    return type(x) is float and x == number and math.copysign(1.0, x) == math.copysign(1.0, number)


def _never_minus_zero(x: Any) -> bool:
    """Return whether x is a sum with a term 0.0: adding 0.0 once more changes nothing."""
    return type(x) is Number and x.op == "+" and any(_is(term, 0.0) for term in x.operands)


def _simpler_product(a: Any, b: Any) -> Any:
    if _is(b, 1.0) and a.dtype is float:
        return a
    return b if _is(a, 1.0) and b.dtype is float else None


def _simpler_sum(a: Any, b: Any) -> Any:
    if _is(b, 0.0) and _never_minus_zero(a):
        return a
    return b if _is(a, 0.0) and _never_minus_zero(b) else None


def _simpler_choice(condition: Any, a: Any, b: Any) -> Any:
    return a if a is b or (type(condition) is not Number and condition) else b if type(condition) is not Number else None


_SIMPLER: dict[str, Callable[..., Any]] = {  # what changes no bit of any result is left out; None if there is nothing
    "*": _simpler_product,
    "/": lambda a, b: a if _is(b, 1.0) and a.dtype is float else None,
    "+": _simpler_sum,
    "negative": lambda a: a.operands[0] if a.op == "negative" else None,
    "where": _simpler_choice,
    "==": lambda a, b: a if b is True and a.dtype is bool else None,
}


_OPERATORS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "power", "and": "&", "or": "|", "xor": "^"}
_COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


def give_operators(kind: type, infix: Callable[[str], tuple[Callable, Callable]]) -> None:
    """Give a class its operators: `infix` returns the method for an operation's symbol, and the reflected one."""
    for name, symbol in _OPERATORS.items():
        forward, reflected = infix(symbol)
        setattr(kind, f"__{name}__", forward)
        setattr(kind, f"__r{name}__", reflected)
    for name, symbol in _COMPARISONS.items():
        setattr(kind, f"__{name}__", infix(symbol)[0])


def _infix(op: str) -> Any:
    repeats = op not in ("+", "-", "*")  # of two cells these are rarely noted twice, and looking takes as long as noting

    def forward(self: Number, other: Any) -> Any:
        if type(other) is not Number:
            return note(op, self, other) if type(other) in _PLAIN else NotImplemented
        if repeats or _tape is None or _tape.follows:
            return note(op, self, other)
        cells = _tape.cells
        dtype = float if self.dtype is float or other.dtype is float else kind_of(op, (self.dtype, other.dtype))
        cell = Number(op, (self, other), dtype, len(cells))
        cells.append(cell)
        return cell

    def reflected(self: Number, other: Any) -> Any:
        return note(op, other, self) if type(other) in _PLAIN else NotImplemented

    return forward, reflected


class Number:
    """A number that the program will compute by an operation on these operands, or is given.

    Its `dtype` is `float`, `int` or `bool`. Raises RuntimeError where the number itself is asked for, as by `if` or `float`.
    """

    __slots__ = ("dtype", "level", "number", "op", "operands", "size", "text", "uses", "value")
    __array_ufunc__ = None
    shape = ()
    ndim = 0

    value: Any
    text: str  # how it is written, how tightly that holds together, and how many operations it has
    level: int
    size: int
    uses: int

    def __init__(self, op: str, operands: tuple[Any, ...], dtype: type, number: int) -> None:
        self.op, self.operands, self.dtype, self.number = op, operands, dtype, number

    def __neg__(self) -> Any:
        return note("negative", self)

    def __invert__(self) -> Any:
        return note("not" if self.dtype is bool else "~", self)

    def __bool__(self) -> bool:
        """Tell a function of this library what is true now, and note that it asked; tell no one else."""
        if _tape is None or not sys._getframe(1).f_code.co_filename.startswith(_HERE):
            refuse("the truth of a comparison", "if a > b")
        truth = bool(_tape.value(self))
        _tape.guards.append((self, truth))
        return truth

    def __repr__(self) -> str:
        if _tape is None:
            return f"<a number of a recording, {self.op}>"
        if not sys._getframe(1).f_code.co_filename.startswith(_HERE):
            refuse("the number itself", "str(x)")
        return repr(_tape.value(self))

    def __hash__(self) -> int:  # noqa: PLE0309 (it never returns)
        refuse("the number itself", "a set or the key of a dict")

    def tolist(self) -> NoReturn:
        refuse("the number itself", "item()")

    def __float__(self) -> NoReturn:
        refuse("the number itself", "float(x)")

    def __int__(self) -> NoReturn:
        refuse("the number itself", "int(x)")

    def __index__(self) -> NoReturn:  # noqa: PLE0305 (it never returns)
        refuse("the number itself", "an index")


give_operators(Number, _infix)
scalars.add(Number)
_PLAIN = {Number, float, int, bool}


def refuse(what: str, example: str) -> NoReturn:
    """Raise RuntimeError: a program that is compiled for all numbers cannot depend on those of one call."""
    current_tape().refuse(
        f"the function asks for {what}, as by {example}, so what it does would depend on the numbers of one call; "
        "choose with where(condition, a, b), or ask outside the compiled function"
    )


# What each operation computes: the functions that the array library maps over its elements --------------------------------


def _power_of_number(a: float, b: float) -> float:
    return power_primitive.value(a, b)


def _dot(*numbers: float) -> float:
    half = len(numbers) // 2
    return functions._product(list(numbers[:half]), list(numbers[half:]), 1, half, 1)[0]


EAGER: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": ieee.divide,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
    "&": operator.and_, "|": operator.or_, "^": operator.xor, "//": operator.floordiv, "**": operator.pow,
    "negative": operator.neg, "not": operator.not_, "~": operator.invert,
    "float": float, "int": int, "bool": bool,
    "where": lambda condition, a, b: a if condition else b, "pick": lambda chosen, *xs: xs[chosen],
    "exp": ieee.exp, "log": ieee.log, "log1p": ieee.log1p, "sqrt": ieee.sqrt, "sin": ieee.sin, "cos": ieee.cos,
    "tanh": ieee.tanh, "erf": ieee.erf, "floor": ieee.floor, "ceil": ieee.ceil, "trunc": ieee.trunc,
    "round": ieee.round_half_even, "maximum": ieee.maximum, "floor_divide": ieee.floor_divide,
    "power": ieee.power, "power_of_number": _power_of_number,
    "sum": lambda *numbers: functions._total(list(numbers)), "count": lambda *numbers: sum(numbers),
    "max": lambda *numbers: functions._largest(list(numbers)),
    "argmax": lambda *numbers: functions._first_largest(list(numbers)),
    "dot": _dot,
}  # fmt: skip
