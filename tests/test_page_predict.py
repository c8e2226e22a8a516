"""Predicting the next number in the page: what is right, and what is said of each kind of slip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micrograd_sm import Value
from micrograd_sm.steps import Steps, steps
from micrograd_sm.steps.page.slips import asked_for, slips_of
from tests.page_losses import classes, neuron

ONE_OF_THE_USUAL = "not one of the usual slips"


def product() -> Steps:
    """dL/da is 0.5 * -3 + 2 = 0.5: a product and a sum, in that order on the way back."""
    a, b, k = Value(2.0, name="a"), Value(-3.0, name="b"), Value(0.5, name="k")
    m = a * b
    n = m * k
    return steps(n + a * 2.0, {"m": m, "n": n})


@pytest.fixture
def asked(open_page: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Open a page that asks for what a step passes on."""

    def opened(walk: Steps, operand: str, contribution: int = -1) -> Any:
        fine = walk.by_contribution()
        places = [step.index for step in fine for one in step.contributions if one.operand.name == operand]
        page = open_page(walk.save(tmp_path / "page.html"), f"#step={places[contribution]}&grain=contribution")
        page.keyboard.press("p")
        return page

    return opened


def answer(page: Any, text: str) -> str:
    page.locator("#guess").fill(text)
    page.keyboard.press("Enter")
    return page.locator("#verdict").inner_text()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("-1.5", "overwrote"),
        ("3.5", "sign"),
        ("-1", "upstream gradient was forgotten"),
        ("2.5", "local derivative was forgotten"),
        ("3", "wrong operand"),
        ("2", "was not added"),
        ("77", ONE_OF_THE_USUAL),
        ("two", "not a number"),
        ("", "not a number"),
    ],
)
def test_slips_are_told_apart(written: str, said: str, asked: Callable[..., Any]) -> None:
    page = asked(product(), "a")
    before = page.evaluate("stepper.step")
    verdict = answer(page, written)
    assert said in verdict, verdict
    assert page.evaluate("stepper.step") == before, "a wrong answer stays"
    assert page.locator("#live").inner_text() == verdict
    assert page.locator('#picture [data-node="v0"] text.grad').all_text_contents() == ["2.0"], "the answer is not given away"
    assert page.locator("#list li:visible").count() == before + 1, "nor by the list"


@pytest.mark.parametrize("written", ["0.5", " 1/2 ", "+5e-1", ".5", "0,5", "0.503"])
def test_what_is_right_goes_on(written: str, asked: Callable[..., Any]) -> None:
    page = asked(product(), "a")
    before = page.evaluate("stepper.step")
    assert answer(page, written) == "Right: 0.5."
    assert page.evaluate("stepper.step") == before + 1
    assert page.locator("#guess").input_value() == ""


def test_a_first_contribution_with_two_slips_or_none(asked: Callable[..., Any]) -> None:
    page = asked(neuron(), "w1")
    assert "local derivative was forgotten" in answer(page, "0.5")
    assert "upstream gradient was forgotten" in answer(page, "2")
    assert "sign" in answer(page, "-1")
    assert answer(page, "1") == "Right: 1."


def test_rounding_is_allowed_to_what_was_written(asked: Callable[..., Any]) -> None:
    a = Value(1.4449, name="a")
    page = asked(steps(a * a.exp() * 0.0 + Value(1.0, name="x") * 1.4449), "x")
    assert ONE_OF_THE_USUAL in answer(page, "1.5")
    assert answer(page, "1.4").startswith("Right")


def test_of_an_array_one_element_is_asked(asked: Callable[..., Any]) -> None:
    page = asked(classes(), "logits", 0)
    assert "[1][2]" in page.locator("#asked").inner_text()
    assert "sign" in answer(page, "0.2109")
    assert answer(page, "-0.2109").startswith("Right")


def test_values_and_the_seed_are_asked_and_help_comes_in_two_stages(open_page: Callable[..., Any], tmp_path: Path) -> None:
    page = open_page(neuron().save(tmp_path / "page.html"))
    page.get_by_role("button", name="Predict").click()
    assert page.locator("#grain").input_value() == "contribution", "one number at a time"
    assert "the value of" in page.locator("#asked").inner_text()
    needed = page.locator("#needed .formula").first
    assert needed.locator("math").count() and "=" in needed.inner_text()
    assert answer(page, "12345").startswith("Not right")
    page.evaluate("stepper.go(4)")
    assert "do/do" in page.locator("#asked").inner_text()
    assert answer(page, "1").startswith("Right")
    page.get_by_role("button", name="Hint").click()
    assert page.evaluate("stepper.step") == 5, "first the numbers, then the answer"
    page.get_by_role("button", name="Show me").click()
    assert page.locator("#verdict").inner_text() == "It is 0.5."
    assert page.evaluate("stepper.step") == 6
    page.locator("#now").click()
    page.keyboard.press("p")
    assert page.evaluate("document.activeElement.id") == "guess"
    page.get_by_role("button", name="Predict").click()
    assert not page.locator("#question").is_visible()


def test_nan_and_infinity_can_be_predicted(asked: Callable[..., Any]) -> None:
    x = Value(0.0, name="x")
    page = asked(steps(x.log()), "x")
    assert ONE_OF_THE_USUAL in answer(page, "nan")
    assert answer(page, "inf") == "Right: inf."


def test_of_an_empty_array_nothing_is_asked(open_page: Callable[..., Any], tmp_path: Path) -> None:
    x = Value([], name="x")
    loss = (x * 2.0).sum() + 1.0
    walk = steps(loss, {"loss": loss}).by_contribution()
    assert walk._repr_mimebundle_()
    page = open_page(walk.save(tmp_path / "page.html"), "#step=3&grain=contribution")
    page.keyboard.press("p")
    assert "dloss/dloss" in page.locator("#asked").inner_text()
    said = []
    for place in range(3, len(walk) - 1):
        page.evaluate("place => stepper.go(place)", place)
        said.append(page.locator("#asked").inner_text())
        assert page.locator("#guess").is_disabled() == said[-1].startswith("An empty array")
    assert [words[:11] for words in said] == ["What will t", "An empty ar", "An empty ar"]


def test_the_element_asked_for_and_the_amounts_of_the_usual_slips() -> None:
    x = Value([1.0, -3.0, 2.0])
    assert asked_for(steps((x * x).sum())[-1].contributions[0]) == 1, "the largest contribution"
    a, b = Value(2.0), Value(-3.0)
    walk = steps(a * b * 10.0)
    contributions = walk[-1].contributions
    amounts = slips_of(walk.graph, contributions[0], contributions, walk[-1].upstream)
    assert amounts == {"upstream": -3.0, "local": 10.0, "operand": 20.0}
