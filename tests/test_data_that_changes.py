"""One truth after data has changed: whatever looks at a loss has the numbers that it was computed with, or refuses."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_sm import Graph, Value, draw, mse_loss, nn, optim, steps, study
from micrograd_sm.cli.study_runs import RUNS
from micrograd_sm.mode import scope, trace
from micrograd_sm.study import anomaly, first_anomaly, lint


class Case(NamedTuple):
    """A loss, a leaf of it, and what sets data that it was computed from."""

    loss: Value
    x: Value
    change: Callable[[], None]


def number() -> Case:
    w = Value(3.0, name="w")
    return Case(w * w, w, lambda: setattr(w, "data", 1.0))


def tensor() -> Case:
    w = Value([[1.0, 2.0], [3.0, 4.0]], name="w")
    return Case((w * w).sum(), w, lambda: setattr(w, "data", [[0.0, 1.0], [1.0, 0.0]]))


def constant() -> Case:
    w, c = Value(3.0, name="w"), Value(2.0, requires_grad=False, name="c")
    return Case(w * c, w, lambda: setattr(c, "data", 1.0))


def intermediate() -> Case:
    w = Value(3.0, name="w")
    y = w * w
    return Case(y + 1.0, w, lambda: setattr(y, "data", 1.0))


def optimizer() -> Case:
    w = Value([3.0, 4.0], name="w")
    optimizer = optim.Adam([w], lr=0.1)
    return Case((w * w).sum(), w, optimizer.step)


def module() -> Case:
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
    loss = mse_loss(model(Value([[1.0, 2.0]], requires_grad=False)), [[1.0]])
    return Case(loss, model[0].weight, optim.SGD(model.parameters(), lr=0.1).step)


CASES = [number, tensor, constant, intermediate, optimizer, module]

# Of each function of micrograd_sm.study and each command of `micrograd-sm study`, by name: how it looks at a loss.
OF_A_LOSS: dict[str, Callable[[Any, Any], Any]] = {
    "check_backward": lambda loss, x: study.check_backward(loss, {"v0": 1.0}, names={}),
    "compare": lambda loss, x: study.compare(loss, Value(1.0) * 2.0),
    "derivatives": lambda loss, x: study.derivatives(loss),
    "digits": lambda loss, x: study.digits(loss, names={}),
    "explain": lambda loss, x: study.explain(loss, x, names={}),
    "first_anomaly": lambda loss, x: first_anomaly(loss),
    "lint": lambda loss, x: lint(loss, names={}),
    "paths": lambda loss, x: study.paths(loss, x, names={}),
    "source": lambda loss, x: study.source(loss, names={}),
}
OF_A_FUNCTION = {"check_against_torch", "check_gradients"}  # of what they compute themselves
OF_NO_GRAPH = {  # of losses that they make, or of numbers that they are given
    "logit_field", "loss_curves", "residual_maps", "sample", "setting_curves", "setting_logit_field", "setting_maps",
    "setting_simplex_field", "simplex_field", "training_maps",
}  # fmt: skip
OF_A_BLOCK = {"anomaly"}
COMMANDS = {
    "anomaly": "first_anomaly", "check": "check_gradients", "compare": "compare", "digits": "digits", "explain": "explain",
    "grad": "derivatives", "hessian": "derivatives", "jacobian": "derivatives", "landscape": "loss_curves", "lint": "lint",
    "mine": "check_backward", "paths": "paths", "source": "source", "torch": "check_against_torch",
}  # fmt: skip
LOOKS: dict[str, Callable[[Any, Any], Any]] = {
    **OF_A_LOSS,
    "compare, the other": lambda loss, x: study.compare(Value(1.0) * 2.0, loss),
    "hessian": lambda loss, x: study.derivatives(loss, "hessian", [x]),
    "jacobian": lambda loss, x: study.derivatives(loss, "jacobian", [x]),
    "lint, sampled from": lambda loss, x: lint(Value(1.0).exp(), sampled_from=loss, names={}),
    "draw": lambda loss, x: draw(loss).source,
    "steps": lambda loss, x: steps(loss, names={}).text(),
    "to_json": lambda loss, x: (loss if isinstance(loss, Graph) else Graph(loss, {})).to_json(),
}


def test_no_study_is_forgotten() -> None:
    functions = {name for name in study.__all__ if inspect.isfunction(getattr(study, name)) or name[0].islower()}
    assert functions == OF_A_LOSS.keys() | OF_A_FUNCTION | OF_NO_GRAPH | OF_A_BLOCK
    assert RUNS.keys() == COMMANDS.keys()
    assert functions.issuperset(COMMANDS.values())


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("look", LOOKS)
def test_a_loss_is_refused_once_data_was_set_and_a_graph_of_before_is_as_it_was(look: str, make: Callable[[], Case]) -> None:
    loss, x, change = make()
    loss.backward()
    graph = Graph(loss, {})
    before = str(LOOKS[look](graph, x))
    change()
    with pytest.raises(RuntimeError, match=r"was set after \w+ had (used|made) it"):
        LOOKS[look](loss, x)
    assert str(LOOKS[look](graph, x)) == before
    with pytest.raises(RuntimeError, match=r"was set after \w+ had (used|made) it"):
        loss.backward()


# When it is refused -------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from("+*!-"), st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_graph_refuses_exactly_when_backward_does(program: list[tuple[str, int, int]]) -> None:
    """`backward` has the rule of `set_since` written out; Graph calls it."""
    values = [Value(1.0), Value(2.0), Value(3.0, requires_grad=False)]
    for what, place, other in program:
        a, b = values[place % len(values)], values[other % len(values)]
        if what == "!":
            a.data = a.data + 1.0
        elif what == "-":
            values.append(a.detach())
        else:
            values.append(a + b if what == "+" else a * b)
    for value in values:
        if value.requires_grad:
            assert refuses(value.backward) == refuses(lambda value=value: Graph(value))


def refuses(what: Callable[[], Any]) -> bool:
    try:
        what()
    except RuntimeError as error:
        assert "was set after" in str(error)
        return True
    return False


def test_data_that_is_set_before_it_is_used_is_no_change() -> None:
    x = Value(2.0)
    x.data = 3.0
    assert Graph(x * x)["v1"].data == 9.0
    assert Graph(x)["v0"].data == 3.0


# What is said -------------------------------------------------------------------------------------------------------


def test_what_was_set_is_named_with_the_line_that_had_used_it_and_the_way_out() -> None:
    weights = {"first": Value(3.0)}
    with trace():
        loss = weights["first"] * 2.0
    weights["first"].data = 1.0
    with pytest.raises(RuntimeError) as refused:
        Graph(loss)
    said = str(refused.value)
    assert said.startswith("the data of \"weights['first']\" was set after multiply had used it (test_data_that_changes.py:")
    assert 'loss = weights["first"] * 2.0), so old and new numbers would mix' in said
    assert "before optimizer.step()" in said and "compute it again" in said
    own = Value([1.0], name="own")
    loss = own.exp()
    own.data = [2.0]
    with pytest.raises(RuntimeError, match="the data of 'own' was set after exp had used it, so"):
        Graph(loss)
    loss = Value([[1.0]]).exp()
    loss.data = [[2.0]]
    with pytest.raises(RuntimeError, match=r"the data of a value of shape \(1, 1\) was set after exp had made it, so"):
        Graph(loss, {})


def test_a_notebook_shows_text_and_why_there_is_no_picture() -> None:
    w = Value(3.0, name="w")
    loss = w * w
    w.data = 1.0
    bundle = loss._repr_mimebundle_()
    assert bundle.keys() == {"text/plain"}
    text, why = bundle["text/plain"].splitlines()
    assert text == "Value(9., op=multiply)"
    assert why.startswith("no picture: the data of 'w' was set after multiply had used it")


# A block, as training is --------------------------------------------------------------------------------------------


def test_an_anomaly_has_the_numbers_with_which_it_came_up() -> None:
    w = Value(1000.0, name="w")
    with anomaly(report=True) as watch:
        loss = w.exp() * 2.0
        loss.backward()
        w.data = 1.0
    assert str(watch.found).startswith("the value of v1 is inf: exp of w = 1000")


def test_an_anomaly_of_a_gradient_has_the_numbers_with_which_it_came_up() -> None:
    w = Value(0.0, name="w")
    with anomaly(report=True) as watch:
        root = w**0.5
        (root * 3.0).backward()
        w.data = 1.0
    assert str(watch.found).startswith("the gradient of w is inf: root = power of w = 0, v1 = 0.5 passed it back, with 3")


# A Graph knows the Values that it was made of -----------------------------------------------------------------------


def test_a_graph_takes_its_values_where_a_loss_does() -> None:
    w, other = Value(3.0, name="w"), Value(4.0)
    with scope("square"):
        y = w * w
    loss = y + 1.0
    graph = Graph(loss)
    assert [graph.id_of(value) for value in (w, y, loss, other)] == ["v0", "v1", "v3", None]
    assert graph.fold().id_of(y) == graph.fold().unfold().id_of(y) == graph.with_names({}).id_of(y) == "v1"
    assert Graph.from_json(graph.to_json()).id_of(w) is None
    assert str(study.explain(graph, w)) == str(study.explain(loss, w))
    assert not lint(graph, [w]).mistakes
    assert [mistake.rule for mistake in lint(graph, [other]).mistakes] == ["unused-parameter"]


def test_steps_of_a_graph_are_those_of_its_loss_and_change_no_gradient() -> None:
    x = Value([1.0, 2.0], name="x")
    loss = (x * x).exp().sum()
    graph = Graph(loss)
    of_graph = steps(graph, gradient=2.0)
    assert x.grad is None
    assert of_graph == steps(loss, gradient=2.0)
    assert steps(Graph(loss), gradient=2.0).earlier == {}  # nothing is added to what .grad holds now
    assert of_graph.check() and of_graph.earlier == {}
    assert steps(graph.fold()).unfold() == steps(graph)
    with pytest.raises(RuntimeError, match="needs a gradient of that shape"):
        steps(Graph(x * x))
    with pytest.raises(RuntimeError, match="requires no gradient"):
        steps(Graph(Value(1.0, requires_grad=False)))
    only = steps(Graph(Value(2.0)))
    assert [step.phase for step in only] == ["seed"]
