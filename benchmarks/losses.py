"""Losses of classification: a softmax NLL of four numbers beside torch, and (100, 100) arrays beside kerze.

The four logits are single numbers, as a student writes them, here and as 0-d tensors of torch, one thread: the same lines,
forward and backward. Values and gradients are compared first.
"""

from __future__ import annotations

import random

import kerze
import kerze.nn.functional
import torch
from timing import Figure, close, medians, show

from micrograd_sm import Value, cross_entropy, log_softmax, softmax

LOGITS, TARGET, SIZE = (2.0, 1.0, 0.1, -1.0), 1, 100


def nll_of_four(logits: list) -> tuple:
    exps = [z.exp() for z in logits]
    loss = -(exps[TARGET] / (exps[0] + exps[1] + exps[2] + exps[3])).log()
    loss.backward()
    return loss, *(z.grad for z in logits)


def four_here() -> tuple:
    return nll_of_four([Value(z) for z in LOGITS])


def four_in_torch() -> tuple:
    return nll_of_four([torch.tensor(z, dtype=torch.float64, requires_grad=True) for z in LOGITS])


def against_kerze() -> dict[str, float]:
    """Return how many times faster each loss is here, forward and backward."""
    generator = random.Random(0)
    rows = [[generator.gauss(0, 2) for _ in range(SIZE)] for _ in range(SIZE)]
    targets = [generator.randrange(SIZE) for _ in range(SIZE)]
    here = {
        "softmax": lambda z: softmax(z, dim=1).sum(),
        "log_softmax": lambda z: log_softmax(z, dim=1).sum(),
        "cross_entropy": lambda z: cross_entropy(z, targets),
    }
    criterion = kerze.nn.CrossEntropyLoss()
    there = {
        "softmax": lambda z: kerze.nn.functional.softmax(z, 1).sum(),
        "log_softmax": lambda z: kerze.nn.functional.log_softmax(z, 1).sum(),
        "cross_entropy": lambda z: criterion(z, targets),
    }

    def run(function, value):
        def step():
            z = value(rows)
            loss = function(z)
            loss.backward()
            return loss, z

        return step

    times = {}
    for name, function in here.items():
        mine, theirs = run(function, Value), run(there[name], lambda rows: kerze.Tensor(rows, requires_grad=True))
        (loss, z), (other, x) = mine(), theirs()
        assert close(loss.item(), other.data.data[0] if hasattr(other.data, "data") else other.data, 1e-6), name
        assert all(map(close, z.grad.flat, x.grad.data)), name
        seconds, reference = medians(mine, theirs, rounds=5, repeat=(4, 1))
        times[name] = reference / seconds
    return times


def measure() -> list[Figure]:
    """Return the figures of this benchmark."""
    torch.set_num_threads(1)
    ours, theirs = four_here(), four_in_torch()
    assert all(close(float(a), float(b.detach())) for a, b in zip(ours, theirs, strict=True)), (ours, theirs)
    mine, reference = medians(four_here, four_in_torch, rounds=31, repeat=(200, 50))
    ratio = mine / reference
    measured = f"{ratio:.2f} ({mine * 1e6:.0f} us against {reference * 1e6:.0f} us)"
    figures = [Figure("softmax NLL of four numbers, time over torch's", "at most 0.2", measured, ratio <= 0.2)]
    times = against_kerze()
    said = ", ".join(f"{name} {times[name]:.0f}" for name in times)
    fast = min(times.values()) >= 20
    return [*figures, Figure(f"losses of ({SIZE}, {SIZE}) logits, times faster than kerze", "at least 20", said, fast)]


if __name__ == "__main__":
    show(measure())
