"""Passes of the kinds that pages are made of, for the tests of the page."""

from __future__ import annotations

from collections.abc import Callable

from micrograd_sm import Value, cross_entropy, log_softmax, nn, softmax
from micrograd_sm.steps import Steps, steps


def neuron() -> Steps:
    x1, x2, w1, w2, b = Value(2.0), Value(0.0), Value(-3.0), Value(1.0), Value(6.8813735870195432)
    n = x1 * w1 + x2 * w2 + b
    o = n.tanh()
    return steps(o, {"x1": x1, "x2": x2, "w1": w1, "w2": w2, "b": b, "n": n, "o": o})


def order() -> Steps:
    a = Value(3.0)
    b = a + a
    c = b + b
    return steps(c, {"a": a, "b": b, "c": c})


def cube() -> Steps:
    x = Value(3.0, name="x")
    return steps(x * x * x)


def classes() -> Steps:
    logits = Value([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3], [-1.0, 3.0, 0.5]])
    return steps(cross_entropy(logits, [0, 2, 1]), {"logits": logits})


def uses() -> Steps:
    """Calls of composed functions within and after one another, whose operands are used several times."""
    x, y = Value([1.0, 2.0, -0.5], name="x"), Value([0.5, 0.1, 3.0], name="y")
    p, q = softmax(x, dim=0), log_softmax(x * y, dim=0)
    return steps(-(p * q).sum() + (x * x).sum() * p[0])


def cancelling() -> Steps:
    """Totals on the way that take more room than the gradient that they come to."""
    x, y = Value(0.5, name="x"), Value([1.0, 2.0], name="y")
    return steps(x * 12345.678 - x * 12345.178 + (y * 54321.123).sum() - (y * 54321.0).sum())


def strange() -> Steps:
    x = Value(0.0, name="x")
    return steps((x / x) * 1e400 + Value(-0.0, name="z") * x + x.log(), {"x": x})


def network() -> Steps:
    model = nn.MLP(2, [3, 1])
    points = [([2.0, 3.0], 1.0), ([3.0, -1.0], -1.0)]
    return steps(sum((model([Value(x) for x in xs]) - y) ** 2 for xs, y in points), {"model": model})


def chain(length: int) -> Steps:
    x = Value(1.0, name="x")
    y = x
    for _ in range(length):
        y = y * 0.999 + x
    return steps(y)


LOSSES: dict[str, Callable[[], Steps]] = {
    made.__name__: made for made in (neuron, order, cube, classes, uses, cancelling, strange, network)
}
