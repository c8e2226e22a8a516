"""The examples that are programs in torch: with torch's imports they take the same steps, from the same start."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
STEPS, TOLERANCE = 20, 1e-9
PROGRAMS = ["backprop_by_hand", "bigrams", "mlp_batchnorm", "transformer"]
Both = tuple[ModuleType, ModuleType]


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Both]]:
    """Return the function that loads an example as it is, and with torch's imports."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    before = set(sys.modules)
    torch.set_default_dtype(torch.float64)

    def load(name: str) -> Both:
        source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
        theirs = source.replace("import micrograd_sm as torch\n", "import torch\n")
        theirs = theirs.replace("import micrograd_sm.functional as F", "import torch.nn.functional as F")
        theirs = theirs.replace("from micrograd_sm import nn", "from torch import nn")
        assert "micrograd_sm" not in re.sub(r'""".*?"""', "", theirs, flags=re.S)
        modules = []
        for code in (source, theirs):
            module = ModuleType(name)
            exec(compile(code, f"{name}.py", "exec"), module.__dict__)
            modules.append(module)
        return modules[0], modules[1]

    yield load
    torch.set_default_dtype(torch.float32)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(EXAMPLES)):
            del sys.modules[name]


def close(ours: Any, theirs: torch.Tensor) -> bool:
    return torch.allclose(torch.tensor(ours.tolist()), theirs.detach(), rtol=0.0, atol=TOLERANCE)


def same_losses(ours: Iterator[float], theirs: Iterator[float]) -> bool:
    pairs = list(zip(ours, theirs, strict=True))
    return len(pairs) == STEPS and all(abs(a - b) < TOLERANCE for a, b in pairs) and pairs[0][0] != pairs[-1][0]


def copied(x: Any) -> torch.Tensor:
    return torch.tensor(x.tolist()).requires_grad_(x.requires_grad)


def test_bigrams(both: Callable[[str], Both]) -> None:
    ours, theirs = both("bigrams")
    names = ours.some_names(30)
    assert close(ours.counted(*ours.pairs_of(names)), theirs.counted(*theirs.pairs_of(names)))
    mine = ours.new_weights()
    other = copied(mine)
    assert same_losses(ours.learned(mine, *ours.pairs_of(names), STEPS), theirs.learned(other, *theirs.pairs_of(names), STEPS))
    assert close(mine, other)


def test_mlp_batchnorm(both: Callable[[str], Both]) -> None:
    ours, theirs = both("mlp_batchnorm")
    mine, other = ours.new_network(), theirs.new_network()
    for name, tensor in vars(mine).items():
        setattr(other, name, copied(tensor))
    names = ours.some_names(100)
    assert same_losses(
        ours.training(mine, *ours.examples_of(names), STEPS), theirs.training(other, *theirs.examples_of(names), STEPS)
    )
    assert all(close(tensor, getattr(other, name)) for name, tensor in vars(mine).items())


def test_backprop_by_hand(both: Callable[[str], Both]) -> None:
    ours, theirs = both("backprop_by_hand")
    mine = ours.new_parameters()
    other = {name: copied(tensor) for name, tensor in mine.items()}
    v, w = ours.forward(mine, *ours.data()), theirs.forward(other, *theirs.data())
    v["loss"].backward()
    w["loss"].backward()
    with torch.no_grad(), ours.torch.no_grad():
        by_hand = ours.by_hand(v, *ours.data()), theirs.by_hand(w, *theirs.data())
        assert all(close(by_hand[0][name], by_hand[1][name]) and close(v[name].grad, by_hand[1][name]) for name in by_hand[0])
        short = ours.in_one_line(v, ours.data()[1]), theirs.in_one_line(w, theirs.data()[1])
        assert all(close(short[0][name], w[name].grad) and close(short[0][name], short[1][name]) for name in short[0])
    assert set(by_hand[0]) == set(v) - {"loss"}
    assert same_losses(ours.train(mine, *ours.data(), STEPS), theirs.train(other, *theirs.data(), STEPS))
    assert all(close(mine[name], other[name]) for name in mine)


def test_transformer(both: Callable[[str], Both]) -> None:
    ours, theirs = both("transformer")
    mine, other = ours.new_model(), theirs.new_model()
    state = {name: torch.tensor(numbers) for name, numbers in mine.state_dict().items()}
    other.load_state_dict(state)
    names = ours.some_names(30)
    assert same_losses(
        ours.training(mine, *ours.examples_of(names), STEPS), theirs.training(other, *theirs.examples_of(names), STEPS)
    )
    parameters = dict(mine.named_parameters())
    assert parameters and all(close(parameters[name], parameter) for name, parameter in other.named_parameters())


@pytest.mark.parametrize("name", PROGRAMS)
def test_with_torchs_imports_the_whole_program_runs(
    name: str, both: Callable[[str], Both], capsys: pytest.CaptureFixture
) -> None:
    """Its figures are others, since torch draws other numbers."""
    _, theirs = both(name)
    for constant in ("STEPS", "NAMES"):
        if hasattr(theirs, constant):
            setattr(theirs, constant, min(60, getattr(theirs, constant)))
    theirs.finish = lambda: None
    theirs.main()
    assert "computed" in capsys.readouterr().out
