"""Graph: ids, order, edges and names, a snapshot that nothing changes afterwards."""

import subprocess
import sys

import pytest

from micrograd_sm import Array, Value, cross_entropy, no_grad
from micrograd_sm.graph import Edge, Graph


def test_nodes_are_in_creation_order_whatever_the_order_of_operands():
    a, b = Value(2.0), Value(3.0)
    late = b * 4.0
    graph = Graph(late - a)
    assert [(node.id, node.op, node.data) for node in graph] == [
        ("v0", None, 2.0),
        ("v1", None, 3.0),
        ("v2", None, 4.0),
        ("v3", "multiply", 12.0),
        ("v4", "subtract", 10.0),
    ]
    assert graph.root == "v4"
    assert graph.operand_edges("v4") == (Edge("v3", "v4", 0), Edge("v0", "v4", 1))


def test_the_root_need_not_be_made_last():
    x = Value(2.0)
    y = x * x
    x.exp()
    assert Graph(y).root == "v1"


def test_an_operand_used_twice_has_two_edges():
    x = Value(3.0)
    assert Graph(x * x).edges == (Edge("v0", "v1", 0), Edge("v0", "v1", 1))


def test_each_node_says_how_it_was_made():
    loss = cross_entropy(Value([[1.0, 2.0]]), [1])
    nodes = {node.op: node for node in Graph(loss)}
    assert nodes["max"].scope == "cross_entropy/log_softmax"
    assert nodes["max"].params["axis"] == (1,)
    assert nodes["subtract"].symbol == "-"
    assert nodes["index"].shape == (1,)


def test_kinds():
    with no_grad():
        untracked = Value(1.0) * 2.0
    graph = Graph(Value(1.0) * untracked)
    assert [node.kind for node in graph] == ["constant", "leaf", "intermediate"]


def test_gradients_are_none_before_backward_and_stay_as_they_were():
    x = Value(3.0)
    y = x * x
    before = Graph(y)
    y.backward()
    after = Graph(y)
    y.backward()
    x.data = 7.0
    assert (before["v0"].grad, after["v0"].grad, after["v0"].data) == (None, 6.0, 3.0)


def test_a_gradient_with_a_graph_is_shown_as_a_number():
    x = Value(3.0)
    y = x * x
    y.backward(create_graph=True)
    assert Graph(y)["v0"].grad == 6.0
    x.grad = None


def test_arrays_of_other_libraries_are_copied():
    np = pytest.importorskip("numpy")
    held = np.array([1.0, 2.0])
    graph = Graph(Value(held).sum())
    held[0] = 100.0
    assert isinstance(graph["v0"].data, Array)
    assert graph["v0"].data.tolist() == [1.0, 2.0]


def test_a_snapshot_cannot_be_changed():
    graph = Graph(Value(1.0).exp())
    with pytest.raises(AttributeError, match="snapshot"):
        graph.nodes = ()
    with pytest.raises(AttributeError, match="snapshot"):
        del graph.nodes
    with pytest.raises(TypeError):
        Graph(cross_entropy(Value([[1.0]]), [0]))["v1"].params["axis"] = ()


def test_what_is_no_value_is_refused():
    with pytest.raises(TypeError, match=r"3\.0 of type float"):
        Graph(3.0)
    with pytest.raises(KeyError, match="v0 to v1"):
        Graph(Value(1.0).exp())["v9"]


def test_repr_counts():
    x = Value(1.0)
    assert repr(Graph(x * x)) == "<Graph of 2 nodes and 2 edges, root v1>"


# Size and repetition ------------------------------------------------------------------------------------------------


def test_a_chain_of_100_000_nodes():
    x = y = Value(1.0)
    for _ in range(100_000):
        y = y + x
    graph = Graph(y)
    assert (len(graph), len(graph.edges), graph.root) == (100_001, 200_000, "v100000")


PROGRAM = """
from micrograd_sm import Value, cross_entropy
from micrograd_sm.graph import Graph
W = {"a": Value([[1.0, 2.0]]), "b": [Value(0.5)]}
loss = cross_entropy(W["a"] * W["b"][0], [1])
loss.backward()
for node in Graph(loss): print(node)
print(Graph(loss).edges)
"""


def test_two_processes_give_the_same_bytes():
    first, second = (
        subprocess.run([sys.executable, "-c", PROGRAM], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert b"W['b'][0]" in first
