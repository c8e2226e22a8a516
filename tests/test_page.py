"""The page in a real browser: what it shows at each step, and every way of getting there."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest

from micrograd_sm import Graph, Value, cat, trace
from micrograd_sm.array import Array
from micrograd_sm.draw import extent
from micrograd_sm.graph import Edge
from micrograd_sm.mode import scope
from micrograd_sm.steps import Steps, steps
from micrograd_sm.study.why.elements import slopes
from tests.browser import printing
from tests.page_losses import LOSSES, chain, classes, cube, neuron, order

EACH_STEP = "() => Array.from({length: stepper.length}, (_, k) => { stepper.go(k); return stepper.gradients; })"


@pytest.fixture
def shown(open_page: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Save the page of a pass and open it."""

    def saved(walk: Steps, fragment: str = "", **options: Any) -> Any:
        return open_page(walk.save(tmp_path / "backprop.html"), fragment, **options)

    return saved


def bits(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return [bits(element) for element in x]
    return "nan" if x != x else struct.pack(">d", x).hex()


def flat(x: Any) -> Any:
    return x.flat if isinstance(x, Array) else x


def expected(walk: Steps) -> list[dict[str, Any]]:
    return [{id: bits(flat(grad)) for id, grad in walk.gradients(index).items()} for index in range(len(walk))]


def found(page: Any) -> list[dict[str, Any]]:
    return [{id: bits(grad) for id, grad in step.items()} for step in page.evaluate(EACH_STEP)]


def step(page: Any) -> int:
    return page.evaluate("stepper.step + 1")


def gradient_cells(page: Any, id: str) -> list[str]:
    return page.locator(f'#picture [data-node="{id}"] text.grad').all_text_contents()


# Gradients -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_pythons_at_every_step(name: str, shown: Callable[..., Any]) -> None:
    walk = LOSSES[name]()
    page = shown(walk)
    assert found(page) == expected(walk)
    page.locator("#grain").select_option("contribution")
    assert found(page) == expected(walk.by_contribution())
    scopes = page.locator("#folds input").evaluate_all("boxes => boxes.map((box) => box.value)")
    for chosen in [*([each] for each in scopes), scopes][: len(scopes) + (len(scopes) > 1)]:
        for grain, folded in (("node", walk.fold(*chosen)), ("contribution", walk.by_contribution().fold(*chosen))):
            page.evaluate(f"location.hash = 'step=1&grain={grain}&fold={','.join(chosen)}'")
            page.wait_for_function("grain => document.getElementById('grain').value === grain", arg=grain)
            page.wait_for_function(f"() => stepper.length === {len(folded)}")
            assert found(page) == expected(folded), f"{chosen} folded, by {grain}"


def test_a_page_begins_as_its_steps_are(shown: Callable[..., Any]) -> None:
    walk = classes().by_contribution().fold("log_softmax")
    page = shown(walk)
    assert page.locator("#grain").input_value() == "contribution"
    assert found(page) == expected(walk)


# The picture ---------------------------------------------------------------------------------------------------------


def test_a_step_shows_what_is_known_and_no_more(shown: Callable[..., Any]) -> None:
    page = shown(order())
    root = '#picture [data-node="v2"] text.value'
    assert page.locator(root).all_text_contents() == ["·"]
    page.keyboard.press("ArrowRight")
    assert page.locator(root).all_text_contents() == ["12.0"]
    assert gradient_cells(page, "v0") == ["·"]
    page.keyboard.press("End")
    assert gradient_cells(page, "v0") == ["4.0"]


def test_totals_on_the_way_are_shown(shown: Callable[..., Any]) -> None:
    page = shown(cube().by_contribution())
    page.keyboard.press("End")
    assert gradient_cells(page, "v0") == ["27.0"]
    page.keyboard.press("ArrowLeft")
    assert gradient_cells(page, "v0") == ["18.0"]
    assert "18" in page.locator('[data-row="v0"]').inner_text()


def test_a_click_on_a_node_goes_to_its_steps_in_turn(shown: Callable[..., Any]) -> None:
    page = shown(order())
    node = page.locator('#picture [data-node="v1"]')
    node.click()
    assert step(page) == 5
    node.click()
    assert step(page) == 1
    node.focus()
    page.keyboard.press("Enter")
    assert step(page) == 5
    page.keyboard.press("Home")
    page.locator('#picture [data-node="v0"]').click()
    assert step(page) == 5, "a leaf's step is the one that passes a gradient on to it"


def test_the_step_is_marked_by_more_than_colour(shown: Callable[..., Any]) -> None:
    page = shown(neuron(), "#step=8")
    assert page.locator('#picture [data-node="v8"] .mark-now').count() == 1
    assert page.locator("#picture .mark-to").count() == 2
    assert page.locator("#picture .edge.now").count() == 2
    assert "◀" in page.locator("tr.now").inner_text()
    assert page.locator("tr.changed").count() == 2
    assert page.locator("li[aria-current=step]").count() == 1


def test_a_scope_folds_into_one_box_and_opens_again(shown: Callable[..., Any]) -> None:
    page = shown(classes())
    open_steps = page.evaluate("stepper.length")
    height = page.locator("#picture svg").evaluate("svg => svg.viewBox.baseVal.height")
    page.locator("#picture [data-scope=s1] > text").click()
    cover = page.locator("#picture [data-cover=s1]")
    assert page.evaluate("stepper.length") < open_steps
    page.keyboard.press("End")
    said = cover.locator("text").all_text_contents()
    assert said[0] == "log_softmax" and any("-0.3333" in text for text in said)
    assert page.locator('#picture [data-node="v5"]').evaluate("node => getComputedStyle(node).visibility") == "hidden"
    assert page.locator("#picture svg").evaluate("svg => svg.viewBox.baseVal.height") < height - 150, (
        "what is empty is taken out"
    )
    page.keyboard.press("f")
    page.locator("#folds summary").click()
    page.locator("#folds input[value=s1]").uncheck()
    assert cover.count() == 0
    page.locator("#folds input[value=s1]").check()
    page.locator("#folds input[value=s1]").uncheck()
    assert page.evaluate("stepper.length") == open_steps
    page.keyboard.press("F")
    assert page.locator("#picture [data-cover]").count() == 1, "the outermost covers those within"
    page.keyboard.press("F")
    assert page.evaluate("stepper.length") == open_steps


def test_a_leaf_made_inside_a_folded_scope_stays_to_be_seen(shown: Callable[..., Any]) -> None:
    x = Value(2.0, name="x")
    with scope("neuron"):
        w = Value(3.0, name="w")
        y = (w * x).tanh()
    page = shown(steps(y * y))
    page.keyboard.press("f")
    page.keyboard.press("End")
    leaf = page.locator("#picture .node", has_text="w").first
    cover = page.locator("#picture [data-cover=s0]")
    assert cover.is_visible() and leaf.is_visible()
    box = leaf.bounding_box()
    for text in cover.locator("text").all():
        words = text.bounding_box()
        apart = words["y"] + words["height"] <= box["y"] or box["y"] + box["height"] <= words["y"]
        assert apart or words["x"] + words["width"] <= box["x"] or box["x"] + box["width"] <= words["x"]
    page.keyboard.press("f")
    assert page.locator("#picture [data-cover]").count() == 0 and leaf.is_visible()


def test_the_line_that_made_a_node_is_shown(shown: Callable[..., Any]) -> None:
    with trace():
        x = Value(2.0)
        y = x * 3.0
    page = shown(steps(y))
    assert page.locator("#source").inner_text().endswith("y = x * 3.0")


# Ways through --------------------------------------------------------------------------------------------------------


def test_keys(shown: Callable[..., Any]) -> None:
    page = shown(neuron())
    for key, at in [("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowLeft", 1), ("End", 11), ("ArrowRight", 11), ("Home", 1)]:
        page.keyboard.press(key)
        assert step(page) == at, key
    page.keyboard.type("10")
    assert "10" in page.locator("#place").inner_text()
    page.keyboard.press("g")
    assert step(page) == 10
    page.keyboard.type("3x")
    page.keyboard.press("g")
    assert step(page) == 1, "a number that something else came after is forgotten"
    page.keyboard.press("/")
    page.keyboard.type("w2")
    assert page.locator("#find").input_value() == "w2", "keys are the field's while one types"
    page.keyboard.press("Enter")
    assert "w2" in page.locator("#formula").inner_text()
    page.keyboard.press("Escape")
    found = step(page)
    page.keyboard.press("Home")
    page.keyboard.press("n")
    assert step(page) == found
    page.keyboard.press("G")
    assert step(page) == 11
    page.keyboard.press("g")
    assert step(page) == 1
    page.keyboard.press("c")
    assert page.locator("#grain").input_value() == "contribution"
    page.keyboard.press("?")
    assert page.locator("#help").get_attribute("open") is not None
    page.keyboard.press("Escape")
    assert page.locator("#help").get_attribute("open") is None


def test_buttons_and_slider(shown: Callable[..., Any]) -> None:
    page = shown(neuron())
    for button, at in [("Next", 2), ("Previous", 1), ("Last", 11), ("Next", 11), ("First", 1)]:
        page.get_by_role("button", name=button, exact=True).click(force=True)
        assert step(page) == at, button
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert step(page) == 3, "one step for each press, though the page hears the keys too"
    slider.fill("7")
    assert step(page) == 7
    assert "7 of 11" in page.locator("#place").inner_text()
    assert "7 of 11" in slider.get_attribute("aria-valuetext")
    page.locator("#list button").nth(3).click()
    assert step(page) == 4


def test_it_plays_to_the_end(shown: Callable[..., Any]) -> None:
    page = shown(neuron())
    page.locator("#speed").select_option("50")
    page.get_by_role("button", name="Play").click()
    assert page.get_by_role("button", name="Pause").count() == 1
    page.wait_for_function("() => stepper.step === stepper.length - 1")
    assert page.get_by_role("button", name="Play").count() == 1
    assert "the last" in page.locator("#live").inner_text()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => stepper.step === 3")
    page.get_by_role("button", name="Pause").click()
    stopped = step(page)
    page.wait_for_timeout(150)
    assert step(page) == stopped


def test_the_address_opens_a_step_and_follows(shown: Callable[..., Any]) -> None:
    page = shown(classes(), "#step=12&grain=contribution&fold=s1")
    assert (step(page), page.locator("#grain").input_value()) == (11, "contribution")  # there are 11 when it is folded
    page.keyboard.press("Home")
    page.wait_for_function("() => location.hash === '#step=1&grain=contribution&fold=s1'")
    page.evaluate("location.hash = '#step=9'")
    page.wait_for_function("() => stepper.step === 8")
    for wrong in ("#step=nonsense", "#step=-4", "#", "#step=0&grain=x&fold=s99,%"):
        page.evaluate(f"location.hash = '{wrong}'")
        page.wait_for_function("() => stepper.step === 0")


def test_the_page_stays_where_it_is_and_the_picture_follows(shown: Callable[..., Any]) -> None:
    page = shown(classes(), viewport={"width": 360, "height": 740})
    for _ in range(page.evaluate("stepper.length")):
        assert page.evaluate("scrollY") == 0
        inside = "() => document.querySelector('.mark-now').getBoundingClientRect()"
        around = "() => document.querySelector('#picture .scroll').getBoundingClientRect()"
        mark, box = page.evaluate(inside), page.evaluate(around)
        assert box["top"] <= mark["top"] + 1 and mark["bottom"] <= box["bottom"] + 200
        page.keyboard.press("ArrowRight")


@pytest.mark.parametrize("width", [360, 800, 1280, 1920])
def test_nothing_stands_outside_the_window(width: int, shown: Callable[..., Any]) -> None:
    page = shown(classes(), "#step=16", viewport={"width": width, "height": 800})
    page.keyboard.press("p")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    controls = page.locator(":is(#controls, #question) :is(button, input, select):visible")
    for box in (control.bounding_box() for control in controls.all()):
        assert box["x"] >= 0 and box["x"] + box["width"] <= width


# Paper, no scripts, themes -------------------------------------------------------------------------------------------


def test_paper_has_every_step_and_the_final_picture(shown: Callable[..., Any]) -> None:
    page = shown(classes(), "#step=3&fold=s1")
    with printing(page):
        assert not page.locator("#controls").is_visible()
        assert page.locator("#list li").count() == 21
        assert gradient_cells(page, "v0")[0] == "-0.07147"
        assert page.locator("[data-cover]").count() == 0
        assert len(page.pdf()) > 10_000
    page.wait_for_function("() => stepper.step === 2")
    assert page.locator("[data-cover]").count() == 1


LETTERS = """() => [...document.querySelectorAll("#picture text")].filter((text) => text.getBoundingClientRect().height > 0)
  .map((text) => text.getScreenCTM().a * parseFloat(getComputedStyle(text).fontSize) * 0.75)"""  # in points
WHOLE = """() => [...document.querySelectorAll("#picture .sheet svg")].flatMap((sheet) => {
  const view = sheet.getBoundingClientRect();
  const inside = (box) => box.left >= view.left && box.right <= view.right && box.top >= view.top && box.bottom <= view.bottom;
  const whole = [...sheet.querySelectorAll("[data-node]")].filter((node) => inside(node.getBoundingClientRect()));
  return whole.map((node) => node.dataset.node);
})"""


def test_letters_on_paper_have_at_least_8_points(shown: Callable[..., Any]) -> None:
    walk = steps(classes().graph)
    page = shown(walk, viewport={"width": 717, "height": 1000})  # A4 with margins of 1 cm
    with printing(page):
        assert page.locator(".sheet").count() > 1
        assert min(page.evaluate(LETTERS)) >= 7.9
        assert set(page.evaluate(WHOLE)) == {node.id for node in walk.graph}, "a box is cut on each of its sheets"
        assert all(sheet.bounding_box()["height"] <= 1000 for sheet in page.locator(".sheet svg").all())
    page.wait_for_function("() => !document.querySelector('.sheet')")


def test_without_scripts_it_is_a_document(shown: Callable[..., Any]) -> None:
    walk = neuron()
    page = shown(walk, java_script_enabled=False)
    assert page.locator("#list li").all_inner_texts() == ["\n".join(one.text for one in each) for each in by_node(walk)]
    assert gradient_cells(page, "v0") == ["-1.500"]
    assert "-1.5" in page.locator('[data-row="v0"]').inner_text()
    assert not page.locator("#controls").is_visible() and not page.locator("#now").is_visible()


def by_node(walk: Steps) -> list[list[Any]]:
    fine = list(walk.by_contribution())
    return [[one for one in fine if (one.phase, one.node.id) == (each.phase, each.node.id)] for each in walk]


def test_the_theme_is_the_readers(shown: Callable[..., Any]) -> None:
    page = shown(neuron(), color_scheme="dark")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(15, 23, 42)"
    theme = page.locator("#theme")
    theme.click()
    assert (theme.inner_text(), page.evaluate(ground)) == ("Theme: light", "rgb(255, 255, 255)")
    box = "() => getComputedStyle(document.querySelector('#picture .graph > .fill-ground')).fill"
    assert page.evaluate(box) == "rgb(255, 255, 255)"
    theme.click()
    assert (theme.inner_text(), page.evaluate(ground)) == ("Theme: dark", "rgb(15, 23, 42)")


# Large and small -----------------------------------------------------------------------------------------------------


def test_a_page_of_30_nodes_is_small(tmp_path: Path) -> None:
    walk = chain(10)
    assert 30 <= len(walk.graph) <= 33
    assert walk.save(tmp_path / "small.html").stat().st_size <= 150_000


def test_a_thousand_steps_open_and_answer_within_a_second(shown: Callable[..., Any]) -> None:
    """By the time that the page's own thread worked; the least of some, as other work on the machine only adds to it."""
    walk = chain(250)
    assert len(walk) >= 1_000
    opened = shown(walk)
    took: dict[str, list[float]] = {"open": [], "End": [], "ArrowLeft": [], "Home": []}
    for attempt in range(10):
        page = opened.context.new_page()  # an empty tab: a reload would count what it throws away
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        for action, times in took.items():
            before = _worked(page, session)
            if action == "open":
                page.goto(opened.url)
            else:
                page.keyboard.press(action)
            times.append(_worked(page, session) - before)
            if action == "open":
                assert page.locator("#place").inner_text() == f"1 of {len(walk)}"
        page.close()
        if attempt >= 2 and all(min(times) < 1 for times in took.values()):
            break
    assert {action: min(times) for action, times in took.items() if min(times) >= 1} == {}


def _worked(page: Any, session: Any) -> float:
    """Return the seconds that the page's thread has worked, once it has drawn what it was asked for."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}["TaskDuration"]


def test_a_graph_too_large_to_draw_has_a_page_without_a_picture(
    shown: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extent, "_MOST_DRAWN", 100)
    walk = classes().fold()
    page = shown(walk)
    assert found(page) == expected(walk)
    page = shown(chain(20))
    assert "too many to be laid out" in page.locator("#picture").inner_text()
    page.keyboard.press("End")
    assert "from 19" in page.locator("#list li").last.inner_text()


# It explains, and it fits ---------------------------------------------------------------------------------------------


def test_a_step_has_its_rule_with_numbers_and_a_sentence(shown: Callable[..., Any]) -> None:
    x = Value(1.0, name="x")
    page = shown(steps(x.tanh() * 2.0, names={}), "#step=5")
    rule = page.locator("#formula .rule")
    assert rule.count() == 1 and "local" in rule.inner_text() and "0.7616" in rule.inner_text()
    assert page.locator("#why").inner_text() == "tanh has slope 0.4200; its steepest, at 0, is 1."


@pytest.mark.parametrize("loss", [order, classes, neuron])
def test_the_sentences_of_a_step_are_those_of_the_text(loss: Callable[[], Steps], shown: Callable[..., Any]) -> None:
    walk = loss()
    page = shown(walk)
    for index, one in enumerate(walk):
        page.evaluate("(index) => stepper.go(index)", index)
        assert page.locator("#why").inner_text() == one.why


def test_what_text_calls_a_node_the_picture_calls_it(shown: Callable[..., Any]) -> None:
    walk = steps(classes().graph)
    page = shown(walk)
    for node in walk.graph:
        if node.op:
            assert walk[0].names[node.id] in page.locator(f'#picture [data-node="{node.id}"] text').all_text_contents()


def test_the_program_is_beside_the_picture_with_the_line_of_the_step(shown: Callable[..., Any]) -> None:
    with trace():
        a, b = Value(2.0), Value(-3.0)
        c = a * b
        loss = c.tanh()
    page = shown(steps(loss))
    lines = page.locator("#code .line")
    now = lambda: page.locator("#code .line.now").all_inner_texts()
    assert lines.count() > 3 and any("c = a * b" in line for line in lines.all_inner_texts())
    assert len(now()) == 1 and "c = a * b" in now()[0] and "c = -6" in now()[0]
    page.keyboard.press("ArrowRight")
    assert "loss = c.tanh()" in now()[0] and "loss = " in now()[0]
    page.keyboard.press("End")
    assert "c = a * b" in now()[0] and "dloss/dc = " in now()[0]
    page.keyboard.press("Home")
    assert "dloss" not in now()[0]
    code, picture = page.locator("#code").bounding_box(), page.locator("#picture").bounding_box()
    assert code["y"] >= picture["y"] + picture["height"] - 1 and code["height"] > 100


def test_without_lines_it_says_how_to_have_them(shown: Callable[..., Any]) -> None:
    page = shown(steps(Value(2.0).exp(), names={}))
    assert not page.locator("#code").is_visible() and "with trace():" in page.locator("#source").inner_text()


def test_a_folded_cross_entropy_fits_the_screen(shown: Callable[..., Any]) -> None:
    page = shown(classes(), "#step=3&fold=s0")
    room, picture = page.locator("#picture .scroll").bounding_box(), page.locator("#picture svg").bounding_box()
    assert picture["height"] <= room["height"] and picture["width"] <= room["width"]
    boxes = [page.locator(f"#picture {each} > .box").bounding_box() for each in ('[data-node="v0"]', "[data-cover=s0]")]
    for box in boxes:
        assert room["x"] <= box["x"] and box["x"] + box["width"] <= room["x"] + room["width"]
    assert boxes[0]["y"] + boxes[0]["height"] < boxes[1]["y"], "an arrow's length apart"
    route = page.locator("#picture [data-route]").first.bounding_box()
    assert boxes[0]["y"] + boxes[0]["height"] - 20 <= route["y"] and route["y"] + route["height"] <= boxes[1]["y"] + 20


@pytest.mark.parametrize("fold", ["s0", "s1", "s2", "s1,s2"])
def test_boxes_never_lie_on_each_other_in_a_folded_picture(fold: str, shown: Callable[..., Any]) -> None:
    page = shown(classes(), f"#step=3&fold={fold}")
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("#picture .node:not(.covered), #picture .cover")]
             .map((group) => group.querySelector(".box").getBoundingClientRect())
             .map(({ left, top, right, bottom }) => [left, top, right, bottom])"""
    )
    for k, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:k]:
            assert right <= other[0] + 1 or other[2] <= left + 1 or bottom <= other[1] + 1 or other[3] <= top + 1
    page.keyboard.press("F")
    assert page.locator("#picture [data-cover]").count() == 0
    assert page.locator('#picture [data-node="v0"]').get_attribute("transform") is None


