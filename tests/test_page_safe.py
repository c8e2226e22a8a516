"""The page asks for nothing, runs nothing of what it is given, and is legible to everyone."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

import pytest

from micrograd_sm import Value
from micrograd_sm.steps import Steps, steps
from micrograd_sm.steps.page import page_html
from tests.browser import missing
from tests.page_losses import LOSSES, classes, neuron, strange

NAMES = [
    "<script>window.ran = 1</script>", "</script><script>window.ran = 1</script>", "<!--", "]]>", '"\'&amp;', "a\u202eb",
    "${ran}", "<img src=x onerror='window.ran=1'>", "\\u003c", "日本", "</style>", "</title>", "</ol>", "line\nbreak", "\u2028",
]  # fmt: skip


def named() -> Steps:
    total = Value(0.0, name="start")
    for place, name in enumerate(NAMES):
        total = total + Value(float(place), name=name) * 2.0
    return steps(total)


# Names are data ---------------------------------------------------------------------------------------------------------


def test_names_are_shown_and_never_run(open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = open_page(named().save(tmp_path / "names.html"))
    assert page.evaluate("window.ran") is None
    assert page.locator("script").count() == 2
    labels = page.locator("tbody th").all_text_contents()
    for name in ("<!--", "]]>", "${ran}", "日本", "</style>", "a\\u202eb", "line\\nbreak", "\\u2028"):
        assert name in labels
    page.keyboard.press("End")
    assert "<script>" in page.locator("#formula").inner_text()
    for _ in range(page.evaluate("stepper.length")):
        page.keyboard.press("ArrowLeft")
    assert page.evaluate("window.ran") is None
    everything = page.content()
    assert "\u202e" not in everything and "\u2028" not in everything


def test_the_policy_lets_in_what_is_there_and_nothing_else(tmp_path: Path) -> None:
    html = page_html(classes())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html).group(1)
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    parts = re.findall(r"<style>(.*?)</style>|<script type=\"module\">(.*?)</script>", html, re.DOTALL)
    for text in (style or script for style, script in parts):
        assert b64encode(sha256(text.encode()).digest()).decode() in policy
    markup = re.sub(r'<script type="module">.*', "", html, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import|\sstyle="|\son\w+=\"""", markup)


def test_the_policy_holds(open_page: Callable[..., Any], tmp_path: Path, browser: Any) -> None:
    """Were markup to get in, the policy would still run nothing: here it is put in by hand."""
    path = tmp_path / "broken.html"
    broken = page_html(neuron()).replace(
        "<main>", "<main><script>window.ran = 1</script><img src='https://example.invalid/x.png'>"
    )
    path.write_text(broken, encoding="utf-8")
    page = browser.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(path.as_uri())
    assert page.evaluate("window.ran") is None
    assert sum("Content Security Policy" in text for text in refused) == 2
    page.close()


def test_saving_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'page\.docx' must end in \.html"):
        neuron().save("page.docx")
    with pytest.raises(FileNotFoundError, match="missing"):
        neuron().save(tmp_path / "missing" / "page.html")


def test_the_same_pass_is_the_same_page() -> None:
    assert page_html(classes()) == page_html(classes())


# In a notebook ------------------------------------------------------------------------------------------------------------


def test_two_pages_in_sandboxed_frames_stay_apart(open_page: Callable[..., Any], tmp_path: Path) -> None:
    frames = "".join(
        f'<iframe sandbox="allow-scripts" width="900" height="600" srcdoc="{escape(page_html(walk))}"></iframe>'
        for walk in (neuron(), classes())
    )
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{frames}", encoding="utf-8")
    page = open_page(path)
    one, other = (page.frame_locator("iframe").nth(place) for place in (0, 1))
    one.get_by_role("button", name="Next").click()
    one.get_by_role("button", name="Next").click()
    other.get_by_role("button", name="Last", exact=True).click()
    assert one.locator("#place").inner_text() == "3 of 11"
    assert other.locator("#place").inner_text() == "21 of 21"
    other.locator("#list button").first.click()
    assert other.locator("#place").inner_text() == "1 of 21"
    assert page.url == path.as_uri()


# For everyone ---------------------------------------------------------------------------------------------------------------


