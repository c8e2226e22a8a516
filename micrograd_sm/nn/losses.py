"""The losses of classification as modules that keep their options."""

from __future__ import annotations

from typing import Any

from micrograd_sm import functional
from micrograd_sm.engine import Value, as_value
from micrograd_sm.nn.module import Module


def _constant(weight: Any) -> Value | None:
    return None if weight is None else as_value(weight, "weight").detach()


class NLLLoss(Module):
    """The negative log-likelihood of class indices under log-probabilities: (N, C, ...) and (N, ...) (torch.nn.NLLLoss).

    `weight`, (C), `ignore_index` and `reduction` mean what they mean to `micrograd_sm.nll_loss`; errors are the same, too.

    >>> NLLLoss()([[-0.5, -1.0], [-0.25, -2.0]], [0, 0]).item()
    0.375
    """

    def __init__(self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        self.weight, self.ignore_index, self.reduction = _constant(weight), ignore_index, reduction

    def forward(self, input: Any, target: Any) -> Value:
        return functional.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(Module):
    """The cross-entropy of logits against class indices or probabilities: (N, C, ...) and (N, ...) or (N, C, ...).

    `weight`, (C), `ignore_index`, `reduction` and `label_smoothing` mean what they mean to `micrograd_sm.cross_entropy`;
    errors are the same, too. Source: torch.nn.CrossEntropyLoss.

    >>> CrossEntropyLoss()([[0.0, 1000.0]], [0]).item()
    1000.0
    """

    def __init__(
        self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        self.weight, self.ignore_index, self.reduction = _constant(weight), ignore_index, reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: Any, target: Any) -> Value:
        return functional.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class BCEWithLogitsLoss(Module):
    """The binary cross-entropy of logits against probabilities of the same shape (torch.nn.BCEWithLogitsLoss).

    `weight` and `pos_weight`, which broadcast, and `reduction` mean what they mean to
    `micrograd_sm.binary_cross_entropy_with_logits`; errors are the same, too.

    >>> BCEWithLogitsLoss()([1000.0, -1000.0], [1.0, 1.0]).item()
    500.0
    """

    def __init__(self, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None) -> None:
        self.weight, self.reduction, self.pos_weight = _constant(weight), reduction, _constant(pos_weight)

    def forward(self, input: Any, target: Any) -> Value:
        return functional.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)
