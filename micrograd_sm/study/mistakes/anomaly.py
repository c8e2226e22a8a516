"""`anomaly()`: where nan or infinity first came up, in a value or in a gradient."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import FrameType, TracebackType
from typing import Any

from micrograd_sm.array import flat_of
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Moment, Node, reachable
from micrograd_sm.graph.evaluation import backward_pass
from micrograd_sm.graph.names import names_in
from micrograd_sm.mode import Called, recording, users_frame, watching
from micrograd_sm.primitives import Primitive
from micrograd_sm.study.patterns import operands
from micrograd_sm.study.subject import subject_of
from micrograd_sm.words.names import labels_of, visible
from micrograd_sm.words.numbers import data_text
from micrograd_sm.words.plain import plain
from micrograd_sm.words.result import Result


@dataclass(frozen=True, eq=False, repr=False)
class Anomaly(Result):
    """The first nan or inf: in the "value" of a node, or in what it passed back as a "gradient". It is always true.

    `kind` is "nan", "inf" or "-inf"; `op` the operation that made it, None for a leaf; `operands` are by label and value and,
    for a gradient, the `upstream` one and the operand, `passed_to`, that received it. `source` is the line of code.

    >>> x = Value(1000.0, name="x")
    >>> print(first_anomaly(x.exp()))
    the value of L is inf: exp of x = 1000
    """

    what: str
    kind: str
    node: str
    label: str
    op: str | None
    result: Any
    operands: tuple[tuple[str, Any], ...]
    upstream: Any
    passed_to: str | None
    source: str | None

    def __str__(self) -> str:
        of = ", ".join(f"{label} = {data_text(data)}" for label, data in self.operands)
        made = f"{self.op} of {of}" if self.op else "it was given so"
        if self.what == "gradient":
            said = f"the gradient of {self.passed_to} is {self.kind}: {self.label} = {made} passed it back"
            said += f", with {data_text(self.upstream)} upstream" if self.upstream is not None else ""
        else:
            said = f"the value of {self.label} is {self.kind}: {made}"
        return f"{said}\n  {visible(self.source)}" if self.source else said

    def to_dict(self) -> dict[str, Any]:
        """Return the anomaly as plain data.

        >>> first_anomaly(Value(1000.0).exp()).to_dict()["result"]
        'inf'
        """
        return super().to_dict() | {"operands": plain(dict(self.operands))}


def first_anomaly(loss: Value | Graph, names: Mapping[str, Any] | None = None) -> Anomaly | None:
    """Return where nan or inf first comes up in a loss: in its values, else in its gradients; None where nowhere.

    A value counts where none of its operands is nan (or inf) already. Infinite constants, such as masks, are taken as meant.
    Gradients are those of a backward pass through the graph; no `.grad` changes.

    Raises TypeError for what is no Value or Graph.

    >>> x = Value(0.0, name="x")
    >>> print(first_anomaly(x.sqrt() * 0.0))
    the gradient of x is nan: v2 = power of x = 0, v1 = 0.5 passed it back, with 0 upstream
    """
    graph = subject_of(loss, sys._getframe(1).f_locals if names is None else names, "first_anomaly").graph.unfold()
    return _in_values(graph) or _in_gradients(graph)


class anomaly(metaclass=Called):
    """Say, at the end of a block, where nan or infinity first came up in it; a context, of any code.

    Every value that is made in the block counts, also inside the functions that it calls, and after a `backward()` in it the
    gradients; values made before do not. RuntimeError at the end of the block tells what was found. With `report` it raises
    nothing, and what was found, or None, is in `.found`. An exception that ends the block goes on, with a note of what was
    found. Lines of code are remembered as under `trace()`. After the block it is true if something was found.

    >>> with anomaly(report=True) as watch:
    ...     x = Value([0.0, 1.0], name="x")
    ...     y = x.log()
    ...     loss = y.sum()
    >>> watch.found.label, watch.found.op, watch.found.source
    ('y', 'log', '<doctest micrograd_sm.study.mistakes.anomaly.anomaly[0]>:3: y = x.log()')
    """

    def __init__(self, report: bool = False) -> None:
        if not isinstance(report, bool):
            raise TypeError(f"anomaly: report must be True or False, got {report!r}; write `with anomaly():`")
        self.report = report
        self.found: Anomaly | None = None
        self._watch: _Watch | None = None
        self._watching: watching | None = None

    def __bool__(self) -> bool:
        return self.found is not None

    def __repr__(self) -> str:
        return f"<anomaly: {self.found or 'nothing found'}>"

    def __enter__(self) -> anomaly:
        if self._watch is not None:
            raise RuntimeError("anomaly: this one is entered already; make another with anomaly()")
        self.found = None
        self._watch = _Watch(sys._getframe(1), Value(0.0, requires_grad=False).number)
        self._watching = watching(self._watch)
        self._watching.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        watch, change = self._watch, self._watching
        self._watch = self._watching = None
        if watch is None or change is None:
            raise RuntimeError("anomaly: left without being entered; use it as `with anomaly():`")
        change.__exit__(kind, error, where)
        self.found = watch.anomaly()
        if self.found is None or self.report:
            return
        if error is None:
            raise RuntimeError(f"anomaly: {self.found}")
        error.add_note(f"anomaly: {self.found}")


class _Watch:
    """Hears of the values and gradients of a block, and keeps the first of each that is not finite."""

    def __init__(self, frame: FrameType, start: int) -> None:
        self.frame, self.start = frame, start
        self.value: Value | None = None
        self.gradient: tuple[Value, int, Any, Any] | None = None
        self.moment = Moment()  # when it came up: data may be set before the block ends
        self.inner: dict[str, Any] = {}  # the variables of the function in which the value came up

    def made(self, value: Value, primitive: Primitive, operands: tuple[Value, ...], params: dict[str, Any] | None) -> None:
        """Keep the first value that is not finite: an operation's own, or one of a leaf that was given so."""
        if self.value is None and not all(map(math.isfinite, flat_of(value.data))):
            given = [x for x in operands if x.op is None and x.number > self.start and _kind(x.data, (), x.requires_grad)]
            if given or _kind(value.data, [x.data for x in operands]):
                frame = users_frame()
                self.inner = dict(frame.f_locals) if frame else {}
                self.value = given[0] if given else value
                if not given and value.op is None:
                    self.value = self._recorded(primitive, operands, params)
                self.moment = Moment(reachable(self.value))

    def passed_back(self, node: Value, place: int, upstream: Any, contribution: Any) -> None:
        """Keep the first contribution to a gradient that is not finite."""
        if self.gradient is None and _kind(contribution):
            self.gradient = node, place, upstream, contribution
            if self.value is None:
                self.moment = Moment(reachable(node))

    def anomaly(self) -> Anomaly | None:
        """Return what was kept, in the names of the block's variables and of the function's in which it came up."""
        if self.value is not None:
            graph = Graph(self.value, self._names(), self.moment)
            node = graph[graph.root]
            found = _anomaly(graph, "value", _kind(node.data) or "", node, node.data, None, None)
        elif self.gradient is not None:
            value, place, upstream, contribution = self.gradient
            graph = Graph(value, self._names(), self.moment)
            node = graph[graph.root]
            operand = graph.operand_edges(node.id)[place].source
            found = _anomaly(graph, "gradient", _kind(contribution) or "", node, contribution, upstream, operand)
        else:
            return None
        return found if node.name else replace(found, label=node.id)  # L is what a loss is called, and this need not be it

    def _names(self) -> dict[str, Any]:
        return {**self.inner, **self.frame.f_locals}

    def _recorded(self, primitive: Primitive, operands: tuple[Value, ...], params: dict[str, Any] | None) -> Value:
        """Return a value that was made without a graph as one with its operands."""
        names = names_in(self._names(), {id(x) for x in operands})
        with recording(True):
            return primitive(*(Value(x.data, name=x.name or names.get(id(x))) for x in operands), **(params or {}))


