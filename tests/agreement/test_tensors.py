"""Functions on tensors where the table's rows do not reach: edges, running statistics, and several results at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import micrograd_sm
from micrograd_sm import Array, Graph, Value
from tests.agreement.oracle import OURS, THEIRS, assert_agreement, close, run

inf, nan = float("inf"), float("nan")


@pytest.mark.parametrize("data", [[0.0, 3.0, 2.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0, 1.0], [5.0]], ids=str)
def test_products_with_zeros(data: list) -> None:
    assert_agreement(lambda m, a: m.prod(a), [data], [(len(data),)])
    assert_agreement(lambda m, a: m.cumprod(a, 0), [data], [(len(data),)])


def test_a_product_with_inf_has_the_true_gradient_where_torchs_is_nan() -> None:
    x = Value([inf, 2.0, 3.0])
    x.prod().backward()
    assert x.grad.tolist() == [6.0, inf, inf]


@pytest.mark.parametrize("program", [lambda m, a: m.std(a), lambda m, a: m.norm(a - 2.0), lambda m, a: m.norm(a - 2.0, 3)])
def test_flat_roots(program: Any) -> None:
    assert_agreement(program, [[2.0, 2.0]], [(2,)], order=1)
    assert_agreement(lambda m, a: m.std(a, 1), [[[2.0, 2.0], [1.0, 3.0]]], [(2, 2)], order=1)


@pytest.mark.parametrize("data", [[], [1.0], [1.0, 3.0], [inf, 1.0], [nan, 1.0]], ids=str)
@pytest.mark.parametrize("correction", [0, 1, 2, 3])
@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
def test_corrections(data: list, correction: int) -> None:
    assert_agreement(lambda m, a: m.var(a, correction=correction), [data], [(len(data),)], order=0)
    assert_agreement(lambda m, a: m.std(a, dim=0, correction=correction), [data], [(len(data),)], order=0)


@pytest.mark.parametrize("p", ["fro", 1, 2, 3, 0.5, inf, -inf], ids=str)
@pytest.mark.parametrize("data", [[inf, 1.0], [-2.0, 2.0], [0.0, 1.0], [0.0, -0.0]], ids=str)
def test_norms_at_the_edges(data: list, p: Any) -> None:
    assert_agreement(lambda m, a: m.norm(a, p), [data], [(2,)], order=0 if inf in data else 1)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running_totals_of_inf_and_nan(name: str) -> None:
    for data in ([inf, 1.0, -inf, 2.0], [1.0, nan, 2.0], [0.0, inf, 1.0]):
        assert_agreement(lambda m, a: getattr(m, name)(a, 0), [data], [(len(data),)], order=0)


def test_a_running_sum_takes_few_values() -> None:
    assert len(Graph(Value([1.0] * 1024).cumsum(0))) < 60


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(3, 2), (2, 2, 3)])
def test_batch_norm_moves_its_running_statistics(shape: tuple, training: bool) -> None:
    found = []
    for m in (OURS, THEIRS):
        x = m.new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5][: torch.Size(shape).numel()]).reshape(shape)
        running_mean, running_var = m.new([0.5, 1.0], False), m.new([2.0, 3.0], False)
        out = m.batch_norm(x, running_mean, running_var, training=training, momentum=0.25)
        found.append([out.tolist(), running_mean.tolist(), running_var.tolist()])
    assert close(*found)
    assert (found[0][1] == [0.5, 1.0]) is not training


def test_nothing_moves_if_batch_norm_fails() -> None:
    running_mean, running_var = Value([0.5], False), Value([2.0], False)
    with pytest.raises(RuntimeError, match="weight"):
        micrograd_sm.batch_norm([[1.0], [2.0]], running_mean, running_var, weight=[1.0, 2.0], training=True)
    assert running_mean.tolist() == [0.5]


def test_the_padding_row_gets_no_gradient() -> None:
    weight = Value([[1.0], [2.0], [3.0]])
    micrograd_sm.embedding([0, 2, 2], weight, padding_idx=2).sum().backward()
    assert weight.grad.tolist() == [[1.0], [0.0], [0.0]]


def test_the_last_of_repeated_indices_wins() -> None:
    source = Value([1.0, 2.0])
    out = micrograd_sm.scatter(Value([0.0, 0.0]), 0, [1, 1], source)
    out.sum().backward()
    assert out.tolist() == [0.0, 2.0]
    assert source.grad.tolist() == [0.0, 1.0]


INTS = [lambda m, x: m.topk(x, 1, 0).indices, lambda m, x: m.median(x)]
BOOLS = [
    lambda m, x: m.sum(x), lambda m, x: m.cumsum(x, 0), lambda m, x: m.prod(x, 0), lambda m, x: m.sort(x, 0).values,
    lambda m, x: m.flip(x, (0,)), lambda m, x: x.repeat(2, 1), lambda m, x: m.all(x), lambda m, x: m.any(x, 1),
    lambda m, x: m.count_nonzero(x, 0), lambda m, x: m.unique(x), lambda m, x: m.tril(x), lambda m, x: m.cat(m.split(x, 1)),
    lambda m, x: m.diag(x), lambda m, x: m.nonzero(x), lambda m, x: m.scatter(x, 0, m.ints([[0, 1]]), x),
]  # fmt: skip


@pytest.mark.parametrize("function, data", [
    *((function, [[3, 0], [0, 2]]) for function in INTS + BOOLS),
    *((function, [[True, False], [True, True]]) for function in BOOLS),
])  # fmt: skip
def test_ints_stay_ints_and_bools_are_counted(function: Any, data: list) -> None:
    mine, theirs = function(OURS, Value(data, requires_grad=False)).tolist(), function(THEIRS, torch.tensor(data)).tolist()
    assert repr(mine) == repr(theirs)


def test_shapes_of_nothing_are_kept() -> None:
    for shape in ((0, 0), (0, 2), (2, 0)):
        nothing = Value([0.0] * 0).reshape(shape)
        assert nothing.sort(0).values.shape == nothing.argsort().shape == shape
        assert nothing.masked_select(nothing > 0).shape == nothing[nothing > 0].shape == (0,)


def test_an_array_is_an_input_too() -> None:
    x = Value([[1.0, -2.0], [3.0, 4.0]])
    assert (x == x).all().item() is micrograd_sm.all(x == x).item() is True
    assert (x > 0).any(dim=1).tolist() == [True, True] and (x > 0).sum().item() == 3
    with pytest.raises(RuntimeError, match="bools"):
        (x > 0).mean()
    assert micrograd_sm.std(Array([1.0, 3.0]), correction=0).item() == 1.0


def test_several_operands_of_einsum_in_the_order_of_torch() -> None:
    shapes = [(2, 3), (3, 4), (4, 2)]
    data = [torch.arange(1.0, 1 + torch.Size(shape).numel()).reshape(shape).tolist() for shape in shapes]
    mine, theirs = (run(m, lambda m, *xs: m.einsum("ij,jk,kl->li", *xs), data, shapes) for m in (OURS, THEIRS))
    assert close(mine.value, theirs.value)
    assert close(mine.first, theirs.first)


def test_a_matrix_product_is_one_matmul() -> None:
    a, b = Value([[1.0, 2.0]]), Value([[3.0], [4.0]])
    assert [node.op for node in Graph(micrograd_sm.einsum("ij,jk->ik", a, b), {}) if node.op] == ["matmul"]
