"""log_softmax and cross_entropy where a formula could fail: logits 1e4 apart, ties, near ties, 1,000 classes; against torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

import pytest
import torch

from micrograd_sm import Value, binary_cross_entropy_with_logits, cross_entropy, grad, log_softmax


def random_logits(random: Random, rows: int = 100) -> Iterator[list[float]]:
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
    yield [random.uniform(-5e3, 5e3) for _ in range(1000)]


@pytest.mark.parametrize("kind", [random_logits, adversarial_logits])
def test_values_and_gradients_agree_with_torch(kind) -> None:
    for row in kind(Random(2)):
        theirs = torch.tensor(row, dtype=torch.float64, requires_grad=True)
        expected = torch.log_softmax(theirs, 0)
        assert log_softmax(row, 0).tolist() == pytest.approx(expected.tolist(), rel=1e-13, abs=1e-15)
        for target in {0, len(row) - 1}:
            ours, theirs.grad = Value(row), None
            loss = cross_entropy(ours, target)
            loss.backward()
            torch.nn.functional.cross_entropy(theirs, torch.tensor(target)).backward()
            assert loss.item() == pytest.approx(-expected[target].item(), rel=1e-13, abs=1e-15)
            assert ours.grad.tolist() == pytest.approx(theirs.grad.tolist(), rel=1e-11, abs=4e-16)
            assert abs(math.fsum(ours.grad.tolist())) <= 1e-15 * math.sqrt(len(row)) + 2.3e-16


def test_a_row_of_a_batch_is_what_it_is_alone() -> None:
    rows = [[0.0, 40.0, -3.0], [5000.0, -5000.0, 4999.9], [0.1, 300.4, -100.7]]
    batch = Value(rows)
    cross_entropy(batch, [1, 0, 1], reduction="sum").backward()
    for row, target, gradient in zip(rows, (1, 0, 1), batch.grad.tolist(), strict=True):
        alone = Value(row)
        cross_entropy(alone, target).backward()
        assert gradient == pytest.approx(alone.grad.tolist(), rel=1e-14, abs=0.0)


@pytest.mark.parametrize("target", [0.0, 1.0])
@pytest.mark.parametrize("factor", [None, 2.5])
@pytest.mark.parametrize("weight", [None, 0.3])
def test_confident_logits_keep_the_digits_of_a_binary_loss_on_both_sides(
    target: float, factor: float | None, weight: float | None
) -> None:
    """On the right side the loss is log(1 + exp(-|x|)), and its slope exp(-|x|) / (1 + exp(-|x|)) in size."""

    def loss_of(x: Value) -> Value:
        return binary_cross_entropy_with_logits(x, target, weight=weight, pos_weight=factor)

    for size in (0.5, 3.0, 20.0, 36.7, 40.0, 100.0, 700.0):
        scale = (factor if factor and target else 1.0) * (weight or 1.0)
        for right in (True, False):
            x = Value(size if (target == 1.0) is right else -size)
            loss = loss_of(x)
            loss.backward()
            small = math.exp(-size)
            expected = math.log1p(small) + (0.0 if right else size)
            share = small / (1.0 + small) if right else 1.0 / (1.0 + small)
            assert loss.item() == pytest.approx(scale * expected, rel=1e-14, abs=0.0)
            assert x.grad == pytest.approx(scale * (-share if target else share), rel=1e-14, abs=0.0)
            curvature = grad(grad(loss_of))(x).item()
            assert curvature == pytest.approx(scale * small / (1.0 + small) ** 2, rel=1e-14, abs=0.0)
