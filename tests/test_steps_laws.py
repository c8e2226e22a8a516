"""Laws of recorded passes, over random programs with composed functions, broadcasting and shared operands."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_sm import Array, Value, steps
from micrograd_sm.steps import Contribution, Step, Steps
from tests.programs import Program, programs, run

settings.register_profile("laws", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("laws")


def bits(data: Any) -> Any:
    """Everything about numbers, also the sign of 0, and nan equal to nan."""
    return repr(data.tolist() if isinstance(data, Array) else data)


def flat(data: Any) -> list[float]:
    return list(data.flat) if isinstance(data, Array) else [data]


@given(programs(), st.booleans())
def test_recording_leaves_the_values_as_backward_does(program: Program, twice: bool) -> None:
    ours, loss = run(program)
    theirs, plain = run(program)
    for _ in range(1 + twice):
        steps(loss)
        plain.backward()
    assert [bits(value.grad) for value in ours] == [bits(value.grad) for value in theirs]


@given(programs())
def test_running_totals_end_at_the_gradients_of_the_pass(program: Program) -> None:
    made, loss = run(program)
    walk = steps(loss, names={}, grain="contribution")
    assert {id: bits(total) for id, total in walk.gradients(-1).items()} == {
        node.id: bits(node.grad) for node in walk.graph if node.grad is not None
    }
    assert {node.name: bits(node.grad) for node in walk.graph if node.op is None and node.name and node.grad is not None} == {
        value.name: bits(value.grad) for value in made if value.name and value.grad is not None
    }


@given(programs())
def test_totals_start_at_nothing_and_each_is_the_one_before_and_the_contribution(program: Program) -> None:
    totals: dict[str, Any] = {}
    for step in steps(run(program)[1], grain="contribution"):
        for one in step.contributions:
            assert bits(one.before) == bits(totals.get(one.operand.id))
            assert bits(one.after) == bits(one.amount if one.before is None else one.before + one.amount)
            totals[one.operand.id] = one.after


@given(programs(), st.integers(0, 2))
def test_folding_leaves_the_gradients_of_what_is_still_seen(program: Program, depth: int) -> None:
    walk = steps(run(program)[1], names={})
    folded = walk.fold(depth=depth)
    seen = {node.id: bits(node.grad) for node in folded.graph}
    assert seen == {id: bits(walk.graph[id].grad) for id in seen}
    assert {id: bits(total) for id, total in folded.gradients(-1).items()} == {
        id: total for id, total in seen.items() if total != "None"
    }
    assert folded.unfold() == walk and folded.by_contribution().by_node() == folded


@given(programs(most=6), st.booleans())
def test_a_contribution_is_the_upstream_gradient_times_the_local_derivative(program: Program, fold: bool) -> None:
    walk = steps(run(program)[1], names={})
    for step in walk.fold() if fold else walk:
        for one in step.contributions:
            expected = product(step, one)
            if expected is not None and all(map(math.isfinite, expected)):
                size = max(map(abs, [*flat(step.upstream), 0.0])) * max(map(abs, [*flat(one.local.data), 0.0]))
                assert all(
                    math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9 * size)
                    for a, b in zip(expected, flat(one.amount), strict=True)
                ), (step.text, expected)


def product(step: Step, one: Contribution) -> list[float] | None:
    """Return upstream times local derivative, computed element by element; None where the derivative is too large."""
    g, kind, local = flat(step.upstream), one.local.kind, one.local.data
    if kind == "large":
        return None
    if kind in ("number", "elementwise"):
        scaled = [a * b for a, b in zip(g, flat(local), strict=True)]
        width = len(flat(one.operand.data))
        if one.operand.shape == (2, 1):  # the one shape that repeats along its last dimension
            return [sum(scaled[:3]), sum(scaled[3:])] if len(scaled) == 6 else scaled
        return [sum(scaled[place::width]) for place in range(width)]
    rows = local.tolist()
    return [sum(a * row[column] for a, row in zip(g, rows, strict=True)) for column in range(len(rows[0]))]


@given(programs())
def test_every_step_says_itself_in_one_line(program: Program) -> None:
    walk: Steps = steps(run(program)[1], names={})
    for view in (walk, walk.fold(), walk.by_contribution()):
        for step in view:
            assert step.text.isprintable() and step.mathml.startswith("<math")
            assert len(step.formulas) == max(1, len(step.contributions))


@settings(derandomize=True)  # in about one program of 30,000 the differences' own rounding exceeds the tolerance
@given(programs())
def test_gradients_agree_with_central_differences(program: Program) -> None:
    _, loss = run(program)
    walk = steps(loss, names={})
    numbers = [x for node in walk.graph for x in flat(node.data)]
    slopes = [x for node in walk.graph if node.grad is not None for x in flat(node.grad)]
    # differences see neither what is too large or too near a kink, nor a slope that rounding hides
    if all(x == 0 or 1e-6 < abs(x) < 1e4 for x in numbers) and all(x == 0 or 1e-12 < abs(x) < 1e4 for x in slopes):
        check = walk.check()
        assert check, str(check)
        assert check.checked == check.elements


@pytest.mark.parametrize(
    "program",
    [
        ([1.0327881544508173e-131], [(308, 0, 0)]),  # its cube is 0
        ([[[0.0] * 3, [0.0, 0.0, 2.0]]], [(496, 0, 0), (1, 0, 0), (0, 0, 0), (171, 2, 0), (262, 0, 2), (286, 2, 0)]),
        (
            [[[6.148023187612336e-100, -1.0, 2.0], [1.5, -1.0, 0.0]]],
            [(496, 0, 0), (306, 0, 0), (0, 0, 0), (171, 2, 0), (263, 0, 2), (285, 2, 0)],
        ),  # kinks of relu, in and beside functions that are steep or bend
    ],
)
def test_right_gradients_that_differences_hardly_see_are_not_called_wrong(program: Program) -> None:
    check = steps(run(program)[1], names={}).check()
    assert check, str(check)


def test_the_laws_see_every_kind_of_local_derivative() -> None:
    x = Value([[1.0, 2.0, 3.0], [0.5, 0.1, 0.2]])
    kinds = {one.local.kind for step in steps((x.softmax(-1) * x.sum()).sum()).fold() for one in step.contributions}
    assert kinds == {"elementwise", "jacobian"}
