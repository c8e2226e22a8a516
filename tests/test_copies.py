"""Copying and pickling: leaves, and what is made of leaves, by every way; values that were computed are refused in words."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from micrograd_sm import Graph, Value, load, nn, optim, steps


def pickled(x: Any) -> Any:
    return pickle.loads(pickle.dumps(x))


WAYS: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, pickled]
DEEP = [copy.deepcopy, pickled]


def float32(*numbers: float) -> Any:
    return pytest.importorskip("numpy").array(numbers, dtype="float32")


@pytest.mark.parametrize("copied", WAYS)
@pytest.mark.parametrize("data", [3.0, float("nan"), [[1.0, 2.0]], [], float32])
def test_a_leaf_is_copied_with_its_gradient_as_a_new_leaf(copied: Callable[[Any], Any], data: Any) -> None:
    x = Value(data(1.0, 2.0) if data is float32 else data, name="x")
    (x * 3.0).sum().backward()
    other = copied(x)
    assert type(other.data) is type(x.data) and type(other.grad) is type(x.grad)
    assert repr((other.data, other.grad, other.name)) == repr((x.data, x.grad, x.name))
    assert other.requires_grad and other.op is None and other.number > x.number
    kept = repr((x.data, x.grad))
    (other * 2.0).sum().backward()
    other.data = other.data * 0.0
    assert repr((x.data, x.grad)) == kept


@pytest.mark.parametrize("copied", WAYS)
def test_a_constant_stays_one(copied: Callable[[Any], Any]) -> None:
    target = Value([1, 2], requires_grad=False)
    assert not copied(target).requires_grad
    assert (copied(target).tolist(), copied(target).grad) == ([1, 2], None)


@pytest.mark.parametrize("copied", WAYS)
def test_a_copy_is_newer_than_a_change_of_its_data(copied: Callable[[Any], Any]) -> None:
    x = Value(2.0)
    x.data = 3.0
    other = copied(x)
    (other * other).backward()
    assert other.grad == 6.0


@pytest.mark.parametrize("copied", DEEP)
def test_what_is_shared_stays_shared(copied: Callable[[Any], Any]) -> None:
    x = Value([1.0, 2.0])
    first, second = copied([x, {"again": x}])
    assert first is second["again"] and first is not x


@pytest.mark.parametrize("copied", WAYS)
def test_a_computed_value_is_refused_at_any_depth(copied: Callable[[Any], Any]) -> None:
    torch = pytest.importorskip("torch")
    x = y = Value(1.0)
    for _ in range(10_000):
        y = y + x
    with pytest.raises(RuntimeError) as refused:
        copied(y)
    assert str(refused.value) == (
        "only leaves can be copied and pickled, and Value(10001., op=add), was computed, by add; take its detach(), or copy "
        "the leaves and compute it again"
    )
    assert copied(y.detach()).data == 10001.0
    z = torch.tensor(1.0, requires_grad=True) * 2.0
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(z)


@pytest.mark.parametrize("copied", WAYS)
def test_a_gradient_with_a_graph_is_refused(copied: Callable[[Any], Any]) -> None:
    x = Value(3.0)
    (x**2).backward(create_graph=True)
    with pytest.raises(RuntimeError, match=r"and the \.grad of a leaf, .*, was computed, by multiply"):
        copied(x)
    x.grad = x.grad.detach()
    assert copied(x).grad.data == 6.0


@pytest.mark.parametrize("copied", DEEP)
def test_a_module_trains_on_by_itself(copied: Callable[[Any], Any]) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    model[2].weight.requires_grad = False
    other = copied(model)
    before = model.state_dict()
    assert other.state_dict() == before
    assert [x.requires_grad for x in other.parameters()] == [x.requires_grad for x in model.parameters()]
    other(Value([[1.0, 2.0]])).sum().backward()
    optim.SGD([x for x in other.parameters() if x.requires_grad], lr=0.1).step()
    assert model.state_dict() == before
    assert other.state_dict() != before
    assert all(x.grad is None for x in model.parameters())


@pytest.mark.parametrize("copied", DEEP)
@pytest.mark.parametrize("kind", [lambda xs: optim.SGD(xs, lr=0.1, momentum=0.9), lambda xs: optim.Adam(xs, lr=0.1)])
def test_an_optimizer_goes_on_where_it_was(copied: Callable[[Any], Any], kind: Callable[[Any], Any]) -> None:
    x = Value([1.0, 2.0])
    pair = x, kind([x])
    stepped(*pair)
    other = copied(pair)
    assert other[1].params[0] is other[0]
    assert stepped(*other) == stepped(*pair) and other[0] is not x


def stepped(x: Value, optimizer: Any) -> list[float]:
    optimizer.zero_grad()
    (x * x).sum().backward()
    optimizer.step()
    return x.tolist()


@pytest.mark.parametrize("copied", WAYS)
@pytest.mark.parametrize("storage", [lambda number: [number], float32])
def test_graphs_and_steps_are_copied_with_all_that_they_hold(copied: Callable[[Any], Any], storage: Any) -> None:
    of = Value(storage(3.0), name="x")
    loss = (of * of).sum()
    graph, walk = Graph(loss), steps(loss)
    assert copied(graph) == graph
    assert copied(walk) == walk and copied(walk).text() == walk.text()


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", b"PK\x03\x04 a file of torch", b"\x80\x04N", b"cos\nsystem\n.", b"\x80\x04)R."]
)
def test_a_file_that_save_did_not_write_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(RuntimeError, match="does not hold what save writes"):
        load(io.BytesIO(content))
