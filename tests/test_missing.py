"""What torch has and micrograd_sm has not: each name says what to use, in the same words everywhere."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

import micrograd_sm
from micrograd_sm import Value, nn, optim
from micrograd_sm.missing import METHODS

x = Value([1.0, 2.0], name="x")


@pytest.mark.parametrize(
    "ask, words",
    [
        (lambda: micrograd_sm.conv2d, ["micrograd_sm has no 'conv2d'; ", "windows of the input", "micrograd_sm.torch.record"]),
        (lambda: micrograd_sm.fft, ["micrograd_sm has no 'fft'; ", "micrograd_sm.torch.record"]),
        (lambda: micrograd_sm.sofmax, ["micrograd_sm has no 'sofmax'; did you mean 'softmax'?"]),
        (lambda: micrograd_sm.functional.max_pool2d, ["has no 'max_pool2d'; ", "amax"]),
        (lambda: nn.LSTM, ["has no 'LSTM'; ", "its cell"]),
        (lambda: nn.functional.grid_sample, ["has no 'grid_sample'; "]),
        (lambda: optim.LBFGS, ["has no 'LBFGS'; "]),
        (lambda: x.svd, ["Value has no 'svd'; "]),
        (lambda: x.grad_fn, ["Value has no 'grad_fn'; ", ".op", ".parents"]),
        (lambda: x.data.zero_, ["Array, which never changes", "zero_", "x.grad = None"]),
        (lambda: x.data.svd, ["Array has no 'svd'; "]),
    ],
)
def test_it_says_what_to_use(ask: Callable, words: list[str]) -> None:
    with pytest.raises(AttributeError) as error:
        ask()
    assert all(word in str(error.value) for word in words), str(error.value)


def test_an_array_says_how_to_set_elements() -> None:
    with pytest.raises(TypeError, match=r"never changes.*x\[\.\.\.\] = v"):
        x.data[0] = 1.0


def test_what_is_missing_is_not_there_and_not_listed() -> None:
    assert not hasattr(x, "svd") and not hasattr(micrograd_sm, "conv2d") and not hasattr(x.data, "zero_")
    assert {"svd", "zero_"}.isdisjoint(dir(x.data)) and "svd" not in dir(x) and {"exp", "zero_", "data"} <= set(dir(x))
    assert copy.copy(x).tolist() == pickle.loads(pickle.dumps(x)).tolist() == [1.0, 2.0]


def test_every_name_is_missing_indeed() -> None:
    lacking = [name for name in METHODS if not hasattr(x, name)]
    assert len(lacking) > 150
