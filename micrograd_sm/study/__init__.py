"""Study the gradients of losses: why they are what they are, and how far to trust them."""

from micrograd_sm.study.anomaly import Anomaly, anomaly, first_anomaly
from micrograd_sm.study.checks import Finding, GradientReport, check_gradients
from micrograd_sm.study.checks_torch import TensorComparison, TorchReport, check_against_torch
from micrograd_sm.study.comparison import Comparison, Match, compare
from micrograd_sm.study.explanation import Explanation, SoftmaxShare, explain
from micrograd_sm.study.ledger import Path, Paths, paths
from micrograd_sm.study.lint import RULES, Lint, lint
from micrograd_sm.study.lint_look import Mistake
from micrograd_sm.study.program import Program, source

__all__ = [
    "RULES",
    "Anomaly",
    "Comparison",
    "Explanation",
    "Finding",
    "GradientReport",
    "Lint",
    "Match",
    "Mistake",
    "Path",
    "Paths",
    "Program",
    "SoftmaxShare",
    "TensorComparison",
    "TorchReport",
    "anomaly",
    "check_against_torch",
    "check_gradients",
    "compare",
    "explain",
    "first_anomaly",
    "lint",
    "paths",
    "source",
]
