"""Optimizers agree with torch's, step by step, on numbers, arrays and NumPy storage."""

import itertools

import numpy as np
import pytest
import torch

from micrograd_sm import Value
from micrograd_sm.optim import SGD, Adam, AdamW

STEPS = 20
TOLERANCE = 1e-12

SGD_OPTIONS = [
    {"lr": 0.1, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov}
    for momentum, dampening, weight_decay, nesterov in itertools.product((0, 0.9), (0, 0.3), (0, 0.05), (False, True))
    if not nesterov or (momentum and not dampening)
]
ADAM_OPTIONS = [
    {"lr": 0.1},
    {"lr": 0.05, "betas": (0.5, 0.7)},
    {"lr": 0.05, "betas": (0.0, 0.0)},
    {"lr": 0.1, "eps": 0.1},
    {"lr": 0.1, "weight_decay": 0.3},
]
CASES = [
    *((SGD, torch.optim.SGD, options) for options in [{}, *SGD_OPTIONS]),
    *((Adam, torch.optim.Adam, options) for options in [{}, *ADAM_OPTIONS]),
    *((AdamW, torch.optim.AdamW, options) for options in [{}, *ADAM_OPTIONS]),
]
STARTS = {
    "number": 0.7,
    "array": [[0.5, -1.0, 2.0], [3.0, 0.25, -0.125]],
    "numpy": np.array([[0.5, -1.0, 2.0], [3.0, 0.25, -0.125]]),
}


def bowl(x, y):
    """Losses, one for each element, with gradients that differ from element to element and from step to step."""
    return (x - 1.5) ** 2 * 0.5 + (x * y).tanh() + y * y * 0.3


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS.keys())
@pytest.mark.parametrize(("ours", "theirs", "options"), CASES, ids=lambda case: getattr(case, "__name__", str(case)))
def test_agrees_with_torch(ours, theirs, options, start):
    x, y = Value(start), Value(start)
    tx, ty = (torch.tensor(start, dtype=torch.float64, requires_grad=True) for _ in range(2))
    optimizer, reference = ours([x, y], **options), theirs([tx, ty], **options)
    for step in range(STEPS):
        for stepped, a, b in ((optimizer, x, y), (reference, tx, ty)):
            stepped.zero_grad()
            bowl(a, b).backward(gradient=a.data * 0.0 + 1.0)
        if step % 5 == 4:  # a parameter that this loss did not reach
            y.grad = ty.grad = None
        optimizer.step()
        reference.step()
        for value, tensor in ((x, tx), (y, ty)):
            np.testing.assert_allclose(np.array(value.tolist()), tensor.detach().numpy(), rtol=TOLERANCE, atol=TOLERANCE)
    assert type(x.data) is type(Value(start).data)


@pytest.mark.parametrize("optimizer", [SGD, Adam, AdamW])
def test_defaults_are_torchs(optimizer):
    reference = getattr(torch.optim, optimizer.__name__)([torch.zeros(1, requires_grad=True)]).defaults
    options = {name: option for name, option in vars(optimizer([Value(1.0)])).items() if name not in ("params", "_state")}
    assert options == {name: reference[name] for name in options}


def test_keeps_float32():
    x = Value(np.array([1.0, 2.0], dtype=np.float32))
    x.grad = np.array([0.5, 0.25], dtype=np.float32)
    for optimizer in (SGD([x], lr=np.float64(0.1), momentum=0.9), Adam([x], lr=np.float64(0.1))):
        optimizer.step()
        assert x.data.dtype == np.float32


def test_zero_grad_and_skipping():
    x, unreached = Value(1.0), Value([5.0])
    for optimizer in (SGD([x, unreached], momentum=0.5), Adam([x, unreached]), AdamW([x, unreached])):
        (x * 2).backward()
        optimizer.step()
        assert unreached.tolist() == [5.0]
        optimizer.zero_grad()
        assert x.grad is None
        before = x.data
        optimizer.step()
        assert x.data == before


def test_does_not_record():
    x = Value([1.0, 2.0])
    (x * x).sum().backward(create_graph=True)
    Adam([x]).step()
    assert x.parents == ()
    assert x.primitive is None
    assert x.tolist() == pytest.approx([0.999, 1.999])


def test_generators_and_new_learning_rates():
    x = Value(1.0)
    optimizer = SGD((value for value in [x]), lr=0.5)
    x.backward()
    optimizer.step()
    optimizer.lr = 0.25
    optimizer.step()
    assert x.data == 0.25


def test_a_graph_from_before_the_step_is_refused():
    x = Value(2.0)
    loss = x * x
    loss.backward()
    SGD([x]).step()
    with pytest.raises(RuntimeError, match="was set after"):
        loss.backward()


def test_wrong_gradient_changes_nothing():
    x, y = Value(1.0), Value([1.0, 2.0])
    optimizer = SGD([x, y], lr=0.5, momentum=0.9)
    x.grad, y.grad = 1.0, 3.0
    with pytest.raises(RuntimeError, match=r"position 1 has shape \(2,\), its gradient \(\)"):
        optimizer.step()
    assert x.data == 1.0
    y.grad = None
    optimizer.step()
    assert x.data == 0.5  # had the failed step been remembered, the velocity would be 1.9


@pytest.mark.parametrize("optimizer", [SGD, Adam, AdamW])
@pytest.mark.parametrize(
    ("params", "options", "error", "match"),
    [
        ([], {}, ValueError, "params is empty"),
        (Value(1.0), {}, TypeError, "model.parameters()"),
        (3, {}, TypeError, "must be a list of Values"),
        ([Value(1.0), 2.0], {}, TypeError, "2.0 at position 1, which is not a Value"),
        ([Value(1.0) * 2], {}, ValueError, "only leaves"),
        ([Value(1.0)] * 2, {}, ValueError, "twice"),
        ([Value(1.0)], {"lr": -1.0}, ValueError, "lr must not be negative, got -1.0"),
        ([Value(1.0)], {"lr": float("nan")}, ValueError, "lr"),
        ([Value(1.0)], {"lr": "fast"}, TypeError, "lr must be a number, got 'fast'"),
        ([Value(1.0)], {"lr": True}, TypeError, "lr"),
        ([Value(1.0)], {"weight_decay": -1.0}, ValueError, "weight_decay"),
    ],
)
def test_errors(optimizer, params, options, error, match):
    with pytest.raises(error, match=match) as raised:
        optimizer(params, **options)
    assert optimizer.__name__ in str(raised.value)


@pytest.mark.parametrize(
    ("optimizer", "options", "error"),
    [
        (SGD, {"momentum": -0.1}, ValueError),
        (SGD, {"nesterov": True}, ValueError),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, ValueError),
        (Adam, {"betas": (1.0, 0.9)}, ValueError),
        (Adam, {"betas": (0.9, -0.1)}, ValueError),
        (Adam, {"betas": 0.9}, TypeError),
        (AdamW, {"betas": (0.9, "x")}, TypeError),
        (AdamW, {"eps": -1e-8}, ValueError),
    ],
)
def test_errors_of_options(optimizer, options, error):
    with pytest.raises(error, match=next(iter(options))):
        optimizer([Value(1.0)], **options)
    if error is ValueError:
        with pytest.raises(error):
            getattr(torch.optim, optimizer.__name__)([torch.zeros(1, requires_grad=True)], **options)
