"""A notebook shows pictures and steppers: a real one is run, exported, and opened in a browser."""

from __future__ import annotations

import base64
import copy
import re
import sys
from html import escape
from html.parser import HTMLParser
from itertools import chain
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from micrograd_sm import Value, draw, steps
from micrograd_sm.draw import layout, notebook
from micrograd_sm.draw.notebook import HTML, MOST_NODES, SVG, TEXT


def neuron():
    x, w = Value(2.0, name="x"), Value(-3.0, name="w")
    return (x * w + 6.5).tanh()


def image_in(html):
    """Return the SVG of the image that some HTML holds."""
    return base64.b64decode(re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', html)[1]).decode()


def ids_in(svg):
    return {element.get("id") for element in ElementTree.fromstring(svg).iter()} - {None}


@pytest.fixture
def no_program(monkeypatch):
    monkeypatch.setattr(layout, "find_dot", lambda: None)
    monkeypatch.setattr(layout, "find_pure", lambda: None)


@pytest.mark.parametrize("shown", [neuron, lambda: draw(neuron()), lambda: steps(neuron())], ids=["Value", "Drawing", "Steps"])
class TestEachOfThem:
    def test_text_picture_and_page(self, shown):
        thing = shown()
        bundle = thing._repr_mimebundle_()
        assert list(bundle) == [TEXT, SVG, HTML]
        assert bundle[TEXT] == repr(thing)
        assert {">x<", ">w<"} <= set(re.findall(">[xw]<", bundle[SVG]))
        assert image_in(bundle[HTML]) == bundle[SVG]

    def test_what_is_not_wanted_is_left_out(self, shown):
        thing = shown()
        assert list(thing._repr_mimebundle_(include=[TEXT, SVG])) == [TEXT, SVG]
        assert list(thing._repr_mimebundle_(exclude={HTML})) == [TEXT, SVG]
        assert list(thing._repr_mimebundle_(include=[HTML])) == [HTML]
        assert list(thing._repr_mimebundle_(include={SVG, TEXT}, exclude={TEXT})) == [SVG]
        assert list(thing._repr_mimebundle_(include={"image/png"})) == []

    def test_the_same_in_every_run(self, shown):
        assert shown()._repr_mimebundle_() == shown()._repr_mimebundle_()

    def test_nothing_is_laid_out_for_text_alone(self, shown, monkeypatch):
        monkeypatch.setattr(layout, "render", None)
        thing = shown()
        assert thing._repr_mimebundle_(include={TEXT}) == {TEXT: repr(thing)}

    def test_a_terminal_shows_text_alone(self, shown, monkeypatch):
        thing = shown()
        shell = SimpleNamespace(user_ns={}, display_formatter=SimpleNamespace(active_types=[TEXT]))
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        assert thing._repr_mimebundle_() == {TEXT: repr(thing)}

    def test_without_a_layout_program_there_is_text(self, shown, no_program):
        thing = shown()
        bundle = thing._repr_mimebundle_()
        assert list(bundle) == [TEXT]
        assert bundle[TEXT].startswith(repr(thing))
        assert ("micrograd_sm[draw]" in bundle[TEXT]) is not isinstance(thing, Value)


def test_two_pictures_share_no_id():
    one, other = draw(neuron())._repr_mimebundle_()[SVG], draw(neuron() + 1.0)._repr_mimebundle_()[SVG]
    assert ids_in(one) and ids_in(other)
    assert not ids_in(one) & ids_in(other)


def test_a_leaf_and_a_large_graph_are_text():
    assert list(Value(2.0)._repr_mimebundle_()) == [TEXT]
    chain = Value(0.5)
    for _ in range(MOST_NODES - 1):
        chain = chain.tanh()
    assert SVG in chain._repr_mimebundle_()
    assert list(chain.tanh()._repr_mimebundle_()) == [TEXT]


def test_a_long_graph_is_not_walked_to_its_end(monkeypatch):
    x = Value(0.5)
    for _ in range(20_000):
        x = x + x
    looked_at = []
    monkeypatch.setattr(notebook, "id", lambda value: looked_at.append(value) or id(value), raising=False)
    assert list(x._repr_mimebundle_()) == [TEXT]
    assert len(looked_at) < 10 * MOST_NODES


def test_a_value_is_named_after_the_notebooks_variables(monkeypatch):
    a = Value(2.0)
    loss = a * a
    shell = SimpleNamespace(
        user_ns={"weight": a, "_": loss, "Out": {1: a}, "_oh": {}},
        display_formatter=SimpleNamespace(active_types=[TEXT, SVG, HTML]),
    )
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    picture = loss._repr_mimebundle_()[SVG]
    assert ">weight<" in picture
    assert "Out" not in picture


# What an untrusted notebook leaves of it ----------------------------------------------------------------------------

KEPT_TAGS = {"div", "img", "p", "span", "pre", "table", "tbody", "tr", "td", "a", "b", "i"}
KEPT_ATTRIBUTES = {"class", "id", "style", "title", "alt", "src", "width", "height"}


class Sanitizer(HTMLParser):
    """What JupyterLab's sanitizer does to HTML: no frame, style, script or svg; text of other tags stays; data images too."""

    def __init__(self):
        super().__init__()
        self.kept, self.silent = [], None

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "style", "textarea", "option"):
            self.silent = tag
        elif tag in KEPT_TAGS:
            kept = [f'{name}="{escape(text or "")}"' for name, text in attributes if name in KEPT_ATTRIBUTES]
            self.kept.append(f"<{' '.join([tag, *kept])}>")

    def handle_endtag(self, tag):
        if tag == self.silent:
            self.silent = None
        elif tag in KEPT_TAGS:
            self.kept.append(f"</{tag}>")

    def handle_data(self, text):
        if self.silent is None:
            self.kept.append(escape(text))


