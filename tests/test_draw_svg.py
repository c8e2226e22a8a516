"""The SVG of a picture: what a page finds in it, both themes, and text that can be read and stays where it belongs."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from micrograd_sm import Value
from micrograd_sm.draw import draw, palette, texts, to_svg
from micrograd_sm.graph import Graph
from tests.browser import emulate
from tests.pictures import GALLERY, after_backward, large, matrices, strange, three_logits

SVG = "{http://www.w3.org/2000/svg}"


def picture(name, prefix=""):
    make, options = GALLERY[name]
    return draw(make(), names={}, **options).svg(prefix)


def groups(svg, attribute):
    return {group.get(attribute): group for group in ET.fromstring(svg).iter(f"{SVG}g") if group.get(attribute)}


def said(group, role):
    return ["".join(text.itertext()) for text in group.iter(f"{SVG}text") if role in text.get("class").split()]


def test_classes_by_the_light_colours():
    assert [palette.text_class(color) for color in ("#9a3412", "#b91c1d", "#123456", None)] == [
        "grad",
        "grad alarm",
        "ink",
        "ink",
    ]
    assert palette.shape_class("#e0ecff", "#1d4ed8") == "fill-leaf line-leaf"
    assert palette.shape_class("#374151", "#374151") == "tip-edge line-edge"
    assert palette.shape_class("none", None) == ""


# What a page finds ----------------------------------------------------------------------------------------------------


def test_nodes_edges_and_frames_can_be_found():
    graph = Graph(after_backward(three_logits()))
    svg = to_svg(graph, "p-")
    assert set(groups(svg, "data-node")) == {node.id for node in graph}
    assert set(groups(svg, "data-edge")) == {f"{edge.source}-{edge.target}-{edge.position}" for edge in graph.edges}
    assert set(groups(svg, "data-scope")) == {scope.id for scope in graph.scopes}
    leaf = groups(svg, "data-node")["v0"]
    assert (leaf.get("id"), leaf.get("class")) == ("p-v0", "node leaf")
    assert groups(svg, "data-edge")["v0-v1-0"].get("id") == "p-v0-v1-0"
    assert {node.get("class") for node in groups(svg, "data-node").values()} == {
        "node leaf", "node constant", "node intermediate", "node result",
    }  # fmt: skip


def test_folded_and_strange_nodes_carry_a_class():
    folded = to_svg(Graph(three_logits()).fold("log_softmax"))
    assert [group.get("class") for group in groups(folded, "data-node").values()].count("node intermediate folded") == 1
    assert groups(draw(strange()).svg(), "data-node")["v2"].get("class") == "node leaf strange"


@pytest.mark.parametrize("make", [matrices, large, strange, lambda: after_backward(three_logits()), three_logits])
def test_numbers_have_their_class_in_row_major_order(make):
    graph = Graph(make())
    found = groups(to_svg(graph), "data-node")
    for node in graph:
        assert said(found[node.id], "value") + said(found[node.id], "alarm")
        if node.kind != "constant" and "strange" not in found[node.id].get("class"):
            assert [text.replace("\xa0", " ") for text in said(found[node.id], "value")] == texts(node.data, node.shape)
            assert [text.replace("\xa0", " ") for text in said(found[node.id], "grad")] == texts(node.grad, node.shape)


def test_ids_are_unique_and_begin_with_the_prefix():
    for prefix in ("", "one-", "two-"):
        ids = [
            element.get("id") for element in ET.fromstring(picture("cross_entropy_edges", prefix)).iter() if element.get("id")
        ]
        assert len(ids) == len(set(ids))
        assert all(id.startswith(prefix) for id in ids)


@pytest.mark.parametrize("name", GALLERY)
def test_nothing_is_fetched_run_or_styled_inline(name):
    root = ET.fromstring(picture(name))
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "style", "g", "path", "polygon", "polyline", "text", "tspan"}
    attributes = {attribute for element in root.iter() for attribute in element.attrib}
    assert not [
        attribute for attribute in attributes if "href" in attribute or attribute.startswith("on") or attribute == "style"
    ]
    sheet = root.find(f"{SVG}style").text
    assert "url(" not in sheet and "@import" not in sheet
    assert all(text.get("class") for text in root.iter() if text.tag in (f"{SVG}text", f"{SVG}tspan"))


def test_room_widens_the_cells_of_gradients():
    graph = Graph(after_backward(Value(3.0, name="x") ** 2))

    def width(svg):
        return float(re.search(r'<svg width="([\d.]+)', svg)[1])

    assert width(to_svg(graph, room={"v0": 30})) > width(to_svg(graph)) + 100
    assert "30" not in to_svg(graph, room={"v9": 30})[:40]


def test_the_same_bytes_each_time():
    assert picture("strange_edges", "a") == picture("strange_edges", "a")


# Contrast -------------------------------------------------------------------------------------------------------------


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_of_contrast():
    assert contrast("#000000", "#ffffff") == 21


class Sheet:
    """The colours that a picture's own style sheet gives in one theme."""

    def __init__(self, sheet, dark):
        block = re.search(
            r"prefers-color-scheme:dark\)\{\.micrograd-sm\{(.*?)\}" if dark else r"^\.micrograd-sm\{(.*?)\}", sheet
        )[1]
        self.variables = dict(pair.split(":") for pair in block.split(";"))
        self.rules = re.findall(r"\.micrograd-sm ((?:\.[\w-]+)+)\{(fill|stroke):var\((--[\w-]+)\)\}", sheet)

    def colour(self, element, what="fill"):
        """Return the colour by the most specific rule that fits an element, None where none does."""
        classes = set(element.get("class", "").split())
        fitting = [
            (selector.count("."), place, variable)
            for place, (selector, property, variable) in enumerate(self.rules)
            if property == what and set(selector.split(".")[1:]) <= classes
        ]
        return self.variables[max(fitting)[2]] if fitting else None


