"""One step as a slide: an SVG of 16:9 with the picture as it is at that step, the formula, its rule, and the sentence why."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from micrograd_sm.draw import fitting_svg, scale_in, texts
from micrograd_sm.draw.extent import refuse_huge
from micrograd_sm.steps.parts import Step
from micrograd_sm.words.names import labels_of

if TYPE_CHECKING:
    from micrograd_sm.steps.record import Steps

WIDTH, HEIGHT = 1280, 720  # pixels; 960 by 540 points
FONT = "Vera"  # reportlab has it beside itself, so that every machine has it
_HELVETICA = 0.556 / 0.636  # the width of Helvetica's digits, for which boxes are made, of that of this font's
_ROOM = (30, 70, 740, 600)  # x, y, width and height for the picture
_TEXT_X, _TEXT_WIDTH = 800, 450
_LEAST = 1.02  # of the scale of a whole picture: its numbers have 8 points then, as on the paper of a page
_PART, _LARGEST = 1.27, 2.0  # the scale of a part of a larger one, whose numbers have 10 points, and that of a small one
_SCALES = (1.0, 0.9, 0.8, 0.74, 0.6, 0.5)  # of the text; at 0.74 its letters are 10 points
_NOW, _TO, _INK, _QUIET, _LINE = "#b45309", "#0f766e", "#111827", "#4b5563", "#cbd5e1"
_SPOKEN = str.maketrans({"σ": "sigmoid", "⊙": "*", "→": "->", "−": "-", "\u00a0": " "})


class Slides:
    """The slides of a walk: the picture is laid out once."""

    def __init__(self, walk: Steps) -> None:
        refuse_huge(walk.graph)
        self.walk, self.labels = walk, labels_of(walk.graph)
        room: dict[str, int] = {}
        for step in walk:
            for contribution in step.contributions:
                words = " ".join(texts(contribution.after, contribution.operand.shape)).split()
                room[contribution.operand.id] = max(room.get(contribution.operand.id, 0), *map(len, words or [""]))
        options: dict[str, Any] = {"room": room, "labels": self.labels, "strips": False}
        picture = fitting_svg(walk.graph, walk.rankdir, *_ROOM[2:], _LEAST, **options)
        self._scale = min(scale_in(picture, *_ROOM[2:]), _LARGEST)
        self._picture = ET.fromstring(picture)
        for element in list(self._picture.iter()):
            element.tag = element.tag.rpartition("}")[2]
            for child in [child for child in element if child.tag.rpartition("}")[2] in ("style", "title")]:
                element.remove(child)
        _, _, *self._size = map(float, str(self._picture.get("viewBox")).split())
        self._computed = {step.node.id: step.index for step in walk if step.phase == "forward"}

    def svg(self, index: int) -> str:
        """Return the slide of a step as an SVG."""
        step = self.walk[index]
        slide = _element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {HEIGHT}", width=WIDTH, height=HEIGHT)
        slide.append(_element("rect", x=0, y=0, width=WIDTH, height=HEIGHT, fill="#ffffff"))
        slide.append(self._fitted(step))
        x, y, width, height = _ROOM  # around it, white: not every program knows how to clip
        for left, top, right, bottom in (
            (0, 0, WIDTH, y), (0, y + height, WIDTH, HEIGHT), (0, 0, x, HEIGHT), (x + width, 0, WIDTH, HEIGHT)
        ):  # fmt: skip
            slide.append(_element("rect", x=left, y=top, width=right - left, height=bottom - top, fill="#ffffff"))
        if self._scale < _LEAST:
            slide.append(_element("rect", x=x, y=y, width=width, height=height, fill="none", stroke=_LINE))
            slide.append(_text("a part of the picture", x, HEIGHT - 36, 14, _QUIET))
        slide.extend(self._said(step))
        return ET.tostring(slide, encoding="unicode")

    def caption(self, index: int) -> str:
        """Return what a slide says as plain text."""
        step = self.walk[index]
        return spoken("\n".join([step.text, *(f"local: {rule.text}" for rule in step.rules), step.why]))

    def _said(self, step: Step) -> Iterator[ET.Element]:
        root = self.labels[self.walk.graph.root]
        what = {"forward": "Forward", "seed": "Seed", "backward": "Backward"}[step.phase]
        yield _text(f"Back-propagation of {root}", 30, 44, 24, bold=True)
        operation = f", {step.node.op}" if step.node.op else ""
        yield _text(f"{what}: {self.labels[step.node.id]}{operation}", _TEXT_X, 96, 22, bold=True)
        yield from self._paragraphs(step)
        done, last = step.index + 1, len(self.walk)
        yield _element("rect", x=30, y=HEIGHT - 30, width=WIDTH - 60, height=6, fill=_LINE)
        yield _element("rect", x=30, y=HEIGHT - 30, width=(WIDTH - 60) * done / last, height=6, fill="#1d4ed8")
        yield _text(f"step {done} of {last}", WIDTH - 160, HEIGHT - 42, 16, _QUIET)

    def _paragraphs(self, step: Step) -> list[ET.Element]:
        """Return the formulas, their rules and the sentence, in letters as large as they all fit in."""
        parts: list[tuple[str, int, str]] = [(part, 18, _INK) for formula in step.formulas for part in _parts(formula)]
        parts += [(f"local: {rule.text}", 16, _QUIET) for rule in step.rules] + [(step.why, 18, _INK)]
        rows: list[ET.Element] = []
        for scale in _SCALES:
            rows, y = [], 140.0
            for text, usual, color in parts:
                size = usual * scale
                for row in _wrapped(spoken(text), _TEXT_WIDTH, size):
                    rows.append(_text(row, _TEXT_X, y, size, color))
                    y += size * 1.4
                y += size * 0.5
            if y < HEIGHT - 60:
                break
        return rows

    # The picture --------------------------------------------------------------------------------------------------------

    def _fitted(self, step: Step) -> ET.Element:
        """Return the picture of a step, whole, or around the node of the step if it would be too small to read."""
        picture = deepcopy(self._picture)
        whole = picture.find("g")
        if whole is None:
            raise RuntimeError("slides: the picture holds no graph")
        self._fill(picture, step)
        boxes = {group.get("data-node", ""): _box(group) for group in picture.iter("g") if group.get("data-node")}
        self._mark(whole, boxes, step)
        (width, height), scale = self._size, self._scale
        shift = re.search(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", str(whole.get("transform")))
        dx, dy = map(float, shift.groups()) if shift else (0.0, 0.0)
        x, y, room_width, room_height = _ROOM
        if scale >= _LEAST:
            left, top = x + (room_width - width * scale) / 2, y + (room_height - height * scale) / 2
            return _group(whole, f"translate({left:.1f} {top:.1f}) scale({scale:.4f}) translate({dx:.1f} {dy:.1f})")
        node_x, node_y, node_width, node_height = boxes[step.node.id]
        middle = node_x + node_width / 2 + dx, node_y + node_height / 2 + dy
        seen = room_width / _PART, room_height / _PART
        corner = [
            min(max(m - part / 2, 0.0), size - part) if size > part else (size - part) / 2
            for m, part, size in zip(middle, seen, (width, height), strict=True)
        ]
        place = f"translate({x - corner[0] * _PART:.1f} {y - corner[1] * _PART:.1f}) scale({_PART})"
        return _group(whole, f"{place} translate({dx:.1f} {dy:.1f})")

    def _fill(self, picture: ET.Element, step: Step) -> None:
        """Write the values and gradients that are known after a step, and a dot for those that are not."""
        gradients = self.walk.gradients(step.index)
        for group in picture.iter("g"):
            node = self.walk.graph[group.get("data-node", "")] if group.get("data-node") else None
            if node is None:
                continue
            known = node.op is None or self._computed.get(node.id, 0) <= step.index
            cells: dict[bool, list[ET.Element]] = {False: [], True: []}
            for text in group.iter("text"):
                classes = str(text.get("class")).split()
                if "grad" in classes or "value" in classes or "alarm" in classes:
                    cells["grad" in classes].append(text)
            _write(cells[False], texts(node.data, node.shape) if known else None)
            _write(cells[True], texts(gradients[node.id], node.shape) if node.id in gradients else None)
        for text in picture.iter("text"):
            for part in text.iter():  # itself and what it has in other letters
                size = float(part.get("font-size", "12")) * _HELVETICA
                part.set("font-size", f"{size:.2f}")
                part.set("font-family", FONT + ("-Bold" if part.get("font-weight") == "bold" else ""))
                words = spoken(part.text or "")
                if part is not text and words.startswith(" "):  # not every program draws a space there
                    part.set("dx", f"{size / 2:.1f}")
                part.text = words.lstrip() if part is not text else words

    def _mark(self, whole: ET.Element, boxes: dict[str, Any], step: Step) -> None:
        """Frame the node of a step and its operands, and thicken the edges between them."""
        passed = step.contributions
        operands = [c.operand.id for c in passed] if step.phase == "backward" else [x.id for x in step.operands]
        edges = {f"{e.source}-{e.target}-{e.position}" for e in self.walk.graph.operand_edges(step.node.id)}
        if step.phase == "backward":
            edges = {f"{c.edge.source}-{c.edge.target}-{c.edge.position}" for c in passed}
        for group in whole.iter("g"):
            if group.get("data-edge") in edges and step.phase != "seed":
                for shape in group:
                    if shape.tag in ("path", "polygon"):
                        shape.set("stroke", _NOW)
                        shape.set("stroke-width", "3")
                        if shape.tag == "polygon":
                            shape.set("fill", _NOW)
        for id, color, dashes in [*((id, _TO, "7 4") for id in dict.fromkeys(operands)), (step.node.id, _NOW, "")]:
            x, y, width, height = boxes[id]
            frame = _element("rect", x=x - 5, y=y - 5, width=width + 10, height=height + 10, rx=8, fill="none", stroke=color)
            frame.set("stroke-width", "3")
            if dashes:
                frame.set("stroke-dasharray", dashes)
            whole.append(frame)


def spoken(text: str) -> str:
    """Return text in characters that the font has."""
    return text.translate(_SPOKEN)


def _parts(formula: Any) -> list[str]:
    symbols, *rest = formula
    return [symbols, *(f"   = {part}" for part in rest if part)]


def _write(cells: list[ET.Element], written: Sequence[str] | None) -> None:
    for k, cell in enumerate(cells):
        cell.text = "·" if written is None else written[k] if k < len(written) else ""


def _box(group: ET.Element) -> tuple[float, float, float, float]:
    shape = next(element for element in group.iter() if element.tag in ("polygon", "path"))
    found = [float(x) for x in re.findall(r"-?[\d.]+", shape.get("points") or shape.get("d") or "")]
    xs, ys = found[::2], found[1::2]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _element(tag: str, **attributes: Any) -> ET.Element:
    return ET.Element(tag, {name: str(value) for name, value in attributes.items()})


def _group(child: ET.Element, transform: str) -> ET.Element:
    child.attrib.pop("transform", None)
    group = _element("g", transform=transform)
    group.append(child)
    return group


def _text(text: str, x: float, y: float, size: float, color: str = _INK, bold: bool = False) -> ET.Element:
    element = _element("text", x=x, y=f"{y:.1f}", fill=color)
    element.set("font-size", f"{size:g}")
    element.set("font-family", f"{FONT}-Bold" if bold else FONT)
    if bold:
        element.set("font-weight", "bold")
    element.text = spoken(text)
    return element


def _wrapped(text: str, width: float, size: float) -> list[str]:
    """Return text in lines that fit; a character is taken to be 0.6 of the size wide."""
    lines, most = [""], int(width / (0.6 * size))
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("   " if text.startswith(" ") else "")
        lines[-1] += f" {word}" if lines[-1].strip() else lines[-1] + word if not lines[-1] else word
    return lines
