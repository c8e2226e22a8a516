"""A user's own backward pass, recorded as steps that can be walked through, forward and back."""

from micrograd_sm.steps.formula import Formula
from micrograd_sm.steps.parts import Contribution, Step
from micrograd_sm.steps.record import Steps, steps

__all__ = ["Contribution", "Formula", "Step", "Steps", "steps"]
