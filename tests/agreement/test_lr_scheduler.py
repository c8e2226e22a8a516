"""Schedules of learning rates agree with torch's, over many epochs, with several groups, saved and resumed."""

import json

import pytest
import torch

from micrograd_sm import Value, optim
from micrograd_sm.optim import lr_scheduler

EPOCHS = 30
CASES = [
    ("StepLR", {"step_size": 4}),
    ("StepLR", {"step_size": 1, "gamma": 0.9}),
    ("MultiStepLR", {"milestones": [2, 7, 7, 20], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 20}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 1 / (1 + epoch), lambda epoch: epoch % 3]}),
]


def pair(**options):
    ours = optim.SGD([{"params": [Value(1.0)]}, {"params": [Value(2.0)], "lr": 0.02}], lr=0.5, **options)
    parameters = [torch.tensor(1.0, requires_grad=True) for _ in range(2)]
    theirs = torch.optim.SGD([{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.02}], lr=0.5, **options)
    return ours, theirs


def rates(optimizer, scheduler, epochs):
    found = [scheduler.get_last_lr()]
    for _ in range(epochs):
        optimizer.step()
        scheduler.step()
        assert [group["lr"] for group in optimizer.param_groups] == scheduler.get_last_lr()
        found.append(scheduler.get_last_lr())
    return found


def assert_close(ours, theirs):
    assert [pytest.approx(row, rel=1e-12, abs=1e-15) for row in theirs] == ours


@pytest.mark.parametrize(("name", "options"), CASES)
def test_agrees_with_torch(name, options):
    ours, theirs = pair()
    schedulers = getattr(lr_scheduler, name)(ours, **options), getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    found = [rates(optimizer, scheduler, EPOCHS) for optimizer, scheduler in zip((ours, theirs), schedulers, strict=True)]
    assert_close(*found)
    mine, other = schedulers[0].state_dict(), schedulers[1].state_dict()
    assert mine["last_epoch"] == other["last_epoch"] == EPOCHS
    assert mine["base_lrs"] == other["base_lrs"]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_rate_that_is_set_by_hand(name, options):
    found = []
    for optimizer, library in zip(pair(), (lr_scheduler, torch.optim.lr_scheduler), strict=True):
        scheduler = getattr(library, name)(optimizer, **options)
        before = rates(optimizer, scheduler, 4)
        optimizer.param_groups[1]["lr"] = 0.3
        found.append(before + rates(optimizer, scheduler, 20)[1:])
    assert_close(*found)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_saved_and_resumed(name, options):
    whole = optim.SGD([Value(1.0), Value(2.0)], lr=0.5) if not isinstance(options.get("lr_lambda"), list) else pair()[0]
    expected = rates(whole, getattr(lr_scheduler, name)(whole, **options), EPOCHS)
    optimizer = optim.SGD([Value(1.0), Value(2.0)], lr=0.5) if len(whole.param_groups) == 1 else pair()[0]
    scheduler = getattr(lr_scheduler, name)(optimizer, **options)
    rates(optimizer, scheduler, 11)
    saved = json.loads(json.dumps([optimizer.state_dict(), scheduler.state_dict()]))
    again = optim.SGD([Value(1.0), Value(2.0)], lr=9.0) if len(whole.param_groups) == 1 else pair()[0]
    resumed = getattr(lr_scheduler, name)(again, **options)
    again.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    assert rates(again, resumed, EPOCHS - 11) == expected[11:]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_resumed_at_an_epoch(name, options):
    found = []
    for optimizer, library in zip(pair(), (lr_scheduler, torch.optim.lr_scheduler), strict=True):
        for group in optimizer.param_groups:
            group["initial_lr"] = 0.4
        found.append(rates(optimizer, getattr(library, name)(optimizer, last_epoch=3, **options), 12))
    assert_close(*found)


@pytest.mark.parametrize(
    ("name", "options", "error", "match"),
    [
        ("StepLR", {"step_size": 2, "last_epoch": 3}, KeyError, "initial_lr"),
        ("LambdaLR", {"lr_lambda": [abs]}, ValueError, "2"),
        ("ConstantLR", {"factor": 2.0}, ValueError, "factor|Constant"),
        ("LinearLR", {"start_factor": 0.0}, ValueError, "start|Start"),
        ("LinearLR", {"end_factor": -1.0}, ValueError, "end|End"),
    ],
)
def test_errors(name, options, error, match):
    for optimizer, library in zip(pair(), (lr_scheduler, torch.optim.lr_scheduler), strict=True):
        with pytest.raises(error, match=match):
            getattr(library, name)(optimizer, **options)


def test_errors_of_our_own():
    with pytest.raises(TypeError, match="optimizer must be an Optimizer, got 3"):
        lr_scheduler.ExponentialLR(3, gamma=0.9)
    with pytest.raises(TypeError, match="needs what state_dict"):
        lr_scheduler.ExponentialLR(pair()[0], gamma=0.9).load_state_dict([])


@pytest.mark.parametrize("step_size", [0, -1, 1.5, True])
def test_a_step_size_must_be_an_int_above_0(step_size: object) -> None:
    with pytest.raises(ValueError, match="step_size"):
        lr_scheduler.StepLR(optim.SGD([Value(1.0)], lr=0.1), step_size)
