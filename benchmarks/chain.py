"""A chain of 2,000 scalar multiply-adds, x = x * a + b, forward and backward: this engine's time over micrograd's.

Both run the same lines, alternately, in a thread with a stack deep enough for micrograd's recursion. Their values and
gradients are compared first. Timed in a loop, and, since micrograd's graphs are reference cycles that the garbage
collector must find, also one by one with that done off the clock.
"""

from __future__ import annotations

import micrograd.engine
from timing import Figure, close, medians, show, with_deep_stack

import micrograd_sm

LINKS = 2_000


def chain(value):
    x, a, b = value(0.5), value(0.999), value(0.001)
    start = x
    for _ in range(LINKS):
        x = x * a + b
    x.backward()
    return x.data, start.grad, a.grad, b.grad


def compare() -> list[float]:
    """Return the seconds of both in a loop, then of both with garbage collected off the clock."""
    ours, theirs = chain(micrograd_sm.Value), chain(micrograd.engine.Value)
    assert all(map(close, ours, theirs)), (ours, theirs)
    both = (lambda: chain(micrograd_sm.Value), lambda: chain(micrograd.engine.Value))
    return medians(*both, rounds=21, repeat=(10, 10), warmup=2) + medians(*both, rounds=51, warmup=5)


def measure() -> list[Figure]:
    """Return the figure of this benchmark."""
    mine, reference, mine_alone, reference_alone = with_deep_stack(compare)
    ratio = mine_alone / reference_alone
    measured = (
        f"{ratio:.2f} with micrograd's garbage collected off the clock; "
        f"{mine / reference:.2f} in a loop ({mine * 1e3:.2f} ms against {reference * 1e3:.2f} ms)"
    )
    return [Figure(f"{LINKS:,} scalar multiply-adds, time over micrograd's", "at most 0.45", measured, ratio <= 0.45)]


if __name__ == "__main__":
    show(measure())
