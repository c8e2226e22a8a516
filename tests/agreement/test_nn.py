"""Modules: how parameters are found, saved and loaded; layers and losses against torch's."""

import json
import math
from random import Random

import numpy as np
import pytest
import torch

from micrograd_sm import Array, Value, manual_seed, nn, optim


def assert_close(ours, theirs, tolerance=1e-12):
    np.testing.assert_allclose(np.reshape(ours.tolist(), ours.shape), theirs.detach().numpy(), rtol=tolerance, atol=tolerance)


class Holder(nn.Module):
    """Holds parameters in every way there is."""

    def __init__(self):
        self.first = Value([1.0, 2.0])
        self.count = 3
        self.layers = [nn.Linear(2, 1), (Value(3.0), "text")]
        self.table = {"b": Value(4.0), "a": Value(5.0), 7: Value(6.0)}
        self.constant = Value([7, 8], requires_grad=False)
        self.again = self.first
        self.computed = self.first * 2.0
        self.layers.append(self)  # a way back


NAMES = ["first", "layers.0.weight", "layers.0.bias", "layers.1.0", "table.b", "table.a", "table.7"]


# Finding parameters ---------------------------------------------------------------------------------------------------


def test_parameters_in_definition_order_and_once():
    holder = Holder()
    named = holder.named_parameters()
    assert [name for name, _ in named] == NAMES
    assert all(a is b for a, (_, b) in zip(holder.parameters(), named, strict=True))
    assert list(holder.state_dict()) == [*NAMES, "constant"]


def test_zero_grad_leaves_none():
    holder = Holder()
    holder.computed.sum().backward()
    assert holder.first.grad is not None
    holder.zero_grad()
    assert [p.grad for p in holder.parameters()] == [None] * len(NAMES)


def test_two_values_of_one_name():
    module = nn.Module()
    module.table = {1: Value(1.0), "1": Value(2.0)}
    with pytest.raises(RuntimeError, match=r"two values under the name 'table\.1'"):
        module.state_dict()


def test_forward_is_what_call_does():
    with pytest.raises(NotImplementedError, match="Module needs a method forward"):
        nn.Module()(1.0)

    class Pair(nn.Module):
        def forward(self, a, b=0):
            return a, b

    assert Pair()(1, b=2) == (1, 2)


def test_subclass_with_micrograds_own_methods():
    class Own(nn.Module):
        def __init__(self):
            self.hidden_away = {frozenset(): None}
            self.w = Value(2.0)

        def __call__(self, x):
            return self.w * x

        def parameters(self):
            return [self.w]

    own = Own()
    own(3.0).backward()
    own.zero_grad()
    assert own.w.grad is None


# Saving and loading ---------------------------------------------------------------------------------------------------


def test_state_goes_through_json_exactly():
    holder = Holder()
    holder.table["a"].data = 0.1 + 0.2
    holder.first.data = [math.inf, math.nan]
    state = json.loads(json.dumps(holder.state_dict()))
    other = Holder()
    other.load_state_dict(state)
    assert json.dumps(other.state_dict()) == json.dumps(holder.state_dict())
    assert other.constant.tolist() == [7, 8]
    assert [type(p.data) for p in other.parameters()] == [type(p.data) for p in holder.parameters()]


def test_loading_checks_before_it_changes():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = model.state_dict()
    good = {name: np.zeros(np.shape(data)).tolist() for name, data in before.items()}
    cases = [
        ({k: v for k, v in good.items() if k != "1.bias"}, RuntimeError, r"missing \['1.bias'\], unexpected \[\]"),
        ({**good, "2.bias": [0.0]}, RuntimeError, r"missing \[\], unexpected \['2.bias'\]"),
        ({**good, "1.weight": [[0.0] * 4]}, RuntimeError, r"'1.weight' has shape \(1, 3\), the state's has \(1, 4\)"),
        ({**good, "1.bias": 0.0}, RuntimeError, r"'1.bias' has shape \(1,\), the state's has \(\)"),
        ({**good, "1.bias": ["x"]}, TypeError, "'1.bias'"),
        ({**good, "1.weight": [[0.0, 0.0], [0.0]]}, ValueError, "'1.weight': ragged"),
        ([("0.weight", 1.0)], TypeError, "expected a dict"),
    ]
    for state, error, match in cases:
        with pytest.raises(error, match=match):
            model.load_state_dict(state)
        assert model.state_dict() == before
    assert model.load_state_dict(good) == ([], [])
    assert model.state_dict() == good


