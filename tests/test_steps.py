"""`steps(loss)`: what is recorded, in which order, and that recording changes nothing."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from micrograd_sm import Value, amax, cross_entropy, softmax, steps
from micrograd_sm.steps import Contribution, Formula, Step, Steps
from micrograd_sm.steps.check import Check, Compared
from tests.stopwatch import timed


def neuron() -> Value:
    x, w, b = Value(2.0, name="x"), Value(-3.0, name="w"), Value(6.5, name="b")
    return (x * w + b).tanh()


def test_values_come_first_then_the_seed_then_gradients() -> None:
    walk = steps(neuron())
    assert [step.phase for step in walk] == ["forward"] * 3 + ["seed"] + ["backward"] * 3
    assert [step.node.op for step in walk] == ["multiply", "add", "tanh", "tanh", "tanh", "add", "multiply"]
    assert [step.index for step in walk] == list(range(7))


def test_a_step_has_its_operands_upstream_local_derivative_and_totals() -> None:
    x = Value(3.0, name="x")
    walk = steps(x * x, grain="contribution")
    first, second = walk[2].contributions + walk[3].contributions
    assert walk[2].upstream == 1.0 and walk[0].upstream is None
    assert [operand.name for operand in walk[2].operands] == ["x", "x"]
    assert (first.edge.position, first.local.data, first.amount, first.before, first.after) == (0, 3.0, 3.0, None, 3.0)
    assert (second.edge.position, second.local.data, second.amount, second.before, second.after) == (1, 3.0, 3.0, 3.0, 6.0)


def test_grains() -> None:
    x = Value(3.0)
    walk = steps(x * x)
    assert [len(step.contributions) for step in walk] == [0, 0, 2]
    assert [len(step.contributions) for step in walk.by_contribution()] == [0, 0, 1, 1]
    assert len(walk.by_contribution().by_node()) == len(walk)
    for grain in ("edge", "", None):
        with pytest.raises(ValueError, match="grain must be 'node' or 'contribution'"):
            steps(x * x, grain=grain)  # type: ignore[arg-type]


def test_constants_take_no_gradient() -> None:
    step = steps(Value(3.0) * 2.0)[-1]
    assert [one.operand.id for one in step.contributions] == ["v0"]


def test_the_gradients_of_the_graph_are_the_final_ones() -> None:
    walk = steps(neuron())
    assert walk.gradients(-1) == {node.id: node.grad for node in walk.graph}
    assert walk.gradients(0) == {}


def test_a_leaf_alone_has_only_the_seed() -> None:
    x = Value(3.0, name="x")
    assert [step.text for step in steps(x)] == ["dx/dx = 1"]
    assert steps(x)[0].upstream == 1.0 and x.grad == 2.0


def test_a_seed_of_ones_own_and_a_root_of_any_shape() -> None:
    x = Value([1.0, 2.0], name="x")
    walk = steps(x * x, gradient=[10.0, 100.0])
    assert walk[1].upstream.tolist() == [10.0, 100.0]
    assert walk.graph["v0"].grad.tolist() == [20.0, 400.0] == x.grad.tolist()
    assert walk.check()
    assert steps(Value([1.0]), gradient=[5.0])[0].upstream.tolist() == [5.0]


def test_gradients_of_earlier_passes_are_kept_apart() -> None:
    x = Value(3.0, name="x")
    (x * x).backward()
    walk = steps(x * 2.0)
    assert x.grad == 8.0
    assert (walk.graph["v0"].grad, dict(walk.earlier)) == (2.0, {"v0": 6.0})
    assert walk[-1].contributions[0].before is None
    assert walk.text().splitlines()[-1] == "x.grad held 6 from before; this pass was added to it"
    assert dict(steps(Value(1.0).exp()).earlier) == {}


def test_errors_are_those_of_backward_and_leave_nothing_half_done() -> None:
    x = Value([1.0, 2.0])
    with pytest.raises(RuntimeError, match="needs a gradient of that shape"):
        steps(x * x)
    with pytest.raises(TypeError, match=r"steps: expected a Value or a Graph, got 3\.0 of type float"):
        steps(3.0)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="requires no gradient"):
        steps(Value(1.0, requires_grad=False))
    y = (x * x).sum()
    x.data = [3.0, 4.0]
    with pytest.raises(RuntimeError, match="was set after"):
        steps(y)
    assert x.grad is None and y.grad is None
    y = x.sum()
    with pytest.raises(TypeError, match="names must be a mapping"):
        steps(y, names=["x"])  # type: ignore[arg-type]
    assert x.grad is None


@pytest.mark.parametrize("field", ["index", "node", "contributions", "text", "amount"])
def test_steps_are_immutable(field: str) -> None:
    walk = steps(neuron())
    for part in (walk[0], walk[-1].contributions[0]):
        with pytest.raises(AttributeError):
            setattr(part, field, None)
    with pytest.raises(AttributeError):
        walk.graph = None  # type: ignore[assignment]
    with pytest.raises(TypeError):
        walk[0] = walk[1]  # type: ignore[index]
    with pytest.raises(TypeError):
        walk.earlier["v0"] = 1.0  # type: ignore[index]


def test_a_sequence() -> None:
    walk = steps(neuron())
    assert len(walk) == 7 and list(walk)[3] is walk[3] and walk[-1] is walk[6] and walk[1:3] == (walk[1], walk[2])
    assert walk[2] in walk and walk.index(walk[4]) == 4
    with pytest.raises(IndexError):
        walk[7]
    with pytest.raises(IndexError):
        walk.gradients(7)
    assert "7 over 6 nodes" in repr(walk)


def test_equal_walks_are_equal_to_the_last_bit() -> None:
    def record(at: float) -> Steps:
        return steps(softmax(Value([at, 2.0], name="x"), 0)[0], names={})

    walk = record(1.0)
    assert walk == record(1.0) and hash(walk) == hash(record(1.0)) and walk != record(1.0 + 1e-15)
    assert walk != walk.by_contribution() and walk != walk.fold() and walk != list(walk)
    assert walk[-1] == record(1.0)[-1] and hash(walk[-1]) == hash(record(1.0)[-1]) and walk[-1] != walk[-2]
    assert walk[-1].contributions[0] == record(1.0)[-1].contributions[0] != walk[-1].contributions


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda walk: pickle.loads(pickle.dumps(walk))])
def test_copies_and_pickles_are_the_same_walk(copied: Callable[[Steps], Steps]) -> None:
    x = Value([[1.0, float("inf"), -0.0]], name="x")
    loss = cross_entropy(x, [2])
    loss.backward()  # what an earlier pass left is kept too
    for walk in (steps(loss), steps(neuron(), grain="contribution"), steps(softmax(Value([1.0, 2.0]), dim=0)[0]).fold()):
        again = copied(walk)
        assert again == walk and again.grain == walk.grain
        assert again.text() == walk.text()
        assert again.unfold() == walk.unfold()
        with pytest.raises(TypeError):
            again.earlier["v0"] = 1.0  # type: ignore[index]


def test_later_passes_and_changes_leave_recorded_steps_alone() -> None:
    x = Value([1.0, 2.0], name="x")
    y = (x * x).sum()
    walk = steps(y)
    text = walk.text()
    y.backward()
    x.data = [7.0, 7.0]
    assert walk.text() == text and walk.check()


def test_names_come_from_the_caller_or_a_mapping() -> None:
    here = Value(2.0)
    assert steps(here.exp())[0].operands[0].name == "here"
    assert steps(here.exp(), names={"there": here})[0].operands[0].name == "there"


def test_folded_scopes_are_single_steps() -> None:
    logits = Value([[1.0, 2.0, 0.1]], name="logits")
    walk = steps(cross_entropy(logits, [2]))
    folded = walk.fold()
    assert [(step.phase, step.node.op) for step in folded] == [
        ("forward", "cross_entropy"), ("seed", "cross_entropy"), ("backward", "cross_entropy"),
    ]  # fmt: skip
    assert folded.graph["v0"].grad.tolist() == walk.graph["v0"].grad.tolist() == folded[-1].contributions[0].after.tolist()
    assert folded.unfold() == walk and folded.fold() == folded
    inner = walk.fold("log_softmax")
    assert [step.node.op for step in inner if step.phase == "backward"][-1] == "log_softmax"
    with pytest.raises(ValueError, match="no scope 'relu'"):
        walk.fold("relu")


def test_two_calls_of_one_function_are_two_steps() -> None:
    x = Value([1.0, 2.0], name="x")
    walk = steps((softmax(x, 0) * softmax(x * 2.0, 0)).sum()).fold("softmax")
    assert [step.node.op for step in walk if step.phase == "backward"].count("softmax") == 2


def test_ties_of_max_share() -> None:
    x = Value([2.0, 2.0, 1.0], name="x")
    assert steps(amax(x, 0))[-1].contributions[0].amount.tolist() == [0.5, 0.5, 0.0]


def test_twenty_thousand_nodes_take_a_second_or_two() -> None:
    x = Value(1.0)
    y = x
    for _ in range(6_700):
        y = (y * 0.9).tanh() + x
    took = []
    for _ in range(3):  # the least counts: other work on the machine only adds to it
        with timed() as seconds:
            walk = steps(y)
            assert len(walk.graph) > 20_000
            walk[-1].text  # noqa: B018 - the text of one step does not ask for that of all
        took += seconds
    assert min(took) < 4


@pytest.mark.parametrize("cls", [Step, Steps, Contribution, Formula, Check, Compared])
def test_everything_public_has_an_example(cls: Any) -> None:
    for name, thing in vars(cls).items():
        if not name.startswith("_") and (callable(thing) or isinstance(thing, property)) and thing.__doc__:
            assert ">>> " in thing.__doc__, f"{cls.__name__}.{name}"


def test_a_function_is_called_and_its_lines_and_variables_are_remembered() -> None:
    def neuron(w: Value, x: Value) -> Value:
        z = w * x
        return z.tanh()

    walk = steps(neuron, 0.5, Value(2.0, name="input"))
    names = {node.name for node in walk.graph}
    assert {"w", "z"} <= names and walk.graph.nodes[-1].source is not None
    assert walk.graph.nodes[-1].source.endswith("return z.tanh()")
    assert [step.phase for step in walk] == ["forward", "forward", "seed", "backward", "backward"]
    with pytest.raises(TypeError, match="after the loss come names, gradient and grain, got 4 arguments"):
        steps(Value(1.0).exp(), {}, None, "node", 3)
    with pytest.raises(TypeError, match="expected a Value or a Graph, got 3"):
        steps(lambda: 3)
