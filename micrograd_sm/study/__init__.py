"""Study the gradients of losses: how far to trust them."""

from micrograd_sm.study.checks import Finding, GradientReport, check_gradients

__all__ = ["Finding", "GradientReport", "check_gradients"]