def test_the_whole_graph_and_the_map_of_one_that_is_larger(shown: Callable[..., Any]) -> None:
    page = shown(classes(), "#step=14")
    room, picture = page.locator("#picture .scroll"), page.locator("#picture svg")
    assert page.locator("#overview").is_visible() and picture.bounding_box()["height"] > room.bounding_box()["height"]
    view = page.locator("#overview .view").bounding_box()
    page.locator("#overview").click(position={"x": 10, "y": 5})
    page.wait_for_function("() => document.querySelector('#picture .scroll').scrollTop < 40")
    assert page.locator("#overview .view").bounding_box()["y"] < view["y"]
    page.select_option("#zoom", "fit")
    assert picture.bounding_box()["height"] <= room.bounding_box()["height"] and not page.locator("#overview").is_visible()
    page.select_option("#zoom", "1.5")
    node, around = page.locator("#picture .node.now").bounding_box(), room.bounding_box()
    page.wait_for_timeout(700)
    node = page.locator("#picture .node.now").bounding_box()
    assert around["y"] <= node["y"] and node["y"] + node["height"] <= around["y"] + around["height"]


def test_on_a_phone_the_formula_is_under_the_controls(shown: Callable[..., Any]) -> None:
    page = shown(classes(), "#step=14", viewport={"width": 360, "height": 740})
    controls, now, picture = (page.locator(f"#{id}").bounding_box() for id in ("controls", "now", "picture"))
    assert 0 <= now["y"] - controls["y"] - controls["height"] < 40 < picture["y"] - now["y"]


