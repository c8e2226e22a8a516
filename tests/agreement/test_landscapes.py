"""The losses of the landscapes are torch's, one by one, values and gradients."""

import pytest
import torch

from micrograd_sm.study import LOSSES, Setting, sample

F = torch.nn.functional
OF_TORCH = {
    "cross-entropy": lambda z, t: F.cross_entropy(z, t, reduction="none"),
    "NLL of softmax, by mistake": lambda z, t: F.nll_loss(z.softmax(1), t, reduction="none"),
    "squared error on softmax": lambda z, t: F.mse_loss(z.softmax(1), F.one_hot(t, 3).double(), reduction="none").sum(1),
    "hinge": lambda z, t: F.multi_margin_loss(z, t, reduction="none"),
}
ROWS = [[0.0, 0.0, 0.0], [3.0, -1.0, 0.5], [-20.0, 8.0, 7.5], [0.25, 1.5, -40.0]]


def test_each_loss_has_its_counterpart():
    assert OF_TORCH.keys() == LOSSES.keys()


@pytest.mark.parametrize("target", [0, 1, 2])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_agrees_with_torch(loss, target):
    z = torch.tensor(ROWS, dtype=torch.float64, requires_grad=True)
    expected = OF_TORCH[loss](z, torch.full((len(ROWS),), target))
    expected.sum().backward()
    found = sample(loss, ROWS, Setting(target))
    assert found.losses == pytest.approx(expected.tolist(), rel=1e-13, abs=1e-15)
    for row, gradient in zip(found.gradients, z.grad.tolist(), strict=True):
        assert row == pytest.approx(gradient, rel=1e-13, abs=1e-15)
