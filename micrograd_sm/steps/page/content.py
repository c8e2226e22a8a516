"""The data of a page as JSON: nodes, scopes and all contributions of the pass, with numbers at full precision."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from micrograd_sm.array import Array, shape_of
from micrograd_sm.array.summary import Summary
from micrograd_sm.draw import texts
from micrograd_sm.graph import Graph, Node, Scope
from micrograd_sm.graph.places import moved_places
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.steps.formula import Formula
from micrograd_sm.steps.page.program import program_of
from micrograd_sm.steps.page.slips import asked_for, slips_of
from micrograd_sm.steps.parts import Contribution, Step
from micrograd_sm.words.names import labels_of, visible
from micrograd_sm.words.numbers import data_text, number_text, rows_of

if TYPE_CHECKING:
    from micrograd_sm.steps.record import Steps

Json = dict[str, Any]
_READABLE = 60  # nodes that are open when a page opens
_LEAST_MAP = 17  # elements from which an array has a heat map
_MOST_BESIDE = 64  # elements up to which an array has its numbers in the page, if others of the graph are only summarised
_FROM_SHAPES = {"reshape", "expand", "matmul"}  # operations whose elements are told by the shapes
_FIGURE_SPACE, _GAP = "\u2007", "\u00a0\u00a0"  # as wide as a digit; a line does not break there
_MATHML = "{http://www.w3.org/1998/Math/MathML}"


def content_of(walk: Steps, opened: Steps, framed: set[str] | None) -> Json:
    """Return the data of a page; `framed` has the ids of the scopes in its picture, or is None for all scopes.

    `opened` are the events of the pass, without folds: the computation of a value, the seed, or one contribution. The page
    makes its steps from them, for any grain and any folds that the reader chooses, so its totals are those of the pass.
    """
    labels = labels_of(opened.graph)
    writer, program = Writer(opened, Fragments()), program_of(opened.graph)
    nodes = [_node(opened, node, labels, program.lines, writer.told) for node in opened.graph]
    return {
        "nodes": nodes, "root": opened.graph.root, "program": program.files, "events": [writer.event(step) for step in opened],
        "scopes": list(writer.scopes(framed)), "start": {"grain": walk.grain, "folded": _folded_at_first(walk, framed)},
        "fragments": writer.fragments.found,
    }  # fmt: skip


def _folded_at_first(walk: Steps, framed: set[str] | None) -> list[str]:
    """Return the scopes that are folded when the page opens: those of the walk, or all outermost ones of a large graph."""
    if walk.graph.folded or len(walk.graph) <= _READABLE:
        return list(walk.graph.folded)
    return [id for id in walk.graph.fold().folded if framed is None or id in framed]


def cell_text(data: Any) -> str:
    """Return a number or an array as text for the table, a small matrix in aligned rows."""
    rows = rows_of(data) if len(shape_of(data)) == 2 else None
    if not rows or not rows[0]:
        return data_text(data)
    written = [[number_text(x) for x in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*written, strict=True)]
    return "\n".join(_GAP.join(text.rjust(width, _FIGURE_SPACE) for text, width in zip(row, widths)) for row in written)


def room_for_totals(walk: Steps) -> dict[str, int]:
    """Return by node id the length of the longest number among its running totals."""
    room: dict[str, int] = {}
    for step in walk:
        for contribution in step.contributions:
            if contribution.before is not None:
                words = " ".join(texts(contribution.before, contribution.operand.shape)).split()
                room[contribution.operand.id] = max(room.get(contribution.operand.id, 0), *map(len, words or [""]))
    return room


def json_text(data: Json) -> str:
    """Return strict JSON that cannot end the script element around it."""
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


def _node(
    walk: Steps, node: Node, labels: Mapping[str, str], lines: Mapping[str, tuple[int, int]], told: Callable[[Any], Any]
) -> Json:
    source: Json = {"source": visible(node.source)} if node.source else {}
    source |= {"line": lines[node.id]} if node.id in lines else {}
    around = [node, *(walk.graph[edge.source] for edge in walk.graph.operand_edges(node.id))]
    source |= _origins(walk.graph, node) if all(told(x.data) is x.data for x in around) else {}
    return source | ({"named": True} if node.name else {}) | {
        "id": node.id, "label": labels[node.id], "op": node.op, "shape": node.shape, "data": told(node.data),
        "from": [edge.source for edge in walk.graph.operand_edges(node.id)], "flows": node.requires_grad,
    }  # fmt: skip


def _origins(graph: Graph, node: Node) -> Json:
    """Return what a heat map must know to say which elements of the operands an element was made of, but for the shapes."""
    sizes = [math.prod(shape) for shape in (node.shape, *(graph[edge.source].shape for edge in graph.operand_edges(node.id)))]
    if not node.op or node.op in _FROM_SHAPES or max(sizes) < _LEAST_MAP:
        return {}
    if "axis" in node.params and node.op in ("sum", "max"):
        return {"axis": node.params["axis"]}
    if node.op in PRIMITIVES and PRIMITIVES[node.op].kind == "moves":
        return {"places": moved_places(graph, node)}
    return {} if node.op in PRIMITIVES and PRIMITIVES[node.op].kind == "elementwise" else {"places": []}


class Fragments:
    """Pieces of MathML, `[tag, child, ...]`: a child is text, the index of another piece in `found`, or attributes."""

    def __init__(self) -> None:
        self.found: list[Any] = []
        self._indices: dict[tuple[Any, ...], int] = {}

    def index_of(self, element: ET.Element) -> int:
        """Return the index of a piece in `found`, and add it if it is new."""
        children = [self.index_of(child) for child in element]
        text = [element.text] if element.text and not children else []
        attributes = [dict(element.attrib)] if element.attrib else []
        piece = [element.tag.removeprefix(_MATHML), *attributes, *text, *children]
        key = (element.tag, *element.attrib.items(), *text, *children)
        if key not in self._indices:
            self._indices[key] = len(self.found)
            self.found.append(piece)
        return self._indices[key]


def pieces_of(formulas: Iterable[Formula], fragments: Fragments) -> list[list[int]]:
    """Return formulas in MathML, each as the indices of its parts: symbols, numbers if it has them, result."""
    return [[fragments.index_of(ET.fromstring(part)) for part in formula if part] for formula in formulas]


def _said(step: Step, fragments: Fragments) -> Json:
    """Return what a page says of a step: the formulas, the rules of the local derivatives, and the sentence why."""
    rules = pieces_of(step.mathml_rules, fragments)
    return {"math": pieces_of(step.mathml_formulas, fragments), "why": step.why} | ({"rules": rules} if rules else {})


class Writer:
    """Write the events and the scopes of a pass without folds, by contribution."""

    def __init__(self, opened: Steps, fragments: Fragments) -> None:
        self.opened, self.fragments = opened, fragments
        self._large = any(type(node.data) is Summary for node in opened.graph)
        self._passed_to: dict[str, list[Step]] = {}
        self._last = {contribution.operand.id: step.index for step in opened for contribution in step.contributions}
        self._others: dict[str, list[Contribution]] = {}
        for step in opened:
            self._others.setdefault(step.node.id, []).extend(step.contributions)
            for contribution in step.contributions:
                self._passed_to.setdefault(contribution.operand.id, []).append(step)

    def told(self, data: Any) -> Any:
        """Return the numbers that a page has of an array: all, or none."""
        hidden = type(data) is Summary or (self._large and math.prod(shape_of(data)) > _MOST_BESIDE)
        return [] if hidden else data

    def event(self, step: Step) -> Json:
        """Return an event; it has `shown` if its total is not the final gradient, which the picture has."""
        event: Json = {"phase": step.phase, "node": step.node.id, **_said(step, self.fragments)}
        if step.phase == "seed":
            event["after"] = self.told(step.upstream)
        for contribution in step.contributions:
            event |= self._part(step, contribution, self._others[step.node.id])
            event["edge"] = f"{contribution.edge.source}-{contribution.edge.target}-{contribution.edge.position}"
            if contribution.before is not None:
                event["amount"] = self.told(contribution.amount)
            event["after"] = self.told(contribution.after)
            if self._last[contribution.operand.id] != step.index:
                event["shown"] = [cell_text(contribution.after), *texts(contribution.after, contribution.operand.shape)]
        return event

    def _part(self, step: Step, contribution: Contribution, others: Iterable[Contribution]) -> Json:
        if self.told(contribution.amount) is not contribution.amount:
            return {"operand": contribution.operand.id, "asked": 0, "slips": {}}
        slips = slips_of(self.opened.graph, contribution, list(others), step.upstream)
        return {"operand": contribution.operand.id, "asked": asked_for(contribution), "slips": slips}

    def scopes(self, framed: set[str] | None) -> Iterator[Json]:
        """Yield each scope that can be folded: its node, the nodes inside, and its steps as a single operation."""
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
        inside = node.folded  # not all members: a leaf that gets a gradient stays visible
        mine = by_node[node.id]
        others = [contribution for step in mine for contribution in step.contributions]
        said: Json = {"id": scope.id, "name": visible(scope.name), "node": node.id, "inside": list(inside), "parts": []}
        for step in mine:
            if step.phase == "forward":
                said |= {"text": step.text} | _said(step, self.fragments)
            for contribution in step.contributions:
                part = self._part(step, contribution, others) | {"text": step.text} | _said(step, self.fragments)
                said["parts"].append(part | {"amount": self.told(contribution.amount)} | self._ends(contribution, set(inside)))
        return said

    def _ends(self, contribution: Contribution, inside: set[str]) -> Json:
        """Return the first and the last of the events whose sum is a folded scope's contribution."""
        run = [step.index for step in self._passed_to[contribution.operand.id] if step.node.id in inside]
        return {"first": run[0], "last": run[-1]}