def test_loading_not_strict_still_checks_shapes():
    model = nn.Linear(1, 1)
    found = model.load_state_dict({"weight": [[5.0]], "scale": 1.0}, strict=False)
    assert found.missing_keys == ["bias"]
    assert found.unexpected_keys == ["scale"]
    assert model.weight.tolist() == [[5.0]]
    with pytest.raises(RuntimeError, match="shape"):
        model.load_state_dict({"weight": [5.0]}, strict=False)


def test_loading_keeps_the_storage():
    module = nn.Module()
    module.w = Value(np.array([1.0, 2.0], dtype=np.float32))
    module.load_state_dict({"w": Value([0.1, 3.0])})
    assert isinstance(module.w.data, np.ndarray)
    assert module.w.data.dtype == np.float32
    module.load_state_dict(json.loads(json.dumps(module.state_dict())))
    assert module.w.data[0] == np.float32(0.1)
    own = nn.Module()
    own.w = Value([1.0, 2.0])
    own.load_state_dict({"w": np.array([3.0, 4.0])})
    assert own.w.data.flat == [3.0, 4.0]


def test_loading_makes_old_graphs_refuse():
    layer = nn.Linear(1, 1)
    loss = layer([[1.0]]).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(RuntimeError, match="was set after"):
        loss.backward()


def test_loading_keeps_the_dtype():
    layer = nn.BatchNorm1d(1)
    layer.load_state_dict({**layer.state_dict(), "running_mean": [2], "num_batches_tracked": 3})
    assert repr(layer.state_dict()["running_mean"]) == "[2.0]"
    assert repr(layer.state_dict()["num_batches_tracked"]) == "3"


def test_states_without_elements():
    layer = nn.Linear(3, 0)
    layer.load_state_dict(json.loads(json.dumps(layer.state_dict())))
    assert layer.weight.shape == (0, 3)


# Layers, against torch's --------------------------------------------------------------------------------------------


def pair(ours, theirs):
    """Give torch's module the state of ours, name by name."""
    state = {name: torch.tensor(data, dtype=torch.float64) for name, data in ours.state_dict().items()}
    theirs.double().load_state_dict(state)
    return ours, theirs


def mlp():
    generator = Random(3)
    return pair(
        nn.Sequential(
            nn.Linear(4, 5, generator=generator), nn.Tanh(), nn.Linear(5, 6, bias=False, generator=generator), nn.ReLU(),
            nn.Sequential(nn.Linear(6, 3, generator=generator), nn.Sigmoid()), nn.LogSoftmax(dim=-1),
        ),
        torch.nn.Sequential(
            torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 6, bias=False), torch.nn.ReLU(),
            torch.nn.Sequential(torch.nn.Linear(6, 3), torch.nn.Sigmoid()), torch.nn.LogSoftmax(dim=-1),
        ),
    )  # fmt: skip


