"""Compiled functions in the programs that people write: targets that change, models, wrappers, and what hides itself."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial, wraps
from typing import Any

import pytest

from micrograd_sm import Value, autograd, compile, cross_entropy, enable_grad, grad, nll_loss, nn, no_grad, one_hot, unique
from micrograd_sm.program import function
from tests.test_compile import bits, recordings

LOGITS = [[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]]
FACTOR, input = 2.0, 2.0  # the second has the name of one of Python's own


def ints(data: Any) -> Value:
    return Value(data, requires_grad=False)


def of_logits(f: Callable, targets: Any, **options: Any) -> Any:
    x = Value(LOGITS if isinstance(targets, list) else LOGITS[0])
    loss = f(x, ints(targets), **options)
    loss.sum().backward()
    return bits(loss.data), bits(x.grad)


# Class indices --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [cross_entropy, nll_loss])
@pytest.mark.parametrize(
    "options",
    [{}, {"weight": [1.0, 2.0, 0.5]}, {"reduction": "sum"}, {"reduction": "none"}, {"ignore_index": 7}],
    ids=str,
)
def test_class_indices_are_read_anew(f: Callable, options: dict[str, Any]) -> None:
    step = compile(f)
    for targets in ([0, 0], [2, 1], [1, 2], [0, 1]):
        assert of_logits(step, targets, **options) == of_logits(f, targets, **options)
    assert recordings(step) == 1


def test_one_class_index_is_read_anew_and_one_that_is_ignored_takes_another_way() -> None:
    step = compile(cross_entropy)
    for target in (0, 2, 1):
        assert of_logits(step, target) == of_logits(cross_entropy, target)
    assert recordings(step) == 1
    for targets in ([0, 1], [-100, 1], [2, -100], [1, 1], [-100, 0]):
        assert of_logits(step, targets, label_smoothing=0.1) == of_logits(cross_entropy, targets, label_smoothing=0.1)
    assert recordings(step) == 4


def test_a_target_out_of_range_raises_as_ever() -> None:
    step = compile(cross_entropy)
    for targets, message in (([0, 3], "target 3 at position 1 is out of range"), ([-1, 0], "target -1 at position 0")):
        for _ in range(2):
            with pytest.raises(IndexError, match=message):
                of_logits(step, targets)
            of_logits(step, [0, 2])


def test_ints_that_the_function_asks_for_are_constants() -> None:
    table = Value([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    for f in (lambda i: table[i], lambda i: one_hot(i, 3) @ table, lambda i: table[int(i.data[0])] * i):
        step = compile(f)
        for i in ([0, 1], [2, 2], [0, 1], [1, 0]):
            assert step(ints(i)).tolist() == f(ints(i)).tolist()
        assert recordings(step) == 3


def test_recordings_that_are_never_used_again_are_given_up_with_a_warning() -> None:
    calls: list[int] = []
    step = compile(lambda x, k: calls.append(k) or (x * k).sum())
    with pytest.warns(RuntimeWarning, match=r"other shapes or constants.*is called itself from now on"):
        for k in range(2 * function.MOST_RECORDINGS):
            assert step(Value([1.0, 2.0]), k).data == 3.0 * k
    recorded, calls[:] = recordings(step), []
    assert step(Value([1.0, 2.0]), 100).data == 300.0 and calls == [100]
    step(Value([1.0, 2.0]), 2 * function.MOST_RECORDINGS - 1)
    assert recordings(step) == recorded and calls == [100]


# Gradients of gradients -----------------------------------------------------------------------------------------------


def test_a_value_that_is_an_argument_and_read_by_name_has_one_second_derivative() -> None:
    w, other = Value(3.0), Value(2.0)
    for f, arguments in ((lambda x: w * x, [w]), (lambda x, y: w * x * y * other, [w, other])):
        step = compile(f)
        for _ in range(2):
            found, expected = (autograd.grad(each(*arguments), [w], create_graph=True)[0] for each in (step, f))
            assert found.data == expected.data
            found.backward(), expected.backward()
            assert w.grad == 2 * autograd.grad(autograd.grad(f(*arguments), [w], create_graph=True)[0], [w])[0]
            w.grad = other.grad = None


def test_a_second_derivative_of_what_has_changed_is_refused() -> None:
    w, numbers = Value(3.0), [1.0, 2.0]
    loss = compile(lambda xs: sum(w * w * w * x for x in xs))(numbers)
    assert autograd.grad(loss, [w], create_graph=True)[0].data == 81.0
    numbers[0] = 100.0
    with pytest.raises(RuntimeError, match=r"create_graph calls a compiled function once more, and now it computes other"):
        autograd.grad(loss, [w], create_graph=True)
    loss.backward()
    assert w.grad == 81.0


# What hides from a recording ------------------------------------------------------------------------------------------


def caught(x: Value) -> Value:
    try:
        return x * x.item()
    except RuntimeError:
        return x


def suppressed(x: Value) -> Value:
    with suppress(RuntimeError):
        x.data = 5.0
    return x * 2.0


HIDDEN: dict[str, Callable[[Value], Any]] = {
    "in a set": lambda x: x * len(set((x * Value([1.0, 1.0])).data)),
    "as a key": lambda x: x * {x.data: 2.0}.get(2.0, 3.0),
    "as text": lambda x: x if str(x.data) == "2.0" else -x,
    "unique": lambda x: unique(x * Value([1.0, 1.0])),
    "caught": caught,
    "suppressed": suppressed,
}


@pytest.mark.parametrize("name", HIDDEN)
def test_numbers_that_are_asked_for_in_hiding_raise(name: str) -> None:
    step = compile(HIDDEN[name])
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"compile: the function (asks for the number itself|changes the data)"):
            step(Value(2.0))


def test_a_function_that_works_in_other_threads_raises() -> None:
    def f(w: Value, xs: list[Value]) -> Value:
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lambda x: x * x, xs)) * w

    with pytest.raises(RuntimeError, match="computes in another thread"):
        compile(f)(Value(2.0), [Value(2.0), Value(3.0)])


class Held:
    def __init__(self, x: Value) -> None:
        self.x = x


def yielding(x: Value) -> Any:
    yield x * 2.0


def test_results_that_a_replay_cannot_make_raise() -> None:
    functions: list[Callable] = [yielding, Held, lambda x: map(abs, [x]), lambda x: [Held(x * 2.0)]]
    for f in functions:
        with pytest.raises(RuntimeError, match=r"compile: the function returns .*return Values, numbers, texts"):
            compile(f)(Value(2.0))


def test_random_numbers_of_libraries_raise_and_are_given_back() -> None:
    np = pytest.importorskip("numpy")
    np.random.seed(3)
    first = np.random.rand()
    np.random.seed(3)
    with pytest.raises(RuntimeError, match="draws random numbers"):
        compile(lambda x: x * float(np.random.rand()))(Value(1.0))
    assert np.random.rand() == first


# Wrappers -------------------------------------------------------------------------------------------------------------


def scaled(x: Value) -> Value:
    return x * x * FACTOR


class Scaled(nn.Module):
    def forward(self, x: Value) -> Value:
        return x * x * FACTOR


@wraps(scaled)
def wrapped(x: Value) -> Value:
    return scaled(x)


WRAPPED: dict[str, Callable] = {
    "grad": grad(scaled), "partial": partial(scaled), "compile": compile(scaled), "module": Scaled(), "wraps": wrapped,
    "no_grad": no_grad()(scaled),
}  # fmt: skip


@pytest.mark.parametrize("name", WRAPPED)
def test_the_names_of_a_function_that_is_wrapped_are_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    step = compile(WRAPPED[name])
    before = step(Value(3.0)).data
    monkeypatch.setitem(globals(), "FACTOR", 10.0)
    assert step(Value(3.0)).data == 5.0 * before


def test_a_global_with_the_name_of_a_builtin_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    step = compile(lambda x: x * input)
    assert step(Value(1.0)).data == 2.0
    monkeypatch.setitem(globals(), "input", 5.0)
    assert step(Value(1.0)).data == 5.0


def test_parameters_stay_parameters_inside() -> None:
    def penalty(parameters: list[Value]) -> Value:
        return sum(p * p for p in parameters if isinstance(p, nn.Parameter))

    assert compile(penalty)([nn.Parameter(2.0), Value(3.0)]).data == 4.0


def test_arrays_and_sets_are_seen_when_they_change() -> None:
    np = pytest.importorskip("numpy")
    step, factors, names = compile(lambda x, factors, names: x * float(factors[0]) * len(names)), np.array([1.0]), {"a"}
    assert step(Value(1.0), factors, names).data == 1.0
    factors[0] = 7.0
    names.add("b")
    assert step(Value(1.0), factors, names).data == 14.0


def test_a_result_that_needs_a_gradient_but_no_input() -> None:
    for f in (lambda x: Value(3.0), lambda x: Value(2.0) * x):
        step = compile(f)
        for _ in range(2):
            found = step(ints(1.0))
            assert found.requires_grad and found.data == f(ints(1.0)).data
            found.backward()


def test_a_function_that_turns_recording_on_for_itself() -> None:
    w = Value(3.0)
    step = compile(enable_grad()(lambda x: w * x))
    for _ in range(2):
        with no_grad():
            loss = step(Value(2.0))
        w.grad = None
        loss.backward()
        assert w.grad == 2.0


def test_a_model_that_holds_its_compiled_step_is_copied_and_pickled() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(3.0)
            self.step = compile(self.forward)

        def forward(self, x: Value) -> Value:
            return self.w * x

    model = Model()
    assert model.step(Value(2.0)).data == 6.0
    twin = copy.deepcopy(model)
    twin.w.data = 5.0
    assert twin.step(Value(2.0)).data == 10.0 and model.step(Value(2.0)).data == 6.0
    assert pickle.loads(pickle.dumps(compile(scaled)))(Value(2.0)).data == scaled(Value(2.0)).data


def test_minibatches_of_a_classifier_have_one_recording() -> None:
    generator, model = random.Random(0), nn.Linear(4, 3, generator=random.Random(1))
    step = compile(lambda rows, classes: cross_entropy(model(rows), classes))
    for _ in range(5):
        rows = ints([[generator.gauss(0, 1) for _ in range(4)] for _ in range(6)])
        classes = ints([generator.randrange(3) for _ in range(6)])
        compiled, eager = step(rows, classes), cross_entropy(model(rows), classes)
        assert bits(compiled.data) == bits(eager.data)
        gradients = []
        for loss in (compiled, eager):
            model.zero_grad()
            loss.backward()
            gradients.append([bits(p.grad) for p in model.parameters()])
        assert gradients[0] == gradients[1]
    assert recordings(step) == 1