def corners(shape):
    pairs = re.findall(r"(-?[\d.]+),(-?[\d.]+)", shape.get("points") or shape.get("d"))
    xs, ys = [float(x) for x, _ in pairs], [float(y) for _, y in pairs]
    return min(xs), min(ys), max(xs), max(ys)


def texts_and_grounds(root):
    """Yield each text with the shape that lies under where it is anchored: the last filled one that was painted there."""
    painted = []
    for element in root.iter():
        if element.tag in (f"{SVG}polygon", f"{SVG}path") and element.get("fill") != "none":
            if "tip-" not in element.get("class"):
                painted.append((corners(element), element))
        elif element.tag == f"{SVG}text":
            x, y = float(element.get("x")), float(element.get("y")) - 3
            x += {"end": -2, "middle": 0}.get(element.get("text-anchor"), 2)
            under = [shape for (left, top, right, bottom), shape in painted if left <= x <= right and top <= y <= bottom]
            for text in element.iter():
                yield text, under[-1]


@pytest.mark.parametrize("name", GALLERY)
def test_contrast_is_at_least_four_and_a_half_in_both_themes(name):
    root = ET.fromstring(picture(name))
    sheet = root.find(f"{SVG}style").text
    measured = 0
    for text, ground in texts_and_grounds(root):
        for theme in (Sheet(sheet, dark=False), Sheet(sheet, dark=True)):
            assert contrast(theme.colour(text), theme.colour(ground)) >= 4.5, (text.text, text.attrib, ground.attrib)
        light = Sheet(sheet, dark=False)
        assert (light.colour(text), light.colour(ground)) == (text.get("fill"), ground.get("fill"))
        measured += 1
    assert measured > 4


def test_each_role_has_a_light_colour_of_its_own():
    for roles in (palette.TEXT, palette.FILL, palette.LINE):
        assert len({light for light, _ in roles.values()}) == len(roles)
    assert not {light for light, _ in palette.FILL.values()} & {light for light, _ in palette.LINE.values()}


# In a real browser ----------------------------------------------------------------------------------------------------

