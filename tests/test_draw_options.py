"""What a picture can be asked for: its direction, what boxes and edges say, and which scopes are folded."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_sm import Array, Value, cross_entropy, mode, nn, zeros
from micrograd_sm.draw import cells, draw, layout, texts
from micrograd_sm.draw.frames import Frame, frames_of
from micrograd_sm.draw.options import DIRECTIONS, SHOWN
from micrograd_sm.graph import Graph
from tests.pictures import after_backward, deep_softmax, large, matrices, neuron, operands, strange, three_logits, words

# Direction ------------------------------------------------------------------------------------------------------------


def places(drawing):
    plain = layout.render(drawing.source, "plain").decode()
    nodes = (line.split()[1:4] for line in plain.splitlines() if line.startswith("node"))
    return {id: (float(x), float(y)) for id, x, y in nodes}


@pytest.mark.parametrize(("rankdir", "axis", "sign"), [("TB", 1, -1), ("BT", 1, 1), ("LR", 0, 1), ("RL", 0, -1)])
def test_arrows_run_where_they_are_told(rankdir, axis, sign):
    drawing = draw(neuron(), names={}, rankdir=rankdir)
    at = places(drawing)
    for edge in drawing.graph.edges:
        assert sign * (at[edge.target][axis] - at[edge.source][axis]) > 0


@pytest.mark.parametrize("rankdir", DIRECTIONS)
def test_arrows_end_at_the_side_they_come_from_at_their_own_ports(rankdir):
    source = draw(operands(), names={}, rankdir=rankdir).source
    side = {"TB": "n", "BT": "s", "LR": "w", "RL": "e"}[rankdir]
    assert re.findall(r"-> v4:(o\d):(\w)", source) == [(f"o{place}", side) for place in range(4)]
    assert not re.search("unrecognized|Warning: node", layout.render(source, "svg").decode())


# What a box shows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("show", "said", "not_said"),
    [
        ("both", {"value", "grad", "2.0", "-1.503"}, set()),
        ("value", {"value", "2.0"}, {"grad", "-1.503"}),
        ("gradient", {"grad", "-1.503"}, {"value", "2.0"}),
        ("shape", {"()", "x", "multiply", "v3"}, {"value", "grad", "2.0", "-1.503"}),
        ("none", {"x", "multiply"}, {"()", "value", "grad", "2.0", "-1.503"}),
    ],
)
def test_a_box_shows_what_it_is_asked_for(show, said, not_said):
    found = set(words(draw(neuron(), names={}, show=show)))
    assert said <= found
    assert not found & not_said


def test_a_box_without_anything_to_say_says_what_it_is():
    assert words(draw(Value(1.0) * 2.0, names={}, show="none"))[0] == "leaf"
    assert "constant" in words(draw(Value(1.0) * 2.0, names={}, show="none"))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1, 1, 1), (2, 3, 4), (7, 7)])
@pytest.mark.parametrize("show", SHOWN)
def test_arrays_of_any_shape_are_drawn(shape, show):
    x = zeros(*shape, requires_grad=True)
    assert draw(after_backward((x * x.sum()).sum()), names={}, show=show, edges=True).svg()


# Large arrays ---------------------------------------------------------------------------------------------------------


def test_large_arrays_have_a_heat_strip_with_its_range():
    svg = draw(large(), names={}).svg()
    leaf = re.search(r'<g id="v0".*?</g>', svg, re.DOTALL)[0]
    assert len(re.findall(r'class="fill-heat-\d"', leaf)) == 24 + cells.LEVELS  # 70 numbers, 3 to a cell
    assert len(re.findall(r'class="fill-grad-heat-\d"', leaf)) == 24 + cells.LEVELS
    assert {"-0.9962", "0.9998"} <= set(re.findall(r'class="value">([-\d.]+)<', leaf))


def test_a_cell_of_the_strip_that_holds_nan_is_marked():
    said = words(draw(strange(), names={}))
    assert "!" in said
    assert "29.0, 1 nan or inf" in said


def test_many_nodes_have_ranges_and_no_strips():
    x = Value([float(k) for k in range(10)])
    for _ in range(200):
        x = x.sin()
    svg = draw(x, names={}).svg()
    assert "fill-heat" not in svg.split("</style>")[1]
    assert "9.0" in svg


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=80))
def test_levels_rise_with_the_numbers_and_use_all_colours_alike(elements):
    levels = cells.heat(Array(elements))
    assert len(levels) <= 24
    if len(elements) <= 24:
        assert [level for _, level in sorted(zip(elements, levels))] == sorted(levels)
        if len(set(elements)) == len(elements):
            counts = [levels.count(level) for level in range(cells.LEVELS)]
            assert max(counts) - min(counts) <= 2
    assert len(set(elements)) > 1 or set(levels) == {2}


def test_a_run_that_holds_inf_has_no_level():
    assert cells.heat(Array([5.0, 1.0, 2.0, 3.0, 4.0, float("inf")])) == [3, 0, 0, 1, 2, None]
    assert [len(cells.heat(Array([1.0] * count))) for count in (24, 25, 48)] == [24, 13, 24]


@given(st.floats(), st.integers(0, 3), st.integers(0, 3))
def test_texts_are_as_many_whatever_the_numbers(number, rows, columns):
    shape = (rows, columns)
    expected = rows * columns or 1
    assert len(texts(Array.of([number] * (rows * columns), shape), shape)) == expected
    assert len(texts(Array.of([number] * 50, (50,)), (50,))) == 3


# What stands out ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "warning"),
    [
        (lambda: Value(0.0).log(), "! inf in value"),
        (lambda: Value(float("nan")).exp(), "! nan in value"),
        (lambda: after_backward(Value(0.0) ** 0.5), "! inf in gradient"),
        (lambda: after_backward(Value(float("nan")).exp()), "! nan in value and gradient"),
        (lambda: after_backward((Value([0.0, float("nan"), 1.0]).log() * 1.0).sum()), "! nan and inf in value"),
    ],
)
def test_what_is_nan_or_inf_says_so_in_words_and_by_its_outline(make, warning):
    drawing = draw(make(), names={})
    assert warning in words(drawing)
    box = next(line for line in drawing.source.splitlines() if warning in line)
    assert 'BORDER="4"' in box and "strange" in box


def test_what_is_finite_does_not_stand_out():
    source = draw(neuron(), names={}).source
    assert "strange" not in source and "!" not in source


# Edges ----------------------------------------------------------------------------------------------------------------


def test_edges_say_local_times_upstream_is_contribution():
    said = words(draw(neuron(), names={}, edges=True))
    assert "-3.0 × 0.5010 = -1.503" in said  # to x, through x * w
    assert "2.0 × 0.5010 = 1.002" in said
    assert said.count("1.0 × 0.5010 = 0.5010") == 2
    assert any("local derivative × upstream gradient = contribution" in text for text in said)
    assert not any("×" in text and "=" in text for text in words(draw(neuron(), names={})))


def test_before_backward_edges_say_that_the_upstream_gradient_is_missing():
    assert "2.0 × not yet computed" in words(draw(Value(3.0) * 2.0, names={}, edges=True))
    assert words(draw(Value([1.0, 2.0]).exp(), names={}, edges=True)).count("not yet computed") == 4


def test_nothing_is_said_on_the_edge_of_a_constant():
    source = draw(after_backward(Value(3.0) * 2.0), names={}, edges=True).source
    assert [" [label=" in line for line in source.splitlines() if "->" in line] == [True, False]


def test_edges_of_arrays_have_numbers_when_there_are_few_and_sizes_when_there_are_many():
    said = words(draw(matrices(), names={}, edges=True))
    assert "Jacobian (6, 4)" in said
    assert "0.08177  0.09508  0.1694" in said  # what comes back to the bias, summed over the rows
    assert said.count("(2, 3)") > 8
    exponential = words(draw(after_backward(three_logits()), names={}, edges=True))
    assert "0.3679  1.000  0.1496" in exponential


def test_a_folded_scope_has_its_own_jacobian():
    said = words(draw(after_backward(three_logits()), names={}, edges=True, fold="log_softmax"))
    assert "Jacobian (3, 3)" in said
    assert "0.2424  0.6590  -0.9014" in said


# Folding --------------------------------------------------------------------------------------------------------------


def test_scopes_fold_by_name_depth_and_all():
    loss = three_logits()
    assert {len(draw(loss, names={}, fold=fold).graph) for fold in (0, True, "cross_entropy", ["cross_entropy"])} == {2}
    assert len(draw(loss, names={}, fold=["log_softmax", "nll_loss"]).graph) == 3
    assert len(draw(loss, names={}, fold=1).graph) == 3
    assert {len(draw(loss, names={}, fold=fold).graph) for fold in (None, False, [])} == {12}
    assert "9 nodes folded" not in words(draw(loss, names={}))
    assert "nodes folded" in " ".join(words(draw(loss, names={}, fold=0)))


def test_beyond_200_nodes_scopes_fold_by_themselves_and_it_is_said_so():
    drawing = draw(deep_softmax(45), names={})
    assert len(drawing.graph) == 47
    assert "227 nodes are many to read: scopes are folded, and 47 are drawn." in words(drawing)
    assert "draw(..., fold=False) opens all, as does --fold never on the command line." in words(drawing)
    assert "scopes folded from 227 nodes (fold=False opens all)" in repr(drawing)
    opened = draw(deep_softmax(45), names={}, fold=False)
    assert len(opened.graph) == 227
    assert "folded" not in repr(opened) + opened.source


def test_200_nodes_stay_open():
    assert len(draw(deep_softmax(39), names={}).graph) == 197


def test_inner_scopes_fold_before_those_around_them():
    with mode.scope("model"):
        x = deep_softmax(45)
    drawing = draw(x, names={})
    assert len(drawing.graph) == 47
    assert [member.name for member in frames_of(drawing.graph).members if isinstance(member, Frame)] == ["model"]


def test_a_graph_without_scopes_is_drawn_whole():
    x = Value(0.5)
    for _ in range(250):
        x = x.sin()
    drawing = draw(x, names={})
    assert len(drawing.graph) == 251 and drawing.folded_from == 0


def test_frames_nest_as_scopes_do_however_deep():
    x = Value(1.0)
    with mode.scope("a"), mode.scope("b"):
        x = x.sin().cos()
        with mode.scope("c"):
            x = x.sin().cos()
    (outer,) = (member for member in frames_of(Graph(x.exp())).members if isinstance(member, Frame))
    assert (outer.name, outer.members[0].name, outer.members[0].members[2].name) == ("a", "b", "c")


@pytest.mark.parametrize("written_out", [False, True])
def test_a_two_layer_mlp_fits_a_slide_with_letters_of_10_points(written_out: bool):
    x = Value([[0.1 * (row - column) for column in range(3)] for row in range(4)], name="x", requires_grad=False)
    layers = [nn.Linear(3, 8), nn.Linear(8, 3)]
    if written_out:
        (w1, b1), (w2, b2) = ((layer.weight.T.detach(), layer.bias) for layer in layers)
        logits = (x @ w1 + b1).tanh() @ w2 + b2
    else:
        logits = layers[1](layers[0](x).tanh())
    picture = draw(cross_entropy(logits, [0, 1, 2, 0]), show="shape", fold=0).svg()
    width, height = map(float, re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', picture).groups())
    scale = min(1.0, 960 / width, 540 / height)  # a slide of 16:9 in points
    assert scale * min(map(float, re.findall(r'font-size="([\d.]+)', picture))) >= 9.9


# What there is not ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"rankdir": "up"}, ValueError, "rankdir must be one of 'TB', 'LR', 'BT', 'RL' .* got 'up'"),
        ({"rankdir": None}, ValueError, "rankdir must be one of .* got None"),
        ({"show": "values"}, ValueError, "show must be one of 'both', 'value', 'gradient', 'shape', 'none' .* got 'values'"),
        ({"edges": "yes"}, TypeError, "edges must be True or False .* got 'yes'"),
        ({"fold": "softmin"}, ValueError, "softmin"),
        ({"fold": -1}, ValueError, "depth"),
        ({"fold": 1.5}, TypeError, "fold must be a name, a list of names, a depth, True, False or None, got 1.5"),
    ],
)
def test_options_that_there_are_not(options, error, words):
    with pytest.raises(error, match=words):
        draw(three_logits(), **options)
