"""Threads that share a graph: each backward pass is alone while it runs, and what it adds to `.grad` is not lost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from threading import Barrier, Thread

import pytest

from micrograd_sm import Value
from micrograd_sm.backward import gradients

PASSES, THREADS = 200, 4


@pytest.fixture(autouse=True)
def _often_switched() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def at_once(*works: Callable[[], None]) -> None:
    """Run each work in a thread of its own, all from the same moment on; raise the first error."""
    barrier, errors = Barrier(len(works)), []

    def run(work: Callable[[], None]) -> None:
        barrier.wait()
        try:
            for _ in range(PASSES):
                work()
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def shared() -> tuple[Value, Value]:
    """Return a leaf, and a deep value of it whose derivative by the leaf is 31 at 1."""
    x = Value(1.0)
    y = x
    for _ in range(30):
        y = y * x
    return x, y


def test_passes_over_a_shared_subgraph_add_up() -> None:
    x, y = shared()
    losses = [y * 2.0, y * 3.0, y * 1.0, y.exp() / y.exp()]
    at_once(*(loss.backward for loss in losses[:THREADS]))
    assert x.grad == PASSES * 31.0 * (2 + 3 + 1)
    assert [loss.grad for loss in losses] == [PASSES] * 4


def test_passes_with_and_without_a_graph() -> None:
    x, y = shared()

    def second() -> None:
        (slope,) = gradients([y * y], [Value(1.0, requires_grad=False)], [x], create_graph=True)
        assert slope.data == 62.0
        assert gradients([slope], [1.0], [x]) == [62.0 * 61.0]

    at_once((y * 1.0).backward, second, (y * 2.0).backward, second)
    assert x.grad == PASSES * 31.0 * 3


def test_a_pass_inside_a_pass_of_the_same_thread_is_no_deadlock() -> None:
    x, other = Value(2.0), Value(3.0)
    (x * x).backward(observe=lambda *event: (other * other).backward())
    assert (x.grad, other.grad) == (4.0, 12.0)
