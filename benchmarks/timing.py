"""How every benchmark here measures: alternately, in one process, medians, with the garbage collector as Python has it."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple


class Figure(NamedTuple):
    """One line of the table: what was measured, the target, and what came out."""

    what: str
    target: str
    measured: str
    met: bool


def medians(*steps: Callable[[], Any], rounds: int, repeat: Sequence[int] = (), warmup: int = 1) -> list[float]:
    """Return the median seconds of each step, run A B A B ... for so many rounds after some that do not count.

    Each turn runs a step `repeat` times in a row, as a training loop does, with the garbage collector on. An engine whose
    graphs are reference cycles, as micrograd's are, so pays for collecting its own, and only its own: what is left behind is
    collected before the next clock starts. With a repeat of 1, the default, most of that falls between the clocks.
    """
    seconds: list[list[float]] = [[] for _ in steps]
    for turn in range(-warmup, rounds):
        for place, (step, times) in enumerate(zip(steps, repeat or [1] * len(steps), strict=True)):
            gc.collect()
            start = perf_counter()
            for _ in range(times):
                step()
            taken = perf_counter() - start
            if turn >= 0:
                seconds[place].append(taken / times)
    return [median(each) for each in seconds]


def with_deep_stack(function: Callable[[], Any]) -> Any:
    """Call a function that may recurse some ten thousand calls deep, as micrograd's backward does."""
    results: list[Any] = []
    old = sys.getrecursionlimit(), threading.stack_size(512 * 1024 * 1024)
    sys.setrecursionlimit(100_000)
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    sys.setrecursionlimit(old[0])
    threading.stack_size(old[1])
    return results[0]


def close(a: float, b: float, tolerance: float = 1e-9) -> bool:
    """Return whether two numbers agree, relative to their size."""
    return abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


def show(figures: list[Figure]) -> None:
    """Print the figures as a Markdown table."""
    print("| measured | target | here |\n| --- | --- | --- |")
    for figure in figures:
        print(f"| {figure.what} | {figure.target} | {figure.measured}{'' if figure.met else ' (missed)'} |")
