"""What a page knows: nodes, scopes and every contribution of the pass, as JSON with each number at full precision."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_sm.array import Array
from micrograd_sm.draw import texts
from micrograd_sm.graph import Node, Scope
from micrograd_sm.steps.page.formula import Fragments, formula_of
from micrograd_sm.steps.page.slips import asked_for, slips_of
from micrograd_sm.steps.parts import Contribution, Step
from micrograd_sm.words.names import labels_of, visible
from micrograd_sm.words.numbers import data_text

if TYPE_CHECKING:
    from micrograd_sm.steps.record import Steps

Json = dict[str, Any]


class Content(NamedTuple):
    """The data of a page, and for each event of the pass a line of text, in the same order."""

    data: Json
    lines: list[tuple[Step, str]]


def content_of(walk: Steps, framed: set[str] | None) -> Content:
    """Return what a page of the pass knows; `framed` has the ids of the scopes that its picture shows, None for all.

    An event is the computation of a value, the seed, or one contribution. A page makes its steps of them, whichever grain
    and whichever scopes folded the reader chooses, so its totals are always the pass's own.

    >>> from micrograd_sm import Value
    >>> from micrograd_sm.steps import steps
    >>> x = Value(3.0)
    >>> [event["after"] for event in content_of(steps(x * x), None).data["events"][1:]]
    [1.0, 3.0, 6.0]
    """
    opened = walk.unfold().by_contribution()
    labels = labels_of(opened.graph)
    writer = Writer(opened, Fragments())
    events = [writer.event(step) for step in opened]
    data = {
        "nodes": [_node(opened, node, labels) for node in opened.graph],
        "root": opened.graph.root,
        "events": events,
        "scopes": list(writer.scopes(framed)),
        "start": {"grain": walk.grain, "folded": list(walk.graph.folded)},
        "fragments": writer.fragments.found,
    }
    return Content(data, [(step, step.text) for step in opened])


def cell_text(data: Any) -> str:
    """Return a number or an array for a cell of the table, a matrix row by row.

    >>> print(cell_text(Array([[1.0, 2.0], [3.0, 4.0]])))
    [[1, 2],
    [3, 4]]
    """
    return data_text(data).replace("], [", "],\n[")


def room_for_totals(walk: Steps) -> dict[str, int]:
    """Return how many characters the longest number takes of each node's totals on the way to its gradient.

    >>> from micrograd_sm import Value
    >>> from micrograd_sm.steps import steps
    >>> x, y = Value(3.0), Value(2.0)
    >>> room_for_totals(steps(x * 1e3 - x * y))
    {'v0': 4}
    """
    room: dict[str, int] = {}
    for step in walk:
        for one in step.contributions:
            if one.before is not None:
                words = " ".join(texts(one.before, one.operand.shape)).split()
                room[one.operand.id] = max(room.get(one.operand.id, 0), *map(len, words or [""]))
    return room


def json_text(data: Json) -> str:
    """Return strict JSON in which nothing can end the script element around it.

    >>> json_text({"name": "</script>", "data": [0.1, float("nan")]})
    '{"name":"\\\\u003c/script>","data":[0.1,"nan"]}'
    """
    text = json.dumps(_plain(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _plain(data: Any) -> Any:
    if isinstance(data, float):
        return data if math.isfinite(data) else str(data)
    if isinstance(data, Array):
        return _plain(data.flat)
    if isinstance(data, Mapping):
        return {key: _plain(entry) for key, entry in data.items()}
    return [_plain(entry) for entry in data] if isinstance(data, (list, tuple)) else data


def _node(walk: Steps, node: Node, labels: Mapping[str, str]) -> Json:
    source = {"source": visible(node.source)} if node.source else {}
    return source | {
        "id": node.id,
        "label": labels[node.id],
        "op": node.op,
        "shape": node.shape,
        "data": node.data,
        "from": [edge.source for edge in walk.graph.operand_edges(node.id)],
        "flows": node.requires_grad,
    }


class Writer:
    """Writes the events and the scopes of a pass that is all open and walked by contribution."""

    def __init__(self, opened: Steps, fragments: Fragments) -> None:
        self.opened, self.fragments = opened, fragments
        self._passed_to: dict[str, list[Step]] = {}
        self._last = {one.operand.id: step.index for step in opened for one in step.contributions}
        self._others: dict[str, list[Contribution]] = {}
        for step in opened:
            self._others.setdefault(step.node.id, []).extend(step.contributions)
            for one in step.contributions:
                self._passed_to.setdefault(one.operand.id, []).append(step)

    def event(self, step: Step) -> Json:
        """Return one event; `shown` is there where a total is not yet the final gradient, which the picture has."""
        event: Json = {"phase": step.phase, "node": step.node.id, "math": formula_of(step, self.fragments)}
        if step.phase == "seed":
            event["after"] = step.upstream
        for one in step.contributions:
            event |= self._part(step, one, self._others[step.node.id])
            event["edge"] = f"{one.edge.source}-{one.edge.target}-{one.edge.position}"
            if one.before is not None:
                event["amount"] = one.amount
            event["after"] = one.after
            if self._last[one.operand.id] != step.index:
                event["shown"] = [cell_text(one.after), *texts(one.after, one.operand.shape)]
        return event

    def _part(self, step: Step, one: Contribution, others: Iterable[Contribution]) -> Json:
        slips = slips_of(self.opened.graph, one, list(others), step.upstream)
        return {"operand": one.operand.id, "asked": asked_for(one), "slips": slips}

    def scopes(self, framed: set[str] | None) -> Iterator[Json]:
        """Yield each scope that can be folded: its node, what is inside, and what it does as one operation."""
        graph = self.opened.graph
        deepest = max((scope.path.count("/") for scope in graph.scopes), default=-1)
        for depth in range(deepest + 1):
            walk = self.opened.fold(depth=depth)
            chosen = {id for id in walk.graph.folded if framed is None or id in framed}
            by_node: dict[str, list[Step]] = {}
            for step in walk:
                by_node.setdefault(step.node.id, []).append(step)
            for scope in graph.scopes:
                if scope.id in chosen and scope.path.count("/") == depth:
                    yield self._scope(scope, walk, by_node)

    def _scope(self, scope: Scope, walk: Steps, by_node: Mapping[str, list[Step]]) -> Json:
        members = self.opened.graph.members(scope.id)
        node = next(walk.graph[id] for id in members if id in by_node and walk.graph[id].folded)
        inside = node.folded  # not all members: a leaf that gets a gradient stays to be seen
        mine = by_node[node.id]
        others = [one for step in mine for one in step.contributions]
        said: Json = {"id": scope.id, "name": visible(scope.name), "node": node.id, "inside": list(inside), "parts": []}
        for step in mine:
            if step.phase == "forward":
                said |= {"text": step.text, "math": formula_of(step, self.fragments)}
            for one in step.contributions:
                part = self._part(step, one, others) | {"text": step.text, "math": formula_of(step, self.fragments)}
                said["parts"].append(part | {"amount": one.amount} | self._ends(one, set(inside)))
        return said

    def _ends(self, one: Contribution, inside: set[str]) -> Json:
        """Return which events are the first and the last of those that a folded scope's contribution is the sum of."""
        run = [step.index for step in self._passed_to[one.operand.id] if step.node.id in inside]
        return {"first": run[0], "last": run[-1]}
