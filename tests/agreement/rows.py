"""Rows of the table against torch: what a row is, and the shapes that its inputs are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Row:
    """An operation: its program, where it is smooth (for drawn inputs), and the shapes it takes."""

    operation: str
    program: Callable
    inputs: int = 1
    low: float = -3.0
    high: float = 3.0
    shapes: Any = None  # a strategy for a tuple of shapes; by default any, broadcasting where there are several
    special: bool = True  # also tried on special values, element by element
    order: int = 2  # of the derivatives compared; 1 where torch has no second one, or another rounding of it


def sides(least: int = 0) -> st.SearchStrategy:
    return st.integers(least, 3)


def any_shape(least: int = 0, most: int = 3, side: int = 0) -> st.SearchStrategy:
    return st.lists(sides(side), min_size=least, max_size=most).map(tuple)


@st.composite
def broadcasting(draw: Any, count: int) -> tuple:
    whole = draw(any_shape())
    shapes = []
    for _ in range(count):
        shape = [draw(st.sampled_from([size, 1])) for size in whole]
        shapes.append(tuple(shape[draw(st.integers(0, len(shape))) if draw(st.booleans()) else 0 :]))
    return tuple(shapes)


def one(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return strategy.map(lambda shape: (shape,))


@st.composite
def multiplying(draw: Any) -> tuple:
    n, k, m = (draw(sides()) for _ in range(3))
    left, right = draw(
        st.sampled_from(
            [
                ((k,), (k,)),
                ((n, k), (k,)),
                ((k,), (k, m)),
                ((n, k), (k, m)),
                ((2, n, k), (k, m)),
                ((n, k), (2, k, m)),
                ((2, 1, n, k), (3, k, m)),
                ((2, n, k), (k,)),
            ]
        )
    )
    return left, right


def fixed(*shapes: tuple) -> st.SearchStrategy:
    return st.just(shapes)


POSITIVE = {"low": 0.1, "high": 3.0}
NONEMPTY = one(any_shape(side=1))
