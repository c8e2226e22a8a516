"""Key presses from bytes, whatever the pieces in which they come, and the walk that they steer."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_sm import Value, cross_entropy
from micrograd_sm.mode import scope
from micrograd_sm.steps import steps
from micrograd_sm.steps.terminal.keys import Keys
from micrograd_sm.steps.terminal.walk import _ACTIONS, Walk

ARROWS = [b"\x1b[C", b"\x1bOD", b"\x1b[1~", b"\x1b[1;5C", b"\x1b[[A"]
TYPED = st.lists(st.sampled_from([*ARROWS, b"q", b"\r", b"7", b"\xff", "α".encode(), "名".encode()])).map(b"".join)


@given(TYPED, st.lists(st.integers(0, 60)))
def test_pieces_do_not_matter(typed, cuts):
    whole, pieces = Keys(), Keys()
    places = [0, *sorted(cut for cut in cuts if cut < len(typed)), len(typed)]
    found = [key for start, end in pairwise(places) for key in pieces.feed(typed[start:end])]
    assert found == whole.feed(typed)


@given(st.binary(max_size=200))
def test_no_bytes_break_it_or_hide_the_next_key(typed):
    keys = Keys()
    keys.feed(typed)
    keys.waited()
    assert keys.feed(b"\x1b[D")[-1:] == ["left"]
    assert keys.feed(b"q") == ["q"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (b"\x1b[A\x1b[B\x1bOA\x1bOB", ["up", "down", "up", "down"]),
        (b"\x1b[7~\x1b[8~\x1b[5~\x1b[6~\x1b[1;2H", ["home", "end", "page up", "page down", "home"]),
        (b"\x1b[3~\x1b[2~\x1b[24~\x1bOP\x1b[Z\x1bq\x1bC\x1bH", []),
        (b"\x1b\x1b[C", ["escape", "right"]),
        (b"12g\x1b[1;5D\x1b[15~/\xce\xb1\r", ["1", "2", "g", "left", "/", "α", "enter"]),
    ],
)
def test_sequences(typed, found):
    assert Keys().feed(typed) == found


def test_a_sequence_that_never_ends_is_given_up():
    keys = Keys()
    keys.feed(b"\x1b[" + b"1;" * 40)
    assert not keys.unfinished


def a_walk() -> Walk:
    logits = Value([[1.0, 2.0, 0.1]], name="logits")
    weight = Value(0.5, name="weight")
    return Walk(steps(cross_entropy(logits * weight, [2]) + weight * weight, names={}))


KEYS = sorted(_ACTIONS) + list("0123456789") + ["escape", "enter", "α", "backspace"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(KEYS), max_size=25))
def test_any_keys_leave_the_reader_at_a_step(pressed):
    walk = a_walk()
    final = walk.steps.graph.unfold()
    for key in pressed:
        walk.press(key)
        assert walk.step is walk.steps[walk.index]
        assert walk.rows[walk.step.node.id] < len(walk.steps.graph)
    assert walk.steps.graph.unfold() == final


@pytest.mark.parametrize("place", range(1, 30))
def test_folding_and_grain_keep_the_place(place):
    walk = a_walk()
    walk._to(min(place, len(walk.steps) - 1))
    index, step = walk.index, walk.step
    walk.press("c")
    assert (walk.step.phase, walk.step.node.id) == (step.phase, step.node.id)
    walk.press("c")
    assert walk.index == index
    walk.press("f")
    assert walk.step.phase == step.phase
    assert step.node.id in (walk.step.node.id, *walk.step.node.folded)


def test_a_scope_with_two_outputs_says_that_it_stays_open():
    x = Value(2.0, name="x")
    with scope("pair"):
        a, b = x * 2.0, x * 3.0
    walk = Walk(steps(a + b, names={}))
    walk.press("f")
    assert walk.message == "pair stays open: it cannot become a single operation"


def test_a_message_at_the_start_goes_with_the_first_key():
    walk = Walk(a_walk().steps, "hello")
    assert walk.message == "hello"
    walk.press("right")
    assert walk.message == ""
    walk.press("n")
    assert "there was no search yet" in walk.message
