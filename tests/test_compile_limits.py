"""What a compiled function may depend on: what raises, what is recorded again, and what is read anew in each call."""

from __future__ import annotations

import gc
import math
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import micrograd_sm
from micrograd_sm import Array, Value, binary_cross_entropy, compile, dropout, nn, no_grad, optim, rand
from micrograd_sm.program import function
from tests.test_compile import bits, outcome, recordings

# Branches -----------------------------------------------------------------------------------------------------------

BRANCHES: dict[str, Callable[[Value], Any]] = {
    "if": lambda x: x * 2.0 if x > 0.0 else x,
    "bool": lambda x: x if bool(x) else -x,
    "not": lambda x: not x,
    "float": lambda x: x * float(x),
    "int": lambda x: x * int(x),
    "math": lambda x: x * math.exp(x),
    "item": lambda x: x * x.item(),
    "tolist": lambda x: x * x.tolist(),
    "data": lambda x: x if x.data > 1.0 else -x,
    "data as a number": lambda x: x * math.sqrt(x.data),
    "max": lambda x: max(x, 2.0 * x),
    "range": lambda x: [x for _ in range(x.data)],
    "index": lambda x: [x, 2.0 * x][x.data],
    "format": lambda x: f"{x:.1f}",
    "of a tensor": lambda x: x if (x * Value([1.0, 2.0]) > 0).data else -x,
    "closed over": lambda x: x if LEVEL > 1.0 else -x,
    "a list": lambda x: x * (x * Value([1.0, 2.0])).tolist()[0],
}
LEVEL, FACTOR = Value(2.0), 3.0


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_on_numbers_raises_and_leaves_everything_as_it_was(name: str) -> None:
    step, x, before = compile(BRANCHES[name]), Value(2.0), vars(Value)["_data"]
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"compile: the function asks for .* choose with where\(condition, a, b\)"):
            step(x)
    assert recordings(step) == 0 and x.data == 2.0 and x.grad is None
    assert vars(Value)["_data"] is before and gc.isenabled() and not micrograd_sm.randomness.asked
    assert (x * 3.0).data == 6.0


def test_a_branch_on_what_is_no_number_of_a_value_is_taken_as_ever() -> None:
    def f(x: Value, deep: bool, names: list[str]) -> Value:
        return x * x if deep and len(names) == x.ndim else x

    step = compile(f)
    assert step(Value(3.0), True, []).data == 9.0
    assert step(Value(3.0), False, []).data == 3.0
    assert step(Value(3.0), True, ["a"]).data == 3.0
    assert recordings(step) == 3


def test_a_choice_of_the_library_is_checked_and_recorded_again() -> None:
    def f(p: Value) -> Value:
        return binary_cross_entropy(p, [1.0, 0.0])

    step = compile(f)
    for p in ([0.5, 0.5], [0.0, 0.5], [0.3, 0.1], [0.2, 1.0], [0.9, 0.0], [2.0, 0.5], [0.5, 0.5]):
        assert outcome(step, [p]) == outcome(f, [p])
    assert recordings(step) <= function.MOST_BRANCHES


def test_with_too_many_branches_the_function_itself_is_called() -> None:
    generator = random.Random(3)
    step = compile(lambda x: (x.sort()[0] * Value([1.0, 2.0, 3.0, 4.0, 5.0])).sum())
    for _ in range(12):
        point = [[generator.uniform(-1, 1) for _ in range(5)]]
        assert outcome(step, point) == outcome(step.function, point)
    assert recordings(step) == function.MOST_BRANCHES


# What is read anew, and what is a constant ---------------------------------------------------------------------------


def test_data_that_is_set_between_calls_is_seen() -> None:
    w, offsets, labels = Value(2.0), Value([1.0, 2.0], requires_grad=False), Value([1, 0], requires_grad=False)
    step = compile(lambda x: (w * x + offsets * labels).sum())
    assert step(Value(1.0)).data == 5.0
    w.data, offsets.data = 3.0, [10.0, 20.0]
    assert step(Value(1.0)).data == 16.0
    assert recordings(step) == 1
    labels.data = [0, 1]  # whole numbers choose, as targets and indices do: the function is recorded again
    assert step(Value(1.0)).data == 26.0


def test_a_name_of_the_function_that_stands_for_another_thing_is_seen() -> None:
    w, factor = Value(2.0), 3.0
    step = compile(lambda x: w * x * factor)
    assert step(Value(1.0)).data == 6.0
    w = Value(5.0)
    step(w).backward()
    assert step(Value(1.0)).data == 15.0 and w.grad == 30.0 and recordings(step) == 1
    factor = -0.0
    assert bits(step(Value(1.0)).data) == bits(-0.0)
    factor = 0.0
    assert bits(step(Value(1.0)).data) == bits(0.0)


