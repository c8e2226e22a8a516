"""Lint finds every mistake of a corpus of small programs, names it, and leaves the right ones alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import micrograd_sm
from micrograd_sm import Graph, Value, cross_entropy, log_softmax, manual_seed, nll_loss, nn, softmax, trace
from micrograd_sm.study import RULES, Lint, lint
from micrograd_sm.study.mistakes.lint import LAST_RULES

CORPUS = Path(__file__).parent / "lint_corpus"


def programs(file: str) -> dict[str, tuple[set[str], str]]:
    """Return the programs of a file by name: which rules each breaks, and its code."""
    found = {}
    for part in (CORPUS / file).read_text(encoding="utf-8").split("## ")[1:]:
        head, _, code = part.partition("\n")
        name, _, rules = head.partition(":")
        assert name not in found, name
        found[name] = {rule.strip() for rule in rules.split(",") if rule.strip()}, code
    return found


WRONG, RIGHT = programs("wrong.txt"), programs("right.txt")


def variables_of(code: str) -> dict[str, Any]:
    """Run a program, and return its variables."""
    manual_seed(3)
    variables: dict[str, Any] = {name: getattr(micrograd_sm, name) for name in micrograd_sm.__all__}
    exec(code, variables)
    return variables


def linted(code: str) -> Lint:
    variables = variables_of(code)
    names = {name: x for name, x in variables.items() if not name.startswith("_")}
    return lint(variables["loss"], variables.get("parameters"), variables.get("sampled_from"), names)


@pytest.mark.parametrize("name", WRONG)
def test_every_mistake_is_found(name: str) -> None:
    rules, code = WRONG[name]
    found = linted(code)
    assert set(found.rules) == rules, str(found)
    for mistake in found.mistakes:
        assert mistake.reason and mistake.mended and "\n" not in str(mistake.reason)


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_in_a_right_program(name: str) -> None:
    found = linted(RIGHT[name][1])
    assert found.clean, str(found)


def test_the_corpus_is_large_and_covers_every_rule() -> None:
    assert len(WRONG) + len(RIGHT) >= 310
    assert set.union(*(rules for rules, _ in WRONG.values())) == set(RULES) | set(LAST_RULES)


def test_it_names_the_node_the_line_and_the_users_own_names() -> None:
    scores = Value([[1.0, 2.0, 0.1]])
    with trace():
        probs = softmax(scores, dim=1)
        loss = cross_entropy(probs, [2])
    (mistake,) = lint(loss).mistakes
    assert mistake.label == "probs" and mistake.mended == "loss = cross_entropy(scores, target)"
    assert mistake.source is not None and mistake.source.endswith("probs = softmax(scores, dim=1)")
    assert mistake.source in str(mistake)


def test_harmless_is_said() -> None:
    (mistake,) = lint(cross_entropy(log_softmax(Value([[1.0, 2.0]]), dim=1), [0])).mistakes
    assert mistake.harmless and "log-softmax-twice, hint" in str(mistake) and mistake.grade == "hint"


def test_where_nan_comes_from() -> None:
    origins = {
        "nothing_over_nothing": "divide",
        "nothing_over_nothing_behind_a_clamp": "divide",
        "the_mean_of_an_empty_mask": "divide",
        "a_row_that_is_masked_out": "subtract",
        "a_root_of_a_negative_number": "sqrt",
    }
    for name, op in origins.items():
        (found,) = linted(WRONG[name][1])
        assert f"nan comes up here first: {op} of" in found.reason, name
    (found,) = linted(WRONG["an_infinite_weight"][1])
    assert (found.label, found.reason) == ("w", "inf was given")


def test_a_rule_is_silenced() -> None:
    x = Value([[1.0, 2.0, 0.1]])
    loss = cross_entropy(softmax(x, dim=1), [2])
    assert not lint(loss, ignore=["softmax-before-cross-entropy"])
    assert not lint(loss, ignore="softmax-before-cross-entropy")
    assert lint(loss, ignore=["not-finite"])
    with pytest.raises(ValueError, match="lint: no rule is called 'softmax'; the rules are softmax-before"):
        lint(loss, ignore=["softmax"])


def test_a_parameter_of_another_kind_in_a_list_is_refused_by_its_place() -> None:
    layer = nn.Linear(2, 2)
    loss = layer([[1.0, 2.0]]).sum()
    for parameters in (layer, [layer], {"a": layer}, layer.named_parameters(), [layer.weight, ("b", layer.bias)]):
        assert not lint(loss, parameters)
    with pytest.raises(TypeError, match=r"parameter 'parameters\[1\]\[0\]' must be a Value, got 3"):
        lint(loss, [layer, [3]])


HINTS = {
    "squared-error-on-probabilities", "log-of-sigmoid", "log-forgotten", "batch-divided-twice", "no-nonlinearity",
    "high-first-loss", "log-softmax-twice", "mean-over-padding", "gradient-left", "target-learns", "zero-gradient",
}  # fmt: skip


BOTH_GRADES = {"detached", "log-of-softmax", "activation-before-loss", "saturated"}  # which one depends on the case


@pytest.mark.parametrize("name", WRONG)
def test_hints_and_mistakes(name: str) -> None:
    for found in linted(WRONG[name][1]):
        if found.rule not in (
            "detached",
            "log-of-softmax",
            "activation-before-loss",
            "saturated",
        ):  # which grade depends on the case
            assert (found.grade == "hint") == (found.rule in HINTS)


def test_advice_fits_the_case() -> None:
    advice = {
        "one_logit_and_softmax": "loss = binary_cross_entropy_with_logits(logits.squeeze(1), target)",
        "one_logit_in_a_column": "loss = binary_cross_entropy_with_logits(logits.squeeze(1), target)",
        "one_logit_and_softmax_by_hand": "sigmoid(logits)",
        "softmax_over_the_wrong_one": "softmax(logits, dim=1)",
        "a_sigmoid_by_hand_that_overflows": "x.sigmoid()",
        "softplus_by_hand": "softplus(x)",
        "binary_cross_entropy_by_hand": "loss = binary_cross_entropy_with_logits(logits, y)",
        "permuted_softmax_before_cross_entropy": "loss = cross_entropy(logits.permute(0, 2, 1), target)",
        "an_ensembles_mean_before_cross_entropy": "loss = cross_entropy(probabilities.log(), target)",
        "entropy_of_a_sure_thing": "(p + 1e-12).log()",
        "keepdim_forgotten": "e.sum(1, keepdim=True)",
        "a_column_beside_a_row": "target = target.reshape(3, 1)",
        "a_row_beside_a_column": "y = y.reshape(3, 1)",
        "two_parameters_of_one_name": "use w (parameters[1]) on the way to the loss, or leave it out of the optimizer",
        "keepdim_forgotten_twice_written": "logits.exp().sum(1, keepdim=True)",
    }
    for name, mended in advice.items():
        assert linted(WRONG[name][1])[0].mended == mended, name


def test_the_target_is_called_what_the_caller_calls_it() -> None:
    logits = Value([[1.0, 2.0, 0.1], [0.3, 0.2, 0.5]])
    twice = lambda targets: cross_entropy(softmax(logits, dim=1), targets)
    advice = lambda targets, **names: lint(twice(targets), names={"x": logits, **names})[0].mended
    assert advice([2, 0], labels=[2, 0], other=[0, 2], n=2) == "loss = cross_entropy(x, labels)"
    assert advice([2, 0], y=Value([2.0, 0.0])) == "loss = cross_entropy(x, y)"
    assert advice([2, 0], y=[2, 0], order=[2, 0]) == advice([2, 0], y=[0]) == "loss = cross_entropy(x, target)"
    seen = [[1, 0], [0, 1]]
    loss = nll_loss(softmax(Value([[[1.0, 2.0], [0.1, 0.4]], [[0.3, 0.2], [0.5, 0.0]]], name="z"), dim=1), seen)
    assert lint(loss)[0].mended == "loss = cross_entropy(z, seen)"
    y = Value([[1.0, 1.0, 0.0]], requires_grad=False, name="y")
    assert lint(cross_entropy(logits[:1], y), names={})[0].mended.endswith(", y)")


def test_no_grad_is_touched_and_a_graph_may_be_given() -> None:
    logits = Value([[1.0, 2.0]], name="logits")
    loss = cross_entropy(softmax(logits, dim=1), [0])
    assert lint(Graph(loss).fold()).rules == ("softmax-before-cross-entropy",)
    assert logits.grad is None
    content = json.loads(json.dumps(lint(loss).to_dict()))
    assert content["mistakes"][0]["rule"] == "softmax-before-cross-entropy"
    assert lint(Graph(loss), parameters={"logits": logits, "w": Value(1.0)}).rules[-1] == "unused-parameter"


def test_a_large_network_is_looked_at_in_a_moment() -> None:
    model = nn.MLP(3, [16, 16, 1])
    out = model([1.0, 2.0, -1.0])
    assert lint(out * out, model).clean


def test_what_it_refuses() -> None:
    x = Value(2.0)
    with pytest.raises(TypeError, match="lint: expected a Value or a Graph, got 3"):
        lint(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="parameters must be a Module, or Values by name or in a list, got 3"):
        lint(x.exp(), parameters=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"parameter 'parameters\[0\]' must be a Value, got 3"):
        lint(x.exp(), parameters=[3])  # type: ignore[list-item]
