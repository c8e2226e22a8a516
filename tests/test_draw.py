"""The picture: well-formed, stable, safe with any name, and clear about what is missing to lay it out."""

import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from micrograd_sm import Array, Value, cat, cross_entropy, matmul, mean, softmax, softplus, stack, zeros
from micrograd_sm.draw import Drawing, draw, layout, palette
from micrograd_sm.draw.frames import Frame as Scope, frames_of as scopes_of
from micrograd_sm.draw.text import escaped, numbers, params_text, shortened, visible
from micrograd_sm.graph import Graph

GOLDEN = Path(__file__).parent / "golden"


def words(drawing):
    """Return every text that a reader of the laid-out picture sees, in the file's order."""
    root = ET.fromstring(svg(drawing))
    said = ((element.text or "").replace("\xa0", " ").strip() for element in root.iter() if element.tag.endswith("}text"))
    return [text for text in said if text]


def svg(drawing):
    return layout.render(drawing.source, "svg")


def edges_of(source):
    return re.findall(r"(v\d+) -> (v\d+):(o\d+):n", source)


# What is drawn ------------------------------------------------------------------------------------------------------


def test_a_box_shows_name_value_and_gradient():
    x = Value(3.0, name="weight")
    y = x * x
    y.backward()
    assert words(draw(y))[:5] == ["weight", "value", "3.0", "grad", "6.0"]


def test_before_backward_the_gradient_is_not_yet_computed():
    y = Value(3.0).exp()
    assert words(draw(y)).count("not yet computed") == 2
    y.backward()
    assert "not yet computed" not in words(draw(y))


def test_parallel_edges_and_their_order():
    x = Value(3.0)
    assert edges_of(draw(x * x).source) == [("v0", "v1", "o0"), ("v0", "v1", "o1")]
    y = Value(2.0)
    assert sorted(edges_of(draw(y - x).source)) == [("v0", "v2", "o1"), ("v1", "v2", "o0")]


def test_operands_are_laid_out_from_left_to_right():
    xs = [Value([float(k)]) for k in range(5)]
    plain = layout.render(draw(cat(xs)).source, "plain").decode()
    places = {line.split()[1]: float(line.split()[2]) for line in plain.splitlines() if line.startswith("node")}
    across = [places[f"v{k}"] for k in range(5)]
    assert across == sorted(across)


def test_very_many_operands_are_numbered():
    source = draw(cat([Value([1.0]) for _ in range(40)])).source
    assert 'headlabel="40"' in source
    assert "PORT" in source
    assert len(ET.fromstring(svg(draw(cat([Value([1.0]) for _ in range(40)])))))


def test_leaves_constants_and_results_differ_in_shape_as_well_as_colour():
    drawn = draw(Value(1.0) * 2.0).source
    leaf, constant, result = (next(line for line in drawn.splitlines() if line.strip().startswith(f"v{k} [")) for k in range(3))
    assert 'STYLE="ROUNDED"' in leaf and 'class="leaf"' in leaf
    assert 'STYLE="DASHED"' in constant and "grad" not in constant
    assert 'BORDER="3"' in result and 'class="result"' in result
    assert 'class="edge constant", style=dashed' in drawn


def test_small_matrices_are_whole_and_large_arrays_short():
    assert words(draw(Value([[1.0, 2.5], [-3.0, 4.0]]).sum()))[:8] == [
        "(2, 2)", "value", "1.0000", "2.5000", "-3.0000", "4.0000", "grad", "not yet computed",
    ]  # fmt: skip
    large = words(draw(Value([float(k) for k in range(100)]).sum()))
    assert large[:4] == ["(100,)", "value", "0.0  1.0  2.0  3.0 ...", "0.0"]
    deep = words(draw(Value([[[1.0, 2.0]]]).sum()))
    assert deep[:4] == ["(1, 1, 2)", "value", "1.0  2.0 ...", "1.0"]


def test_empty_arrays_and_arrays_without_finite_numbers():
    assert "no elements" in words(draw(zeros(0, 3).sum()))
    strange = words(draw(Value([float("nan"), float("inf")] * 5).sum()))
    assert "10 nan or inf" in strange


