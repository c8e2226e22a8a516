"""The engine's contract: order, accumulation, freshness of data, memory. Needs nothing but the standard library."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import tracemalloc
import weakref
from random import Random

import pytest

import micrograd_sm
from micrograd_sm import Array, Value, no_grad
from micrograd_sm.backward import differentiate, gradients
from micrograd_sm.engine import PLAIN_FORMS
from micrograd_sm.primitives import PRIMITIVES


def test_there_are_at_most_two_dozen_primitives() -> None:
    assert len(PRIMITIVES) <= 28


def test_parents_are_ordered_and_keep_duplicates() -> None:
    x, y = Value(2.0), Value(3.0)
    assert (x * x).parents == (x, x)
    assert (x - y).parents == (x, y)
    assert (5 - x).parents[1] is x
    assert x.parents == () and x.op is None


def test_numbers_stay_python_floats() -> None:
    for value in (Value(2), Value(True), Value(2) * 3, Value([1, 2]).sum(), micrograd_sm.exp(0)):
        assert type(value.data) is float


def test_integers_stay_integers_only_where_no_gradient_is_required() -> None:
    assert Value([0, 2], requires_grad=False).tolist() == [0, 2]
    assert repr(Value([0, 2], requires_grad=False).tolist()) == "[0, 2]"
    assert repr(Value([0, 2]).tolist()) == "[0.0, 2.0]"


def test_backward_visits_in_descending_creation_order() -> None:
    x = Value(0.5)
    y = x * 2.0
    z = y.exp() + y.sin() * x
    seen: list[int] = []
    differentiate(z, 1.0, observe=lambda node, place, g, contribution: seen.append(node.number))
    assert seen == sorted(seen, reverse=True) and len(seen) == 8 - 1


def test_the_observer_sees_each_operand_in_order_and_changes_nothing() -> None:
    def gradients(observe: object) -> list:
        x, w = Value([1.0, 2.0]), Value([[1.0, 2.0], [3.0, 4.0]])
        loss = ((w @ x) * x).tanh().sum()
        differentiate(loss, 1.0, observe=observe)
        return [x.grad.tolist(), w.grad.tolist()]

    seen = []
    assert gradients(lambda *step: seen.append(step)) == gradients(None)
    assert [(node.op, place) for node, place, _, _ in seen][:4] == [("sum", 0), ("tanh", 0), ("multiply", 0), ("multiply", 1)]


def test_grad_is_none_before_and_accumulates_over_passes() -> None:
    x = Value(3.0)
    y = x * x
    z = y * 2.0
    assert x.grad is None and y.grad is None
    z.backward()
    assert (x.grad, y.grad, z.grad) == (12.0, 2.0, 1.0)
    z.backward()
    assert x.grad == 24.0  # fed back afresh, not through the doubled gradient of y
    assert (y.grad, z.grad) == (4.0, 2.0)  # as torch does after retain_grad()


def test_two_losses_over_a_shared_intermediate() -> None:
    x = Value(2.0)
    shared = x * x
    (shared * 3.0).backward()
    (shared * 5.0).backward()
    assert x.grad == 4.0 * (3.0 + 5.0) and shared.grad == 8.0


def test_constants_and_what_hangs_on_them_get_no_gradient() -> None:
    x, c = Value(2.0), Value(3.0, requires_grad=False)
    y = x * c + c * c
    y.backward()
    assert x.grad == 3.0 and c.grad is None
    assert (c * c).parents == () and not (c * c).requires_grad


def test_no_grad_as_context_and_decorator() -> None:
    x = Value(2.0)

    @no_grad()
    def square(v: Value) -> Value:
        return v * v

    with no_grad():
        inside = x * x
    assert not inside.requires_grad and not square(x).requires_grad and (x * x).requires_grad


def test_no_grad_without_brackets_says_what_it_needs() -> None:
    with pytest.raises(TypeError, match=r"@no_grad\(\)"):
        no_grad(lambda: None)


def test_no_grad_holds_for_its_own_thread_only() -> None:
    found = []
    with no_grad():
        thread = threading.Thread(target=lambda: found.append((Value(1.0) * 2.0).requires_grad))
        thread.start()
        thread.join()
    assert found == [True]


def test_detach_cuts_the_graph() -> None:
    x = Value(2.0)
    y = x * x.detach()
    y.backward()
    assert x.grad == 2.0


class TestDataThatChanges:
    def test_setting_data_before_the_graph_is_made_is_fine(self) -> None:
        x = Value(2.0)
        x.data = 5
        y = x * x
        y.backward()
        assert x.grad == 10.0 and type(x.data) is float

    def test_setting_a_leaf_after_it_was_used_is_an_error_and_changes_no_gradient(self) -> None:
        x, w = Value(2.0, name="x"), Value(1.0)
        y = x * x * w
        y.backward()
        x.data -= 0.1
        with pytest.raises(RuntimeError, match="'x' was set after multiply"):
            y.backward()
        assert (x.grad, w.grad) == (4.0, 4.0)

    def test_setting_an_intermediate_is_an_error(self) -> None:
        x = Value(2.0)
        y = x * x
        y.data = 7.0
        with pytest.raises(RuntimeError, match="set after"):
            (y * 1.0).backward()

    def test_a_training_loop_recomputes_and_goes_on(self) -> None:
        x = Value(4.0)
        for _ in range(50):
            x.grad = None
            loss = (x - 1.0) ** 2
            loss.backward()
            x.data -= 0.25 * x.grad
        assert abs(x.data - 1.0) < 1e-9

    def test_a_constant_that_changes_counts_too(self) -> None:
        x, c = Value(2.0), Value(3.0, requires_grad=False)
        y = x * c
        c.data = 4.0
        with pytest.raises(RuntimeError, match="set after"):
            y.backward()


class TestFailuresLeaveNothingBehind:
    def test_an_error_in_the_middle_of_backward(self) -> None:
        x = Value(2.0)
        y = x.exp()
        z = y * y
        calls = []

        def fail(*step: object) -> None:
            calls.append(step)
            if len(calls) == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            differentiate(z, 1.0, observe=fail)
        assert (x.grad, y.grad, z.grad) == (None, None, None)
        z.backward()
        assert x.grad == pytest.approx(2 * z.data)

    @pytest.mark.parametrize("wrong", ["abc", Array([1.0]), [1.0, 2.0]])
    def test_a_grad_that_cannot_be_added_to(self, wrong: object) -> None:
        x, y = Value([1.0, 2.0]), Value([3.0, 4.0])
        x.grad = wrong
        with pytest.raises(RuntimeError, match="set it to None"):
            (x * y).sum().backward()
        assert x.grad is wrong and y.grad is None

    def test_a_wrong_seed(self) -> None:
        x = Value([1.0, 2.0])
        with pytest.raises(RuntimeError, match=r"\(3,\).*\(2,\)"):
            (x * 2.0).backward([1.0, 2.0, 3.0])
        assert x.grad is None


class TestSecondDerivatives:
    def test_create_graph_gives_gradients_that_are_values(self) -> None:
        x = Value(3.0)
        (x**3).backward(create_graph=True)
        slope, x.grad = x.grad, None
        assert isinstance(slope, Value) and slope.data == 27.0
        slope.backward()
        assert x.grad == 18.0

    def test_create_graph_records_even_inside_no_grad(self) -> None:
        x = Value(3.0)
        y = x**3
        with no_grad():
            y.backward(create_graph=True)
        assert x.grad.requires_grad

    def test_a_plain_pass_after_it_leaves_plain_gradients(self) -> None:
        x = Value(3.0)
        y = x * x
        y.backward(create_graph=True)
        y.backward()
        assert x.grad == 12.0 and type(x.grad) is float

    def test_third_and_fourth(self) -> None:
        x = Value(0.7)
        g = x.sin()
        for expected in ("cos", "-sin", "-cos", "sin"):
            x.grad = None
            g.backward(create_graph=True)
            g = x.grad
            size = getattr(x.detach(), expected.lstrip("-"))().item()
            assert g.item() == pytest.approx(-size if expected[0] == "-" else size)
        x.grad = None


def chain(n: int) -> Value:
    x = a = Value(1.0)
    for _ in range(n // 2):
        x = x * a + 1e-9
    return x


def test_a_chain_of_a_million_operations_forward_backward_and_out_of_memory() -> None:
    """In a process of its own, with a small stack: recursion anywhere would end it."""
    program = """
