"""Bad input: the kind of error is torch's, the message names what was wrong, and nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import micrograd_sm
from micrograd_sm import Value
from tests.agreement.oracle import OURS, THEIRS


def vector(m: Any) -> Any:
    return m.new([1.0, 2.0, 3.0])


def matrix(m: Any) -> Any:
    return m.new([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def number(m: Any) -> Any:
    return m.new(2.0)


# Each program fails in torch; the words must be in our message.
FAILING = [
    ("broadcast", lambda m: matrix(m) + m.new([1.0, 2.0]), ["(2, 3)", "(2,)"]),
    ("broadcast", lambda m: matrix(m) * m.new([1.0, 2.0]), ["(2, 3)", "(2,)"]),
    ("string operand", lambda m: vector(m) + "a", ["str"]),
    ("None operand", lambda m: vector(m) * None, ["NoneType"]),
    ("generator operand", lambda m: vector(m) * (x for x in [1.0]), ["generator"]),
    ("dict operand", lambda m: vector(m) / {}, ["dict"]),
    ("matmul sizes", lambda m: matrix(m) @ matrix(m), ["(2, 3)"]),
    ("matmul vectors", lambda m: vector(m) @ m.new([1.0]), ["(3,)", "(1,)"]),
    ("matmul number", lambda m: number(m) @ vector(m), ["()"]),
    ("matmul batches", lambda m: m.new([[[1.0]], [[1.0]]]) @ m.new([[[1.0]], [[1.0]], [[1.0]]]), ["(2,)", "(3,)"]),
    ("linear", lambda m: m.linear(vector(m), m.new([[1.0, 2.0]])), ["(3,)"]),
    ("reshape", lambda m: vector(m).reshape(2), ["(3,)", "(2,)"]),
    ("reshape -1", lambda m: vector(m).reshape(2, -1), ["(3,)"]),
    ("reshape two -1", lambda m: vector(m).reshape(-1, -1), ["-1"]),
    ("reshape -2", lambda m: vector(m).reshape(-2), ["-2"]),
    ("expand", lambda m: vector(m).expand(2), ["(3,)", "(2,)"]),
    ("expand to fewer", lambda m: matrix(m).expand(3), ["(2, 3)"]),
    ("permute twice", lambda m: matrix(m).permute(0, 0), ["(0, 0)"]),
    ("permute few", lambda m: matrix(m).permute(0), ["(0,)", "(2, 3)"]),
    ("transpose", lambda m: matrix(m).transpose(0, 2), ["2"]),
    ("squeeze", lambda m: matrix(m).squeeze(2), ["2"]),
    ("unsqueeze", lambda m: matrix(m).unsqueeze(4), ["4"]),
    ("sum dim", lambda m: matrix(m).sum(2), ["2"]),
    ("sum dim -3", lambda m: matrix(m).sum(-3), ["-3"]),
    ("sum dim twice", lambda m: matrix(m).sum((0, -2)), ["twice"]),
    ("sum dim string", lambda m: matrix(m).sum("a"), ["'a'"]),
    ("sum dim float", lambda m: matrix(m).sum(1.0), ["1.0"]),
    ("softmax dim", lambda m: m.softmax(matrix(m), 2), ["2"]),
    ("softmax number dim", lambda m: m.softmax(number(m), 1), ["1"]),
    ("softmax dim float", lambda m: m.softmax(matrix(m), 1.0), ["1.0"]),
    ("log_softmax dim bool", lambda m: m.log_softmax(matrix(m), True), ["True"]),
    ("log_softmax dim None", lambda m: m.log_softmax(matrix(m), "0"), ["'0'"]),
    ("logsumexp twice", lambda m: m.logsumexp(matrix(m), (0, 0)), ["(0, 0)"]),
    ("max of nothing", lambda m: m.new([]).max(), ["(0,)"]),
    ("amax of nothing", lambda m: m.new([]).amax(), ["(0,)"]),
    ("amax of an empty dim", lambda m: m.new([[], []]).amax(1), ["(2, 0)"]),
    ("min along an empty dim", lambda m: m.new([[], []]).min(1), ["(2, 0)"]),
    ("argmax of nothing", lambda m: m.argmax(m.new([])), ["(0,)"]),
    ("argmin along an empty dim", lambda m: m.argmin(m.new([[], []]), 1), ["(2, 0)"]),
    ("cat sizes", lambda m: m.cat([matrix(m), m.new([[1.0, 2.0]])]), ["(2, 3)", "(1, 2)"]),
    ("cat of numbers", lambda m: m.cat([number(m), number(m)]), ["stack"]),
    ("cat of nothing", lambda m: m.cat([]), ["empty list"]),
    ("cat of a number", lambda m: m.cat(3.0), ["float"]),
    ("cat dim", lambda m: m.cat([vector(m)], 1), ["1"]),
    ("stack sizes", lambda m: m.stack([vector(m), m.new([1.0])]), ["(3,)", "(1,)"]),
    ("stack of nothing", lambda m: m.stack([]), ["empty list"]),
    ("gather negative", lambda m: vector(m).gather(0, m.ints([-1])), ["-1"]),
    ("gather too large", lambda m: vector(m).gather(0, m.ints([3])), ["3"]),
    ("gather dimensions", lambda m: vector(m).gather(0, m.ints([[0]])), ["(1, 1)"]),
    ("gather size", lambda m: matrix(m).gather(1, m.ints([[0], [0], [0]])), ["(3, 1)"]),
    ("gather float", lambda m: vector(m).gather(0, m.new([0.0], False)), ["floats"]),
    ("index_select too large", lambda m: vector(m).index_select(0, m.ints([3])), ["3"]),
    ("index_select 2-d", lambda m: vector(m).index_select(0, m.ints([[0]])), ["(1, 1)"]),
    ("index", lambda m: vector(m)[3], ["3"]),
    ("index -4", lambda m: vector(m)[-4], ["-4"]),
    ("index list", lambda m: vector(m)[[0, 5]], ["5"]),
    ("too many indices", lambda m: vector(m)[0, 0], ["2", "(3,)"]),
    ("index a number", lambda m: number(m)[0], ["()"]),
    ("float index", lambda m: vector(m)[1.0], ["1.0"]),
    ("string index", lambda m: vector(m)["a"], ["'a'"]),
    ("mask of another shape", lambda m: vector(m)[m.bools([True, False])], ["(2,)", "(3,)"]),
    ("negative step", lambda m: vector(m)[::-1], ["-1"]),
    ("step 0", lambda m: vector(m)[::0], ["0"]),
    ("index arrays", lambda m: matrix(m)[[0, 1], [0, 1, 2]], ["(2,)", "(3,)"]),
    ("one_hot negative", lambda m: m.one_hot(m.ints([-1])), ["-1"]),
    ("one_hot too large", lambda m: m.one_hot(m.ints([3]), 3), ["3"]),
    ("one_hot of nothing", lambda m: m.one_hot(m.ints([])), ["num_classes"]),
    ("one_hot float", lambda m: m.one_hot(m.new([1.0], False)), ["floats"]),
    ("masked_fill ints", lambda m: vector(m).masked_fill(m.ints([1, 0, 1]), 0.0), ["bools"]),
    ("where floats", lambda m: m.where(vector(m), vector(m), vector(m)), ["bools"]),
    ("multinomial negative", lambda m: m.multinomial(m.new([-1.0, 2.0], False), 1), ["-1.0"]),
    ("multinomial nan", lambda m: m.multinomial(m.new([float("nan"), 2.0], False), 1), ["nan"]),
    ("multinomial inf", lambda m: m.multinomial(m.new([float("inf"), 2.0], False), 1), ["inf"]),
    ("multinomial zeros", lambda m: m.multinomial(m.new([0.0, 0.0], False), 1), ["0"]),
    ("multinomial too many", lambda m: m.multinomial(m.new([1.0, 2.0], False), 3), ["3", "2"]),
    ("multinomial none", lambda m: m.multinomial(m.new([1.0, 2.0], False), 0), ["0"]),
    ("multinomial 3-d", lambda m: m.multinomial(m.new([[[1.0]]], False), 1), ["(1, 1, 1)"]),
    ("mse reduction", lambda m: m.mse_loss(vector(m), vector(m), reduction="avg"), ["'avg'"]),
    ("backward of many", lambda m: (vector(m) * 2.0).backward(), ["(3,)", "sum()"]),
    ("backward shape", lambda m: (vector(m) * 2.0).backward(m.new([1.0, 2.0], False)), ["(2,)", "(3,)"]),
    ("backward without gradient", lambda m: m.new([1.0], False).backward(), ["requires no gradient"]),
    ("item of many", lambda m: vector(m).item(), ["(3,)"]),
    ("float of many", lambda m: float(vector(m)), ["(3,)"]),
    ("int of many", lambda m: int(vector(m)), ["(3,)"]),
    ("bool of many", lambda m: bool(vector(m)), ["(3,)"]),
    ("len of a number", lambda m: len(number(m)), ["()"]),
    ("iterate over a number", lambda m: list(number(m)), ["()"]),
    ("float as an index", lambda m: [1, 2, 3][m.new(1.0, False)], ["integer"]),
    ("ragged", lambda m: m.new([[1.0], [2.0, 3.0]]), ["1 and 2"]),
    ("string", lambda m: m.new("1.0"), ["'1.0'"]),
    ("set", lambda m: m.new({1.0}), ["set"]),
    ("eye", lambda m: m.eye(-1), ["-1"]),
    ("arange", lambda m: m.arange(0, 3, -1), ["-1"]),
    ("arange step", lambda m: m.arange(0, 3, 0), ["0"]),
    ("randint", lambda m: m.randint(3, 3, (2,)), ["3"]),
    ("rand", lambda m: m.rand(-1), ["-1"]),
    ("zeros", lambda m: m.zeros(1.5), ["1.5"]),
    ("clamp without a bound", lambda m: m.clamp(vector(m)), ["min", "max"]),
    ("clamp by a string", lambda m: vector(m).clamp(min="a"), ["clamp: min", "'a'"]),
    ("logaddexp shapes", lambda m: m.logaddexp(matrix(m), m.new([1.0, 2.0])), ["(2, 3)", "(2,)"]),
    ("remainder of a string", lambda m: vector(m) % "a", ["'a'"]),
    ("ints by 0", lambda m: m.ints_of([1, 2]) // 0, ["floor_divide", "0"]),
    ("remainder of ints by 0", lambda m: m.ints_of([1, 2]) % m.ints_of([1, 0]), ["remainder", "0"]),
    ("div of ints by 0", lambda m: m.div(m.ints_of([1, 2]), 0, rounding_mode="trunc"), ["div", "0"]),
    ("rounding_mode", lambda m: m.div(vector(m), 2.0, rounding_mode="up"), ["'up'"]),
    ("rounding_mode 3", lambda m: m.div(vector(m), 2.0, rounding_mode=3), ["3"]),
    ("alpha beside ints", lambda m: m.add(m.ints_of([1]), 2, alpha=1.5), ["alpha", "1.5"]),
    ("decimals", lambda m: m.round(vector(m), decimals=1.5), ["decimals", "1.5"]),
    ("neg of bools", lambda m: m.neg(m.isnan(vector(m))), ["logical_not"]),
    ("eq to a string", lambda m: m.eq(vector(m), "a"), ["eq: other", "'a'"]),
    ("~ of floats", lambda m: ~vector(m), ["~"]),
    ("gelu", lambda m: m.gelu(vector(m), approximate="erf"), ["'erf'"]),
    ("hardtanh", lambda m: m.hardtanh(vector(m), 1.0, -1.0), ["1.0", "-1.0"]),
    ("dropout 1.5", lambda m: m.dropout(vector(m), 1.5), ["1.5"]),
    ("dropout -0.1", lambda m: m.dropout(vector(m), -0.1, training=False), ["-0.1"]),
    ("dropout of a string", lambda m: m.dropout(vector(m), "a"), ["'a'"]),
    ("softmin dim", lambda m: m.softmin(matrix(m), 2), ["2"]),
    ("normalize dim", lambda m: m.normalize(vector(m)), ["1"]),
    *((f"{name} reduction", lambda m, name=name: getattr(m, name)(vector(m), vector(m), reduction="avg"), [name, "'avg'"])
      for name in ("l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss", "hinge_embedding_loss")),
    ("batchmean of l1_loss", lambda m: m.l1_loss(vector(m), vector(m), reduction="batchmean"), ["'batchmean'"]),
    ("mse weight", lambda m: m.mse_loss(vector(m), vector(m), weight=m.new([1.0])), ["(1,)", "(3,)"]),
    ("smooth_l1 beta", lambda m: m.smooth_l1_loss(vector(m), vector(m), beta=-1.0), ["-1.0"]),
    ("huber delta", lambda m: m.huber_loss(vector(m), vector(m), delta=0.0), ["0.0"]),
    ("bce of logits", lambda m: m.binary_cross_entropy(vector(m), m.new([0.0, 1.0, 0.0])), ["2.0", "with_logits"]),
    ("bce target", lambda m: m.binary_cross_entropy(m.new([0.5]), m.new([2.0], False)), ["target", "2.0"]),
    ("bce nan", lambda m: m.binary_cross_entropy(m.new([float("nan")]), m.new([1.0], False)), ["nan"]),
    ("bce shapes", lambda m: m.binary_cross_entropy(m.new([0.5, 0.5]), m.new([1.0], False)), ["(2,)", "(1,)"]),
    ("gaussian var", lambda m: m.gaussian_nll_loss(vector(m), vector(m), m.new([-1.0, 1.0, 1.0])), ["-1.0"]),
    ("gaussian var shape", lambda m: m.gaussian_nll_loss(matrix(m), matrix(m), m.new([1.0, 1.0, 1.0])), ["(3,)", "(2, 3)"]),
    ("gaussian reduction", lambda m: m.gaussian_nll_loss(vector(m), vector(m), vector(m), reduction="avg"), ["'avg'"]),
    ("multi_margin p", lambda m: m.multi_margin_loss(matrix(m), m.ints([0, 1]), p=3), ["3"]),
    ("multi_margin target", lambda m: m.multi_margin_loss(matrix(m), m.ints([0, 3])), ["3"]),
    ("multi_margin sizes", lambda m: m.multi_margin_loss(matrix(m), m.ints([0])), ["(2, 3)", "(1,)"]),
    ("multi_margin weight", lambda m: m.multi_margin_loss(matrix(m), m.ints([0, 1]), weight=m.new([1.0], False)), ["(1,)"]),
    ("multi_margin weights", lambda m: m.multi_margin_loss(vector(m), m.ints(0), weight=m.new([[1.0]], False)), ["(1, 1)"]),
    ("margin_ranking", lambda m: m.margin_ranking_loss(matrix(m), matrix(m), m.new(1.0)), ["(2, 3)", "()"]),
    ("cosine_similarity dim", lambda m: m.cosine_similarity(vector(m), vector(m)), ["1"]),
    ("cosine_embedding target", lambda m: m.cosine_embedding_loss(vector(m), vector(m), m.new([1.0])), ["(3,)", "(1,)"]),
    ("triplet margin", lambda m: m.triplet_margin_loss(matrix(m), matrix(m), matrix(m), margin=0.0), ["0.0"]),
    ("triplet dimensions", lambda m: m.triplet_margin_loss(matrix(m), matrix(m), vector(m)), ["(2, 3)", "(3,)"]),
]  # fmt: skip


@pytest.mark.parametrize("program, words", [row[1:] for row in FAILING], ids=[row[0] for row in FAILING])
def test_torchs_kind_of_error(program: Callable, words: list[str]) -> None:
    with pytest.raises(Exception) as theirs:
        program(THEIRS)
    with pytest.raises(theirs.type) as ours:
        program(OURS)
    assert all(word in str(ours.value) for word in words), str(ours.value)


# What torch has no counterpart of, or answers with an unrelated kind of error.
OWN = [
    ("complex", lambda: Value(1j), TypeError, ["1j"]),
    ("complex in a list", lambda: Value([1.0, 2j]), TypeError, ["2j"]),
    ("None", lambda: Value(None), TypeError, ["None"]),
    ("None in a list", lambda: Value([1.0, None]), TypeError, ["None"]),
    ("generator", lambda: Value(x for x in [1.0]), TypeError, ["list(...)"]),
    ("numbers and lists", lambda: Value([1.0, [2.0]]), ValueError, ["ragged"]),
    ("Value of a Value", lambda: Value(Value(1.0)), TypeError, ["detach"]),
    ("list of Values", lambda: Value([Value(1.0)]), TypeError, ["stack"]),
    ("name for requires_grad", lambda: Value(1.0, "x"), TypeError, ["'x'"]),
    ("name of another type", lambda: Value(1.0, name=3), TypeError, ["3"]),
    ("huge int", lambda: Value(10**400), ValueError, ["too large"]),
    ("mse shapes", lambda: micrograd_sm.mse_loss([1.0, 2.0], [1.0, 2.0, 3.0]), RuntimeError, ["(2,)", "(3,)"]),
    ("masked_fill value", lambda: Value([1.0, 2.0]).masked_fill([True, False], [1.0, 2.0]), RuntimeError, ["(2,)"]),
    ("manual_seed", lambda: micrograd_sm.manual_seed("a"), TypeError, ["'a'"]),
    ("huge int without a gradient", lambda: Value([1, 2**63], requires_grad=False), ValueError, ["64-bit"]),
    ("nested too deep for a function", lambda: micrograd_sm.exp(deep(3000)), ValueError, ["64"]),
    ("a Value nested too deep", lambda: micrograd_sm.exp(deep(3000, Value(1.0))), ValueError, ["64"]),
    ("logsumexp dim None", lambda: micrograd_sm.logsumexp([1.0], None), TypeError, ["dim"]),
    ("arange inf", lambda: micrograd_sm.arange(0, float("inf")), RuntimeError, ["inf"]),
    ("one_hot classes", lambda: micrograd_sm.one_hot([0], True), TypeError, ["True"]),
    ("one_hot classes -2", lambda: micrograd_sm.one_hot([0], -2), RuntimeError, ["-2"]),
    ("one_hot of nothing", lambda: micrograd_sm.one_hot([], 0), RuntimeError, ["empty"]),
    ("ignore_index", lambda: micrograd_sm.cross_entropy([[1.0]], [0], ignore_index=None), TypeError, ["ignore_index", "None"]),
    ("fill_value", lambda: micrograd_sm.full((2,), [1.0, 2.0]), TypeError, ["fill_value", "(2,)"]),
    ("randint without a size", lambda: micrograd_sm.randint(5), TypeError, ["size"]),
    ("amin dims", lambda: micrograd_sm.amin([1.0], (0, 0)), RuntimeError, ["amin"]),
    ("argument", lambda: micrograd_sm.softmax(None, 0), TypeError, ["softmax: input", "None"]),
    ("weight", lambda: micrograd_sm.nll_loss([[0.0]], [0], weight="a"), TypeError, ["nll_loss: weight", "'a'"]),
    ("target", lambda: micrograd_sm.nll_loss([[0.0]], None), TypeError, ["nll_loss: target", "None"]),
    ("tensors", lambda: micrograd_sm.cat([[1.0], "a"]), TypeError, ["cat: tensors", "'a'"]),
    ("batch before dimensions", lambda: micrograd_sm.nll_loss([[[0.0]]], [0, 0, 0]), ValueError, ["(3,)"]),
    ("targets for nothing", lambda: micrograd_sm.nll_loss([[[]], [[]]], []), ValueError, ["(0,)"]),
    ("index_select of a number", lambda: micrograd_sm.index_select(1.0, 0, []), RuntimeError, ["0 indices"]),
    ("linear", lambda: micrograd_sm.linear([1.0], [1.0], [1.0]), RuntimeError, ["(1,)"]),
    ("requires_grad of a computed value", lambda: setattr(Value(1.0) * 2, "requires_grad", False), RuntimeError, ["detach"]),
    ("requires_grad 1", lambda: setattr(Value(1.0), "requires_grad", 1), TypeError, ["1"]),
    ("MLP", lambda: micrograd_sm.nn.MLP(2, 3), TypeError, ["nouts", "3"]),
    ("MLP of a string", lambda: micrograd_sm.nn.MLP(2, [1])("ab"), TypeError, ["'ab'"]),
    ("Softmax", micrograd_sm.nn.Softmax, TypeError, ["Softmax", "dim"]),
    ("ragged Values", lambda: micrograd_sm.softmax([Value(1.0), Value([1.0, 2.0])], 0), ValueError, ["(2,)"]),
    ("data of another shape", lambda: setattr(Value([1.0, 2.0]), "data", [1.0]), ValueError, ["(1,)", "(2,)"]),
    ("negative smoothing", lambda: micrograd_sm.cross_entropy([[1.0, 2.0]], [0], label_smoothing=-0.1), ValueError, ["-0.1"]),
    ("nan smoothing", lambda: micrograd_sm.cross_entropy([[1.0]], [0], label_smoothing=float("nan")), ValueError, ["nan"]),
    ("smoothing True", lambda: micrograd_sm.cross_entropy([[1.0]], [0], label_smoothing=True), TypeError, ["True"]),
    ("impossible classes", lambda: micrograd_sm.multinomial([1.0, 0.0], 2), RuntimeError, ["1 have a weight"]),
    ("generator of another library", lambda: micrograd_sm.rand(2, generator=7), TypeError, ["random.Random"]),
    ("nested too deep", lambda: Value(deep(100)), ValueError, ["64"]),
    ("randint float", lambda: micrograd_sm.randint(0, 2.5, (2,)), TypeError, ["2.5"]),
    ("num_samples float", lambda: micrograd_sm.multinomial([1.0], 1.0), TypeError, ["1.0"]),
    ("T of a vector", lambda: Value([1.0]).T, RuntimeError, ["(1,)"]),
    ("& of floats", lambda: Value([1.0]) & micrograd_sm.isnan([1.0]), RuntimeError, ["compare"]),
    ("gradient that is a string", lambda: (Value(1.0) * 2).backward("a"), TypeError, ["'a'"]),
]  # fmt: skip


def deep(levels: int, innermost: Any = 1.0) -> Any:
    nested = innermost
    for _ in range(levels):
        nested = [nested]
    return nested


@pytest.mark.parametrize("program, kind, words", [row[1:] for row in OWN], ids=[row[0] for row in OWN])
def test_errors_of_our_own(program: Callable, kind: type[Exception], words: list[str]) -> None:
    with pytest.raises(kind) as error:
        program()
    assert all(word in str(error.value) for word in words), str(error.value)


def test_the_message_of_a_target_out_of_range() -> None:
    with pytest.raises(IndexError) as error:
        micrograd_sm.nll_loss([[0.0] * 3] * 2, [0, 3])
    assert str(error.value) == "nll_loss: target 3 at position 1 is out of range for 3 classes (0..2)"
