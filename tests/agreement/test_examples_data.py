"""The examples on real data: torch, trained from the same start on the same batches, takes the same twenty steps."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
STEPS, TOLERANCE = 20, 1e-9


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(EXAMPLES)):
            del sys.modules[name]


def tensors(model: Any) -> list[torch.Tensor]:
    """Return a model's parameters as they are now, as torch's."""
    return [torch.tensor(p.tolist(), dtype=torch.float64, requires_grad=True) for p in model.parameters()]


def compare(model: Any, losses: Iterator[float], optimizer: torch.optim.Optimizer, loss_of: Callable[[], torch.Tensor]) -> None:
    (group,) = optimizer.param_groups
    start = [p.detach().clone() for p in group["params"]]
    for step, loss in enumerate(islice(losses, STEPS)):
        expected = loss_of()
        optimizer.zero_grad()
        expected.backward()
        optimizer.step()
        assert loss == pytest.approx(expected.item(), rel=TOLERANCE, abs=TOLERANCE), step
    assert step == STEPS - 1
    for ours, theirs, before in zip(model.parameters(), group["params"], start, strict=True):
        np.testing.assert_allclose(np.array(ours.tolist()), theirs.detach().numpy(), rtol=TOLERANCE, atol=TOLERANCE)
        assert not torch.equal(theirs, before)


def test_irises(example):
    iris = example("iris")
    inputs, target = iris.flowers()
    model = iris.new_model()
    weight1, bias1, weight2, bias2 = parameters = tensors(model)
    x, y = torch.tensor(inputs, dtype=torch.float64), torch.tensor(target)
    optimizer = torch.optim.SGD(parameters, lr=0.05, momentum=0.9)
    losses = iris.training(model, inputs, target)
    compare(model, losses, optimizer, lambda: cross_entropy((x @ weight1.T + bias1).tanh() @ weight2.T + bias2, y))


def test_names(example):
    names = example("names")
    contexts, target = names.examples_of(names.all_names()[:200])
    model = names.new_model()
    features, weight1, bias1, weight2, bias2 = parameters = tensors(model)
    source = random.Random(names.SEED)

    def loss() -> torch.Tensor:
        batch = [source.randrange(len(target)) for _ in range(names.BATCH)]
        x, y = torch.tensor([contexts[k] for k in batch]), torch.tensor([target[k] for k in batch])
        hidden = (features[x].reshape(len(batch), -1) @ weight1.T + bias1).tanh()
        return cross_entropy(hidden @ weight2.T + bias2, y)

    compare(model, names.training(model, contexts, target), torch.optim.Adam(parameters, lr=0.01), loss)
    assert {len(context) for context in contexts} == {names.CONTEXT}


def test_the_data_are_what_they_are_said_to_be(example):
    inputs, target = example("iris").flowers()
    assert [target.count(k) for k in range(3)] == [50, 50, 50]
    np.testing.assert_allclose(np.array(inputs).mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.array(inputs).std(axis=0), 1.0)
    names = example("names").all_names()
    assert len(names) == len(set(names)) == 5163
    assert set("".join(names)) == set("abcdefghijklmnopqrstuvwxyz")
    assert max((EXAMPLES / "data").iterdir(), key=lambda file: file.stat().st_size).stat().st_size < 60_000
