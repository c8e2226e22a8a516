"""What lint advises is applied to the wrong programs: then lint is quiet about it, and the loss is what it should be."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from micrograd_sm.study.mistakes.look import Mistake
from tests.test_lint import WRONG, linted, variables_of

CLASSES, BINARY = "cross_entropy(logits, {})", "binary_cross_entropy_with_logits(logits, {})"
LOSSES = {
    "cross_entropy": CLASSES, "nll_loss": CLASSES, "CrossEntropyLoss": CLASSES, "NLLLoss": CLASSES, "mse_loss": "",
    "binary_cross_entropy_with_logits": BINARY, "BCEWithLogitsLoss": BINARY,
}  # fmt: skip

# By the name of a program, or by that and a rule:
# What a reader fills in: names that the program does not have.
FILLED_IN = {
    "padding_counted_by_the_divisor": "",
    "two_classes_of_a_sigmoid_before_cross_entropy": "target = [1, 0]",
    "softmax_module_before_cross_entropy": "logits = model[0]([[0.5, -1.0]])",
    "masked_and_renormalised": "mask = tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])",
    "an_ensembles_mean_before_cross_entropy": "probabilities = (softmax(a, dim=1) + softmax(b, dim=1)) / 2.0",
    "a_stacked_ensemble_before_cross_entropy": "probabilities = (softmax(a, dim=1) + softmax(b, dim=1)) / 2.0",
    "an_ensemble_to_nll_loss_without_log": "probabilities = (softmax(a, dim=1) + softmax(b, dim=1)) / 2.0",
    "counted_probabilities_to_nll_loss": "probabilities = counts / counts.sum(1, True)",
    "log_softmax_module_twice": "logits = model[0]([[0.5, -1.0]])",
    "one_logit_in_a_column": "logits = model([[0.5, -1.0], [2.0, 0.1]])",
    "a_network_to_nll_loss": "logits = model([[0.5, -1.0], [9.0, 0.1]]) * 9.0",
    "raw_logits_of_a_batch_to_nll_loss": "logits = x @ w",
    "tanh_last": "logits = model[0]([[0.5, -1.0]])",
    "relu_last_before_binary": "logits = model[0]([[0.5, -1.0]])",
    "squared_error_on_sigmoid_by_hand": "target = [[1.0], [0.0]]",
    "squared_error_on_a_sigmoid_by_hand_and_module": "target = [1.0, 0.0]",
    "log_forgotten": "target = [2, 0]",
    "log_forgotten_and_gather": "target = [2, 0]",
    "log_forgotten_and_one_hot": "target = [2, 0]",
    "squared error of a softmax over the batch": "target = [0, 1]",
    "binary_cross_entropy_of_a_column": "logits = model(tensor([[1.0, 2.0], [0.3, 0.1]])).squeeze(1)",
}

# Where the advice is an expression, or assigns another name than loss: the program's last lines with it, as {}.
PUT_IN = {
    "log_softmax_over_time": "loss = nll_loss({}.view(-1, 3), [2, 2, 1, 0, 0, 1, 1, 2])",
    "log_softmax_over_the_batch_of_sequences": "loss = nll_loss({}.view(-1, 3), [2, 2, 1, 0, 2, 1, 1, 2])",
    "a_target_of_the_same_network": "{}\nloss = mse_loss(values, target)",
    "log_of_softmax": "loss = nll_loss({}, [2])",
    "log_of_the_targets_probability": "loss = -{}[2]",
    "log_of_softmax_by_hand": "loss = -{}[range(1), [2]].mean()",
    "log_of_softmax_underflows": "loss = nll_loss({}, [0])",
    "log_of_softmax_and_a_little": "loss = -{}[[0, 1], [2, 0]].mean()",
    "log_of_clamped_softmax": "loss = nll_loss({}, [2])",
    "log_of_exp_of_log_softmax": "loss = nll_loss({}, [2])",
    "log_of_gathered_softmax": "loss = -{}.gather(1, [[2], [0]]).mean()",
    "log_of_renormalised_softmax": "loss = nll_loss({}, [2, 0])",
    "log_of_softmax_and_one_hot": "loss = -({} * one_hot([2, 0], 3)).sum(1).mean()",
    "log_of_normalised_exponentials": "loss = nll_loss({}, [2, 0])",
    "entropy_of_softmax_by_log": "loss = -(p * {}).sum()",
    "softmax_over_the_wrong_one": "loss = ({} * [[1.0, 0.0, 2.0]]).sum()",
    "one_logit_and_softmax_by_hand": "loss = ({} * [[1.0], [2.0]]).sum()",
    "softmax_over_the_batch": "loss = nll_loss({}, [2, 0])",
    "softmax_over_the_batch_of_sequences": "loss = nll_loss({}, [[1, 0], [0, 1]])",
    "softmax_over_the_batch_and_one_hot": "loss = -({} * one_hot([2, 2], 3)).sum()",
    "softmax_over_the_batch_and_gather": "loss = -{}.gather(1, [[2], [0]]).mean()",
    "logsumexp_over_the_batch": "loss = nll_loss({}, [2, 0])",
    "logsumexp_over_the_batch_without_keepdim": "loss = nll_loss({}, [2, 0])",
    "softmax_over_the_batch_and_einsum": 'loss = -einsum("ij,ij->", {}, one_hot([2, 0], 3).float())',
    "softmax_over_the_batch_and_where": "loss = -where(one_hot([2, 0], 3) == 1, {}, 0.0).sum()",
    "keepdim_forgotten": "loss = ((e / {}) * [[1.0, 2.0], [0.0, 1.0]]).sum()",
    "keepdim_forgotten_before_the_log": "loss = -(e / {}).log()[[0, 1], [1, 0]].mean()",
    "keepdim_forgotten_twice_written": "loss = -(logits.exp() / {}).log()[[0, 1, 2], [1, 0, 0]].mean()",
    "keepdim_forgotten_at_the_maximum": "loss = ((logits - {}).exp() * [[1.0, 2.0], [0.0, 1.0]]).sum()",
    "keepdim_forgotten_for_counts": "loss = -(counts / {}).log().mean()",
    "keepdim_forgotten_at_logsumexp": "loss = -(logits - {})[[0, 1], [1, 0]].mean()",
    "keepdim_forgotten_at_the_mean": "loss = cross_entropy(x - {}, [1, 0])",
    "a_column_beside_a_row": "target = tensor([1.0, 0.0, 2.0])\n{}\nloss = ((x @ w - target) ** 2).mean()",
    "a_row_beside_a_column": "{}\nloss = (y - x @ w).square().sum()",
    "a_column_of_a_network": "target = tensor([1.0, 2.0])\n{}\n"
    "loss = ((model([[0.5, -1.0], [2.0, 0.1]]) - target) ** 2).mean()\nparameters = model",
    "absolute_errors_of_a_column": "target = tensor([1.0, 2.0])\n{}\n"
    "loss = (model(tensor([[1.0, 2.0], [0.3, 0.1]])) - target).abs().mean()",
    "log_of_sigmoid": "loss = -(y * {}).mean()",
    "log_of_sigmoid_for_pairs": "logits = good - bad\nloss = -{}.mean()",
    "log_of_sigmoid_and_a_little": "loss = -{}.mean()",
    "log_of_sigmoid_by_hand": "loss = -{}.mean()",
    "clamped_sigmoid_and_log": "loss = -{}.sum()",
    "equal_units": "{}\nloss = cross_entropy((x @ w).tanh() @ v, [0, 1])",
    "equal_units_of_ones": "{}\nloss = mse_loss((x @ w + b).sigmoid() @ v, [[0.0], [1.0]])",
    "softmax_without_the_shift": "loss = ({} * [[1.0, 2.0]]).sum()",
    "softplus_by_hand": "loss = {}.sum()",
    "a_sigmoid_by_hand_that_overflows": "loss = ({} * [1.0, 2.0]).sum()",
    "log_of_zero": "loss = -{}.sum()",
    "softmax_over_the_batch_by_hand, log-of-softmax": "loss = -{}[[0, 1], [2, 0]].mean()",
    "softmax_over_the_batch_by_hand, softmax-over-batch": "loss = -{}[[0, 1], [2, 0]].log().mean()",
    "squared error of a softmax over the batch, softmax-over-batch": "loss = (({} - one_hot) ** 2).sum()",
    "entropy_of_a_sure_thing, log-of-zero": "loss = -(p * {}).sum()",
    "entropy_of_a_sure_thing, zero-times-infinity": "loss = -({}).sum()",
}

# What the loss should be, where it is not the usual loss of `logits`, or what the wrong program gets.
SHOULD_BE = {
    "log_softmax_over_time": "cross_entropy(logits.view(-1, 3), [2, 2, 1, 0, 0, 1, 1, 2])",
    "log_softmax_over_the_batch_of_sequences": "cross_entropy(logits.view(-1, 3), [2, 2, 1, 0, 2, 1, 1, 2])",
    "sequence_logits_not_transposed": "cross_entropy(logits.reshape(8, 4), [0, 1, 2, 3, 3, 2, 1, 0])",
    "sequence_logits_viewed_in_place_of_transposed": "cross_entropy(logits.reshape(8, 3), [0, 1, 2, 2, 2, 1, 1, 0])",
    "a_target_of_the_same_network": "loss",
    "probabilities_to_kl_div": "(target * (target.log() - log_softmax(logits, dim=1))).sum() / 3",
    "negative_probabilities_by_tanh": "cross_entropy(logits, [2])",
    "tanh_scaled_before_binary": "binary_cross_entropy_with_logits(2 * logits, [1.0, 0.0])",
    "two_classes_of_a_sigmoid_before_cross_entropy": "binary_cross_entropy(p, [[1.0], [0.0]])",
    "hand_written_binary_without_minus": "-loss",
    "padding_counted_by_the_divisor": "(losses * mask).sum() / mask.sum()",
    "masked_losses_averaged_over_padding": "loss * 6 / 4",
    "reshaped_softmax_before_cross_entropy": "cross_entropy(logits[0], 2)",
    "softmax_to_soft_targets": "-(log_softmax(logits, dim=1) * [[0.2, 0.3, 0.5]]).sum()",
    "masked_and_renormalised": "cross_entropy(where(tensor([[1, 1, 0], [1, 0, 1]]) == 1, logits, float('-inf')), [1, 0])",
    "an_ensembles_mean_before_cross_entropy": "-((softmax(a, dim=1) + softmax(b, dim=1)) / 2.0)[0, 2].log()",
    "a_stacked_ensemble_before_cross_entropy": "-((softmax(a, dim=1) + softmax(b, dim=1)) / 2.0)[0, 2].log()",
    "an_ensemble_to_nll_loss_without_log": "-((softmax(a, dim=1) + softmax(b, dim=1)) / 2.0)[0, 2].log()",
    "counts_by_their_sum_before_cross_entropy": "-(log(tensor(3.0 / 8.0)) + log(tensor(1.5 / 2.5))) / 2",
    "counted_probabilities_to_nll_loss": "-(log(tensor(3.0 / 8.0)) + log(tensor(0.5))) / 2",
    "permuted_softmax_before_cross_entropy": "cross_entropy(logits.reshape(6, 2), [1, 0, 1, 1, 0, 0])",
    "softmax_of_classes_first_before_cross_entropy": "cross_entropy(logits.T, [2, 0])",
    "flattened_softmax_of_a_sequence": "cross_entropy(logits.reshape(4, 2), [1, 0, 1, 0])",
    "reshaped_relu_last": "cross_entropy(logits.reshape(2, 2), [1, 0])",
    "one_logit_and_softmax": "softplus(logits).mean()",
    "one_logit_in_a_column": "softplus(model([[0.5, -1.0], [2.0, 0.1]])).mean()",
    "squared_error_on_sigmoid_by_hand": "(softplus(logits) - logits * [[1.0], [0.0]]).mean()",
    "squared_error_on_a_sigmoid_by_hand_and_module": "(softplus(logits) - logits * [1.0, 0.0]).mean()",
    "squared_error_on_softmax": "-log_softmax(logits, dim=1)[0, 2]",
    "a_saturated_sigmoid": "(softplus(x) - x * [0.0, 1.0]).mean()",
    "a_saturated_softmax": "-log_softmax(logits, dim=1)[0, 1]",
    "many_hot_targets": "(softplus(logits) - logits * [[1.0, 0.0, 1.0]]).mean()",
    "targets_that_sum_to_two": "cross_entropy(logits, [[0.25, 0.25, 0.5]])",
    "scores_as_targets": "cross_entropy(logits, [[5 / 9, 1 / 9, 3 / 9], [1.0, 0.0, 0.0]])",
    "plus_and_minus_one_as_soft_targets": "cross_entropy(logits, [1])",
    "plus_and_minus_one_for_binary": "soft_margin_loss(logits, [1.0, -1.0])",
    "one_and_two_for_binary": "binary_cross_entropy_with_logits(logits, [0.0, 1.0])",
    "bytes_for_binary": "binary_cross_entropy_with_logits(logits, [[1.0, 0.0]])",
    "log_forgotten": "cross_entropy(logits, [2, 0])",
    "log_forgotten_and_gather": "cross_entropy(logits, [2, 0])",
    "log_forgotten_and_one_hot": "cross_entropy(logits, [2, 0])",
    "log_of_softmax_underflows": "tensor(800.0)",
    "softmax_over_the_batch_by_hand, softmax-over-batch": "cross_entropy(logits, [2, 0])",
    "squared error of a softmax over the batch, softmax-over-batch": "((softmax(logits, dim=1) - one_hot) ** 2).sum()",
    "squared error of a softmax over the batch": "cross_entropy(logits, [0, 1])",
    "binary_cross_entropy_of_a_column": "binary_cross_entropy(p.flatten(), y)",
    "softmax_over_the_wrong_one": "(softmax(logits[0], dim=0) * [1.0, 0.0, 2.0]).sum()",
    "one_logit_and_softmax_by_hand": "(sigmoid(logits) * [[1.0], [2.0]]).sum()",
    "softmax_over_the_batch": "cross_entropy(logits, [2, 0])",
    "softmax_over_the_batch_of_sequences": "cross_entropy(logits, [[1, 0], [0, 1]])",
    "softmax_over_the_batch_and_one_hot": "cross_entropy(logits, [2, 2]) * 2",
    "softmax_over_the_batch_and_gather": "cross_entropy(logits, [2, 0])",
    "logsumexp_over_the_batch": "cross_entropy(logits, [2, 0])",
    "logsumexp_over_the_batch_without_keepdim": "cross_entropy(logits, [2, 0])",
    "softmax_over_the_batch_and_einsum": "cross_entropy(logits, [2, 0]) * 2",
    "softmax_over_the_batch_and_where": "cross_entropy(logits, [2, 0]) * 2",
    "keepdim_forgotten": "(softmax(logits, dim=1) * [[1.0, 2.0], [0.0, 1.0]]).sum()",
    "keepdim_forgotten_before_the_log": "cross_entropy(logits, [1, 0])",
    "keepdim_forgotten_twice_written": "cross_entropy(logits, [1, 0, 0])",
    "keepdim_forgotten_at_the_maximum": "tensor(1 * 2.718281828459045 ** -1 + 2 + 1)",
    "keepdim_forgotten_for_counts": "-tensor([3 / 8, 5 / 8, 1 / 2.5, 1.5 / 2.5]).log().mean()",
    "keepdim_forgotten_at_logsumexp": "cross_entropy(logits, [1, 0])",
    "keepdim_forgotten_at_the_mean": "cross_entropy(x, [1, 0])",
    "a_column_beside_a_row": "mse_loss((x @ w).flatten(), [1.0, 0.0, 2.0])",
    "a_row_beside_a_column": "mse_loss((x @ w).flatten(), y, reduction='sum')",
    "a_column_of_a_network": "mse_loss(model([[0.5, -1.0], [2.0, 0.1]]).flatten(), [1.0, 2.0])",
    "absolute_errors_of_a_column": "l1_loss(model([[1.0, 2.0], [0.3, 0.1]]).flatten(), [1.0, 2.0])",
    "softmax_without_the_shift": "tensor(1.0)",
    "softplus_by_hand": "tensor(1000.0) + softplus(x[1])",
    "a_sigmoid_by_hand_that_overflows": "2 * sigmoid(x[1])",
    "log_of_zero": "-tensor([1e-12, 0.5]).log().sum()",
    "entropy_of_a_sure_thing": "tensor(0.0)",
}
NO_NUMBER = {"equal_units", "equal_units_of_ones"}  # from other weights, another loss
NO_CODE = {
    "no-gradient", "unused-parameter", "detached", "saturated", "all-ignored", "weights-sum-to-zero", "nan-gradient",
    "not-finite", "zero-gradient", "gradient-left", "dead-relus", "no-nonlinearity", "high-first-loss", "batch-divided-twice",
}  # fmt: skip
SAYS_WHAT_TO_DO = r"(use|compute|skip|give|start|keep|call|leave out|leave|subtract|look at|look for|take) "


def is_code(text: str) -> bool:
    try:
        return bool(ast.parse(text))
    except SyntaxError:
        return False


def call_of_the_loss(code: str) -> tuple[str, str]:
    """Return which loss a program calls, and its target, as code."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and len(node.args) == 2:
            name = node.func.func if isinstance(node.func, ast.Call) else node.func
            called = name.id if isinstance(name, ast.Name) else name.attr if isinstance(name, ast.Attribute) else ""
            if called in LOSSES:
                return called, ast.unparse(node.args[1])
    return "", ""


