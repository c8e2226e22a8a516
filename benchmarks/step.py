"""One training step of a 30-200-27 tanh MLP with cross-entropy, batch 32: against plain lists, and against kerze.

The step is forward, backward and SGD update, with nn.Sequential and optim.SGD here and their namesakes in kerze;
roofline.py does the same arithmetic by hand, without a graph. All three start from the same numbers. Losses, gradients and
updated parameters are compared first. The roofline alternates with this engine, kerze (some seconds a step) with both.
"""

from __future__ import annotations

import random

import kerze
import kerze.nn
import kerze.optim
import roofline
from timing import Figure, close, medians, show

from micrograd_sm import Value, cross_entropy, nn, optim

INPUTS, HIDDEN, CLASSES, BATCH, LEARNING_RATE = 30, 200, 27, 32, 0.1


def model_here() -> nn.Sequential:
    generator = random.Random(0)
    return nn.Sequential(
        nn.Linear(INPUTS, HIDDEN, generator=generator), nn.Tanh(), nn.Linear(HIDDEN, CLASSES, generator=generator)
    )


def step_here(model: nn.Sequential, inputs: list, targets: list):
    batch, optimizer = Value(inputs, requires_grad=False), optim.SGD(model.parameters(), lr=LEARNING_RATE)

    def step() -> float:
        loss = cross_entropy(model(batch), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def step_by_hand(network: roofline.Network, inputs: list, targets: list):
    holder = [network]

    def step() -> float:
        loss, gradients = roofline.loss_and_gradients(holder[0], inputs, targets)
        holder[0] = roofline.updated(holder[0], gradients, LEARNING_RATE)
        return loss

    return step, holder


def step_of_kerze(state: dict, inputs: list, targets: list):
    model = kerze.nn.Sequential(kerze.nn.Linear(INPUTS, HIDDEN), kerze.nn.Tanh(), kerze.nn.Linear(HIDDEN, CLASSES))
    for layer, place in ((model[0], 0), (model[2], 2)):
        layer.weight.data = kerze.Array(state[f"{place}.weight"])
        layer.bias.data = kerze.Array(state[f"{place}.bias"])
    batch, criterion = kerze.Tensor(inputs), kerze.nn.CrossEntropyLoss()
    optimizer = kerze.optim.SGD(model.parameters(), lr=LEARNING_RATE)

    def step() -> float:
        loss = criterion(model(batch), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.data.data[0]

    return step


def check(model: nn.Sequential, holder: list, steps: list) -> None:
    """Take two steps everywhere and compare losses, gradients and parameters."""
    for _ in range(2):
        before = holder[0]
        ours, *others = (step() for step in steps)
        assert all(close(ours, other) for other in others), (ours, others)
    gradients = [(a - b) / LEARNING_RATE for a, b in zip(_flat(before), _flat(holder[0]), strict=True)]
    assert all(map(close, gradients, (x for p in model.parameters() for x in p.grad.flat)))
    assert all(map(close, _flat(holder[0]), (x for p in model.parameters() for x in p.data.flat)))


def _flat(network: roofline.Network) -> list[float]:
    rows = [*network.weight1, network.bias1, *network.weight2, network.bias2]
    return [x for row in rows for x in row]


def measure() -> list[Figure]:
    """Return the two figures of this benchmark."""
    generator = random.Random(1)
    inputs = [[generator.gauss(0, 1) for _ in range(INPUTS)] for _ in range(BATCH)]
    targets = [generator.randrange(CLASSES) for _ in range(BATCH)]
    model = model_here()
    state = model.state_dict()
    network = roofline.Network(state["0.weight"], state["0.bias"], state["2.weight"], state["2.bias"])
    hand, holder = step_by_hand(network, inputs, targets)
    here, theirs = step_here(model, inputs, targets), step_of_kerze(state, inputs, targets)
    check(model, holder, [here, hand, theirs])
    mine, floor = medians(here, hand, rounds=15, repeat=(4, 4))
    mine_again, reference = medians(here, theirs, rounds=3, repeat=(4, 2))
    ratio, speedup = mine / floor, reference / mine_again
    name = f"{INPUTS}-{HIDDEN}-{CLASSES} tanh MLP step, batch {BATCH}"
    against_hand = f"{ratio:.2f} ({mine * 1e3:.1f} ms against {floor * 1e3:.1f} ms)"
    against_kerze = f"{speedup:.0f} times ({mine_again * 1e3:.1f} ms against {reference * 1e3:.0f} ms)"
    return [
        Figure(f"{name}, time over plain lists by hand", "at most 1", against_hand, ratio <= 1),
        Figure(f"{name}, against kerze", "20 times faster", against_kerze, speedup >= 20),
    ]


if __name__ == "__main__":
    show(measure())
