"""Values that hold NumPy arrays: the same primitives and rules, on another library's storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from micrograd_sm import (
    Array,
    Value,
    binary_cross_entropy_with_logits,
    cross_entropy,
    draw,
    einsum,
    embedding,
    layer_norm,
    maximum,
    stack,
)
from micrograd_sm import functional as F
from micrograd_sm.study import anomaly

np = pytest.importorskip("numpy")

PROGRAMS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b * 2.0 - 1.0,
    lambda a, b: a / b,
    lambda a, b: (a * a) ** b,
    lambda a, b: a.exp() + b.log() + b.log1p() + b.sqrt() + a.sin() + a.cos() + a.tanh() + a.sigmoid() + a.relu() + abs(a),
    lambda a, b: (
        a.erf() + a.clamp(-0.5, 0.5) + b.expm1() + b.floor() * a.round(decimals=1) + a % 0.3 + a.logaddexp(b) + b.sign()
    ),
    lambda a, b: (
        F.huber_loss(a, b) + F.smooth_l1_loss(a, b) + F.cosine_similarity(a, b).sum() + F.binary_cross_entropy(b / 3.0, b / 4.0)
    ),
    lambda a, b: (
        F.gelu(a) + F.silu(b) + F.elu(a) + F.normalize(b) + F.multi_margin_loss(a, [2, 0]) + F.triplet_margin_loss(a, b, a * b)
    ),
    lambda a, b: a.where(a > 0.2, b).masked_fill(b > 1.5, 3.0),
    lambda a, b: maximum(a, b).sum(1) * a.amax(1) + b.mean((0, 1)),
    lambda a, b: a @ b.T + b.reshape(3, 2).permute(1, 0) @ a.T,
    lambda a, b: stack([a, b])[1, :, [0, 2, 2]] + a[0, 1] + a.gather(1, [[0, 1], [2, 2]]).sum(),
    lambda a, b: a.logsumexp(0) + b.max(1).values.sum() + a.softmax(1)[0],
    lambda a, b: cross_entropy(a, [2, 0], weight=[1.0, 2.0, 3.0], label_smoothing=0.1) * b,
    lambda a, b: cross_entropy(a, [2, -100], reduction="none") + cross_entropy(a, b),
    lambda a, b: binary_cross_entropy_with_logits(a, b.sigmoid(), pos_weight=[2.0, 1.0, 1.0]),
    lambda a, b: a.std(1, keepdim=True) * b.prod(0) + a.norm() * (b * 0.0 + 2.0).norm(3, dim=0) + (b > 0).all() * a,
    lambda a, b: a.sort(1).values * b.topk(2, 0).values + a.cumsum(1) * b.cumprod(0) + a.median() + b.roll(1).flip(0),
    lambda a, b: a.tril() * b.triu(1) + a.scatter(0, [[0, 1]], b) * b.scatter_add(1, [[2], [0]], a) + a.diagonal().sum(),
    lambda a, b: einsum("ij,kj->ik", a, b) @ embedding([0, 1], b, padding_idx=1) + layer_norm(a, (3,)) * a.repeat(2, 1)[:2],
]
A, B = [[0.5, -1.0, 0.25], [1.0, 0.1, -0.3]], [[1.0, 2.0, 0.5], [0.3, 1.7, 1.1]]


def outcome(program: Callable, make: Callable) -> list:
    a, b = make(A), make(B)
    out = program(a, b)
    (out * out).sum().backward(create_graph=True)
    found = [out.tolist(), a.grad.tolist(), b.grad.tolist()]
    slope, a.grad = a.grad, None
    (slope * slope).sum().backward()
    return [*found, Value(a.grad).tolist()]


def flatten(nested: Any) -> list[float]:
    return [x for part in nested for x in flatten(part)] if isinstance(nested, list) else [nested]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_same_figures_as_on_our_own_arrays(program: Callable) -> None:
    ours = outcome(program, Value)
    theirs = outcome(program, lambda nested: Value(np.array(nested)))
    assert flatten(theirs) == pytest.approx(flatten(ours), rel=1e-12, abs=1e-14)


def test_the_storage_stays_numpys() -> None:
    x = Value(np.array([[1.0, 2.0]]))
    loss = cross_entropy(x, np.array([1]))
    loss.backward()
    assert isinstance(x.data, np.ndarray) and isinstance(x.grad, np.ndarray) and x.grad.shape == (1, 2)
    assert isinstance((x * Array([1.0, 2.0])).data, np.ndarray) and isinstance((x + [1.0, 2.0]).data, np.ndarray)


def test_numpy_on_the_left_of_an_operator_leaves_it_to_us() -> None:
    x = Value(2.0)
    for result in (np.float64(3.0) * x, np.int64(3) * x, np.array([3.0])[0] * x):
        assert isinstance(result, Value) and result.item() == 6.0
    assert isinstance(np.array([1.0, 2.0]) * x, Value) and (np.array([1.0, 2.0]) * x).tolist() == [2.0, 4.0]
    assert (np.array([1.0, 2.0]) @ Value(np.array([1.0, 1.0]))).item() == 3.0


def test_numbers_of_numpy_become_floats() -> None:
    assert type(Value(np.float64(2.0)).data) is float and type(Value(np.int64(2)).data) is float
    assert Value([np.float32(0.5), 1]).tolist() == [0.5, 1.0]


def test_a_change_in_place_cannot_go_unnoticed() -> None:
    given = np.array([1.0, 2.0])
    x = Value(given)
    given[0] = 9.0
    assert x.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        x.data[0] = 9.0


def test_integer_arrays_are_targets_and_indices() -> None:
    x = Value([[1.0, 2.0, 0.1], [1.2, 0.5, 0.3]])
    assert cross_entropy(x, np.array([2, 0])).item() == cross_entropy(x, [2, 0]).item()
    assert x[np.array([1, 0]), np.array([0, 1])].tolist() == [1.2, 2.0]
    assert x[np.array([True, False])].tolist() == [[1.0, 2.0, 0.1]]


@pytest.mark.parametrize("given", [np.array([1, 2]), np.array([True, False]), np.array(3), np.array([1, 2], dtype=np.uint8)])
def test_integer_and_bool_arrays_become_floats_where_a_gradient_is_required(given: Any) -> None:
    x = Value(given)
    (x * x).sum().backward()
    assert x.data.dtype == np.float64 and x.grad.tolist() == (2.0 * given).tolist()


def test_complex_arrays_are_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        Value(np.array([1j]))


@np.errstate(all="ignore")
def test_anomaly_hears_of_numpy_arrays():
    with pytest.raises(RuntimeError, match=r"the value of y is -inf: log of x = \[0, 1\]"), anomaly():
        x = Value(np.array([0.0, 1.0]), name="x")
        y = x.log()
        y.sum().backward()
    with pytest.raises(RuntimeError, match="the gradient of z is inf"), anomaly():
        z = Value(np.array([0.0]), name="z")
        z.sqrt().sum().backward()


def test_numpy_takes_a_value_without_a_gradient() -> None:
    x = Value([[1.0, 2.0]], requires_grad=False)
    assert np.asarray(x).tolist() == [[1.0, 2.0]] and np.asarray(x).dtype == float and np.asarray(x, dtype=int).dtype == int
    assert np.asarray(x > 1).tolist() == [[False, True]] and np.asarray(Value(3, requires_grad=False)) == 3
    with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
        np.asarray(Value([1.0]))


def test_a_large_array_is_drawn_by_its_ends() -> None:
    x = Value(np.linspace(-1.0, 3.0, 120_000).reshape(400, 300), name="x")
    loss = (x * 2.0).sum()
    loss.backward()
    picture = draw(loss).svg()
    assert "(400, 300)" in picture and "-1.0" in picture and "3.0" in picture and 'class="grad' in picture


def test_a_masked_array_is_refused() -> None:
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    programs: list[Callable] = [
        Value, lambda m: Value([1.0, 2.0]) * m, lambda m: m * Value(np.ones(2)), lambda m: Value(np.ones(2)) < m,
        lambda m: Value(m[1]), lambda m: Array([1.0, 2.0]) + m, (Value(np.ones(2)) * 2.0).backward,
    ]  # fmt: skip
    for program in programs:
        with pytest.raises(TypeError, match=r"a masked array would lose its mask here: use its filled\(number\)"):
            program(masked)
    assert Value(masked.filled(0.0)).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("requires_grad", [False, True])
def test_arrays_of_other_libraries_are_no_gradient_and_no_elements(requires_grad: bool) -> None:
    torch = pytest.importorskip("torch")
    x = Value(np.ones(2), requires_grad=requires_grad) * 1.0
    for given in (torch.tensor(5.0), torch.ones(2), Value(torch.ones(2))):
        with pytest.raises(TypeError, match="arrays of different libraries do not mix: got numpy's ndarray and torch's Tensor"):
            x[0:] = given
    for given in (torch.ones(2), Value(torch.ones(2))):
        for create_graph in (False, True):
            with pytest.raises(TypeError, match="arrays of different libraries do not mix"):
                (Value(np.ones(2)) * 2.0).backward(given, create_graph=create_graph)
    x[0] = np.float64(7.0)
    assert x.tolist() == [7.0, 1.0]