def test_training_agrees_with_torch():
    ours, theirs = mlp()
    x = np.random.default_rng(0).normal(size=(7, 4))
    target = [0, 1, 2, 0, 1, 2, 1]
    optimizer = optim.SGD(ours.parameters(), lr=0.5)
    reference = torch.optim.SGD(theirs.parameters(), lr=0.5)
    for _ in range(10):
        loss = nn.NLLLoss()(ours(x.tolist()), target)
        expected = torch.nn.NLLLoss()(theirs(torch.tensor(x)), torch.tensor(target))
        for each, step in ((loss, optimizer), (expected, reference)):
            step.zero_grad()
            each.backward()
            step.step()
        assert_close(loss, expected)
    for (name, value), (expected_name, tensor) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == expected_name
        assert_close(value, tensor)
        assert_close(Value(value.grad), tensor.grad)


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 3, 4), (0, 4)])
def test_linear_shapes(shape):
    ours, theirs = pair(nn.Linear(4, 2), torch.nn.Linear(4, 2))
    x = np.random.default_rng(1).normal(size=shape)
    a, b = Value(Array.of(x.ravel().tolist(), shape)), torch.tensor(x, requires_grad=True)
    out, expected = ours(a), theirs(b)
    assert_close(out, expected)
    (out * out).sum().backward()
    (expected * expected).sum().backward()
    assert_close(Value(a.grad), b.grad)
    assert_close(Value(ours.weight.grad), theirs.weight.grad)
    assert_close(Value(ours.bias.grad), theirs.bias.grad)


@pytest.mark.parametrize("x", [[1.0, 2.0, 3.0], 1.0, [[1.0], [2.0]]])
def test_linear_wrong_input(x):
    with pytest.raises(RuntimeError, match=r"last size must be 2, got shape \("):
        nn.Linear(2, 3)(x)
    with pytest.raises(RuntimeError):
        torch.nn.Linear(2, 3)(torch.tensor(x))


@pytest.mark.parametrize("index", [0, [2, 0, 2], [[1, 1], [0, 3]], []])
def test_embedding(index):
    ours, theirs = pair(nn.Embedding(4, 3), torch.nn.Embedding(4, 3))
    out, expected = ours(index), theirs(torch.tensor(index, dtype=torch.int64))
    assert out.shape == tuple(expected.shape)
    assert_close(out, expected)
    if index != []:
        (out * out).sum().backward()
        (expected * expected).sum().backward()
        assert_close(Value(ours.weight.grad), theirs.weight.grad)


def test_embedding_errors():
    layer = nn.Embedding(4, 3)
    for index, error in (([0, 4], IndexError), (-1, IndexError), (1.0, RuntimeError), ([True], RuntimeError)):
        with pytest.raises(error, match="embedding: in"):
            layer(index)
        with pytest.raises((IndexError, RuntimeError)):
            torch.nn.Embedding(4, 3)(torch.tensor(index))


WEIGHT = [0.5, 2.0, 1.0]
LOSSES = [
    ("NLLLoss", {}),
    ("NLLLoss", {"weight": WEIGHT, "ignore_index": 1}),
    ("NLLLoss", {"reduction": "sum"}),
    ("CrossEntropyLoss", {}),
    ("CrossEntropyLoss", {"weight": WEIGHT, "ignore_index": 2, "label_smoothing": 0.1}),
    ("CrossEntropyLoss", {"reduction": "none", "label_smoothing": 0.3}),
]
BINARY = [
    {},
    {"weight": WEIGHT},
    {"pos_weight": WEIGHT, "reduction": "none"},
    {"weight": WEIGHT, "pos_weight": [3.0, 1.0, 1.0], "reduction": "sum"},
]


def torch_options(options):
    return {name: torch.tensor(x, dtype=torch.float64) if isinstance(x, list) else x for name, x in options.items()}


@pytest.mark.parametrize(("name", "options"), [*LOSSES, *(("BCEWithLogitsLoss", options) for options in BINARY)])
def test_losses(name, options):
    logits = np.random.default_rng(2).normal(size=(4, 3))
    target = [0, 2, 1, 0] if name != "BCEWithLogitsLoss" else [[0.0, 1.0, 0.5]] * 4
    ours, theirs = getattr(nn, name)(**options), getattr(torch.nn, name)(**torch_options(options))
    x, tx = Value(logits.tolist()), torch.tensor(logits, requires_grad=True)
    loss, expected = ours(x, target), theirs(tx, torch.tensor(np.array(target)))
    assert_close(loss, expected)
    loss.sum().backward()
    expected.sum().backward()
    assert_close(Value(x.grad), tx.grad)
    assert ours.parameters() == []
    assert {key: torch.tensor(data).tolist() for key, data in ours.state_dict().items()} == {
        key: data.tolist() for key, data in theirs.state_dict().items()
    }


