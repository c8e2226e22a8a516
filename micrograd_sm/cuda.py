"""The answers of a machine without a GPU, for programs that ask `torch.cuda.is_available()`: the numbers are on the CPU.

>>> from micrograd_sm import cuda, zeros
>>> zeros(2, device="cuda" if cuda.is_available() else "cpu").device
device(type='cpu')
"""

from __future__ import annotations

from typing import Any

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all"]


def is_available() -> bool:
    """Return False (torch.cuda.is_available).

    >>> is_available()
    False
    """
    return False


def device_count() -> int:
    """Return 0 (torch.cuda.device_count).

    >>> device_count()
    0
    """
    return 0


def manual_seed(seed: int) -> None:
    """Do nothing, as there is no GPU to seed (torch.cuda.manual_seed).

    >>> manual_seed(0)
    """


manual_seed_all: Any = manual_seed


def empty_cache() -> None:
    """Do nothing (torch.cuda.empty_cache).

    >>> empty_cache()
    """
