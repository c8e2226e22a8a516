"""Study the gradients of losses: why they are what they are, and how far to trust them."""

from micrograd_sm.study.checks import Finding, GradientReport, check_gradients
from micrograd_sm.study.explanation import Explanation, SoftmaxShare, explain
from micrograd_sm.study.ledger import Path, Paths, paths
from micrograd_sm.study.program import Program, source

__all__ = [
    "Explanation",
    "Finding",
    "GradientReport",
    "Path",
    "Paths",
    "Program",
    "SoftmaxShare",
    "check_gradients",
    "explain",
    "paths",
    "source",
]
