"""`to_torch`: the module has our values and gradients, and torch's tools take it."""

from __future__ import annotations

import copy
import importlib
import io
import pickle
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import micrograd_sm
from micrograd_sm import Value, cross_entropy, nn
from micrograd_sm.backward import reachable
from micrograd_sm.functional import gaussian_nll_loss, leaky_relu
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.torch import record, to_torch
from micrograd_sm.torch.operations import OPERATIONS
from tests.agreement import ddp_training
from tests.agreement.oracle import OURS, seeds
from tests.agreement.rows import Row
from tests.agreement.test_operations import TABLE

EXAMPLES = Path(__file__).parents[2] / "examples"


def close(ours: Any, theirs: torch.Tensor) -> bool:
    numbers = torch.tensor(ours.tolist() if hasattr(ours, "tolist") else ours, dtype=torch.float64).reshape(theirs.shape)
    return torch.allclose(numbers, theirs.detach(), rtol=1e-12, atol=1e-12, equal_nan=True)


def assert_same(loss: Value, module: torch.nn.Module, arguments: list[Value], leaves: dict[str, Value]) -> None:
    """Fail unless the module has the loss, its gradients by the arguments, and by the leaves with these names."""
    tensors = [torch.tensor(x.tolist(), dtype=torch.float64, requires_grad=True) for x in arguments]
    module.zero_grad()
    there = module(*tensors)
    assert close(loss, there), (loss, there)
    loss.backward()
    there.backward()
    assert set(dict(module.named_parameters())) == set(leaves)
    pairs = [(value, module.get_parameter(name)) for name, value in leaves.items()] + list(zip(arguments, tensors))
    for value, tensor in pairs:
        zero = torch.zeros_like(tensor)
        assert close(value.grad if value.grad is not None else zero, zero if tensor.grad is None else tensor.grad), value


def test_every_primitive_has_an_operation_of_torch() -> None:
    assert set(OPERATIONS) == set(PRIMITIVES)


# Every operation, recorded on some numbers and computed on others ------------------------------------------------------

SHAPES = [[(2, 3)] * 3, [(3,)] * 3, [(2, 3, 4)] * 3]


def drawn(row: Row, shapes: list, source: random.Random) -> list[Value]:
    def numbers(shape: tuple) -> Any:
        return [numbers(shape[1:]) for _ in range(shape[0])] if shape else round(source.uniform(row.low, row.high), 3)

    return [Value(numbers(tuple(shape))) for shape in shapes]


def summed(out: Any) -> Value:
    return (out * Value(seeds(out.shape, 0.3), requires_grad=False)).sum()


def recorded(row: Row, source: random.Random, factor: float = 1.0) -> Iterator[tuple[Value, list[Value], list[int]]]:
    """Yield what an operation computes of drawn numbers, times a factor, as a loss: with its inputs, and which it used."""
    fixed = getattr(row.shapes, "value", None)  # of st.just
    for shapes in [shapes[: row.inputs] for shapes in SHAPES] if fixed is None else [fixed]:
        inputs = [Value((x * factor).data) for x in drawn(row, shapes, source)]
        try:
            out = row.program(OURS, *inputs)
        except (RuntimeError, IndexError, ValueError):  # shapes that this row does not take
            continue
        if not getattr(out, "requires_grad", False) or 0 in out.shape:
            continue
        loss = summed(out)
        reached = set(map(id, reachable(loss)))
        yield loss, inputs, [k for k, x in enumerate(inputs) if id(x) in reached]


ROWS = [row for row in TABLE if row.inputs]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.operation)
def test_an_operation_has_the_value_and_gradients_that_it_has_here(row: Row) -> None:
    for loss, inputs, used in recorded(row, random.Random(2)):
        module = to_torch(loss, {f"x{k}": inputs[k] for k in used}, keep_choices=True)
        assert_same(loss, module, [inputs[k] for k in used], {})