def test_a_weight_of_the_loss_gets_no_gradient():
    weight = Value([0.5, 2.0])
    criterion = nn.CrossEntropyLoss(weight=weight)
    criterion(Value([[1.0, 2.0]]), [0]).backward()
    assert weight.grad is None
    assert criterion.parameters() == []


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_along_a_dim(name, dim):
    x = [[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]
    assert_close(getattr(nn, name)(dim)(x), getattr(torch.nn, name)(dim)(torch.tensor(x, dtype=torch.float64)))
    with pytest.raises(IndexError):
        getattr(nn, name)(dim=2)(x)


@pytest.mark.parametrize(
    "build",
    [
        lambda nn: nn.Linear(2, 3),
        lambda nn: nn.Embedding(5, 2),
        lambda nn: nn.Sequential(),
        lambda nn: nn.Sequential(nn.Linear(2, 3, bias=False), nn.Sequential(nn.ReLU(), nn.Tanh()), nn.Sigmoid()),
        lambda nn: nn.Softmax(dim=1),
        lambda nn: nn.LogSoftmax(dim=-1),
        lambda nn: nn.CrossEntropyLoss(),
        lambda nn: nn.NLLLoss(),
        lambda nn: nn.BCEWithLogitsLoss(),
    ],
)
def test_reprs_are_torchs(build):
    assert repr(build(nn)) == repr(build(torch.nn))


def test_repr_of_own_modules():
    holder = Holder()
    assert repr(holder).splitlines() == [
        "Holder(",
        "  (layers.0): Linear(in_features=2, out_features=1, bias=True)",
        "  (layers.2): ...",
        ")",
    ]


def test_initial_numbers():
    _ = manual_seed(5)
    layer, embedding = nn.Linear(100, 200), nn.Embedding(100, 100)
    _ = manual_seed(5)
    assert nn.Linear(100, 200).state_dict() == layer.state_dict()
    for parameter in layer.parameters():
        flat = parameter.data.flat
        assert max(map(abs, flat)) <= 0.1  # 1 / sqrt(100)
        assert max(flat) > 0.09
        assert min(flat) < -0.09
    flat = embedding.weight.data.flat
    assert sum(flat) / len(flat) == pytest.approx(0.0, abs=0.05)
    assert sum(x * x for x in flat) / len(flat) == pytest.approx(1.0, abs=0.05)
    a, b = (nn.Linear(2, 2, generator=Random(1)).state_dict() for _ in range(2))
    assert a == b


def test_sequential_is_a_sequence():
    layers = [nn.Linear(2, 2), nn.ReLU(), nn.Tanh()]
    model = nn.Sequential(*layers)
    assert len(model) == 3
    assert list(model) == layers
    assert model[-1] is layers[2]
    assert list(model[:2]) == layers[:2]
    assert nn.Sequential()(3.0) == 3.0

    class Scaled(nn.Sequential):
        def __init__(self):
            super().__init__(nn.ReLU())
            self.scale = Value(2.0)

    assert [name for name, _ in Scaled().named_parameters()] == ["scale"]


@pytest.mark.parametrize(
    ("build", "error", "match"),
    [
        (lambda: nn.Linear(2.0, 3), TypeError, r"in_features must be an int, got 2\.0"),
        (lambda: nn.Linear(2, -3), ValueError, "out_features must not be negative, got -3"),
        (lambda: nn.Linear(2, True), TypeError, "out_features"),
        (lambda: nn.Embedding("5", 3), TypeError, "num_embeddings"),
        (lambda: nn.Linear(2, 3, generator=7), TypeError, "generator must be a Generator"),
        (lambda: nn.Sequential(nn.ReLU(), math.tanh), TypeError, "at position 1"),
    ],
)
def test_errors(build, error, match):
    with pytest.raises(error, match=match):
        build()
