"""A training, iteration by iteration, on one page."""

from micrograd_sm.training.film import Frame, Training

__all__ = ["Frame", "Training"]
