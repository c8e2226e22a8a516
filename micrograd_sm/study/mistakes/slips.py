"""The slips of a derivation by hand: for each, what the gradient would be with it.

A slip in one step of a backward pass is a function of that step alone (`STEPS`, by operation); a slip in a whole line is one
of the region (`candidates`). None looks at the numbers that it is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import combinations, product
from math import prod
from typing import Any, NamedTuple

from micrograd_sm.array import Array, flat_of, shape_of
from micrograd_sm.graph import Edge
from micrograd_sm.graph.patterns import normalised
from micrograd_sm.primitives import (
    PRIMITIVES,
    divide,
    exp,
    expand,
    log,
    matmul,
    power,
    put,
    reshape,
    sigmoid,
    tanh,
    transpose,
    unbroadcast,
)
from micrograd_sm.primitives import sum as total
from micrograd_sm.study.mistakes.region import Change, Region, Step


class Candidate(NamedTuple):
    """A slip by the name of its kind, the node of the step in which it is, if it is in one, and the gradient with it."""

    kind: str
    node: str | None
    gradient: Any


SAYS: Mapping[str, str] = {
    "sign": "the sign is wrong",
    "transposed": "the gradient is transposed",
    "operands exchanged": "the operands are exchanged: their order, a transposition, or one in place of the other",
    "path missing": "one way to the loss is missing: `=` stands where `+=` belongs, or a line was left out",
    "only one path": "only one of the ways to the loss is there: `=` stands where `+=` belongs",
    "upstream forgotten": "the upstream gradient is missing: only the local derivative is there",
    "upstream incomplete": "the upstream gradient was used before all its parts had been added",
    "wrong upstream": "the gradient of another value was taken as the upstream gradient",
    "local derivative forgotten": "the local derivative is missing: the upstream gradient is passed on as it is",
    "target missing": "the target is missing: p stands where p - y belongs",
    "sum missing": "the sum over the dimension that was repeated in the forward pass is missing",
    "wrong sum": "the sum runs over the wrong dimension",
    "mean for sum": "a mean stands where a sum over the repeated dimension belongs",
    "not given to each": "the gradient of a sum or a repeated value is given to one element, not to each",
    "wrong place": "the derivative is taken at the output in place of the input, or the other way round",
    "other function": "the derivative is that of another function",
    "exponent forgotten": "the exponent is missing, as a factor or as a power",
    "exponent not lowered": "the exponent is not lowered by one",
    "upside down": "the divisor is multiplied with, or not squared",
    "overwritten": "a place that is used more than once is overwritten: the gradients of a repeated index are added",
    "index not put back": "the gradient is not put back at the index: it is 0 at every other place",
    "mask forgotten": "the mask is missing or inverted: where the condition does not hold, the gradient is 0",
    "keepdim": "a dimension of size 1 is missing or too many (keepdim)",
    "factor": "a constant factor is wrong",
    "factor missing": "a constant factor is missing",
    "factor twice": "a constant factor is there twice, or inverted",
    "wrong count": "it is divided by the wrong count",
    "variance": "n stands where n - 1 belongs, or the other way round, as in a variance that is biased",
}


# Slips in one step --------------------------------------------------------------------------------------------------


def ones(x: Any) -> Any:
    """Return ones in the shape of x."""
    return Array.of([1.0] * prod(shape_of(x)), shape_of(x)) if shape_of(x) else 1.0


def _multiply(s: Step) -> Iterator[tuple[str, Any]]:
    if shape_of(s.other) or not shape_of(s.x):
        yield "operands exchanged", s.narrow(s.g * s.x)
    yield "operands exchanged", s.narrow(s.g * s.out)
    yield "upside down", s.narrow(divide(s.g, s.other))


def _divide(s: Step) -> Iterator[tuple[str, Any]]:
    a, b = s.operands
    if s.edge.position == 0:
        yield "upside down", s.narrow(s.g * b)
        yield "operands exchanged", s.narrow(divide(s.g, a))
        yield "operands exchanged", s.narrow(-s.g * divide(a, b * b))
        return
    yield "upside down", s.narrow(-s.g * divide(a, b))
    yield "upside down", s.narrow(-s.g * a * b * b)
    yield "upside down", s.narrow(divide(-s.g, b * b))
    yield "operands exchanged", s.narrow(divide(s.g, b))
    yield "operands exchanged", s.narrow(s.g * a)


def _power(s: Step) -> Iterator[tuple[str, Any]]:
    a, b = s.operands
    if s.edge.position:
        return
    yield "exponent forgotten", s.narrow(s.g * power(a, b - 1.0))
    yield "exponent not lowered", s.narrow(s.g * b * power(a, b))
    yield "exponent not lowered", s.narrow(s.g * power(a, b))
    yield "exponent not lowered", s.narrow(s.g * b * power(a, b + 1.0))
    yield "exponent not lowered", s.narrow(s.g * b)
    yield "wrong place", s.narrow(s.g * b * power(s.out, b - 1.0))


def _exp(s: Step) -> Iterator[tuple[str, Any]]:
    yield "wrong place", s.g * exp(s.out)
    yield "wrong place", s.g * s.x
    yield from _others(s, divide(1.0, s.x), divide(1.0, s.out), log(s.out))


def _log(s: Step) -> Iterator[tuple[str, Any]]:
    yield "wrong place", divide(s.g, s.out)
    yield "upside down", s.g * s.x
    yield from _others(s, s.out, exp(s.x), exp(s.out))


def _sqrt(s: Step) -> Iterator[tuple[str, Any]]:
    yield "factor missing", divide(s.g, s.out)
    yield "upside down", s.g * (s.out * 2.0)
    yield "wrong place", divide(s.g, s.x * 2.0)
    yield "exponent not lowered", s.g * s.out * 0.5


def _tanh(s: Step) -> Iterator[tuple[str, Any]]:
    again = tanh(s.out)
    yield "wrong place", s.g * (1.0 - s.x * s.x)
    yield "wrong place", s.g * (1.0 - again * again)
    yield "exponent forgotten", s.g * (1.0 - s.out)
    p = sigmoid(s.x)
    yield from _others(s, s.out * (1.0 - s.out), p * (1.0 - p), 1.0 + s.out * s.out, s.out, s.out * s.out)


def _sigmoid(s: Step) -> Iterator[tuple[str, Any]]:
    again, t = sigmoid(s.out), tanh(s.x)
    yield "wrong place", s.g * (s.x * (1.0 - s.x))
    yield "wrong place", s.g * (again * (1.0 - again))
    yield from _others(s, 1.0 - s.out * s.out, 1.0 - t * t, s.out, 1.0 - s.out, s.out * (1.0 + s.out), s.out * s.out)


def _relu(s: Step) -> Iterator[tuple[str, Any]]:
    yield "mask forgotten", s.g
    yield "mask forgotten", s.g - s.amount()
    yield "other function", s.g * s.out


def _where(s: Step) -> Iterator[tuple[str, Any]]:
    yield "mask forgotten", s.narrow(s.g)
    yield "mask forgotten", s.narrow(s.g - s.wide())


def _others(s: Step, *slopes: Any) -> Iterator[tuple[str, Any]]:
    yield from (("other function", s.g * slope) for slope in slopes)


def _matmul(s: Step) -> Iterator[tuple[str, Any]]:
    flips: list[Callable[[Any], Any]] = [lambda x: x, transpose]
    g, other = s.g, s.other
    if min(len(shape_of(g)), len(shape_of(other))) < 2:
        return
    for first, second in ((g, other), (other, g), (g, s.x), (s.x, g)):
        for flip, flop in product(flips, flips):
            a, b = flip(first), flop(second)
            if a.shape[-1] == b.shape[-2] and len(a.shape) == len(b.shape) and a.shape[:-2] == b.shape[:-2]:
                yield "operands exchanged", s.narrow(matmul(a, b))


def _sum(s: Step) -> Iterator[tuple[str, Any]]:
    each, g = s.amount(), s.g
    mask = [1.0] + [0.0] * (prod(shape_of(each)) - 1)
    yield "not given to each", each * Array.of(mask, shape_of(each))
    yield "not given to each", g
    yield "operands exchanged", each * s.x


def _max(s: Step) -> Iterator[tuple[str, Any]]:
    shape = tuple(1 if k in s.node.params["axis"] else size for k, size in enumerate(shape_of(s.x)))
    each = expand(reshape(s.g, shape=shape), shape=shape_of(s.x))
    yield "mask forgotten", each
    yield "mask forgotten", each - s.amount()


def _index(s: Step) -> Iterator[tuple[str, Any]]:
    flat, positions, shape = flat_of(s.g), list(s.node.params["positions"]), shape_of(s.x)
    last = dict(zip(positions, flat))
    first = dict(reversed(list(zip(positions, flat))))
    for kept in (last, first):
        yield "overwritten", Array.of([kept.get(k, 0.0) for k in range(prod(shape))], shape)
    if shape_of(s.g) != shape:
        yield "index not put back", s.g
    counts: Any = put(ones(s.g), positions=s.node.params["positions"], shape=shape)
    mean = [a / b if b else 0.0 for a, b in zip(flat_of(s.amount()), flat_of(counts))]
    yield "mean for sum", Array.of(mean, shape)
    if flat and prod(shape) % len(flat) == 0:
        size = shape_of(s.g)
        wide = reshape(s.g, shape=(*size, *[1] * (len(shape) - len(size)))) if len(size) < len(shape) else s.g
        yield "index not put back", expand(wide, shape=shape)


STEPS: Mapping[str, Callable[[Step], Iterator[tuple[str, Any]]]] = {
    "multiply": _multiply, "divide": _divide, "power": _power, "exp": _exp, "log": _log, "sqrt": _sqrt, "tanh": _tanh,
    "sigmoid": _sigmoid, "relu": _relu, "where": _where, "matmul": _matmul, "sum": _sum, "max": _max, "index": _index,
}  # fmt: skip


def _of_any(s: Step) -> Iterator[tuple[str, Any]]:
    """Yield the slips that can be made in a step of any operation."""
    constant = s.node.op in ("multiply", "divide") and not shape_of(s.other)  # then it is a factor that is missing
    if not constant and (shape_of(s.g) == shape_of(s.x) or PRIMITIVES[s.node.op or ""].broadcasts):
        yield "local derivative forgotten", s.narrow(s.g)
    wide = s.wide()
    if shape_of(wide) != shape_of(s.x):
        yield "sum missing", wide
        yield from _summed_wrongly(wide, shape_of(s.x))


def _summed_wrongly(wide: Any, shape: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    """Yield what else may have become of a gradient that is to be summed to a smaller shape."""
    for count in range(1, len(shape_of(wide)) + 1):
        for axes in combinations(range(len(shape_of(wide))), count):
            for keepdims in (False, True):
                narrow = total(wide, axis=axes, keepdims=keepdims)
                same = prod(shape_of(narrow)) == prod(shape)
                yield "keepdim" if same else "wrong sum", narrow
                if same and shape_of(narrow) != shape:
                    yield "wrong sum", reshape(narrow, shape=shape)
    picked = reshape(wide, shape=shape_of(wide))[(0,) * (len(shape_of(wide)) - len(shape))] if shape else None
    if picked is not None and shape_of(picked) == shape:
        yield "sum missing", picked


def in_steps(region: Region) -> Iterator[tuple[Edge, str, Any]]:
    """Yield each step of a region, the kind of a slip in it, and the gradient with it."""
    for edge in region.edges:
        found: list[tuple[str, Any]] = []
        region.pull({edge: partial(_noted, found)})
        for kind, amount in found:
            try:
                yield edge, kind, region.pull({edge: partial(_instead, amount)})
            except (ValueError, RuntimeError, TypeError, IndexError):
                continue  # a shape that does not go through the rest


def _instead(amount: Any, s: Step) -> Any:
    return amount


def _noted(found: list[tuple[str, Any]], s: Step) -> Any:
    found.extend(_all(s))
    return s.amount()


def _nothing(s: Step) -> Iterator[tuple[str, Any]]:
    return iter(())


def _all(s: Step) -> Iterator[tuple[str, Any]]:
    for slips in (STEPS.get(s.node.op or "", _nothing), _of_any):
        try:
            yield from slips(s)
        except (ValueError, RuntimeError, TypeError, IndexError, ZeroDivisionError):
            continue


# Slips in a whole line ----------------------------------------------------------------------------------------------


def candidates(region: Region, others: Mapping[str, Any], parts: Mapping[str, list[Any]]) -> Iterator[Candidate]:
    """Yield the slips of a region, the likeliest first.

    `others` are the gradients given for other values, by id, and `parts` the contributions that each given gradient has.
    """
    right = region.pull()
    yield Candidate("sign", None, -right)
    yield from (candidate for candidate in _of_softmax(region) if candidate.kind == "target missing")
    for edge in region.edges:
        if sum(other.source == edge.source for other in region.edges) > 1:
            yield Candidate("path missing", edge.target, region.pull({edge: None}))
            lone: dict[Edge, Change | None] = {
                other: None for other in region.edges if other.source == edge.source and other != edge
            }
            if len(lone) > 1:
                yield Candidate("only one path", edge.target, region.pull(lone))
            yield Candidate("sign", edge.target, region.pull({edge: lambda s: -s.amount()}))
    shape = shape_of(right)
    if len(shape) > 1:
        yield Candidate("transposed", None, transpose(right))
    for edge, kind, gradient in in_steps(region):
        yield Candidate(kind, edge.target, gradient)
    yield from _of_softmax(region)
    for id, g in region.given.items():
        if prod(shape_of(g)) >= prod(shape):
            yield Candidate("local derivative forgotten", id, _narrowed(g, shape))
    yield from _other_upstreams(region, others, parts)
    if len(shape) > 0:
        for k in range(len(shape)):
            yield Candidate("sum missing" if shape[k] == 1 else "wrong sum", None, total(right, axis=(k,), keepdims=True))


def _narrowed(g: Any, shape: tuple[int, ...]) -> Any:
    """Return a gradient summed to a smaller shape, or None if that cannot be."""
    try:
        narrow = unbroadcast(g, shape)
    except (ValueError, RuntimeError, IndexError):
        return None
    return narrow if shape_of(narrow) == shape else None


def _of_softmax(region: Region) -> Iterator[Candidate]:
    """Yield the slips in softmax's rule p (g - sum of p g), and in that of log_softmax, g - p (sum of g)."""
    gradients = region.gradients()
    for x in normalised(region.graph):
        if x.out not in gradients or x.input not in gradients or x.input in region.given:
            continue
        g, out = gradients[x.out], region.data[x.out]
        p = out if x.kind == "softmax" else exp(out)
        for kind, gradient in _normalised_wrongly(x.kind, g, p, x.axis):
            yield Candidate(kind, x.out, region.pull(given={**region.given, x.input: gradient}))