INSIDE = """() => {
  const out = [], inside = (a, b, by) => a.left >= b.left - by && a.right <= b.right + by && a.top >= b.top - by
    && a.bottom <= b.bottom + by;
  const rect = element => element.getBoundingClientRect();
  const say = (what, text) => out.push(what + ': ' + text.textContent);
  for (const group of document.querySelectorAll('g.node, g.scope')) {
    const box = rect(group.querySelector('path, polygon'));
    for (const text of group.querySelectorAll('text')) if (!inside(rect(text), box, 0)) say('outside its box', text);
    const texts = [...group.querySelectorAll('text')].map(text => [rect(text), text]);
    for (const [a, one] of texts) for (const [b, other] of texts)
      if (one !== other && a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4)
        say('over another', one);
  }
  const boxes = [...document.querySelectorAll('g.node')].map(group => rect(group.querySelector('path, polygon')));
  const labels = [...document.querySelectorAll('g.edge')].map(group => [...group.querySelectorAll('text')].map(rect));
  const apart = (a, b) => a.left >= b.right || b.left >= a.right || a.top >= b.bottom || b.top >= a.bottom;
  labels.forEach((texts, place) => texts.forEach(text => {
    if (boxes.some(box => !apart(text, box))) out.push('label over a box');
    if (labels.some((others, at) => at !== place && others.some(other => !apart(text, other)))) out.push('label over another');
  }));
  const whole = rect(document.querySelector('svg'));
  for (const text of document.querySelectorAll('text')) if (!inside(rect(text), whole, 0)) say('outside the picture', text);
  return out;
}"""


@pytest.fixture
def shown(open_page, tmp_path):
    """Open a page that holds pictures."""

    def opened(*pictures, around="", **options):
        path = Path(tmp_path / "page.html")
        path.write_text(f"<!DOCTYPE html><meta charset=utf-8><body {around}>{''.join(pictures)}", encoding="utf-8")
        return open_page(path, **options)

    return opened


@pytest.mark.parametrize("name", GALLERY)
def test_text_stays_inside_its_box_and_labels_clear_of_boxes(shown, name):
    assert shown(picture(name)).evaluate(INSIDE) == []


def fill_of(page, selector):
    return page.evaluate(f"getComputedStyle(document.querySelector('{selector}')).fill")


def rgb(colour):
    return f"rgb({', '.join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5))})"


@pytest.mark.parametrize(
    ("around", "prefers", "theme"),
    [
        ("", "light", 0),
        ("", "dark", 1),
        ("data-theme=dark", "light", 1),
        ("data-theme=light", "dark", 0),
        ("data-jp-theme-light=false", "light", 1),
        ("class=light", "dark", 0),
    ],
)
def test_themes(shown, around, prefers, theme):
    page = shown(picture("cross_entropy"), around=around, color_scheme=prefers)
    assert fill_of(page, ".node.leaf .grad") == rgb(palette.TEXT["grad"][theme])
    assert fill_of(page, ".node.leaf .box") == rgb(palette.FILL["leaf"][theme])


def test_the_dark_theme_is_printed_light(shown):
    page = shown(picture("cross_entropy"), around="data-theme=dark")
    emulate(page, media="print")
    assert fill_of(page, ".node.leaf .grad") == rgb(palette.TEXT["grad"][0])


@pytest.mark.parametrize(
    "name", ["<script>window.run = 1</script>", "<img onerror='run=1' src=x>", "]]></style>\"'", "a\u202eb"]
)
def test_names_are_shown_and_never_run(shown, name):
    page = shown(draw(Value(1.0, name=name).exp()).svg())
    assert page.locator("g.leaf text").first.text_content() == name.replace("\u202e", "\\u202e")
    assert page.evaluate("window.run === undefined && !document.querySelector('script, img')")


def test_two_pictures_share_a_page(shown):
    page = shown(picture("neuron", "a-"), picture("neuron", "b-"))
    assert page.evaluate(
        "[...document.querySelectorAll('[id]')].length === new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
    )
