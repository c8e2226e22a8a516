"""log_softmax and cross_entropy keep 14 digits, value and gradient; inputs and right answers are benchmarks/digits.py."""

from __future__ import annotations

import runpy
from pathlib import Path
from random import Random

import pytest

import micrograd_sm as sm

MEASURED = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks/digits.py"))


@pytest.mark.parametrize("kind", ["random_logits", "adversarial_logits"])
def test_fourteen_digits_are_kept(kind: str) -> None:
    rows = MEASURED[kind](Random(2))
    found = MEASURED["worst"](rows)
    normal = {name: digits for name, (digits, _) in found.items() if "below" not in name}
    assert set(normal) == {f"{loss}, {what}" for loss in ("log_softmax", "cross_entropy") for what in ("value", "gradient")}
    assert min(normal.values()) >= 14.0, found


def test_a_batch_of_rows_far_apart_keeps_the_digits_of_each() -> None:
    rows = [[0.0, 40.0, -3.0], [5000.0, -5000.0, 4999.9], [0.1, 300.4, -100.7]]
    batch = sm.Value(rows)
    sm.cross_entropy(batch, [1, 0, 1], reduction="sum").backward()
    for row, target, gradient in zip(rows, (1, 0, 1), batch.grad.tolist(), strict=True):
        alone = sm.Value(row)
        sm.cross_entropy(alone, target).backward()
        assert gradient == pytest.approx(alone.grad.tolist(), rel=1e-14, abs=0.0)
