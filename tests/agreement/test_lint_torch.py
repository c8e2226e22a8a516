"""lint of recorded torch programs: the same findings, and torch's modules and tensors as parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from micrograd_sm.cli.main import main  # noqa: E402
from micrograd_sm.study import Lint, lint  # noqa: E402
from micrograd_sm.torch import record  # noqa: E402

X, Y = torch.tensor([[0.5, -1.0], [2.0, 0.1], [1.0, 1.0]]), torch.tensor([1, 0, 2])


def linted(program: Any, **options: Any) -> Lint:
    torch.manual_seed(0)
    with record() as tape:
        loss = program()
    return lint(tape[loss], **options)


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3))


def test_mistakes_are_found() -> None:
    net = layers()
    assert linted(lambda: F.cross_entropy(net(X).softmax(1), Y)).rules == ("softmax-before-cross-entropy",)
    assert linted(lambda: F.nll_loss(net(X), Y)).rules == ("logits-to-nll-loss",)
    assert linted(lambda: F.nll_loss(net(X).log_softmax(0), Y * 0)).rules == ("softmax-over-batch",)
    head = nn.Linear(2, 1)
    assert linted(lambda: torch.mean((head(X) - Y.float()) ** 2)).rules == ("broadcast-in-loss",)
    assert linted(lambda: F.cross_entropy(net(X).relu(), Y)).rules == ("activation-before-loss",)


def test_right_programs_are_left_alone() -> None:
    net = layers()
    assert linted(lambda: F.cross_entropy(net(X), Y), parameters=net).clean
    assert linted(lambda: F.nll_loss(F.log_softmax(net(X), dim=1), Y), parameters=list(net.parameters())).clean
    assert linted(lambda: F.binary_cross_entropy(net(X).softmax(1)[:, 1], (Y > 0).float())).clean


@pytest.mark.parametrize("held", [lambda a, b: nn.ModuleList([a, b]), lambda a, b: {"a": a, "b": b}, lambda a, b: [a, b]])
def test_torchs_parameters_in_any_container(held: Any) -> None:
    a, b, unused = nn.Linear(2, 4), nn.Linear(4, 3), nn.Linear(3, 3)
    assert linted(lambda: F.cross_entropy(b(a(X).tanh()), Y), parameters=held(a, b)).clean
    found = linted(lambda: F.cross_entropy(b(a(X).tanh()), Y), parameters=[held(a, b), unused])
    assert found.rules == ("unused-parameter",) and len(found) == 2


def test_a_parameter_that_no_gradient_reaches() -> None:
    encoder, head = nn.Linear(2, 4), nn.Linear(4, 3)

    def program() -> torch.Tensor:
        with torch.no_grad():
            features = encoder(X)
        return F.cross_entropy(head(features), Y)

    found = linted(program, parameters={"encoder": encoder, "head": head})
    assert {mistake.label for mistake in found} == {"encoder.weight", "encoder.bias"}
    w = torch.ones(2, 3, requires_grad=True)
    assert linted(lambda: F.cross_entropy(X @ w, Y), parameters=[w]).clean


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        """
import torch
from torch import nn
torch.manual_seed(0)
enc, head = nn.Linear(2, 8), nn.Linear(8, 3)
modules = nn.ModuleList([enc, head])
optimizer = torch.optim.SGD(modules.parameters(), lr=0.1)
for _ in range(3):
    loss = nn.functional.cross_entropy(head(enc(torch.ones(2, 2)).tanh()), torch.tensor([0, 1]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
    )
    for number in ("1", "2", "-1"):
        assert main(["study", "lint", str(path), "--parameters", "modules", "--pass", number]) == 0
        assert capsys.readouterr().out.startswith("no mistakes in")
