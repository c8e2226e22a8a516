"""The SVG of a layout program, changed for pages: classes by role, ids by node, edge and scope, light and dark."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from micrograd_sm.draw.palette import shape_class, style_sheet, text_class
from micrograd_sm.graph import Graph
from micrograd_sm.words.names import visible

_SVG = "{http://www.w3.org/2000/svg}"
_FONT = "Helvetica,Arial,sans-serif"
_SIZE = "12"  # of text without a size of its own
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_SHAPES = ("path", "polygon", "polyline", "ellipse")
_NUMBERS = {"value", "grad"}  # classes of text that ends at the right of its column
_GAP = "\xa0\xa0"


def styled(svg: bytes, graph: Graph, prefix: str = "") -> str:
    """Return a laid-out picture of a graph for a page, a notebook or a file of its own.

    Every text and shape has classes by its role and keeps its light colour as an attribute; the style sheet inside has
    both themes. A node is `<g id="{prefix}v3" class="node leaf" data-node="v3">`, an edge has `data-edge="v1-v3-0"`, a
    frame `data-scope="s1"`. The numbers of a node have the class `value` or `grad`, in row-major order.
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
    for group in [*whole.findall("g"), whole]:
        _merge_outlines(group)
        _dress(group)
    root.tail = "\n"
    return ET.tostring(root, encoding="unicode")


def _name_whole(root: ET.Element, whole: ET.Element, graph: Graph, prefix: str) -> None:
    """Add the picture's title, its style sheet and the attributes that its text inherits."""
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg", "class": "micrograd-sm", "role": "img"}
    root.attrib |= {"font-family": _FONT, "font-size": _SIZE, _SPACE: "preserve"}
    whole.attrib |= {"id": f"{prefix}graph", "class": "graph"}
    title = whole.find("title")
    if title is not None:
        whole.remove(title)
    _insert(root, 0, "title", f"Computation graph of {len(graph)} nodes")
    _insert(root, 1, "style", style_sheet())


def _insert(parent: ET.Element, index: int, tag: str, text: str) -> None:
    child = ET.Element(tag)
    child.text, child.tail = text, "\n"
    parent.insert(index, child)


def _identify(group: ET.Element, graph: Graph, prefix: str) -> None:
    """Set the ids of the group of a node, an edge or a frame, whose title holds its name in DOT."""
    title = group.find("title")
    name = "" if title is None else title.text or ""
    kinds = list(dict.fromkeys(group.get("class", "").split()))
    if "node" in kinds:
        group.attrib = {"id": f"{prefix}{name}", "class": " ".join(kinds), "data-node": name}
        node = graph[name]
        title.text = visible(": ".join(filter(None, (node.name, node.op or node.kind))))  # type: ignore[union-attr]
        return
    if "edge" in kinds:
        edge = group.get("id", "")
        group.attrib = {"id": f"{prefix}{edge}", "class": " ".join(kinds), "data-edge": edge}
    elif "cluster" in kinds:
        scope = name.removeprefix("cluster_")
        group.attrib = {"id": f"{prefix}{scope}", "class": "scope", "data-scope": scope}
    if title is not None:
        group.remove(title)


def _merge_outlines(group: ET.Element) -> None:
    """Make one shape of a ground and the line around it, which layout programs write as two."""
    last: ET.Element | None = None
    for shape in list(group):
        if last is not None and _same_outline(last, shape) and last.get("stroke") == shape.get("fill") == "none":
            shape.set("fill", last.get("fill", "none"))
            group.remove(last)
        last = shape


def _same_outline(a: ET.Element, b: ET.Element) -> bool:
    return a.tag == b.tag and all(a.get(name) == b.get(name) for name in ("d", "points"))


def _dress(group: ET.Element) -> None:
    """Set the classes of the texts and shapes directly inside a group, and remove attributes that they inherit."""
    is_box = "data-node" in group.attrib  # true until the first shape, which is the box
    _join_lines(group)
    _anchor_numbers(group)
    for element in group:
        if element.tag == "text":
            for text in element.iter():  # with its tspans
                _dress_text(text)
        elif element.tag in _SHAPES:
            classes = shape_class(element.get("fill"), element.get("stroke"))
            element.attrib |= {"class": f"box {classes}" if is_box else classes} if classes else {}
            is_box = False


def _dress_text(text: ET.Element) -> None:
    text.set("class", text_class(text.get("fill")))
    for name in ("font-family", _SPACE, *(["text-anchor"] if text.get("text-anchor") == "start" else [])):
        text.attrib.pop(name, None)
    size = f"{float(text.attrib.pop('font-size', _SIZE)):g}"
    if size != _SIZE:
        text.set("font-size", size)


def _join_lines(group: ET.Element) -> None:
    """Join words of one line with a gap between them into one text, so that they follow each other in any font."""
    for text, gap, words in zip(*(list(group)[start:] for start in range(3))):
        joined = text.tag == words.tag == "text" and gap.text == _GAP and (text.text or "").strip()
        if not joined or "ink" not in _classes(text) or _NUMBERS & {*_classes(words)}:
            continue
        group.remove(gap)
        group.remove(words)
        words.tag, words.text = "tspan", f"{_GAP}{words.text}"
        words.attrib |= {} if words.get("font-weight") else {"font-weight": "normal"}
        for name in ("x", "y", "text-anchor"):
            words.attrib.pop(name, None)
        text.append(words)


def _anchor_numbers(group: ET.Element) -> None:
    """Anchor numbers at their ends, so that columns are aligned in any font; remove the spaces that mark the ends."""
    elements = list(group)
    for element, following in zip(elements, [*elements[1:], None]):
        if _is_space(element):
            group.remove(element)
        elif _NUMBERS & set(_classes(element)) and following is not None and _is_space(following):
            element.attrib |= {"text-anchor": "end", "x": following.get("x", "")}


def _is_space(element: ET.Element) -> bool:
    return element.tag == "text" and not len(element) and not (element.text or "").strip()


def _classes(element: ET.Element) -> list[str]:
    return text_class(element.get("fill")).split() if element.tag == "text" else []
