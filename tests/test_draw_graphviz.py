"""The picture as a `graphviz.Digraph`: restyled, nested in a graph of one's own, rendered as that library renders."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import graphviz
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from micrograd_sm import Value, softplus
from micrograd_sm.draw import draw, layout
from micrograd_sm.draw.markup import escaped
from micrograd_sm.draw.notebook import TEXT
from micrograd_sm.words.names import visible
from tests.pictures import GALLERY, NASTY_NAME, after_backward, deep_softmax, neuron, three_logits

SVG = "{http://www.w3.org/2000/svg}"
NAMES = [
    "\"double\" 'single'",
    "back\\slash \\N \\G \\n \\l\\",
    "<b>&amp;</b>",
    "<>",
    "a\nb\tc",
    "日本語 Σ",
    "%s {0} [a] a:b:n",
    NASTY_NAME,
]


def laid_out(picture):
    return ET.fromstring(layout.render(picture.source, "svg"))


def texts(root):
    return {(text.text or "").replace("\xa0", " ").strip() for text in root.iter(f"{SVG}text")}


def titles(root, kind):
    return {group.find(f"{SVG}title").text for group in root.iter(f"{SVG}g") if group.get("class", "").split()[0] == kind}


@pytest.fixture
def dot_on_path(tmp_path, monkeypatch):
    """Put a stand-in for Graphviz's `dot` on PATH, which is graphviz-pure."""
    stand_in = tmp_path / "bin" / "dot"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\nexec "{layout.find_pure()}" "$@"\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(stand_in.parent), prepend=os.pathsep)


# An object of one's own -----------------------------------------------------------------------------------------------


def test_each_is_new_and_the_drawing_stays_as_it_is():
    drawing = draw(neuron(), names={})
    picture = drawing.graphviz()
    assert type(picture) is graphviz.Digraph
    assert picture.source == drawing.source == draw(neuron(), names={}).source
    picture.node("note")
    picture.graph_attr["bgcolor"] = "red"
    assert picture.source != drawing.source == drawing.graphviz().source


def test_restyled():
    picture = draw(neuron(), names={}).graphviz()
    picture.graph_attr |= {"bgcolor": "lightyellow", "rankdir": "LR"}
    picture.node_attr["fontname"] = "Courier"
    picture.edge_attr["color"] = "purple"
    picture.node("v0", xlabel="here")
    root = laid_out(picture)
    assert "here" in texts(root)
    assert {"lightyellow", "purple"} <= {shape.get(attribute) for shape in root.iter() for attribute in ("fill", "stroke")}
    assert any("Courier" in text.get("font-family") for text in root.iter(f"{SVG}text"))
    assert float(root.get("width").removesuffix("pt")) > float(root.get("height").removesuffix("pt"))


def test_two_nested_in_a_graph_of_ones_own():
    mine = graphviz.Digraph("lecture", graph_attr={"rankdir": "TB"})
    for prefix, drawing in {"before-": draw(three_logits(), names={}), "after-": draw(neuron(), names={}, edges=True)}.items():
        picture = drawing.graphviz(prefix)
        picture.name = f"cluster {prefix}"
        mine.subgraph(picture)
    mine.node("mine", "my own node")
    mine.edge("before-v0", "mine")
    mine.edge("mine", "after-v0")
    root = laid_out(mine)
    expected = {f"before-{node.id}" for node in draw(three_logits()).graph} | {
        f"after-{node.id}" for node in draw(neuron()).graph
    }
    assert titles(root, "node") == expected | {"mine"}
    assert {"cluster before-", "cluster after-", "cluster_before-s0", "cluster_before-s1"} <= titles(root, "cluster")
    assert {"before-v0->mine", "mine->after-v0"} <= titles(root, "edge")
    assert len(titles(root, "edge")) == len({(e.source, e.target) for e in draw(three_logits()).graph.edges}) + 2 + 5
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert {"my own node", "logits", "cross_entropy", "-3.0 × 0.5010 = -1.503"} <= texts(root)


@pytest.mark.parametrize("name", GALLERY)
def test_the_prefix_changes_names_alone(name):
    make, options = GALLERY[name]
    drawing = draw(make(), names={}, **options)
    assert drawing.graphviz("one_").source.replace("one_", "") == drawing.source


@pytest.mark.parametrize("prefix", ['a "quoted" \\N ', "<b>", "日本 ", "\\"])
def test_a_prefix_is_quoted(prefix):
    drawing = draw(softplus(Value(2.0, name="x")), names={})
    root = laid_out(drawing.graphviz(prefix))
    assert len(titles(root, "node")) == len(drawing.graph) and all(title.startswith(prefix) for title in titles(root, "node"))
    assert titles(root, "cluster") == {f"cluster_{prefix}s0"}
    edges = [group.get("id") for group in root.iter(f"{SVG}g") if "edge" in group.get("class", "").split()]
    assert len(edges) == len(drawing.graph.edges) and all(id.startswith(prefix) for id in edges)