CHOOSE = {
    "binary_cross_entropy_with_logits", "cdist", "ceil", "clamp", "clip", "cosine_embedding_loss", "cosine_similarity", "div",
    "elu", "embedding", "expm1", "floor", "gather", "gaussian_nll_loss", "hardtanh", "hinge_embedding_loss", "huber_loss",
    "index", "kl_div", "leaky_relu", "logaddexp", "logit", "logsigmoid", "logsumexp", "margin_ranking_loss", "masked_fill",
    "masked_select", "max", "maximum", "median", "min", "minimum", "mish", "multi_margin_loss", "normalize",
    "pairwise_distance", "poisson_nll_loss", "prod", "relu6", "remainder", "round", "scaled_dot_product_attention", "selu",
    "sign", "smooth_l1_loss", "softplus", "sort", "std", "take_along_dim", "topk", "tril", "triplet_margin_loss", "triu",
    "trunc", "where",
}  # fmt: skip


def refused(row: Row, factor: float) -> bool:
    """Return whether a row is refused. If it is not, fail unless its module is right at other numbers than those recorded."""
    source, found = random.Random(2), False
    for loss, inputs, used in recorded(row, source, factor):
        try:
            module = to_torch(loss, {f"x{k}": inputs[k] for k in used})
        except ValueError as error:
            assert "keep_choices=True" in str(error)
            found = True
            continue
        others = drawn(row, [x.shape for x in inputs], source)
        others = [others[k] if k in used else x for k, x in enumerate(inputs)]
        assert_same(summed(row.program(OURS, *others)), module, [others[k] for k in used], {})
    return found


def is_detached(row: Row) -> bool:
    return "detach" in row.program.__code__.co_names


@pytest.mark.parametrize("row", [row for row in ROWS if not is_detached(row)], ids=lambda row: row.operation)
def test_an_operation_is_right_at_other_numbers_or_refused(row: Row) -> None:
    was_refused = refused(row, 1.0)
    refused(row, 0.0)  # recorded where all is 0, as before a batch is known
    assert not was_refused or row.operation in CHOOSE, row.operation


# Programs -------------------------------------------------------------------------------------------------------------


TARGET = [0, 2, 1, 1, 0, 2]


def mlp() -> tuple[Value, Value, nn.Module]:
    micrograd_sm.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3), nn.ReLU())
    source = random.Random(1)
    x = Value([[source.gauss(0.0, 1.0) for _ in range(4)] for _ in range(6)])
    return cross_entropy(model(x), TARGET), x, model


def tensor(x: Value) -> torch.Tensor:
    return torch.tensor(x.tolist(), dtype=torch.float64)


def test_a_network_and_a_step_of_training() -> None:
    loss, x, model = mlp()
    module = to_torch(loss, x)
    names = [f"model.{name}" for name, _ in model.named_parameters()]
    assert [name for name, _ in module.named_parameters()] == names
    assert_same(loss, module, [x], dict(zip(names, model.parameters())))
    torch.optim.SGD(module.parameters(), lr=0.1).step()
    micrograd_sm.optim.SGD(model.parameters(), lr=0.1).step()
    assert all(close(ours, theirs) for ours, theirs in zip(model.parameters(), module.parameters()))
    assert close(cross_entropy(model(x), TARGET), module(tensor(x)))


def test_logits_train_on_other_batches_with_a_loss_of_torch() -> None:
    _, x, model = mlp()
    module, other, target = (
        to_torch(model(x), x),
        Value([[0.1 * k - j for k in range(4)] for j in range(6)]),
        [2, 2, 0, 1, 0, 1],
    )
    there = torch.nn.functional.cross_entropy(module(tensor(other)), torch.tensor(target))
    here = cross_entropy(model(other), target)
    here.backward()
    there.backward()
    assert close(here, there)
    assert all(close(ours.grad, theirs.grad) for ours, theirs in zip(model.parameters(), module.parameters()))


def test_names_on_characters_with_batch_norm() -> None:
    micrograd_sm.manual_seed(2)
    C, W, out = micrograd_sm.randn(7, 2, requires_grad=True), micrograd_sm.randn(6, 5, requires_grad=True), nn.Linear(5, 7)
    gain, bias = micrograd_sm.ones(5, requires_grad=True), micrograd_sm.zeros(5, requires_grad=True)
    ids = micrograd_sm.tensor([[0, 1, 2], [1, 2, 3], [6, 5, 0], [4, 4, 4]])
    hidden = micrograd_sm.functional.batch_norm(C[ids].view(-1, 6) @ W, None, None, gain, bias, True)
    loss = cross_entropy(out(hidden.tanh()), [3, 4, 1, 0])
    leaves = {"C": C, "W": W, "gain": gain, "bias": bias, "out.weight": out.weight, "out.bias": out.bias}
    assert_same(loss, to_torch(loss), [], leaves)