def test_nan_and_inf_stand_out():
    assert f'<B><FONT COLOR="{palette.text("alarm")}">-inf</FONT></B>' in draw(Value(0.0).log()).source


def test_integer_constants_stay_integers():
    x = Value(1.0) * Value(3, requires_grad=False)
    assert "3" in words(draw(x))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda x: x[:, 0], "[:, 0]"),
        (lambda x: x[0], "[0]"),
        (lambda x: x[..., None], "[..., None]"),
        (lambda x: x[::2], "[::2]"),
        (lambda x: x[Array([0, 1])], "[[0, 1]]"),
        (lambda x: x.sum(dim=1), "dim=1"),
        (lambda x: x.sum(), "dim=(0, 1)"),
        (lambda x: x.reshape(4), "(4,)"),
        (lambda x: x.T, "(1, 0)"),
        (lambda x: -x, "−"),
        (lambda x: x * x, "×"),
    ],
)
def test_operations_say_their_parameters(make, text):
    assert any(text in said for said in words(draw(make(Value([[1.0, 2.0], [3.0, 4.0]])))))


# Names --------------------------------------------------------------------------------------------------------------

NASTY = [
    "\"double\" 'single'", "<b>bold</b>", "a&amp;b &lt; c", "a|b|c", "{a} <f0> {b}", "back\\slash \\N \\G \\n \\l", "]]>",
    "-->",
    "<script>alert(1)</script>", "日本語", "naïve Σ", "😀 👩‍👩‍👧", "  two  spaces  ", "v0", "%s {0}", "#fff", ";", "]", "&#60;",
]  # fmt: skip


@pytest.mark.parametrize("name", NASTY)
def test_nasty_names_survive(name):
    assert name.strip() in words(draw(Value(1.0, name=name).exp()))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("new\nline\ttab", "new\\nline\\ttab"),
        ("evil\u202etxt", "evil\\u202etxt"),
        ("nul\0", "nul\\x00"),
        ("half\ud800", "half\\ud800"),
        ("\ufffe", "\\ufffe"),
        ("x" * 100, "x" * 16 + "..." + "x" * 16),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_code(name, shown):
    assert shown in words(draw(Value(1.0, name=name).exp()))


def test_names_of_the_callers_variables_are_drawn():
    x = Value(2.0)
    W = [Value(3.0)]
    loss = x * W[0]
    assert {"x", "W[0]", "loss"} <= set(words(draw(loss)))
    assert "x" not in words(draw(loss, names={}))


def test_wide_text_gets_room_in_its_box():
    wide = draw(Value(1.0, name="日本語日本語").exp()).source
    assert int(re.search(r'WIDTH="(\d+)"', wide)[1]) >= 6 * 12


# Scopes -------------------------------------------------------------------------------------------------------------


def outline(scope):
    return {member.name: outline(member) for member in scope.members if isinstance(member, Scope)}


def test_composed_functions_are_frames_within_frames():
    graph = Graph(cross_entropy(Value([[1.0, 2.0]]), [1]))
    assert outline(scopes_of(graph)) == {"cross_entropy": {"log_softmax": {}, "nll_loss": {}}}
    assert {"cross_entropy", "log_softmax", "nll_loss"} <= set(words(draw(cross_entropy(Value([[1.0, 2.0]]), [1]))))


def test_two_calls_have_two_frames():
    x, y = Value(1.0), Value(2.0)
    graph = Graph(softplus(x) * softplus(y))
    assert [member.name for member in scopes_of(graph).members if isinstance(member, Scope)] == ["softplus", "softplus"]


def test_a_frame_around_what_its_box_says_already_is_left_out():
    graph = Graph(matmul([[1.0]], matmul(Value([[1.0]]), [[2.0]])))
    assert outline(scopes_of(graph)) == {}
    assert outline(scopes_of(Graph(mean(Value([1.0, 2.0]))))) == {"mean": {}}


# The same bytes -----------------------------------------------------------------------------------------------------


def neuron(x):
    return (x * Value(-3.0, name="w") + Value(6.88, name="b")).tanh()


