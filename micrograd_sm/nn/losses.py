"""The losses as modules that keep their options. What the options mean, and what is raised, the functions say."""

from __future__ import annotations

from micrograd_sm import functional as F
from micrograd_sm.nn.of_function import Loss


class NLLLoss(Loss, function=F.nll_loss, positional=1, weight=None, ignore_index=-100, reduction="mean"):
    """The negative log-likelihood of class indices under log-probabilities: (N, C, ...) and (N, ...) (torch.nn.NLLLoss).

    >>> NLLLoss()([[-0.5, -1.0], [-0.25, -2.0]], [0, 0]).item()
    0.375
    """


class CrossEntropyLoss(
    Loss, function=F.cross_entropy, positional=1, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0
):
    """The cross-entropy of logits against class indices or probabilities: (N, C, ...) and (N, ...) or (N, C, ...).

    Source: torch.nn.CrossEntropyLoss.

    >>> CrossEntropyLoss()([[0.0, 1000.0]], [0]).item()
    1000.0
    """


class BCEWithLogitsLoss(
    Loss, function=F.binary_cross_entropy_with_logits, positional=1, weight=None, reduction="mean", pos_weight=None
):
    """The binary cross-entropy of logits against probabilities of the same shape (torch.nn.BCEWithLogitsLoss).

    >>> BCEWithLogitsLoss()([1000.0, -1000.0], [1.0, 1.0]).item()
    500.0
    """


class MSELoss(Loss, function=F.mse_loss, positional=0, reduction="mean"):
    """The mean of the squared differences of two tensors (torch.nn.MSELoss).

    >>> MSELoss()([1.0, 2.0], [1.0, 4.0]).item()
    2.0
    """
