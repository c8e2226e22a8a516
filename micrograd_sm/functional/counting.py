"""Counts: how many elements there are in each bin."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, nan
from typing import Any, NamedTuple

from micrograd_sm.array import Array
from micrograd_sm.array.functions import flat_of
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.kinds import floats
from micrograd_sm.functional.selection import integers

__all__ = ["bincount", "histogram"]


class Histogram(NamedTuple):
    """The number of elements in each bin, and the edges between the bins, one more than there are bins."""

    hist: Value
    bin_edges: Value


def histogram(
    input: Any,
    bins: int | Sequence[float] | Value = 100,
    *,
    range: tuple[float, float] | None = None,
    weight: Any = None,
    density: bool = False,
) -> Histogram:
    """Return (hist, bin_edges): how many elements are in each bin, from its left edge up to its right one (torch.histogram).

    `bins` is how many there are, of equal width over `range`, by default from the smallest element to the largest; or it is
    their edges, in increasing order. The last bin has its right edge, too; elements outside count nowhere. `weight`, in input's
    shape, says how much each element counts. With `density`, the areas add up to 1. No gradient flows through it.

    Raises RuntimeError for fewer than one bin, and for a range that falls or is not finite.

    >>> hist, edges = histogram([1.0, 2.0, 2.5, 3.0], 2)
    >>> hist.tolist(), edges.tolist()
    ([1.0, 3.0], [1.0, 2.0, 3.0])
    """
    x = floats(input, "histogram: input")
    flat = flat_of(x.data)
    edges = _even_edges(bins, flat, range) if isinstance(bins, int) else flat_of(floats(bins, "histogram: bins").data)
    if sorted(edges) != edges:
        raise RuntimeError(f"histogram: bins must be edges in increasing order, got {bins!r}")
    weights = [1.0] * len(flat)
    if weight is not None:
        given = floats(weight, "histogram: weight")
        if given.shape != x.shape:
            raise RuntimeError(f"histogram: weight of shape {given.shape} must have the shape of input, {x.shape}")
        weights = flat_of(given.data)
    counts = [0.0] * (len(edges) - 1)
    for element, much in zip(flat, weights, strict=True):
        if edges[0] <= element <= edges[-1]:
            counts[min(bisect_right(edges, element), len(counts)) - 1] += much
    if density:
        total = sum(counts)
        widths = [end - start for start, end in pairwise(edges)]
        counts = [count / (total * width) if total * width else nan for count, width in zip(counts, widths, strict=True)]
    return Histogram(_vector(counts), _vector(edges))


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Value:
    """Return how often each of 0, 1, 2, ... occurs in a vector of integers, or the sum of its weights (torch.bincount).

    No gradient flows through it. Raises RuntimeError for other than a vector of integers that are not negative.

    >>> bincount([1, 1, 3]).tolist()
    [0, 2, 0, 1]
    """
    flat, shape = integers(input, "bincount: input")
    if len(shape) != 1 or min(flat, default=0) < 0:
        raise RuntimeError(f"bincount: input must be a vector of integers that are not negative, got {input!r}")
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength must not be negative, got {minlength}")
    length = max(minlength, max(flat, default=-1) + 1)
    if weights is None:
        counts = [0] * length
        for chosen in flat:
            counts[chosen] += 1
        return Value(Array.of(counts, (length,), int), requires_grad=False)
    given = as_value(weights, "bincount: weights")
    if given.shape != shape:
        raise RuntimeError(f"bincount: weights of shape {given.shape} must have the shape of input, {shape}")
    sums = [0.0] * length
    for chosen, weight in zip(flat, flat_of(given.data), strict=True):
        sums[chosen] += weight
    return _vector(sums)


def _even_edges(bins: int, flat: list[float], ends: tuple[float, float] | None) -> list[float]:
    if isinstance(bins, bool) or bins < 1:
        raise RuntimeError(f"histogram: bins must be at least 1, got {bins}")
    if ends is None:
        has_nan = any(element != element for element in flat)
        ends = (nan, nan) if has_nan else (min(flat), max(flat)) if flat else (0.0, 1.0)
    low, high = map(float, ends)
    if not (isfinite(low) and isfinite(high) and low <= high):
        raise RuntimeError(f"histogram: the range from {low} to {high} must be finite and rise")
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / bins
    return [low + width * k if 2 * k < bins else high - width * (bins - k) for k in range(bins + 1)]


def _vector(numbers: list[float]) -> Value:
    return Value(Array.of(numbers, (len(numbers),), float), requires_grad=False)
