"""Steps of Values that live in NumPy's arrays: recorded as plain numbers, in the arithmetic of the pass."""

from __future__ import annotations

import pytest

from micrograd_sm import Value, steps

np = pytest.importorskip("numpy")


def test_single_precision_stays_what_backward_computes() -> None:
    data = np.array([1.1, -2.3], dtype=np.float32)
    x, y = Value(data, name="x"), Value(data)
    walk = steps((x * x * x).sum())
    (y * y * y).sum().backward()
    assert x.grad.dtype == y.grad.dtype == np.float32 and x.grad.tolist() == y.grad.tolist()
    assert walk.graph["v0"].grad.tolist() == x.grad.tolist() == walk.gradients(-1)["v0"].tolist()
    assert walk.check()
