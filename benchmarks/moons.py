"""One training step of micrograd's demo, 100 points of two moons, MLP 2-16-16-1: tensors here against scalars there.

micrograd runs the demo's own lines: a forward pass for each point, hinge loss, L2 regularisation, backward, update. Here
the same model is a Sequential of Linear and ReLU on one (100, 2) batch, with SGD. Both start from the same parameters;
loss and parameters after three steps are compared first. Timed in a loop of steps, and, since micrograd's graphs are
reference cycles that the garbage collector must find, also step by step with that done off the clock.
"""

from __future__ import annotations

import math
import random

import micrograd.engine
import micrograd.nn
from timing import Figure, close, medians, show

from micrograd_sm import Value, nn, optim

POINTS, ALPHA, LEARNING_RATE = 100, 1e-4, 0.1


def two_moons(generator: random.Random) -> tuple[list[list[float]], list[int]]:
    points, labels = [], []
    for k in range(POINTS):
        angle, label = math.pi * (k // 2) / (POINTS // 2 - 1), k % 2
        x, y = (1 - math.cos(angle), 0.5 - math.sin(angle)) if label else (math.cos(angle), math.sin(angle))
        points.append([x + generator.gauss(0, 0.1), y + generator.gauss(0, 0.1)])
        labels.append(2 * label - 1)
    return points, labels


def scalar_step(model: micrograd.nn.MLP, X: list, y: list):
    """Return micrograd's step, line by line as in its demo.ipynb."""
    value = micrograd.engine.Value

    def step() -> float:
        inputs = [list(map(value, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = ALPHA * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        model.zero_grad()
        total_loss.backward()
        for p in model.parameters():
            p.data -= LEARNING_RATE * p.grad
        return total_loss.data

    return step


def tensor_step(model: nn.Sequential, X: list, y: list):
    """Return the same step on one batch."""
    batch, targets = Value(X, requires_grad=False), Value(y, requires_grad=False).reshape(POINTS, 1)
    optimizer = optim.SGD(model.parameters(), lr=LEARNING_RATE)

    def step() -> float:
        loss = (1.0 - targets * model(batch)).relu().mean() + ALPHA * sum((p * p).sum() for p in model.parameters())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def tensor_copy(model: micrograd.nn.MLP) -> nn.Sequential:
    modules: list[nn.Module] = []
    for layer in model.layers:
        linear = nn.Linear(len(layer.neurons[0].w), len(layer.neurons))
        linear.weight.data = [[w.data for w in neuron.w] for neuron in layer.neurons]
        linear.bias.data = [neuron.b.data for neuron in layer.neurons]
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def against_micrograd(ours, theirs) -> tuple[str, float, float]:
    """Return how many times faster a step is than micrograd's, in words; in a loop; and with garbage off the clock."""
    mine, reference = medians(ours, theirs, rounds=7, repeat=(50, 4))
    mine_alone, reference_alone = medians(ours, theirs, rounds=9, repeat=(20, 1))
    ratio, alone = reference / mine, reference_alone / mine_alone
    measured = (
        f"{ratio:.0f} times ({mine * 1e3:.2f} ms against {reference * 1e3:.0f} ms); "
        f"{alone:.0f} times with micrograd's garbage collected off the clock"
    )
    return measured, ratio, alone


def measure() -> list[Figure]:
    """Return the figure of this benchmark."""
    random.seed(1337)
    scalars = micrograd.nn.MLP(2, [16, 16, 1])
    tensors = tensor_copy(scalars)
    X, y = two_moons(random.Random(1))
    theirs, ours = scalar_step(scalars, X, y), tensor_step(tensors, X, y)
    for _ in range(3):
        assert close(ours(), theirs())
    parameters = [x for p in tensor_copy(scalars).parameters() for x in p.data.flat]
    assert all(map(close, parameters, (x for p in tensors.parameters() for x in p.data.flat)))
    measured, ratio, _ = against_micrograd(ours, theirs)
    return [Figure("moons training step, tensors against micrograd's scalars", "300 times faster", measured, ratio >= 300)]


if __name__ == "__main__":
    show(measure())
