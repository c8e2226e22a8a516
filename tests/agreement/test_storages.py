"""The table of operations on other libraries' arrays, against torch: values, gradients and errors; dtype and device kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.agreement.oracle import assert_agreement
from tests.agreement.rows import Row
from tests.agreement.storages import KINDS, Stored
from tests.agreement.test_operations import TABLE, name_of, problem


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
