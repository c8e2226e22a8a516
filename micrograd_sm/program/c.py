"""Cells as a C program, compiled by the machine's C compiler and called through ctypes: the same numbers, to the last bit.

Every variable is an element of one array `v`, every input one of `x`, so that a long program is several functions without
more. C's floats are IEEE 754's, so there is no second program for what Python's `math` raises for.
"""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import shutil
import subprocess
from array import array
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any

from micrograd_sm.program.cells import Number
from micrograd_sm.program.writing import ATOM, CHOICE, COMPARISON, SUM, Changed, Code, Writer, text_of, within

FLAGS = ("-O0", "-fPIC", "-shared", "-ffp-contract=off")
_LONGEST_FUNCTION = 500  # lines; a compiler's time grows faster than a function's length
_NAME = re.compile(r"\b[vx]\d+\b")
_WHOLE = re.compile(r"(?<![\w.])(?<!e-)(?<!e\+)\d+(?![\w.])")  # C would divide it as an int
_CALLED = {
    "power": "pow", "power_of_number": "power_of_number", "round": "nearbyint",
    **{name: name for name in ("exp", "log", "log1p", "sqrt", "sin", "cos", "tanh", "erf", "floor", "ceil", "trunc")},
}  # fmt: skip
_OF_MANY = {"max": "largest", "argmax": "first_largest", "sum": "fsum", "count": "count"}
_HEAD = """\
#include <math.h>
#define True 1.0
#define False 0.0
#define LIST(...) (const double[]){__VA_ARGS__}

static double power_of_number(double a, double b) {  // torch's square root: of -inf it is nan, where pow says inf
    return b == 0.5 ? sqrt(a) : b == -0.5 ? 1.0 / sqrt(a) : pow(a, b);
}

static double largest(int n, const double *a) {
    double most = a[0];
    for (int i = 0; i < n; i++) if (a[i] != a[i]) return a[i];
    for (int i = 1; i < n; i++) if (a[i] > most) most = a[i];
    return most;
}

static double first_largest(int n, const double *a) {
    const double most = largest(n, a);
    for (int i = 0; i < n; i++) if (a[i] == most || a[i] != a[i]) return i;
    return 0;
}

static double count(int n, const double *a) {
    double total = 0;
    for (int i = 0; i < n; i++) total += a[i];
    return total;
}

static double fsum(int n, const double *a) {  // rounded once: Shewchuk's partial sums, which do not overlap
    double parts[n + 1], plain = 0;
    int size = 0;
    for (int i = 0; i < n; i++) {
        double x = a[i];
        int kept = 0;
        plain += x;
        for (int k = 0; k < size; k++) {
            double y = parts[k];
            if (fabs(x) < fabs(y)) { const double larger = y; y = x; x = larger; }
            const double high = x + y, low = y - (high - x);
            if (low != 0) parts[kept++] = low;
            x = high;
        }
        if (!isfinite(x)) { for (i++; i < n; i++) plain += a[i]; return plain; }
        if (x != 0) parts[kept++] = x;
        size = kept;
    }
    if (size == 0) return 0;
    double high = parts[--size], low = 0;
    while (size > 0) {
        const double x = high, y = parts[--size];
        high = x + y;
        low = y - (high - x);
        if (low != 0) break;
    }
    if (size > 0 && ((low < 0 && parts[size - 1] < 0) || (low > 0 && parts[size - 1] > 0))) {  // a tie that is none
        const double twice = low * 2, x = high + twice;
        if (twice == x - high) high = x;
    }
    return high;
}

"""


class CCode(Code):
    """A program in C; its first call raises RuntimeError if there is no C compiler, or no C for an operation."""

    _run: Any = None

    @property
    def text(self) -> str:
        """The program as C."""
        return _HEAD + self._body()

    def _body(self) -> str:
        if any(cell.op in ("&", "|", "^") and cell.dtype is not bool for cell in self.tape.cells):
            raise _no_c("& of whole numbers")
        writer = _CWriter(exact=False)
        ending = self._write(writer)
        variables: dict[str, int] = {}
        inputs = {f"x{one.number}": place for place, one in enumerate(_flat(self.inputs))}

        def element(match: re.Match[str]) -> str:
            name = match.group()
            return f"x[{inputs[name]}]" if name in inputs else f"v[{variables.setdefault(name, len(variables))}]"

        results = [f"out[{place}] = {_in_c(text)};" for place, text in enumerate(ending)]
        lines = [_NAME.sub(element, line) for line in [*writer.lines, *results]]
        given = "const double *x, double *v, double *out"
        starts = range(0, len(lines), _LONGEST_FUNCTION)
        parts = [
            f"static int part{number}({given}) {{\n    " + "\n    ".join(lines[start : start + _LONGEST_FUNCTION])
            + "\n    return 0;\n}\n"
            for number, start in enumerate(starts)
        ]  # fmt: skip
        calls = " || ".join(f"part{number}(x, v, out)" for number in range(len(parts))) or "0"
        main = f"int program(const double *x, double *out) {{\n    static _Thread_local double v[{len(variables) or 1}];\n"
        return "\n".join([*parts, f"{main}    return {calls};\n}}\n"])

    def __call__(self, values: Sequence[Any]) -> tuple:
        """Return the results. Raises `Changed` if the recording made a choice that is another for these values."""
        if self._run is None:
            self._run = _compiled(self.text)
        given = array("d", _flat(values))
        found = array("d", bytes(8 * len(_flat(self.results))))
        if self._run(given.buffer_info()[0], found.buffer_info()[0]):
            raise Changed
        numbers = iter(found)
        return tuple([_kept(part, numbers) for part in self.results])


