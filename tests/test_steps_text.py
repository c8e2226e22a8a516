"""What a step says: names, numbers that do not pretend, totals, and in words what becomes of arrays; as text and MathML."""

from __future__ import annotations

import math
import random
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_sm import Array, Graph, Value, amax, cat, cross_entropy, expand, rand, softmax, steps
from micrograd_sm.mode import scope
from micrograd_sm.words.names import labels_of, visible
from micrograd_sm.words.numbers import data_text, number_text
from micrograd_sm.words.text import bracketed

HOSTILE = ["<script>alert(1)</script>", "]]>", 'a"b', "a'b", "&amp;", "bidi\u202ename", "<!--", "a\nb", "\x00", "d\\N"]


def last(loss: Value) -> str:
    return steps(loss, names={})[-1].text


def test_the_chain_rule_with_names_and_numbers() -> None:
    z1, z2 = Value(0.5, name="z1"), Value(0.1, name="z2")
    e1 = z1 * 1.65
    e1.name = "e1"
    loss = z1 + z2 + e1 * 0.2
    lines = [line.strip() for line in steps(loss, names={}).text().splitlines() if "why: " not in line]
    assert lines[0] == "1  forward   e1 = z1 * 1.65 = 0.5 * 1.65 = 0.825"
    assert lines[2] == "3  forward   v6 = e1 * 0.2 = 0.825 * 0.2 = 0.165"
    assert lines[4] == "5  seed      dL/dL = 1"
    said = [line for line in lines if "dL/dz1 +=" in line]
    assert said[0].endswith("dL/dz1 += dL/dv4 * dv4/dz1 = 1 * 1 = 1, from nothing to 1")
    assert said[1].endswith("dL/dz1 += dL/de1 * de1/dz1 = 0.2 * 1.65 = 0.33, from 1 to 1.33")


def test_an_operand_that_is_used_twice_says_which_use_it_is() -> None:
    a = Value(3.0, name="a")
    assert last(a + a) == (
        "dL/da += dL/dL * d(u + v)/du, as operand 1 = 1 * 1 = 1, from nothing to 1; "
        "dL/da += dL/dL * d(u + v)/dv, as operand 2 = 1 * 1 = 1, from 1 to 2"
    )


def test_formula_is_the_text_in_three_parts() -> None:
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    walk = steps(a * b, grain="contribution")
    assert walk[0].formula == ("L = a * b", "2 * -3", "-6")
    assert walk[1].formula == ("dL/dL", "", "1")
    assert walk[2].formula == ("dL/da += dL/dL * d(u * v)/du", "1 * -3", "-3, from nothing to -3")
    for step in walk:
        assert step.text == step.formula.text == " = ".join(part for part in step.formula if part)


def test_the_root_is_called_l_unless_it_or_another_has_the_name() -> None:
    x = Value(2.0, name="x")
    loss = x.exp()
    assert steps(loss)[1].text == "dloss/dloss = 1"
    assert steps(x.exp(), names={})[1].text == "dL/dL = 1"
    taken = Value(2.0, name="L")
    assert steps(taken.exp(), names={})[1].text == "dv1/dv1 = 1"


def test_equal_names_are_told_apart() -> None:
    assert steps(Value(2.0, name="x") * Value(3.0, name="x"), names={})[0].text == "L = x:v0 * x:v1 = 2 * 3 = 6"
    assert steps(Value(2.0, name="v1") * Value(3.0), names={})[0].text == "L = v1:v0 * v1 = 2 * 3 = 6"


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["b", "b", "b:v0"], ["b:v0:v0", "b:v1", "b:v0"]),
        (["b:v2", "a", "b", "b"], ["b:v2", "a", "b:v2:v2", "b:v3"]),
        (["b:v0", "b:v0", "b", "b"], ["b:v0:v0", "b:v0:v1", "b:v2", "b:v3"]),
    ],
)
def test_no_label_is_another_nodes_name(names: list[str], labels: list[str]) -> None:
    graph = Graph(cat([Value([1.0], name=name) for name in names]), names={})
    assert list(labels_of(graph).values())[:-1] == labels


@given(st.lists(st.sampled_from([None, "b", "b:v0", "b:v1", "b:v0:v0", "v0", "v1", "L", "L:v0"]), min_size=1, max_size=6))
def test_labels_differ_whatever_the_names(names: list[str | None]) -> None:
    graph = Graph(cat([Value([1.0], name=name) for name in names]), names={})
    assert len(set(labels_of(graph).values())) == len(graph)


@pytest.mark.parametrize(
    ("base", "enclosed"),
    [(1e-9, True), (1.5e12, True), (-1e-9, True), (-2.0, True), (2.0, False), (0.25, False)],
)
def test_mathml_encloses_a_base_that_is_a_product_with_a_power_of_ten(base: float, enclosed: bool) -> None:
    numbers = ET.fromstring(steps(Value(base, name="x") ** 2.0, names={})[0].mathml_formulas[0].numbers)
    power = next(part for part in numbers.iter() if part.tag.rpartition("}")[2] == "msup")
    assert ("".join(power[0].itertext())[0] == "(") is enclosed