def _in_values(graph: Graph) -> Anomaly | None:
    for node in graph:
        kind = _kind(node.data, [x.data for x in operands(graph, node)], node.op is not None or node.requires_grad)
        if kind:
            return _anomaly(graph, "value", kind, node, node.data, None, None)
    return None


def _in_gradients(graph: Graph) -> Anomaly | None:
    passed = backward_pass(graph)
    for one in passed.heard:
        kind = _kind(one.after)
        if kind:
            node, upstream = graph[one.edge.target], passed.gradients[one.edge.target]
            return _anomaly(graph, "gradient", kind, node, one.amount, upstream, one.edge.source)
    return None


def _anomaly(graph: Graph, what: str, kind: str, node: Node, result: Any, upstream: Any, passed_to: str | None) -> Anomaly:
    labels = labels_of(graph)
    before = tuple((labels[x.id], x.data) for x in operands(graph, node))
    to = None if passed_to is None else labels[passed_to]
    return Anomaly(what, kind, node.id, labels[node.id], node.op, result, before, upstream, to, node.source)


def _kind(data: Any, before: Iterable[Any] = (), infinite_counts: bool = True) -> str | None:
    """Return "nan", "inf" or "-inf" where data hold it and what they were made of does not; None for data that are right.

    Infinite constants, such as masks, are meant: `infinite_counts` is False for them.
    """
    numbers, earlier = flat_of(data), [x for one in before for x in flat_of(one)]
    if any(map(math.isnan, numbers)) and not any(map(math.isnan, earlier)):
        return "nan"
    if infinite_counts and any(map(math.isinf, numbers)) and not any(map(math.isinf, earlier)):
        return "inf" if math.inf in numbers else "-inf"
    return None
