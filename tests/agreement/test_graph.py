"""Jacobians of single operations and of folded scopes against torch's."""

from __future__ import annotations

import pytest
import torch

import micrograd_sm
from micrograd_sm import Value
from micrograd_sm.graph import Graph, local_derivative

from .oracle import OURS, THEIRS

X = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]

FOLDED = {
    "softmax": lambda m, x: m.softmax(x, dim=1),
    "log_softmax": lambda m, x: m.log_softmax(x, dim=1),
    "cross_entropy": lambda m, x: m.cross_entropy(x, m.ints([2, 0])),
    "nll_loss": lambda m, x: m.nll_loss(x, m.ints([2, 0])),
    "logsumexp": lambda m, x: m.logsumexp(x, dim=0),
    "mse_loss": lambda m, x: m.mse_loss(x, x * x),
    "softplus": lambda m, x: m.softplus(x),
    "stack": lambda m, x: m.stack([x, x * 2.0]),
}
SINGLE = {
    "exp": lambda m, x: m.exp(x),
    "tanh": lambda m, x: m.tanh(x),
    "sum": lambda m, x: x.sum(1),
    "max": lambda m, x: m.amax(x, dim=1),
    "index": lambda m, x: x[1, :2],
    "reshape": lambda m, x: x.reshape(3, 2),
    "permute": lambda m, x: x.T,
    "matmul": lambda m, x: x @ m.new([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=False),
    "power": lambda m, x: x**3.0,
    "relu": lambda m, x: m.relu(x),
}


def torchs(program):
    return torch.autograd.functional.jacobian(lambda x: program(THEIRS, x), torch.tensor(X, dtype=torch.float64))


def check(graph, edge, wanted):
    found = torch.tensor(graph.jacobian(edge).tolist(), dtype=torch.float64)
    assert found.shape == wanted.shape
    assert torch.allclose(found, wanted, rtol=1e-12, atol=1e-14)
    local = local_derivative(graph, edge)
    if local.kind == "jacobian":
        matrix = torch.tensor(local.data.tolist(), dtype=torch.float64)
        assert torch.equal(matrix, found.reshape(matrix.shape))


@pytest.mark.parametrize("name", SINGLE)
def test_jacobians_of_single_operations(name):
    graph = Graph(SINGLE[name](OURS, Value(X)))
    check(graph, graph.operand_edges(graph.root)[0], torchs(SINGLE[name]))


@pytest.mark.parametrize("name", FOLDED)
def test_jacobians_of_folded_scopes(name):
    x = Value(X)
    graph = Graph(FOLDED[name](OURS, x)).fold(depth=0)
    assert graph[graph.root].op == name
    edges = graph.operand_edges(graph.root)
    if len(edges) == 1:
        check(graph, edges[0], torchs(FOLDED[name]))
    else:  # x enters directly and through what was made of it outside
        through = sum(product(graph, edge) for edge in edges)
        assert torch.allclose(through, torchs(FOLDED[name]), rtol=1e-12, atol=1e-14)


def product(graph, edge):
    """Return the derivative of the root with respect to x along the paths that enter through one edge."""
    derivative = torch.tensor(graph.jacobian(edge).tolist(), dtype=torch.float64)
    if edge.source == "v0":
        return derivative
    inner = [graph.jacobian(one).tolist() for one in graph.operand_edges(edge.source) if one.source == "v0"]
    return torch.tensordot(derivative, sum(torch.tensor(part, dtype=torch.float64) for part in inner), dims=2)


def test_a_folded_loss_of_two_parameters():
    weight = [[0.1, 0.2, -0.3], [0.5, -0.4, 0.3]]
    graph = Graph(micrograd_sm.cross_entropy(Value(X), [1, 0]) + micrograd_sm.cross_entropy(Value(weight), [0, 2])).fold()
    target = torch.tensor([1, 0]), torch.tensor([0, 2])
    for k, edge in enumerate(graph.edges[:2]):
        start = torch.tensor([X, weight][k], dtype=torch.float64)
        check(
            graph,
            edge,
            torch.autograd.functional.jacobian(lambda x, t=target[k]: torch.nn.functional.cross_entropy(x, t), start),
        )
