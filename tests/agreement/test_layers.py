"""Layers, activations and losses agree with torch's: outputs, gradients, reprs, and what they keep."""

import inspect

import numpy as np
import pytest
import torch

from micrograd_sm import Value, manual_seed, nn


def assert_close(ours, theirs, tolerance=1e-10):
    np.testing.assert_allclose(np.array(ours.tolist()), theirs.detach().numpy(), rtol=tolerance, atol=1e-12)


def numbers(*shape, seed=0, low=-2.0, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, size=shape)


def both(x, requires_grad=True):
    if isinstance(x, np.ndarray) and x.dtype == np.float64:
        return Value(x.tolist(), requires_grad), torch.tensor(x, requires_grad=requires_grad)
    return Value(x.tolist(), requires_grad=False), torch.tensor(x)


def assert_module(ours, theirs, *inputs, seed=1):
    """Hold output, gradients and state of a module of ours against torch's, which gets the state of ours first."""
    theirs.double()
    loaded = {name: torch.tensor(data, dtype=torch.float64) for name, data in ours.state_dict().items()}
    theirs.load_state_dict({name: data.long() if "num_batches" in name else data for name, data in loaded.items()})
    pairs = [both(x) for x in inputs]
    out, expected = ours(*(x for x, _ in pairs)), theirs(*(t for _, t in pairs))
    assert out.shape == tuple(expected.shape)
    assert_close(out, expected)
    factors = numbers(*out.shape, seed=seed)
    (out * factors.tolist()).sum().backward()
    (expected * torch.tensor(factors)).sum().backward()
    for x, t in pairs:
        assert (x.grad is None) == (t.grad is None)
        if t.grad is not None:
            assert_close(Value(x.grad), t.grad)
    for (name, parameter), (other, tensor) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        assert_close(Value(parameter.grad), tensor.grad)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    for name, data in ours.state_dict().items():
        np.testing.assert_allclose(np.array(data), state[name].numpy(), rtol=1e-12, atol=1e-12)


ACTIVATIONS = [
    ("ReLU", {}), ("ReLU", {"inplace": False}), ("Tanh", {}), ("Sigmoid", {}), ("LeakyReLU", {}),
    ("LeakyReLU", {"negative_slope": 0.2}), ("ELU", {}), ("ELU", {"alpha": 0.5}), ("SELU", {}), ("GELU", {}),
    ("GELU", {"approximate": "tanh"}), ("SiLU", {}), ("Mish", {}), ("Softplus", {}),
    ("Softplus", {"beta": 2.0, "threshold": 1.0}),
    ("LogSigmoid", {}), ("Hardtanh", {}), ("Hardtanh", {"min_val": -0.5, "max_val": 0.25}), ("ReLU6", {}),
    ("Softmin", {"dim": 1}), ("Softmax", {"dim": 0}), ("LogSoftmax", {"dim": -1}), ("Identity", {}), ("Flatten", {}),
    ("Flatten", {"start_dim": 0, "end_dim": 1}), ("Unflatten", {"dim": 1, "unflattened_size": (2, 2)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), ACTIVATIONS)
def test_activations(name, options):
    ours, theirs = getattr(nn, name)(**options), getattr(torch.nn, name)(**options)
    assert_module(ours, theirs, numbers(3, 4, 5))
    assert repr(ours) == repr(theirs)


WEIGHTS = np.array([0.5, 2.0, 1.0])
CLASSES = np.array([0, 2, 1, 0])
SIGNS = np.array([1, -1, 1, -1])
LOSSES = [
    *((name, options, (numbers(4, 3), numbers(4, 3, seed=5))) for name, options in [
        ("MSELoss", {}), ("MSELoss", {"reduction": "none"}), ("L1Loss", {}), ("L1Loss", {"reduction": "sum"}),
        ("SmoothL1Loss", {}),
        ("SmoothL1Loss", {"beta": 0.5, "reduction": "sum"}), ("HuberLoss", {}), ("HuberLoss", {"delta": 0.5}),
        ("KLDivLoss", {"log_target": True, "reduction": "batchmean"}), ("CosineSimilarity", {}),
        ("CosineSimilarity", {"dim": 0}),
    ]),
    *((name, options, (numbers(4, 3), numbers(4, 3, seed=5, low=0.1, high=0.9))) for name, options in [
        ("KLDivLoss", {"reduction": "sum"}), ("BCEWithLogitsLoss", {"pos_weight": WEIGHTS}),
        ("PoissonNLLLoss", {}), ("PoissonNLLLoss", {"full": True, "reduction": "sum"}),
    ]),
    *(("BCELoss", options, (numbers(4, 3, low=0.1, high=0.9), numbers(4, 3, low=0.1, high=0.9, seed=5)))
      for options in ({}, {"weight": WEIGHTS, "reduction": "none"})),
    *(("GaussianNLLLoss", options, (numbers(4, 3), numbers(4, 3, seed=5), numbers(4, 3, low=0.1, seed=6)))
      for options in ({}, {"full": True, "reduction": "sum"})),
    *(("MultiMarginLoss", options, (numbers(4, 3), CLASSES))
      for options in ({}, {"p": 2, "margin": 0.5}, {"weight": WEIGHTS, "reduction": "none"})),
    *((name, options, (numbers(4), SIGNS)) for name, options in [
        ("HingeEmbeddingLoss", {}), ("HingeEmbeddingLoss", {"margin": 0.5, "reduction": "sum"}), ("SoftMarginLoss", {}),
    ]),
    ("MarginRankingLoss", {"margin": 0.5}, (numbers(4), numbers(4, seed=5), SIGNS)),
    ("CosineEmbeddingLoss", {"margin": 0.1}, (numbers(4, 3), numbers(4, 3, seed=5), SIGNS)),
    *(("TripletMarginLoss", options, (numbers(4, 3), numbers(4, 3, seed=5), numbers(4, 3, seed=6)))
      for options in ({}, {"swap": True, "reduction": "sum"})),
    *(("CrossEntropyLoss", options, (numbers(4, 3), CLASSES)) for options in ({}, {"weight": WEIGHTS, "label_smoothing": 0.1})),
    *(("NLLLoss", options, (numbers(4, 3), CLASSES)) for options in ({}, {"weight": WEIGHTS, "ignore_index": 1})),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "inputs"), LOSSES)
