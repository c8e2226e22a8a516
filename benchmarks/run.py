"""Run every benchmark and print a table: `pip install -e .[bench]`, then `python benchmarks/run.py`, on a quiet machine."""

from __future__ import annotations

import platform

import chain
import compiled
import memory
import moons
import startup
import step
from timing import show

if __name__ == "__main__":
    show([figure for benchmark in (chain, compiled, moons, step, startup, memory) for figure in benchmark.measure()])
    print(f"\nPython {platform.python_version()}, {platform.machine()}; ratios of medians, measured alternately in one run.")
