"""The page of a comparison: two pictures, one slider; a step in one moves the other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micrograd_sm import Graph, Value, log_softmax, softmax
from micrograd_sm.cli.main import main
from micrograd_sm.study import Comparison, compare

LARGE, SMALL = [1000.0, 0.0, 3.0], [1.0, 0.0, 3.0]


def both(logits: list[float]) -> Comparison:
    x = Value(logits, name="x")
    return compare(-softmax(x, dim=0).log()[1], -log_softmax(x, dim=0)[1], {})


def opened(open_page: Callable[..., Any], folder: Path, found: Comparison, **options: Any) -> Any:
    return open_page(found.save(folder / "compare.html", ("naive", "shifted")), **options)


def shown(page: Any, side: str, id: str, kind: str) -> list[str]:
    return page.locator(f"#{side} [data-node={id}] text.{kind}").all_text_contents()


def marked(page: Any) -> dict[str, str | None]:
    """Return by side which node has the mark, from where both are on the screen; an asterisk if the mark is dashed."""
    return page.evaluate(
        """() => Object.fromEntries(["a", "b"].map((side) => {
          const mark = document.querySelector(`#${side} .mark`);
          if (mark.hasAttribute("hidden")) return [side, null];
          const {left, right, top, bottom} = mark.getBoundingClientRect();
          const inside = [...document.querySelectorAll(`#${side} [data-node]`)].filter((node) => {
            const box = node.querySelector(".box").getBoundingClientRect();
            return box.left > left && box.right < right && box.top > top && box.bottom < bottom;
          });
          return [side, inside.map((node) => node.dataset.node).join() + (mark.matches(".partner") ? "*" : "")];
        }))"""
    )


def test_matched_nodes_have_their_steps_at_once(open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = opened(open_page, tmp_path, both(SMALL))
    page.keyboard.press("Home")
    assert marked(page) == {"a": None, "b": None} and shown(page, "a", "v1", "value") == ["·"]
    assert shown(page, "a", "v0", "value") == ["1.0", "0.0", "3.0"], "a leaf is there from the start"
    page.keyboard.press("ArrowRight")
    assert marked(page) == {"a": "v1", "b": "v1"}
    assert shown(page, "a", "v1", "value") == shown(page, "b", "v1", "value") != ["·"]
    assert page.locator("#a .said").inner_text() == page.locator("#b .said").inner_text() != ""
    assert page.locator("#nodes tr.now").all_inner_texts()[0].split()[:2] == ["v1", "v1"]
    page.evaluate("comparison.go(5)")  # a divides; b has no such step
    assert marked(page) == {"a": "v5", "b": None}
    assert "Waits: only a has this step." in page.locator("#b .said").inner_text()


def test_both_arrive_at_the_gradients_of_a_backward_pass(open_page: Callable[..., Any], tmp_path: Path) -> None:
    found = both(SMALL)
    page = opened(open_page, tmp_path, found)
    assert set(shown(page, "a", "v0", "grad")) == {"·"}
    page.keyboard.press("End")
    numbers = [float(text) for text in shown(page, "a", "v0", "grad")]
    assert numbers == pytest.approx(found.a["v0"].grad.tolist(), rel=1e-3)
    assert shown(page, "b", "v0", "grad") == shown(page, "a", "v0", "grad")
    last = page.evaluate("comparison.count")
    assert page.locator("#place").inner_text() == f"{last} of {last}, backward"
    page.keyboard.press("Home")
    assert set(shown(page, "b", "v0", "grad")) == {"·"}


def test_differences_are_marked_and_listed(open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = opened(open_page, tmp_path, both(LARGE))
    rows = [row.split("\t") for row in page.locator("#nodes tbody tr").all_inner_texts()]
    said = {(row[0], row[1]): row[2] for row in rows}
    assert said["x", "x"] == "gradient differs" and said["L", "L"] == "value differs"
    assert said["v5", ""] == "only in a" and said["", "v5"] == "only in b"
    notes = lambda side, id: page.locator(f"#{side} [data-node={id}] text.note").all_text_contents()
    assert notes("a", "v0") == notes("b", "v0") == ["gradient differs"]
    assert notes("a", "v5") == ["only in a"]
    page = opened(open_page, tmp_path, both(SMALL))
    assert page.locator("text.note", has_text="differs").count() == 2, "exp is used in another way, so its gradient is another"
    assert notes("a", "v3") == notes("b", "v3") == ["gradient differs"]
    assert "the same but for rounding" in page.locator("#nodes").inner_text()


def test_a_node_and_a_row_lead_to_their_step(open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = opened(open_page, tmp_path, both(SMALL))
    page.locator("#b [data-node=v6]").click()
    assert marked(page)["b"] == "v6" and "forward" in page.locator("#place").inner_text()
    page.locator("#b [data-node=v6]").click()
    assert "backward" in page.locator("#place").inner_text()
    page.locator("#nodes tr[data-a=v3]").click()
    assert marked(page) == {"a": "v3", "b": "v3"}


def test_matched_nodes_in_another_order_are_marked_all_the_same(open_page: Callable[..., Any], tmp_path: Path) -> None:
    x, y = Value(2.0, name="x"), Value(3.0, name="y")
    p, q = x.exp(), y.tanh()
    a = p * q
    r, s = y.tanh(), x.exp()
    found = compare(a, s * r, {})
    page = opened(open_page, tmp_path, found)
    seen = []
    for step in range(1, page.evaluate("comparison.count") + 1):
        page.evaluate(f"comparison.go({step})")
        seen.append(marked(page))
    partner = {match.a: match.b for match in found}
    assert all(partner[str(one["a"]).rstrip("*")] == str(one["b"]).rstrip("*") for one in seen)
    assert any(str(one["a"]).endswith("*") or str(one["b"]).endswith("*") for one in seen)
    page.keyboard.press("End")
    assert shown(page, "a", "v0", "grad") == shown(page, "b", "v0", "grad")


@pytest.mark.parametrize("width, height", [(1280, 800), (1920, 1080), (360, 740)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_window(open_page: Callable[..., Any], tmp_path: Path, width: int, height: int, scheme: str) -> None:
    window = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    page = opened(open_page, tmp_path, both(LARGE), **window)
    page.evaluate("comparison.go(7)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width >= 1024:
        assert page.evaluate("document.documentElement.scrollHeight") <= height
        boxes = [page.locator(f"#{part} .scroll").bounding_box() for part in ("a", "b", "nodes")]
        assert all(box["height"] > 0.4 * height and box["y"] + box["height"] <= height for box in boxes)
        assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"] and boxes[1]["x"] + boxes[1]["width"] <= boxes[2]["x"]
        assert page.locator("#nodes .scroll").evaluate("one => one.scrollWidth <= one.clientWidth")
    mark, room = page.locator("#a .mark").bounding_box(), page.locator("#a .scroll").bounding_box()
    assert room["y"] <= mark["y"] and mark["y"] + mark["height"] <= room["y"] + room["height"], "the step is in view"


def test_whole_graphs_are_seen_whole(open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = opened(open_page, tmp_path, both(SMALL))
    page.locator("#whole").check()
    for side in "ab":
        picture, room = (page.locator(f"#{side} {part}").bounding_box() for part in ("svg", ".scroll"))
        assert picture["height"] <= room["height"] and picture["width"] <= room["width"]


def test_folded_graphs_arrays_and_what_has_no_gradient(open_page: Callable[..., Any], tmp_path: Path) -> None:
    x = Value(SMALL, name="x")
    page = opened(open_page, tmp_path, compare(Graph(softmax(x, dim=0)).fold(), softmax(x, dim=0)))
    page.keyboard.press("End")
    assert shown(page, "a", "v0", "grad") == shown(page, "b", "v0", "grad")
    plain = Value(2.0, requires_grad=False)
    page = opened(open_page, tmp_path, compare(plain * 3.0, plain + 4.0, {}))
    assert page.locator("#place").inner_text() == "0 of 0", "nothing was recorded"


def test_it_loads_nothing_and_is_small(tmp_path: Path) -> None:
    path = both(LARGE).save(tmp_path / "compare.html")
    text = path.read_text("utf-8")
    assert path.stat().st_size < 150_000 and "default-src 'none'" in text
    assert not re.search(r"(?:src|href)=", text)
    assert "a: 9 nodes" in text and "of which 6 differ" in text


@pytest.mark.parametrize(
    "path, titles, error, said",
    [
        ("compare.svg", ("", ""), ValueError, r"'compare\.svg' must end in \.html"),
        ("nowhere/compare.html", ("", ""), FileNotFoundError, "the folder 'nowhere'"),
        ("compare.html", ("one",), ValueError, "titles must be two"),
        ("compare.html", "ab", ValueError, "titles must be two"),
    ],
)
def test_bad_input(path: str, titles: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        both(SMALL).save(path, titles)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    naive, shifted = "x = [9.0, 1.0]; log(softmax(x, 0))[1]", "x = [9.0, 1.0]; log_softmax(x, 0)[1]"
    assert main(["study", "compare", naive, shifted, "-o", "compare.html"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "both graphs side by side: compare.html"
    assert f"a: {naive}</h2>" in Path("compare.html").read_text("utf-8")
    Path("train.py").write_text("from micrograd_sm import Value\nloss = Value(2.0) ** 2\nloss.backward()\n", "utf-8")
    assert main(["study", "compare", "train.py", "x = 2.0; x * x", "-o", "compare.html", "--json"]) == 0
    assert "both graphs" in capsys.readouterr().err
    assert "a: train.py, loss, backward pass 1 of 1</h2>" in Path("compare.html").read_text("utf-8")
    with pytest.raises(SystemExit):
        main(["study", "compare", naive, shifted, "-o", "compare.svg"])
