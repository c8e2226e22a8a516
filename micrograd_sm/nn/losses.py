"""The losses as modules that keep their options. What the options mean, and what is raised, the functions say."""

from __future__ import annotations

from micrograd_sm import functional as F
from micrograd_sm.nn.of_function import Loss

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CosineEmbeddingLoss", "CosineSimilarity", "CrossEntropyLoss", "GaussianNLLLoss",
    "HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "MarginRankingLoss", "MultiMarginLoss", "NLLLoss",
    "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss", "TripletMarginLoss",
]  # fmt: skip


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


class L1Loss(Loss, function=F.l1_loss, positional=0, reduction="mean"):
    """The mean of the absolute differences of two tensors (torch.nn.L1Loss).

    >>> L1Loss()([1.0, 2.0], [1.0, 4.0]).item()
    1.0
    """


class SmoothL1Loss(Loss, function=F.smooth_l1_loss, positional=0, reduction="mean", beta=1.0):
    """d^2 / (2 beta) for a difference |d| below beta, else |d| - beta / 2 (torch.nn.SmoothL1Loss).

    >>> SmoothL1Loss(reduction="none")([0.5, 3.0], [0.0, 0.0]).tolist()
    [0.125, 2.5]
    """


class HuberLoss(Loss, function=F.huber_loss, positional=2, reduction="mean", delta=1.0):
    """d^2 / 2 for a difference |d| up to delta, else delta (|d| - delta / 2) (torch.nn.HuberLoss).

    >>> HuberLoss(reduction="none", delta=2.0)([0.5, 3.0], [0.0, 0.0]).tolist()
    [0.125, 4.0]
    """


class BCELoss(Loss, function=F.binary_cross_entropy, positional=1, weight=None, reduction="mean"):
    """The binary cross-entropy of probabilities against probabilities of the same shape (torch.nn.BCELoss).

    >>> BCELoss()([0.5, 1.0], [1.0, 1.0]).item()
    0.34657359027997264
    """


class KLDivLoss(Loss, function=F.kl_div, positional=0, reduction="mean", log_target=False):
    """The Kullback-Leibler divergence of log-probabilities from a target of probabilities (torch.nn.KLDivLoss).

    >>> KLDivLoss(reduction="sum")([0.0, 0.0], [1.0, 1.0]).item()
    0.0
    """


class GaussianNLLLoss(Loss, function=F.gaussian_nll_loss, positional=0, full=False, eps=1e-6, reduction="mean"):
    """The negative log-likelihood of targets under normal distributions of means and variances (torch.nn.GaussianNLLLoss).

    >>> GaussianNLLLoss()([1.0, 2.0], [0.0, 2.0], [1.0, 1.0]).item()
    0.25
    """


class PoissonNLLLoss(Loss, function=F.poisson_nll_loss, positional=2, log_input=True, full=False, eps=1e-8, reduction="mean"):
    """The negative log-likelihood of counts under Poisson distributions (torch.nn.PoissonNLLLoss).

    >>> PoissonNLLLoss()([0.0, 0.0], [1.0, 2.0]).item()
    1.0
    """


class MultiMarginLoss(Loss, function=F.multi_margin_loss, positional=3, p=1, margin=1.0, weight=None, reduction="mean"):
    """By how much other classes' scores are within the margin of the target's: (N, C) and (N) (torch.nn.MultiMarginLoss).

    >>> MultiMarginLoss()([[0.0, 1.0]], [1]).item()
    0.0
    """


class HingeEmbeddingLoss(Loss, function=F.hinge_embedding_loss, positional=1, margin=1.0, reduction="mean"):
    """A distance itself for a target 1, max(0, margin - distance) for -1 (torch.nn.HingeEmbeddingLoss).

    >>> HingeEmbeddingLoss(reduction="none")([0.25, 0.25], [1, -1]).tolist()
    [0.25, 0.75]
    """


class SoftMarginLoss(Loss, function=F.soft_margin_loss, positional=0, reduction="mean"):
    """log(1 + exp(-target x)) for targets 1 and -1 (torch.nn.SoftMarginLoss).

    >>> SoftMarginLoss()([0.0, 0.0], [1, -1]).item()
    0.6931471805599453
    """


class MarginRankingLoss(Loss, function=F.margin_ranking_loss, positional=1, margin=0.0, reduction="mean"):
    """max(0, margin - target (x1 - x2)): target 1 wants x1 above x2, -1 below (torch.nn.MarginRankingLoss).

    >>> MarginRankingLoss()([2.0, 2.0], [1.0, 1.0], [1, -1]).item()
    0.5
    """


class CosineEmbeddingLoss(Loss, function=F.cosine_embedding_loss, positional=1, margin=0.0, reduction="mean"):
    """1 - cos of the angle for pairs with target 1, max(0, cos - margin) for -1 (torch.nn.CosineEmbeddingLoss).

    >>> CosineEmbeddingLoss()([[1.0, 0.0]], [[0.0, 1.0]], [1]).item()
    1.0
    """


class TripletMarginLoss(
    Loss, function=F.triplet_margin_loss, positional=4, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction="mean"
):
    """By how much a negative is within the margin of the positive's distance from the anchor (torch.nn.TripletMarginLoss).

    >>> TripletMarginLoss()([[0.0]], [[0.0]], [[3.0]]).item()
    0.0
    """


class CosineSimilarity(Loss, function=F.cosine_similarity, positional=2, dim=1, eps=1e-8):
    """The cosine of the angle between vectors along `dim`, which is left out of the shape (torch.nn.CosineSimilarity).

    >>> CosineSimilarity()([[1.0, 0.0]], [[0.0, 1.0]]).tolist()
    [0.0]
    """
