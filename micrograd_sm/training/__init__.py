"""A training, iteration by iteration, on one page."""

from micrograd_sm.training.film import Training

__all__ = ["Training"]