def test_a_global_in_a_comprehension_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    step = compile(lambda x: sum([x * FACTOR for _ in range(2)]))
    assert step(Value(1.0)).data == 6.0
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert step(Value(1.0)).data == 10.0


def test_whether_a_gradient_is_wanted_is_seen() -> None:
    w, x = Value(2.0), Value(3.0)
    step = compile(lambda: w * x)
    step().backward()
    assert (w.grad, x.grad) == (3.0, 2.0)
    w.requires_grad, w.grad, x.grad = False, None, None
    step().backward()
    assert (w.grad, x.grad) == (None, 2.0)
    x.requires_grad = False
    assert not step().requires_grad


def test_values_that_are_found_in_other_ways_are_read_anew() -> None:
    held = {"w": Value([1.0, 2.0]), "labels": Value([1, 0], requires_grad=False)}
    step = compile(lambda: 1.0 * (held["w"] * held["labels"]).sum())
    step().backward()
    assert held["w"].grad.tolist() == [1.0, 0.0]
    held["w"].data = [5.0, 7.0]
    assert step().data == 5.0 and recordings(step) == 1
    held["labels"].data = [0, 1]
    assert step().data == 7.0 and recordings(step) == 2
    held["w"].requires_grad = False
    assert not step().requires_grad and recordings(step) == 3


def test_numbers_in_arguments_are_constants_and_values_are_not() -> None:
    step = compile(lambda x, rate, rows: (x * rate + rows[0]).sum())
    for rate in (0.0, -0.0, 1.0, 1, True):
        assert bits(step(Value(-2.0), rate, [5.0]).data) == bits(-2.0 * rate + 5.0)
    assert recordings(step) == 5
    for rate in (0.25, 0.5):
        assert step(Value(-2.0), Value(rate), [5.0]).data == -2.0 * rate + 5.0
    assert recordings(step) == 6


def test_modules_in_training_and_not() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).eval()
    hidden = {"model": model}
    for step in (compile(model), compile(lambda x: hidden["model"](x * 1.0)), partial(compile(lambda m, x: m(x)), model)):
        assert step(Value([1.0, 2.0])).tolist() == model(Value([1.0, 2.0])).tolist()
        model.train()
        with pytest.raises(RuntimeError, match="draws random numbers, as dropout does"):
            step(Value([1.0, 2.0]))
        model.eval()
        assert step(Value([1.0, 2.0])).requires_grad


RANDOM: dict[str, Callable[[Value], Value]] = {
    "dropout": lambda x: dropout(x, 0.5),
    "rand": lambda x: x * rand(2),
    "generator": lambda x: x * rand(2, generator=random.Random(1)),
    "Python's": lambda x: x * random.random(),
}


@pytest.mark.parametrize("name", RANDOM)
def test_random_numbers_raise(name: str) -> None:
    state = random.getstate()
    with pytest.raises(RuntimeError, match="draws random numbers, as dropout does, and each call would repeat those"):
        compile(RANDOM[name])(Value([1.0, 2.0]))
    assert random.getstate() == state
    mask = Value([0.0, 2.0], requires_grad=False)
    assert compile(lambda x, m: x * m)(Value([1.0, 2.0]), mask).tolist() == [0.0, 4.0]


def test_what_would_happen_in_the_recording_only_raises() -> None:
    w, x, norm = Value([1.0, 2.0]), Value(2.0), nn.BatchNorm1d(2)
    w.grad = Array([0.0, 0.0])
    changes: list[Callable[[], Any]] = [
        lambda: setattr(w, "data", [3.0, 4.0]),
        lambda: w.detach().add_(1.0),
        no_grad()(lambda: w.__setitem__(0, 5.0)),
        lambda: (w * x).sum().backward(),
        lambda: setattr(w, "grad", None),
        lambda: w.grad * 2.0,
        lambda: optim.SGD([w], lr=0.1).step(),
        lambda: norm(Value([[1.0, 2.0], [3.0, 4.0]])),
    ]
    for change in changes[:1] + changes[2:]:
        with pytest.raises(
            RuntimeError, match=r"compile: the function (changes the data|reads or sets the \.grad) of a Value that"
        ):
            compile(lambda change=change: change())()
    assert w.tolist() == [1.0, 2.0] and w.grad.tolist() == [0.0, 0.0] and x.grad is None
    assert compile(changes[1])().tolist() == [2.0, 3.0]  # detach() makes a Value of its own


def test_a_value_that_escapes_from_a_recording_says_so() -> None:
    kept: list[Value] = []

    def f(x: Value) -> Value:
        kept.append(x * 2.0)
        return kept[-1]

    assert compile(f)(Value(2.0)).data == 4.0
    for use in (lambda: kept[0] + 1.0, lambda: repr(kept[0]), lambda: compile(lambda x: x * kept[0])(Value(1.0))):
        with pytest.raises(RuntimeError, match=r"compile: a [Vv]alue that was made"):
            use()
