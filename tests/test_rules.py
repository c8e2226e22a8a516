"""The rules of local derivatives, the sentences, and the mark for what is 0 but for rounding."""

from __future__ import annotations

import math
from typing import Any

import pytest

from micrograd_sm import (
    Graph,
    Value,
    cat,
    cross_entropy,
    exp,
    log_softmax,
    matmul,
    maximum,
    nll_loss,
    softmax,
    softplus,
    steps,
    where,
)
from micrograd_sm.array import Array, flat_of
from micrograd_sm.graph.rounding import Rounded
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.study import explain
from micrograd_sm.words.rules import FOLDED, rule_of, with_numbers
from micrograd_sm.words.terms import Call, Infix, Number, Term, Words
from micrograd_sm.words.text import term_text

OPERATIONS: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
    "negative": lambda a, b: -a,
    "exp": lambda a, b: a.exp(),
    "log": lambda a, b: a.log(),
    "log1p": lambda a, b: a.log1p(),
    "sqrt": lambda a, b: a.sqrt(),
    "sin": lambda a, b: a.sin(),
    "cos": lambda a, b: a.cos(),
    "tanh": lambda a, b: a.tanh(),
    "erf": lambda a, b: a.erf(),
    "sigmoid": lambda a, b: a.sigmoid(),
}
FUNCTIONS = {name: getattr(math, name) for name in ("exp", "log", "sin", "cos", "tanh", "sqrt")}
APPLY = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b, "^": math.pow}


def evaluated(term: Term) -> float:
    """Return the number that a term with numbers says."""
    if isinstance(term, Number):
        return term.data
    if isinstance(term, Call):
        return FUNCTIONS[term.function](*map(evaluated, term.arguments))
    if isinstance(term, Infix):
        right = evaluated(term.right)
        return -right if term.left is None else APPLY[term.symbol](evaluated(term.left), right)
    return {"pi": math.pi}[term_text(term)]


@pytest.mark.parametrize("op", OPERATIONS)
def test_a_rule_with_numbers_gives_the_local_derivative(op: str) -> None:
    loss = OPERATIONS[op](Value(0.7, name="a"), Value(1.3, name="b"))
    step = steps(loss, names={})[-1]
    assert step.node.op == op
    for contribution in step.contributions:
        rule = rule_of(op, contribution.edge.position)
        assert rule is not None
        said = with_numbers(rule, [x.data for x in step.operands], step.node.data)
        assert said is not None and evaluated(said) == pytest.approx(contribution.local.data, rel=1e-14)


def test_every_operation_has_a_rule() -> None:
    for op, primitive in PRIMITIVES.items():
        operands = 1 if primitive.variadic else len(primitive.gradient)
        assert all(rule_of(op, position) for position in range(operands)), op
    assert all(rule_of(name, 0) for name in FOLDED) and rule_of("mean", 0) is None


def test_the_rule_of_a_step_is_what_a_book_says() -> None:
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    said = {
        a.tanh(): "d tanh(u)/du = 1 - tanh(u)^2 = 1 - 0.9640^2 = 0.07065",
        a / b: "d(u / v)/dv = -u / v^2 = -2 / (-3)^2 = -0.2222",
        a**3: "d(u^v)/du = v * u^(v - 1) = 3 * 2^(3 - 1) = 12",
        a.log(): "d log(u)/du = 1 / u = 1 / 2 = 0.5",
        a.exp(): "d exp(u)/du = exp(u) = 7.389",
        b.sigmoid(): "d sigmoid(u)/du = sigmoid(u) * (1 - sigmoid(u)) = 0.04743 * (1 - 0.04743) = 0.04518",
        a + b: "d(u + v)/dv = 1",
        a - b: "d(u - v)/dv = -1",
        b.relu(): "d ReLU(u)/du = 1 if u > 0, else 0",
    }
    for loss, rule in said.items():
        assert steps(loss, names={})[-1].rules[-1].text == rule


def test_arrays_show_the_element_that_passes_on_most() -> None:
    x = Value([[0.1, 0.2], [0.3, 2.0]], name="x")
    walk = steps((x.tanh() * [[1.0, 5.0], [1.0, 1.0]]).sum(), names={})
    assert walk[-1].rules[0].text == "d tanh(u)/du = 1 - tanh(u)^2 = 1 - 0.1974^2 = 0.9610, at [0, 1]"
    w = Value([[1.0], [2.0]], name="w")
    by_w, by_x = steps(matmul(x, w).sum(), names={})[-1].rules[::-1]
    assert by_w.text == "dL/dB for A @ B = A^T @ upstream" and by_x.text == "dL/dA for A @ B = upstream @ B^T"
    assert steps(x.max(), names={})[-1].rules[0].text == "d max(u)/du = 1 for the largest, 0 for the others"