def test_arrays_are_matrices_in_the_table(shown: Callable[..., Any]) -> None:
    page = shown(classes(), "#step=1")
    value = page.locator('[data-row="v0"] td:nth-child(3)')
    assert value.evaluate("cell => cell.textContent").count("\n") == 2 and "[" not in value.inner_text()
    assert page.locator('[data-row="v4"] td:nth-child(3)').inner_text() == "·"
    lines = value.evaluate(
        """cell => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          return new Set([...range.getClientRects()].map((rect) => Math.round(rect.top))).size;
        }"""
    )
    assert lines == 3, "no number is broken"


def test_a_large_array_is_a_heat_map_with_its_own_axes(shown: Callable[..., Any]) -> None:
    x = Value([[float(row * column - 20) for column in range(9)] for row in range(7)], name="x")
    page = shown(steps((x * x).sum(), names={}), "#step=1")
    cells = page.locator("#heat .map").first.locator("i")
    assert cells.count() == 63 and page.locator("#heat p").first.inner_text().endswith(", 7 x 9")
    cells.nth(10).hover()
    assert page.locator("#told").inner_text() == "[1, 1] = 361, made of x[1, 1] = -19"
    page.keyboard.press("End")
    assert page.locator("#heat .below").count() > 20 and page.locator("#heat .above").count() > 15  # around 0
    assert page.locator("#heat .scale").first.locator("i").count() == 3
    cells = page.locator("#heat .map").first.locator("i")
    first, next_row = cells.nth(0).bounding_box(), cells.nth(9).bounding_box()
    assert first["x"] == next_row["x"] and first["y"] < next_row["y"]