import threading, resource
threading.stack_size(2 * 1024 * 1024)
def run():
    from micrograd_sm import Value
    x = a = Value(1.0)
    for _ in range(500_000):
        x = x * a + 1e-9
    x.backward()
    assert a.grad > 500_000, a.grad
    del x, a
    print("freed")
thread = threading.Thread(target=run); thread.start(); thread.join()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.strip() == "freed", done.stderr


def test_a_dropped_graph_is_freed_at_once_without_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        x = Value([[1.0, 2.0, 0.1], [1.2, 0.5, 0.3]])
        loss = micrograd_sm.cross_entropy(x, [2, 0], label_smoothing=0.1)
        loss.backward()
        nodes, found = [loss], {id(loss)}
        for node in nodes:
            nodes += [p for p in node.parents if id(p) not in found and not found.add(id(p))]
        watched = [weakref.ref(node) for node in nodes if node is not x]
        assert len(watched) > 12
        del loss, nodes, node
        assert [ref for ref in watched if ref() is not None] == []
        long = chain(1000)
        end = weakref.ref(long.parents[0])
        long.backward()
        del long
        assert end() is None
    finally:
        gc.enable()


def test_memory_of_a_dropped_graph_comes_back() -> None:
    chain(20_000).backward()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    chain(20_000).backward()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < peak / 10  # CPython keeps some empty tuples for reuse


