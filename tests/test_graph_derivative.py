"""Local derivatives and Jacobians, from the numbers of a Graph."""

from __future__ import annotations

import math

import pytest

from micrograd_sm import Array, Value, cat, cross_entropy, softmax, softplus, where
from micrograd_sm.graph import Edge, Graph, Local, local_derivative
from micrograd_sm.mode import scope
from micrograd_sm.primitives import PRIMITIVES


def locals_of(value, *folds):
    graph = Graph(value)
    graph = graph.fold(*folds) if folds else graph
    return [local_derivative(graph, edge) for edge in graph.operand_edges(graph.root)]


def test_a_number_by_a_number():
    x, y = Value(3.0), Value(4.0)
    assert locals_of(x * y) == [Local("number", 4.0), Local("number", 3.0)]
    assert locals_of(x * x) == [Local("number", 3.0), Local("number", 3.0)]
    assert locals_of(x**2.0)[0] == Local("number", 6.0)


def test_each_element_by_the_element_that_it_is_made_of():
    x, scale = Value([1.0, 2.0, 3.0]), Value(5.0)
    by_x, by_scale = locals_of(x * scale)
    assert (by_x.kind, by_x.data.tolist()) == ("elementwise", [5.0, 5.0, 5.0])
    assert (by_scale.kind, by_scale.data.tolist()) == ("elementwise", [1.0, 2.0, 3.0])
    assert locals_of(Value([[1.0], [2.0]]) + Value([1.0, 2.0, 3.0]))[0].data.shape == (2, 3)