def parallel(x):
    return x * x - x


def after_backward(loss):
    loss.backward()
    return loss


GRAPHS = {
    "square": lambda: after_backward(Value(3.0, name="x") ** 2),
    "parallel": lambda: parallel(Value(3.0, name="x")),
    "neuron": lambda: after_backward(neuron(Value(2.0, name="x"))),
    "cross_entropy_before": lambda: cross_entropy(Value([[1.0, 2.0, 0.1]], name="logits"), [2]),
    "cross_entropy": lambda: after_backward(cross_entropy(Value([[1.0, 2.0, 0.1]], name="logits"), [2])),
    "softmax_large": lambda: softmax(Value([[float(k) for k in range(8)]] * 3), dim=1).log().sum(),
    "cat": lambda: cat([Value([1.0]), Value([float("nan"), 1e-9]), Value([2.0])]),
    "names": lambda: Value(1.0, name='<"|{&\\\u202e😀') * 2.0,
}


@pytest.mark.parametrize("name", GRAPHS)
def test_golden(name):
    source = draw(GRAPHS[name](), names={}).source
    path = GOLDEN / f"{name}.dot"
    if "UPDATE_GOLDEN" in os.environ:
        path.write_bytes(source.encode())
    assert source.encode() == path.read_bytes()
    assert ET.fromstring(layout.render(source, "svg")) is not None


PROGRAM = """
from micrograd_sm import Value, cross_entropy
from micrograd_sm.draw import draw
names = {"a": Value([[1.0, 2.0]]), "b": [Value(0.5)]}
loss = cross_entropy(names["a"] * names["b"][0], [1])
loss.backward()
print(draw(loss).source)
"""


def test_two_processes_give_the_same_bytes():
    first, second = (
        subprocess.run([sys.executable, "-c", PROGRAM], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert b"names['b'][0]" in first


# Text can be read ---------------------------------------------------------------------------------------------------


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_stays_inside_its_box():
    """Digits of Helvetica are 0.556 em wide: the widest row of numbers fits in the width of the node's polygon."""
    x = Value([[-1.0 / 3, 2.0 / 3, -0.125, 1.0, 5.5, 1e-3]])
    root = ET.fromstring(svg(draw(x.sum(), names={})))
    node = next(group for group in root.iter() if group.get("class") == "node leaf")
    path = next(element for element in node if element.get("stroke-width") == "2" and element.get("d"))
    xs = [float(pair.split(",")[0]) for pair in re.findall(r"-?[\d.]+,-?[\d.]+", path.get("d"))]
    for text in (element for element in node if element.tag.endswith("}text")):
        if text.text.strip()[-1:].isdigit():
            left = float(text.get("x"))
            width = sum({"-": 0.333, ".": 0.278}.get(char, 0.556) for char in text.text.strip())
            assert min(xs) < left and left + width * float(text.get("font-size")) < max(xs)


# Files --------------------------------------------------------------------------------------------------------------


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


def test_large_graphs_are_drawn_in_seconds():
    y, x = Value(0.5), Value(1.0)
    for _ in range(1000):
        y = y.sin()
    for value, limit in ((y, 3), (running_sum(150), 5), (stack([x] * 1000).sum(), 5)):
        started = time.monotonic()
        assert svg(draw(value)).startswith(b"<?xml")
        assert time.monotonic() - started < limit


@pytest.mark.parametrize("make", [lambda: running_sum(1000), lambda: cat([Value([1.0])] * 5000 + [Value([float(k)]) for k in range(9000)]).sum()])
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


# Text ---------------------------------------------------------------------------------------------------------------


def test_text_functions():
    assert escaped("a  b & \\") == "a&#160;&#160;b &amp; &#92;&#92;"
    assert visible("plain é") == "plain é"
    assert shortened("short") == "short"
    assert numbers([0.0, -0.0]) == ["0.0", "-0.0"]
    assert numbers([10**30]) == ["100000...000000"]
    assert params_text("where", {"condition": True}) == ""
    assert params_text("index", {"key": None, "positions": []}) == ""