def test_losses(name, options, inputs):
    constants = {key: isinstance(option, np.ndarray) for key, option in options.items()}
    ours = getattr(nn, name)(**{key: x.tolist() if constants[key] else x for key, x in options.items()})
    theirs = getattr(torch.nn, name)(**{key: torch.tensor(x) if constants[key] else x for key, x in options.items()})
    assert_module(ours, theirs, *inputs)
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("name", ["HuberLoss", "CrossEntropyLoss", "LeakyReLU", "Softplus", "MultiMarginLoss"])
def test_wrong_options(name):
    with pytest.raises(TypeError, match=rf"{name}\(.*unexpected keyword argument 'reductions'"):
        getattr(nn, name)(reductions="sum")
    with pytest.raises(TypeError):
        getattr(torch.nn, name)(reductions="sum")


def test_losses_take_names_and_keep_their_signature():
    assert nn.MSELoss()(input=[1.0], target=[3.0]).item() == 4.0
    assert str(inspect.signature(nn.HuberLoss)) == "(reduction='mean', delta=1.0)"


# Normalization --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"normalized_shape": 4}, (3, 4)),
        ({"normalized_shape": (2, 4), "eps": 0.1}, (3, 2, 4)),
        ({"normalized_shape": [4], "bias": False}, (2, 3, 4)),
        ({"normalized_shape": 4, "elementwise_affine": False}, (3, 4)),
    ],
)
def test_layer_norm(options, shape):
    ours, theirs = nn.LayerNorm(**options), torch.nn.LayerNorm(**options)
    assert repr(ours) == repr(theirs)
    for k, parameter in enumerate(ours.parameters()):
        parameter.data = Value(numbers(*parameter.shape, seed=k).tolist()).data
    assert_module(ours, theirs, numbers(*shape))
    for layer, x in ((ours, [[1.0, 2.0]]), (theirs, torch.zeros(1, 2, dtype=torch.float64))):
        with pytest.raises(RuntimeError):
            layer(x)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"normalized_shape": 4}, (3, 4)),
        ({"normalized_shape": (2, 4), "eps": 0.1}, (3, 2, 4)),
        ({"normalized_shape": [4], "elementwise_affine": False}, (3, 4)),
    ],
)
def test_rms_norm(options, shape):
    ours, theirs = nn.RMSNorm(**options), torch.nn.RMSNorm(**options)
    assert repr(ours) == repr(theirs)
    for k, parameter in enumerate(ours.parameters()):
        parameter.data = Value(numbers(*parameter.shape, seed=k).tolist()).data
    assert_module(ours, theirs, numbers(*shape))


