"""How long something takes, for tests that hold a limit."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def timed() -> Iterator[list[float]]:
    """Give a list that holds one number after the block: the seconds that this process and those it ran kept a processor busy.

    Others on the machine do not count, nor does the measuring of coverage, which takes several times as long as the block does.
    """
    traced, seconds = sys.gettrace(), []
    sys.settrace(None)
    start = sum(os.times()[:4])
    try:
        yield seconds
    finally:
        seconds.append(sum(os.times()[:4]) - start)
        sys.settrace(traced)
