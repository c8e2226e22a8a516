"""nll_loss, cross_entropy and binary_cross_entropy_with_logits against torch: every option, and every edge of theirs."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agreement.oracle import assert_agreement, seeds

inf, nan = float("inf"), float("nan")
REDUCTIONS = ["mean", "sum", "none"]
SHAPES = [(4,), (2, 3), (1, 1), (3, 4, 2), (2, 3, 2, 2), (0, 3), (2, 3, 0)]


def targets_of(shape: tuple, classes: int, salt: int = 0) -> Any:
    """Return class indices for an input of `shape`, as nested lists."""
    counter = iter(range(salt, 10**6))

    def fill(sizes: tuple) -> Any:
        return [fill(sizes[1:]) for _ in range(sizes[0])] if sizes else (5 * next(counter) + 3) % classes

    return fill(shape[1:] if len(shape) == 1 else (shape[0], *shape[2:]))


def classes_of(shape: tuple) -> int:
    return shape[0] if len(shape) == 1 else shape[1]


def empty_ok(m: Any, data: Any, shape: tuple) -> Any:
    """Return the target with the sizes that nested lists lose after a 0."""
    wanted = (shape[0], *shape[2:])
    if m.name == "torch":
        return m.ints(data).reshape(wanted) if 0 in wanted else m.ints(data)
    return data


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("loss", ["nll_loss", "cross_entropy"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("ignore", [-100, 0, 1], ids=str)
def test_class_indices(loss: str, shape: tuple, reduction: str, weighted: bool, ignore: int) -> None:
    classes = classes_of(shape)
    target = targets_of(shape, classes)
    weight = [0.5 + 0.75 * c for c in range(classes)] if weighted else None

    def program(m: Any, x: Any) -> Any:
        options = {"weight": m.new(weight, False)} if weighted else {}
        return getattr(m, loss)(x, empty_ok(m, target, shape), ignore_index=ignore, reduction=reduction, **options)

    assert_agreement(program, [seeds(shape, 0.7)], [shape])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("smoothing, ignore", [(0.1, -100), (1.0, -100), (0.3, 0), (0.3, 1)])
def test_label_smoothing(shape: tuple, reduction: str, weighted: bool, smoothing: float, ignore: int) -> None:
    classes = classes_of(shape)
    target = targets_of(shape, classes)
    weight = [0.5 + 0.75 * c for c in range(classes)] if weighted else None

    def program(m: Any, x: Any) -> Any:
        options = {"weight": m.new(weight, False)} if weighted else {}
        return m.cross_entropy(x, empty_ok(m, target, shape), label_smoothing=smoothing, ignore_index=ignore,
                               reduction=reduction, **options)  # fmt: skip

    assert_agreement(program, [seeds(shape, 0.7)], [shape])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("smoothing", [0.0, 0.25, 1.0])
def test_probabilities(shape: tuple, reduction: str, weighted: bool, smoothing: float) -> None:
    weight = [0.5 + 0.75 * c for c in range(classes_of(shape))] if weighted else None

    def program(m: Any, x: Any, t: Any) -> Any:
        options = {"weight": m.new(weight, False)} if weighted else {}
        return m.cross_entropy(
            x, m.softmax(t, 0 if len(shape) == 1 else 1), label_smoothing=smoothing, reduction=reduction, **options
        )

    assert_agreement(program, [seeds(shape, 0.7), seeds(shape, 2.9)], [shape, shape])


EDGES = [
    ("off the target", [[-inf, 0.0, 1.0]], [1], {}),
    ("at the target", [[-inf, 0.0, 1.0]], [0], {}),
    ("all masked", [[-inf, -inf]], [0], {}),
    ("overflowing", [[1000.0, 0.0], [0.0, -1000.0]], [1, 0], {}),
    ("inf logit", [[inf, 0.0]], [0], {}),
    ("nan logit", [[nan, 0.0], [1.0, 2.0]], [0, 1], {}),
    ("ignored over nan", [[nan, inf], [1.0, 2.0]], [-100, 1], {}),
    ("ignored over -inf", [[-inf, -inf], [1.0, 2.0]], [7, 1], {"ignore_index": 7}),
    ("all ignored", [[1.0, 2.0], [3.0, 4.0]], [-100, -100], {}),
    ("all ignored, smoothed", [[1.0, 2.0], [3.0, 4.0]], [-100, -100], {"label_smoothing": 0.1}),
    ("one row", [[3.0]], [0], {}),
    ("masked, smoothed", [[-inf, 0.0, 1.0]], [1], {"label_smoothing": 0.1}),
]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("logits, target, options", [edge[1:] for edge in EDGES], ids=[edge[0] for edge in EDGES])
def test_cross_entropy_at_the_edges(logits: Any, target: Any, options: dict, reduction: str) -> None:
    shape = (len(logits), len(logits[0]))
    assert_agreement(
        lambda m, x: m.cross_entropy(x, m.ints(target), reduction=reduction, **options), [logits], [shape], order=1
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("target", [[0, 1], [-100, -100], [0, -100]], ids=str)
@pytest.mark.parametrize("log_probs", [[[-inf, nan], [0.0, -inf]], [[nan, -1.0], [inf, -0.0]]], ids=str)
@pytest.mark.parametrize("weight", [None, [0.0, 2.0], [0.0, 0.0], [inf, 1.0]], ids=str)
def test_nll_loss_at_the_edges(log_probs: Any, target: list, weight: Any, reduction: str) -> None:
    def program(m: Any, x: Any) -> Any:
        return m.nll_loss(x, m.ints(target), weight=weight and m.new(weight, False), reduction=reduction)

    assert_agreement(program, [log_probs], [(2, 2)], order=1)


def test_a_masked_logit_of_probability_0() -> None:
    def program(m: Any, x: Any) -> Any:
        return m.cross_entropy(x, m.new([[0.0, 1.0]], False))

    assert_agreement(program, [[[-inf, 0.0]]], [(1, 2)], order=1)


BAD = [
    ("target too large", (2, 3), [0, 3], {}),
    ("target negative", (2, 3), [0, -1], {}),
    ("-100 with another ignore_index", (2, 3), [0, -100], {"ignore_index": 1}),
    ("float target", (2, 3), [0.0, 1.0], {}),
    ("bool target", (2, 3), [True, False], {}),
    ("target (N, 1)", (2, 3), [[0], [1]], {}),
    ("batch mismatch", (2, 3), [0, 1, 2], {}),
    ("spatial mismatch", (2, 3, 2), [[0, 1, 2], [0, 1, 2]], {}),
    ("too few dimensions", (2, 3, 2), [0, 1], {}),
    ("unbatched, target (1)", (3,), [1], {}),
    ("number", (), 0, {}),
    ("reduction", (2, 3), [0, 1], {"reduction": "average"}),
    ("reduction None", (2, 3), [0, 1], {"reduction": None}),
]


@pytest.mark.parametrize("loss", ["nll_loss", "cross_entropy"])
@pytest.mark.parametrize("shape, target, options", [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_bad_targets(loss: str, shape: tuple, target: Any, options: dict) -> None:
    def program(m: Any, x: Any) -> Any:
        plain = target if m.name != "torch" else m.torch_tensor(target)
        return getattr(m, loss)(x, plain, **options)

    assert_agreement(program, [seeds(shape, 0.1)], [shape])


@pytest.mark.parametrize("loss", ["nll_loss", "cross_entropy"])
@pytest.mark.parametrize("weight", [[1.0, 2.0], [[1.0, 2.0, 3.0]], 1.0], ids=str)
def test_bad_weights(loss: str, weight: Any) -> None:
    assert_agreement(
        lambda m, x: getattr(m, loss)(x, m.ints([0, 1]), weight=m.new(weight, False)), [seeds((2, 3), 0.1)], [(2, 3)]
    )


def test_one_hot_integers_are_not_probabilities() -> None:
    assert_agreement(lambda m, x: m.cross_entropy(x, m.ints([[0, 1], [1, 0]])), [[[1.0, 2.0], [3.0, 4.0]]], [(2, 2)])
    assert_agreement(lambda m, x: m.nll_loss(x, m.ints([[0, 1], [1, 0]])), [[[1.0, 2.0], [3.0, 4.0]]], [(2, 2)])


def test_probabilities_take_no_ignore_index() -> None:
    assert_agreement(lambda m, x, t: m.cross_entropy(x, t, ignore_index=0), [[[1.0, 2.0]], [[0.5, 0.5]]], [(1, 2), (1, 2)])


def test_smoothing_above_1() -> None:
    assert_agreement(lambda m, x: m.cross_entropy(x, m.ints([0]), label_smoothing=1.5), [[[1.0, 2.0]]], [(1, 2)])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)], ids=str)
@pytest.mark.parametrize("weight, pos_weight", [(None, None), ([0.5], None), (None, [2.0]), ([0.5], [3.0])])
def test_binary_cross_entropy_with_logits(shape: tuple, reduction: str, weight: Any, pos_weight: Any) -> None:
    def program(m: Any, x: Any, t: Any) -> Any:
        return m.binary_cross_entropy_with_logits(
            x,
            m.sigmoid(t),
            weight=weight and m.new(weight, False),
            pos_weight=pos_weight and m.new(pos_weight, False),
            reduction=reduction,
        )

    assert_agreement(program, [seeds(shape, 0.7), seeds(shape, 1.9)], [shape, shape])


@pytest.mark.parametrize(
    "x, y", list(itertools.product([0.0, -0.0, 40.0, -40.0, 1000.0, -1000.0, inf, -inf, nan], [0.0, 0.5, 1.0]))
)
def test_binary_cross_entropy_with_logits_at_the_edges(x: float, y: float) -> None:
    assert_agreement(
        lambda m, a: m.binary_cross_entropy_with_logits(a, m.new([y], False)), [[x]], [(1,)], order=2 if abs(x) < 50 else 1
    )


@pytest.mark.parametrize("shape, target", [((2,), [0.0]), ((2, 1), [0.0, 1.0]), ((2,), [[0.0, 1.0]])])
def test_binary_targets_have_the_inputs_shape(shape: tuple, target: Any) -> None:
    assert_agreement(lambda m, x: m.binary_cross_entropy_with_logits(x, m.new(target, False)), [seeds(shape, 0.1)], [shape])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_drawn_cross_entropies(data: Any) -> None:
    batch, classes = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 5))
    logit = st.floats(-50, 50) | st.sampled_from([-inf, 1000.0, -1000.0, 0.0])
    logits = data.draw(st.lists(st.lists(logit, min_size=classes, max_size=classes), min_size=batch, max_size=batch))
    target = data.draw(st.lists(st.integers(0, classes - 1) | st.just(-100), min_size=batch, max_size=batch))
    weight = data.draw(st.none() | st.lists(st.floats(0, 3), min_size=classes, max_size=classes))
    options = {"reduction": data.draw(st.sampled_from(REDUCTIONS))}

    def program(m: Any, x: Any) -> Any:
        return m.cross_entropy(x, m.ints(target), weight=weight and m.new(weight, False), **options)

    assert_agreement(program, [logits], [(batch, classes)], order=1)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(3, 0), (2, 0)], ids=str)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_probabilities_of_no_classes(shape: tuple, reduction: str, smoothing: float) -> None:
    def program(m: Any, x: Any, t: Any) -> Any:
        return m.cross_entropy(x, t, reduction=reduction, label_smoothing=smoothing)

    assert_agreement(program, [seeds(shape, 0.7), seeds(shape, 2.9)], [shape, shape], order=1)