NARROW = {"viewport": {"width": 360, "height": 740}}


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}, NARROW])
def test_axe_finds_nothing(options: dict[str, Any], open_page: Callable[..., Any], tmp_path: Path) -> None:
    try:
        from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - not everywhere installed
    except ImportError:
        missing("axe-playwright-python is not installed; pip install 'micrograd_sm[test]'")
    axe = Axe()
    page = open_page(classes().save(tmp_path / "page.html"), "#step=16", **options)
    for keys in ([], ["f"], ["p"], ["?"]):
        for key in keys:
            page.keyboard.press(key)
        found = axe.run(page).response["violations"]
        assert not found, [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found]


CONTRASTS = """() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const style = (element) => getComputedStyle(element);
  const shapes = [...document.querySelectorAll("#picture svg :is(path, polygon, rect)")].filter((shape) =>
    style(shape).visibility === "visible" && style(shape).fill !== "none" && !shape.closest(".edge"));
  const texts = [...document.querySelectorAll("#picture svg text")].filter((text) => style(text).visibility === "visible");
  return texts.map((text) => {
    const box = text.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const under = shapes.filter((shape) => {
      const around = shape.getBoundingClientRect();
      const before = shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
      return before && around.left <= x && x <= around.right && around.top <= y && y <= around.bottom;
    });
    const [one, other] = [light(parse(style(text).fill)), light(parse(style(under.at(-1)).fill))];
    return [(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), text.textContent, style(text).fill];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("walk", [classes, strange])
def test_every_text_of_the_picture_has_contrast(
    scheme: str,
    walk: Callable[[], Steps],
    open_page: Callable[..., Any],
    tmp_path: Path,
) -> None:
    page = open_page(walk().save(tmp_path / "page.html"), color_scheme=scheme)
    for key in ("Home", "ArrowRight", "End", "ArrowLeft", "f"):
        page.keyboard.press(key)
        contrasts = page.evaluate(CONTRASTS)
        assert len(contrasts) > 10
        assert min(contrasts)[0] >= 4.5, min(contrasts)


OUTSIDE = """() => [...document.querySelectorAll("#picture [data-node]")].flatMap((node) => {
  const around = node.querySelector(".box").getBBox();
  const texts = [...node.querySelectorAll("text")].filter((text) => !text.matches(".waiting text"));
  const boxes = texts.map((text) => text.getBBox());
  const cross = (a, b) => a !== b && a.x + 1 < b.x + b.width && b.x + 1 < a.x + a.width
    && a.y + a.height / 4 < b.y + b.height * 3 / 4 && b.y + b.height / 4 < a.y + a.height * 3 / 4;
  return texts.filter((text, k) => boxes[k].x < around.x - 0.5 || boxes[k].x + boxes[k].width > around.x + around.width + 0.5
    || boxes.some((other) => cross(boxes[k], other))).map((text) => text.textContent);
})"""


@pytest.mark.parametrize("name", LOSSES)
def test_numbers_stay_inside_their_boxes_at_every_step(name: str, open_page: Callable[..., Any], tmp_path: Path) -> None:
    walk = LOSSES[name]().by_contribution()
    page = open_page(walk.save(tmp_path / "page.html"))
    for place in range(0, len(walk), max(1, len(walk) // 25)):
        page.evaluate("place => stepper.go(place)", place)
        assert page.evaluate(OUTSIDE) == []


def test_controls_have_names_and_states(open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = open_page(neuron().save(tmp_path / "page.html"))
    assert page.get_by_role("slider", name="Step").count() == 1
    assert page.get_by_label("Speed").count() == page.get_by_label("Find").count() == 1
    assert page.get_by_role("button", name="Previous").get_attribute("aria-disabled") == "true"
    assert page.locator("[aria-live], [role=status]").count() == 1
    page.get_by_role("button", name="Next").click()
    assert page.locator("#live").inner_text().startswith("Step 2 of 11.")
    assert page.get_by_role("button", name="Next").evaluate("button => button === document.activeElement")
    page.keyboard.press("Tab")
    outline = "() => getComputedStyle(document.activeElement).outlineWidth"
    assert page.evaluate(outline) == "3px"


def test_nothing_moves_where_the_reader_wants_no_motion(open_page: Callable[..., Any], tmp_path: Path) -> None:
    path = neuron().save(tmp_path / "page.html")
    animation = "() => getComputedStyle(document.querySelector('.mark')).animationName"
    assert open_page(path, reduced_motion="reduce").evaluate(animation) == "none"
    assert open_page(path, reduced_motion="no-preference").evaluate(animation) == "arrive"
