"""Scopes and traced lines: where a value was made."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from micrograd_sm import Graph, Value, no_grad, softmax, trace
from micrograd_sm.mode import composed, current_mode, recording, scope

# Scopes -------------------------------------------------------------------------------------------------------------


def paths(graph):
    return [(found.id, found.path, found.outer) for found in graph.scopes]


def test_two_calls_of_one_function_are_told_apart():
    x = Value([1.0, 2.0])
    graph = Graph(softmax(softmax(x, dim=0), dim=0)[0])
    assert paths(graph) == [("s0", "softmax", None), ("s1", "softmax", None)]
    assert {graph.members("s0"), graph.members("s1")} == {
        tuple(node.id for node in graph if node.call == "s0"),
        tuple(node.id for node in graph if node.call == "s1"),
    }


def test_scopes_are_numbered_in_the_order_in_which_they_were_opened():
    with scope("outer"):
        x = Value(1.0)
        with scope("inner"):
            y = x.exp()
        with scope("inner"):
            z = y.exp()
    graph = Graph(z)
    assert paths(graph) == [("s0", "outer", None), ("s1", "outer/inner", "s0"), ("s2", "outer/inner", "s0")]
    assert [node.call for node in graph] == ["s0", "s1", "s2"]
    assert graph.members("s0") == ("v0", "v1", "v2")


def test_a_scope_that_is_used_again_is_another_call():
    block = scope("block")
    y = Value(1.0)
    for _ in range(2):
        with block:
            y = y.exp()
    assert paths(Graph(y)) == [("s0", "block", None), ("s1", "block", None)]


def test_a_scope_as_a_decorator_is_another_call_each_time():
    @scope("double")
    def double(x):
        return x * 2.0

    assert len(Graph(double(double(Value(1.0)))).scopes) == 2


def test_only_scopes_that_made_something_are_listed():
    x = Value(1.0)
    with scope("elsewhere"):
        x.exp()
    assert Graph(x.exp()).scopes == ()


def test_an_error_closes_the_scopes():
    @composed
    def fails(x):
        raise RuntimeError(str(x))

    with pytest.raises(RuntimeError), scope("outer"):
        fails(Value(1.0))
    assert Value(1.0).scope == ""


@pytest.mark.parametrize(
    "change", [no_grad(), trace(), recording(False), scope("shared")], ids=lambda change: type(change).__name__
)
def test_two_threads_may_run_one_decorated_function_at_once(change):
    inside, ended, modes, errors = threading.Barrier(2), threading.Event(), [], []

    @change
    def overlapping(first):
        inside.wait(10)
        if first:  # ends while the second is still inside, which entered later or earlier
            ended.wait(10)
        modes.append((current_mode().recording, current_mode().place.path))

    def run(first):
        try:
            before = current_mode()
            overlapping(first)
            assert current_mode() is before
        except BaseException as error:
            errors.append(error)
        ended.set()

    for start in ((True, False), (False, True)):
        ended.clear()
        threads = [threading.Thread(target=run, args=(first,)) for first in start]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert len(set(modes)) == 1
    assert len(modes) == 4


@pytest.mark.parametrize(
    "change", [no_grad(), trace(), recording(False), scope("shared")], ids=lambda change: type(change).__name__
)
def test_two_tasks_may_be_inside_one_context_at_once(change):
    async def task(order, place, leaves):
        before = current_mode()
        with change:
            inside = current_mode()
            order[place].set()
            await order[1 - place].wait()
            await leaves.wait()
            assert current_mode() is inside
        assert current_mode() is before

    async def main():
        order, leaves = [asyncio.Event(), asyncio.Event()], [asyncio.Event(), asyncio.Event()]
        tasks = [asyncio.create_task(task(order, place, leaves[place])) for place in (0, 1)]
        for leave, one in zip(leaves, tasks, strict=True):  # the first to enter leaves first
            leave.set()
            await one

    with ThreadPoolExecutor(1) as elsewhere:  # other tests may have left an event loop running in this thread
        elsewhere.submit(asyncio.run, main()).result()


def test_a_context_that_is_entered_again_inside_itself_or_left_by_a_generator():
    shared = no_grad()

    def numbers():
        with shared:
            yield current_mode().recording

    with shared, shared:
        assert not current_mode().recording
    assert current_mode().recording
    made = numbers()
    assert next(made) is False
    with scope("later"):
        made.close()
        assert current_mode().recording
        assert current_mode().place.path == "later"
    assert current_mode().recording
    assert current_mode().place.path == ""


def test_a_context_that_is_left_in_another_thread_says_so():
    change, said = no_grad(), []
    change.__enter__()

    def leave():
        with pytest.raises(RuntimeError, match="no_grad: left in another thread or task than it was entered in"):
            change.__exit__(None, None, None)
        said.append(True)

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    change.__exit__(None, None, None)
    assert said
    assert current_mode().recording


def test_threads_have_scopes_of_their_own():
    made = []
    with scope("here"):
        other = threading.Thread(target=lambda: made.append(Value(1.0)))
        other.start()
        other.join()
    assert made[0].scope == ""


@pytest.mark.parametrize(("name", "error"), [("", ValueError), ("a/b", ValueError), (3, TypeError), (None, TypeError)])
def test_a_scope_needs_a_name_that_a_path_can_hold(name, error):
    with pytest.raises(error, match="scope: the name"):
        scope(name)


def test_the_scope_of_a_value_cannot_be_set():
    with pytest.raises(AttributeError):
        Value(1.0).scope = "elsewhere"


# Lines --------------------------------------------------------------------------------------------------------------


def test_a_traced_node_knows_the_line_that_made_it():
    with trace():
        x = Value(2.0)
        y = softmax(x * Value([1.0, 2.0]), dim=0)
        loss = y[0]
    sources = [node.source.split(": ", 1) for node in Graph(loss)]
    start = test_a_traced_node_knows_the_line_that_made_it.__code__.co_firstlineno
    assert sources[0] == [f"test_mode.py:{start + 2}", "x = Value(2.0)"]
    assert {tuple(source) for source in sources[1:-1]} == {
        (f"test_mode.py:{start + 3}", "y = softmax(x * Value([1.0, 2.0]), dim=0)"),
    }
    assert sources[-1] == [f"test_mode.py:{start + 4}", "loss = y[0]"]


def test_what_is_not_traced_has_no_source():
    x = Value(2.0)
    with trace():
        y = x.exp()
    z = y.exp()
    assert [node.source is None for node in Graph(z)] == [True, False, True]


def test_trace_as_a_decorator_and_inside_other_modes():
    @trace()
    def cube(x):
        with scope("cube"), no_grad(), recording(True):
            return x**3.0

    graph = Graph(cube(Value(2.0)))
    assert graph[graph.root].source.endswith(": return x**3.0")
    assert graph[graph.root].scope == "cube"
    assert not current_mode().traced


def test_a_backward_pass_with_a_graph_is_traced_to_the_line_that_asked_for_it():
    with trace():
        x = Value(2.0)
        (x**3.0).backward(create_graph=True)
    graph = Graph(x.grad)
    x.grad = None
    assert graph[graph.root].source.endswith(": (x**3.0).backward(create_graph=True)")


def test_trace_without_brackets_says_so():
    with pytest.raises(TypeError, match=r"@trace\(\)"):
        trace(lambda x: x)


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("/tmp/ipykernel_4242/987654.py", "cell:2"),
        ("C:\\Users\\a\\AppData\\Local\\Temp\\ipykernel_1\\23.py", "cell:2"),
        ("<ipython-input-3-0123abcd>", "cell:2"),
        ("<stdin>", "<stdin>:2"),
        ("/home/a/neuron.py", "neuron.py:2"),
        ("C:\\work\\neuron.py", "neuron.py:2"),
    ],
)
def test_sources_do_not_name_a_machines_folders(filename, shown):
    made = {"Value": Value, "trace": trace}
    exec(compile("with trace():\n    y = Value(1.0).exp()", filename, "exec"), made)
    assert Graph(made["y"])["v1"].source == shown


def test_code_that_has_no_frame_of_its_own_outside_the_package():
    program = "from micrograd_sm import Graph, Value, trace\nwith trace(): y = Value(1.0).exp()\nprint(Graph(y)['v1'].source)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("<string>:2")


# Decorated generators and coroutines ---------------------------------------------------------------------------------


@no_grad()
def slopes(x: Value):
    """Yield whether what is made inside requires a gradient, and send back what it was sent."""
    while True:
        try:
            sent = yield (x * x).requires_grad
            x = x if sent is None else sent
        except KeyError:
            yield "caught", (x * x).requires_grad


def test_a_decorated_generator_computes_in_the_mode_and_its_user_outside_of_it():
    x = Value(2.0)
    made = slopes(x)
    for _ in range(3):
        assert next(made) is False
        assert (x * x).requires_grad
        assert made.send(x) is False
        assert current_mode().recording
    assert made.throw(KeyError("k")) == ("caught", False)
    assert current_mode().recording
    made.close()
    assert inspect.isgeneratorfunction(slopes)


def test_a_decorated_generator_returns_and_closes_as_without():
    closed = []

    @no_grad()
    def counting():
        try:
            yield 1
            return "done"
        finally:
            closed.append(current_mode().recording)

    def user():
        return (yield from counting())

    run = user()
    assert next(run) == 1
    with pytest.raises(StopIteration) as ended:
        next(run)
    assert ended.value.value == "done"
    left = counting()
    next(left)
    left.close()
    assert closed == [False, False]
    assert current_mode().recording


def test_a_decorated_generator_agrees_with_torchs():
    torch = pytest.importorskip("torch")

    def flags(x):
        for _ in range(2):
            yield (x * x).requires_grad

    def seen(decorator, x):
        return [(inside, (x * x).requires_grad) for inside in decorator(flags)(x)]

    theirs = seen(torch.no_grad(), torch.tensor(2.0, requires_grad=True))
    assert seen(no_grad(), Value(2.0)) == theirs == [(False, True), (False, True)]


def test_a_decorated_coroutine_computes_in_the_mode():
    x = Value(2.0)

    @no_grad()
    async def inside():
        await asyncio.sleep(0)
        return (x * x).requires_grad

    async def beside():
        await asyncio.sleep(0)
        return (x * x).requires_grad

    async def both():
        return await asyncio.gather(inside(), beside(), inside())

    with ThreadPoolExecutor(1) as pool:  # a thread of its own: another test's event loop may run in this one
        assert pool.submit(asyncio.run, both()).result() == [False, True, False]


def test_a_decorated_asynchronous_generator_is_refused_with_a_way_out():
    with pytest.raises(TypeError, match=r"write `with no_grad\(\):` inside it"):

        @no_grad()
        async def never():
            yield 1
