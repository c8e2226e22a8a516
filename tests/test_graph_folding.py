"""Folding: scopes as single nodes, with the numbers, the gradient and the Jacobian of what they hold."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_sm import Array, Value, cross_entropy, log_softmax, maximum, nll_loss, sigmoid, softmax, softplus, stack, tanh
from micrograd_sm.graph import Edge, Graph, Node, local_derivative
from micrograd_sm.mode import scope

settings.register_profile("laws", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("laws")


def ops(graph):
    return [node.op for node in graph if node.op]


def losses():
    logits = Value([[1.0, 2.0, 0.1], [0.3, -1.0, 0.5]], name="logits")
    return logits, cross_entropy(logits, [1, 2])


# What is folded ------------------------------------------------------------------------------------------------------


def test_a_folded_scope_is_one_node_with_its_outputs_numbers():
    _, loss = losses()
    loss.backward()
    graph = Graph(loss)
    folded = graph.fold("log_softmax")
    inside = graph.members("s1")
    node = next(node for node in folded if node.folded)
    assert (node.op, node.symbol, node.scope, node.call) == ("log_softmax", "log_softmax", "cross_entropy", "s0")
    assert (node.id, node.folded, node.params) == (inside[-1], inside, {})
    assert (node.data, node.grad, node.name) == (graph[node.id].data, graph[node.id].grad, graph[node.id].name)
    assert folded.operand_edges(node.id) == (Edge("v0", node.id, 0),)
    assert (folded.folded, folded.members("s1"), folded.root) == (("s1",), (), graph.root)
    assert inside[0] in graph and inside[0] not in folded and node.id in folded and 3 not in graph


def test_scopes_are_chosen_by_name_path_id_and_depth():
    graph = Graph(losses()[1])
    by_name = graph.fold("log_softmax")
    assert by_name == graph.fold("cross_entropy/log_softmax") == graph.fold("s1")
    assert graph.fold(depth=1) == graph.fold("log_softmax", "nll_loss")
    assert ops(graph.fold(depth=1)) == ["log_softmax", "nll_loss"]
    assert ops(graph.fold()) == ops(graph.fold(depth=0)) == ["cross_entropy"]
    assert graph.fold(depth=7) == graph


def test_a_name_takes_every_call_and_an_id_takes_one():
    x = Value([1.0, 2.0])
    graph = Graph(softmax(softmax(x, dim=0), dim=0)[0])
    assert ops(graph.fold("softmax")) == ["softmax", "softmax", "index"]
    assert ops(graph.fold("s1")).count("softmax") == 1
    assert graph.fold("s1").folded == ("s1",)


def test_folds_add_up_and_open_one_by_one():
    graph = Graph(losses()[1])
    both = graph.fold("log_softmax").fold("nll_loss")
    assert both == graph.fold(depth=1)
    assert both.unfold("nll_loss") == graph.fold("log_softmax")
    outer = both.fold("cross_entropy")
    assert (outer.folded, ops(outer)) == (("s0",), ["cross_entropy"])
    assert outer.unfold("cross_entropy") == both  # what was folded inside is so still
    assert outer.unfold() == graph
    assert graph.unfold("nll_loss") == graph


def test_what_enters_a_scope_is_an_operand_once_in_creation_order():
    x, y = Value(2.0), Value(3.0)
    with scope("block"):
        z = (y * x + x) * y + 5.0
    folded = Graph(z + 0.0).fold("block")
    block = next(node for node in folded if node.op == "block")
    assert [edge.source for edge in folded.operand_edges(block.id)] == ["v0", "v1"]


def test_leaves_that_require_a_gradient_and_constants_used_elsewhere_are_not_swallowed():
    with scope("block"):
        w, shared, own = Value(2.0), Value(3.0, requires_grad=False), Value(4.0, requires_grad=False)
        y = w * shared + own
    folded = Graph(y * shared).fold("block")
    assert [(node.data, node.op, node.scope) for node in folded] == [
        (2.0, None, ""), (3.0, None, ""), (10.0, "block", ""), (30.0, "multiply", ""),
    ]  # fmt: skip
    assert [edge.source for edge in folded.operand_edges(folded.nodes[2].id)] == ["v0", "v1"]


def test_a_scope_with_two_outputs_stays_open():
    with scope("block"):
        y = Value(2.0).exp()
        z = y.log()
    graph = Graph(y * z)
    assert graph.fold("block") == graph
    assert graph.fold("block").folded == ()


def test_the_root_is_an_output():
    with scope("block"):
        y = Value(2.0).exp()
        z = y.log()
    assert ops(Graph(z).fold()) == ["block"]
    with scope("block"):
        root = Value(2.0).exp()
        root.log()
    assert ops(Graph(root).fold()) == ["block"]


def test_a_scope_of_leaves_alone_stays_open():
    with scope("parameters"):
        w = Value(2.0)
    graph = Graph(w.exp())
    assert graph.fold() == graph


def test_a_scope_whose_operations_were_made_between_others_stays_open():
    x = Value(1.0)
    turn, done = threading.Event(), threading.Event()
    made = []

    def work():
        with scope("threaded"):
            y = x.exp()
            turn.set()
            done.wait(10)
            made.append(y.log())

    thread = threading.Thread(target=work)
    thread.start()
    turn.wait(10)
    between = x * x
    done.set()
    thread.join()
    graph = Graph(made[0] + between)
    assert [node.scope for node in graph if node.op] == ["threaded", "", "threaded", ""]
    assert graph.fold("threaded") == graph
    assert ops(Graph(made[0]).fold("threaded")) == ["threaded"]  # without what came between


def test_folding_twice_or_nothing_is_folding_once():
    graph = Graph(losses()[1])
    assert graph.fold().fold() == graph.fold()
    plain = Graph(Value(1.0).exp())
    assert plain.fold() == plain == plain.unfold()


def test_gradients_can_be_replaced_inside_folds_too():
    x = Value([1.0, 2.0])
    graph = Graph(softmax(x, dim=0)[0]).fold()
    gradients = {node.id: 2.0 for node in graph.unfold() if not node.shape}
    changed = graph.with_gradients(gradients)
    assert changed.folded == graph.folded
    assert {node.id: node.grad for node in changed.unfold() if node.grad is not None} == gradients


# What is refused -----------------------------------------------------------------------------------------------------


def test_unknown_scopes_are_refused_with_those_that_there_are():
    graph = Graph(losses()[1])
    with pytest.raises(ValueError, match=r"no scope 'softmax'; the scopes are cross_entropy \(s0\), .*nll_loss \(s2\)"):
        graph.fold("softmax")
    with pytest.raises(ValueError, match="unfold: no scope 's9'"):
        graph.unfold("s9")
    with pytest.raises(ValueError, match="the scopes are none"):
        Graph(Value(1.0).exp()).fold("softmax")
    with pytest.raises(ValueError, match="the ids of its scopes are s0, s1, s2"):
        graph.members("cross_entropy")
    with pytest.raises(KeyError, match="inside a folded scope"):
        graph.fold()["v1"]


@pytest.mark.parametrize(
    ("names", "depth", "error"),
    [
        ((), -1, ValueError), ((), True, TypeError), ((), 1.0, TypeError), ((), "0", TypeError),
        (("log_softmax",), 0, ValueError), ((3,), None, TypeError), ((None,), None, TypeError),
    ],
)  # fmt: skip
def test_bad_choices_are_refused(names, depth, error):
    with pytest.raises(error, match="fold: "):
        Graph(losses()[1]).fold(*names, depth=depth)


def test_a_folded_graph_is_a_snapshot_too():
    graph = Graph(losses()[1]).fold()
    with pytest.raises(AttributeError, match="snapshot"):
        graph.nodes = ()
    with pytest.raises(TypeError):
        graph.unfold()["v1"].params["axis"] = ()
    assert copy.deepcopy(graph) == pickle.loads(pickle.dumps(graph)) == graph
    assert len({graph, copy.copy(graph)}) == 1


# Laws ----------------------------------------------------------------------------------------------------------------


def blocks(x, y):
    with scope("block"):
        w = tanh(x) * y
        with scope("inner"):
            w = w + sigmoid(x) * 0.5
        return w - x


def with_a_shared_operand(x, y):
    with scope("pair"):
        return x * y + (x - y).exp() * 0.0 + x


UNARY = [
    lambda x: softmax(x, dim=0),
    lambda x: log_softmax(x, dim=0),
    tanh,
    softplus,
    sigmoid,
    lambda x: stack([x[0], x[1], x[0]]),
]
BINARY = [
    blocks,
    with_a_shared_operand,
    maximum,
    lambda x, y: x * y,
    lambda x, y: x + cross_entropy(y, 1),
    lambda x, y: x * y[2],
]


@st.composite
def expressions(draw):
    """A loss made of scopes within scopes, whose operands are shared."""
    numbers = st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=3)
    values = [Value(draw(numbers)), Value(draw(numbers)), Value(draw(numbers), requires_grad=False)]
    for _ in range(draw(st.integers(1, 6))):
        operands = [values[draw(st.integers(0, len(values) - 1))] for _ in range(2)]
        if draw(st.booleans()):
            values.append(draw(st.sampled_from(UNARY))(operands[0]))
        else:
            values.append(draw(st.sampled_from(BINARY))(*operands))
    last = values[-1] + 0.0 * (values[0] + values[1])
    return draw(st.sampled_from([lambda: cross_entropy(last, 2), (last * values[-2]).sum, lambda: nll_loss(last, 0)]))()


@given(expressions(), st.data())
def test_laws_of_folding(loss, data):
    loss.backward()
    graph = Graph(loss)
    ids = [found.id for found in graph.scopes]
    chosen = data.draw(st.lists(st.sampled_from(ids), unique=True)) if ids else []
    folded = graph.fold(*chosen) if chosen else graph
    assert folded.unfold() == graph
    assert folded.unfold(*ids) == graph if ids else True
    assert folded.root == graph.root
    ids_so_far = set()
    for node in folded:  # acyclic, in creation order, nothing lost
        assert {edge.source for edge in folded.operand_edges(node.id)} <= ids_so_far
        assert node._replace(op=None, symbol="", params={}, scope="", call=None, folded=()) == graph[node.id]._replace(
            op=None, symbol="", params={}, scope="", call=None
        )
        ids_so_far.add(node.id)
    held = [id for node in folded for id in node.folded or (node.id,)]
    assert sorted(held) == sorted(node.id for node in graph)
    assert all(folded.members(id) == () for id in folded.folded)


@given(expressions(), st.data())
def test_what_folded_nodes_pass_on_is_what_the_open_graph_passes_on(loss, data):
    loss.backward()
    graph = Graph(loss)
    if graph.scopes:
        graph = graph.fold(*data.draw(st.lists(st.sampled_from([found.id for found in graph.scopes]), min_size=1)))
    totals = {}
    for edge in graph.edges:
        if graph[edge.source].requires_grad:
            passed = product(graph[edge.target], graph.jacobian(edge), graph[edge.source])
            before = totals.get(edge.source, [0.0] * len(passed))
            totals[edge.source] = [a + b for a, b in zip(before, passed, strict=True)]
    for id, total in totals.items():
        assert total == pytest.approx(flat(graph[id].grad), rel=1e-9, abs=1e-12)


def flat(x):
    return x.flat if isinstance(x, Array) else [x]


def product(node: Node, derivative, operand: Node):
    """Return upstream gradient times Jacobian, as a flat list."""
    columns = len(flat(operand.data))
    rows = [flat(derivative)[start : start + columns] for start in range(0, len(flat(derivative)), columns)]
    return [sum(g * row[k] for g, row in zip(flat(node.grad), rows, strict=True)) for k in range(columns)]


@given(expressions(), st.data())
def test_local_derivatives_say_what_the_jacobian_says(loss, data):
    graph = Graph(loss)
    if graph.scopes:
        graph = graph.fold(*data.draw(st.lists(st.sampled_from([found.id for found in graph.scopes]), min_size=1)))
    for edge in graph.edges:
        local, full = local_derivative(graph, edge), flat(graph.jacobian(edge))
        if local.kind in ("number", "jacobian"):
            assert flat(local.data) == full
        elif local.kind == "elementwise":
            assert local.data.shape == graph[edge.target].shape
            assert sum(flat(local.data)) == pytest.approx(sum(full), abs=1e-12)
        else:
            assert (local.data, len(full) > 64) == (None, True)
