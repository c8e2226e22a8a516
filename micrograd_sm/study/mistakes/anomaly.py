"""`anomaly()`: where nan or infinity first came up, in a value or in a gradient."""

from __future__ import annotations

import math
import sys
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import FrameType, TracebackType
from typing import Any

from micrograd_sm.array.questions import holds, kinds_in
from micrograd_sm.backward import reachable
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Moment, Node, snapshot
from micrograd_sm.graph.computed import passed, with_numbers
from micrograd_sm.graph.evaluation import Heard, dependents
from micrograd_sm.graph.names import names_in
from micrograd_sm.graph.patterns import operands
from micrograd_sm.mode import Called, recording, users_frame, watching
from micrograd_sm.primitives import Primitive
from micrograd_sm.study.subject import subject_of
from micrograd_sm.words.names import labels_of, visible
from micrograd_sm.words.numbers import data_text
from micrograd_sm.words.plain import plain
from micrograd_sm.words.result import Result

_MOST_SHOWN = 6  # labels of a route


@dataclass(frozen=True, eq=False, repr=False)
class Anomaly(Result):
    """The first nan or inf: in the "value" of a node, or in a "gradient" that the node passed back. It is always true.

    `kind` is "nan", "inf" or "-inf", `op` the node's operation, None for a leaf, and `operands` the labels and values of its
    operands. For a gradient, `upstream` is the upstream gradient and `passed_to` the operand. `source` is the line of code.
    `route` has the labels of what it went on to, in order: values towards the loss, or gradients towards the leaves; `back`, of
    a value, those of the operations through which it came back. `masked` are the `where`s that had left out the value, but not
    its gradient, and `reached` the leaves without finite gradients.

    >>> x = Value(1000.0, name="x")
    >>> print(first_anomaly(x.exp() * 2.0))
    the value of v1 is inf: exp of x = 1000
      from there it went on to L
      gradients that are not finite: x
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
    route: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    back: tuple[str, ...] = ()

    def __str__(self) -> str:
        of = ", ".join(f"{label} = {data_text(data)}" for label, data in self.operands)
        made = f"{self.op} of {of}" if self.op else "it was given so"
        if self.what == "gradient":
            said = f"the gradient of {self.passed_to} is {self.kind}: {self.label} = {made} passed it back"
            said += f", with {data_text(self.upstream)} upstream" if self.upstream is not None else ""
        else:
            said = f"the value of {self.label} is {self.kind}: {made}"
        return "\n  ".join([said, *([visible(self.source)] if self.source else []), *self._went()])

    def _went(self) -> Iterator[str]:
        for way, labels in (("from there it went on to", self.route), ("and back to", self.back)):
            shown = labels if len(labels) <= _MOST_SHOWN else (*labels[:3], "...", *labels[-2:])
            if labels:
                yield f"{way} {', '.join(shown)}"
        for label in self.masked:
            yield f"{label} is a `where` that left this side out: its gradient is 0 there, and 0 times the derivative is nan"
        if self.masked:
            yield "so mask the operand, not the result: where(safe, x, 1.0) before the operation"
        if set(self.reached) - {self.passed_to}:
            yield f"gradients that are not finite: {', '.join(self.reached)}"

    def to_dict(self) -> dict[str, Any]:
        return super().to_dict() | {"operands": plain(dict(self.operands))}


def first_anomaly(loss: Value | Graph, names: Mapping[str, Any] | None = None, inf: bool = True) -> Anomaly | None:
    """Return where nan or inf first appears in a loss: in its values, else in its gradients. Return None if it has neither.

    A value counts if none of its operands is nan (or inf) already. Infinite constants, such as masks, are intended; with
    `inf=False` infinity counts nowhere, only nan.
    Gradients are those of a backward pass; no `.grad` changes. Raises TypeError if it is not a Value or Graph.

    >>> x = Value(0.0, name="x")
    >>> print(first_anomaly(x.sqrt() * 0.0))
    the gradient of x is nan: v1 = sqrt of x = 0 passed it back, with 0 upstream
    """
    graph = subject_of(loss, sys._getframe(1).f_locals if names is None else names, "first_anomaly").graph.unfold()
    graph, heard = passed(graph)
    return _in_values(graph, inf) or _in_gradients(graph, heard, inf)


class anomaly(metaclass=Called):
    """A context that says, at the end of its block, where nan or infinity first appeared in the block.

    Values that are made in the block count, also inside the functions that it calls, and so do the gradients of a `backward()`
    in it; values made before do not. The block ends with a RuntimeError that says what was found. With `report` it raises
    nothing: `.found` is the Anomaly or None, and the context is true if there is one. If another exception ends the block, it
    gets the finding as a note. Lines of code are remembered as under `trace()`. With `inf=False` only nan counts. With
    `raise_at_once` the RuntimeError is raised at the line that makes the value or the gradient.

    >>> with anomaly(report=True) as watch:
    ...     x = Value([0.0, 1.0], name="x")
    ...     y = x.log()
    ...     loss = y.sum()
    >>> watch.found.label, watch.found.op, watch.found.source
    ('y', 'log', '<doctest micrograd_sm.study.mistakes.anomaly.anomaly[0]>:3: y = x.log()')
    """

    def __init__(self, report: bool = False, *, inf: bool = True, raise_at_once: bool = False) -> None:
        for name, given in (("report", report), ("inf", inf), ("raise_at_once", raise_at_once)):
            if not isinstance(given, bool):
                raise TypeError(f"anomaly: {name} must be True or False, got {given!r}; write `with anomaly():`")
        if report and raise_at_once:
            raise TypeError("anomaly: report raises nothing, so it cannot be set together with raise_at_once")
        self.report, self.inf, self.raise_at_once = report, inf, raise_at_once
        self.found: Anomaly | None = None
        self._entered: tuple[_Watch, watching] | None = None

    def __bool__(self) -> bool:
        return self.found is not None

    def __repr__(self) -> str:
        return f"<anomaly: {self.found or 'nothing found'}>"

    def __enter__(self) -> anomaly:
        if self._entered is not None:
            raise RuntimeError("anomaly: this one is entered already; make another with anomaly()")
        self.found = None
        watch = _Watch(sys._getframe(1), Value(0.0, requires_grad=False).number, self.inf, self.raise_at_once)
        self._entered = watch, watching(watch)
        self._entered[1].__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        if self._entered is None:
            raise RuntimeError("anomaly: left without being entered; use it as `with anomaly():`")
        (watch, change), self._entered = self._entered, None
        change.__exit__(kind, error, where)
        self.found = watch.anomaly()
        if self.found is None or self.report or isinstance(error, _AtOnce):
            return
        if error is None:
            raise RuntimeError(f"anomaly: {self.found}")
        error.add_note(f"anomaly: {self.found}")


class _AtOnce(RuntimeError):
    """What `raise_at_once` raises."""


class _Watch:
    """Observes the values and gradients of a block, and keeps the first of each that is not finite."""

    def __init__(self, frame: FrameType, start: int, inf: bool, at_once: bool) -> None:
        self.frame, self.start, self.inf, self.at_once = frame, start, inf, at_once
        self.value: Value | None = None
        self.gradient: tuple[Value, int, Any, Any] | None = None
        self.moment = Moment()  # when it appeared: data may be set before the block ends
        self.last: Value | None = None  # the last value that it went on to
        self.root: Value | None = None  # of the backward pass that carried it
        self.back: dict[int, Value] = {}  # what got a gradient that is not finite, by creation number
        self.inner: dict[str, Any] = {}  # the variables of the function that made the value

    def made(self, value: Value, primitive: Primitive, operands: tuple[Value, ...], params: dict[str, Any] | None) -> None:
        """Keep the first value that is not finite: of an operation, or of a leaf that was made in the block."""
        if self.value is not None and self._kind(value.data):
            self.last = value
        if self.value is None and kinds_in(value.data):
            leaves = [x for x in operands if x.op is None and x.number > self.start and self._kind(x.data, (), x.requires_grad)]
            if leaves or self._kind(value.data, [x.data for x in operands]):
                frame = users_frame()
                self.inner = dict(frame.f_locals) if frame else {}
                self.value = leaves[0] if leaves else value
                if not leaves and value.op is None:
                    self.value = self._recorded(primitive, operands, params)
                self.moment = Moment(reachable(self.value))
                self._raise()

    def passed_back(self, node: Value, position: int, upstream: Any, contribution: Any) -> None:
        """Keep the first contribution to a gradient that is not finite, and which gradients it reached."""
        if self.root is None or node.number > self.root.number:
            self.root = node
        if self._kind(contribution):
            self.back[node.parents[position].number] = node.parents[position]
        if self.gradient is None and self._kind(contribution):
            self.gradient = node, position, upstream, contribution
            if self.value is None:
                self.moment = Moment(reachable(node))
                self._raise()

    def _kind(self, data: Any, before: Iterable[Any] = (), infinite_counts: bool = True) -> str:
        return _kind(data, before, infinite_counts and self.inf)

    def _raise(self) -> None:
        if self.at_once:
            raise _AtOnce(f"anomaly: {self.anomaly()}")

    def anomaly(self) -> Anomaly | None:
        """Return what was kept, with the names of the variables of the block and of the function that made the value."""
        value, position, upstream, contribution = self.gradient or (None, None, None, None)
        if self.value is not None:
            value, position = self.value, None
        if value is None:
            return None
        graph, node = self._graph_of(value)
        if position is None:
            found = _anomaly(graph, _kind(node.data), node, node.data)
        else:
            operand = graph.operand_edges(node.id)[position].source
            found = _anomaly(graph, _kind(contribution), node, contribution, upstream, operand)
        found = found if node.name else replace(found, label=node.id)  # L is the name of a loss, which this need not be
        return self._with_route(found, graph, node)

    def _graph_of(self, value: Value) -> tuple[Graph, Node]:
        """Return the graph of all that the value went on to, if it can be had, else that of the value, and its node."""
        for root in (self.last, self.root):
            if root is not None and any(x is value for x in reachable(root)):
                with suppress(RuntimeError):  # data may have been set since
                    graph, *_ = with_numbers(Graph(root, self._names(), Moment(reachable(root))))
                    return graph, graph[graph.id_of(value) or graph.root]
        graph, *_ = with_numbers(Graph(value, self._names(), self.moment))
        return graph, graph[graph.root]

    def _with_route(self, found: Anomaly, graph: Graph, node: Node) -> Anomaly:
        ill = {id for id in dependents(graph, node.id) if id != node.id and self._kind(graph[id].data)}
        reached = {id for value in self.back.values() if (id := graph.id_of(value))}
        leaves = {id for id in reached if graph[id].op is None}
        inner = _labels(graph, reached - leaves)[::-1]
        found = replace(found, reached=_labels(graph, leaves))
        if found.what == "value":
            return replace(found, route=_labels(graph, ill), back=inner)
        masked = {id for id in dependents(graph, node.id) if graph[id].op == "where"}
        return replace(found, route=tuple(label for label in inner if label != found.passed_to), masked=_labels(graph, masked))

    def _names(self) -> dict[str, Any]:
        return {**self.inner, **self.frame.f_locals}

    def _recorded(self, primitive: Primitive, operands: tuple[Value, ...], params: dict[str, Any] | None) -> Value:
        """Return a value that was made under `no_grad()` again, with its operands."""
        names = names_in(self._names(), {id(x) for x in operands})
        with recording(True):
            return primitive(*(Value(x.data, name=x.name or names.get(id(x))) for x in operands), **(params or {}))


def _in_values(graph: Graph, inf: bool) -> Anomaly | None:
    for node in graph:
        counts = inf and (node.op is not None or node.requires_grad)
        kind = _kind(node.data, [x.data for x in operands(graph, node)], counts)
        if kind:
            found = _anomaly(graph, kind, node, node.data)
            ill = {id for id in dependents(graph, node.id) if id != node.id and _kind(graph[id].data)}
            back = {node.id for node in graph if node.op is not None and _kind(node.grad)}
            return replace(found, route=_labels(graph, ill), back=_labels(graph, back)[::-1], reached=_reached(graph))
    return None


def _in_gradients(graph: Graph, heard: Iterable[Heard], inf: bool) -> Anomaly | None:
    for contribution in heard:
        kind, edge = _kind(contribution.after, (), inf), contribution.edge
        if kind:
            node = graph[edge.target]
            found = _anomaly(graph, kind, node, contribution.amount, graph[edge.target].grad, edge.source)
            ill = {node.id for node in graph.nodes[: graph.place(edge.source)] if _kind(node.grad)}
            masked = {id for id in dependents(graph, edge.target) if graph[id].op == "where"}
            route = _labels(graph, ill)[::-1]
            return replace(found, route=route, masked=_labels(graph, masked), reached=_reached(graph))
    return None


def _reached(graph: Graph) -> tuple[str, ...]:
    """Return the labels of the leaves whose gradients are not finite."""
    return _labels(graph, {node.id for node in graph if node.op is None and _kind(node.grad)})


def _labels(graph: Graph, ids: Container[str]) -> tuple[str, ...]:
    labels = labels_of(graph)
    return tuple(labels[node.id] for node in graph if node.id in ids)


def _anomaly(graph: Graph, kind: str, node: Node, result: Any, upstream: Any = None, passed_to: str | None = None) -> Anomaly:
    labels = labels_of(graph)
    before = tuple((labels[x.id], x.data) for x in operands(graph, node))
    what, to = ("value", None) if passed_to is None else ("gradient", labels[passed_to])
    numbers = snapshot(result), before, snapshot(upstream)
    return Anomaly(what, kind, node.id, labels[node.id], node.op, *numbers, to, node.source)


def _kind(data: Any, before: Iterable[Any] = (), infinite_counts: bool = True) -> str:
    """Return "nan", "inf" or "-inf" if it is in the data and not in the operands `before`; else "".

    `infinite_counts` is False for constants: infinite ones, such as masks, are intended.
    """
    kinds = kinds_in(data)
    new = set(kinds).difference(*map(kinds_in, before)) if kinds else ()
    if "nan" in new:
        return "nan"
    if infinite_counts and "inf" in new:
        return "inf" if holds(lambda x: x == math.inf, data) else "-inf"
    return ""
