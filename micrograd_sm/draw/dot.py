"""Graph to DOT: one box for each Value, an arrow for each operand, a frame around each composed function."""

from __future__ import annotations

from collections.abc import Iterator

from micrograd_sm.draw.box import NUMBERED, box, kind_of, strangeness
from micrograd_sm.draw.extent import DENSE, rows_crossed
from micrograd_sm.draw.folding import READABLE
from micrograd_sm.draw.frames import Frame, frames_of
from micrograd_sm.draw.labels import MEANING, edge_label
from micrograd_sm.draw.markup import named, quiet
from micrograd_sm.draw.options import DEFAULTS, Options
from micrograd_sm.draw.palette import fill, line, text
from micrograd_sm.graph import Edge, Graph, Node

_MANY = 150  # nodes beyond which dot is told to settle for a good layout: the best takes it minutes
_ENTRY = {"TB": "n", "BT": "s", "LR": "w", "RL": "e"}  # the side of a box at which arrows come in
_FRAMES = ("frame", "frame-inner")


def to_dot(graph: Graph, options: Options = DEFAULTS, note: str = "") -> str:
    """Return a Graph in the DOT language, with a note above it; the same bytes for the same graph, in every run.

    >>> from micrograd_sm import Value
    >>> x = Value(3.0, name="x")
    >>> print(*(line for line in to_dot(Graph(x * x)).splitlines() if "->" in line), sep="\\n")
      v0 -> v1:o0:n [id="v0-v1-0", class="edge"]
      v0 -> v1:o1:n [id="v0-v1-1", class="edge"]
    """
    lines = [*_head(options), *_note_lines("\n".join(filter(None, [note, MEANING if options.edges else ""])))]
    options = options._replace(strips=options.strips and len(graph) <= READABLE)
    if rows_crossed(graph) > DENSE:
        lines.append("  graph [nslimit=0.1, nslimit1=0.1, mclimit=0.01, splines=line]")
    elif len(graph) > _MANY:
        lines.append("  graph [nslimit=1, nslimit1=1]")
    frames = frames_of(graph)
    inside = dict(_frames_around(frames, ()))
    for edge in sorted(graph.edges, key=_drawing_order):
        shared = sum(one == other for one, other in zip(inside[edge.source], inside[edge.target]))
        lines.append(_edge_line(graph, edge, options, _ground_in(shared)))
    lines += _frame_lines(graph, frames, options, depth=0)
    return "\n".join(lines) + "\n}\n"


def _head(options: Options) -> list[str]:
    across = "0.32" if options.down else "0.45"
    return [
        "digraph micrograd_sm {",
        f'  graph [rankdir={options.rankdir}, bgcolor="{fill("ground")}", pad=0.2, nodesep=0.35, ranksep={across}, '
        'fontname="Helvetica"]',
        f'  node [shape=plain, fontname="Helvetica", fontsize=12, fontcolor="{text("ink")}"]',
        f'  edge [color="{line("edge")}", fontname="Helvetica", arrowsize=0.7, penwidth=1.2]',
    ]


def _note_lines(note: str) -> list[str]:
    if not note:
        return []
    said = "<BR/>".join(f"{quiet(part, 11)}&#160;" for part in note.split("\n"))
    return [f"  graph [label=<{said}>, labelloc=t, labeljust=l]"]


def _frame_lines(graph: Graph, frame: Frame, options: Options, depth: int) -> Iterator[str]:
    """Yield a frame's own nodes and the frames within it, in creation order; scopes nest no deeper than calls do."""
    indent = "  " * (depth + 1)
    for member in frame.members:
        if isinstance(member, str):
            yield f"{indent}{_node_line(graph, graph[member], options)}"
            continue
        yield f"{indent}subgraph cluster_{member.id} {{"
        yield (
            f'{indent}  graph [label=<{named(member.name)}&#160;>, labelloc=t, labeljust=r, style="rounded,filled", '
            f'color="{line("frame")}", fillcolor="{fill(_ground_in(depth + 1))}", fontcolor="{text("quiet")}", '
            'fontsize=12, margin=12, class="scope"]'
        )
        yield from _frame_lines(graph, member, options, depth + 1)
        yield f"{indent}}}"


def _frames_around(frame: Frame, around: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each node with the ids of the frames around it, outermost first."""
    for member in frame.members:
        if isinstance(member, str):
            yield member, around
        else:
            yield from _frames_around(member, (*around, member.id))


def _ground_in(frames: int) -> str:
    """Return the role of what lies under things in so many frames."""
    return _FRAMES[(frames - 1) % len(_FRAMES)] if frames else "ground"


def _node_line(graph: Graph, node: Node, options: Options) -> str:
    classes = [kind_of(graph, node), *(["folded"] if node.folded else []), *(["strange"] if strangeness(node) else [])]
    return f'{node.id} [class="{" ".join(classes)}", label=<{box(graph, node, options)}>]'


def _drawing_order(edge: Edge) -> tuple[int, int, int]:
    """Order edges so that dot, which starts from it, crosses few: of one source's arrows the longest leftmost."""
    return int(edge.source[1:]), -int(edge.target[1:]), edge.position


def _edge_line(graph: Graph, edge: Edge, options: Options, ground: str) -> str:
    port = f":o{edge.position}:{_ENTRY[options.rankdir]}" if len(graph.operand_edges(edge.target)) <= NUMBERED else ""
    flows = graph[edge.source].requires_grad
    style = 'class="edge"' if flows else f'class="edge constant", style=dashed, color="{line("faint")}"'
    label = edge_label(graph, edge, ground) if options.edges and flows else ""
    style += f", label=<{label}>" if label else ""
    style += "" if port else f', headlabel="{edge.position + 1}", fontsize=9, fontcolor="{text("quiet")}"'
    return f'  {edge.source} -> {edge.target}{port} [id="{edge.source}-{edge.target}-{edge.position}", {style}]'