def test_a_prefix_with_a_colon_is_refused():
    with pytest.raises(ValueError, match="the prefix 'a:' holds a colon"):
        draw(neuron()).graphviz("a:")


# Rendered as the library renders ---------------------------------------------------------------------------------------


def test_pipe_and_render(dot_on_path, tmp_path):
    picture = draw(neuron(), names={}).graphviz()
    assert {"x", "2.0", "tanh"} <= texts(ET.fromstring(picture.pipe(format="svg")))
    assert picture._repr_mimebundle_()["image/svg+xml"].startswith("<?xml")
    written = picture.render(directory=tmp_path, format="png")
    assert (tmp_path / "micrograd_sm.gv.png").samefile(written)
    assert (tmp_path / "micrograd_sm.gv.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "micrograd_sm.gv").read_text(encoding="utf-8") == picture.source


def test_dot_on_path_lays_out_the_same(dot_on_path, tmp_path, monkeypatch):
    drawing = draw(three_logits(), names={}, edges=True)
    with_dot = drawing.svg()
    monkeypatch.setattr(layout, "find_dot", lambda: None)
    assert drawing.svg() == with_dot


def test_pipe_without_dot_says_so_in_the_librarys_words(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(graphviz.ExecutableNotFound):
        draw(neuron()).graphviz().pipe(format="svg")
    assert draw(neuron()).svg().startswith("<svg")


# Quoting ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_names_survive_restyled_and_nested(name):
    mine = graphviz.Digraph()
    picture = draw(Value(1.0, name=name).exp(), names={}).graphviz("p")
    picture.name = "cluster"
    mine.subgraph(picture)
    shown = visible(name) if len(name) < 35 else "...lert(1)</script>"
    assert any(shown.replace("  ", " ") in text.replace("  ", " ") for text in texts(laid_out(mine)))


@given(st.text().map(visible))
@example("a  b   c\\\\")
def test_escaped_text_is_only_text(text):
    read = ET.fromstring(f"<TD>{escaped(text)}</TD>").text or ""
    assert read.replace("\\\\", "\\").replace("\xa0", " ") == text.replace("\xa0", " ")
    assert "  " not in read


# Without the package ----------------------------------------------------------------------------------------------------

WITHOUT = """
import sys
sys.modules["graphviz"] = None
from micrograd_sm import Value, draw
x = Value(3.0)
drawing = draw(x * x)
print(repr(drawing))
uses = lambda: drawing.source, drawing.graphviz, drawing.svg, lambda: drawing.save("a.dot"), lambda: drawing.save("a.png")
for use in uses:
    try:
        use()
    except RuntimeError as error:
        print(error)
"""


def test_without_the_package_there_is_a_drawing_and_a_way_out(tmp_path):
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True, cwd=tmp_path)
    first, *errors = done.stdout.splitlines()
    assert first == "<Drawing of 2 nodes and 2 edges; .save('graph.svg') writes it>"
    assert len(errors) == 5
    assert all("graphviz" in error and error.endswith("pip install 'micrograd_sm[draw]'") for error in errors)
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_a_notebook_has_text(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    monkeypatch.delitem(sys.modules, "micrograd_sm.draw.dot", raising=False)
    bundle = draw(neuron())._repr_mimebundle_()
    assert list(bundle) == [TEXT] and bundle[TEXT].endswith("pip install 'micrograd_sm[draw]'")
    assert list(neuron()._repr_mimebundle_()) == [TEXT]


def test_the_package_is_imported_when_a_picture_is_looked_at():
    code = """
import sys
from micrograd_sm import Value, draw
drawing = draw(Value(1.0).exp())
repr(drawing)
print("graphviz" in sys.modules)
drawing.source
print("graphviz" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\nTrue\n"


# The same bytes ---------------------------------------------------------------------------------------------------------

PICTURES = """
from micrograd_sm.draw import draw
from tests.pictures import GALLERY
for make, options in GALLERY.values():
    print(draw(make(), names={}, **options).graphviz("a-").source)
"""


def test_every_picture_is_the_same_bytes_whatever_the_hash_seed():
    first, second = (
        subprocess.run(
            [sys.executable, "-c", PICTURES], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert first.count(b"digraph micrograd_sm {") == len(GALLERY)


def test_a_note_above_stays_the_pictures_own():
    picture = draw(after_backward(deep_softmax()), names={}).graphviz()
    assert "nodes are many to read" in picture.graph_attr["label"]