def test_the_transformer_of_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    transformer = importlib.import_module("transformer")
    model = transformer.new_model()
    x, y = transformer.examples_of(["emma", "olivia"])
    _, loss = model(x, y)
    leaves = {f"model.{name}": parameter for name, parameter in model.named_parameters()}
    assert_same(loss, to_torch(loss, keep_choices=True), [], leaves)  # the mask of its attention is a choice that stays


@pytest.mark.parametrize("names", [("input", "other"), ("input_1", "input"), ("x", "checked"), ("sum", "id")])
def test_arguments_with_names_that_the_code_has_too(names: tuple[str, str]) -> None:
    a, b = Value([1.0, 2.0]), Value([3.0, 4.0])
    loss = (a * a - b).sum()
    assert_same(loss, to_torch(loss, dict(zip(names, (a, b)))), [a, b], {})


def test_keep_choices_keeps_them() -> None:
    module = to_torch((x % 1.5) * (x > 1.5) + x.max(0)[0], x, keep_choices=True)
    assert module(torch.tensor([7.0, 4.0], dtype=torch.float64)).tolist() == [4.0, 4.0 - 1.5 + 4.0]


# torch's tools --------------------------------------------------------------------------------------------------------


def test_float32() -> None:
    loss, x, _ = mlp()
    module = to_torch(loss, x).float()
    found = module(tensor(x).float())
    assert found.dtype == torch.float32 and found.item() == pytest.approx(loss.item(), rel=1e-5)


def loaded(module: torch.nn.Module) -> torch.nn.Module:
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def traced_inside(module: torch.nn.Module) -> torch.nn.Module:
    return torch.fx.symbolic_trace(torch.nn.Sequential(module))


@pytest.mark.parametrize(
    "copied", [lambda module: pickle.loads(pickle.dumps(module)), loaded, torch.fx.symbolic_trace, traced_inside, copy.deepcopy]
)
def test_copies_compute_and_check_the_shape(copied: Callable) -> None:
    loss, x, model = mlp()
    module = copied(copied(to_torch(loss, x)))
    there = module(tensor(x))
    loss.backward()
    there.backward()
    assert close(loss, there)
    assert all(close(ours.grad, theirs.grad) for ours, theirs in zip(model.parameters(), module.parameters()))
    with pytest.raises(ValueError, match=re.escape("x must have the recorded shape (6, 4), got (6, 5)")):
        module(torch.zeros(6, 5, dtype=torch.float64))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compile(backend: str) -> None:
    if backend == "inductor" and not shutil.which("g++"):
        pytest.skip("inductor needs a C++ compiler")
    loss, x, model = mlp()
    module = to_torch(loss, x)
    compiled = torch.compile(module, backend=backend, fullgraph=True)
    there = compiled(tensor(x))
    loss.backward()
    there.backward()
    assert close(loss, there)
    assert all(close(ours.grad, theirs.grad) for ours, theirs in zip(model.parameters(), module.parameters()))


@pytest.mark.filterwarnings("ignore")
def test_export() -> None:
    loss, x, _ = mlp()
    exported = torch.export.export(to_torch(loss, x), (tensor(x),))
    assert close(loss, exported.module()(tensor(x)))


