"""The SVG of a layout program made fit for pages: classes in place of colours, ids by node, edge and scope, light and dark."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from micrograd_sm.draw.palette import shape_class, style_sheet, text_class
from micrograd_sm.draw.text import visible
from micrograd_sm.graph import Graph

_SVG = "{http://www.w3.org/2000/svg}"
_FONT = "Helvetica,Arial,sans-serif"
_SIZE = "12"  # of text that says no other
_NUMBERS = {"value", "grad"}  # classes of text that ends where its column ends


def styled(svg: bytes, graph: Graph, prefix: str = "") -> str:
    """Return a laid-out picture of a graph for use inside a page, in a notebook or as a file of its own.

    Every text and shape has classes by its role and keeps its light colour as an attribute; the style sheet inside gives
    both themes. A node is `<g id="{prefix}v3" class="node leaf" data-node="v3">`, an edge has `data-edge="v1-v3-0"`, a
    frame `data-scope="s1"`. The numbers of a node have the class `value` or `grad`, in row-major order.

    >>> from micrograd_sm import Value
    >>> from micrograd_sm.draw import draw
    >>> picture = draw(Value(2.0, name="x").exp()).svg("p1-")
    >>> '<g id="p1-v0" class="node leaf" data-node="v0">' in picture
    True
    """
    root = ET.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
    whole = root.find("g")
    if whole is None:
        raise RuntimeError("draw: the layout program's picture holds no graph")
    _name_whole(root, whole, graph, prefix)
    for group in whole.findall("g"):
        _identify(group, graph, prefix)
    for parent in root.iter("g"):
        _merge_outlines(parent)
        _dress(parent)
    root.tail = "\n"
    return ET.tostring(root, encoding="unicode")


def _name_whole(root: ET.Element, whole: ET.Element, graph: Graph, prefix: str) -> None:
    """Give the picture its name, its style sheet and the attributes that all of its text inherits."""
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg", "class": "micrograd-sm", "role": "img"}
    root.attrib |= {"font-family": _FONT, "font-size": _SIZE, "{http://www.w3.org/XML/1998/namespace}space": "preserve"}
    whole.attrib |= {"id": f"{prefix}graph", "class": "graph"}
    title = whole.find("title")
    if title is not None:
        whole.remove(title)
    _insert(root, 0, "title", f"Computation graph of {len(graph)} nodes")
    _insert(root, 1, "style", style_sheet())


def _insert(parent: ET.Element, place: int, tag: str, text: str) -> None:
    child = ET.Element(tag)
    child.text = text
    child.tail = "\n"
    parent.insert(place, child)


def _identify(group: ET.Element, graph: Graph, prefix: str) -> None:
    """Give the group of a node, an edge or a frame its ids; what the layout program called it is in its title."""
    title = group.find("title")
    said = "" if title is None else title.text or ""
    kinds = list(dict.fromkeys(group.get("class", "").split()))
    if "node" in kinds:
        group.attrib = {"id": f"{prefix}{said}", "class": " ".join(kinds), "data-node": said}
        title.text = _tooltip(graph, said)  # type: ignore[union-attr]
        return
    if "edge" in kinds:
        edge = group.get("id", "")
        group.attrib = {"id": f"{prefix}{edge}", "class": " ".join(kinds), "data-edge": edge}
    elif "cluster" in kinds:
        scope = said.removeprefix("cluster_")
        group.attrib = {"id": f"{prefix}{scope}", "class": "scope", "data-scope": scope}
    if title is not None:
        group.remove(title)


def _tooltip(graph: Graph, id: str) -> str:
    node = graph[id]
    said = ": ".join(part for part in (node.name, node.op or node.kind) if part)
    return visible(said)


def _merge_outlines(group: ET.Element) -> None:
    """Draw a ground and the line around it as one shape, which layout programs write as two."""
    last: ET.Element | None = None
    for shape in list(group):
        if last is not None and _same_outline(last, shape) and last.get("stroke") == shape.get("fill") == "none":
            shape.set("fill", last.get("fill", "none"))
            group.remove(last)
        last = shape


def _same_outline(one: ET.Element, other: ET.Element) -> bool:
    return one.tag == other.tag and all(one.get(name) == other.get(name) for name in ("d", "points"))


def _dress(group: ET.Element) -> None:
    """Give the texts and shapes right inside a group their classes, and leave out what they inherit."""
    is_node = "data-node" in group.attrib
    for element, end in _with_ends(group):
        if element.tag == "text":
            _dress_text(element, end)
        elif element.tag in ("path", "polygon", "polyline", "ellipse"):
            classes = shape_class(element.get("fill"), element.get("stroke"))
            element.attrib |= {"class": f"box {classes}" if is_node else classes} if classes else {}
            is_node = False


def _dress_text(text: ET.Element, end: str | None) -> None:
    classes = text_class(text.get("fill"))
    text.set("class", classes)
    if end is not None and _NUMBERS & set(classes.split()):
        text.attrib |= {"text-anchor": "end", "x": end}
    if text.get("text-anchor") == "start":
        del text.attrib["text-anchor"]
    text.attrib.pop("font-family", None)
    text.attrib.pop("{http://www.w3.org/XML/1998/namespace}space", None)
    size = f"{float(text.get('font-size', _SIZE)):g}"
    text.attrib.pop("font-size", None)
    if size != _SIZE:
        text.set("font-size", size)


def _with_ends(group: ET.Element) -> Iterator[tuple[ET.Element, str | None]]:
    """Yield each element with where its text ends: there begins the space that the layout was told to leave after it.

    The spaces are left out. A number is anchored at its end, so that columns stay straight in whatever font it is shown.
    """
    elements = list(group)
    for element, following in zip(elements, [*elements[1:], None]):
        if element.tag == "text" and not (element.text or "").strip():
            group.remove(element)
            continue
        room = following is not None and following.tag == "text" and not (following.text or "").strip()
        yield element, following.get("x") if room and following is not None else None
