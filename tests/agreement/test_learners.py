"""More programs of learners, with modules, optimizers and losses: each runs on torch and here, and gives the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import micrograd_sm
from tests.agreement.learners_networks import NETWORKS
from tests.agreement.learners_training import TRAINING, saved
from tests.agreement.test_programs import close, in_float64, plain

__all__ = ["in_float64"]  # a fixture


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")
@pytest.mark.parametrize("program", [*NETWORKS, *TRAINING], ids=lambda program: program.__name__)
def test_it_gives_what_torch_gives(program: Callable) -> None:
    theirs, ours = plain(program(torch)), plain(program(micrograd_sm))
    for place, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert close(a, b), f"result {place}: ours {a}, torch's {b}"


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    theirs, ours = plain(saved(torch, tmp_path)), plain(saved(micrograd_sm, tmp_path))
    for place, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert close(a, b), f"result {place}: ours {a}, torch's {b}"
