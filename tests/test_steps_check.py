"""`steps(...).check()`: it agrees with what is right, names what is wrong, and knows where there is no one slope."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from micrograd_sm import Array, Value, amax, cross_entropy, mse_loss, rand, softmax, steps
from micrograd_sm.primitives import PRIMITIVES
from tests.stopwatch import timed


def test_a_right_pass_agrees() -> None:
    logits = Value([[1.0, 2.0, 0.1], [1.2, 0.5, 0.3]], name="logits")
    walk = steps(cross_entropy(logits, [2, 0]))
    check = walk.check()
    assert check and check.first is None and check.checked == check.elements > 20
    assert str(check) == f"agrees with central differences: all {check.elements} elements of the gradients checked"
    assert walk.fold().check() == check


@pytest.mark.parametrize(
    "op, place, loss, differs",
    [
        ("exp", 0, lambda x: (x * 2.0).exp() * 3.0, "y"),
        ("multiply", 1, lambda x: 3.0 * (x * 2.0).exp(), "v4"),
        ("tanh", 0, lambda x: ((x * 2.0).tanh() + 1.0) * x, "y"),
    ],
)
def test_a_wrong_rule_is_named_where_it_first_shows(
    monkeypatch: pytest.MonkeyPatch, op: str, place: int, loss: Callable[[Value], Value], differs: str
) -> None:
    primitive = PRIMITIVES[op]
    rules = list(primitive.gradient)
    right = rules[place]
    rules[place] = lambda g, out, *operands: right(g, out, *operands) * 1.01
    monkeypatch.setattr(primitive, "gradient", tuple(rules))
    monkeypatch.setattr(primitive, "binary", False)
    root = loss(Value(0.3, name="x"))
    walk = steps(root, names={"y": root.parents[0].parents[0] if differs == "y" else None})
    check = walk.check()
    assert not check and check.first is not None
    first = check.first
    users = [walk.graph[edge.target].op for edge in walk.graph.edges if edge.source == first.node.id]
    assert op in users and f"{op} (" in str(check)
    assert first.found == pytest.approx(first.expected * 1.01, rel=1e-3) and first.difference > 0
    assert f"{first.place}: " in str(check) and "in the pass" in str(check)
    later = [node.id for node in walk.graph if walk.graph.place(node.id) > walk.graph.place(first.node.id)]
    assert not {one.node.id for one in check.differ} & set(later)


def test_one_wrong_element_of_an_array_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        PRIMITIVES["sum"], "gradient", (lambda g, out, x, axis, keepdims: Array.of([1.0, 1.0, 1.0, 0.5], (2, 2)),)
    )
    check = steps(Value([[1.0, 2.0], [3.0, 4.0]], name="x").sum()).check()
    assert check.first is not None
    assert (check.first.place, check.first.index, check.first.found) == ("x[1, 1]", (1, 1), 0.5)
    assert check.first.expected == pytest.approx(1.0) and len(check.differ) == 1
    assert str(check).splitlines()[1].startswith("  x[1, 1]: 0.5 in the pass, 1")


def test_a_nan_gradient_of_a_finite_function_is_a_failure() -> None:
    x = Value(0.0, name="x")  # the gradient of the branch that is not taken is nan times 0
    loss = (x * x).sqrt().masked_fill(True, 0.0) + x
    loss.name = "loss"
    check = steps(loss).check()
    assert check.first is not None and math.isnan(check.first.found) and check.first.users == ("sqrt (v2)",)
    assert [one.place for one in check.differ] == ["v1", "x"]


@pytest.mark.parametrize(
    "loss, kinks",
    [
        (lambda x: x.relu().sum(), ["x[1]"]),
        (lambda x: amax(x * 0.0 + 1.0, 0), ["v4[0]", "v4[1]", "v4[2]", "v2[0]", "v2[1]", "v2[2]"]),
    ],
)
def test_points_without_one_slope_are_no_failures(loss: Callable[[Value], Value], kinks: list[str]) -> None:
    check = steps(loss(Value([1.0, 0.0, -1.0], name="x")), names={}).check()
    assert check and [one.place for one in check.kinks] == kinks
    assert f"not smooth at {kinks[0]}: " in str(check)


def test_a_gradient_that_passed_through_kinks_is_no_failure() -> None:
    x = Value(0.0, name="x")
    check = steps(x.relu() - (-x).relu(), names={}).check()  # x itself, whose slope is 1; relu's at 0 is 0 by convention
    assert check and [one.place for one in check.kinks] == ["v2", "x"]


def test_a_kink_just_beside_the_point_is_stepped_around() -> None:
    x = Value([1e-6, -1e-6], name="x")
    check = steps(x.relu().sum()).check()
    assert check and not check.kinks


def test_a_wrong_gradient_at_a_kink_is_still_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PRIMITIVES["relu"], "gradient", (lambda g, out, x: g * 2.0,))
    assert not steps(Value(0.0).relu()).check()


def test_every_element_behind_a_wrong_rule_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PRIMITIVES["tanh"], "gradient", (lambda g, out, x: g * (1.0 - out * out) * 1.01,))
    x, w = Value(0.5, name="x"), Value(0.9, requires_grad=False)
    y = x
    for _ in range(20):
        y = (y * w).tanh() + 0.2
    walk = steps(y)
    check = walk.check()
    assert [one.node.id for one in check.differ] == [
        node.id for node in reversed(walk.graph.nodes) if node.grad is not None and node.grad != 1.0
    ]


@pytest.mark.parametrize("loss", [lambda x: abs(x).sum(), lambda x: amax(x, 0)])
def test_a_kink_is_seen_where_the_difference_is_the_gradient(loss: Callable[[Value], Value]) -> None:
    check = steps(loss(Value([0.0, 0.0], name="x")), names={}).check()
    assert check and [one.place for one in check.kinks if one.label == "x"] == ["x[0]", "x[1]"]


@pytest.mark.parametrize("x", [1e-7, -1e-30, 1e-180])
def test_a_kink_at_a_hairs_breadth_is_not_one_here(x: float) -> None:
    check = steps(Value(x).relu() * 0.5).check()
    assert check and not check.kinks


def test_where_the_function_ends_there_is_no_difference() -> None:
    check = steps(Value(0.0, name="x").log()).check()
    assert check and check.unknown[-1].place == "x" and "no finite difference at" in str(check)
    assert steps(Value(math.inf).exp()).check().unknown
    for near_the_end in (Value(709.7827).exp(), Value(0.0, name="x") ** -2.0):
        assert "no finite difference at" in str(steps(near_the_end).check())


@pytest.mark.parametrize(
    "loss",
    [
        lambda: Value(1e-12).log() * 1e-5,
        lambda: (Value(1e-3) + 1e8) - 1e8,
        lambda: Value(1e-150) * 1e-150,
        lambda: Value(1e10).sqrt(),
        lambda: Value(0.0) ** 3.0,
        lambda: Value(0.0) ** 5.0,
        lambda: (x := Value(0.0)) * x.relu(),
        lambda: Value(700.0).exp(),
        lambda: (Value(1.0) * 1e-8).tanh() * 1e-8,
        lambda: softmax(Value([1000.0, 0.0, -1000.0]), 0)[0],
    ],
)
def test_steps_fit_the_size_of_the_numbers(loss: Callable[[], Value]) -> None:
    assert (check := steps(loss()).check()), str(check)


def test_only_the_graph_is_used() -> None:
    x = Value(2.0, name="x")
    y = x * x
    walk = steps(y)
    x.data = 100.0
    assert walk.check() and (x.data, x.grad, y.data) == (100.0, 4.0, 4.0)


def test_large_graphs_are_sampled_evenly_and_say_so() -> None:
    x, w = Value(rand(64, 30).data, name="x"), Value(rand(30, 40).data, name="w")
    with timed() as seconds:
        check = steps(mse_loss((x @ w).tanh(), [[0.0] * 40] * 64)).check()
    assert check and 20 < check.checked < check.elements
    assert f"{check.checked} of {check.elements} elements" in str(check)
    y = Value(1.0)
    for _ in range(3000):
        y = y * 0.999 + 0.001
    with timed() as more:
        deep = steps(y).check()
    assert deep and 100 < deep.checked < deep.elements
    assert seconds[0] + more[0] < 15