def _normalised_wrongly(kind: str, g: Any, p: Any, axis: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    first, second = (p * g, p) if kind == "softmax" else (g, p)
    inner = first  # what is summed
    if kind == "log_softmax" and sum(x != 0.0 for x in flat_of(g)) * prod(shape_of(g)[k] for k in axis) == prod(shape_of(g)):
        yield "target missing", -(second * total(inner, axis=axis, keepdims=True))
    yield "path missing", first
    yield "path missing", -(second * total(inner, axis=axis, keepdims=True))
    yield "sum missing", first - second * inner
    yield "sign", first + second * total(inner, axis=axis, keepdims=True)
    sizes = shape_of(p)
    yield "mean for sum", first - second * total(inner, axis=axis, keepdims=True) * (1.0 / prod(sizes[k] for k in axis))
    for k in range(len(sizes)):
        if (k,) != axis:
            yield "wrong sum", first - second * total(inner, axis=(k,), keepdims=True)
    flat = total(inner, axis=axis, keepdims=False)
    if len(sizes) > 1 and shape_of(flat)[-1] == sizes[-1]:
        yield "keepdim", first - second * flat
    slope = p * (1.0 - p) if kind == "softmax" else 1.0 - p
    yield "path missing", g * slope  # only the diagonal of the Jacobian
    yield "wrong place", g


def _other_upstreams(region: Region, others: Mapping[str, Any], parts: Mapping[str, list[Any]]) -> Iterator[Candidate]:
    yield Candidate("upstream forgotten", None, region.pull(given={id: ones(g) for id, g in region.given.items()}))
    for edge in region.edges:
        if edge.target in region.given:
            yield Candidate("upstream forgotten", edge.target, region.pull({edge: lambda s: s.amount(ones(s.g))}))
    for id, g in region.given.items():
        amounts = parts.get(id, [])
        for amount in amounts if len(amounts) > 1 else ():
            yield Candidate("upstream incomplete", id, region.pull(given={**region.given, id: amount}))
            yield Candidate("upstream incomplete", id, region.pull(given={**region.given, id: g - amount}))
        for other, gradient in others.items():
            if other != id and shape_of(gradient) == shape_of(g):
                yield Candidate("wrong upstream", id, region.pull(given={**region.given, id: gradient}))
