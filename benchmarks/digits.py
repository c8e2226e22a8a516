"""How many correct digits log_softmax and cross_entropy keep, value and gradient: `python benchmarks/digits.py`.

Logits lie up to 1e4 apart, random and adversarial: one class far ahead, near ties, many classes, exact ties, differences that
no double holds. What is right is computed with 60-digit decimals from the definition, log p_i = -log1p(sum of exp(x_j - x_i)),
not from the composition. Digits are -log10 of the relative error, at most 16, of every single number, however small it is;
numbers below 2.3e-308, for which doubles have fewer digits, count in their own row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from random import Random

from micrograd_sm import Value, cross_entropy, log_softmax
from micrograd_sm.study.trust.decimals import working
from micrograd_sm.study.trust.elementary import log1p

SMALLEST = 2.2250738585072014e-308


def random_logits(random: Random, rows: int = 300) -> Iterator[list[float]]:
    """Yield rows of 2 to 30 logits, up to 1e-3 ... 1e4 apart."""
    for _ in range(rows):
        half = 10.0 ** random.uniform(-3, 4) / 2
        yield [random.uniform(-half, half) for _ in range(random.choice((2, 3, 10, 30)))]


def adversarial_logits(random: Random) -> Iterator[list[float]]:
    """Yield rows at which a formula for softmax could fail."""
    for gap in (1e-300, 1e-17, 1e-9, 0.1, 1.0, 20.0, 36.7, 40.3, 63.9, 100.7, 300.1, 599.8, 708.3, 745.3, 5000.1, 1e4):
        yield [0.0, -gap]
        yield [gap, 0.0, 0.0]
        yield [gap / 3.0, gap / 3.0 - gap, -gap / 7.0]
        yield [0.1, 0.1 + gap]
        yield [1.0, 1.0, 1.0 - gap]
    yield [0.0] * 1000
    yield [0.0, *(math.nextafter(0.0, -1.0) for _ in range(10))]
    yield [random.gauss(0.0, 1e-3) for _ in range(1000)]
    yield [36.0, *(random.gauss(0.0, 1.0) for _ in range(1000))]


def right_answers(row: list[float]) -> tuple[list[Decimal], list[Decimal]]:
    """Return log p_i and p_i; the complement 1 - p_i comes from them without loss through -expm1, here with 60 digits."""
    xs = [Decimal(x) for x in row]
    top = max(xs)
    place = xs.index(top)
    weights = [(x - top).exp() for x in xs]
    rest = sum((w for k, w in enumerate(weights) if k != place), Decimal(0))
    normaliser = log1p(rest)
    return [x - top - normaliser for x in xs], [w / (1 + rest) for w in weights]


def kept(computed: float, right: Decimal) -> float:
    """Return the correct digits of a number."""
    if Decimal(computed) == right:
        return 16.0
    if right == 0 or not math.isfinite(computed):
        return 0.0
    return min(16.0, max(0.0, -float((abs(Decimal(computed) - right) / abs(right)).log10())))


def measured(row: list[float]) -> Iterator[tuple[str, float, Decimal]]:
    """Yield what was computed, its digits and what is right: every value and gradient of a row."""
    log_probs, probs = right_answers(row)
    for target in range(len(row)) if len(row) <= 30 else (0, len(row) - 1):
        others = sum((p for k, p in enumerate(probs) if k != target), Decimal(0))
        gradient = [-others if k == target else p for k, p in enumerate(probs)]
        for name, loss_of, sign in (
            ("log_softmax", lambda x, t=target: log_softmax(x, 0)[t], 1),
            ("cross_entropy", lambda x, t=target: cross_entropy(x, t), -1),
        ):
            x = Value(row)
            loss = loss_of(x)
            loss.backward()
            yield f"{name}, value", kept(loss.item(), sign * log_probs[target]), log_probs[target]
            for computed, right in zip(x.grad.flat, gradient, strict=True):
                yield f"{name}, gradient", kept(computed, -sign * right), right


def worst(rows: Iterator[list[float]]) -> dict[str, tuple[float, list[float]]]:
    """Return the fewest digits of each quantity over rows of logits, and the row where it kept them."""
    found: dict[str, tuple[float, list[float]]] = {}
    with working(60):
        for row in rows:
            for name, digits, right in measured(row):
                name = name if abs(right) >= SMALLEST else f"{name}, below 2.3e-308"
                if digits < found.get(name, (17.0, row))[0]:
                    found[name] = digits, row
    return found


if __name__ == "__main__":
    for title, rows in (("random", random_logits(Random(0))), ("adversarial", adversarial_logits(Random(1)))):
        for name, (digits, row) in sorted(worst(rows).items()):
            shown = ", ".join(f"{x:.17g}" for x in row[:3])
            print(f"{title:12} {name:42} {digits:5.1f}   logits [{shown}{', ...' if len(row) > 3 else ''}]")
