"""Study the gradients of losses: why they are what they are, and how far to trust them."""

from micrograd_sm.study.checks import Finding, GradientReport, check_gradients
from micrograd_sm.study.program import Program, source

__all__ = ["Finding", "GradientReport", "Program", "check_gradients", "source"]
