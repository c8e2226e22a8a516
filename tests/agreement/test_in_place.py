"""Changes in place against torch: the same numbers and gradients afterwards, or the same kind of error.

Each program is written once and run on both libraries; `m` is the library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import micrograd_sm
from micrograd_sm import Value

VECTOR, MATRIX = [1.0, 2.0, 3.0], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def leaf(m: Any, data: Any) -> Any:
    return m.tensor(data, dtype=m.float64, requires_grad=True)


def constant(m: Any, data: Any) -> Any:
    return m.tensor(data, dtype=m.float64)


def counted(m: Any) -> Any:
    N = m.zeros((3, 3), dtype=m.int32)
    for i, j in [(0, 1), (0, 1), (2, 2), (1, 0)]:
        N[i, j] += 1
    P = (N + 1).double()
    P /= P.sum(1, keepdim=True)
    return [N, P]


def filled(m: Any) -> Any:
    x = m.zeros(2, 3, dtype=m.float64)
    x[0] = 1
    x[:, 2] = constant(m, [5.0, 6.0])
    x[1, [0, 1]] = constant(m, 7.0)
    x[x > 6.5] = -1.0
    x[range(2), m.tensor([0, 2])] = constant(m, [8.0, 9.0])
    x[..., 1] = constant(m, [[3.0, 4.0]])
    return [x]


def through_views(m: Any) -> Any:
    N = m.zeros(2, 3, dtype=m.float64)
    N[0][1] += 5.0
    row = N[1]
    row[:2] = 3.0
    row *= 2.0
    for each in N:
        each -= 1.0
    N.view(-1)[5] = 9.0
    N.T[0, 1] = 4.0
    N.unsqueeze(0)[0, 0, 0] = 2.0
    copied = N[[0, 1]]
    copied[0] = 100.0
    masked = N[N > 0]
    masked += 1.0
    return [N]


def collected(m: Any) -> Any:
    """A recurrent cell whose states are written into a tensor that required no gradient."""
    W, h = leaf(m, [[0.5, -0.3], [0.2, 0.9]]), constant(m, [1.0, -1.0])
    states = m.zeros(3, 2, dtype=m.float64)
    for t in range(3):
        h = m.tanh(W @ h + 0.1)
        states[t] = h
    (states * constant(m, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).sum().backward()
    return [states, W.grad]


def repeated_positions(m: Any) -> Any:
    w = leaf(m, [2.0, 3.0])
    x = m.ones(3, dtype=m.float64)
    x[1:] = w * w
    x[0] = w.sum()
    x.sum().backward()
    return [x, w.grad]


def of_computed(m: Any) -> Any:
    w = leaf(m, VECTOR)
    y = w * 2.0
    y += 1.0
    y *= w
    y -= constant(m, 1.0)
    y /= 2.0
    y[1] = 0.0
    y.sum().backward()
    return [y, w.grad]


def trained(m: Any) -> Any:
    w, x = leaf(m, [[0.5, -1.0]]), constant(m, [[1.0], [2.0]])
    for _ in range(3):
        loss = ((w @ x) ** 2).sum()
        w.grad = None
        loss.backward()
        with m.no_grad():
            w -= 0.01 * w.grad
            w[0, 0] += 0.001
    for _ in range(2):
        w.grad = None
        ((w @ x) ** 2).sum().backward()
        w.data += -0.01 * w.grad
    return [w, loss]


def unchanged_copies(m: Any) -> Any:
    x = constant(m, VECTOR)
    y = x.clone()
    y[0] = 9.0
    z = x + 0.0
    z += 1.0
    return [x, y, z]


def of_ints(m: Any) -> Any:
    x = m.tensor([1, 2, 3])
    x += 2
    x *= 3
    x[0] = 2.9  # cut to an int, as torch does
    y = m.tensor([True, False])
    y[1] = True
    z = m.tensor([1, 2]) + m.tensor([True, False])
    return [x, y, z, x**2, x - 1, 2 * x, -x]


def methods(m: Any) -> Any:
    x = constant(m, MATRIX)
    x.fill_(2.0)
    x[0].zero_()
    x.copy_(constant(m, VECTOR) + x)
    return [x]


def to_itself(m: Any) -> Any:
    x = constant(m, MATRIX)
    x[0] = x[1]
    x[:, 0] = x[:, 2] * 2.0
    return [x]


RIGHT = [
    counted, filled, through_views, collected, repeated_positions, of_computed, trained, unchanged_copies, of_ints, methods,
    to_itself,
]  # fmt: skip


def plain(x: Any) -> Any:
    return x.tolist() if hasattr(x, "tolist") else x


@pytest.mark.parametrize("program", RIGHT, ids=lambda program: program.__name__)
def test_the_same_numbers(program: Callable) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        theirs = list(map(plain, program(torch)))
    finally:
        torch.set_default_dtype(torch.float32)
    ours = list(map(plain, program(micrograd_sm)))
    assert close(ours, theirs), f"ours {ours}, torch's {theirs}"


def close(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(close, ours, theirs))
    return type(ours) is type(theirs) and ours == pytest.approx(theirs, rel=1e-14, abs=1e-14)


def used_then_changed(m: Any) -> None:
    x = leaf(m, VECTOR)
    y = x * 2.0
    z = y.exp() * y
    y[0] = 5.0
    z.sum().backward()


def used_then_multiplied(m: Any) -> None:
    y = leaf(m, VECTOR) * 2.0
    z = (y * y).sum()
    with m.no_grad():
        y *= 2.0
    z.backward()


def parameter_changed_before_backward(m: Any) -> None:
    w = leaf(m, VECTOR)
    loss = (w * w).sum()
    with m.no_grad():
        w -= 0.1
    loss.backward()


WRONG = [
    ("leaf by index", lambda m: leaf(m, VECTOR).__setitem__(0, 1.0), ["leaf", "no_grad()"]),
    ("leaf +=", lambda m: leaf(m, VECTOR).__iadd__(1.0), ["leaf", "no_grad()"]),
    ("leaf by method", lambda m: leaf(m, VECTOR).zero_(), ["zero_", "leaf"]),
    ("used, then set by index", used_then_changed, ["set after"]),
    ("used, then changed under no_grad", used_then_multiplied, ["set after"]),
    ("parameter changed before backward", parameter_changed_before_backward, ["set after"]),
    ("value does not fit", lambda m: constant(m, MATRIX).__setitem__(0, constant(m, [1.0, 2.0])), ["(2,)", "(3,)"]),
    ("result does not fit", lambda m: constant(m, VECTOR).__iadd__(constant(m, MATRIX)), ["(2, 3)", "(3,)"]),
    ("floats into ints", lambda m: m.tensor([1, 2]).__iadd__(0.5), ["floats", "ints"]),
    ("index out of range", lambda m: constant(m, VECTOR).__setitem__(3, 1.0), ["3"]),
    ("an expanded tensor", lambda m: constant(m, [1.0]).expand(3).__iadd__(1.0), ["expanded", "clone()"]),
    ("requires_grad_ of ints", lambda m: m.tensor([1, 2]).requires_grad_(), ["floats"]),
    ("a gradient for ints", lambda m: m.tensor([1, 2], requires_grad=True), ["floats"]),
    ("retain_grad of a constant", lambda m: constant(m, VECTOR).retain_grad(), ["requires no gradient"]),
]  # fmt: skip


@pytest.mark.parametrize("program, words", [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_torchs_kind_of_error(program: Callable, words: list[str]) -> None:
    with pytest.raises(Exception) as theirs:
        program(torch)
    with pytest.raises(theirs.type) as ours:
        program(micrograd_sm)
    assert all(word in str(ours.value) for word in words), str(ours.value)


def test_what_torch_writes_through_a_view_with_a_graph_is_refused() -> None:
    y = Value(MATRIX) * 2.0
    with pytest.raises(RuntimeError, match=r"view of another.*clone\(\)"):
        y[0][1] = 5.0


def test_plus_assign_on_a_number_makes_a_new_value_as_in_micrograd() -> None:
    total = first = Value(1.0)
    total += Value(2.0)
    assert total is not first and first.data == 1.0 and total.parents[0] is first


def test_a_failed_change_leaves_everything_as_it_was() -> None:
    x = Value(VECTOR, requires_grad=False)
    with pytest.raises(RuntimeError):
        x[0] = [1.0, 2.0]
    with pytest.raises(TypeError):
        x += "a"
    assert x.tolist() == VECTOR


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_other_libraries_arrays(library: str) -> None:
    if library == "torch":
        pytest.importorskip("array_api_compat")
    arrays = pytest.importorskip(library)
    theirs = arrays.asarray(MATRIX)
    x = Value(theirs, requires_grad=False)
    x[0, 1] = 9.0
    x[1] += 1.0
    assert x.tolist() == [[1.0, 9.0, 3.0], [5.0, 6.0, 7.0]] and theirs.tolist() == MATRIX