OPERATIONS = {
    "broadcast": lambda x, w: x * w[:, 0],
    "sum": lambda x, w: x.sum(dim=1),
    "reshape": lambda x, w: x.reshape(8, 10),
    "permute": lambda x, w: x.T,
    "cat": lambda x, w: cat([w, x.T], dim=1),
    "index": lambda x, w: x[[5, 0, 5, 1, 2, 3, 19], 1:],
    "matmul": lambda x, w: x @ w,
    "batches": lambda x, w: x.reshape(5, 4, 4) @ w[:, :5],
    "max": lambda x, w: x.amax(dim=1),
}
CHOSEN = """() => {  // by the title of a map: for each element of the first array, which elements are framed
  const arrays = {};
  for (const map of document.querySelectorAll("#heat .map")) (arrays[map.ariaLabel.split(":")[0]] ??= []).push(...map.children);
  const [[, cells], ...others] = Object.entries(arrays);
  const framed = Object.fromEntries(others.map(([label]) => [label, []]));
  for (const cell of cells) {
    cell.dispatchEvent(new PointerEvent("pointerenter"));
    const places = (found) => found.flatMap((one, at) => (one.classList.contains("chosen") ? [at] : []));
    for (const [label, found] of others) framed[label].push(places(found));
  }
  return framed;
}"""


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_element_of_a_heat_map_frames_those_that_it_is_made_of(shown: Callable[..., Any], name: str) -> None:
    x = Value([[row * 4 + column + 1.0 for column in range(4)] for row in range(20)], name="x")
    w = Value([[0.5 * row - column + 0.1 for column in range(20)] for row in range(4)], name="w")
    graph = Graph(OPERATIONS[name](x, w).sum(), names={})
    node = graph[graph.operand_edges(graph.root)[0].source]
    walk = steps(graph)
    page = shown(walk)
    forward = next(step.index for step in walk if step.phase == "forward" and step.node.id == node.id)
    page.evaluate(f"stepper.go({forward})")
    framed = page.evaluate(CHOSEN)
    for edge in graph.operand_edges(node.id):
        pairs = [(row, column) for row, column, _ in (slopes(graph, edge) if name != "max" else dense(graph, edge))]
        source = graph[edge.source]
        if math.prod(source.shape) < 17:
            continue  # it has no heat map
        assert framed[source.name or source.id] == [
            sorted({b for a, b in pairs if a == row}) for row in range(math.prod(node.shape))
        ]
        backward = next(step for step in walk if step.phase == "backward" and step.node.id == node.id)
        page.evaluate(f"stepper.go({backward.index})")
        if len(backward.contributions) == 1:
            (back,) = page.evaluate(CHOSEN).values()
            assert back == [sorted({a for a, b in pairs if b == place}) for place in range(math.prod(source.shape))]


