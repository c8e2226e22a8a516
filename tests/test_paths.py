"""The ledger of paths: their number is exact, the largest are the largest, and all of them sum to the gradient."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_sm import Graph, Value, cat, cross_entropy, no_grad, softmax, stack
from micrograd_sm.graph import local_derivative
from micrograd_sm.study import paths
from micrograd_sm.study.why.elements import slopes


def walked(graph: Graph, node: str, x: str) -> list[float]:
    """Return the product of every path, by walking each one."""
    if node == x:
        return [1.0]
    found = []
    for edge in graph.operand_edges(node):
        slope = local_derivative(graph, edge).data
        found += [slope * rest for rest in walked(graph, edge.source, x)]
    return found


@st.composite
def scalar_graphs(draw: st.DrawFn) -> tuple[Value, Value]:
    x = Value(draw(st.floats(-2, 2)), name="x")
    values = [x, Value(draw(st.floats(-2, 2)), name="y")]
    for _ in range(draw(st.integers(1, 9))):
        a, b = draw(st.sampled_from(values[-3:])), draw(st.sampled_from(values[-3:]))
        values.append(draw(st.sampled_from([a + b, a * b, a - b, a.tanh(), a.sin(), a.relu()])))
    return values[-1] + x * 0.5, x


@settings(max_examples=200, deadline=None)
@given(scalar_graphs(), st.integers(1, 12))
def test_against_walking_every_path(drawn: tuple[Value, Value], k: int) -> None:
    loss, x = drawn
    found = paths(loss, x, k=k)
    every = walked(Graph(loss, {}), Graph(loss, {}).root, next(node.id for node in Graph(loss, {}) if node.name == "x"))
    assert found.total == len(every)
    sizes = sorted(map(abs, every), reverse=True)[:k]
    assert [abs(path.product) for path in found.largest] == pytest.approx(sizes, rel=1e-12)
    assert math.isclose(math.fsum(every), found.gradient, rel_tol=1e-9, abs_tol=1e-9)
    for path in found.largest:
        assert path.product == pytest.approx(math.prod(path.factors), rel=1e-12)
    loss.backward()
    assert found.gradient == x.grad


def test_more_paths_than_could_be_walked() -> None:
    x = Value(1.0, name="x")
    y = x
    for _ in range(60):
        y = y * 0.25 + y
    started = time.perf_counter()
    found = paths(y, x)
    assert time.perf_counter() - started < 1
    assert found.total == 2**60
    assert [path.product for path in found.largest] == [1.0, *[0.25] * 9]
    assert len(found.largest[0].factors) <= 120
    assert "1,152,921,504,606,846,976 paths from y to x; the 10 largest add up to 3.25, all of them to dy/dx = " in str(found)
    assert max(map(len, str(found).splitlines())) < 200


def test_long_products_neither_overflow_nor_vanish() -> None:
    x = Value(1.0, name="x")
    loss = x * 1e-200 * 1e-200 * 1e200 * 1e200 + x * 1e-3
    assert [path.product for path in paths(loss, x).largest] == pytest.approx([1.0, 1e-3])
    assert paths(x * 1e300 * 1e300, x).largest[0].product == math.inf


def test_infinite_and_nan_come_first() -> None:
    x = Value(0.0, name="x")
    found = paths(x**0.5 + x * 5.0 + x * math.nan, x)
    products = [path.product for path in found.largest]
    assert math.isnan(products[0]) and products[1:] == [math.inf, 5.0]


def test_the_paths_of_a_tensor_lead_through_its_elements() -> None:
    logits = Value([[1.0, 2.0, 0.1], [0.2, 0.3, 0.4]], name="logits")
    loss = cross_entropy(logits, [2, 0])
    whole = paths(loss, logits, k=1000)
    assert whole.total == len(whole.largest) == sum(paths(loss, logits, at=(i, j)).total for i in range(2) for j in range(3))
    loss.backward()
    assert whole.gradient.tolist() == logits.grad.tolist()
    for i in range(2):
        for j in range(3):
            products = [path.product for path in whole.largest if path.places[-1] == (i, j)]
            assert math.isclose(math.fsum(products), logits.grad.tolist()[i][j], abs_tol=1e-12)
            one = paths(loss, logits, at=(i, j))
            assert one.gradient == logits.grad.tolist()[i][j] and one.x == f"logits[{i}, {j}]"


def test_matrix_products_and_large_tensors() -> None:
    w, x = Value([[0.1 * i - 0.3 * j for i in range(12)] for j in range(10)], name="w"), Value([[1.0] * 10], name="x")
    loss = ((x @ w).tanh() @ Value([[1.0]] * 12, requires_grad=False)).sum()
    assert paths(loss, w).total == 120
    assert paths(loss, w, at=0).gradient.shape == (12,)
    assert paths(loss, x, at=(0, 3)).total == 12


MIXING: dict[str, Callable[[Value], Value]] = {
    "reshape": lambda x: x.reshape(3, 2),
    "transpose": lambda x: x.transpose(0, 1),
    "expand": lambda x: x.unsqueeze(1).expand(2, 4, 3),
    "picked twice": lambda x: x[:, [0, 2, 2]],
    "cat": lambda x: cat([x, x * 2.0, x], 1),
    "sum": lambda x: x.sum(dim=1, keepdim=True),
    "sum of all": lambda x: x.sum(),
    "max": lambda x: x.amax(dim=0),
    "matmul": lambda x: x @ x.transpose(0, 1),
    "batched matmul": lambda x: stack([x, x + 1.0]) @ x.transpose(0, 1),
}


@pytest.mark.parametrize("name", MIXING)
def test_edges_between_elements_are_the_jacobian_without_zeros(name: str) -> None:
    x = Value([[1.0, 2.0, 0.0], [4.0, 5.0, 6.0]])
    graph = Graph(MIXING[name](x))
    for edge in graph.edges:
        jacobian = graph.jacobian(edge)
        width = math.prod(graph[edge.source].shape)
        dense = [(at // width, at % width, slope) for at, slope in enumerate(jacobian.flat) if slope != 0]
        assert sorted(step for step in slopes(graph, edge) if step[2] != 0) == dense


def test_a_layer_of_real_size() -> None:
    x, w = Value([[0.01 * (i - j) for j in range(30)] for i in range(32)]), Value([[0.1] * 50] * 30, name="w")
    loss = (x @ w).tanh().sum()
    assert paths(loss, w, at=(3, 4)).total == 31


def test_folded_scopes_are_one_hop() -> None:
    logits = Value([1.0, 2.0], name="logits")
    loss = softmax(logits, dim=0)[1].log()
    assert paths(loss, logits, depth=0, at=1).total == 1
    assert paths(loss, logits, at=1).total > 1
    assert paths(Graph(loss).fold(), "logits", at=0).gradient == paths(loss, logits, at=0).gradient


def test_no_grad_is_touched_and_the_result_is_plain_data() -> None:
    x = Value(2.0, name="x")
    found = paths(x * x, x)
    assert x.grad is None
    content: dict[str, Any] = json.loads(json.dumps(found.to_dict()))
    assert content["total"] == 2 and content["largest"][0]["factors"] == [2.0]
    assert paths(x.exp() * 1.0, "x").largest[0].nodes == ("v3", "v1", "v0")


def test_the_loss_itself_and_what_cuts_a_path() -> None:
    x = Value(2.0, name="x")
    y = x * x
    assert paths(y, y).total == 1 and paths(y, y).gradient == 1.0
    assert paths(x.detach() + x, x).total == 1


def test_what_it_refuses() -> None:
    x, other = Value(2.0, name="x"), Value(1.0, name="other")
    loss = x * Value(3.0, name="c", requires_grad=False)
    with pytest.raises(ValueError, match=r"paths: .*other.* is not among the 3 nodes of the loss"):
        paths(loss, other)
    with pytest.raises(ValueError, match="no node is called 'z'; names are 'c', 'loss', 'x'"):
        paths(loss, "z")
    with pytest.raises(ValueError, match="'x' is the name of 2 nodes; give the id of one: v0, v1"):
        paths(x * Value(1.0, name="x"), "x")
    assert paths(Graph(loss), x).gradient == 3.0
    with pytest.raises(ValueError, match="of a Graph, give a node's name or id"):
        paths(copy.copy(Graph(loss)), x)
    with pytest.raises(ValueError, match="c requires no gradient"):
        paths(loss, "c")
    with pytest.raises(ValueError, match="k must be an int above 0, got 0"):
        paths(loss, x, k=0)
    with pytest.raises(TypeError, match="expected a Value, or a node's name or id, got 3"):
        paths(loss, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"one number, got shape \(2,\)"):
        paths(Value([1.0, 2.0]) * 2, "v0")
    with no_grad(), pytest.raises(ValueError, match="requires no gradient"):
        paths(x * 2, "v0")
    soft = softmax(Value([1.0, 2.0]), dim=0)
    inside = soft.parents[0]
    with pytest.raises(ValueError, match="inside a folded scope; choose a larger depth, or None to open all"):
        paths(soft.sum(), inside, depth=0)
