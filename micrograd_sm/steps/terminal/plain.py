"""Every step, printed: for a pipe, a file, a screen reader, or a terminal that cannot move its cursor."""

from __future__ import annotations

from collections.abc import Iterator

from micrograd_sm.steps import Steps


def lines(walk: Steps) -> Iterator[str]:
    """Yield the steps as text, numbered from 1 as `g` counts them, with the line of code that made each value if known.

    >>> from micrograd_sm import Value
    >>> from micrograd_sm.steps import steps
    >>> x = Value(3.0)
    >>> for line in lines(steps(x * x)):
    ...     print(line.split()[:2])
    ['1', 'forward']
    ['2', 'seed']
    ['3', 'backward']
    """
    width = len(str(len(walk)))
    for step in walk:
        source = f"    # {step.node.source}" if step.node.source and step.phase == "forward" else ""
        yield f"{step.index + 1:>{width}}  {step.phase:<8}  {step.text}{source}"
