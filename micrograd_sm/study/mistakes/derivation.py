"""`check_backward(loss, mine)`: gradients that were derived by hand, judged line by line, and the slip named."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from micrograd_sm.array import Array, shape_of
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph
from micrograd_sm.graph.computed import with_each_number
from micrograd_sm.graph.evaluation import pull_back
from micrograd_sm.primitives import reshape, transpose
from micrograd_sm.study.mistakes.mended import mended_line
from micrograd_sm.study.mistakes.naming import difference, same, slip_of
from micrograd_sm.study.mistakes.region import Step, as_array, largest, region_of
from micrograd_sm.study.subject import Subject, check_loss, subject_of
from micrograd_sm.words.names import labels_of, visible
from micrograd_sm.words.result import Listing, Record, prose
from micrograd_sm.words.table import table_html, table_lines

_RIGHT = 1e-9  # of the largest number that was added up: how far rounding may move a gradient
_ROUGH: Mapping[str, float] = {"float32": 1e-5, "float16": 1e-2, "bfloat16": 5e-2}  # the same, of tensors with fewer digits
_VERDICTS = {"right": "right", "wrong": "wrong", "follows": "wrong only because of one before it"}


@dataclass(frozen=True)
class DerivedLine(Record):
    """One gradient that was derived by hand: its node's id and name, its own name, and the verdict.

    `verdict` is "right", "wrong", or "follows": right if the gradients before it were. `digits` are the correct ones, at
    most 16. Of a wrong one, `slip` is the kind of the slip, "" if it is none that is known; `reason` says it in a sentence,
    and `mended` is the line of code that is right.

    >>> print(DerivedLine("v1", "x", "dx", "follows", 0.0))
    dx: wrong only because of one before it
    """

    node: str
    name: str
    written: str
    verdict: str
    digits: float
    slip: str = ""
    reason: str = ""
    mended: str = ""

    def __str__(self) -> str:
        said = f"{self.written}: {_VERDICTS[self.verdict]}"
        return said if self.verdict != "wrong" else f"{said}: {self.reason}\n  instead: {self.mended}"


@dataclass(frozen=True, eq=False, repr=False)
class Derivation(Listing[DerivedLine]):
    """What `check_backward` found, line by line, from the loss to the leaves: true if every gradient is right.

    `left_out` has the names that fit no value of the loss.

    >>> x = Value(3.0, name="x")
    >>> derivation = check_backward(x * x, {"x": -6.0}, names={})
    >>> bool(derivation), len(derivation), derivation.first.slip, derivation.first.mended
    (False, 1, 'sign', 'dx = x; dx += x')
    """

    lines: tuple[DerivedLine, ...]
    left_out: tuple[str, ...] = ()

    def _items(self) -> tuple[DerivedLine, ...]:
        return self.lines

    def __bool__(self) -> bool:
        return all(line.verdict == "right" for line in self.lines)

    @property
    def wrong(self) -> tuple[DerivedLine, ...]:
        """The lines that are wrong by themselves; the first is the one to mend first."""
        return tuple(line for line in self.lines if line.verdict == "wrong")

    @property
    def first(self) -> DerivedLine | None:
        """The line to mend first, or None."""
        return next(iter(self.wrong), None)

    def to_dict(self) -> dict[str, Any]:
        return {"right": bool(self), **super().to_dict()}

    def __str__(self) -> str:
        return "\n".join([self._headline(), *(f"  {line}" for line in table_lines(self._rows(), 2)), *self._remarks()])

    def _repr_html_(self) -> str:
        return prose(self._headline()) + table_html(self._rows(), words=2) + prose("\n".join(self._remarks()))

    def _headline(self) -> str:
        count = lambda verdict: sum(line.verdict == verdict for line in self.lines)
        wrong, follows = count("wrong"), count("follows")
        if not wrong and not follows:
            return f"right: {len(self.lines)} gradients"
        after = f", {follows} only because of one before" if follows else ""
        return f"wrong: {wrong} of {len(self.lines)} gradients{after}"

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = [(line.written, _VERDICTS[line.verdict], str(int(line.digits))) for line in self.lines]
        return [("gradient", "verdict", "digits"), *rows]

    def _remarks(self) -> Iterator[str]:
        if self.first:
            yield str(self.first)
        if self.left_out:
            yield f"no value of the loss is called {', '.join(self.left_out)}"


def check_backward(
    loss: Value | Graph,
    mine: Mapping[Any, Any] | Callable[[], Mapping[Any, Any]] | None = None,
    *,
    prefix: str | None = None,
    names: Mapping[str, Any] | None = None,
) -> Derivation:
    """Compare gradients that were derived by hand with those of `loss`, and say which line is wrong, and why.

    `mine` is a dict from names, ids or Values to gradients (Values, arrays, tensors, lists or numbers), or a function that
    returns one. With `prefix`, as in `prefix="d"`, the caller's variables are taken, too: `dlogits` is the gradient of
    `logits`. `names` replaces the caller's variables.

    Each gradient is compared with the true one, and, if it differs, with the one that follows from the other gradients of
    `mine`: a line that is right for its upstream gradients is not called wrong. Differences up to 1e-9 of the numbers
    that were added up are right; up to 1e-5 in tensors of float32.

    Raises ValueError if the loss is not one number that requires a gradient, or no name fits a value of it, TypeError if
    `mine` is no mapping or holds no numbers.

    >>> x = Value([1.0, 2.0], name="x")
    >>> y = (x * 3.0).exp()
    >>> mine = {"dy": [1.0, 1.0], "dx": y.detach()}
    >>> print(check_backward(y.sum(), mine, names={"y": y}))
    wrong: 1 of 2 gradients
      gradient  verdict  digits
      dy        right        16
      dx        wrong         0
    dx: wrong: the factor 3 is missing
      instead: dx = 3 * (y * dy)
    """
    variables = sys._getframe(1).f_locals if names is None else names
    subject = subject_of(loss, variables, "check_backward")
    subject = subject._replace(graph=with_each_number(subject.graph, "check_backward"))
    graph = subject.graph.unfold()
    check_loss(graph, "check_backward")
    given, left_out, exact = _given(Subject(graph, subject.ids), mine, prefix, variables)
    return Derivation(tuple(_judged(graph, given, exact)), tuple(left_out))


# What was given -----------------------------------------------------------------------------------------------------


def _given(
    subject: Subject, mine: Any, prefix: str | None, variables: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str], float]:
    """Return what the student calls each gradient, and the gradient, by node id; the names that fit none; and the tolerance."""
    mine = mine() if callable(mine) else mine
    if mine is None and prefix is None:
        raise TypeError('check_backward: give the gradients as a dict by name, or say prefix="d" to take your variables')
    if not isinstance(mine, Mapping | None):
        raise TypeError(
            f"check_backward: mine must be a dict of gradients by name, or a function that returns one, got {mine!r}"
        )
    found: dict[str, Any] = {}
    left_out: list[str] = []
    exact = _RIGHT
    if prefix is not None:
        for name, x in variables.items():
            id = _id_of(subject, name[len(prefix) :], None) if name.startswith(prefix) and len(name) > len(prefix) else None
            if id is not None and not callable(x) and subject.graph[id].requires_grad:
                found[id], exact = (name, _numbers(name, x)), max(exact, _rounded(x))
    for name, x in (mine or {}).items():
        id = _id_of(subject, name, prefix or "d")
        if id is None:
            left_out.append(visible(str(name)))
        elif x is not None:
            key = subject.graph[id].name or id if isinstance(name, Value) else str(name)
            written = f"{prefix or 'd'}{key}" if isinstance(name, Value) or _id_of(subject, name, None) else key
            found[id], exact = (visible(written), _numbers(str(key), x)), max(exact, _rounded(x))
    if not found:
        named = ", ".join(sorted({visible(node.name) for node in subject.graph if node.name})[:24]) or "none"
        what = f"{', '.join(left_out)} " if left_out else f"a variable that starts with {prefix!r} " if prefix else "the dict "
        raise ValueError(f"check_backward: {what}fits no value of the loss; the names there are: {named}")
    return found, left_out, exact


def _id_of(subject: Subject, name: Any, prefix: str | None) -> str | None:
    """Return the id of the node of that name, of `v['name']` or `self.name`, or, with a prefix before it, of the rest."""
    if isinstance(name, Value):
        return subject.node(name, "check_backward").id
    if not isinstance(name, str):
        raise TypeError(f"check_backward: a gradient's name must be text or a Value, got {name!r}")
    graph = subject.graph
    ends = (f"['{name}']", f".{name}")
    exact = [node.id for node in graph if name in (node.name, node.id)]
    found = exact or [node.id for node in graph if node.name and node.name.endswith(ends)]
    if len(found) > 1:
        return subject.node(graph[found[0]].name, "check_backward").id  # which says that there are several
    if not found and prefix and name.startswith(prefix):
        return _id_of(subject, name[len(prefix) :], None)
    return found[0] if found else None


def _rounded(x: Any) -> float:
    """Return how far rounding may move a gradient, by the dtype of a tensor or array of another library."""
    return (
        _ROUGH.get(str(getattr(x, "dtype", "")).removeprefix("torch."), _RIGHT) if not isinstance(x, (Value, Array)) else _RIGHT
    )


def _numbers(name: str, x: Any) -> Any:
    try:
        return as_array(x)
    except (TypeError, ValueError) as error:
        raise TypeError(f"check_backward: the gradient {name!r} must hold numbers, got {x!r}: {error}") from None


# Judging ------------------------------------------------------------------------------------------------------------


def _judged(graph: Graph, given: Mapping[str, Any], exact: float) -> Iterator[DerivedLine]:
    data = {node.id: _plain(node.data) for node in graph}
    right, _, scales = _passed(graph, data, {})
    mine = {id: _fitted(x, right[id]) for id, (_, x) in given.items() if id in right}
    follow, parts, own_scales = _passed(graph, data, mine)
    labels = labels_of(graph)
    called = {id: name for id, (name, _) in given.items()}
    for node in reversed(graph.nodes):
        if node.id not in given:
            continue
        written, x = given[node.id]
        true = right.get(node.id, 0.0 * data[node.id])
        digits = _digits(x, true, scales.get(node.id, 0.0))
        line = DerivedLine(node.id, labels[node.id], written, "right", digits)
        if not same(x, true, exact * scales.get(node.id, 0.0)):
            expected, scale = follow.get(node.id, true), own_scales.get(node.id, 0.0)
            if same(x, expected, exact * scale):
                line = DerivedLine(node.id, labels[node.id], written, "follows", digits)
            else:
                upstream = {**follow, **{id: g for id, g in mine.items() if g is not None}}
                region = region_of(graph, data, node.id, upstream, mine)
                others = {id: g for id, g in mine.items() if g is not None and id != node.id}
                slip, reason = slip_of(region, x, expected, exact, scale, others, parts, labels)
                rule = mended_line(graph, node.id, called, labels, written, region.gradients())
                line = DerivedLine(node.id, labels[node.id], written, "wrong", digits, slip, reason, rule)
        yield line


def _plain(x: Any) -> Any:
    return x if type(x) in (float, Array) else as_array(x)


def _passed(
    graph: Graph, data: Mapping[str, Any], mine: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, list[Any]], dict[str, float]]:
    """Return a backward pass in which the gradients of `mine` replace those found, once they have been noted.

    These are the gradients, each one's contributions, and how large the numbers are that were added up for it, by node id.
    """
    root = graph[graph.root]
    seed = Array.of([1.0], root.shape) if root.shape else 1.0
    found: dict[str, Any] = {root.id: seed}
    running: dict[str, Any] = dict(found)
    parts: dict[str, list[Any]] = {}
    scales = {root.id: 1.0}
    for node in reversed(graph.nodes):
        if node.id not in running:
            continue
        found[node.id] = running[node.id]
        if mine.get(node.id) is not None:
            running[node.id] = mine[node.id]
        operands = tuple(data[edge.source] for edge in graph.operand_edges(node.id))
        for heard in pull_back(graph, [node], running, data, lambda edge: graph[edge.source].requires_grad):
            parts.setdefault(heard.edge.source, []).append(heard.amount)
            step = Step(heard.edge, node, running[node.id], data[node.id], operands)
            scale = _scale(step, max(scales[node.id], largest(running[node.id])))
            scales[heard.edge.source] = max(scales.get(heard.edge.source, 0.0), scale)
    return found, parts, scales


def _scale(step: Step, scale: float) -> float:
    """Return how large the numbers are that a step adds up, if those of its upstream gradient are as large as `scale`."""
    size = largest(step.g)
    if not math.isfinite(size) or not size:
        return scale
    wide = size * largest(step.other) if step.node.op == "matmul" else largest(step.wide())
    return wide * (scale / size)


def _fitted(x: Any, right: Any) -> Any:
    """Return a gradient in the shape of the right one, if it only lacks or has a dimension of 1 or is transposed, or None."""
    shape = shape_of(right)
    if shape_of(x) == shape:
        return x
    if [size for size in shape_of(x) if size != 1] == [size for size in shape if size != 1]:
        return reshape(x, shape=shape) if type(x) is Array else None
    return transpose(x) if len(shape) > 1 and shape_of(x) == (*shape[:-2], shape[-1], shape[-2]) else None


def _digits(x: Any, true: Any, scale: float) -> float:
    """Return how many digits of a gradient are right, of its largest number."""
    if shape_of(x) != shape_of(true):
        return 0.0
    off = difference(x, true)
    size = max(largest(true), _RIGHT * scale)
    if off == 0.0:
        return 16.0
    return min(16.0, max(0.0, -math.log10(off / size))) if size and math.isfinite(off) else 0.0
