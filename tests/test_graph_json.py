"""Graphs as dicts and JSON: nothing is lost, nothing bad is read."""

from __future__ import annotations

import copy
import json
import math
import struct
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_sm import Array, Value, cat, cross_entropy, matmul, softmax, trace, where
from micrograd_sm.graph import Graph, local_derivative
from micrograd_sm.mode import scope

settings.register_profile("laws", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("laws")


def through_json(graph):
    text = graph.to_json()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    return Graph.from_json(text)


def x():
    return Value([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], name="x")


def second_order():
    start = Value(2.0)
    (start**3.0).backward(create_graph=True)
    slope, start.grad = start.grad, None
    return slope


KINDS = {
    "number": lambda: Value(2.0) * 3.0,
    "not a number": lambda: Value([math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308]) * 1.0,
    "integers": lambda: Value(2.0) * Value([2**62, -3], requires_grad=False),
    "bools": lambda: Value(2.0) * Value([True, False], requires_grad=False),
    "one integer": lambda: Value(2.0) * Value(3, requires_grad=False),
    "large": lambda: Value(list(range(10_000))).sum(),
    "no elements": lambda: x()[0:0],
    "slices": lambda: x()[..., 0:2],
    "steps": lambda: x()[:, ::2],
    "new axis": lambda: x()[None, 1],
    "list": lambda: x()[[1, 0, 1]],
    "nested list": lambda: x()[[[1], [0]]],
    "mask": lambda: x()[[True, False]],
    "array": lambda: x()[Array([1]), 0],
    "where": lambda: where(Value([1.0, 0.0, 2.0]) > 0.5, x(), 0.0),
    "where one": lambda: where(True, x(), 0.0),
    "cat": lambda: cat([x(), x()], 1),
    "permute": lambda: x().T,
    "matmul": lambda: matmul(x(), x().T),
    "reductions": lambda: x().sum(0, keepdim=True).amax(),
    "loss": lambda: cross_entropy(x(), [1, 2]),
    "name": lambda: Value(2.0, name="</script>]]>\"'\\ \u202e\ud800\x00").exp(),
    "gradient's graph": second_order,
}


@pytest.mark.parametrize("kind", KINDS)
def test_json_and_back_is_the_same_graph(kind):
    value = KINDS[kind]()
    graph = Graph(value)
    assert through_json(graph) == graph
    value.sum().backward()
    differentiated = Graph(value)
    again = through_json(differentiated)
    assert again == differentiated != graph
    for one, other in zip(differentiated, again, strict=True):
        assert (one.scope, one.symbol, one.shape, one.kind, list(one.params)) == (
            other.scope, other.symbol, other.shape, other.kind, list(other.params),
        )  # fmt: skip
        assert repr(one.params) == repr(other.params)
        assert repr(one.data) == repr(other.data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_from_json_knows_its_local_derivatives(kind):
    graph = Graph(KINDS[kind]())
    again = through_json(graph)
    assert [repr(local_derivative(graph, edge)) for edge in graph.edges] == [
        repr(local_derivative(again, edge)) for edge in again.edges
    ]


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
@pytest.mark.parametrize("dtype", [float, int, bool])
def test_arrays_of_no_elements_keep_their_shape(shape, dtype):
    numpy = pytest.importorskip("numpy")
    for data in (numpy.zeros(shape, dtype=dtype), Array.of([], shape, dtype)):
        graph = Graph(Value(data, requires_grad=False))
        for seen in (graph, through_json(graph)):
            assert seen["v0"].data.shape == seen["v0"].shape == shape
            assert seen["v0"].data.dtype is dtype
        assert through_json(graph) == graph
    empty = Value(numpy.zeros(shape))
    empty.sum().backward()
    graph = Graph(empty)
    assert graph["v0"].grad.shape == shape
    assert through_json(graph) == graph


@pytest.mark.parametrize("grad", [5.0, 5, [5.0], [[5.0]], Value(5.0)])
def test_a_gradient_that_was_set_as_a_number_has_the_shape_of_the_data(grad):
    start = Value([[1.0, 2.0]])
    start.grad = Array(grad) if isinstance(grad, list) else grad
    graph = Graph((start * start).sum())
    assert graph["v0"].grad.tolist() == [[5.0, 5.0]]
    assert Graph.from_dict(graph.to_dict()) == graph


def test_a_gradient_that_fits_no_data_is_shown_as_it_is():
    start = Value([1.0, 2.0])
    start.grad = Array([1.0, 2.0, 3.0])
    assert Graph(start)["v0"].grad.shape == (3,)


def test_folds_scopes_and_sources_are_kept():
    with trace(), scope("outer"):
        loss = cross_entropy(softmax(x(), 1), [0, 1])
    graph = Graph(loss).fold("softmax").fold("cross_entropy").fold("log_softmax")
    again = through_json(graph)
    assert (again, again.folded, again.scopes, again.nodes[-1].source) == (
        graph, graph.folded, graph.scopes, graph.nodes[-1].source,
    )  # fmt: skip
    assert again.unfold("cross_entropy") == graph.unfold("cross_entropy")
    assert graph != graph.unfold()
    assert [repr(again.jacobian(edge)) for edge in again.edges] == [repr(graph.jacobian(edge)) for edge in graph.edges]


@given(st.floats(allow_nan=True), st.lists(st.floats(allow_nan=True), min_size=1, max_size=4))
def test_every_float_comes_back_to_the_last_bit(number, numbers):
    graph = through_json(Graph(Value(number) + Value(numbers)))
    assert bits([graph["v0"].data]) == bits([number])
    assert bits(graph["v1"].data.flat) == bits(numbers)


def bits(numbers):
    return [struct.pack(">d", number) if number == number else "nan" for number in numbers]


def test_equality_is_of_every_bit_and_every_type():
    def graph(data, name=None):
        return Graph(Value(data, requires_grad=False, name=name))

    assert graph(math.nan) == graph(math.nan)
    assert graph(0.0) != graph(-0.0)
    assert graph(1) != graph(1.0) != graph(True) != graph([1.0])
    assert graph(1.0, "x") != graph(1.0, "y")
    assert graph(1.0) != "graph"
    assert len({graph(1.0), graph(1.0)}) == 1


def test_a_returned_dict_is_the_callers_own():
    graph = Graph(cross_entropy(x(), [1, 2]))
    before = graph.to_json()
    content = graph.to_dict()
    again = Graph.from_dict(content)
    content["nodes"][0]["data"]["flat"][0] = 100.0
    content["nodes"][1]["operands"].clear()
    content["scopes"].clear()
    assert graph.to_json() == before == again.to_json()


def test_a_key_that_changes_later_does_not_change_the_graph():
    key = [0, 1]
    start = x()
    graph = Graph(start[key])
    key.append(0)
    assert repr(graph[graph.root].params["key"]) == "Array([0, 1])"


PROGRAM = """
from micrograd_sm import Value, cross_entropy, trace
from micrograd_sm.graph import Graph
with trace():
    loss = cross_entropy(Value([[1.0, 2.0]]) * 0.1, [1])
print(Graph(loss).fold('log_softmax').to_json())
"""


def test_two_processes_write_the_same_bytes():
    first, second = (
        subprocess.run([sys.executable, "-c", PROGRAM], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert first.isascii()


# What is refused -----------------------------------------------------------------------------------------------------


def changed(path, content):
    """Return the dict of a graph in which one entry is another."""
    graph = Graph(cross_entropy(Value([1.0, 2.0]), 1)).fold("log_softmax")
    whole = copy.deepcopy(graph.to_dict())
    place = whole
    for step in path[:-1]:
        place = place[step]
    if content is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = content
    return whole


def nested(depth):
    """Return lists inside one another."""
    lists = []
    for _ in range(depth - 1):
        lists = [lists]
    return lists


ARRAY = ["nodes", 0, "data"]


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (["format"], "other", "format 'micrograd_sm.Graph' and a version"),
        (["format"], KeyError, "format"),
        (["version"], 2, "version 2 is unknown, only 1 is known"),
        (["version"], True, "version"),
        (["root"], "v99", "root 'v99' is not one of the"),
        (["root"], None, "root must be str, got None"),
        (["nodes"], KeyError, "has no 'nodes'"),
        (["nodes"], {}, "nodes must be list"),
        (["nodes"], [], "root"),
        (["nodes", 0], 3, "node 0 must be a dict"),
        (["nodes", 0, "id"], "v1", "ids are v0, v1"),
        (["nodes", 0, "data"], None, "there must be data"),
        (["nodes", 0, "data"], "1.0", "cannot read '1.0'"),
        (["nodes", 0, "data"], [1.0, 2.0], "must be a number or an array"),
        (["nodes", 0, "grad"], 1.0, "gradient must have its shape"),
        (["nodes", 0, "grad"], KeyError, "no 'grad'"),
        (["nodes", 0, "operands"], ["v1"], "'v1' is not an earlier node"),
        (["nodes", 0, "params"], {"axis": 1}, "operands or params, but no op"),
        (["nodes", 0, "name"], 3, "name must be str or null"),
        (["nodes", 0, "requires_grad"], 1, "requires_grad must be bool"),
        (["nodes", 0, "call"], "s9", "made in 's9'"),
        (["nodes", 1, "op"], "softmax", "there is no primitive 'softmax'; the primitives are add"),
        (["nodes", 1, "operands"], [], "max has 0 operands and takes 1"),
        (["nodes", 1, "params"], {"axis": [0]}, r"max has the parameters \['axis'\] and takes \['axis', 'keepdims'\]"),
        (["nodes", 1, "params", "axis"], {"set": [1]}, "node 1: axis: cannot read"),
        (["nodes", 1, "params", "axis"], math.nan, "cannot read nan"),
        (["nodes", 1, "params", "axis"], nested(18), "axis: lists nested more than 16 levels deep"),
        (["nodes", 1, "params", "axis"], nested(600), "axis: lists nested more than 16 levels deep"),
        (["nodes", 1, "params", "axis"], {"slice": [nested(600), None, None]}, "lists nested more than 16 levels deep"),
        (["nodes", 1, "params", "axis"], {"deep": nested(100_000)}, "too deep inside one another"),
        (["nodes", 0, "data"], nested(600), "data: lists nested more than 16 levels"),
        ([*ARRAY, "dtype"], "complex", "dtype"),
        ([*ARRAY, "shape"], [], "list of sizes"),
        ([*ARRAY, "shape"], [-2], "list of sizes"),
        ([*ARRAY, "shape"], [3], "flat list of 3 numbers"),
        ([*ARRAY, "flat"], [1.0, None], "holds None"),
        ([*ARRAY, "flat"], [1.0, True], "holds True"),
        ([*ARRAY, "dtype"], "int", "holds 1.0"),
        ([*ARRAY, "flat"], [10**400, 1.0], "no float can hold|too large"),
        (["scopes", 0, "id"], "s1", "ids are s0, s1"),
        (["scopes", 0, "outer"], "s1", "not an earlier scope"),
        (["scopes", 0, "name"], "a/b", "contain '/'"),
        (["folded"], ["s9"], "'s9', which is not one of the 3 scopes"),
        (["folded"], [["s1"]], "not one of the 3 scopes"),
    ],
)
def test_bad_dicts_are_refused_by_name(path, content, message):
    with pytest.raises(ValueError, match=rf"Graph\.from_dict: .*{message}"):
        Graph.from_dict(changed(path, content))


def test_a_scope_that_cannot_be_folded_is_not_read_as_folded():
    with scope("pair"):
        y = Value(2.0).exp()
        z = y.exp()
    content = Graph(y * z).to_dict()
    content["folded"] = ["s0"]
    with pytest.raises(ValueError, match="s0 is said to be folded and cannot be"):
        Graph.from_dict(content)


@pytest.mark.parametrize("text", ["", "{", "nan", "[]", "3", "null", "[" * 100_000, b"\xff"])
def test_text_that_is_no_graph_is_refused(text):
    with pytest.raises(ValueError, match=r"Graph\.from_"):
        Graph.from_json(text)


def test_what_is_no_text_is_refused():
    with pytest.raises(TypeError, match="expected text, got None"):
        Graph.from_json(None)
    with pytest.raises(ValueError, match="must be a dict"):
        Graph.from_dict([])