def test_mixed_elements_have_a_jacobian_while_it_is_small():
    x = Value([[1.0, 2.0], [3.0, 4.0]])
    local = locals_of(x.sum(1))[0]
    assert (local.kind, local.data.tolist()) == ("jacobian", [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    assert locals_of(Value([0.0] * 64).sum())[0].data.shape == (1, 64)
    assert locals_of(Value([0.0] * 65).sum())[0] == Local("large", None)
    assert locals_of(Value([0.0] * 65).exp())[0].kind == "elementwise"


def test_operands_of_cat_have_their_own_columns():
    a, b = Value([1.0]), Value([2.0, 3.0])
    assert [local.data.tolist() for local in locals_of(cat([a, b]))] == [
        [[1.0], [0.0], [0.0]],
        [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]],
    ]


def test_ties_share_the_derivative_of_max():
    assert locals_of(Value([2.0, 2.0]).amax())[0].data.tolist() == [[0.5, 0.5]]


def test_constants_have_local_derivatives_too():
    assert locals_of(Value(2.0) * 3.0)[1] == Local("number", 2.0)
    assert [local.data.tolist() for local in locals_of(where([True, False], Value([1.0, 2.0]), 0.0))] == [
        [1.0, 0.0],
        [0.0, 1.0],
    ]


def test_a_folded_scope_has_the_jacobian_of_its_inside():
    x = Value([0.5, -1.0, 2.0])
    p = softmax(x, dim=0)
    (local,) = locals_of(p, "softmax")
    rows = [[pi * ((i == j) - pj) for j, pj in enumerate(p.tolist())] for i, pi in enumerate(p.tolist())]
    assert local.kind == "jacobian"
    assert local.data.flat == pytest.approx([entry for row in rows for entry in row])
    (to_logits,) = locals_of(cross_entropy(x, 2), "cross_entropy")
    assert to_logits.data.flat == pytest.approx([p.tolist()[k] - (k == 2) for k in range(3)])


def test_a_folded_scope_of_elementwise_operations_is_elementwise():
    x = Value([0.0] * 100)
    (local,) = locals_of(softplus(x), "softplus")
    assert (local.kind, local.data.tolist()) == ("elementwise", [0.5] * 100)
    (number,) = locals_of(softplus(Value(0.0)), "softplus")
    assert number == Local("number", 0.5)


def test_an_operand_that_is_broadcast_inside_a_fold():
    x, shift = Value([1.0, 2.0, 3.0]), Value(1.0)
    with scope("block"):
        y = (x + shift) * x * shift
    by_x, by_shift = locals_of(y, "block")
    assert (by_x.kind, by_x.data.tolist()) == ("elementwise", [3.0, 5.0, 7.0])
    assert (by_shift.kind, by_shift.data.tolist()) == ("elementwise", [3.0, 8.0, 15.0])  # x * x + 2 * x * shift
    graph = Graph(y).fold()
    assert graph.jacobian(graph.operand_edges(graph.root)[1]).tolist() == [3.0, 8.0, 15.0]


def test_an_inner_node_that_is_smaller_than_the_output_is_no_elementwise_path():
    x = Value(2.0)
    with scope("block"):
        y = (x * x) * Value([1.0, 2.0], requires_grad=False)
    (local,) = locals_of(y, "block")
    assert (local.kind, local.data.tolist()) == ("jacobian", [[4.0], [8.0]])


def test_a_jacobian_has_the_shapes_of_output_and_operand():
    a, b = Value([[1.0, 2.0]]), Value([[3.0, 4.0, 5.0], [6.0, 7.0, 8.0]])
    graph = Graph(a @ b)
    by_a, by_b = (graph.jacobian(edge) for edge in graph.edges)
    assert (by_a.shape, by_b.shape) == ((1, 3, 1, 2), (1, 3, 2, 3))
    assert by_a.tolist() == [[[[3.0, 6.0]], [[4.0, 7.0]], [[5.0, 8.0]]]]
    assert Graph(Value(2.0).exp()).jacobian(Edge("v0", "v1", 0)) == math.exp(2.0)
    column = Graph(Value([[1.0], [2.0]]) * Value([1.0, 10.0]))
    assert column.jacobian(column.edges[0]).tolist() == [
        [[[1.0], [0.0]], [[10.0], [0.0]]],
        [[[0.0], [1.0]], [[0.0], [10.0]]],
    ]


def test_an_infinite_element_leaves_the_jacobian_of_its_neighbours_alone():
    graph = Graph(Value([1.0, 2.0]) * Value([math.inf, 3.0]))
    assert graph.jacobian(graph.edges[0]).tolist() == [[math.inf, 0.0], [0.0, 3.0]]


def test_arrays_without_elements():
    graph = Graph(Value([1.0, 2.0])[0:0] * 2.0)
    assert [local_derivative(graph, edge).data.shape for edge in graph.edges] == [(0, 2), (0,), (0,)]


def test_arrays_of_other_libraries():
    np = pytest.importorskip("numpy")
    x = Value(np.array([1.0, 2.0]))
    loss = where(np.array([True, False]), x, x * x)
    graph = Graph(loss[np.array([1, 1])])
    assert graph.jacobian(graph.edges[-1]).tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert graph["v2"].params["condition"].tolist() == [True, False]


def test_the_largest_jacobian_is_limited():
    graph = Graph(Value([0.0] * 1001).exp())
    with pytest.raises(ValueError, match=r"1001 x 1001 = 1,002,001 entries.*at most 1,000,000"):
        graph.jacobian(graph.edges[0])


@pytest.mark.parametrize("edge", [Edge("v1", "v0", 0), Edge("v0", "v1", 1), Edge("v9", "v8", 0), ("v0", "v1", 0), None])
def test_an_edge_of_another_graph_is_refused(edge):
    graph = Graph(Value(1.0).exp())
    with pytest.raises(ValueError, match="one of the edges of <Graph of 2 nodes"):
        local_derivative(graph, edge)
    with pytest.raises(ValueError, match="one of the edges"):
        graph.jacobian(edge)


def test_an_edge_into_a_fold_is_not_an_edge_of_its_inside():
    graph = Graph(softmax(Value([1.0, 2.0]), dim=0))
    with pytest.raises(ValueError, match="one of the edges"):
        local_derivative(graph.fold(), graph.edges[0])


def test_elementwise_primitives_are_those_whose_elements_do_not_mix():
    mixing = {"sum", "max", "matmul", "reshape", "permute", "expand", "cat", "index", "put"}
    elementwise = {name for name, primitive in PRIMITIVES.items() if primitive.kind == "elementwise"}
    assert sorted(elementwise | mixing) == sorted(PRIMITIVES)
    assert not elementwise & mixing
    for name in elementwise - {"where"}:
        operands = [Array([0.25, 0.5]), Array([0.75, 0.5])][: len(PRIMITIVES[name].gradient)]
        alone = [Array([0.25]), Array([0.75])][: len(operands)]
        assert PRIMITIVES[name](*operands).tolist()[:1] == PRIMITIVES[name](*alone).tolist()
