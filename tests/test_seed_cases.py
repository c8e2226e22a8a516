"""The notes that the project starts from, figure by figure; where the notes are wrong, the right figure is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

import micrograd_sm as sm
from micrograd_sm import Value

CASES = json.loads((Path(__file__).parent / "seed_cases.json").read_text(encoding="utf-8"))


def agrees(value: Any, expected: Any, places: int = 4) -> None:
    numbers = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(expected, list):
        assert len(numbers) == len(expected)
        for one, other in zip(numbers, expected, strict=True):
            agrees(one, other, places)
    else:
        assert round(numbers, places) == expected


def test_softmax_beside_argmax() -> None:
    case = CASES["softmax_vs_argmax"]
    probabilities = sm.softmax(case["input"], dim=0)
    agrees(probabilities, case["right"])
    assert sm.argmax(case["input"]).item() == sm.argmax(probabilities).item() == case["argmax"]
    with pytest.raises(AssertionError):
        agrees(probabilities, case["printed"], places=3)


def test_softmax_over_the_last_dimension() -> None:
    shape = tuple(CASES["softmax_last_dim"]["input_shape"])
    probabilities = sm.softmax(sm.rand(*shape, generator=Random(0)), dim=CASES["softmax_last_dim"]["dim"])
    assert probabilities.shape == shape
    agrees(probabilities.sum(-1), [[1.0] * 4] * 2, places=12)


@pytest.mark.parametrize("p", [0.01, 0.25, 0.5, 0.9])
def test_log_odds(p: float) -> None:
    z = sm.logit(p).item()
    assert z == pytest.approx(sm.log(p / (1 - p)).item(), abs=1e-15)
    assert sm.sigmoid(z).item() == pytest.approx(p, rel=1e-14)
    assert sm.sigmoid(z).item() == pytest.approx(1 / (1 + sm.exp(-z).item()), rel=1e-15)
    assert sm.softmax([z, 0.0], 0)[0].item() == pytest.approx(p, rel=1e-14)


def test_nll_loss() -> None:
    case = CASES["nll_loss"]
    assert sm.nll_loss(case["log_probs"], case["target"]).item() == pytest.approx(case["loss"], abs=1e-15)
    by_hand = -sum(row[chosen] for row, chosen in zip(case["log_probs"], case["target"], strict=True)) / len(case["target"])
    assert by_hand == pytest.approx(case["loss"], abs=1e-15)


def test_cross_entropy() -> None:
    case = CASES["cross_entropy"]
    logits, target = Value(case["logits"]), case["target"]
    loss = sm.cross_entropy(logits, target)
    loss.backward()
    agrees(sm.softmax(case["logits"], 1), case["softmax"])
    agrees(sm.log_softmax(case["logits"], 1), case["log_softmax"])
    agrees(loss, case["cross_entropy"])
    agrees(sm.nll_loss(sm.log_softmax(case["logits"], 1), target), case["nll_of_log_softmax"])
    agrees(sm.nll_loss(sm.softmax(case["logits"], 1), target), case["nll_of_softmax_a_mistake"])
    agrees(logits.grad, case["gradient_of_cross_entropy"])


def test_the_logarithm_of_rounded_probabilities() -> None:
    case = CASES["log_of_rounded_softmax"]
    target = CASES["cross_entropy"]["target"]
    agrees(sm.log(case["probabilities"]), case["log"])
    agrees(sm.nll_loss(case["probabilities"], target), case["nll_of_the_probabilities"])
    agrees(sm.nll_loss(case["log"], target), case["nll_of_rounded_log_probabilities"])


def test_the_lecture_exercise() -> None:
    case = CASES["lecture_exercise"]
    logits = [Value(x) for x in case["logits"]]
    loss = -sm.softmax(logits, dim=0)[case["label"]].log()
    loss.backward()
    assert loss.item() == pytest.approx(case["loss"], abs=1e-12)
    assert [x.grad for x in logits] == pytest.approx(case["gradient"], abs=1e-12)


def test_the_pipelines() -> None:
    logits, target = CASES["cross_entropy"]["logits"], CASES["cross_entropy"]["target"]
    assert sm.cross_entropy(logits, target).item() == sm.nll_loss(sm.log_softmax(logits, 1), target).item()
    drawn = sm.multinomial(sm.softmax(logits, 1), 1, generator=Random(0))
    assert drawn.shape == (3, 1) and all(0 <= index < 3 for [index] in drawn.tolist())
