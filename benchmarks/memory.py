"""Bytes for each scalar node of a graph of 200,000, after forward and backward, over micrograd's.

A third of the nodes are leaves, a third their products with one factor, a third the sums that add those up pairwise (so
that micrograd's recursion stays shallow). tracemalloc counts what stays allocated while the graph is alive.
"""

from __future__ import annotations

import gc
import tracemalloc

import micrograd.engine
from timing import Figure, show

import micrograd_sm

LEAVES = 66_667


def graph(value):
    """Return the root of the graph, after a backward pass, and its leaves."""
    factor = value(0.5)
    leaves = [value(k / LEAVES) for k in range(LEAVES)]
    level = [leaf * factor for leaf in leaves]
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [a + b for a, b in zip(level[::2], level[1::2], strict=False)] + odd
    level[0].backward()
    assert leaves[-1].grad == 0.5
    return level[0]


def bytes_per_node(value) -> float:
    gc.collect()
    tracemalloc.start()
    root = graph(value)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del root
    return used / (3 * LEAVES)


def measure() -> list[Figure]:
    """Return the figure of this benchmark."""
    mine, reference = bytes_per_node(micrograd_sm.Value), bytes_per_node(micrograd.engine.Value)
    ratio = mine / reference
    measured = f"{mine:.0f} bytes, {ratio:.2f} of micrograd's {reference:.0f}"
    return [Figure("memory for each scalar node", "at most 220 bytes", measured, mine <= 220)]


if __name__ == "__main__":
    show(measure())
