"""The options of optimizers: which numbers they may be, and what is said of those that are not."""

from __future__ import annotations

from numbers import Real
from typing import Any

_OF_A_GPU = ("foreach", "fused", "capturable", "differentiable")


def number(x: Any, what: str) -> float:
    """Return an option as a float. Raises TypeError if it is not a number."""
    if isinstance(x, bool) or not isinstance(x, Real):
        raise TypeError(f"{what} must be a number, got {x!r}")
    return float(x)


def not_negative(x: Any, what: str) -> float:
    """Return an option as a float. Raises ValueError if it is negative or nan."""
    if not number(x, what) >= 0:
        raise ValueError(f"{what} must not be negative, got {x}")
    return float(x)


def within_0_and_1(xs: Any, what: str) -> tuple[float, float]:
    """Return two numbers from 0 to below 1, such as Adam's betas. Raises TypeError or ValueError for anything else."""
    if not isinstance(xs, (tuple, list)) or len(xs) != 2:
        raise TypeError(f"{what} must be two numbers, got {xs!r}")
    for x in xs:
        if not 0.0 <= number(x, what) < 1.0:
            raise ValueError(f"{what} must be within [0, 1), got {xs}")
    return float(xs[0]), float(xs[1])


def refuse_of_a_gpu(options: dict[str, Any], optimizer: str) -> None:
    """Let options of torch that choose among its programs be None or False. Raises TypeError or RuntimeError for others."""
    for name, option in options.items():
        if name not in _OF_A_GPU:
            raise TypeError(f"{optimizer}: unexpected option {name!r}")
        if option:
            raise RuntimeError(
                f"{optimizer}: {name}=True asks for one of torch's faster programs, which are not here; leave it out"
            )