@pytest.mark.parametrize(
    "loss, said",
    [
        (lambda x: x - (-3.0), "L = x - (-3) = 2 - (-3) = 5"),
        (lambda x: x * -3.0, "L = x * -3 = 2 * -3 = -6"),
        (lambda x: -x, "L = -x = -2"),
        (lambda x: (x - 4.0) ** 2.0, "L = v2 ** 2 = (-2) ** 2 = 4"),
        (lambda x: x / 3.0, "L = x / 3 = 2 / 3 = 0.6667"),
        (lambda x: x.tanh(), "L = tanh(x) = tanh(2) = 0.9640"),
        (lambda x: x.relu(), "L = ReLU(x) = ReLU(2) = 2"),
        (lambda x: x * math.inf, "L = x * inf = 2 * inf = inf"),
        (lambda x: x * math.nan, "L = x * nan = 2 * nan = nan"),
        (lambda x: x * 1e-9, "L = x * 1e-9 = 2 * 1e-9 = 2e-9"),
    ],
)
def test_forward(loss: object, said: str) -> None:
    walk = steps(loss(Value(2.0, name="x")), names={})  # type: ignore[operator]
    assert [step.text for step in walk if step.phase == "forward"][-1] == said


MATRIX = [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    "loss, said",
    [
        (lambda x: x.sum(), "dL/dL = 1, a copy for each element = [[1, 1], [1, 1]]"),
        (lambda x: amax(x, 1)[0], "dL/dv1 = [1, 0], to the largest element, in equal parts if several tie = [[0, 1], [0, 0]]"),
        (lambda x: x[0, 1], "dL/dL = 1, back at the elements picked by [0, 1], 0 elsewhere = [[0, 1], [0, 0]]"),
        (lambda x: x[[0, 0]].sum(), "back at the elements picked by [[0, 0]], 0 elsewhere, added up where an index repeats"),
        (lambda x: x.reshape(4)[0], "dL/dv1 = [1, 0, 0, 0], in shape (2, 2) again = [[1, 0], [0, 0]]"),
        (lambda x: x.transpose(0, 1)[0, 1], "dL/dx += (dL/dv1)^T = [[0, 1], [0, 0]]^T = [[0, 0], [1, 0]]"),
        (lambda x: cat([x, x], 0).sum(), "(dL/dv1)[2:4], as operand 2 = [[1, 1], [1, 1], [1, 1], [1, 1]][2:4]"),
        (lambda x: cat([x, x], 1).sum(), "(dL/dv1)[:, 2:4]"),
        (lambda x: (x @ [[1.0], [2.0]]).sum(), "dL/dx += dL/dv2 @ v1^T = [[1], [1]] @ [[1], [2]]^T = [[1, 2], [1, 2]]"),
        (lambda x: (Value([[1.0, 2.0]], requires_grad=False) @ x).sum(), "v1^T @ dL/dv2 = [[1, 2]]^T @ [[1, 1]]"),
        (
            lambda x: x.exp().sum(),
            "dL/dv1 * dv1/dx, element by element = [[1, 1], [1, 1]] * [[2.718, 7.389], [20.09, ",
        ),
        (lambda x: expand(x[:1], (3, 2)).sum(), "back at the elements picked by [:1], 0 elsewhere"),
    ],
)
def test_arrays_say_what_becomes_of_the_gradient(loss: object, said: str) -> None:
    assert said in last(loss(Value(MATRIX, name="x"))).replace("[x]", "x")  # type: ignore[operator]


def test_broadcasting_says_over_what_was_summed() -> None:
    row, number = Value([1.0, 2.0], name="row"), Value(3.0, name="number")
    texts = steps(((Value(MATRIX) + row) * number).sum(), names={}).text()
    assert "dL/drow += dL/dv3 * dv3/drow, element by element, summed over the repeated dimension 0 = " in texts
    assert "dL/dnumber += dL/dv4 * dv4/dnumber, element by element, summed over all elements = " in texts
    wide = steps(expand(Value([[1.0]], name="one"), (2, 3)).sum(), names={}).text()
    assert "dL/done += dL/dv1 = [[1, 1, 1], [1, 1, 1]], summed over the repeated dimensions 0, 1 = [[6]]" in wide


