"""Which slip a wrong gradient is: the first candidate that gives the same numbers, or a factor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from micrograd_sm.array import Array, flat_of, shape_of
from micrograd_sm.primitives import expand
from micrograd_sm.study.mistakes.region import Region, largest
from micrograd_sm.study.mistakes.slips import SAYS, Candidate, candidates
from micrograd_sm.words.numbers import number_text


def difference(x: Any, y: Any) -> float:
    return max((abs(a - b) if a != b and (a == a or b == b) else 0.0 for a, b in zip(flat_of(x), flat_of(y))), default=0.0)


def same(x: Any, y: Any, off: float) -> bool:
    if shape_of(x) != shape_of(y):
        return False
    return all(a == b or (a != a and b != b) or abs(a - b) <= off for a, b in zip(flat_of(x), flat_of(y)))


def slip_of(
    region: Region,
    x: Any,
    expected: Any,
    exact: float,
    scale: float,
    others: Mapping[str, Any],
    parts: Any,
    labels: Mapping[str, str],
) -> tuple[str, str]:
    """Return the kind of the slip, "" if none fits, and the reason."""
    tolerance = exact * max(scale, largest(expected))
    factor = _factor(x, expected, exact)
    known = [candidate for candidate in candidates(region, others, parts) if candidate.gradient is not None]
    fits = (
        candidate
        for alike in (x, *_repeated(x, shape_of(expected)))
        for candidate in known
        if same(alike, candidate.gradient, tolerance)
    )
    found: Candidate | None = next(fits, None)
    if found is None and factor is not None:
        return _named_factor(region, factor, exact)
    for edge in region.edges if found is None else ():
        rest = region.pull({edge: lambda s: 0.0 * s.x})
        if shape_of(x) == shape_of(rest) and (factor := _factor(x - rest, expected - rest, exact)) is not None:
            kind, reason = _named_factor(region, factor, exact)
            return kind, f"{reason}, at {_place(region, edge.target, labels)}"
    if found is None:
        if shape_of(x) != shape_of(expected):
            return "shape", f"its shape is {shape_of(x)}, and that of the value is {shape_of(expected)}"
        return "", f"it is off by at most {number_text(difference(x, expected))}; no slip that is known gives these numbers"
    where = f", at {_place(region, found.node, labels)}" if found.node else ""
    if shape_of(x) != shape_of(expected):
        where += f" (shape {shape_of(x)}, should be {shape_of(expected)})"
    return found.kind, SAYS[found.kind] + where


def _place(region: Region, id: str, labels: Mapping[str, str]) -> str:
    node = region.graph[id]
    return labels[id] if node.name or id == region.graph.root else f"{node.op} ({id})"


def _repeated(x: Any, shape: tuple[int, ...]) -> Iterator[Any]:
    """Yield a gradient repeated to the shape that it should have, if it has another and that can be."""
    if shape_of(x) != shape:
        with suppress(ValueError, RuntimeError, IndexError, TypeError):
            yield expand(x, shape=shape) if shape_of(x) else Array.of([x] * math.prod(shape), shape)


def _factor(x: Any, expected: Any, exact: float) -> float | None:
    """Return by how much a gradient is too large, if that is the same everywhere."""
    if shape_of(x) != shape_of(expected):
        return None
    best = max(zip(map(abs, flat_of(expected)), flat_of(x), flat_of(expected)), default=(0.0, 0.0, 0.0))
    factor = best[1] / best[2] if best[2] else 0.0
    return factor if factor and math.isfinite(factor) and same(x, expected * factor, exact * abs(factor) * best[0]) else None


def _named_factor(region: Region, factor: float, exact: float) -> tuple[str, str]:
    """Return what a factor that is too much, or too little, comes from."""
    about = lambda other: abs(factor - other) <= exact * abs(other)
    counts = {size for node in region.graph for size in node.shape if size > 1}
    for n in sorted(counts):
        if about(n / (n - 1)) or about((n - 1) / n):
            return "variance", f"{SAYS['variance']} (n = {n})"
    constants = {abs(c) for edge in region.edges for c in _constants(region, edge)} | {2.0}
    for c in sorted(constants - {0.0, 1.0}, reverse=True):
        for size, sign in _signed(c):
            if about(size):
                return "factor", sign
    for a in sorted(counts):
        if about(a) or about(1 / a):
            return "factor", f"it is {number_text(factor)} times what it should be: a sum or a mean over {a}"
    for a in sorted(counts):
        for b in sorted(counts):
            if a != b and about(a / b):
                return "wrong count", f"{SAYS['wrong count']}: {a} and {b} are mixed up"
    return "factor", f"it is {number_text(factor)} times what it should be"


def _signed(c: float) -> list[tuple[float, str]]:
    text = number_text(c)
    return [
        (1.0 / c, f"the factor {text} is missing"),
        (c, f"it is not divided by {text}, or the factor {text} is there twice"),
        (-1.0 / c, f"the factor {text} is missing, and the sign is wrong"),
        (-c, f"it is not divided by {text}, or the factor {text} is there twice, and the sign is wrong"),
    ]


def _constants(region: Region, edge: Any) -> Iterator[float]:
    for operand in region.graph.operand_edges(edge.target):
        x = region.data[operand.source]
        if operand.source != edge.source and not shape_of(x):
            yield x
            if x:
                yield 1.0 / x
