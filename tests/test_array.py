"""The default storage: nested lists in and out, broadcasting, reductions, and the values of IEEE 754."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from micrograd_sm import array as xp
from micrograd_sm.array import Array, ieee, namespace, storage
from micrograd_sm.array.display import show
from micrograd_sm.array.strides import groups, permute

inf, nan = math.inf, math.nan


def test_shapes_and_lists_round_trip() -> None:
    for nested, shape in [
        ([], (0,)),
        ([[], []], (2, 0)),
        ([[1.0]], (1, 1)),
        ([[[1.0], [2.0]]], (1, 2, 1)),
        ([[[]]], (1, 1, 0)),
    ]:
        assert Array(nested).shape == shape and Array(nested).tolist() == nested
    assert Array(range(3)).tolist() == [0, 1, 2]
    assert Array([[1, 2], [3, 4]]).ndim == 2 and Array([[1, 2], [3, 4]]).size == 4 and len(Array([1, 2])) == 2


def test_element_types_are_those_found() -> None:
    assert (Array([1, 2]).dtype, Array([1, 2.0]).dtype, Array([True]).dtype, Array([]).dtype) == (int, float, bool, float)
    assert (Array([1, 2]) + Array([1, 2])).dtype is int and (Array([1, 2]) / 1).dtype is float
    assert (Array([1.0]) > 0).dtype is bool and (Array([True]) & Array([False])).tolist() == [False]
    assert (True | Array([False])).tolist() == [True] and (~Array([True])).tolist() == [False]
    assert (True ^ Array([True, False])).tolist() == [False, True] and (Array([6]) ^ 3).tolist() == [5]


@pytest.mark.parametrize(
    "compute, expected",
    [
        (lambda: abs(Array([-2, 3])), [2, 3]),
        (lambda: +Array([-2, 3]), [-2, 3]),
        (lambda: Array([7, -7]) // 2, [3, -4]),
        (lambda: 7 // Array([2, -2]), [3, -4]),
        (lambda: Array([7, -7]) % 3, [1, 2]),
        (lambda: 7 % Array([4, -4]), [3, -1]),
        (lambda: Array([2, 3]) ** Array([3, 0]), [8, 1]),
        (lambda: xp.floor(Array([1, 2])), [1, 2]),
        (lambda: xp.round(Array([3])), [3]),
        (lambda: xp.matmul(Array([[1, 2]]), Array([[3], [4]])), [[11]]),
        (lambda: xp.matmul(Array([[]], int), Array([[]], int)[0, :, None]), [[0]]),
        (lambda: xp.where(Array([True, False]), Array([2, 3]), Array([True, True])), [2, 1]),
        (lambda: xp.maximum(Array([True, False]), Array([0, -1])), [1, 0]),
    ],
)
def test_integers_stay_integers(compute: Callable[[], Array], expected: list) -> None:
    found = compute()
    assert repr(found) == f"Array({expected})" and found.dtype is int


@pytest.mark.parametrize(
    "compute, expected",
    [
        (lambda: Array([2, 3]) ** 2.0, [4.0, 9.0]),
        (lambda: Array([7]) // 2.0, [3.0]),
        (lambda: xp.matmul(Array([[2]]), Array([[0.5]])), [[1.0]]),
        (lambda: xp.where(Array([True, False]), 1, Array([2.0, 3.0])), [1.0, 3.0]),
        (lambda: xp.maximum(Array([1, -2]), 0.0), [1.0, 0.0]),
    ],
)
def test_integers_beside_floats_become_floats(compute: Callable[[], Array], expected: list) -> None:
    found = compute()
    assert repr(found) == f"Array({expected})" and found.dtype is float


def test_rows_and_elements() -> None:
    a = Array([[1, 2], [3, 4]])
    assert [row.tolist() for row in a] == [[1, 2], [3, 4]] and list(Array([1, 2])) == [1, 2]
    assert a[0, 1] == 2 and a[:, 1].tolist() == [2, 4]
    assert float(Array([[2]])) == 2.0 and int(Array([2.5])) == 2 and bool(Array([0])) is False
    for impossible in (float, int, bool):
        with pytest.raises(ValueError, match="shape"):
            impossible(a)
    with pytest.raises(TypeError, match="dimension"):
        Array(3.0)
    assert len({a, a}) == 1


def test_shapes_broadcast_and_axes_move() -> None:
    assert (Array([[1.0], [2.0]]) + Array([10.0, 20.0])).tolist() == [[11.0, 21.0], [12.0, 22.0]]
    assert xp.broadcast_to(Array([1, 2]), (2, 2)).flat == [1, 2, 1, 2] and xp.broadcast_to(Array([[1], [2]]), (2, 3)).flat[
        2:4
    ] == [1, 2]
    assert permute([1, 2, 3, 4, 5, 6], (2, 3), (1, 0)) == [1, 4, 2, 5, 3, 6]
    assert list(groups([1, 2, 3, 4, 5, 6], (2, 3), (0,))) == [[1, 4], [2, 5], [3, 6]]


def test_arithmetic_refuses_what_it_does_not_know() -> None:
    with pytest.raises(TypeError):
        Array([1.0]) + "a"  # type: ignore[operator]
    with pytest.raises(RuntimeError, match=r"\(2,\) and \(3,\)"):
        Array([1.0, 2.0]) + Array([1.0, 2.0, 3.0])


def test_an_integer_has_no_negative_power() -> None:
    with pytest.raises(RuntimeError, match="float"):
        Array([1, 2]) ** -1


def test_division_and_powers_follow_ieee() -> None:
    assert str((Array([7.5, -7.5, 1.0, -5.0, inf]) % Array([2.0, 2.0, 0.0, inf, 2.0])).tolist()) == "[1.5, 0.5, nan, inf, nan]"
    assert (
        str((Array([7.5, -7.5, 1.0, -1.0, inf]) // Array([2.0, 2.0, 0.0, inf, 2.0])).tolist()) == "[3.0, -4.0, inf, -1.0, nan]"
    )
    assert str((Array([1.0, -1.0, 0.0, nan]) / 0.0).tolist()) == "[inf, -inf, nan, nan]"
    assert str((1.0 / Array([0.0, -0.0, inf])).tolist()) == "[inf, -inf, 0.0]"
    assert (
        str((Array([0.0, -0.0, -2.0, 1e200, -1e200]) ** Array([-1.0, -1.0, 0.5, 2.0, 3.0])).tolist())
        == "[inf, -inf, nan, inf, -inf]"
    )
    assert (2.0 ** Array([3.0])).tolist() == [8.0]
    assert [ieee.divide(-1.0, 0.0), ieee.divide(1.0, -0.0), ieee.power(0.0, 0.0)] == [-inf, -inf, 1.0]
    assert (
        str([ieee.divide(0.0, 0.0), ieee.power(-8.0, 1 / 3), ieee.maximum(nan, 2.0), ieee.maximum(2.0, nan)])
        == "[nan, nan, nan, nan]"
    )


@pytest.mark.parametrize(
    "function, x, expected",
    [
        (ieee.exp, 1000.0, inf), (ieee.exp, -1000.0, 0.0), (ieee.log, 0.0, -inf), (ieee.log, -1.0, nan), (ieee.log, inf, inf),
        (ieee.log1p, -1.0, -inf), (ieee.log1p, -2.0, nan), (ieee.sqrt, -1.0, nan), (ieee.sin, inf, nan), (ieee.cos, -inf, nan),
    ],
)  # fmt: skip
def test_functions_follow_ieee(function: object, x: float, expected: float) -> None:
    assert str(function(x)) == str(expected)
    assert str(ieee.map_floats(function, [x, 1.0])[0]) == str(expected)


def test_reductions() -> None:
    a = Array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]])
    assert xp.sum(a, (0,)).tolist() == [[6.0, 8.0], [10.0, 12.0]]
    assert xp.sum(a, (0, 2)).tolist() == [14.0, 22.0]
    assert xp.sum(a, (0, 2), keepdims=True).shape == (1, 2, 1)
    assert xp.sum(a, (0, 1, 2)) == 36.0 and xp.sum(a, ()).tolist() == a.tolist()
    assert xp.max(a, (1,)).tolist() == [[3.0, 4.0], [7.0, 8.0]]
    assert str(xp.max(Array([1.0, nan, inf, -inf]), (0,))) == "nan" and xp.max(Array([inf, -inf]), (0,)) == inf
    assert xp.argmax(Array([[1.0, nan, nan], [2.0, 5.0, 5.0]]), 1).tolist() == [1, 1]
    assert xp.sum(Array([[], []]), (1,)).tolist() == [0.0, 0.0]


def test_axes_may_be_left_out_or_count_from_the_right() -> None:
    a = Array([[1, 2, 3], [6, 5, 4]])
    assert xp.sum(a) == 21 and xp.sum(a, -1).tolist() == [6, 15] and xp.sum(a, (0, -1), keepdims=True).tolist() == [[21]]
    assert xp.sum(Array([True, True])) == 2 and repr(xp.sum(a, 0, dtype=float)) == "Array([7.0, 7.0, 7.0])"
    assert xp.max(a) == 6 and xp.max(a, axis=-2).tolist() == [6, 5, 4]
    assert xp.argmax(a) == 3 and xp.argmax(a, -1).tolist() == [2, 0] and xp.argmax(a, 1, keepdims=True).tolist() == [[2], [0]]
    assert xp.concat([a, a], -1).shape == (2, 6) and xp.concat([a, Array([7]), 8], None).tolist() == [1, 2, 3, 6, 5, 4, 7, 8]
    assert xp.reshape(a, (3, -1)).shape == (3, 2) and xp.reshape(a, (-1,)).tolist() == a.flat


@pytest.mark.parametrize("k", [0, 1, 2, 16, 17, 256, 300])
def test_every_form_of_the_product_agrees(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Array.of([math.sin(i) for i in range(3 * k)], (3, k))
    b = Array.of([math.cos(i) for i in range(k * 2)], (k, 2))
    expected = [
        [math.fsum(x * y for x, y in zip(a[i], b[:, j], strict=True)) if k else 0.0 for j in range(2)] for i in range(3)
    ]
    for sumprod in (None, getattr(math, "sumprod", None)):
        monkeypatch.setattr("micrograd_sm.array.functions._sumprod", sumprod)
        for row, wanted in zip(xp.matmul(a, b).tolist(), expected, strict=True):
            assert row == pytest.approx(wanted, abs=1e-12)


def test_batches_broadcast_in_products() -> None:
    a, b = Array([[[[1.0, 2.0]]], [[[3.0, 4.0]]]]), Array([[[1.0], [0.0]], [[0.0], [1.0]], [[1.0], [1.0]]])
    product = xp.matmul(a, b)
    assert product.shape == (2, 3, 1, 1) and product.flat == [1.0, 2.0, 3.0, 3.0, 4.0, 7.0]


def test_the_namespace_of_numbers_and_arrays_is_ours() -> None:
    assert namespace(1.0, Array([1.0])) is xp and Array([1.0]).__array_namespace__() is xp
    with pytest.raises(TypeError, match="'a'"):
        namespace("a")


def test_a_value_keeps_floats_if_it_requires_a_gradient() -> None:
    assert repr(storage.stored([1, 2], requires_grad=True)) == "Array([1.0, 2.0])"
    assert repr(storage.stored([1, 2], requires_grad=False)) == "Array([1, 2])"
    assert storage.ones_like(3.0) == 1.0 and storage.ones_like(Array([2, 3])).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "numbers, text",
    [
        ([1.0, 2.0, 3.0], "Value([1., 2., 3.])"),
        ([0.5, 100.0], "Value([  0.5000, 100.0000])"),
        ([1, 20], "Value([ 1, 20])"),
        (inf, "Value(inf)"),
        ([[1.0, 2.5], [-10.0, 0.25]], "Value([[  1.0000,   2.5000],\n       [-10.0000,   0.2500]])"),
        ([[[1], [2]], [[3], [4]]], "Value([[[1],\n        [2]],\n\n       [[3],\n        [4]]])"),
        ([[], []], "Value([[],\n       []], shape=(2, 0))"),
        (list(range(2000)), "Value([   0,    1,    2, ..., 1997, 1998, 1999])"),
    ],
)
def test_numbers_as_text(numbers: Any, text: str) -> None:
    assert show(numbers, xp.shape_of(xp.asarray(numbers)), "Value(") == text
