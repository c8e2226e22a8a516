"""A graph as a function again, and its derivatives by its leaves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from micrograd_sm import Graph, Value, cross_entropy, hessian, jacobian, softmax, where
from micrograd_sm.study import derivatives
from micrograd_sm.study.replay import inputs_of, replay
from tests.programs import Program, programs, run


def bits(data):
    """Return numbers so that nan equals nan, and 0 is not -0."""
    return repr(data.tolist() if hasattr(data, "tolist") else data)


@settings(deadline=None)
@given(programs())
def test_a_replay_has_the_bits_of_the_loss(program: Program):
    _, loss = run(program)
    graph = Graph(loss, {})
    inputs = inputs_of(graph)
    again = replay(graph, inputs)(*(Value(node.data, requires_grad=False) for node in inputs))
    assert bits(again.data) == bits(loss.data)


@settings(deadline=None)
@given(programs())
def test_the_gradient_is_that_of_a_backward_pass(program: Program):
    made, loss = run(program)
    found = derivatives(loss, "grad", names={})
    assert all(value.grad is None for value in made)
    loss.backward()
    leaves = {value.name: value.grad for value in made if value.op is None}
    for block in found.blocks:
        assert bits(block.data) == bits(leaves[block.by[0]])


def test_a_replay_follows_other_values():
    x, w = Value([1.0, -2.0], name="x"), Value([3.0, 4.0], name="w")
    graph = Graph((x.relu() * w).sum())
    (of_x,) = [node for node in inputs_of(graph) if node.name == "x"]
    assert replay(graph, [of_x])(Value([-1.0, 2.0])).item() == 8.0


def test_what_where_chose_stays_chosen():
    x = Value([1.0, -2.0], name="x")
    graph = Graph(where(x > 0.0, x, 0.0).sum(), {})
    assert replay(graph, inputs_of(graph))(Value([-1.0, 5.0])).item() == -1.0


def test_tables_are_those_of_the_transforms():
    data = [[1.0, 2.0, 0.1], [0.0, -1.0, 3.0]]
    x = Value(data, name="x")
    (block,) = derivatives(cross_entropy(x, [2, 0]), "hessian").blocks
    assert block.data.tolist() == hessian(cross_entropy)(Value(data), [2, 0]).tolist()
    assert (block.data.shape, block.rows) == ((2, 3, 2, 3), 6)
    (block,) = derivatives(softmax(x, 1), "jacobian").blocks
    assert block.data.tolist() == jacobian(lambda z: softmax(z, 1))(Value(data)).tolist()
    assert (block.data.shape, block.rows) == ((2, 3, 2, 3), 6)


def test_the_hessian_of_what_is_no_number_has_its_elements_in_front():
    said = str(derivatives(Value([1.0, 2.0], name="x") ** 2.0, "hessian"))
    assert said.splitlines()[1:] == [
        "d2L/dx dx, shape (2, 2, 2)",
        "  as a table of 4 x 2, a row for each element of L and x, a column for each of x",
        "  2  0", "  0  0", "  0  0", "  0  2",
    ]  # fmt: skip


def test_names_are_the_callers():
    weight, bias = Value(2.0), Value(1.0)
    loss = weight * weight + bias
    assert str(derivatives(loss, "grad", [bias])) == "loss = 5\ndloss/dbias = 1"
    assert [block.by for block in derivatives(loss, "hessian").blocks] == [
        ("weight", "weight"), ("weight", "bias"), ("bias", "weight"), ("bias", "bias"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "leaves", "complaint"),
    [
        ("third", [], "kind must be one of 'grad', 'jacobian', 'hessian', got 'third'"),
        ("grad", ["y"], "y is no leaf that requires a gradient; those are x"),
        ("grad", ["c"], "c is no leaf that requires a gradient; those are x"),
        ("grad", ["x", "x"], "a leaf is named twice"),
        ("grad", ["z"], "no node is called 'z'"),
    ],
)
def test_what_is_no_leaf_is_refused(kind, leaves, complaint):
    x, c = Value(2.0), Value(3.0, requires_grad=False)
    y = x * c
    loss = y.exp()
    with pytest.raises(ValueError, match=complaint):
        derivatives(loss, kind, leaves, {"x": x, "y": y, "c": c})


def test_nothing_to_differentiate_by():
    with pytest.raises(ValueError, match="no leaf of this value requires a gradient"):
        derivatives(Value(2.0, requires_grad=False) * 3.0)
    with pytest.raises(RuntimeError, match="must return one number"):
        derivatives(Value([2.0, 1.0]) * 3.0)
