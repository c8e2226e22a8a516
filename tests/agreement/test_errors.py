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


def given(m: Any, plain: Any) -> Any:
    """Return ints or bools as a tensor; the oracle's `ints` are plain lists here, which count as floats."""
    return plain if m is THEIRS else Value(plain, requires_grad=False)


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
    ("two names of dim", lambda m: m.sum(matrix(m), dim=0, axis=0), ["axis", "dim"]),
    ("dim by place and as axis", lambda m: m.softmax(matrix(m), 0, axis=0), ["dim"]),
    ("mean of ints", lambda m: m.mean(given(m, m.ints([1, 2]))), ["ints", "float()"]),
    ("mean of bools", lambda m: m.mean(given(m, m.bools([True]))), ["bools"]),
    ("var of ints", lambda m: m.var(given(m, m.ints([1, 2]))), ["ints"]),
    ("unbiased and correction", lambda m: m.var(vector(m), 0, unbiased=True, correction=1), ["unbiased", "correction"]),
    ("prod dim", lambda m: m.prod(vector(m), 1), ["1"]),
    ("prod dims", lambda m: m.prod(matrix(m), (0, 1)), ["(0, 1)"]),
    ("norm of ints", lambda m: m.norm(given(m, m.ints([1, 2]))), ["ints"]),
    ("norm p", lambda m: m.norm(vector(m), "a"), ["'a'"]),
    ("norm inf of nothing", lambda m: m.norm(m.new([]), float("inf")), ["(0,)"]),
    ("median along an empty dim", lambda m: m.median(m.new([]), 0), ["(0,)"]),
    ("cumsum without dim", lambda m: m.cumsum(vector(m)), ["dim"]),
    ("cumsum dim", lambda m: m.cumsum(vector(m), 1), ["1"]),
    ("sort dim", lambda m: m.sort(vector(m), 1), ["1"]),
    ("topk too many", lambda m: m.topk(vector(m), 4), ["4", "(3,)"]),
    ("topk negative", lambda m: m.topk(vector(m), -1), ["-1"]),
    ("topk float", lambda m: m.topk(vector(m), 1.0), ["1.0"]),
    ("no bins", lambda m: m.histogram(vector(m), 0), ["0"]),
    ("bins of nan", lambda m: m.histogram(m.new([float("nan")]), 2), ["nan"]),
    ("range that falls", lambda m: m.histogram(vector(m), 2, range=(3.0, 2.0)), ["3.0", "2.0"]),
    ("weight of another shape", lambda m: m.histogram(vector(m), 2, weight=m.new([1.0])), ["(1,)", "(3,)"]),
    ("bincount negative", lambda m: m.bincount(m.ints([-1])), ["-1"]),
    ("bincount matrix", lambda m: m.bincount(m.ints([[1]])), ["[[1]]"]),
    ("bincount minlength", lambda m: m.bincount(m.ints([1]), minlength=-1), ["-1"]),
    ("bincount weights", lambda m: m.bincount(m.ints([1]), vector(m)), ["(3,)"]),
    ("flatten", lambda m: m.flatten(matrix(m), 1, 0), ["1", "0"]),
    ("unflatten", lambda m: m.unflatten(vector(m), 0, (2, -1)), ["(3,)", "(2, -1)"]),
    ("unflatten int", lambda m: m.unflatten(vector(m), 0, 3), ["3"]),
    ("unflatten into nothing", lambda m: m.unflatten(vector(m), 0, ()), ["()"]),
    ("t of three", lambda m: m.t(m.new([[[1.0]]])), ["(1, 1, 1)"]),
    ("movedim", lambda m: m.movedim(matrix(m), (0, 0), (0, 1)), ["(0, 0)"]),
    ("movedim unequal", lambda m: m.movedim(matrix(m), (0,), (0, 1)), ["(0,)"]),
    ("repeat few", lambda m: matrix(m).repeat(2), ["(2,)", "(2, 3)"]),
    ("repeat negative", lambda m: matrix(m).repeat(2, -1), ["-1"]),
    ("repeat without times", lambda m: number(m).repeat(), ["repeat"]),
    ("repeat_interleave", lambda m: m.repeat_interleave(vector(m), m.ints([1, 2])), ["3", "[1, 2]"]),
    ("repeat_interleave negative", lambda m: m.repeat_interleave(vector(m), -1), ["-1"]),
    ("repeat_interleave number", lambda m: m.repeat_interleave(number(m), 2, 0), ["0"]),
    ("roll", lambda m: m.roll(vector(m), (1, 2), 0), ["(1, 2)"]),
    ("roll number", lambda m: m.roll(number(m), 1, 0), ["0"]),
    ("flip twice", lambda m: m.flip(vector(m), (0, 0)), ["(0, 0)"]),
    ("unbind number", lambda m: m.unbind(number(m)), ["number"]),
    ("split number", lambda m: m.split(number(m), 1), ["number"]),
    ("split 0", lambda m: m.split(vector(m), 0), ["0", "(3,)"]),
    ("split sizes", lambda m: m.split(vector(m), [1, 1]), ["(1, 1)", "(3,)"]),
    ("split negative", lambda m: m.split(vector(m), [4, -1]), ["-1"]),
    ("split float", lambda m: m.split(vector(m), 1.0), ["1.0"]),
    ("chunk 0", lambda m: m.chunk(vector(m), 0), ["0"]),
    ("chunk number", lambda m: m.chunk(number(m), 1), ["number"]),
    ("vstack of nothing", lambda m: m.vstack([]), ["empty list"]),
    ("meshgrid of a matrix", lambda m: m.meshgrid(matrix(m), vector(m), indexing="ij"), ["(2, 3)"]),
    ("meshgrid indexing", lambda m: m.meshgrid(vector(m), vector(m), indexing="a"), ["'a'"]),
    ("tril vector", lambda m: m.tril(vector(m)), ["(3,)"]),
    ("diag number", lambda m: m.diag(number(m)), ["()"]),
    ("diagonal of a vector", lambda m: m.diagonal(vector(m)), ["1"]),
    ("diagonal of one dim", lambda m: m.diagonal(matrix(m), 0, 1, 1), ["1"]),
    ("dot sizes", lambda m: m.dot(vector(m), m.new([1.0])), ["(3,)", "(1,)"]),
    ("dot matrix", lambda m: m.dot(matrix(m), vector(m)), ["(2, 3)"]),
    ("outer matrix", lambda m: m.outer(matrix(m), vector(m)), ["(2, 3)"]),
    ("mm vector", lambda m: m.mm(vector(m), matrix(m)), ["mm", "(3,)"]),
    ("mv sizes", lambda m: m.mv(matrix(m), m.new([1.0])), ["(2, 3)", "(1,)"]),
    ("bmm batches", lambda m: m.bmm(m.new([[[1.0]]]), m.new([[[1.0]], [[1.0]]])), ["(2, 1, 1)"]),
    ("einsum operands", lambda m: m.einsum("i,i", vector(m)), ["2", "1"]),
    ("einsum of nothing", lambda m: m.einsum("i"), ["operands"]),
    ("einsum dimensions", lambda m: m.einsum("ijk", matrix(m)), ["(2, 3)"]),
    ("einsum few dimensions", lambda m: m.einsum("i", matrix(m)), ["(2, 3)"]),
    ("einsum sizes", lambda m: m.einsum("i,i", vector(m), m.new([1.0, 2.0])), ["3", "2"]),
    ("einsum diagonal", lambda m: m.einsum("ii", matrix(m)), ["(2, 3)"]),
    ("einsum output", lambda m: m.einsum("i->k", vector(m)), ["'k'"]),
    ("einsum output twice", lambda m: m.einsum("i->ii", vector(m)), ["'i'"]),
    ("einsum letters", lambda m: m.einsum("i1", matrix(m)), ["i1"]),
    ("einsum two arrows", lambda m: m.einsum("i->i->i", vector(m)), ["->"]),
    ("einsum dots", lambda m: m.einsum("i..", matrix(m)), ["i.."]),
    ("einsum equation", lambda m: m.einsum(3, vector(m)), ["3"]),
    ("layer_norm shape", lambda m: m.layer_norm(matrix(m), (2,)), ["(2, 3)", "(2,)"]),
    ("layer_norm int", lambda m: m.layer_norm(matrix(m), 3), ["3"]),
    ("layer_norm weight", lambda m: m.layer_norm(matrix(m), (3,), m.new([1.0])), ["weight", "(1,)"]),
    ("batch_norm of one", lambda m: m.batch_norm(m.new([[1.0, 2.0]]), None, None, training=True), ["(1, 2)"]),
    ("batch_norm vector", lambda m: m.batch_norm(vector(m), m.new([0.0], False), m.new([1.0], False)), ["(3,)"]),
    ("batch_norm without running", lambda m: m.batch_norm(matrix(m), None, None), ["running_mean", "training=True"]),
    ("batch_norm running", lambda m: m.batch_norm(matrix(m), m.new([0.0], False), m.new([1.0], False)), ["(3,)", "(1,)"]),
    ("batch_norm one of two", lambda m: m.batch_norm(matrix(m), m.new([0.0] * 3, False), None, training=True), ["both"]),
    ("batch_norm weight", lambda m: m.batch_norm(matrix(m), None, None, m.new([1.0]), training=True), ["weight", "(1,)"]),
    ("batch_norm eps", lambda m: m.batch_norm(matrix(m), None, None, training=True, eps=-1.0), ["-1.0"]),
    ("batch_norm gradient", lambda m: m.batch_norm(matrix(m), vector(m), vector(m)), ["running_mean", "requires_grad=False"]),
    ("select", lambda m: m.select(vector(m), 0, 3), ["3"]),
    ("select number", lambda m: m.select(number(m), 0, 0), ["number"]),
    ("narrow", lambda m: m.narrow(vector(m), 0, 2, 2), ["2", "3"]),
    ("narrow start", lambda m: m.narrow(vector(m), 0, 4, 0), ["4"]),
    ("narrow negative", lambda m: m.narrow(vector(m), 0, 2, -1), ["-1"]),
    ("narrow number", lambda m: m.narrow(number(m), 0, 0, 1), ["number"]),
    ("masked_select ints", lambda m: m.masked_select(vector(m), m.ints([1, 0, 1])), ["bools"]),
    ("masked_select shape", lambda m: m.masked_select(vector(m), m.bools([True, False])), ["(3,)", "(2,)"]),
    ("take too large", lambda m: m.take(vector(m), m.ints([3])), ["3"]),
    ("take float", lambda m: m.take(vector(m), m.new([1.0], False)), ["floats"]),
    ("take_along_dim dimensions", lambda m: m.take_along_dim(matrix(m), m.ints([1]), 1), ["(1,)", "(2, 3)"]),
    ("take_along_dim float", lambda m: m.take_along_dim(vector(m), m.new([1.0], False), 0), ["floats"]),
    ("scatter_add too large", lambda m: m.scatter_add(vector(m), 0, m.ints([3]), vector(m)), ["3"]),
    ("scatter_add dimensions", lambda m: m.scatter_add(vector(m), 0, m.ints([[0]]), m.new([[1.0]])), ["(1, 1)"]),
    ("scatter_add small src", lambda m: m.scatter_add(vector(m), 0, m.ints([0, 0]), m.new([1.0])), ["(2,)", "(1,)"]),
    ("scatter_add size", lambda m: m.scatter_add(matrix(m), 1, m.ints([[0]] * 3), m.new([[1.0]] * 3)), ["(3, 1)"]),
    ("scatter of ints", lambda m: m.scatter(vector(m), 0, m.ints([0]), given(m, m.ints([1]))), ["int"]),
    ("scatter of nothing", lambda m: m.scatter(vector(m), 0, m.ints([0])), ["src", "value"]),
    ("index_add source", lambda m: m.index_add(vector(m), 0, m.ints([0, 0]), m.new([1.0])), ["(2,)", "(1,)"]),
    ("index_add too large", lambda m: m.index_add(vector(m), 0, m.ints([3]), m.new([1.0])), ["3"]),
    ("embedding too large", lambda m: m.embedding(m.ints([2]), matrix(m)), ["2"]),
    ("embedding negative", lambda m: m.embedding(m.ints([-1]), matrix(m)), ["-1"]),
    ("embedding float", lambda m: m.embedding(m.new([1.0], False), matrix(m)), ["floats"]),
    ("embedding vector", lambda m: m.embedding(m.ints([1]), vector(m)), ["(3,)"]),
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
    ("layer_norm of ints", lambda: micrograd_sm.layer_norm(Value([1, 2], requires_grad=False), (2,)), RuntimeError, ["ints"]),
    ("histogram edges", lambda: micrograd_sm.histogram([1.0], [2.0, 1.0]), RuntimeError, ["increasing"]),
    ("embedding padding", lambda: micrograd_sm.embedding([0], [[1.0]], 3), ValueError, ["padding_idx", "3"]),
    ("running list", lambda: micrograd_sm.batch_norm([[1.0], [2.0]], [0.0], [1.0], training=True), TypeError, ["in place"]),
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
