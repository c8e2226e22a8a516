"""Other libraries' arrays as storage: NumPy beside HIPS autograd and torch, torch's tensors beside torch itself, one thread.

- One training step of the 30-200-27 tanh MLP of step.py, on NumPy's arrays, beside the same program in autograd;
- a larger network, 512-300-1000-500, forward and backward, on NumPy's arrays and on torch's, beside torch;
- cross_entropy of (10,000, 10), forward and backward, on NumPy's arrays, beside torch.

Losses are compared first. Everything is float64.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import autograd
import autograd.numpy as anp
import numpy as np
import torch
from timing import Figure, close, medians, show

from micrograd_sm import Value, cross_entropy

SMALL, LARGE, BATCH, LEARNING_RATE = (30, 200, 27), (512, 300, 1000, 500), 32, 0.1
ROWS, CLASSES = 10_000, 10


def network(sizes: tuple[int, ...]) -> tuple[list, np.ndarray, np.ndarray]:
    """Return weights and biases, a batch, and its classes: the same in every run."""
    source = np.random.default_rng(0)
    layers = [(source.normal(size=(n, m)) / n**0.5, np.zeros(m)) for n, m in pairwise(sizes)]
    return layers, source.normal(size=(BATCH, sizes[0])), source.integers(sizes[-1], size=BATCH)


def step_here(sizes: tuple[int, ...], storage: Callable, update: bool) -> Callable:
    layers, x, target = network(sizes)
    parameters = [(Value(storage(w)), Value(storage(b))) for w, b in layers]
    batch, classes = Value(storage(x), requires_grad=False), storage(target)

    def step() -> float:
        h = batch
        for k, (w, b) in enumerate(parameters):
            h = h @ w + b
            h = h.tanh() if k < len(parameters) - 1 else h
        loss = cross_entropy(h, classes)
        loss.backward()
        for p in (p for pair in parameters for p in pair):
            if update:
                p.data = p.data - LEARNING_RATE * p.grad
            p.grad = None
        return loss.item()

    return step


def step_of_autograd(sizes: tuple[int, ...]) -> Callable:
    layers, x, target = network(sizes)

    def loss_of(layers: list) -> float:
        h = x
        for k, (w, b) in enumerate(layers):
            h = anp.dot(h, w) + b
            h = anp.tanh(h) if k < len(layers) - 1 else h
        h = h - anp.max(h, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(h), axis=1)) - h[anp.arange(BATCH), target])

    gradient = autograd.value_and_grad(loss_of)
    held = [layers]

    def step() -> float:
        loss, gradients = gradient(held[0])
        held[0] = [
            (w - LEARNING_RATE * dw, b - LEARNING_RATE * db) for (w, b), (dw, db) in zip(held[0], gradients, strict=True)
        ]
        return float(loss)

    return step


def step_of_torch(sizes: tuple[int, ...]) -> Callable:
    layers, x, target = network(sizes)
    parameters = [(torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True)) for w, b in layers]
    batch, classes = torch.tensor(x), torch.tensor(target)

    def step() -> float:
        h = batch
        for k, (w, b) in enumerate(parameters):
            h = h @ w + b
            h = h.tanh() if k < len(parameters) - 1 else h
        loss = torch.nn.functional.cross_entropy(h, classes)
        loss.backward()
        for pair in parameters:
            for p in pair:
                p.grad = None
        return loss.item()

    return step


def losses() -> tuple[Callable, Callable]:
    """Return cross_entropy of (10,000, 10), forward and backward, on NumPy's arrays here, and in torch."""
    source = np.random.default_rng(0)
    logits, target = source.normal(size=(ROWS, CLASSES)), source.integers(CLASSES, size=ROWS)
    tensor, classes = torch.tensor(logits), torch.tensor(target)

    def here() -> float:
        loss = cross_entropy(Value(logits), target)
        loss.backward()
        return loss.item()

    def there() -> float:
        loss = torch.nn.functional.cross_entropy(tensor.clone().requires_grad_(), classes)
        loss.backward()
        return loss.item()

    return here, there


def beside(name: str, most: float, mine: Callable, theirs: Callable, repeat: int) -> Figure:
    a, b = mine(), theirs()
    assert close(a, b, 1e-9), (name, a, b)
    seconds, reference = medians(mine, theirs, rounds=15, repeat=(repeat, repeat), warmup=2)
    ratio = seconds / reference
    return Figure(
        name, f"at most {most}", f"{ratio:.2f} ({seconds * 1e3:.2f} ms against {reference * 1e3:.2f} ms)", ratio <= most
    )


def measure() -> list[Figure]:
    """Return the figures of this benchmark."""
    torch.set_num_threads(1)
    small, large = "-".join(map(str, SMALL)), "-".join(map(str, LARGE))
    tensor = torch.from_numpy
    return [
        beside(
            f"{small} MLP step on NumPy, over autograd's", 0.7, step_here(SMALL, np.asarray, True), step_of_autograd(SMALL), 20
        ),
        beside(f"{large} MLP on NumPy, over torch's", 1.0, step_here(LARGE, np.asarray, False), step_of_torch(LARGE), 5),
        beside(f"{large} MLP on torch, over torch's", 1.5, step_here(LARGE, tensor, False), step_of_torch(LARGE), 5),
        beside(f"cross_entropy ({ROWS:,}, {CLASSES}) on NumPy, over torch's", 1.5, *losses(), 5),
    ]


if __name__ == "__main__":
    show(measure())
