"""`compile`: a chain of 10,000 scalar operations against this engine, and micrograd's own training step against micrograd.

The chain is 5,000 multiply-adds, x = x * a + b, forward and backward, on new leaves in each call. The step is that of moons.py,
on single numbers on both sides: the same lines, of which the loss is compiled here. Values and gradients are compared first, to
the last bit against this engine. A first call records, writes and compiles: it is measured on a new `compile` each time, and
divided by what a later call saves.
"""

from __future__ import annotations

import random

import micrograd.nn
import moons
from timing import Figure, close, medians, show

from micrograd_sm import Value, compile, nn

LINKS = 5_000


def links(x: Value, a: Value, b: Value) -> Value:
    for _ in range(LINKS):
        x = x * a + b
    return x


def differentiated(function):
    """Return a call of the chain on new leaves, forward and backward."""

    def call() -> list[float]:
        leaves = [Value(0.5), Value(0.999), Value(0.001)]
        out = function(*leaves)
        out.backward()
        return [out.data, *(leaf.grad for leaf in leaves)]

    return call


def first_call() -> list[float]:
    return differentiated(compile(links))()


def of_the_chain() -> list[Figure]:
    """Return how many times faster it is compiled, and how many calls the first one costs."""
    eager, compiled = differentiated(links), differentiated(compile(links))
    assert eager() == compiled()
    slow, fast = medians(eager, compiled, rounds=21, repeat=(4, 40), warmup=2)
    in_c = differentiated(compile(links, backend="c"))
    assert in_c() == eager()
    beside, fastest = medians(compiled, in_c, rounds=21, repeat=(10, 40), warmup=2)
    again, first = medians(eager, first_call, rounds=15, repeat=(4, 1), warmup=2)
    ratio, calls = slow / fast, first / (again - again * fast / slow)
    operations = f"{2 * LINKS:,} scalar operations"
    per_operation = f"{fast / (2 * LINKS) * 1e9:.0f} ns an operation against {slow / (2 * LINKS) * 1e9:.0f}"
    return [
        Figure(
            f"{operations}, compiled, against this engine",
            "15 times faster",
            f"{ratio:.0f} times ({per_operation})",
            ratio >= 15,
        ),
        Figure(
            f"{operations}, compiled as C, against the lines of Python",
            "faster",
            f"{beside / fastest:.1f} times ({fastest / (2 * LINKS) * 1e9:.0f} ns an operation)",
            fastest < beside,
        ),
        Figure(
            f"{operations}, what the first call takes",
            "at most 20 calls",
            f"{calls:.0f} calls ({first * 1e3:.0f} ms)",
            calls <= 20,
        ),
    ]


def compiled_step(model: nn.MLP, X: list, y: list):
    """Return micrograd's step, line by line, with its loss compiled."""

    @compile
    def loss() -> Value:
        inputs = [list(map(Value, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = moons.ALPHA * sum(p * p for p in model.parameters())
        return data_loss + reg_loss

    parameters = list(model.parameters())

    def step() -> float:
        total_loss = loss()
        model.zero_grad()
        total_loss.backward()
        for p in parameters:
            p.data -= moons.LEARNING_RATE * p.grad
        return total_loss.data

    return step


def of_the_step() -> Figure:
    """Return how many times faster than micrograd a step of its MLP is."""
    X, y = moons.two_moons(random.Random(1))
    random.seed(1337)
    theirs = moons.scalar_step(reference := micrograd.nn.MLP(2, [16, 16, 1]), X, y)
    random.seed(1337)
    ours = compiled_step(model := nn.MLP(2, [16, 16, 1]), X, y)
    for _ in range(3):
        assert close(ours(), theirs())
    assert all(close(p.data, q.data) for p, q in zip(model.parameters(), reference.parameters(), strict=True))
    measured, _, alone = moons.against_micrograd(ours, theirs)
    return Figure(
        "moons training step of single numbers, compiled, against micrograd", "40 times faster", measured, alone >= 40
    )


def measure() -> list[Figure]:
    """Return the figures of this benchmark; the second one needs a C compiler."""
    return [*of_the_chain(), of_the_step()]


if __name__ == "__main__":
    show(measure())
