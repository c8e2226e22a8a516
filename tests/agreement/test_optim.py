"""Optimizers agree with torch's, step by step, on numbers, arrays and NumPy storage."""

import copy
import itertools
import json

import numpy as np
import pytest
import torch

from micrograd_sm import Value, nn
from micrograd_sm.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

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
    {"lr": 0.1, "amsgrad": True},
    {"lr": 0.1, "betas": (0.9, 0.5), "amsgrad": True, "maximize": True, "weight_decay": 0.1},
]
RMSPROP_OPTIONS = [
    {"lr": 0.05, "alpha": 0.9, "momentum": momentum, "centered": centered, "weight_decay": decay, "maximize": maximize}
    for momentum, centered, decay, maximize in itertools.product((0, 0.9), (False, True), (0, 0.05), (False, True))
]
ADAGRAD_OPTIONS = [
    {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.05},
    {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 0.1, "maximize": True},
]
CASES = [
    *((SGD, torch.optim.SGD, options) for options in [{}, *SGD_OPTIONS]),
    *((Adam, torch.optim.Adam, options) for options in [{}, *ADAM_OPTIONS]),
    *((AdamW, torch.optim.AdamW, options) for options in [{}, *ADAM_OPTIONS]),
    *((RMSprop, torch.optim.RMSprop, options) for options in [{}, *RMSPROP_OPTIONS]),
    *((Adagrad, torch.optim.Adagrad, options) for options in [{}, *ADAGRAD_OPTIONS]),
    (SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05, "maximize": True}),
]
OPTIMIZERS = [SGD, Adam, AdamW, RMSprop, Adagrad]
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


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_defaults_are_torchs(optimizer):
    reference = getattr(torch.optim, optimizer.__name__)([torch.zeros(1, requires_grad=True)]).defaults
    options = optimizer([Value(1.0)]).defaults
    assert options == {name: reference[name] for name in options}
    of_torch_only = {"foreach", "fused", "capturable", "differentiable", "decoupled_weight_decay"}
    assert set(reference) - set(options) <= of_torch_only


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


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
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
        ({Value(1.0)}, {}, TypeError, "must be a list of Values"),
        ([("w", Value(1.0)), Value(2.0)], {}, ValueError, "either all parameters have names"),
        ([{"params": [Value(1.0)]}, {"lr": 0.1}], {}, TypeError, "a group must be a dict with 'params'"),
        ([Value(1.0)], {"fused": True}, RuntimeError, "fused=True asks for one of torch's faster programs"),
        ([Value(1.0)], {"momentums": 0.9}, TypeError, "unexpected option 'momentums'"),
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


# Groups, states and closures ------------------------------------------------------------------------------------------


