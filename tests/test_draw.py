"""What a picture says: boxes, numbers, operations, names and frames."""

import re
import xml.etree.ElementTree as ET

import pytest

from micrograd_sm import Array, Value, cat, cross_entropy, matmul, mean, softplus, zeros
from micrograd_sm.draw import draw, layout, palette
from micrograd_sm.draw.frames import Frame, frames_of
from micrograd_sm.draw.markup import escaped
from micrograd_sm.graph import Graph
from micrograd_sm.words.names import shortened, visible
from micrograd_sm.words.numbers import numbers
from micrograd_sm.words.parameters import params_text
from tests.pictures import edges_of, svg, words

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
    assert "headlabel=40 " in source
    assert "PORT" in source
    assert len(ET.fromstring(svg(draw(cat([Value([1.0]) for _ in range(40)])))))


def test_leaves_constants_and_results_differ_in_shape_as_well_as_colour():
    drawn = draw(Value(1.0) * 2.0).source
    leaf, constant, result = (next(line for line in drawn.splitlines() if line.strip().startswith(f"v{k} [")) for k in range(3))
    assert 'STYLE="ROUNDED"' in leaf and " class=leaf]" in leaf
    assert 'STYLE="DASHED"' in constant and "grad" not in constant
    assert 'BORDER="3"' in result and " class=result]" in result
    assert re.search(r'v1 -> .* \[class="edge constant" .* style=dashed\]', drawn)


def test_small_matrices_are_whole_and_large_arrays_short():
    assert words(draw(Value([[1.0, 2.5], [-3.0, 4.0]]).sum()))[:9] == [
        "v0", "(2, 2)", "value", "1.000", "2.500", "-3.000", "4.000", "grad", "not yet computed",
    ]  # fmt: skip
    large = words(draw(Value([float(k) for k in range(100)]).sum()))
    assert large[1:5] == ["(100,)", "value", "0.0  1.0  2.0  3.0 ...", "0.0"]
    deep = words(draw(Value([[[1.0, 2.0]]]).sum()))
    assert deep[1:5] == ["(1, 1, 2)", "value", "1.0  2.0 ...", "1.0"]


def test_empty_arrays_and_arrays_without_finite_numbers():
    assert "no elements" in words(draw(zeros(0, 3, requires_grad=True).sum()))
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
    return {member.name: outline(member) for member in scope.members if isinstance(member, Frame)}


def test_composed_functions_are_frames_within_frames():
    graph = Graph(cross_entropy(Value([[1.0, 2.0]]), [1]))
    assert outline(frames_of(graph)) == {"cross_entropy": {"log_softmax": {}, "nll_loss": {}}}
    assert {"cross_entropy", "log_softmax", "nll_loss"} <= set(words(draw(cross_entropy(Value([[1.0, 2.0]]), [1]))))


def test_two_calls_have_two_frames():
    x, y = Value(1.0), Value(2.0)
    graph = Graph(softplus(x) * softplus(y))
    assert [member.name for member in frames_of(graph).members if isinstance(member, Frame)] == ["softplus", "softplus"]


def test_a_frame_around_what_its_box_says_already_is_left_out():
    graph = Graph(matmul([[1.0]], matmul(Value([[1.0]]), [[2.0]])))
    assert outline(frames_of(graph)) == {}
    assert outline(frames_of(Graph(mean(Value([1.0, 2.0]))))) == {"mean": {}}


# Text ---------------------------------------------------------------------------------------------------------------


def test_text_functions():
    assert escaped("a  b & \\") == "a&#160;&#160;b &amp; \\\\"
    assert visible("plain é") == "plain é"
    assert shortened("short") == "short" and shortened("abcdefghijklmnop", 11) == "abcd...mnop"
    assert numbers([0.0, -0.0]) == ["0.0", "0.0"]
    assert numbers([10**30]) == ["100000...000000"]
    assert params_text("where", {"condition": True}) == ""
    assert params_text("index", {"key": None, "positions": []}) == ""