class _CWriter(Writer):
    """Writes lines of C."""

    def assign(self, name: str, text: str) -> None:
        self.lines.append(f"{name} = {_in_c(text)};")

    def guard(self, text: str, truth: bool) -> None:
        self.lines.append(f"if ({'!' if truth else ''}({_in_c(text)})) return 1;")

    def special(self, op: str, xs: tuple[Any, ...], cell: Number) -> tuple[str, int]:
        if op in ("input", "negative"):
            return super().special(op, xs, cell)
        if op == "where":
            condition, a, b = (within(x, COMPARISON) for x in xs)
            return f"{condition} ? {a} : {b}", CHOICE
        if op == "pick":
            return f"LIST({_listed(xs[1:])})[(int){within(xs[0], ATOM)}]", ATOM
        if op == "maximum":
            a, b = (within(x, SUM) for x in xs)
            return f"{a} > {b} || {a} != {a} ? {a} : {b}", CHOICE
        if op == "not":
            return f"!{within(xs[0], ATOM)}", ATOM
        if op in ("float", "bool"):
            return (text_of(xs[0]), xs[0].level) if op == "float" else (f"{within(xs[0], SUM)} != 0", COMPARISON)
        if op in _OF_MANY:
            return f"{_OF_MANY[op]}({len(xs)}, LIST({_listed(xs)}))", ATOM
        if op not in _CALLED:
            raise _no_c(op)
        return f"{_CALLED[op]}({_listed(xs)})", ATOM


def _no_c(operation: str) -> RuntimeError:
    return RuntimeError(f'compile: there is no C for the operation {operation}; leave out backend="c"')


def _listed(xs: Sequence[Any]) -> str:
    return ", ".join(map(text_of, xs))


def _in_c(text: str) -> str:
    """Return an expression with what C writes otherwise than Python; `&`, `|` and `^` are of truths only."""
    for python, c in {"math.inf": "INFINITY", "math.nan": "NAN", " & ": " && ", " | ": " || ", " ^ ": " != "}.items():
        text = text.replace(python, c)
    return _WHOLE.sub(r"\g<0>.0", text)


def _flat(parts: Sequence[Any]) -> list[Any]:
    return [one for part in parts for one in (part if isinstance(part, list) else [part])]


def _kept(part: Any, numbers: Any) -> Any:
    """Return the next numbers in place of a result's cells, as floats, ints or bools."""
    if isinstance(part, list):
        return [_kept(one, numbers) for one in part]
    number = next(numbers)
    kind = part.dtype if isinstance(part, Number) else type(part)
    return number if kind is float else kind(number)


def compiler() -> list[str]:
    """Return the command of a C compiler: `CC` of the environment, else the first of cc, gcc and clang; [] if there is none."""
    if given := shlex.split(os.environ.get("CC", "")):
        return given
    return [path for path in map(shutil.which, ("cc", "gcc", "clang")) if path][:1]


def _compiled(text: str) -> Any:
    """Return the function `program` of a C program."""
    command = compiler()
    if not command:
        raise RuntimeError('compile: backend="c" needs a C compiler, such as gcc or clang; install one, or set CC to its path')
    with TemporaryDirectory() as folder:
        source, library = os.path.join(folder, "program.c"), os.path.join(folder, "program.so")
        with open(source, "w") as file:
            file.write(text)
        try:
            done = subprocess.run([*command, *FLAGS, source, "-o", library, "-lm"], capture_output=True, text=True, check=False)
        except OSError as error:
            raise RuntimeError(
                f"compile: the C compiler {command[0]!r} cannot be run ({error.strerror}); set CC to one"
            ) from None
        if done.returncode:
            raise RuntimeError(f"compile: {command[0]} failed: {done.stderr.strip()[:500]}")
        run = ctypes.CDLL(library).program
    run.argtypes, run.restype = [ctypes.c_void_p, ctypes.c_void_p], ctypes.c_int
    return run