def mended(name: str, found: Mistake) -> str | None:
    """Return a wrong program with the advice in it, or nothing if it is not known where it goes."""
    code, advice = WRONG[name][1], found.mended
    if found.rule == "sampling-from-logits":
        return f"{code}\nsampled_from = {ast.unparse(ast.parse(advice).body[0].value.args[0])}"  # type: ignore[attr-defined]
    if advice.startswith("loss = "):
        names = {node.id for node in ast.walk(ast.parse(advice)) if isinstance(node, ast.Name)} - set(variables_of(code))
        target = call_of_the_loss(code)[1]
        filled = FILLED_IN.get(name, "") + (f"\ntarget = tensor({target})" if target and "target" in names else "")
        known = all(f"{x} = " in filled for x in names - {"loss"})
        return f"{code}\n{filled}\n{advice}" if known else None
    form = PUT_IN.get(f"{name}, {found.rule}", PUT_IN.get(name))
    if form is None:
        return None
    lines = code.strip().split("\n")
    last = next(k for k, line in enumerate(lines) if line.startswith("loss = "))
    put = advice if "{}\n" in form else re.sub(r"^\w+ = ", "", advice)
    return "\n".join([*lines[:last], form.replace("{}", put)])


def expected(name: str, found: Mistake) -> str:
    """Return, as code after the wrong program, what the loss should be."""
    called, target = call_of_the_loss(WRONG[name][1])
    if should := SHOULD_BE.get(f"{name}, {found.rule}", SHOULD_BE.get(name)):
        return should
    if found.rule == "sign-forgotten":
        return "-loss"
    if found.rule.startswith(("log-of-", "log-softmax-twice", "sampling")):
        return "loss"
    given = FILLED_IN.get(name, "").removeprefix("logits = ") or "logits"
    return LOSSES[called].format(target).replace("(logits", f"({given}")


APPLIED = [
    (name, k, found.rule)
    for name, (_, code) in WRONG.items()
    for k, found in enumerate(linted(code))
    if is_code(found.mended) and mended(name, found)
]


@pytest.mark.parametrize(("name", "k", "rule"), APPLIED)
def test_what_it_advises_is_right(name: str, k: int, rule: str) -> None:
    found = linted(WRONG[name][1])[k]
    code = mended(name, found)
    assert code is not None
    assert rule not in linted(code), code
    if name not in NO_NUMBER:
        loss = variables_of(code)["loss"]
        should: Any = variables_of(f"{WRONG[name][1]}\nshould = {expected(name, found)}")["should"]
        assert loss.item() == pytest.approx(should.item(), rel=1e-6, abs=1e-9), code


def test_the_advice_of_each_rule_was_applied_or_says_what_to_do() -> None:
    rules = set()
    for name, (_, code) in WRONG.items():
        for found in linted(code):
            assert is_code(found.mended) or re.match(SAYS_WHAT_TO_DO, found.mended), f"{name}: {found.mended}"
            rules.add(found.rule)
    assert {rule for _, _, rule in APPLIED} == rules - NO_CODE
    assert len(APPLIED) >= 130