BATCH_OPTIONS = [
    {}, {"momentum": None}, {"affine": False}, {"track_running_stats": False}, {"momentum": 0.5, "eps": 0.1},
    {"track_running_stats": False, "affine": False},
]  # fmt: skip


@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2)])
@pytest.mark.parametrize("options", BATCH_OPTIONS)
def test_batch_norm(options, shape):
    ours, theirs = nn.BatchNorm1d(3, **options), torch.nn.BatchNorm1d(3, **options)
    assert repr(ours) == repr(theirs)
    for k, parameter in enumerate(ours.parameters()):
        parameter.data = Value(numbers(*parameter.shape, seed=k).tolist()).data
    for seed in range(3):
        for layer in (ours, theirs):
            layer.zero_grad()
        assert_module(ours, theirs, numbers(*shape, seed=seed))
    assert [name for name, _ in ours.named_buffers()] == [name for name, _ in theirs.named_buffers()]
    for layer in (ours.eval(), theirs.eval()):
        layer.zero_grad()
    assert_module(ours, theirs, numbers(*shape, seed=9))


@pytest.mark.parametrize(
    ("shape", "error"), [((3,), ValueError), ((2, 3, 1, 1), ValueError), ((1, 3), ValueError), ((4, 2), RuntimeError)]
)
def test_batch_norm_errors(shape, error):
    ours, theirs = nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3).double()
    before = ours.state_dict()
    for layer, x in zip((ours, theirs), both(numbers(*shape)), strict=True):
        with pytest.raises(error):
            layer(x)
    assert ours.state_dict() == before


# Dropout, embeddings --------------------------------------------------------------------------------------------------


def test_dropout():
    _ = manual_seed(3)
    layer, x = nn.Dropout(0.25), Value([2.0] * 1000)
    out = layer(x)
    kept = out.tolist().count(2.0 / 0.75)
    assert 700 < kept < 800
    assert kept + out.tolist().count(0.0) == 1000
    out.sum().backward()
    assert Value(x.grad).tolist() == [y / 2.0 for y in out.tolist()]
    assert layer.eval()(x).tolist() == x.tolist()
    for p in (0.25, 0.0):
        assert repr(nn.Dropout(p)) == repr(torch.nn.Dropout(p))
    for p in (-0.1, 1.1):
        for library in (nn, torch.nn):
            with pytest.raises(ValueError, match="1"):
                library.Dropout(p)


@pytest.mark.parametrize("padding_idx", [0, 2, -1, -4])
def test_embedding_with_padding(padding_idx):
    ours, theirs = nn.Embedding(4, 3, padding_idx=padding_idx), torch.nn.Embedding(4, 3, padding_idx=padding_idx)
    assert repr(ours) == repr(theirs)
    assert ours.padding_idx == theirs.padding_idx
    assert ours.weight.tolist()[ours.padding_idx] == [0.0, 0.0, 0.0]
    assert_module(ours, theirs, np.array([[0, 1, 2], [3, 3, 0]]))


@pytest.mark.parametrize("padding_idx", [4, -5])
def test_embedding_with_a_wrong_padding(padding_idx):
    with pytest.raises(ValueError, match="padding_idx"):
        nn.Embedding(4, 3, padding_idx=padding_idx)
    with pytest.raises(AssertionError):
        torch.nn.Embedding(4, 3, padding_idx=padding_idx)


@pytest.mark.parametrize(
    "build",
    [
        lambda **place: nn.Linear(2, 3, **place),
        lambda **place: nn.Embedding(2, 3, **place),
        lambda **place: nn.LayerNorm(3, **place),
        lambda **place: nn.RMSNorm(3, **place),
        lambda **place: nn.BatchNorm1d(3, **place),
    ],
)
def test_device_and_dtype(build):
    assert build(device="cpu", dtype=float).parameters()
    with pytest.raises(RuntimeError, match="'cuda' cannot be had"):
        build(device="cuda")
    with pytest.raises(TypeError, match="parameters are floats"):
        build(dtype=int)
