"""Graph to graphviz.Digraph: a box for each Value, an arrow for each operand, a frame around each composed function."""

from __future__ import annotations

from collections.abc import Iterator

from graphviz import Digraph

from micrograd_sm.draw.box import NUMBERED, box, kind_of, strangeness
from micrograd_sm.draw.extent import DENSE, rows_crossed
from micrograd_sm.draw.folding import READABLE
from micrograd_sm.draw.frames import Frame, frames_of
from micrograd_sm.draw.labels import MEANING, edge_label
from micrograd_sm.draw.markup import ROOM, named, quiet
from micrograd_sm.draw.options import DEFAULTS, Options
from micrograd_sm.draw.palette import fill, line, text
from micrograd_sm.graph import Edge, Graph
from micrograd_sm.graph.rounding import with_rounding_marked
from micrograd_sm.words.names import labels_of

_MANY = 150  # the most nodes for which dot looks for its best layout, which takes minutes for more
_ENTRY = {"TB": "n", "BT": "s", "LR": "w", "RL": "e"}  # the side of a box at which arrows come in
_FRAMES = ("frame", "frame-inner")
_FONT = "Helvetica"
_NODES = {"shape": "plain", "fontname": _FONT, "fontsize": "12", "fontcolor": text("ink")}
_EDGES = {"color": line("edge"), "fontname": _FONT, "arrowsize": "0.7", "penwidth": "1.2"}


def to_digraph(graph: Graph, options: Options = DEFAULTS, note: str = "", prefix: str = "") -> Digraph:
    """Return a Graph as a Digraph, with a note above it; each name in it starts with `prefix`."""
    graph, _ = with_rounding_marked(graph)
    picture = Digraph("micrograd_sm", graph_attr=_whole(graph, options, note), node_attr=_NODES, edge_attr=_EDGES)
    readable = len(graph) <= READABLE
    labels = options.labels or (labels_of(graph) if readable and options.show != "none" else {})
    options = options._replace(strips=options.strips and readable, labels=labels)
    frames = frames_of(graph)
    inside = dict(_frames_around(frames, ()))
    # dot starts from the order of the edges, and crosses few if the longest arrow of a source is leftmost
    for edge in sorted(graph.edges, key=lambda edge: (int(edge.source[1:]), -int(edge.target[1:]), edge.position)):
        shared = sum(frame == other for frame, other in zip(inside[edge.source], inside[edge.target]))
        _add_edge(picture, graph, edge, options, _ground_in(shared), prefix)
    _add_members(picture, graph, frames, options, prefix)
    return picture


def _whole(graph: Graph, options: Options, note: str) -> dict[str, str]:
    attributes = {"rankdir": options.rankdir, "bgcolor": fill("ground"), "fontname": _FONT, "pad": "0.2", "nodesep": "0.35"}
    attributes["ranksep"] = "0.32" if options.down else "0.45"
    lines = [*note.splitlines(), *([MEANING] if options.edges else [])]
    if lines:
        label = "<BR/>".join(f"{quiet(words, 11)}{ROOM}" for words in lines)
        attributes |= {"label": f"<{label}>", "labelloc": "t", "labeljust": "l"}
    if rows_crossed(graph) > DENSE:
        attributes |= {"nslimit": "0.1", "nslimit1": "0.1", "mclimit": "0.01", "splines": "line"}
    elif len(graph) > _MANY:
        attributes |= {"nslimit": "1", "nslimit1": "1"}
    return attributes


def _add_members(picture: Digraph, graph: Graph, frame: Frame, options: Options, prefix: str, depth: int = 0) -> None:
    """Add a frame's own nodes and the frames inside it, in creation order."""
    for member in frame.members:
        if isinstance(member, str):
            node = graph[member]
            classes = [kind_of(graph, node), "folded" if node.folded else "", "strange" if strangeness(node) else ""]
            marks = {"class": " ".join(filter(None, classes))}
            picture.node(f"{prefix}{node.id}", f"<{box(graph, node, options)}>", **marks)
            continue
        with picture.subgraph(name=f"cluster_{prefix}{member.id}", graph_attr=_frame(member, depth + 1)) as inner:
            _add_members(inner, graph, member, options, prefix, depth + 1)


def _frame(frame: Frame, depth: int) -> dict[str, str]:
    return {
        "label": f"<{named(frame.name)}{ROOM}>", "labelloc": "t", "labeljust": "r", "fontsize": "12", "margin": "12",
        "style": "rounded,filled", "color": line("frame"), "fillcolor": fill(_ground_in(depth)), "fontcolor": text("quiet"),
        "class": "scope",
    }  # fmt: skip


def _frames_around(frame: Frame, around: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each node with the ids of the frames around it, outermost first."""
    for member in frame.members:
        if isinstance(member, str):
            yield member, around
        else:
            yield from _frames_around(member, (*around, member.id))


def _ground_in(frames: int) -> str:
    """Return the colour role of the ground inside this many frames."""
    return _FRAMES[(frames - 1) % len(_FRAMES)] if frames else "ground"


def _add_edge(picture: Digraph, graph: Graph, edge: Edge, options: Options, ground: str, prefix: str) -> None:
    flows = graph[edge.source].requires_grad
    source, target = f"{prefix}{edge.source}", f"{prefix}{edge.target}"
    attributes = {"id": f"{source}-{edge.target}-{edge.position}", "class": "edge"}
    if not flows:
        attributes |= {"class": "edge constant", "style": "dashed", "color": line("faint")}
    if {edge.source, edge.target} <= options.notes.keys():
        attributes |= {"class": f"{attributes['class']} noted", "color": line("note"), "penwidth": "3.5"}
    if len(graph.operand_edges(edge.target)) <= NUMBERED:
        target += f":o{edge.position}:{_ENTRY[options.rankdir]}"
    else:
        attributes |= {"headlabel": str(edge.position + 1), "fontsize": "9", "fontcolor": text("quiet")}
    label = edge_label(graph, edge, ground) if options.edges and flows else ""
    picture.edge(source, target, f"<{label}>" if label else None, **attributes)
