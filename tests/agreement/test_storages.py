"""The table of operations on other libraries' arrays, against torch: values, gradients and errors; dtype and device kept."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings

import micrograd_sm
from tests.agreement.oracle import assert_agreement
from tests.agreement.rows import Row
from tests.agreement.storages import KINDS, Stored
from tests.agreement.test_operations import TABLE, name_of, problem

np = pytest.importorskip("numpy")


@pytest.mark.filterwarnings("ignore")  # NumPy warns of inf and nan, Dask of many chunks
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", TABLE, ids=name_of)
def test_the_table(kind: Any, row: Row) -> None:
    library = Stored(*kind)
    if row.inputs == 0:
        assert_agreement(row.program, [], [], ours=library)
        return

    @settings(max_examples=1 if library.name == "dask" else 3, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(problem(row))
    def agree(drawn: tuple) -> None:
        assert_agreement(row.program, *drawn, order=1 if library.name == "dask" else row.order, ours=library)

    agree()


SINGLE = [row for row in TABLE if row.inputs]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", SINGLE, ids=name_of)
def test_precision_and_device_are_kept(kind: Any, row: Row) -> None:
    library = Stored(*kind, dtype="float32")

    @settings(max_examples=1, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(problem(row))
    def kept(drawn: tuple) -> None:
        leaves = [library.new(nested).reshape(shape).detach() for nested, shape in zip(*drawn)]
        for leaf in leaves:
            leaf.requires_grad = True
        out = row.program(library, *leaves)
        if out.requires_grad:
            out.sum().backward()
            for x in [out.data, *(leaf.grad for leaf in leaves if leaf.grad is not None)]:
                assert str(x.dtype).endswith("float32") and getattr(x, "device", None) == getattr(
                    leaves[0].data, "device", None
                )

    try:
        kept()
    except (IndexError, RuntimeError, ValueError) as error:
        pytest.skip(f"this example is refused: {error}")


GRADIENTS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: (a + b).sum(),
    "reshape": lambda a, b: (a + b.reshape(4).reshape(2, 2)).sum(),
    "transpose": lambda a, b: (a.T * b.T * 2.0).sum(),
    "expand": lambda a, b: a.sum() + b.sum(),
    "slices": lambda a, b: (a[0] + b[1]).sum() + a[:, 1].sum(),
    "matmul": lambda a, b: (a @ b.T).sum(),
    "leaf": lambda a, b: (a + b) * 1.0,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", GRADIENTS)
def test_each_grad_may_be_changed_in_place_alone(kind: Any, name: str) -> None:
    library = Stored(*kind)
    numbers = [[[1.0, 2.0], [3.0, 4.0]], [[0.5, -1.0], [2.0, 0.25]]]
    leaves = [library.new(x) for x in numbers]
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
    for inputs, data in ((leaves, library.array), (tensors, torch.tensor)):
        out = GRADIENTS[name](*inputs)
        out.backward(data(np.ones((2, 2))) if name == "leaf" else None)
        for x in inputs:
            x.grad *= 0.5
    for leaf, tensor in zip(leaves, tensors):
        assert micrograd_sm.Value(leaf.grad).tolist() == tensor.grad.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_given_to_backward_is_not_changed_with_grad(kind: Any) -> None:
    library = Stored(*kind)
    x, seed = library.new([1.0, 2.0]), library.new([3.0, 4.0]) * 1.0
    y = x + 1.0
    y.backward(seed)
    y.grad *= 2.0
    x.grad *= 0.5
    assert [micrograd_sm.Value(data).tolist() for data in (seed.data, y.grad, x.grad)] == [[3.0, 4.0], [6.0, 8.0], [1.5, 2.0]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_of_a_leaf_has_its_precision(kind: Any) -> None:
    narrow, wide = Stored(*kind, dtype="float32").new([1.0, 2.0]), Stored(*kind).new([3.0, 4.0])
    a, b = torch.tensor([1.0, 2.0], dtype=torch.float32, requires_grad=True), torch.tensor([3.0, 4.0], dtype=torch.float64)
    (narrow * wide).sum().backward()
    (a * b).sum().backward()
    assert str(narrow.grad.dtype).endswith("float32") and str(wide.grad.dtype).endswith("float64")
    assert micrograd_sm.Value(narrow.grad).tolist() == a.grad.tolist()


WHOLE: dict[str, Callable[[Any], Any]] = {
    "i * 2": lambda i: i * 2, "2 * i": lambda i: 2 * i, "i + 1": lambda i: i + 1, "1 - i": lambda i: 1 - i,
    "i ** 2": lambda i: i**2, "2 ** i": lambda i: 2**i, "i // 2": lambda i: i // 2, "i % 2": lambda i: i % 2,
    "i / 2": lambda i: i / 2, "i * 2.0": lambda i: i * 2.0, "i * i - i": lambda i: i * i - i,
}  # fmt: skip


def kind(x: Any) -> tuple[bool, Any]:
    """Return whether the elements are floats, and the numbers."""
    return "float" in str(x.dtype), x.tolist()


@pytest.mark.parametrize("stored", KINDS)
@pytest.mark.parametrize("name", WHOLE)
def test_a_python_number_never_widens_an_array(stored: Any, name: str) -> None:
    for dtype, data in (("int64", [3, 4]), ("bool", [True, False]), ("uint8", [3, 4]), ("float32", [3.0, 4.0])):
        if dtype == "bool" and name in ("1 - i", "i % 2", "i // 2", "i * i - i"):  # torch refuses most
            continue
        ours = micrograd_sm.Value(Stored(*stored).array(np.asarray(data, dtype=dtype)), requires_grad=False)
        theirs = torch.tensor(data, dtype=getattr(torch, dtype))
        if not (name == "1 - i" and dtype == "uint8"):  # it wraps
            out = WHOLE[name](ours)
            assert kind(out) == kind(WHOLE[name](theirs)), dtype
            assert dtype != "uint8" or kind(out)[0] or str(out.dtype).endswith("uint8")
        if dtype == "float32":
            assert str(WHOLE[name](ours).dtype).endswith("float32")


@pytest.mark.parametrize("stored", KINDS)
@pytest.mark.parametrize("whole", ["int64", "int32", "uint8"])
@pytest.mark.parametrize("operation", ["add", "sub", "mul", "truediv", "pow"])
def test_ints_never_widen_floats(stored: Any, whole: str, operation: str) -> None:
    library, apply = Stored(*stored), getattr(operator, operation)
    for ints in (np.array([1, 2, 3], dtype=whole), np.array(1, dtype=whole)):
        x, t = Stored(*stored, dtype="float32").new([1.5, 2.0, 3.0]), torch.tensor([1.5, 2.0, 3.0], requires_grad=True)
        for swapped in (False, True):
            for data in (library.array(ints), ints.tolist()):
                i, j = micrograd_sm.Value(data, requires_grad=False), torch.asarray(ints)
                out, expected = (apply(b, a) if swapped else apply(a, b) for a, b in ((x, i), (t, j)))
                assert str(out.dtype).endswith("float32") and out.tolist() == pytest.approx(expected.tolist())
                out.sum().backward()
                expected.sum().backward()
                assert str(x.grad.dtype).endswith("float32")
                assert micrograd_sm.Value(x.grad).tolist() == pytest.approx(t.grad.tolist())
