"""Recorded passes against torch: every gradient of a pass, not only the leaves', and derivatives of folded functions."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import micrograd_sm
from micrograd_sm import Value, steps
from tests.agreement.oracle import OURS, THEIRS

LOGITS = [[1.0, 2.0, 0.1], [1.2, 0.5, 0.3], [0.4, 1.0, 1.5]]


def classification(m: Any, x: Any) -> list[Any]:
    hidden = (x * 2.0).tanh()
    scores = hidden @ hidden
    return [x, hidden, scores, m.cross_entropy(scores, m.ints([2, 0, 1]))]


def regression(m: Any, x: Any) -> list[Any]:
    hidden = m.softmax(x, dim=1)
    error = hidden - x * x
    return [x, hidden, error, (error * error).sum()]


def ties(m: Any, x: Any) -> list[Any]:
    top = m.amax(x * 0.0 + 1.0, dim=1)
    return [x, top, (top * top).sum() + m.sigmoid(x).mean()]


@pytest.mark.parametrize("program", [classification, regression, ties])
@pytest.mark.parametrize("fold", [False, True])
def test_every_gradient_is_torchs(program: Any, fold: bool) -> None:
    theirs = program(THEIRS, THEIRS.new(LOGITS))
    for value in theirs:
        value.retain_grad()
    theirs[-1].backward()
    ours = program(OURS, Value(LOGITS))
    for place, value in enumerate(ours):
        value.name = f"t{place}"
    walk = steps(ours[-1])
    view = walk.fold() if fold else walk
    found = {node.name: node.grad for node in view.graph}
    for place, value in enumerate(theirs):
        grad = found[f"t{place}"]
        torch.testing.assert_close(
            torch.tensor(grad if isinstance(grad, float) else grad.tolist(), dtype=torch.float64),
            value.grad,
            rtol=1e-12,
            atol=1e-14,
        )


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_the_matrix_of_a_folded_step_is_torchs_jacobian(name: str) -> None:
    data = [0.5, -1.0, 2.0]
    x = Value(data, name="x")
    folded = steps((getattr(micrograd_sm, name)(x, 0) * [1.0, 2.0, 3.0]).sum()).fold(name)
    local = folded[-1].contributions[0].local
    expected = torch.autograd.functional.jacobian(lambda t: getattr(torch, name)(t, 0), torch.tensor(data, dtype=torch.float64))
    assert local.kind == "jacobian"
    torch.testing.assert_close(torch.tensor(local.data.tolist(), dtype=torch.float64), expected, rtol=1e-12, atol=1e-14)
