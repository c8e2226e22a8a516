"""First numbers for parameters, and functions of all gradients at once, against torch's."""

import itertools
import math
from random import Random

import numpy as np
import pytest
import torch

import micrograd_sm.nn.functional as F
from micrograd_sm import Value, functional, manual_seed, nn

GRADIENTS = [[3.0, -4.0, 0.5], [[0.25, -2.0]], 7.0]


def models(gradients=GRADIENTS):
    """Return parameters with these gradients, and one without, in either library."""
    ours, theirs = [], []
    for gradient in gradients:
        data = np.array(gradient) * 0.5
        ours.append(Value(data.tolist()))
        theirs.append(torch.tensor(data, requires_grad=True))
        for p in (ours[-1], theirs[-1]):
            (p * (gradient if p is ours[-1] else torch.tensor(gradient, dtype=torch.float64))).sum().backward()
    return [*ours, Value([1.0])], [*theirs, torch.ones(1, requires_grad=True)]


def assert_gradients(ours, theirs):
    for p, t in zip(ours, theirs, strict=True):
        assert (p.grad is None) == (t.grad is None)
        if t.grad is not None:
            np.testing.assert_allclose(np.array(Value(p.grad).tolist()), t.grad.numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, math.inf])
@pytest.mark.parametrize("max_norm", [1.0, 100.0, 0.0])
def test_clip_grad_norm(max_norm, norm_type):
    ours, theirs = models()
    found = nn.utils.clip_grad_norm_(ours, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    assert not found.requires_grad
    assert_gradients(ours, theirs)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_clip_grad_norm_that_is_not_finite(bad):
    for raises in (True, False):
        ours, theirs = models([[1.0, bad], [2.0]])
        before = [p.grad for p in ours]
        for library, parameters in ((nn, ours), (torch.nn, theirs)):
            if raises:
                with pytest.raises(RuntimeError):
                    library.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
            else:
                assert not math.isfinite(library.utils.clip_grad_norm_(parameters, 1.0).item())
        if raises:
            assert [p.grad for p in ours] == before or bad != bad
        else:
            assert_gradients(ours, theirs)


def test_clip_one_and_none():
    ours, theirs = models()
    for library, parameters in ((nn, ours), (torch.nn, theirs)):
        library.utils.clip_grad_norm_(parameters[0], 1.0)
        assert library.utils.clip_grad_norm_([parameters[-1]], 1.0).item() == 0.0
    assert_gradients(ours, theirs)
    x = Value(3.0)
    (x**3).backward(create_graph=True)
    nn.utils.clip_grad_norm_([x], 1.0)
    assert x.grad == pytest.approx(1.0)
    with pytest.raises(TypeError, match="expected Values, got 3 at position 0"):
        nn.utils.clip_grad_norm_([3], 1.0)
    with pytest.raises(ValueError, match="norm_type must be above 0"):
        nn.utils.clip_grad_norm_(ours, 1.0, norm_type=0.0)


@pytest.mark.parametrize("clip_value", [0.75, 100])
def test_clip_grad_value(clip_value):
    ours, theirs = models()
    nn.utils.clip_grad_value_(ours, clip_value)
    torch.nn.utils.clip_grad_value_(theirs, clip_value)
    assert_gradients(ours, theirs)


def test_clipping_keeps_the_storage():
    x = Value(np.array([1.0, 2.0], dtype=np.float32))
    for clip in (nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_):
        x.grad = np.array([3.0, -4.0], dtype=np.float32)
        clip([x], 1.0)
        assert x.grad.dtype == np.float32
        assert abs(x.grad).max() <= 1.0


def test_vectors():
    ours, theirs = models()
    vector, expected = nn.utils.parameters_to_vector(ours), torch.nn.utils.parameters_to_vector(theirs)
    assert vector.tolist() == expected.tolist()
    nn.utils.vector_to_parameters(vector * 2.0, ours)
    torch.nn.utils.vector_to_parameters(expected * 2.0, theirs)
    assert [p.tolist() for p in ours] == [t.tolist() for t in theirs]
    for wrong in ([1.0], [[1.0] * 7]):
        with pytest.raises(ValueError, match="vec has shape"):
            nn.utils.vector_to_parameters(wrong, ours)


def test_functional_is_one():
    assert F.softmax is functional.softmax is nn.functional.softmax
    assert F.__all__ == functional.__all__


# First numbers --------------------------------------------------------------------------------------------------------


def weight(*shape):
    return Value(np.zeros(shape).tolist())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("uniform_", {"a": -3.0, "b": 1.0}),
        ("normal_", {"mean": 1.0, "std": 0.25}),
        ("trunc_normal_", {"mean": 0.5, "std": 1.0, "a": -1.0, "b": 1.5}),
        ("xavier_uniform_", {"gain": 2.0}),
        ("xavier_normal_", {}),
        ("kaiming_uniform_", {"a": 0.5, "mode": "fan_out"}),
        ("kaiming_normal_", {"nonlinearity": "relu"}),
    ],
)
def test_distributions(name, options):
    """Mean, spread and bounds are those of torch's numbers."""
    _ = manual_seed(1)
    _ = torch.manual_seed(1)
    ours, theirs = weight(100, 80), torch.zeros(100, 80, dtype=torch.float64)
    assert getattr(nn.init, name)(ours, **options) is ours
    getattr(torch.nn.init, name)(theirs, **options)
    found, expected = np.array(ours.tolist()), theirs.numpy()
    assert found.mean() == pytest.approx(expected.mean(), abs=0.05 * expected.std())
    assert found.std() == pytest.approx(expected.std(), rel=0.03)
    if "uniform" in name or "trunc" in name:
        assert found.max() == pytest.approx(expected.max(), rel=0.02)
        assert found.min() == pytest.approx(expected.min(), rel=0.02)
    assert ours.requires_grad
    a, b = (getattr(nn.init, name)(weight(2, 2), generator=Random(3)).tolist() for _ in range(2))
    assert a == b


