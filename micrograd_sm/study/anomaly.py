"""`anomaly()`: where nan or infinity first came up, in a value or in a gradient."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any, NamedTuple

from micrograd_sm.draw.text import visible
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node, reachable
from micrograd_sm.mode import trace
from micrograd_sm.steps.labels import labels_of
from micrograd_sm.steps.numbers import data_text
from micrograd_sm.study.backwards import backward_pass
from micrograd_sm.study.lint_look import flat
from micrograd_sm.study.patterns import operands


class Anomaly(NamedTuple):
    """The first nan or inf: in the "value" of a node, or in what it passed back as a "gradient".

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

        >>> first_anomaly(Value(1000.0).exp()).to_dict()["kind"]
        'inf'
        """
        plain = {name: x.tolist() if hasattr(x, "tolist") else x for name, x in self._asdict().items()}
        return plain | {"operands": {name: x.tolist() if hasattr(x, "tolist") else x for name, x in self.operands}}


def first_anomaly(loss: Value, names: Mapping[str, Any] | None = None) -> Anomaly | None:
    """Return where nan or inf first comes up in a loss: in its values, else in its gradients; None where nowhere.

    A value counts where none of its operands is nan (or inf) already. Infinite constants, such as masks, are taken as meant.
    Gradients are those of a backward pass through the graph; no `.grad` changes.

    Raises TypeError for what is no Value.

    >>> x = Value(0.0, name="x")
    >>> print(first_anomaly(x.sqrt() * 0.0))
    the gradient of x is nan: v2 = power of x = 0, v1 = 0.5 passed it back, with 0 upstream
    """
    graph = Graph(loss, sys._getframe(1).f_locals if names is None else names)
    return _in_values(graph) or _in_gradients(graph)


class anomaly:
    """Find the first nan or inf that is made inside, as a context; lines of code are traced (torch.autograd.detect_anomaly).

    At the end it looks at what the caller's variables hold: values made inside, in the order in which they were made, then, for
    losses on which backward was called, their gradients. Raises RuntimeError with the first one found. With `report=True` it
    raises nothing, and what was found, or None, is in `.found`. An exception that ends the block goes on, with a note of what
    was found. Nothing that no variable leads to can be seen.

    >>> with anomaly(report=True) as watch:
    ...     x = Value([0.0, 1.0], name="x")
    ...     y = x.log()
    ...     loss = y.sum()
    >>> watch.found.label, watch.found.op, watch.found.source
    ('y', 'log', '<doctest micrograd_sm.study.anomaly.anomaly[0]>:3: y = x.log()')
    """

    def __init__(self, report: bool = False) -> None:
        if not isinstance(report, bool):
            raise TypeError(f"anomaly: report must be True or False, got {report!r}")
        self.report = report
        self.found: Anomaly | None = None
        self._trace = trace()
        self._start = 0
        self._frame: FrameType | None = None

    def __enter__(self) -> anomaly:
        self.found, self._frame = None, sys._getframe(1)
        self._start = Value(0.0, requires_grad=False).number
        self._trace.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._trace.__exit__(kind, error, where)
        frame, self._frame = self._frame, None
        self.found = _among(frame.f_locals if frame else {}, self._start)
        if self.found is None or self.report:
            return
        if error is None:
            raise RuntimeError(f"anomaly: {self.found}")
        error.add_note(f"anomaly: {self.found}")


def _among(variables: Mapping[str, Any], start: int) -> Anomaly | None:
    """Return the first anomaly among what was made after `start` and can be reached from the variables."""
    roots = [value for value in _values(variables) if value.number > start]
    inner = {id(parent) for root in roots for value in reachable(root) for parent in value.parents}
    graphs = [(Graph(root, variables), root) for root in roots if id(root) not in inner]
    found = [(number, one) for graph, root in graphs for number, one in [_first_value(graph, root, start)] if one]
    if found:
        return min(found, key=lambda pair: pair[0])[1]
    passed = (_in_gradients(graph) for graph, root in graphs if root.op is not None and root.grad is not None)
    return next((one for one in passed if one), None)


def _first_value(graph: Graph, root: Value, start: int) -> tuple[int, Anomaly | None]:
    numbers = {node.id: value.number for node, value in zip(graph.nodes, reachable(root), strict=True)}
    for node in graph:
        one = _new(graph, node) if numbers[node.id] > start else None
        if one:
            return numbers[node.id], one
    return 0, None


def _values(variables: Mapping[str, Any]) -> Iterator[Value]:
    for x in list(variables.values()):
        if isinstance(x, Value):
            yield x
        elif isinstance(x, (list, tuple)):
            yield from (part for part in x if isinstance(part, Value))


def _in_values(graph: Graph) -> Anomaly | None:
    return next((one for node in graph if (one := _new(graph, node))), None)


def _new(graph: Graph, node: Node) -> Anomaly | None:
    """Return the anomaly of a node's value, if it is the node's own and not one of its operands'."""
    before = operands(graph, node)
    for kind, is_so in _KINDS.items():
        meant = kind == "inf" and node.op is None and not node.requires_grad
        if not meant and _any(is_so, node.data) and not any(_any(is_so, x.data) for x in before):
            return _anomaly(graph, "value", kind, node, node.data, None, None)
    return None


def _in_gradients(graph: Graph) -> Anomaly | None:
    passed = backward_pass(graph)
    for one in passed.heard:
        for kind, is_so in _KINDS.items():
            if _any(is_so, one.after):
                node, upstream = graph[one.edge.target], passed.gradients[one.edge.target]
                return _anomaly(graph, "gradient", kind, node, one.amount, upstream, one.edge.source)
    return None


def _anomaly(graph: Graph, what: str, kind: str, node: Node, result: Any, upstream: Any, passed_to: str | None) -> Anomaly:
    labels = labels_of(graph)
    before = tuple((labels[x.id], x.data) for x in operands(graph, node))
    to = None if passed_to is None else labels[passed_to]
    if kind == "inf" and math.inf not in flat(result):
        kind = "-inf"
    return Anomaly(what, kind, node.id, labels[node.id], node.op, result, before, upstream, to, node.source)


def _any(is_so: Any, data: Any) -> bool:
    return any(map(is_so, flat(data)))


_KINDS = {"nan": math.isnan, "inf": math.isinf}