def dense(graph: Graph, edge: Edge) -> Iterator[tuple[int, int, float]]:
    """Every element of a row goes into its maximum, also if its slope is 0."""
    return ((place // 4, place, 1.0) for place in range(math.prod(graph[edge.source].shape)))


def test_the_elements_that_one_is_made_of_are_framed_by_pointer_and_by_keys(shown: Callable[..., Any]) -> None:
    x = Value([[float(row * 4 + column) for column in range(4)] for row in range(6)], name="x")
    w = Value([[0.5 * row - column for column in range(6)] for row in range(4)], name="w")
    page = shown(steps((x @ w).sum(), names={}), "#step=1")
    page.locator("#heat .map").first.locator("i").nth(7).hover()
    told = page.locator("#told").inner_text()
    assert (
        told.startswith("[1, 1] = ")
        and "made of x[1, 0] = 4, x[1, 1] = 5, x[1, 2] = 6, ... (4 elements of x); w[0, 1] = -1" in told
    )
    assert (
        page.locator("#heat .map").nth(1).locator(".chosen").count()
        == 4
        == page.locator("#heat .map").nth(2).locator(".chosen").count()
    )
    page.locator("#heat .map").first.focus()
    for key in ("ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    assert page.locator("#told").inner_text() == told and step(page) == 1
    page.keyboard.press("End")
    page.locator("#heat .map").first.locator("i").nth(0).hover()
    assert "made of dL/d" in page.locator("#told").inner_text() or "made of d" in page.locator("#told").inner_text()


def test_the_direction_of_the_arrows_can_be_chosen(shown: Callable[..., Any]) -> None:
    across = "svg => svg.viewBox.baseVal.width > svg.viewBox.baseVal.height"
    walk = steps(Value(1.0, name="x").exp().sin().cos(), names={}, rankdir="LR")
    assert walk.fold().by_contribution().rankdir == "LR"
    assert shown(walk).locator("#picture svg").evaluate(across)
    assert not shown(steps(Value(1.0, name="x").exp().sin().cos(), names={})).locator("#picture svg").evaluate(across)
    with pytest.raises(ValueError, match=r"rankdir must be one of 'TB', 'LR', 'BT', 'RL', got 'up'"):
        steps(Value(1.0).exp(), rankdir="up")


def test_a_large_graph_opens_with_its_scopes_folded(shown: Callable[..., Any]) -> None:
    x = Value([0.1, 0.2], name="x")
    for _ in range(12):
        x = x.softmax(dim=0) + 0.1
    page = shown(steps(x.sum(), names={}))
    assert page.locator("#picture [data-cover]").count() == 12
    page.keyboard.press("F")
    assert page.locator("#picture [data-cover]").count() == 0


def test_marks_are_right_in_a_frame_that_is_not_laid_out(open_page: Callable[..., Any], tmp_path: Path) -> None:
    """A notebook's frame may not be laid out when its page starts: boxes then have no size but that in their numbers."""
    inner = escape(classes().save(tmp_path / "inner.html").read_text("utf-8"))
    outer = tmp_path / "outer.html"
    frame_of = f'<iframe sandbox="allow-scripts" style="display:none" width="1000" height="700" srcdoc="{inner}"></iframe>'
    outer.write_text(f"<!DOCTYPE html>{frame_of}", "utf-8")
    page = open_page(outer)
    frame = page.frames[1]
    frame.wait_for_function("() => window.stepper?.length > 0")
    page.evaluate("document.querySelector('iframe').style.display = 'block'")
    marks = frame.locator("#picture .mark").all()
    assert len(marks) == 2
    for mark in marks:
        box = mark.bounding_box()
        assert box["width"] > 60 and box["height"] > 40
