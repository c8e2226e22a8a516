"""Random programs of the engine's operations, drawn by hypothesis; each can be run again and makes the same Values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from micrograd_sm import Value, cross_entropy, log_softmax, logsumexp, softmax
from micrograd_sm.mode import composed


@composed
def swish(x: Value) -> Value:
    return x * x.sigmoid()


@composed
def layer(x: Value, y: Value) -> Value:
    return swish(x * y) + softmax(y, -1)


ROW = 3  # every Value has shape (2, 3) or (3,) or (), so that any two can meet
UNARY: list[Callable[[Value], Value]] = [
    Value.tanh,
    Value.exp,
    Value.sin,
    Value.relu,
    Value.sigmoid,
    swish,
    lambda x: -x,
    lambda x: x * 0.5,
    lambda x: x**2.0,
    lambda x: x.sum(),
    lambda x: softmax(x, -1) if x.shape else x,
    lambda x: log_softmax(x, -1) if x.shape else x,
    lambda x: logsumexp(x, -1, keepdim=True) * x if x.shape else x,
    lambda x: x.amax(-1) if x.shape == (ROW,) else x,
    lambda x: x[0] if x.shape else x,
    lambda x: x[..., [2, 0, 0]] if x.shape else x,
    lambda x: x.transpose(0, 1).reshape(2, ROW) if len(x.shape) == 2 else x,
    lambda x: cross_entropy(x, [0, 2]) if len(x.shape) == 2 else x,
]
BINARY: list[Callable[[Value, Value], Value]] = [
    lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / (y * y + 1.0),
    lambda x, y: layer(x, y) if x.shape and y.shape else x * y,
    lambda x, y: x @ y.transpose(0, 1) @ x if len(x.shape) == len(y.shape) == 2 else x + y,
]  # fmt: skip

Program = tuple[list[Any], list[tuple[int, int, int]]]
numbers = st.floats(-2, 2, allow_subnormal=False)
shapes = [
    numbers,
    st.lists(numbers, min_size=ROW, max_size=ROW),
    st.lists(st.lists(numbers, min_size=ROW, max_size=ROW), min_size=2, max_size=2),
]


@st.composite
def programs(draw: Any, most: int = 10) -> Program:
    """Return leaves, and for each operation which it is and what it takes."""
    leaves = draw(st.lists(st.one_of(shapes), min_size=1, max_size=3))
    places = st.integers(0, 1000)
    return leaves, draw(st.lists(st.tuples(places, places, places), min_size=1, max_size=most))


def run(program: Program) -> tuple[list[Value], Value]:
    """Return all Values that a program makes by name, in order, and its loss: one number that depends on the last of them."""
    leaves, operations = program
    made = [Value(data, name=f"x{place}") for place, data in enumerate(leaves)]
    for which, first, second in operations:
        x, y = _chosen(made, first), _chosen(made, second)
        which %= len(UNARY) + len(BINARY)
        made.append(UNARY[which](x) if which < len(UNARY) else BINARY[which - len(UNARY)](x, y))
    return made, (made[-1] * made[0]).sum()


def _chosen(made: Sequence[Value], place: int) -> Value:
    return made[-1 - place % min(len(made), 4)]