@pytest.mark.filterwarnings("ignore")
def test_onnx(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    loss, x, _ = mlp()
    arguments = (tensor(x),)
    torch.onnx.export(to_torch(loss, x), arguments, tmp_path / "loss.onnx", dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "loss.onnx", providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    (found,) = session.run(None, {name: tensor.numpy() for name, tensor in zip(names, arguments)})
    assert found.item() == pytest.approx(loss.item(), rel=1e-10)  # the tanh of onnxruntime has fewer digits


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    out = str(tmp_path / "parameters")
    torch.multiprocessing.spawn(ddp_training.worker, (2, str(tmp_path / "meeting"), out), nprocs=2)
    alone = ddp_training.train(ddp_training.network(8), ddp_training.batches())
    start = [parameter.detach() for parameter in ddp_training.network(8).parameters()]
    for rank in range(2):
        together = torch.load(f"{out}.{rank}")
        assert all(torch.allclose(a, b, rtol=0, atol=1e-12) for a, b in zip(alone, together, strict=True))
    assert not any(torch.allclose(a, b, atol=1e-2) for a, b in zip(alone, start))


# What is refused --------------------------------------------------------------------------------------------------------

x, w = Value([1.0, 2.0], name="x"), Value([3.0, 4.0], name="w")
data = Value([1.0, 2.0], requires_grad=False)
compiled = micrograd_sm.compile(lambda x: x * 2.0)(x)


@pytest.mark.parametrize(
    ("output", "inputs", "error", "said"),
    [
        (3.0, [], TypeError, "expected a Value, got 3.0"),
        (x * w, 3.0, TypeError, "inputs must be Values, in a list or a dict, got 3.0"),
        (x * w, [3.0], TypeError, "inputs must be Values, got 3.0"),
        (x * w, [Value([1.0], name="z")], ValueError, "input z is no leaf of the graph"),
        (x * x, [x * 1.0], ValueError, "must be a leaf, and multiply made it"),
        (x * w, [x, x], ValueError, "two inputs have the name 'x'"),
        (x * w, {"a": x, "b": x}, ValueError, "b is an input twice"),
        (x * w, {"2": x}, ValueError, "cannot be named '2'"),
        (x * w, {"self": x}, ValueError, "cannot be named 'self'; give it another name in a dict"),
        (x * w, {"torch": x}, ValueError, "cannot be named 'torch'"),
        (x * w, {"input": x, "input_1": w}, ValueError, "cannot be named 'input_1' beside 'input'"),
        (w * data + data * data, {"x": data}, ValueError, "input x requires no gradient, so what is computed from it alone"),
        (data * data, data, ValueError, "the output requires no gradient, so how it was computed is not recorded"),
        (Value(2.0, requires_grad=False) + 3.0, [], ValueError, "the output requires no gradient"),
        (w * x.detach(), x, ValueError, "input x is no leaf of the graph: nothing in it is recorded as computed from it"),
        (leaky_relu(x), [x], ValueError, "where in leaky_relu, node v3 chose by a condition"),
        (x.max(0)[0], x, ValueError, "index, node v1 picked elements, as max(dim), min(dim), sort, topk and median do"),
        (x * (x > 1.5), x, ValueError, "constant, node v1 holds bools, as a comparison does"),
        (x[x > 1.5], x, ValueError, "index, node v1 picked elements by a mask"),
        (x.unsqueeze(0)[0, x > 1.5], x, ValueError, "index, node v2 picked elements by a mask"),
        (x % 2.0, x, ValueError, "subtract in remainder, node v2 took away a whole quotient, which is a constant"),
        (gaussian_nll_loss(w, w, x), [x, w], ValueError, "log in gaussian_nll_loss, node v3 took a variance that a constant"),
        (compiled, [x], RuntimeError, "compiled, node v1 is not an operation of micrograd_sm"),
    ],
)
def test_refused(output: Any, inputs: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=re.escape(said)):
        to_torch(output, inputs)


def test_another_shape_is_refused() -> None:
    module = to_torch(x * w, x)
    with pytest.raises(ValueError, match=re.escape("x must have the recorded shape (2,), got (3,)")):
        module(torch.zeros(3, dtype=torch.float64))


def test_calls_of_torch_without_a_function_here_are_refused() -> None:
    image = torch.ones(1, 1, 3, 3, requires_grad=True)
    with record() as tape:
        loss = torch.nn.functional.conv2d(image, torch.ones(1, 1, 2, 2)).sum()
    with pytest.raises(
        RuntimeError, match=re.escape("is not an operation of micrograd_sm; keep that part of the program in torch")
    ):
        to_torch(tape[loss])
