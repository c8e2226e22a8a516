"""The source of random numbers: one default generator, or the caller's own `random.Random`."""

from __future__ import annotations

from random import Random
from typing import Any

_default = Random()


def manual_seed(seed: int) -> Random:
    """Seed the default generator, and return it (torch.manual_seed). The numbers are Python's, not torch's.

    >>> from micrograd_sm import rand
    >>> _ = manual_seed(0); first = rand(3).tolist()
    >>> _ = manual_seed(0); rand(3).tolist() == first
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"manual_seed: seed must be an int, got {seed!r}")
    _default.seed(seed)
    return _default


def generator_or_default(generator: Any, function: str) -> Random:
    """Return the generator, or the default one if it is None. Raises TypeError if it is not a `random.Random`."""
    if generator is None:
        return _default
    if not isinstance(generator, Random):
        raise TypeError(f"{function}: generator must be a random.Random, got {generator!r}")
    return generator
