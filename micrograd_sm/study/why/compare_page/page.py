"""The page of a comparison: both pictures, the differences, and one slider over the steps of both passes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_sm.draw import texts, to_svg
from micrograd_sm.draw.extent import refuse_huge
from micrograd_sm.graph import Graph
from micrograd_sm.graph.evaluation import backward_pass
from micrograd_sm.steps.page.content import json_text, room_for_totals
from micrograd_sm.steps.page.document import asset, inlined, policy
from micrograd_sm.steps.parts import Step
from micrograd_sm.steps.record import Steps, of_graph
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import number_text

if TYPE_CHECKING:
    from micrograd_sm.study.why.comparison import Comparison, Match

_MOST_STRIPS = 200  # nodes up to which a picture has heat strips for large arrays


class Side(NamedTuple):
    """One of the two graphs: its letter, its pass, and by node id how its nodes differ, without those that do not."""

    letter: str
    title: str
    walk: Steps
    notes: Mapping[str, str]

    @property
    def steps(self) -> list[Step]:
        """The steps of the pass; those of its forward half if nothing requires a gradient."""
        flows = self.walk.graph[self.walk.graph.root].requires_grad
        return [step for step in self.walk if flows or step.phase == "forward"]


def save(found: Comparison, path: str | Path, titles: tuple[str, str]) -> Path:
    """Write the page of a comparison and return its path. Raises the errors of `Comparison.save`."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"save: {str(path)!r} must end in .html")
    if isinstance(titles, str) or len(titles) != 2:
        raise ValueError(f"save: titles must be two, for a and for b, got {titles!r}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save: the folder {str(path.parent)!r} of {path.name!r} does not exist")
    path.write_text(page_html(found, titles), encoding="utf-8")
    return path


def page_html(found: Comparison, titles: tuple[str, str]) -> str:
    """Return the page of a comparison as one HTML document."""
    a = Side("a", titles[0], _walk(found.a), _notes(found.a, "a", {match.a: differs(found, match) for match in found}))
    b = Side("b", titles[1], _walk(found.b), _notes(found.b, "b", {match.b: differs(found, match) for match in found}))
    pictures = [_picture(side) for side in (a, b)]
    style, script = inlined("page.css") + inlined("page.css", __package__), inlined("page.js", __package__)
    return Template(asset("page.html", __package__)).substitute(
        title=escape("Two graphs side by side" if not any(titles) else " beside ".join(titles)),
        summary=escape(_summary(found)),
        policy=policy([style, *re.findall(r"<style>(.*?)</style>", "".join(pictures), re.DOTALL)], script),
        style=style,
        script=script,
        title_a=escape(a.title or f"{len(found.a)} nodes"),
        title_b=escape(b.title or f"{len(found.b)} nodes"),
        picture_a=pictures[0],
        picture_b=pictures[1],
        rows="\n".join(_rows(found)),
        data=json_text(_content(found, a, b)),
    )


def _walk(graph: Graph) -> Steps:
    """Return the steps of a graph, also if its root is an array."""
    seed = backward_pass(graph).gradients.get(graph.root)
    return Steps(graph, (), None, {}, "node") if seed is None else of_graph(graph, seed, "node")


def differs(found: Comparison, match: Match) -> str:
    """Return what of two matched nodes differs by more than rounding, in words; "" if nothing does."""
    parts = [
        name
        for name, one in (("value", replace(match, gradient=None)), ("gradient", replace(match, value=0.0)))
        if found.verdict(one) == "differs"
    ]
    return " and ".join(parts) + (" differ" if len(parts) > 1 else " differs") if parts else ""


def _notes(graph: Graph, letter: str, differing: Mapping[str, str]) -> dict[str, str]:
    """Return the notes in a picture; the first, which is framed most, is where the values part on the way forward."""
    notes = {node.id: differing.get(node.id, f"only in {letter}") for node in graph}
    noted = [id for id, note in notes.items() if note]
    return {id: notes[id] for id in sorted(noted, key=lambda id: notes[id] == "gradient differs")}


