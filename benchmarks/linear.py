"""Time and memory of chains of 10^3 to 10^6 numbers, forward and backward: both grow as the chain does.

    python benchmarks/linear.py [linear.svg]

prints seconds and bytes for each node, and draws them if a file is named (matplotlib, the extra `plot`).
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from time import process_time

from timing import Figure, show

from micrograd_sm import Value

SIZES = (1_000, 10_000, 100_000, 1_000_000)


def chain(nodes: int) -> Value:
    x, a, b = Value(0.5), Value(0.999), Value(0.001)
    for _ in range(nodes // 2):
        x = x * a + b
    x.backward()
    return x


def seconds_per_node(nodes: int) -> float:
    """Return the seconds of a node, the least of some runs, with the garbage collector off: it looks at all objects alive."""
    times = []
    gc.disable()
    for _ in range(max(3, 100_000 // nodes)):
        start = process_time()
        chain(nodes)
        times.append(process_time() - start)
    gc.enable()
    return min(times) / nodes


def bytes_per_node(nodes: int) -> float:
    gc.collect()
    tracemalloc.start()
    root = chain(nodes)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del root
    return used / nodes


def measure(sizes: tuple[int, ...] = SIZES) -> list[Figure]:
    """Return a figure for time and one for memory: the most over the least of a node, over all sizes."""
    times, memory = [seconds_per_node(n) for n in sizes], [bytes_per_node(n) for n in sizes]
    figures = []
    for what, found, unit, most in (
        ("time", [t * 1e9 for t in times], "ns", 1.6),
        ("memory", memory, "bytes", 1.1),
    ):
        ratio = max(found) / min(found)
        said = f"{ratio:.2f} ({', '.join(f'{x:.0f}' for x in found)} {unit})"
        name = f"{what} of a node, from {sizes[0]:,} to {sizes[-1]:,} nodes: most over least"
        figures.append(Figure(name, f"at most {most}", said, ratio <= most))
    if len(sys.argv) > 1 and __name__ == "__main__":
        plot(sizes, times, memory, sys.argv[1])
    return figures


def plot(sizes: tuple[int, ...], times: list[float], memory: list[float], path: str) -> None:
    """Draw total time and memory against the number of nodes, both axes logarithmic, beside a line of slope 1."""
    from matplotlib.figure import Figure as Picture  # noqa: PLC0415 - only for who asks for the picture

    picture = Picture(figsize=(8, 3.6), layout="constrained")
    for axes, found, unit in zip(picture.subplots(1, 2), (times, memory), ("seconds", "bytes"), strict=True):
        totals = [one * size for one, size in zip(found, sizes, strict=True)]
        axes.loglog(sizes, totals, "o-", label="measured")
        axes.loglog(sizes, [totals[0] * size / sizes[0] for size in sizes], ":", color="black", label="in proportion")
        axes.set_xlabel("nodes")
        axes.set_ylabel(unit)
        axes.legend(frameon=False)
    picture.savefig(path)


if __name__ == "__main__":
    show(measure())
