"""Laws that hold for every input: drawn by hypothesis, and checked without any other library."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_sm import Array, Value, cross_entropy, exp, log_softmax, logit, logsumexp, nll_loss, sigmoid, softmax

settings.register_profile("laws", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("laws")

numbers = st.floats(-30, 30, allow_subnormal=False)


@st.composite
def tables(draw: Any, elements: st.SearchStrategy = numbers, rows: int = 4, columns: int = 5) -> list[list[float]]:
    width = draw(st.integers(1, columns))
    return draw(st.lists(st.lists(elements, min_size=width, max_size=width), min_size=1, max_size=rows))


@st.composite
def problems(draw: Any) -> tuple[list[list[float]], list[int]]:
    logits = draw(tables())
    return logits, [draw(st.integers(0, len(logits[0]) - 1)) for _ in logits]


def near(a: Any, b: Any, tolerance: float = 1e-12) -> bool:
    if isinstance(a, list):
        return len(a) == len(b) and all(near(x, y, tolerance) for x, y in zip(a, b, strict=True))
    return abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


@given(tables(st.floats(-1e300, 1e300)))
def test_softmax_sums_to_1_and_stays_within_0_and_1(x: list) -> None:
    probabilities = softmax(x, dim=1)
    assert near(probabilities.sum(1).tolist(), [1.0] * len(x))
    assert all(0.0 <= p <= 1.0 for row in probabilities.tolist() for p in row)


@given(tables(), numbers)
def test_a_shift_leaves_softmax_unchanged(x: list, shift: float) -> None:
    assert near(softmax(Value(x) + shift, 1).tolist(), softmax(x, 1).tolist(), 1e-10)


@given(tables())
def test_log_softmax_is_the_logarithm_of_softmax(x: list) -> None:
    assert near(exp(log_softmax(x, 1)).tolist(), softmax(x, 1).tolist(), 1e-11)


@given(tables(), numbers)
def test_logsumexp_moves_with_a_shift(x: list, shift: float) -> None:
    assert near((logsumexp(x, 1) + shift).tolist(), logsumexp(Value(x) + shift, 1).tolist(), 1e-11)


@given(problems(), st.sampled_from(["mean", "sum", "none"]))
def test_cross_entropy_is_nll_loss_of_log_softmax(problem: tuple, reduction: str) -> None:
    logits, target = problem
    assert (
        cross_entropy(logits, target, reduction=reduction).tolist()
        == nll_loss(log_softmax(logits, 1), target, reduction=reduction).tolist()
    )


@given(problems())
def test_the_gradient_of_cross_entropy_is_p_minus_y_over_n_and_its_rows_sum_to_0(problem: tuple) -> None:
    logits, target = Value(problem[0]), problem[1]
    cross_entropy(logits, target).backward()
    assert all(abs(sum(row)) < 1e-14 for row in logits.grad.tolist())
    expected = softmax(logits.detach(), 1).tolist()
    for row, chosen in zip(expected, target, strict=True):
        row[chosen] -= 1.0
    assert near(logits.grad.tolist(), [[x / len(target) for x in row] for row in expected])


@given(problems())
def test_one_hot_probabilities_give_the_loss_of_the_indices(problem: tuple) -> None:
    logits, target = problem
    classes = len(logits[0])
    one_hot = [[float(c == chosen) for c in range(classes)] for chosen in target]
    assert near(cross_entropy(logits, one_hot).item(), cross_entropy(logits, target).item())


@given(st.floats(-30, 30))
def test_two_class_softmax_is_sigmoid_and_logit_undoes_it(z: float) -> None:
    assert near(softmax([z, 0.0], 0)[0].item(), sigmoid(z).item())
    assert abs(logit(sigmoid(z)).item() - z) < 1e-15 / sigmoid(-abs(z)).item() + 1e-14


@st.composite
def broadcast_pairs(draw: Any) -> tuple[Value, Value]:
    whole = draw(st.lists(st.integers(0, 3), max_size=3))

    def operand() -> Value:
        shape = [draw(st.sampled_from([size, 1])) for size in whole]
        shape = shape[draw(st.integers(0, len(shape))) :]
        size = 1
        for s in shape:
            size *= s
        flat = draw(st.lists(st.floats(0.5, 2), min_size=size, max_size=size))
        return Value(Array.of(flat, tuple(shape)))

    return operand(), operand()


@given(broadcast_pairs(), st.sampled_from("+-*/^"))
def test_a_broadcast_gradient_has_the_operands_shape(pair: tuple, symbol: str) -> None:
    a, b = pair
    result = {"+": a + b, "-": a - b, "*": a * b, "/": a / b, "^": a**b}[symbol]
    result.backward(result.detach())
    for operand in (a, b):
        assert Value(operand.grad).shape == operand.shape


@given(tables(), numbers, numbers)
def test_backward_is_linear_in_its_seed(x: list, s: float, t: float) -> None:
    def gradient(seed: float) -> list:
        leaf = Value(x)
        out = (leaf.tanh() * leaf).softmax(1)
        out.backward((out.detach() * 0.0 + seed) * [float(k + 1) for k in range(len(x[0]))])
        return leaf.grad.tolist()

    combined = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(gradient(s), gradient(t), strict=True)]
    assert near(gradient(s + t), combined, 1e-10)
