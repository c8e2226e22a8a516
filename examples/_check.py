"""Prints figures beside the expected ones, and remembers whether all of them agree."""

import sys

_differing = []


def check(what, found, expected):
    """Print a number, or (nested) lists of numbers, beside the expected ones, to four decimals."""
    left, right = _rows(found), _rows(expected)
    if left != right:
        _differing.append(what)
    print(what)
    print("    computed", "\n             ".join(left))
    print("    expected", "\n             ".join(right) + ("" if left == right else "  DIFFERS"))


def finish():
    """End the program, with exit code 1 if any figure differed."""
    if _differing:
        sys.exit(f"differs: {', '.join(_differing)}")
    print("Every figure agrees.")


def _rows(x):
    """Return numbers as text, with a line for each row of a matrix."""
    if isinstance(x, list) and x and isinstance(x[0], list):
        return [row for rows in x for row in _rows(rows)]
    return [f"[{', '.join(map(_text, x))}]" if isinstance(x, list) else _text(x)]


def _text(x):
    return f"{x:.4f}".replace("-0.0000", "0.0000") if isinstance(x, float) else str(x)
