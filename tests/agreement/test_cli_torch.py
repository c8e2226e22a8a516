"""The command line on programs in torch, with no change to them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from micrograd_sm.cli import main

TRAIN = """
import argparse
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
args = parser.parse_args()
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3), nn.Softmax(dim=1))
unused = nn.Linear(2, 2)
criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), lr=0.1)
x, y = torch.randn(16, 4), torch.randint(3, (16,))
for epoch in range(args.epochs):
    loss = criterion(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item(), torch.rand(1).item(), model[0].weight.sum().item())
"""


@pytest.fixture(autouse=True)
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(TRAIN, encoding="utf-8")


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    assert main([*arguments]) == code
    return capsys.readouterr()


def test_lint_names_the_mistake_and_the_program_prints_what_it_prints_alone(capsys: pytest.CaptureFixture[str]) -> None:
    alone = subprocess.run([sys.executable, "train.py"], capture_output=True, text=True, check=True).stdout
    said, complaint = shown(capsys, "study", "lint", "train.py", "--parameters", "model", code=1)
    assert said.startswith(alone) and "softmax-before-cross-entropy" in said
    assert "loss = criterion(model(x), y)" in said and "backward pass 3 of 3 of 'loss'" in complaint


def test_a_parameter_without_a_gradient_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert "unused.weight" in shown(capsys, "study", "lint", "train.py", "--parameters", "unused", code=1)[0]


def test_step_and_draw(capsys: pytest.CaptureFixture[str]) -> None:
    said, _ = shown(capsys, "step", "train.py", "--pass", "1", "--", "--epochs", "1")
    assert "model.0.weight" in said and "dloss/dmodel.2.bias" in said
    said, _ = shown(capsys, "draw", "train.py", "-o", "train.svg")
    assert "backward pass 3 of 3" in said and "model.0.weight" in Path("train.svg").read_text(encoding="utf-8")


def test_each_pass_has_its_own_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.py").write_text("""
import torch
w = torch.tensor(8.0, dtype=torch.float64, requires_grad=True)
for _ in range(3):
    loss = w * w
    w.grad = None
    loss.backward()
    with torch.no_grad():
        w /= 2.0
""")
    for number, gradient in (("1", 16.0), ("2", 8.0), ("3", 4.0)):
        said, _ = shown(capsys, "study", "grad", "own.py", "w", "--json", "--pass", number)
        assert str(gradient) in json.dumps(json.loads(said))


def test_a_program_without_a_pass(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.py").write_text("import torch\nx = torch.tensor([1.0, 2.0], requires_grad=True)\nout = x.softmax(0)[0]\n")
    assert "softmax" in shown(capsys, "step", "own.py", "--name", "out")[0]
    assert "its Values are x, out" in shown(capsys, "step", "own.py", code=1)[1]


def test_a_module_beside_it_may_be_the_one_that_imports_torch(capsys: pytest.CaptureFixture[str]) -> None:
    Path("net_beside.py").write_text("from torch import nn\nnet = nn.Linear(2, 1)\n")
    Path("own.py").write_text(
        "from net_beside import net\nloss = sum(p.pow(2).sum() for p in net.parameters())\nloss.backward()\n"
    )
    assert "net.weight" in shown(capsys, "step", "own.py")[0]
    sys.modules.pop("net_beside")


def test_an_error_is_torchs_own(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.py").write_text("import torch\ntorch.nn.functional.cross_entropy(torch.ones(1, 3), torch.tensor([5]))\n")
    complaint = shown(capsys, "study", "lint", "own.py", code=1)[1]
    assert "lines of torch and micrograd_sm left out\nIndexError: Target 5 is out of bounds.\n" in complaint


def test_nothing_stays_behind(capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, "step", "train.py")
    assert not torch.nn.modules.module._global_forward_hooks and torch.get_default_dtype() is torch.float32
    assert torch.overrides._get_current_function_mode() is None


@pytest.mark.parametrize("study", ["source", "digits", "torch"])
def test_a_study_that_needs_other_rules_says_which_node_is_torchs_own(study: str, capsys: pytest.CaptureFixture[str]) -> None:
    conv = "conv = torch.nn.Conv2d(1, 1, 2)\nloss = conv(torch.ones(1, 1, 2, 2)).sum()\nloss.backward()\n"
    Path("own.py").write_text(f"import torch\n{conv}", encoding="utf-8")
    assert "node v3, conv2d, is torch's own" in shown(capsys, "study", study, "own.py", code=1)[1]
    for other in ("explain own.py conv.weight", "check own.py", "anomaly own.py", "lint own.py"):
        shown(capsys, "study", *other.split())
