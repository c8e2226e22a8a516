"""What plain Python lists cost: one training step of a tanh MLP with cross-entropy, by hand, without any graph.

Forward, backward and the SGD update of a 30-200-27 network, every product a `sum(map(mul, row, column))`, which loops in C
(`math.sumprod` where the interpreter has it), and nothing computed that is not needed. It is the floor that an engine
on plain lists is measured against; `step.py` checks that both get the same loss and gradients.
"""

from __future__ import annotations

import math
from operator import mul, sub
from typing import NamedTuple

Matrix = list[list[float]]

if hasattr(math, "sumprod"):

    def products(rows: Matrix, columns: Matrix) -> Matrix:
        """Return the dot product of every row with every column."""
        dot = math.sumprod
        return [[dot(row, column) for column in columns] for row in rows]

else:

    def products(rows: Matrix, columns: Matrix) -> Matrix:
        """Return the dot product of every row with every column."""
        return [[sum(map(mul, row, column)) for column in columns] for row in rows]


def transposed(matrix: Matrix) -> Matrix:
    """Return the columns of a matrix as rows."""
    return list(map(list, zip(*matrix, strict=True)))


class Network(NamedTuple):
    """Weights as torch has them, a row for each output, and biases."""

    weight1: Matrix
    bias1: list[float]
    weight2: Matrix
    bias2: list[float]


def loss_and_gradients(network: Network, inputs: Matrix, targets: list[int]) -> tuple[float, Network]:
    """Return the mean cross-entropy and its gradients, by the chain rule written out."""
    weight1, bias1, weight2, bias2 = network
    hidden = [[math.tanh(x + b) for x, b in zip(row, bias1, strict=True)] for row in products(inputs, weight1)]
    loss, upstream = 0.0, []
    for row, target in zip(products(hidden, weight2), targets, strict=True):
        logits = [x + b for x, b in zip(row, bias2, strict=True)]
        top = max(logits)
        exps = [math.exp(x - top) for x in logits]
        total = sum(exps)
        loss += math.log(total) + top - logits[target]
        scale = 1.0 / (total * len(targets))
        gradient = [e * scale for e in exps]
        gradient[target] -= 1.0 / len(targets)
        upstream.append(gradient)
    columns = transposed(upstream)
    gradient2 = products(columns, transposed(hidden))
    through = products(upstream, transposed(weight2))
    upstream1 = [
        [g * (1.0 - h * h) for g, h in zip(gradients, activations, strict=True)]
        for gradients, activations in zip(through, hidden, strict=True)
    ]
    columns1 = transposed(upstream1)
    gradient1 = products(columns1, transposed(inputs))
    return loss / len(targets), Network(gradient1, list(map(sum, columns1)), gradient2, list(map(sum, columns)))


def updated(network: Network, gradients: Network, learning_rate: float) -> Network:
    """Return the network after a step of gradient descent."""
    return Network(
        _stepped(network.weight1, gradients.weight1, learning_rate),
        _descended(network.bias1, gradients.bias1, learning_rate),
        _stepped(network.weight2, gradients.weight2, learning_rate),
        _descended(network.bias2, gradients.bias2, learning_rate),
    )


def _stepped(weights: Matrix, gradients: Matrix, learning_rate: float) -> Matrix:
    return [_descended(row, gradient, learning_rate) for row, gradient in zip(weights, gradients, strict=True)]


def _descended(row: list[float], gradient: list[float], learning_rate: float) -> list[float]:
    return list(map(sub, row, [learning_rate * g for g in gradient]))
