"""Pictures as files: their formats, the programs that lay them out, and how long it takes."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from micrograd_sm import Value, cat, softmax, stack, tanh
from micrograd_sm.draw import Drawing, draw, layout
from micrograd_sm.draw.extent import rows_crossed
from micrograd_sm.graph import Graph
from micrograd_sm.nn import neurons
from tests.pictures import svg
from tests.stopwatch import timed


@pytest.fixture
def drawing():
    return draw(Value(3.0, name="x").exp())


@pytest.fixture
def no_dot(monkeypatch):
    monkeypatch.setattr(layout, "find_dot", lambda: None)


@pytest.fixture
def nothing(monkeypatch, no_dot):
    monkeypatch.setattr(layout, "find_pure", lambda: None)


def test_saved_files_are_what_their_ending_says(drawing, tmp_path):
    assert ET.parse(drawing.save(tmp_path / "a.svg")).getroot().tag.endswith("svg")
    assert drawing.save(str(tmp_path / "b.PNG")).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert drawing.save(tmp_path / "c.dot").read_bytes() == drawing.source.encode()


@pytest.mark.parametrize("name", ["a.jpg", "a", ".svg", "a.svg.txt"])
def test_other_endings_are_refused(drawing, tmp_path, name):
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf or \.dot"):
        drawing.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(drawing, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.* does not exist"):
        drawing.save(tmp_path / "nowhere" / "a.svg")


def test_pdf_needs_dot(drawing, tmp_path, no_dot):
    with pytest.raises(RuntimeError, match=r"pdf needs Graphviz's own dot .* graphviz-pure, which is installed"):
        drawing.save(tmp_path / "a.pdf")


def test_without_a_program_it_says_what_to_install(drawing, tmp_path, nothing):
    with pytest.raises(RuntimeError, match=r"pip install 'micrograd_sm\[draw\]'"):
        drawing.save(tmp_path / "a.svg")
    with pytest.raises(RuntimeError, match="none is on PATH; install Graphviz"):
        drawing.save(tmp_path / "a.pdf")
    assert drawing.save(tmp_path / "a.dot").exists()


def program(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_dot_on_path_comes_first(monkeypatch, tmp_path):
    program(tmp_path, "dot", 'echo "dot got $1"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert layout.render("digraph {}", "pdf") == b"dot got -Tpdf\n"


def test_a_dot_that_fails_gives_way_to_graphviz_pure(monkeypatch, tmp_path):
    program(tmp_path, "dot", "echo no plugins >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert layout.render("digraph {}", "svg").startswith(b"<?xml")
    with pytest.raises(RuntimeError, match="failed: no plugins"):
        layout.render("digraph {}", "pdf")


def test_graphviz_pure_is_found_on_path_too(monkeypatch, tmp_path):
    pure = program(tmp_path, "graphviz-pure", "exit 0")
    monkeypatch.setattr(layout.sys, "executable", str(tmp_path / "elsewhere" / "python"))
    monkeypatch.setattr(layout.sysconfig, "get_path", lambda name: str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert layout.find_pure() == str(pure)
    monkeypatch.setenv("PATH", "")
    assert layout.find_pure() is None


def test_failures_of_the_program_are_told(monkeypatch, tmp_path, no_dot):
    monkeypatch.setattr(layout, "find_pure", lambda: str(program(tmp_path, "silent", "exit 3")))
    with pytest.raises(RuntimeError, match="failed: exit code 3"):
        layout.render("digraph {}", "svg")
    monkeypatch.setattr(layout, "find_pure", lambda: str(tmp_path / "gone"))
    with pytest.raises(RuntimeError, match="could not be started"):
        layout.render("digraph {}", "svg")
    monkeypatch.setattr(layout, "find_pure", lambda: str(program(tmp_path, "slow", "exec sleep 5")))
    monkeypatch.setattr(layout, "_SECONDS", 0.05)
    with pytest.raises(RuntimeError, match=r"longer than 0\.05 seconds; .* the ending \.dot"):
        layout.render("digraph {}", "svg")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 0", "failed: exit code 0"),
        ("echo warning >&2; echo 'Error: syntax' >&2; echo context >&2; exit 1", "failed: Error: syntax"),
        ("echo first >&2; echo last >&2; exit 1", "failed: last"),
    ],
)
def test_the_programs_own_words_are_told(monkeypatch, tmp_path, no_dot, script, said):
    monkeypatch.setattr(layout, "find_pure", lambda: str(program(tmp_path, "failing", script)))
    with pytest.raises(RuntimeError, match=f"{said}$"):
        layout.render("digraph {}", "svg")


def test_a_png_has_two_pixels_for_each_of_the_svgs(drawing):
    width = float(re.search(rb'<svg width="([\d.]+)', svg(drawing))[1])
    png = layout.render(drawing.source, "png")
    assert int.from_bytes(png[16:20], "big") == pytest.approx(2 * width, abs=2)


def test_notebooks_get_svg_and_text(drawing):
    bundle = drawing._repr_mimebundle_()
    assert bundle["text/plain"] == "<Drawing of 2 nodes and 1 edges; .save('graph.svg') writes it>"
    assert ET.fromstring(bundle["image/svg+xml"].encode()).tag.endswith("svg")


def test_notebooks_get_text_where_nothing_lays_out(drawing, nothing):
    bundle = drawing._repr_mimebundle_()
    assert "image/svg+xml" not in bundle
    assert "pip install" in bundle["text/plain"]


def test_a_graph_can_be_drawn_and_other_things_cannot(drawing):
    assert draw(drawing.graph).source == drawing.source == Drawing(drawing.graph).source
    with pytest.raises(TypeError, match=r"got 'loss' of type str"):
        draw("loss")


def test_a_chain_of_many_nodes_is_drawn():
    y = Value(0.5)
    for _ in range(300):
        y = y.sin()
    drawing = draw(y)
    assert "nslimit" in drawing.source
    assert len(re.findall('class="node', svg(drawing).decode())) == 301


def running_sum(count):
    x, y = Value([1.0, 2.0]), Value(0.0)
    for _ in range(count):
        y = y + x[0]
    return y


def chain(count, start=0.5):
    y = Value(start)
    for _ in range(count):
        y = y.sin()
    return y


def scopes(count):
    y = Value([[0.1, 0.2, 0.3]])
    for _ in range(count):
        y = softmax(y, dim=1)
    return y.sum()


def scalar_network():
    network = neurons.MLP(4, [16, 14, 1])
    return network([Value(0.1 * k) for k in range(4)])


def tensor_network(layers):
    y = Value([[0.1, 0.2, 0.3, 0.4]])
    for _ in range(layers):
        y = tanh(y @ Value([[0.1] * 4] * 4) + Value([0.1] * 4))
    return y.sum()


def sums(count):
    y = Value(0.0)
    for k in range(count):
        y = y + Value(float(k)) * 2.0
    return y


LARGE = {
    "a chain": lambda: chain(1000),
    "large arrays": lambda: chain(1000, [float(k) for k in range(100)]).sum(),
    "scopes": lambda: scopes(200),
    "a network of scalars": scalar_network,
    "a network of tensors": lambda: tensor_network(200),
    "a long sum": lambda: sums(333),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_thousand_open_nodes_are_drawn_in_three_seconds(name, tmp_path, no_dot):
    loss = LARGE[name]()
    loss.backward()
    with timed() as seconds:
        drawing = draw(loss, fold=False)
        drawing.save(tmp_path / "large.svg")
    assert seconds[0] < 3
    assert len(drawing.graph) > 950


def test_rows_crossed_are_those_of_the_shorter_layout():
    x = Value(2.0)
    assert rows_crossed(Graph(x.exp().exp() * x)) == 6
    assert rows_crossed(Graph(x.exp().exp() * Value(3.0))) == 4  # the second leaf is right above its use


def test_other_large_graphs_are_drawn_in_seconds():
    for value in (running_sum(150), stack([Value(1.0)] * 1000).sum()):
        with timed() as seconds:
            assert svg(draw(value, fold=False)).startswith(b"<?xml")
        assert seconds[0] < 10


def wide_cat():
    return cat([Value([float(k)]) for k in range(9000)]).sum()


@pytest.mark.parametrize("make", [lambda: running_sum(1000), wide_cat])
def test_what_would_take_minutes_is_refused_with_a_way_out(tmp_path, make):
    drawing = draw(make())
    with pytest.raises(RuntimeError, match=r"nodes and .* edges are too many .* the ending \.dot"):
        drawing.save(tmp_path / "a.svg")
    assert "too many" in drawing._repr_mimebundle_()["text/plain"]
    assert drawing.save(tmp_path / "a.dot").exists()


def test_names_must_be_a_mapping():
    for names in (5, ["x"]):
        with pytest.raises(TypeError, match="names must be a mapping"):
            draw(Value(1.0).exp(), names=names)
        with pytest.raises(TypeError, match="names must be a mapping"):
            Graph(Value(1.0).exp(), names=names)


def test_importing_the_package_imports_no_layout():
    code = "import sys, micrograd_sm.draw; print('graphviz' in sys.modules, 'micrograd_sm.draw.layout' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False False\n"