def trained(optimizer, pairs, steps):
    """Take steps down the bowl, in either library."""
    for _ in range(steps):
        optimizer.zero_grad()
        for x in pairs:
            bowl(x, x).backward(gradient=x.data * 0.0 + 1.0)
        optimizer.step()


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_groups_have_their_own_options(name):
    ours, theirs = Value([0.5, -1.0]), torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    mine, other = Value([2.0]), torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    third, last = Value(0.25), torch.tensor(0.25, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(__import__("micrograd_sm").optim, name)([{"params": [ours]}, {"params": mine, "lr": 0.01}], lr=0.1)
    reference = getattr(torch.optim, name)([{"params": [theirs]}, {"params": other, "lr": 0.01}], lr=0.1)
    for stepped, parameters in ((optimizer, (ours, mine, third)), (reference, (theirs, other, last))):
        trained(stepped, parameters[:2], 5)
        stepped.add_param_group({"params": [parameters[2]], "weight_decay": 0.1})
        stepped.param_groups[0]["lr"] = 0.02
        trained(stepped, parameters, 5)
    for value, tensor in ((ours, theirs), (mine, other), (third, last)):
        np.testing.assert_allclose(np.array(value.tolist()), tensor.detach().numpy(), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize(("kind", "theirs", "options"), CASES, ids=lambda case: getattr(case, "__name__", str(case)))
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS.keys())
def test_a_run_that_was_saved_goes_on_to_the_last_bit(kind, theirs, options, start):
    one, whole = Value(start), Value(start)
    first, uninterrupted = kind([one], **options), kind([whole], **options)
    trained(uninterrupted, [whole], 9)
    trained(first, [one], 4)
    saved = json.loads(json.dumps(first.state_dict()))
    again = Value(one.data)
    loaded = kind([again], lr=7.0)
    loaded.load_state_dict(saved)
    trained(loaded, [again], 5)
    assert again.tolist() == whole.tolist()
    assert loaded.state_dict() == uninterrupted.state_dict()
    tensor = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    reference = theirs([tensor], **options)
    trained(reference, [tensor], 9)
    assert_same_structure(uninterrupted.state_dict(), reference.state_dict())


def assert_same_structure(ours, theirs):
    """Hold our state_dict against torch's: every entry that both have, and none of the state is missing."""
    for position, entries in theirs["state"].items():
        found = ours["state"].get(position, {})
        assert set(found) == {name for name, entry in entries.items() if entry is not None}
        for name, entry in found.items():
            np.testing.assert_allclose(np.array(entry), np.array(entries[name].tolist()), rtol=1e-12, atol=1e-12)
    for group, other in zip(ours["param_groups"], theirs["param_groups"], strict=True):
        assert group == {name: other[name] for name in group}


def test_loading_checks_before_it_changes():
    x, y = Value([1.0, 2.0]), Value(3.0)
    optimizer = SGD([x, y], lr=0.5, momentum=0.9)
    trained(optimizer, [x], 1)
    before = optimizer.state_dict()
    group = before["param_groups"][0]
    cases = [
        ({}, TypeError, "load_state_dict needs what state_dict"),
        ({**before, "param_groups": [group, group]}, ValueError, "has 2 groups of parameters, the optimizer 1"),
        ({**before, "param_groups": [{**group, "params": [0]}]}, ValueError, r"have \[1\] parameters, the optimizer's \[2\]"),
        ({**before, "state": {0: {"momentum_buffer": [1.0]}}}, ValueError, r"momentum_buffer has shape \(1,\) in the state"),
        ({**before, "param_groups": [{**group, "lr": -1.0}]}, ValueError, "lr must not be negative"),
    ]
    for state, error, match in cases:
        with pytest.raises(error, match=match):
            optimizer.load_state_dict(state)
        assert optimizer.state_dict() == before
    copied = copy.deepcopy(before)
    trained(optimizer, [x], 1)
    assert before == copied  # what was saved does not change with the optimizer


def test_names_of_named_parameters_are_kept():
    model, reference = nn.Linear(2, 1), torch.nn.Linear(2, 1)
    ours, theirs = SGD(model.named_parameters()), torch.optim.SGD(reference.named_parameters())
    assert ours.params == model.parameters()
    assert ours.state_dict()["param_groups"][0]["param_names"] == theirs.state_dict()["param_groups"][0]["param_names"]
    for stepped, parameter in ((ours, Value(1.0)), (theirs, torch.zeros(1, requires_grad=True))):
        with pytest.raises(ValueError, match="names"):
            stepped.add_param_group({"params": [parameter]})
        assert len(stepped.param_groups) == 1


def test_a_closure_computes_the_loss_again():
    x = Value(5.0)
    optimizer = SGD([x], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (x - 3) ** 2
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0
    assert x.data == 4.0


def test_zero_grad_to_zeros():
    for x in (Value([1.0, float("inf")]), Value(2.0), Value(np.array([1.0, 2.0]))):
        optimizer = SGD([x, Value(1.0)])
        x.sum().backward()
        optimizer.zero_grad(set_to_none=False)
        assert not np.any(np.array(Value(x.grad).tolist()))
        assert optimizer.params[1].grad is None


def test_an_optimizer_as_programs_for_torch_write_it():
    class Momentum(Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    state["sum"] = state.get("sum", 0.0) + p.grad
                    p.data = p.data - group["lr"] * state["sum"]

    x = Value([1.0, 2.0])
    optimizer = Momentum([x], lr=0.5)
    x.sum().backward()
    optimizer.step()
    optimizer.step()
    assert x.tolist() == [-0.5, 0.5]


def test_lr_is_that_of_every_group():
    optimizer = SGD([{"params": [Value(1.0)]}, {"params": [Value(1.0)], "lr": 0.5}], lr=0.1)
    assert optimizer.lr == 0.1
    optimizer.lr = 0.2
    assert [group["lr"] for group in optimizer.param_groups] == [0.2, 0.2]