@pytest.mark.parametrize(("name", "args"), [("zeros_", ()), ("ones_", ()), ("constant_", (0.3,)), ("eye_", ())])
def test_plain_numbers(name, args):
    ours, theirs = Value([[7.0, 7.0, 7.0], [7.0, 7.0, 7.0]]), torch.full((2, 3), 7.0, dtype=torch.float64)
    assert getattr(nn.init, name)(ours, *args).tolist() == getattr(torch.nn.init, name)(theirs, *args).tolist()


@pytest.mark.parametrize(
    ("nonlinearity", "param"),
    [
        *itertools.product(("linear", "sigmoid", "tanh", "relu", "selu", "conv2d"), (None,)),
        ("leaky_relu", None),
        ("leaky_relu", 0.3),
    ],
)
def test_gains(nonlinearity, param):
    assert nn.init.calculate_gain(nonlinearity, param) == torch.nn.init.calculate_gain(nonlinearity, param)


def test_a_graph_from_before_is_refused():
    layer = nn.Linear(1, 1)
    loss = layer([[1.0]]).sum()
    nn.init.zeros_(layer.weight)
    with pytest.raises(RuntimeError, match="was set after"):
        loss.backward()


@pytest.mark.parametrize(
    "call",
    [
        lambda init, tensor: init.calculate_gain("softmax"),
        lambda init, tensor: init.xavier_uniform_(tensor(3)),
        lambda init, tensor: init.kaiming_normal_(tensor(3)),
        lambda init, tensor: init.kaiming_normal_(tensor(3, 3), mode="fan_avg"),
        lambda init, tensor: init.eye_(tensor(3)),
    ],
)
def test_errors(call):
    for init, tensor in ((nn.init, weight), (torch.nn.init, torch.zeros)):
        with pytest.raises(ValueError):
            call(init, tensor)


def test_errors_of_our_own():
    with pytest.raises(TypeError, match=r"constant_: expected a Value, such as layer.weight, got \[1.0\]"):
        nn.init.zeros_([1.0])
    with pytest.raises(TypeError, match="generator"):
        nn.init.normal_(weight(1), generator=3)
    assert nn.init.kaiming_uniform_(Value([[], []])).tolist() == [[], []]
