"""The source of random numbers: one default generator, or the caller's own `Generator` or `random.Random`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from micrograd_sm.array.dtypes import check_device


class Generator(Random):
    """A source of random numbers of its own (torch.Generator). The numbers are Python's, not torch's.

    >>> from micrograd_sm import rand
    >>> rand(2, generator=Generator().manual_seed(7)).tolist() == rand(2, generator=Generator().manual_seed(7)).tolist()
    True
    """

    def __init__(self, device: Any = "cpu") -> None:
        check_device(device, "Generator")
        super().__init__()

    def manual_seed(self, seed: int) -> Generator:
        """Start again from a seed, and return the generator (torch.Generator.manual_seed). Raises TypeError if it is no int.

        >>> Generator().manual_seed(7).random() == Generator().manual_seed(7).random()
        True
        """
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise TypeError(f"manual_seed: seed must be an int, got {seed!r}")
        self.seed(seed)
        return self


_default = Generator()
asked: list[Callable[[], None]] = []  # called whenever a function asks for a generator


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, and return it (torch.manual_seed). The numbers are Python's, not torch's.

    >>> from micrograd_sm import rand
    >>> _ = manual_seed(0); first = rand(3).tolist()
    >>> _ = manual_seed(0); rand(3).tolist() == first
    True
    """
    return _default.manual_seed(seed)


def generator_or_default(generator: Any, function: str) -> Random:
    """Return the generator, or the default one if it is None. Raises TypeError if it is not a `random.Random`."""
    for listener in asked:
        listener()
    if generator is None:
        return _default
    if not isinstance(generator, Random):
        raise TypeError(f"{function}: generator must be a Generator or a random.Random, got {generator!r}")
    return generator
