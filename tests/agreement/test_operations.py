"""Every public operation against torch: value, shape, first and second derivative, errors by kind.

One table. A program is written once and run on both libraries; `m` is the library.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import micrograd_sm
from micrograd_sm.functional.kinds import kind_of
from tests.agreement.oracle import OURS, THEIRS, assert_agreement, close
from tests.agreement.rows import NONEMPTY, POSITIVE, Row, any_shape, broadcasting, fixed, multiplying, one
from tests.agreement.rows_of_elements import ROWS as OF_ELEMENTS
from tests.agreement.rows_of_tensors import ROWS as OF_TENSORS

inf, nan = float("inf"), float("nan")
SPECIAL = [inf, -inf, nan, 0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 1000.0, -1000.0, 2.0]


TABLE = [
    Row("add", lambda m, a, b: a + b, inputs=2),
    Row("subtract", lambda m, a, b: a - b, inputs=2),
    Row("multiply", lambda m, a, b: a * b, inputs=2),
    Row("divide", lambda m, a, b: a / b, inputs=2, **POSITIVE),
    Row("negative", lambda m, a: -a),
    Row("power", lambda m, a, b: a**b, inputs=2, **POSITIVE),
    *(Row("power", lambda m, a, e=e: a**e, special=e != 1.5, **POSITIVE) for e in (2, 3.0, 0.5, -0.5, -1, -2, 0, 1, 1.5)),
    Row("power", lambda m, a: 2.0**a),
    Row("add", lambda m, a: 2.5 + a),
    Row("subtract", lambda m, a: 2.5 - a),
    Row("multiply", lambda m, a: 2.5 * a),
    Row("divide", lambda m, a: 2.5 / a, **POSITIVE),
    Row("divide", lambda m, a: a / 2.5),
    Row("exp", lambda m, a: m.exp(a)),
    Row("log", lambda m, a: m.log(a), **POSITIVE),
    Row("log1p", lambda m, a: m.log1p(a), low=-0.9),
    Row("sqrt", lambda m, a: m.sqrt(a), **POSITIVE),
    Row("sin", lambda m, a: m.sin(a)),
    Row("cos", lambda m, a: m.cos(a)),
    Row("tanh", lambda m, a: m.tanh(a)),
    Row("sigmoid", lambda m, a: m.sigmoid(a)),
    Row("logit", lambda m, a: m.logit(a), low=0.05, high=0.95),
    Row("softplus", lambda m, a: m.softplus(a)),
    Row("softplus", lambda m, a: m.softplus(a, 2.0, 1.0001)),  # at the threshold itself torch's second derivative is 0
    Row("relu", lambda m, a: m.relu(a)),
    Row("abs", lambda m, a: m.abs(a)),
    Row("abs", lambda m, a: abs(a)),
    Row("maximum", lambda m, a, b: m.maximum(a, b), inputs=2),
    Row("minimum", lambda m, a, b: m.minimum(a, b), inputs=2),
    Row("where", lambda m, a, b: m.where(a > b, a, b * 2.0), inputs=2),
    Row("where", lambda m, a, b: a.where(b < 0.5, b), inputs=2),
    Row("masked_fill", lambda m, a: m.masked_fill(a, a > 0.5, -inf)),
    Row("masked_fill", lambda m, a: m.masked_fill(a, m.bools([[True], [False]]), 7.0), shapes=fixed((2, 3))),
    Row("sum", lambda m, a: m.sum(a)),
    Row("sum", lambda m, a: m.sum(a, dim=-1, keepdim=True)),
    Row("sum", lambda m, a: m.sum(a, dim=(0, -1)), shapes=one(any_shape(least=2))),
    Row("sum", lambda m, a: m.sum(a, dim=())),
    Row("mean", lambda m, a: m.mean(a)),
    Row("mean", lambda m, a: m.mean(a, dim=0)),
    Row("mean", lambda m, a: m.mean(a, dim=(0, 2), keepdim=True), shapes=one(any_shape(least=3))),
    Row("max", lambda m, a: m.max(a)),
    Row("max", lambda m, a: m.max(a, dim=-1)[0]),
    Row("max", lambda m, a: a.max(dim=0, keepdim=True).values),
    Row("max", lambda m, a, b: m.max(a, b), inputs=2, shapes=fixed((2, 3), (3,))),
    Row("min", lambda m, a: m.min(a)),
    Row("min", lambda m, a, b: m.min(a, b), inputs=2, shapes=fixed((2, 3), (3,))),
    Row("min", lambda m, a: m.min(a, dim=-1)[0]),
    Row("min", lambda m, a: a.min(dim=0, keepdim=True).values),
    Row("amax", lambda m, a: m.amax(a, dim=-1)),
    Row("amax", lambda m, a: m.amax(a, dim=(0, 1), keepdim=True), shapes=one(any_shape(least=2))),
    Row("amax", lambda m, a: a.amax()),
    Row("amin", lambda m, a: m.amin(a, dim=0)),
    Row("amin", lambda m, a: a.amin()),
    Row("argmax", lambda m, a: m.argmax(a)),
    Row("argmax", lambda m, a: m.argmax(a, dim=-1, keepdim=True)),
    Row("argmax", lambda m, a: m.argmax(a, keepdim=True)),
    Row("argmin", lambda m, a: m.argmin(a)),
    Row("argmin", lambda m, a: m.argmin(a, dim=0)),
    Row("logsumexp", lambda m, a: m.logsumexp(a, dim=-1), special=False),  # see test_logsumexp_at_the_edges
    Row("logsumexp", lambda m, a: m.logsumexp(a, dim=(0, 1), keepdim=True), shapes=one(any_shape(least=2))),
    Row("softmax", lambda m, a: m.softmax(a, dim=-1)),
    Row("softmax", lambda m, a: a.softmax(0)),
    Row("log_softmax", lambda m, a: m.log_softmax(a, dim=-1)),
    Row("log_softmax", lambda m, a: a.log_softmax(0)),
    Row("matmul", lambda m, a, b: a @ b, inputs=2, shapes=multiplying(), special=False),
    Row("matmul", lambda m, a, b: m.matmul(a, b), inputs=2, shapes=multiplying(), special=False),
    Row("linear", lambda m, x, w, b: m.linear(x, w, b), inputs=3, shapes=fixed((2, 3), (4, 3), (4,)), special=False),
    Row("linear", lambda m, x, w: m.linear(x, w), inputs=2, shapes=fixed((2, 2, 3), (4, 3)), special=False),
    Row("linear", lambda m, x, w, b: m.linear(x, w, b), inputs=3, shapes=fixed((3,), (4, 3), (4,)), special=False),
    Row("reshape", lambda m, a: m.reshape(a, (-1,)), shapes=NONEMPTY),
    Row("reshape", lambda m, a: a.reshape(3, -1), shapes=fixed((2, 3))),
    Row("reshape", lambda m, a: m.reshape(a, (0, 5)), shapes=fixed((2, 0))),
    Row("transpose", lambda m, a: m.transpose(a, 0, -1)),
    Row("transpose", lambda m, a: a.T, shapes=fixed((2, 3))),
    Row("permute", lambda m, a: m.permute(a, (2, 0, 1)), shapes=one(any_shape(least=3))),
    Row("permute", lambda m, a: a.permute(1, -2), shapes=fixed((2, 3))),
    Row("squeeze", lambda m, a: m.squeeze(a)),
    Row("squeeze", lambda m, a: m.squeeze(a, 0)),
    Row("squeeze", lambda m, a: m.squeeze(a, (0, 1)), shapes=one(any_shape(least=2))),
    Row("unsqueeze", lambda m, a: m.unsqueeze(a, -1)),
    Row("unsqueeze", lambda m, a: m.unsqueeze(a, 0)),
    Row("expand", lambda m, a: m.expand(a, 4, -1, 3), shapes=fixed((2, 1))),
    Row("expand", lambda m, a: m.expand(a, (2, 2)), shapes=fixed(())),
    Row("cat", lambda m, a, b: m.cat([a, b, a], 0), inputs=2, shapes=fixed((2, 3), (1, 3))),
    Row("cat", lambda m, a, b: m.cat((a, b), dim=-1), inputs=2, shapes=fixed((2, 3), (2, 0))),
    Row("cat", lambda m, a, b: m.cat((a, b)), inputs=2, shapes=fixed((0,), (2, 2))),
    Row("stack", lambda m, a, b: m.stack([a, b, a], 0), inputs=2, shapes=any_shape().map(lambda s: (s, s))),
    Row("stack", lambda m, a, b: m.stack([a, b], -1), inputs=2, shapes=any_shape().map(lambda s: (s, s))),
    Row("gather", lambda m, a: m.gather(a, 1, m.ints([[0, 0], [2, 1]])), shapes=fixed((2, 3))),
    Row("gather", lambda m, a: m.gather(a, 0, m.ints([[1, 0, 1]])), shapes=fixed((2, 3))),
    Row("gather", lambda m, a: a.gather(-1, m.ints([2, 2])), shapes=fixed((3,))),
    Row("gather", lambda m, a: m.gather(a, 1, m.ints([])), shapes=fixed((2, 3))),
    Row("index_select", lambda m, a: m.index_select(a, 1, m.ints([2, 0, 2])), shapes=fixed((2, 3))),
    Row("index_select", lambda m, a: a.index_select(0, m.ints(1)), shapes=fixed((2, 3))),
    *(
        Row("index", lambda m, a, key=key: a[key], shapes=fixed((2, 3, 4)))
        for key in (
            0, -1, (1, 2), (1, -1, 0), slice(None), slice(1, None), slice(-2, None), slice(5, 9), slice(0, 3, 2), None, ...,
            (..., 0), (slice(None), 1), (None, 0, None), (0, ..., None), (slice(None), slice(1, 3), -1), [1, 0, 1],
            ([0, 1], [2, 0]), (slice(None), [0, 2, 2]), ([1, 0], slice(None), [3, 3]), (0, slice(None), [1, 2]),
            (slice(None), [0, 1], [2, 3]), ([[0], [1]], [0, 2]), (1, [2, 0]), [True, False], ([True, False], 0),
            (slice(None), [True, False, True]),
            (..., [False, True, True, False]), True, False, (0, [], 0), (None, [1, 1], ...),
        )
    ),
    Row("index", lambda m, a: a[m.bools([[True, False, True], [False, True, False]])], shapes=fixed((2, 3, 4))),
    Row("index", lambda m, a: a[m.ints([[0, 1], [1, 1]])], shapes=fixed((2, 3))),
    Row("index", lambda m, a: a[a > 0.5]),
    Row("one_hot", lambda m: m.one_hot(m.ints([[0, 2], [1, 1]])), inputs=0),
    Row("one_hot", lambda m: m.one_hot(m.ints([0, 2]), 5), inputs=0),
    Row("one_hot", lambda m: m.one_hot(m.ints(1), num_classes=3), inputs=0),
    Row("multinomial", lambda m: m.multinomial(m.new([[0.0, 3.0], [2.0, 0.0]], False), 1), inputs=0),
    Row("multinomial", lambda m: m.multinomial(m.new([0.0, 0.0, 0.5], False), 4, replacement=True), inputs=0),
    Row("mse_loss", lambda m, a, b: m.mse_loss(a, b), inputs=2, shapes=any_shape().map(lambda s: (s, s))),
    Row("mse_loss", lambda m, a, b: m.mse_loss(a, b, reduction="sum"), inputs=2, shapes=fixed((2, 3), (2, 3))),
    Row("mse_loss", lambda m, a, b: m.mse_loss(a, b, reduction="none"), inputs=2, shapes=fixed((2, 3), (2, 3))),
    Row("nll_loss", lambda m, a: m.nll_loss(a, m.ints([2, 0])), shapes=fixed((2, 3))),  # more in test_losses
    Row("cross_entropy", lambda m, a: m.cross_entropy(a, m.ints([2, 0])), shapes=fixed((2, 3))),
    Row("cross_entropy", lambda m, a, t: m.cross_entropy(a, t), inputs=2, shapes=fixed((2, 3), (2, 3)), special=False),
    Row("binary_cross_entropy_with_logits", lambda m, a: m.binary_cross_entropy_with_logits(a, m.new([0.0, 1.0, 0.25], False)),
        shapes=fixed((3,))),
    *OF_ELEMENTS,
    *OF_TENSORS,
]  # fmt: skip

OPERATORS = {"add", "bitwise_xor", "subtract", "multiply", "divide", "negative", "power", "index"}


def name_of(row: Row) -> str:
    return row.operation


def test_every_public_operation_is_in_the_table() -> None:
    public = set(micrograd_sm.functional.__all__)
    assert public <= {row.operation for row in TABLE}
    assert {row.operation for row in TABLE} - OPERATORS <= public


def nested(draw: Any, shape: tuple, element: st.SearchStrategy) -> Any:
    return [nested(draw, shape[1:], element) for _ in range(shape[0])] if shape else draw(element)


@st.composite
def problem(draw: Any, row: Row) -> tuple:
    if row.shapes is not None:
        shapes = draw(row.shapes)
    else:
        shapes = draw(broadcasting(row.inputs))
    element = st.floats(row.low, row.high, allow_subnormal=False).map(lambda x: round(x, 3))
    return [nested(draw, shape, element) for shape in shapes], shapes


@pytest.mark.parametrize("row", TABLE, ids=name_of)
def test_drawn_inputs(row: Row) -> None:
    if row.inputs == 0:
        assert_agreement(row.program, [], [])
        return

    @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(problem(row))
    def agree(drawn: tuple) -> None:
        assert_agreement(row.program, *drawn, order=row.order)

    agree()


@pytest.mark.parametrize("row", [row for row in TABLE if row.special and row.inputs == 1 and row.shapes is None], ids=name_of)
def test_special_values(row: Row) -> None:
    for x in SPECIAL:
        assert_agreement(row.program, [x], [()], order=1)
        for y in SPECIAL:
            assert_agreement(row.program, [[x, y]], [(2,)], order=1)


@pytest.mark.parametrize("row", [row for row in TABLE if row.special and row.inputs == 2 and row.shapes is None], ids=name_of)
def test_special_pairs(row: Row) -> None:
    for x in SPECIAL:
        for y in SPECIAL:
            assert_agreement(row.program, [[x], [y]], [(1,), (1,)], order=1)


INTS = [
    [[[3, 1, 2], [2, 3, 1]], [[1, 2, 2], [1, 1, 3]], [[2, 2, 1], [1, 3, 2]]],
    [[1, -2, 3], [2, 1, 1], [1, 1, 2]],
    [2, 3, 1],
]
# On integers torch cuts a number with a fraction down to a whole one; here the result has the fraction.
CUTS = {"masked_fill", "scatter", "hardtanh", "hinge_embedding_loss", "dropout", "smooth_l1_loss"}


@pytest.mark.parametrize("row", [row for row in TABLE if row.inputs and row.operation not in CUTS], ids=name_of)
def test_integers_are_integers_where_torch_has_them(row: Row) -> None:
    for data in INTS if row.shapes is None else INTS[:1]:
        try:
            theirs = row.program(THEIRS, *map(torch.tensor, data[: row.inputs]))
        except Exception:  # what torch refuses may be answered here
            continue
        if isinstance(theirs, torch.Tensor):
            mine = row.program(OURS, *(micrograd_sm.Value(x, requires_grad=False) for x in data[: row.inputs]))
            assert close(mine.tolist(), theirs.tolist(), rtol=1e-6)
            assert kind_of(mine) is (float if theirs.is_floating_point() else bool if theirs.dtype is torch.bool else int)


@pytest.mark.parametrize("x", [x for x in SPECIAL if abs(x) != 1e308], ids=str)
@pytest.mark.parametrize("y", SPECIAL, ids=str)
def test_logsumexp_at_the_edges(x: float, y: float) -> None:
    """All but two maxima of 1e308, where torch's gradient is 1 for each and ours is the true 1/2."""
    assert_agreement(lambda m, a: m.logsumexp(a, dim=-1), [[x, y]], [(2,)], order=1)
    assert_agreement(lambda m, a: m.logsumexp(a, dim=0), [x], [()], order=1)


def test_the_gradient_of_logsumexp_sums_to_1_where_torchs_does_not() -> None:
    x = micrograd_sm.Value([1e308, 1e308])
    x.logsumexp(0).backward()
    assert x.grad.tolist() == [0.5, 0.5]