def sanitized(html):
    sanitizer = Sanitizer()
    sanitizer.feed(html)
    sanitizer.close()
    return "".join(sanitizer.kept)


def test_an_untrusted_notebook_keeps_the_picture_and_nothing_else():
    bundle = steps(neuron())._repr_mimebundle_()
    left = sanitized(bundle[HTML])
    assert re.fullmatch(r'<div class="micrograd-sm-stepper"><img alt="[^"<]+" style="[^"<]+" src="[^"<]+"></div>', left)
    assert image_in(left) == bundle[SVG]


def test_the_frame_is_sandboxed():
    html = steps(neuron())._repr_mimebundle_()[HTML]
    assert re.findall(r'sandbox="([^"]*)"', html.split("srcdoc=")[0]) == ["allow-scripts"]
    assert re.search(r'<iframe [^>]*title="[^"]+ steps over [^"]+"', html)


@pytest.mark.parametrize("name", ['"><script>alert(1)</script>', "]]></svg><img src=x onerror=alert(1)>", "' onload='alert(1)"])
def test_a_name_stays_a_name(name):
    loss = Value(2.0, name=name).exp()
    for thing in (loss, draw(loss), steps(loss)):
        left = sanitized(thing._repr_mimebundle_()[HTML])
        assert left.count("<img ") == 1 and "alert" not in left


# A real notebook ----------------------------------------------------------------------------------------------------

CELLS = [
    "from micrograd_sm import Value, cross_entropy, draw, steps",
    "x = Value(2.0); w = Value(-3.0); b = Value(6.5)\no = (x * w + b).tanh()\no",
    "draw(o)",
    "steps(o)",
    "logits = Value([[1.0, 2.0, 0.1], [1.2, 0.5, 0.3]])\nsteps(cross_entropy(logits, [2, 0]))",
    "w",
    "print(w.grad)",
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook of CELLS, run by a kernel of this Python, which reads no settings of whoever runs the tests."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient, of the test extra, runs the notebook")
    nbformat = pytest.importorskip("nbformat", reason="nbformat comes with nbclient")
    pytest.importorskip("ipykernel", reason="ipykernel, of the test extra, runs the notebook")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    for cell, name in zip(book.cells, "abcdefg", strict=True):
        cell.id = name
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("jupyter")
        for variable in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            patch.setenv(variable, str(home / variable))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        nbclient.NotebookClient(book, timeout=60, kernel_name="python3").execute()
    return book


