"""anomaly() in torch programs that are recorded: origin, route, and the user's line."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from micrograd_sm.study import anomaly, first_anomaly  # noqa: E402
from micrograd_sm.torch import record  # noqa: E402


def test_values_of_a_torch_program() -> None:
    x = torch.tensor([1000.0, 0.0], requires_grad=True)
    with record() as tape:
        e = x.exp()
        loss = (e / e.sum()).sum()
    found = first_anomaly(tape[loss])
    assert found is not None and (found.op, found.kind, found.what) == ("exp", "inf", "value")
    assert found.source is not None and found.source.endswith("e = x.exp()")
    assert found.route[-1] == "loss" and found.reached == ("x",)


def test_gradients_of_a_torch_program() -> None:
    x = torch.tensor([0.0, 4.0], requires_grad=True)
    with record() as tape:
        loss = torch.where(x > 0, x.sqrt(), torch.zeros(2)).sum()
    found = first_anomaly(tape[loss])
    assert found is not None and (found.what, found.kind, found.passed_to) == ("gradient", "nan", "x")
    assert len(found.masked) == 1 and found.reached == ("x",)


def test_a_context_around_a_torch_program() -> None:
    x = torch.tensor([0.0, 1.0], requires_grad=True)
    with (
        pytest.raises(RuntimeError, match=r"the value of .* is -inf: log of v0 = .0, 1.\n  test_anomaly_torch.py"),
        anomaly(),
        record(),
    ):
        x.log().sum()