def test_operators_mix_with_numbers_lists_and_arrays_on_both_sides() -> None:
    x = Value([1.0, 2.0])
    for result, expected in [
        (x + 1, [2.0, 3.0]), (1 + x, [2.0, 3.0]), (x - [1, 1], [0.0, 1.0]), ([1, 1] - x, [0.0, -1.0]), (x * (2, 3), [2.0, 6.0]),
        (Array([2.0, 3.0]) * x, [2.0, 6.0]), ([[2], [4]] / x, [[2.0, 1.0], [4.0, 2.0]]), (2**x, [2.0, 4.0]), (x**2, [1.0, 4.0]),
        ([[1, 0], [0, 1]] @ x, [1.0, 2.0]), (x @ [3, 4], 11.0), (-x, [-1.0, -2.0]), (+x, [1.0, 2.0]), (abs(-x), [1.0, 2.0]),
    ]:  # fmt: skip
        assert isinstance(result, Value) and result.tolist() == expected


def test_comparisons_are_plain() -> None:
    x = Value([1.0, 2.0])
    assert (x > 1).tolist() == [False, True] and (x <= [1, 1]).tolist() == [True, False]
    assert (Value(1.0) < Value(2.0)) is True and (Value(1.0) == 1.0) is True and (Value(1.0) != 1.0) is False
    assert (Value(1.0) == "a") is False and (x == None) is False  # noqa: E711
    assert Value(1.0) not in {Value(1.0)}


def test_conversions() -> None:
    x = Value([[1.5]])
    assert (x.item(), float(x), int(x), bool(x), len(x), x.tolist()) == (1.5, 1.5, 1, True, 1, [[1.5]])
    assert [row.tolist() for row in Value([[1, 2], [3, 4]])] == [[1.0, 2.0], [3.0, 4.0]]
    assert ["a", "b"][micrograd_sm.argmax([0.0, 1.0])] == "b"
    assert f"{Value(1.23456):.2f} {Value([1.0, 2.5]):.1f} {Value(2.0)}" == "1.23 [1.0, 2.5] Value(2.)"


def test_iteration_gives_values_that_gradients_flow_through() -> None:
    x = Value([1.0, 2.0, 3.0])
    total = sum(k * v for k, v in enumerate(x))
    total.backward()
    assert x.grad.tolist() == [0.0, 1.0, 2.0]


def test_lists_that_hold_values_are_stacked() -> None:
    a, b = Value(1.0), Value(2.0)
    probabilities = micrograd_sm.softmax([[a, 0.0], [b, b]], dim=1)
    probabilities[0, 0].backward()
    assert probabilities.shape == (2, 2) and a.grad == pytest.approx(0.19661193324148185) and b.grad == 0.0


def test_repr_lines_up_shortens_and_names_the_operation() -> None:
    x = Value([[1.0, -10.25], [1000.0, 2.0]], name="x")
    assert repr(x) == "Value([[   1.0000,  -10.2500],\n       [1000.0000,    2.0000]], name='x')"
    assert repr(x.sum()) == "Value(992.7500, op=sum)"
    assert repr(x.softmax(1)).endswith("op=softmax/divide)")
    assert repr(Value(2.0)) == "Value(2.)" and repr(Value(1, requires_grad=False)) == "Value(1, requires_grad=False)"
    big = repr(micrograd_sm.zeros(200, 30))
    assert "..." in big and len(big) < 700
    assert repr(micrograd_sm.zeros(0, 3)) == "Value([], shape=(0, 3), requires_grad=False)"


def test_seeds_make_random_values_repeatable() -> None:
    for make in (micrograd_sm.rand, micrograd_sm.randn, lambda *s, **k: micrograd_sm.randint(10, s, **k)):
        micrograd_sm.manual_seed(7)
        first = make(3, 2).tolist()
        micrograd_sm.manual_seed(7)
        assert make(3, 2).tolist() == first
        assert make(3, 2, generator=Random(1)).tolist() == make(3, 2, generator=Random(1)).tolist()
    weights = [[0.2, 0.3, 0.5]] * 4
    drawn = [micrograd_sm.multinomial(weights, 2, generator=Random(5)).tolist() for _ in range(2)]
    assert drawn[0] == drawn[1] and all(len(set(row)) == 2 for row in drawn[0])


