"""Run every benchmark and print a table: `pip install -e .[bench]`, then `python benchmarks/run.py`, on a quiet machine."""

from __future__ import annotations

import platform

import chain
import compiled
import linear
import losses
import memory
import moons
import operators
import startup
import step
import storages
from timing import show

BENCHMARKS = (operators, chain, linear, compiled, moons, step, losses, storages, startup, memory)

if __name__ == "__main__":
    show([figure for benchmark in BENCHMARKS for figure in benchmark.measure()])
    print(f"\nPython {platform.python_version()}, {platform.machine()}; ratios of medians, measured alternately in one run.")
