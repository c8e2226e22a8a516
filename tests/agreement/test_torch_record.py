"""Torch programs recorded: nodes have torch's numbers, parameters torch's gradients, and the program notices nothing."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import micrograd_sm
from micrograd_sm import Graph, Value, draw, steps
from micrograd_sm.study import anomaly, first_anomaly, lint
from micrograd_sm.torch import Tape, record
from micrograd_sm.torch.opaque import numbers_of
from tests.agreement.torch_models import OPAQUE, PROGRAMS, Program

pytest.importorskip("array_api_compat")


@pytest.fixture(autouse=True)
def in_float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(3)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[tuple[torch.Tensor, Value]]:
    """Return a list that gets each tensor's numbers and its Value, as the tape keeps them."""
    pairs: list[tuple[torch.Tensor, Value]] = []
    keep = Tape._keep

    def listed(tape: Tape, tensor: torch.Tensor, value: Value) -> Value:
        pairs.append((tensor.detach().clone(), value))
        return keep(tape, tensor, value)

    monkeypatch.setattr(Tape, "_keep", listed)
    return pairs


def tensor_of(x: Any, shape: Any) -> torch.Tensor:
    return x if isinstance(x, torch.Tensor) else torch.tensor(x.tolist() if hasattr(x, "tolist") else x).reshape(shape)


def close(ours: Any, theirs: torch.Tensor) -> bool:
    return torch.allclose(tensor_of(ours, theirs.shape).to(theirs), theirs, rtol=1e-12, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_values_and_gradients(program: Program, kept: list[tuple[torch.Tensor, Value]]) -> None:
    with record() as tape:
        loss, wanted = program()
    root = tape[loss]
    assert all(close(value.data, numbers) for numbers, value in kept)
    theirs = torch.autograd.grad(loss, wanted, retain_graph=True, create_graph=program.__name__ not in OPAQUE)
    root.backward()
    for tensor, gradient in zip(wanted, theirs, strict=True):
        assert close(tape[tensor].grad, gradient), f"gradient of shape {tuple(tensor.shape)}"
    made = {value.op for value in tape.nodes(loss) if value.primitive is not None and value.primitive.foreign}
    assert made == OPAQUE.get(program.__name__, set())


@pytest.mark.parametrize(
    "program", [p for p in PROGRAMS if p.__name__ not in {*OPAQUE, "attention_of_torch", "large"}], ids=lambda p: p.__name__
)
def test_second_derivatives(program: Program) -> None:
    with record() as tape:
        loss, wanted = program()
    first = torch.autograd.grad(loss, wanted, create_graph=True)
    total = sum((g * torch.linspace(0.5, 1.5, g.numel()).view(g.shape)).sum() for g in first)
    theirs = torch.autograd.grad(total, wanted, allow_unused=True) if total.requires_grad else [None] * len(wanted)
    leaves = [tape[tensor] for tensor in wanted]
    tape[loss].backward(create_graph=True)
    gradients = [x.grad for x in leaves]
    for x in leaves:
        x.grad = None
    ours = sum(((g * torch.linspace(0.5, 1.5, g.numel()).view(g.shape).tolist()).sum() for g in gradients), Value(0.0, False))
    if ours.requires_grad:
        ours.backward()
    for x, second in zip(leaves, theirs, strict=True):
        expected = torch.zeros(x.shape) if second is None else second
        found = (
            torch.zeros(x.shape) if x.grad is None else tensor_of(x.grad.data if isinstance(x.grad, Value) else x.grad, x.shape)
        )
        assert torch.allclose(found, expected, rtol=1e-9, atol=1e-11), f"of shape {x.shape}"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_the_program_runs_as_without_it(program: Program) -> None:
    """The same numbers, gradients and random state."""
    outcomes = []
    for recorded in (False, True):
        torch.manual_seed(5)
        if recorded:
            with record() as tape:
                loss, wanted = program()
            tape[loss].backward()
        else:
            loss, wanted = program()
        loss.backward()
        outcomes.append((loss, [p.grad for p in wanted], torch.get_rng_state()))
    (loss, gradients, state), (recorded_loss, recorded_gradients, recorded_state) = outcomes
    assert torch.equal(loss, recorded_loss) and torch.equal(state, recorded_state)
    assert all(map(torch.equal, gradients, recorded_gradients))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, 2), nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inner(x)