def _summary(found: Comparison) -> str:
    differing = sum(found.verdict(match) == "differs" for match in found)
    said = f"{len(found)} of {len(found.a)} and {len(found.b)} nodes matched, of which {differing or 'none'} differ"
    return said + ("s" if differing == 1 else "")


def _picture(side: Side) -> str:
    try:
        refuse_huge(side.walk.graph)
    except RuntimeError as error:
        return f"<p>{escape(str(error))}</p>"
    graph = side.walk.graph
    return to_svg(
        graph, f"{side.letter}-", room=room_for_totals(side.walk), labels=labels_of(graph),
        strips=len(graph) <= _MOST_STRIPS, notes=side.notes,
    )  # fmt: skip


def _rows(found: Comparison) -> Iterator[str]:
    """Yield the rows of the table of nodes: what differs first, then what only one has, then what is the same."""
    labels = labels_of(found.a), labels_of(found.b)
    yield from (_match_row(found, match, labels) for match in found if differs(found, match))
    yield from (_lone_row("a", id, labels[0]) for id in found.only_a)
    yield from (_lone_row("b", id, labels[1]) for id in found.only_b)
    yield from (_match_row(found, match, labels) for match in found if not differs(found, match))


def _match_row(found: Comparison, match: Match, labels: tuple[Mapping[str, str], Mapping[str, str]]) -> str:
    verdict = found.verdict(match)
    said = {"same": "the same", "rounding": "the same but for rounding"}.get(verdict) or differs(found, match)
    gradient = "" if match.gradient is None else number_text(match.gradient)
    cells = (labels[0][match.a], labels[1][match.b], said, number_text(match.value), gradient)
    said = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    how = f'title="matched by {match.how}"'
    return f'<tr tabindex="0" class="{verdict}" data-a="{match.a}" data-b="{match.b}" {how}>{said}</tr>'


def _lone_row(letter: str, id: str, labels: Mapping[str, str]) -> str:
    name = f"<td>{escape(labels[id])}</td>"
    names = f"{name}<td></td>" if letter == "a" else f"<td></td>{name}"
    return f'<tr tabindex="0" class="only" data-{letter}="{id}">{names}<td>only in {letter}</td><td></td><td></td></tr>'


# Its data -------------------------------------------------------------------------------------------------------------


def _content(found: Comparison, a: Side, b: Side) -> dict[str, Any]:
    return {
        "sides": {side.letter: {"steps": [_step(step) for step in side.steps]} for side in (a, b)},
        "matches": [[match.a, match.b] for match in found.matches],
        "moments": list(_moments(found, a.steps, b.steps)),
    }


def _step(step: Step) -> dict[str, Any]:
    """Return a step as text, and the gradients that it leaves in the picture."""
    gradients = [[part.operand.id, texts(part.after, part.operand.shape)] for part in step.contributions]
    if step.phase == "seed":
        gradients = [[step.node.id, texts(step.upstream, step.node.shape)]]
    edges = [f"{part.edge.source}-{part.edge.target}-{part.edge.position}" for part in step.contributions]
    lines = [formula.text for formula in step.formulas]
    return {
        "phase": step.phase, "node": step.node.id, "lines": lines, "why": step.why, "gradients": gradients, "edges": edges,
    }  # fmt: skip


def _moments(found: Comparison, a: Sequence[Step], b: Sequence[Step]) -> Iterator[tuple[int | None, int | None]]:
    """Yield what happens at once: a step of each graph for matched nodes, or a step of one while the other waits.

    The order of both passes is kept. Where matched nodes come in another order in b, one of them has its step alone.
    """
    partner = {match.a: match.b for match in found.matches}
    keys_a = [(step.phase, partner.get(step.node.id, f"a {step.node.id}")) for step in a]
    keys_b = [(step.phase, step.node.id) for step in b]
    for kind, i, i_end, j, j_end in SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from zip(range(i, i_end), range(j, j_end))
        else:
            yield from ((k, None) for k in range(i, i_end))
            yield from ((None, k) for k in range(j, j_end))
