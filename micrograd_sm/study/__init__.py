"""Study the gradients of losses: why they are what they are, and how far to trust them."""

from micrograd_sm.study.anomaly import Anomaly, anomaly, first_anomaly
from micrograd_sm.study.checks import Finding, GradientReport, check_gradients
from micrograd_sm.study.checks_torch import TensorComparison, TorchReport, check_against_torch
from micrograd_sm.study.comparison import Comparison, Match, compare
from micrograd_sm.study.derivatives import Derivatives, derivatives
from micrograd_sm.study.digits import Digits, NodeDigits, digits
from micrograd_sm.study.explanation import Explanation, SoftmaxShare, explain
from micrograd_sm.study.landscapes import (
    PICTURES,
    SETTINGS,
    logit_field,
    loss_curves,
    setting_curves,
    setting_logit_field,
    setting_maps,
    setting_simplex_field,
    simplex_field,
)
from micrograd_sm.study.landscapes_batch import residual_maps, training_maps
from micrograd_sm.study.landscapes_losses import LOSSES, Samples, Setting, sample
from micrograd_sm.study.landscapes_parts import Curve, CurvePanel, FieldPanel, Landscape, MapPanel
from micrograd_sm.study.ledger import Path, Paths, paths
from micrograd_sm.study.lint import RULES, Lint, lint
from micrograd_sm.study.lint_look import Mistake
from micrograd_sm.study.program import Program, source

__all__ = [
    "LOSSES",
    "PICTURES",
    "RULES",
    "SETTINGS",
    "Anomaly",
    "Comparison",
    "Curve",
    "CurvePanel",
    "Derivatives",
    "Digits",
    "Explanation",
    "FieldPanel",
    "Finding",
    "GradientReport",
    "Landscape",
    "Lint",
    "MapPanel",
    "Match",
    "Mistake",
    "NodeDigits",
    "Path",
    "Paths",
    "Program",
    "Samples",
    "Setting",
    "SoftmaxShare",
    "TensorComparison",
    "TorchReport",
    "anomaly",
    "check_against_torch",
    "check_gradients",
    "compare",
    "derivatives",
    "digits",
    "explain",
    "first_anomaly",
    "lint",
    "logit_field",
    "loss_curves",
    "paths",
    "residual_maps",
    "sample",
    "setting_curves",
    "setting_logit_field",
    "setting_maps",
    "setting_simplex_field",
    "simplex_field",
    "source",
    "training_maps",
]
