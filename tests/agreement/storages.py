"""micrograd_sm on other libraries' arrays, as a program of the table sees it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
import torch

import micrograd_sm
from tests.agreement.oracle import Ours

np = pytest.importorskip("numpy")


class Stored(Ours):
    """micrograd_sm with every number in another library's arrays: inputs, constants, indices and masks."""

    def __init__(self, name: str, array: Callable, dtype: str = "float64") -> None:
        self.name, self.array, self.dtype = name, array, dtype

    def new(self, data: Any, requires_grad: bool = True) -> micrograd_sm.Value:
        return micrograd_sm.Value(self.array(np.asarray(data, dtype=self.dtype)), requires_grad=requires_grad)

    def ints(self, data: Any) -> Any:
        return self.array(np.asarray(data, dtype="int64"))

    def bools(self, data: Any) -> Any:
        return self.array(np.asarray(data, dtype="bool"))

    def ints_of(self, data: Any) -> micrograd_sm.Value:
        return micrograd_sm.Value(self.ints(data), requires_grad=False)

    def __repr__(self) -> str:
        return self.name


def on_torch(device: str) -> Callable:
    return lambda array: torch.asarray(array, device=device)


def on_dask(array: Any) -> Any:
    dask = pytest.importorskip("dask.array")
    importlib.import_module("dask").config.set(scheduler="synchronous")  # small chunks, many tasks: threads only cost
    return dask.from_array(array, chunks=2)


KINDS = [
    pytest.param(("numpy", lambda array: array), id="numpy"),
    pytest.param(("torch", on_torch("cpu")), id="torch"),
    pytest.param(("dask", on_dask), id="dask"),
    pytest.param(
        ("cuda", on_torch("cuda")),
        id="cuda",
        marks=pytest.mark.skipif(
            not torch.cuda.is_available(), reason="there is no GPU here: torch.cuda.is_available() is False"
        ),
    ),
]