def test_folded_scopes_pass_gradients_on_by_their_matrix() -> None:
    x = Value([1.0, 2.0, 3.0], name="x")
    step = steps((softmax(x, 0) * [1.0, 0.0, 0.0]).sum(), names={}).fold()[-1]
    matrix = step.contributions[0].local.data
    assert step.text.startswith(
        "dL/dx += (dv5/dx)^T @ dL/dv5, the matrix with a row for each element of v5 and a column for each of x = [[0.08193,"
    )
    assert matrix.shape == (3, 3)
    loss = steps(cross_entropy(Value([[1.0, 1.0]], name="z"), [0]), names={}).fold()[-1]
    assert loss.text == "dL/dz += dL/dL * d cross_entropy(u)/du = 1 * [[-0.5, 0.5]] = [[-0.5, 0.5]], the first contribution"
    large = steps(cross_entropy(Value(rand(9, 9).data, name="z"), [0] * 9), names={}).fold()
    assert large[0].text.startswith("L = cross_entropy(z) = cross_entropy([9 x 9 from 0.")
    assert large[-1].text.startswith("dL/dz += dL/dL * d cross_entropy(u)/du = 1 * d cross_entropy(u)/du = [9 x 9 from -0.1")


def test_numbers_do_not_pretend() -> None:
    for x in [random.Random(seed).uniform(-1, 1) * 10.0 ** random.Random(seed).randint(-12, 12) for seed in range(300)]:
        text = number_text(x)
        assert math.isclose(float(text), x, rel_tol=1e-3) and len(text) <= 13
        assert "." in text or "e" in text  # what is no whole number does not look like one
    assert [number_text(x) for x in (1.0, -0.0, 3, True, 123456.0, 1e7)] == ["1", "0", "3", "true", "123456", "1e7"]
    assert [number_text(x) for x in (1e-9, -math.inf, math.nan, 5e-324)] == ["1e-9", "-inf", "nan", "4.941e-324"]
    assert data_text(Array.of([], (0, 3))) == "[]"
    assert data_text(Array([[1.0, 0.5]])) == "[[1, 0.5]]"
    assert data_text(Array([1.0, math.nan, 3.0] * 6)) == "[18 elements from 1 to 3, some nan]"


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_data(name: str) -> None:
    x = Value([1.0, 2.0], name=name)
    for step in steps((softmax(x, 0) * x).sum(), names={}).fold():
        assert step.text.isprintable() and "\u202e" not in step.text
        for element in (step.mathml, *(part for formula in step.mathml_formulas for part in formula if part)):
            tree = ET.fromstring(element)
            assert "script" not in {part.tag.rpartition("}")[2] for part in tree.iter()}
            assert "]]>" not in element and "\u202e" not in element
    assert bracketed("p - y") == "(p - y)"


def test_mathml_says_what_the_text_says() -> None:
    x, b = Value(-2.0, name="x"), Value(1e-9, name="b")
    walk = steps((x * x / b + b**3.0).tanh(), names={})
    for step in walk:
        content = "".join(ET.fromstring(step.mathml).itertext())
        assert len(step.mathml_formulas) == len(step.formulas)
        assert content.count("=") == step.text.count("=")
    fraction = ET.fromstring(walk[1].mathml_formulas[0].symbols)
    assert [part.tag.rpartition("}")[2] for part in fraction.iter()].count("mfrac") == 1
    first = walk.by_contribution()[6].mathml_formulas[0]
    assert "<mfrac><mrow><mi>∂</mi><mi>L</mi></mrow><mrow><mi>∂</mi>" in first.symbols and "<mo>+=</mo>" in first.symbols


def test_mathml_of_arrays_is_a_table() -> None:
    step = steps((Value(MATRIX, name="x") * 2.0).sum(), names={})[0]
    assert step.mathml.count("<mtable>") == 2 and step.mathml.count("<mtd>") == 8
    assert "[9 x 9 from" in steps(Value(rand(9, 9).data, name="x").sum(), names={})[0].mathml


@pytest.mark.parametrize("name", ["reshape", "negative", "index", "permute", "a\x1b[31mb", "bidi\u202e"])
def test_a_folded_scope_is_called_by_its_name_whatever_that_is(name: str) -> None:
    with scope(name):
        y = (Value([1.0, 2.0], name="x").exp() + 1.0).log()
    walk = steps(y.sum(), names={}).fold()
    assert walk[0].text == f"v4 = {visible(name)}(x) = {visible(name)}([1, 2]) = [1.313, 2.127]"
    assert walk.text().replace("\n", "").isprintable()


def test_a_matrix_multiplies_what_is_laid_out_in_one_row() -> None:
    x = Value([[1.0, 2.0], [0.0, 1.0]], name="x")
    text = steps((softmax(x, dim=1) * [[1.0, 2.0], [3.0, 4.0]]).sum(), names={}).fold("softmax")[-1].text
    assert "in one row after another = " in text and "^T @ [1, 2, 3, 4] = [[" in text


def test_a_fold_that_no_gradient_leaves_has_no_step_back() -> None:
    x = Value(2.0, name="x")
    y = x.softplus()
    x.requires_grad = False
    assert [step.phase for step in steps(y, names={}).fold()] == ["forward", "seed"]
