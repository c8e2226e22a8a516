"""What each operator and function of a single number costs, over what `+` costs; and `backward()` of one operation.

Each is called on Values in a loop, round by round in turn with `+`, and the fastest round counts: all else is the machine's.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import perf_counter

from timing import Figure, show

from micrograd_sm import Value

TIMES, ROUNDS = 2_000, 60
FUNCTIONS = ("exp", "log", "log1p", "sin", "cos", "tanh", "erf", "sigmoid", "relu", "sqrt")


def of_one(function: Callable[[Value], object]) -> Callable[[Value, Value], object]:
    return lambda a, b: function(a)


OPERATIONS: dict[str, Callable[[Value, Value], object]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "-a": lambda a, b: -a,
    "a + 1": lambda a, b: a + 1.0,
    **{name: of_one(getattr(Value, name)) for name in FUNCTIONS},
}


def cost(operation: Callable[[Value, Value], object], a: Value, b: Value) -> float:
    """Return the seconds of one call, of a loop of many."""
    start = perf_counter()
    for _ in range(TIMES):
        operation(a, b)
    return (perf_counter() - start) / TIMES


def costs() -> dict[str, float]:
    """Return the seconds of each operation, without those of calling it."""
    a, b = Value(0.7), Value(1.3)
    found = dict.fromkeys(["", *OPERATIONS], 1.0)
    gc.disable()
    for _ in range(ROUNDS):
        for name, operation in {"": lambda a, b: a, **OPERATIONS}.items():
            found[name] = min(found[name], cost(operation, a, b))
    gc.enable()
    called = found.pop("")
    return {name: seconds - called for name, seconds in found.items()}


def backward_of_one() -> float:
    """Return the seconds of `backward()` through one operation, with gradients that are None before."""
    a, b = Value(0.7), Value(1.3)
    c = a + b

    def cleared(a: Value, b: Value) -> None:
        a.grad = b.grad = c.grad = None

    def differentiated(a: Value, b: Value) -> None:
        cleared(a, b)
        c.backward()

    return min(cost(differentiated, a, b) for _ in range(ROUNDS)) - min(cost(cleared, a, b) for _ in range(ROUNDS))


def measure() -> list[Figure]:
    """Return the two figures of this benchmark."""
    found = costs()
    over = {name: seconds / found["+"] for name, seconds in found.items()}
    worst = sorted(over, key=over.__getitem__, reverse=True)[:3]
    said = f"at most {over[worst[0]]:.1f} (" + ", ".join(f"{name} {over[name]:.1f}" for name in worst) + ")"
    back = backward_of_one()
    return [
        Figure(f"{len(found)} operators and functions of a number, over +", "at most 2", said, over[worst[0]] <= 2),
        Figure("backward() of one operation", "at most 1.5 us", f"{back * 1e6:.2f} us", back <= 1.5e-6),
    ]


if __name__ == "__main__":
    show(measure())
