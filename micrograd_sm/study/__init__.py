"""Study the gradients of losses: why they are what they are, and how far to trust them."""

from micrograd_sm.study.checks import Finding, GradientReport, check_gradients
from micrograd_sm.study.ledger import Path, Paths, paths
from micrograd_sm.study.program import Program, source

__all__ = ["Finding", "GradientReport", "Path", "Paths", "Program", "check_gradients", "paths", "source"]