def test_names_scopes_and_lines() -> None:
    model = nn.Sequential(Block(), nn.Linear(2, 3))
    x = torch.ones(1, 2)
    with record(model) as tape:
        loss = F.cross_entropy(model(x), torch.tensor([1]))
    graph = Graph(tape[loss])
    names = {node.name for node in graph}
    assert names >= {"0.inner.0.weight", "0.inner.0.bias", "1.weight", "1.bias", "x", "loss"}
    (tanh,) = (node for node in graph if node.op == "tanh")
    assert tanh.scope == "Sequential/0/0.inner/0.inner.1" and graph[graph.root].scope == "cross_entropy/nll_loss"
    assert tanh.source.endswith(": return x + self.inner(x)") and tanh.source.startswith("test_torch_record.py:")
    assert "F.cross_entropy(model(x)" in graph[graph.root].source


def test_without_a_model_names_are_those_of_variables() -> None:
    w, layer = torch.randn(2, requires_grad=True), nn.Linear(2, 1)
    with record() as tape:
        loss = layer(w).sum()
    assert {node.name for node in Graph(tape[loss])} >= {"w", "layer.weight", "layer.bias", "loss"}


def test_every_view_and_study_works_on_it() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Softmax(dim=1))
    with record(model) as tape:
        loss = nn.CrossEntropyLoss()(model(torch.ones(4, 2)), torch.tensor([0, 1, 2, 0]))
    assert lint(tape[loss]).rules == ("softmax-before-cross-entropy",)
    assert "0.weight" in draw(tape[loss]).source and len(steps(tape[loss])) > 10


def test_what_is_torchs_own_says_so() -> None:
    conv = nn.Conv2d(1, 1, 2)
    with record() as tape:
        loss = conv(torch.ones(1, 1, 2, 2)).sum()
    assert "torch.conv2d" in draw(tape[loss]).source
    assert any("conv2d" in step.text for step in steps(tape[loss]))
    assert len(micrograd_sm.primitives.PRIMITIVES) <= 28 and "conv2d" not in micrograd_sm.primitives.PRIMITIVES
    root, weight = tape[loss], tape[conv.weight]
    root.backward(create_graph=True)
    assert isinstance(weight.grad, Value)
    with pytest.raises(RuntimeError, match=r"conv2d is torch's own.*second derivative"):
        weight.grad.sum().backward()


def test_random_numbers_of_an_opaque_call_are_drawn_once() -> None:
    x = torch.randn(4, 6, requires_grad=True)
    with record() as tape:
        loss = (F.alpha_dropout(x, 0.5, training=True) * torch.arange(6.0)).sum()
    (gradient,) = torch.autograd.grad(loss, x)
    state = torch.get_rng_state()
    tape[loss].backward()
    assert close(tape[x].grad, gradient) and torch.equal(state, torch.get_rng_state())


def test_float32_numbers_are_taken_as_they_are() -> None:
    torch.set_default_dtype(torch.float32)
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))
    with record(model) as tape:
        loss = F.cross_entropy(model(torch.randn(3, 8)), torch.tensor([0, 1, 1]))
    (weight,) = (value for value in tape.nodes(loss) if value.name == "0.weight")
    assert weight.tolist() == model[0].weight.tolist()
    difference = tape.difference(loss)
    assert 0 < difference.ulps < 20 and "float32" in str(difference) and "ulps" in str(difference)
    tape[loss].backward()
    loss.backward()
    assert torch.allclose(tensor_of(weight.grad, (8, 8)).float(), model[0].weight.grad, rtol=1e-4, atol=1e-7)


def test_an_exception_is_the_programs_own_and_leaves_nothing_behind() -> None:
    class Failing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ torch.ones(7, 7)

    hooks = len(torch.nn.modules.module._global_forward_hooks)
    with pytest.raises(RuntimeError) as theirs:
        Failing()(torch.ones(2, 2))
    with pytest.raises(RuntimeError) as ours, record(Failing()) as tape:
        Failing()(torch.ones(2, 2))
    assert str(ours.value) == str(theirs.value)
    assert len(torch.nn.modules.module._global_forward_hooks) == hooks
    assert (Value(1.0) * 2.0).scope == "" and (Value(1.0) * 2.0)._place.line is None
    x = torch.ones(2, requires_grad=True)
    y = x * 2.0
    assert x not in tape and y not in tape


def test_tensors_that_were_not_recorded() -> None:
    before = torch.ones(2, requires_grad=True) * 2.0
    with record() as tape:
        loss = (before * 3.0).sum()
        constant = torch.ones(2) * 2.0
    with pytest.raises(KeyError, match="not computed in the block"):
        tape[before.exp()]
    with pytest.raises(KeyError, match="requires no gradient"):
        tape[constant]
    with pytest.raises(TypeError, match="expected a torch tensor"):
        tape[3.0]
    assert any("not recorded" in (value.name or "") or value.name == "before" for value in tape.nodes(loss))
    with pytest.raises(TypeError, match=r"torch\.nn\.Module"):
        record([1.0])