def outputs(cell):
    return [output.data for output in cell.outputs if "data" in output]


def test_a_notebooks_outputs(executed):
    by_name = {cell.id: outputs(cell) for cell in executed.cells}
    all_three = [[TEXT, SVG, HTML]]
    assert {name: [list(data) for data in found] for name, found in by_name.items()} == {
        "a": [], "b": all_three, "c": all_three, "d": all_three, "e": all_three, "f": [[TEXT]], "g": [],
    }  # fmt: skip
    for name in "bcd":
        assert {">x<", ">w<", ">b<", ">o<"} <= set(re.findall(">[xwbo]<", by_name[name][0][SVG]))
    assert "not yet computed" in by_name["b"][0][SVG]
    assert "not yet computed" not in by_name["d"][0][SVG]
    assert by_name["f"][0][TEXT] == "Value(-3.)"
    assert executed.cells[-1].outputs[0].text == "1.5728954659318548\n"


@pytest.fixture
def opened(executed, browser, tmp_path):
    """Export the notebook as HTML, trusted or as a sanitizer leaves it, and open it where nothing else can be reached."""
    nbconvert = pytest.importorskip("nbconvert", reason="nbconvert, of the test extra, exports the notebook")
    pages = []

    def export(change=lambda html: html):
        book = copy.deepcopy(executed)
        for data in chain.from_iterable(map(outputs, book.cells)):
            if HTML in data:
                data[HTML] = change(data[HTML])
        path = tmp_path / "notebook.html"
        path.write_text(nbconvert.HTMLExporter().from_notebook_node(book)[0], encoding="utf-8")
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.set_default_timeout(5_000)
        pages.append(page)
        asked = []
        page.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
        page.on("request", lambda request: asked.append((request.frame, request.url)))
        page.goto(path.as_uri())
        return page, asked

    yield export
    for page in pages:
        page.close()


def steppers(page):
    return [element.content_frame() for element in page.query_selector_all(".micrograd-sm-stepper iframe")]


def place(frame):
    return frame.locator("#place").text_content()


def test_two_steppers_stay_apart(opened):
    page, asked = opened()
    first, second = steppers(page)
    assert (place(first), place(second)) == ("1 of 7", "1 of 21")
    first.locator("#next").click()
    page.keyboard.press("ArrowRight")
    assert (place(first), place(second)) == ("3 of 7", "1 of 21")
    second.locator("#last").click()
    page.keyboard.press("ArrowLeft")
    assert (place(first), place(second)) == ("3 of 7", "20 of 21")
    page.mouse.click(5, 5)  # the notebook around them
    page.keyboard.press("Home")
    assert (place(first), place(second)) == ("3 of 7", "20 of 21")
    assert not [url for frame, url in asked if frame != page.main_frame and url != "about:srcdoc"]


def test_a_stepper_hides_its_static_picture(opened):
    page, _ = opened()
    assert page.locator(".micrograd-sm-stepper iframe").count() == 2
    for image in page.locator(".micrograd-sm-stepper img").all():
        assert not image.is_visible()
    for frame in page.locator(".micrograd-sm-stepper iframe").all():
        box = frame.bounding_box()
        assert box["width"] > 600 and box["height"] > 600


def test_an_untrusted_notebook_shows_the_static_pictures(opened):
    page, _ = opened(sanitized)
    assert page.locator("iframe").count() == 0
    images = page.locator('img[alt^="Computation graph of "]').all()
    assert len(images) == 4
    for image in images:
        assert image.is_visible()
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
        assert image.bounding_box()["width"] <= 1100


def test_the_page_in_a_frame_reaches_nothing_around_it(opened):
    page, _ = opened()
    frame = steppers(page)[0]
    reach = "() => { try { return parent.document.title } catch (error) { return error.name } }"
    assert frame.evaluate(reach) == "SecurityError"