def test_composed_functions_have_a_rule_when_folded() -> None:
    x = Value([[1.0, 2.0]], name="x")
    for loss in (cross_entropy(x, [0]), softmax(x, dim=1)[0, 0], log_softmax(x, dim=1)[0, 0], nll_loss(x, [0])):
        (rule,) = steps(loss, names={}).fold()[-1].rules
        assert rule.text.startswith("d ")
    assert steps(softplus(x).sum(), names={}).fold()[-1].rules == ()


def test_text_page_terminal_and_explain_say_the_same_rule() -> None:
    x = Value(0.5, name="x")
    walk = steps(x.tanh() * 2.0, names={})
    rule = walk[-1].rules[0].text
    assert f"local: {rule}" in walk.text() and f"local: {rule}" in str(explain(x.tanh() * 2.0, x, names={}))


def test_sentences() -> None:
    x, y = Value(4.0, name="x"), Value(0.1, name="y")
    assert steps(x.tanh())[-1].why == "tanh is flat here: its slope is 0.001341, so little passes."
    assert steps(y.tanh())[-1].why == "tanh has slope 0.9901; its steepest, at 0, is 1."
    assert steps((-x).relu())[-2].why == "ReLU is off here, since its operand is not above 0: nothing passes."
    assert steps(x * x + x)[-1].why.endswith("x was used three times, so its gradient is a sum of three.")
    assert steps(maximum(x, x))[0].why and steps(where(True, x, y))[-1].why
    assert all(step.why for step in steps(cat([Value([1.0]), Value([2.0])]).sum()))


def test_it_says_so_when_p_minus_y_has_been_reached() -> None:
    logits = Value([[1.0, 2.0, 0.1], [0.3, 0.7, 0.2]], name="logits")
    (said,) = (step.why for step in steps(cross_entropy(logits, [2, 0])) if "reached" in step.why)
    assert said.endswith("What has been reached, the gradient of logits, is (p - y) / 2.")
    assert explain(cross_entropy(logits, [2, 0]), logits).shares[0].formula == "(p - y) / 2"
    folded = steps(cross_entropy(logits, [2, 0])).fold()[-1]
    assert folded.why.endswith("is (p - y) / 2.")
    more = cross_entropy(logits, [2, 0]) + (logits * logits).sum()  # here the gradient is p - y and something else
    assert not any("reached" in step.why for step in steps(more))
    assert not any("reached" in step.why for step in steps(exp(logits).sum()))


def test_what_is_zero_but_for_rounding_is_marked() -> None:
    x = Value([[1.0, 2.0, 0.1], [0.3, 0.7, 0.2]], name="x")
    walk = steps(cross_entropy(x, [2, 0]), names={})
    text = walk.text()
    assert "≈0" in text and "e-17" not in text and "-0," not in text and "-0]" not in text
    shift = walk.graph["v1"].grad
    assert [type(g) for g in flat_of(shift)] == [float, Rounded]
    assert steps(Value(0.1) + Value(0.2) - 0.3).text().count("≈0") == 1


def test_what_is_small_in_itself_is_not_marked() -> None:
    x = Value(-40.0, name="x")
    walk = steps(x.exp() * 3.0, names={})
    assert "≈" not in walk.text() and "4.248e-18" in walk.text()
    assert "≈" not in steps(Value([0.0, -45.0]).softmax(dim=0)[1]).text()
    assert "≈" not in steps(Value(math.inf) * 1e-30).text()


def test_marked_numbers_are_the_same_numbers() -> None:
    loss = Value(0.1, name="a") + Value(0.2, name="b") - 0.3
    walk = steps(loss, names={})
    assert walk.graph[walk.graph.root].data == loss.data
    assert Graph.from_json(walk.graph.to_json()) == walk.graph
    assert Array.of([Rounded(5e-17)], (1,)).tolist() == [5e-17]


def test_brackets() -> None:
    a, b, c = (Infix("-", None, Number(2.0)), Infix("+", Number(1.0), Number(2.0)), Words("w"))
    assert term_text(Infix("*", b, a)) == "(1 + 2) * (-2)" and term_text(Infix("/", a, b)) == "-2 / (1 + 2)"
    assert term_text(Infix("-", b, b)) == "1 + 2 - (1 + 2)" and term_text(Infix("^", a, b)) == "(-2)^(1 + 2)"
    assert term_text(Infix("+", b, c)) == "1 + 2 + w"