def test_what_cannot_be_recorded_does_no_harm() -> None:
    """A Function of the user's, complex numbers, torch.func: the program runs on, and what they made says where it is from."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, upstream: torch.Tensor) -> torch.Tensor:
            return 2 * ctx.saved_tensors[0] * upstream

    w = torch.randn(3, requires_grad=True)
    with record() as tape:
        loss = Square.apply(w).sum()
        size = torch.complex(w, w * 2).abs().sum()
        slopes = torch.vmap(torch.func.grad(lambda x: (x.sin() ** 2).sum()))(torch.randn(4, 3))
        singular = torch.linalg.svdvals(w.outer(w) + torch.eye(3)).sum()
    assert [value.name for value in tape.nodes(loss)] == ["SquareBackward, not recorded", "loss"]
    assert any("not recorded" in (value.name or "") for value in tape.nodes(size)) and slopes.shape == (4, 3)
    (gradient,) = torch.autograd.grad(singular, w)
    tape[singular].backward()
    assert close(tape[w].grad, gradient)


def test_graphs_are_freed_with_their_losses_and_the_loop_goes_on() -> None:
    model, held = nn.Linear(3, 1), []
    optimizer = torch.optim.AdamW(model.parameters(), 0.1)
    with record(model) as tape:
        for _ in range(5):
            loss = model(torch.randn(4, 3)).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            gc.collect()
            held.append(sum(type(x) is Value for x in gc.get_objects()))
        loss = model(torch.ones(1, 3)).sum()
    assert len(set(held[1:])) == 1
    weight = next(value for value in tape.nodes(loss) if value.name == "weight")
    assert weight.tolist() == model.weight.tolist()


def test_a_pass_is_heard_after_it_succeeded() -> None:
    passes: list[Any] = []
    w = torch.ones(2, requires_grad=True)
    with record(heard=lambda root, seed, nodes: passes.append((root, seed, len(nodes), w.grad.tolist()))) as tape:
        y = w * 3.0
        y.backward(torch.tensor([1.0, 2.0]))
        with pytest.raises(RuntimeError):
            y.backward(torch.tensor([1.0, 2.0]))
    ((root, seed, nodes, gradient),) = passes
    assert root is tape[y] and seed.tolist() == [1.0, 2.0] and nodes == 2 and gradient == [3.0, 6.0]


def test_large_tensors_stay_in_torchs_storage() -> None:
    w = torch.randn(200, 60, requires_grad=True)
    with record() as tape:
        loss = (torch.randn(5, 200) @ w + torch.randn(60)).sum()
    (large,) = (value for value in tape.nodes(loss) if value.shape == (200, 60))
    assert isinstance(large.data, torch.Tensor)


def test_two_thousand_operations_within_two_seconds() -> None:
    took = []
    for _ in range(3):
        x = torch.tensor([0.5, 0.2], requires_grad=True)
        start = time.perf_counter()
        with record() as tape:
            y = x
            for _ in range(1000):
                y = y * 0.999 + 0.001
        took.append(time.perf_counter() - start)
    assert len(tape.nodes(y)) > 2000 and min(took) < 2.0


def test_numbers_of_other_kinds() -> None:
    assert numbers_of(torch.tensor(3)) == 3 and numbers_of(torch.tensor(True)) is True
    assert numbers_of(torch.tensor([[1, 2]])).tolist() == [[1, 2]] and numbers_of(torch.empty(0, 3)).shape == (0, 3)


def test_the_readme_shows_what_lint_says(tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float32)
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
    code, said = re.findall(r"```(?:python|text)\n(.*?)```", readme.partition("## Your torch program")[2], flags=re.S)[:2]
    (tmp_path / "train.py").write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, "train.py"], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == said
    command = [sys.executable, "-m", "micrograd_sm", "study", "lint", "train.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1 and "softmax-before-cross-entropy at v16 (train.py:9: " in done.stdout


def test_anomaly_hears_of_a_recorded_program() -> None:
    x = torch.tensor([0.0, 1.0], requires_grad=True)
    with anomaly(report=True) as watch, record() as tape:
        loss = (x.log() * 2.0).sum()
    assert watch.found is not None and (watch.found.op, watch.found.kind) == ("log", "-inf")
    assert "loss = (x.log() * 2.0).sum()" in (watch.found.source or "")
    found = first_anomaly(tape[loss])
    assert found is not None and found.route and found.reached == ("x",)