def test_multinomial_without_replacement_draws_in_proportion_and_in_time() -> None:
    source = Random(0)
    pairs = [tuple(micrograd_sm.multinomial([1.0, 2.0, 3.0], 2, generator=source).tolist()) for _ in range(6000)]
    for pair, probability in {(2, 1): 3 / 6 * 2 / 3, (0, 1): 1 / 6 * 2 / 5, (1, 0): 2 / 6 * 1 / 4}.items():
        assert abs(pairs.count(pair) / 6000 - probability) < 0.02
    many = micrograd_sm.multinomial(micrograd_sm.ones(50_000), 50_000).tolist()
    assert sorted(many) == list(range(50_000))


def test_multinomial_draws_in_proportion() -> None:
    drawn = micrograd_sm.multinomial([1.0, 0.0, 3.0], 20_000, replacement=True, generator=Random(0)).tolist()
    assert drawn.count(1) == 0 and abs(drawn.count(2) / 20_000 - 0.75) < 0.01


def test_creation() -> None:
    assert micrograd_sm.rand(2, 4, 8).shape == micrograd_sm.randn((2, 4, 8)).shape == (2, 4, 8)
    assert micrograd_sm.full((2,), 3).tolist() == [3.0, 3.0] and micrograd_sm.zeros().shape == ()
    assert micrograd_sm.eye(2, 3).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    assert micrograd_sm.arange(1, 7, 2).tolist() == [1, 3, 5] and micrograd_sm.arange(3, 0, -1).tolist() == [3, 2, 1]
    assert all(0 <= x < 1 for x in micrograd_sm.rand(100).tolist())
    assert set(micrograd_sm.randint(2, 4, (100,)).tolist()) == {2, 3}
    assert micrograd_sm.ones(2, requires_grad=True).requires_grad and not micrograd_sm.ones(2).requires_grad


def test_the_graph_of_cross_entropy_shows_what_it_is_composed_of() -> None:
    loss = micrograd_sm.cross_entropy(Value([[1.0, 2.0, 0.1]]), [2])
    nodes, found = [loss], {loss}
    for node in nodes:
        nodes += [p for p in node.parents if p not in found and not found.add(p)]
    nodes.sort(key=lambda node: node.number)
    steps = [(node.scope, node.op) for node in nodes if node.op]
    inner, outer = "cross_entropy/log_softmax", "cross_entropy/nll_loss"
    assert steps == [
        (inner, "max"), (inner, "subtract"), (inner, "exp"), (inner, "sum"), (inner, "log"), (inner, "subtract"),
        (outer, "index"), (outer, "negative"), (outer, "sum"), (outer, "divide"),
    ]  # fmt: skip
    assert len(nodes) == 12  # with the logits, and the 1 target to divide by


@pytest.mark.parametrize("name", PLAIN_FORMS)
@pytest.mark.parametrize(
    "other", [3.0, 2, [1.0, 2.0], Array([0.5, 0.25]), Value(4.0), Value([1, 2], requires_grad=False), "x", None]
)
@pytest.mark.parametrize("x", [Value(2.0), Value([1.0, 2.0]), Value(2.0, requires_grad=False)], ids=str)
def test_fast_paths_agree_with_the_plain_forms(name: str, other: object, x: Value) -> None:
    fast, plain = getattr(Value, name)(x, other), PLAIN_FORMS[name](x, other)
    if plain is NotImplemented:
        assert fast is NotImplemented
        return
    kept = [(y.data, y.op, y.requires_grad, y.params, [parent.data for parent in y.parents]) for y in (fast, plain)]
    assert repr(kept[0]) == repr(kept[1])
    assert [parent is x for parent in fast.parents] == [parent is x for parent in plain.parents]


def test_the_written_out_pass_over_numbers_agrees_with_the_plain_one() -> None:
    """An observer, and a graph of the gradient, take the plain way."""
    runs = []
    for way in ({}, {"observe": lambda *event: None}, {"create_graph": True}):
        x, y, k = Value(0.7), Value(-1.3), Value(2.0, requires_grad=False)
        z = x * y - x / y + (x + k) ** y + x * x
        (z * z + x).backward(**way)
        runs.append([float(leaf.grad) for leaf in (x, y)] + [k.grad])
    assert runs[0] == runs[1] == runs[2]


def test_a_root_named_twice_has_both_seeds() -> None:
    x = Value(3.0)
    y = x * x
    assert gradients([y, y], [1.0, 10.0], [x]) == [66.0]
    assert gradients([y, x, y], [1.0, 5.0, -10.0], [x]) == [-49.0]
    assert gradients([x, x], [1.0, -10.0], [x]) == [-9.0]
    assert x.grad is None
