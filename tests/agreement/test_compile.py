"""Every operation of the table, compiled: the engine's own bits, at numbers that were not recorded, and the edges of floats."""

from __future__ import annotations

import math
import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from micrograd_sm import Value, compile
from micrograd_sm.program.c import compiler
from tests.agreement.oracle import OURS, seeds
from tests.agreement.rows import Row
from tests.agreement.test_operations import SPECIAL, TABLE, name_of, problem
from tests.test_compile import bits, recordings

NEEDS_NUMBERS = {  # its shape, or the indices that it reads with, depend on the numbers: it raises, and says so
    "histogram", "index", "masked_select", "max", "median", "min",
}  # fmt: skip
RANDOM = {"bernoulli", "multinomial"}
EVERY = int(os.environ.get("MICROGRAD_SM_EVERY_ROW", "8"))  # of so many rows one is compiled as C, which takes a while
CHOOSES = {  # the library looks at the numbers and takes another way for some: it is recorded for each
    "all", "allclose", "any", "argsort", "binary_cross_entropy", "cosine_similarity", "count_nonzero", "equal",
    "gaussian_nll_loss", "histogram", "logaddexp", "median", "nonzero", "norm", "remainder", "sort", "std",
    "take_along_dim", "topk", "where",
}  # fmt: skip


def outcome(f: Any, data: list[Any], shapes: Any) -> Any:
    """Return the bits of the value, and of the gradients with two upstream gradients; or the error."""
    leaves = [Value(Value(nested).reshape(tuple(shape)).data) for nested, shape in zip(data, shapes)]
    try:
        out = f(*leaves)
    except (RuntimeError, ValueError, IndexError) as error:
        return type(error), str(error)
    found = [bits(out.data), out.shape, out.dtype, out.requires_grad]
    for upstream in ([seeds(out.shape, 0.3), None][: 1 + (math.prod(out.shape) == 1)]) if out.requires_grad else ():
        for leaf in leaves:
            leaf.grad = None
        f(*leaves).backward(None if upstream is None else Value(upstream).reshape(out.shape))
        found.append([bits(leaf.grad) for leaf in leaves])
    return found


def edges(nested: Any, generator: random.Random) -> Any:
    return [edges(x, generator) for x in nested] if isinstance(nested, list) else generator.choice(SPECIAL)


@pytest.mark.parametrize("row", TABLE, ids=name_of)
def test_the_same_bits(row: Row) -> None:
    check_bits(row, "python", examples=8)


@pytest.mark.skipif(not compiler(), reason="there is no C compiler")
@pytest.mark.parametrize("row", TABLE[::EVERY], ids=name_of)
def test_the_same_bits_in_c(row: Row) -> None:
    check_bits(row, "c", examples=2)


def check_bits(row: Row, backend: str, examples: int) -> None:
    problems: list[Any] = [([], ())]
    if row.inputs:
        problems.clear()

        @settings(max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck])
        @given(problem(row))
        def draw(drawn: Any) -> None:
            problems.append(drawn)

        draw()
    generator = random.Random(row.operation)
    step = compile(lambda *leaves: row.program(OURS, *leaves), backend)
    refused = 0
    for data, shapes in problems:
        for point in (data, edges(data, generator), edges(data, generator), data):
            expected, found = outcome(step.function, point, shapes), outcome(step, point, shapes)
            refusal = "compile: the function " if row.operation in NEEDS_NUMBERS | RANDOM else "compile: there is no C for"
            if str(found[1]).startswith(refusal):
                refused += 1
            else:
                assert found == expected, (point, shapes, step.code)
    if row.operation not in CHOOSES:
        assert recordings(step) <= len({str(shapes) for _, shapes in problems}) or refused, step.code
