"""The two dozen primitives: each one's value rule and gradient rule, side by side. All else is composed of them.

A gradient rule answers, for one operand: given the upstream gradient `g` (dL/d out), what does this operation
contribute to dL/d operand? It is the vector-Jacobian product g · d out / d operand, written in primitives itself.
That is why one rule serves twice. On plain numbers and arrays it *is* the backward pass; on Values each primitive
in it is recorded, so the gradient has a graph of its own, and second derivatives come for free.

How can a rule down here record, when only `engine` knows Value? Through `Recorded`: a primitive that meets an
operand of that class hands itself over to it (`Primitive.__call__`, below). `engine.Value` is the one subclass.

>>> from micrograd_sm.primitives import exp
>>> exp(0.0)
1.0
>>> from micrograd_sm import Value
>>> exp(Value(0.0))
Value(1., op=exp)
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from micrograd_sm.array import ieee, namespace, shape_of
from micrograd_sm.array.storage import chosen
from micrograd_sm.array.strides import Shape


class Recorded:
    """An operand that a primitive hands itself over to, instead of computing on it."""

    __slots__ = ()
    _data: Any

    def record(self, primitive: Primitive, operands: tuple, params: dict[str, Any]) -> Any:
        """Apply the primitive to the operands' data and remember that it was applied."""
        raise NotImplementedError


class Primitive:
    """An operation: its value rule, one gradient rule for each operand, and what is known of it.

    `value(*operands, **params)` computes on numbers or arrays; `gradient[k](g, out, *operands, **params)` is the
    contribution to operand k, which `contributions` sums over the dimensions along which the operand was repeated if
    `broadcasts` is set. `unary` and `binary` say that there are one or two operands and no parameters. `variadic` says that
    there may be any number of operands; then `gradient` is one rule for all, and takes the operand's position first.

    `kind` is "elementwise" if an element of the result is made of one element of each operand, "moves" if the elements of
    the operands only change their places, and "mixes" for anything else. `linear` says that the local derivatives do not
    depend on how large the operands are. `infix` says that the symbol stands between the operands. `says` is what becomes
    of the upstream gradient, in words, if it is not only multiplied. `views` says that torch's result shares its memory with
    the operand, `foreign` that another library computes value and gradient.

    >>> multiply.value(2.0, 3.0), [rule(1.0, 6.0, 2.0, 3.0) for rule in multiply.gradient]
    (6.0, [3.0, 2.0])
    """

    __slots__ = (
        "binary", "broadcasts", "foreign", "gradient", "infix", "kind", "linear", "name", "says", "symbol", "unary", "value",
        "variadic", "views",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        symbol: str,
        value: Callable,
        gradient: Any,
        kind: str = "elementwise",
        broadcasts: bool = False,
        linear: bool = False,
        infix: bool = False,
        says: str = "",
        views: bool = False,
        foreign: bool = False,
    ) -> None:
        self.name, self.symbol, self.value, self.gradient = name, symbol, value, gradient
        self.kind, self.broadcasts, self.linear, self.infix = kind, broadcasts, linear, infix
        self.says, self.views, self.foreign = says, views, foreign
        self.variadic = not isinstance(gradient, tuple)
        rules = () if self.variadic else gradient
        takes = [rule.__code__.co_varnames[: rule.__code__.co_argcount] for rule in rules]
        self.unary, self.binary = takes == [("g", "out", "x")], takes == [("g", "out", "a", "b")] * 2
        (_FOREIGN if foreign else PRIMITIVES)[name] = self

    def __call__(self, *operands: Any, **params: Any) -> Any:
        for operand in operands:
            if isinstance(operand, Recorded):
                return operand.record(self, operands, params)
        return self.value(*operands, **params)

    def contributions(
        self, g: Any, out: Any, operands: Sequence[Any], params: Mapping[str, Any], wanted: Sequence[bool]
    ) -> Iterator[tuple[int, Any]]:
        """Yield the position of each wanted operand, and the contribution to its gradient, in the operand's shape.

        >>> list(multiply.contributions(1.0, 6.0, (2.0, 3.0), {}, (True, True)))
        [(0, 3.0), (1, 2.0)]
        """
        for position in range(len(operands)):
            if wanted[position]:
                rule = partial(self.gradient, position) if self.variadic else self.gradient[position]
                contribution = rule(g, out, *operands, **params)
                if self.broadcasts and type(contribution) is not float:
                    contribution = unbroadcast(contribution, shape_of(operands[position]))
                yield position, contribution

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


class _Table(dict[str, Primitive]):
    """The primitives of this house by name; one of another library is found, too, but not counted or listed."""

    def __missing__(self, name: str) -> Primitive:
        return _FOREIGN[name]


PRIMITIVES: dict[str, Primitive] = _Table()
_FOREIGN: dict[str, Primitive] = {}


def unbroadcast(g: Any, shape: Shape) -> Any:
    """Sum a gradient over the dimensions along which an operand of `shape` was repeated.

    >>> from micrograd_sm.array import Array
    >>> unbroadcast(Array([[1.0, 2.0], [3.0, 4.0]]), (2,))
    Array([4.0, 6.0])
    """
    wide = shape_of(g)
    if wide == shape:
        return g
    missing = len(wide) - len(shape)
    repeated = tuple(k for k, size in enumerate(wide) if k < missing or (shape[k - missing] == 1 and size != 1))
    total = sum(g, axis=repeated, keepdims=False)
    return total if shape_of(total) == shape else reshape(total, shape=shape)


def kept(shape: Shape, axis: tuple[int, ...]) -> Shape:
    """Return the shape that a reduction with keepdims leaves.

    >>> kept((2, 3), (1,))
    (2, 1)
    """
    return tuple(1 if k in axis else size for k, size in enumerate(shape))


def _of_one(name: str) -> Callable:
    """Return the value rule of a function of one element: Python's on a number, on an array its library's."""
    of_number = getattr(ieee, name)
    return lambda x: of_number(x) if type(x) is float else getattr(namespace(x), name)(x)


# Arithmetic ---------------------------------------------------------------------------------------------------------

add: Primitive = Primitive("add", "+",
    value=operator.add,
    gradient=(lambda g, out, a, b: g,
              lambda g, out, a, b: g),
    broadcasts=True, linear=True, infix=True)  # fmt: skip

subtract: Primitive = Primitive("subtract", "-",
    value=operator.sub,
    gradient=(lambda g, out, a, b: g,
              lambda g, out, a, b: -g),
    broadcasts=True, linear=True, infix=True)  # fmt: skip

multiply: Primitive = Primitive("multiply", "*",
    value=operator.mul,
    gradient=(lambda g, out, a, b: g * b,
              lambda g, out, a, b: g * a),
    broadcasts=True, infix=True)  # fmt: skip

divide: Primitive = Primitive("divide", "/",
    value=lambda a, b: ieee.divide(a, b) if type(a) is float is type(b) else namespace(a, b).divide(a, b),
    gradient=(lambda g, out, a, b: divide(g, b),
              lambda g, out, a, b: -g * divide(out, b)),
    broadcasts=True, infix=True)  # fmt: skip

negative: Primitive = Primitive("negative", "-",
    value=operator.neg,
    gradient=(lambda g, out, x: -g,),
    linear=True)  # fmt: skip


def _power(a: Any, b: Any) -> Any:
    if type(b) is float and b in (0.5, -0.5):  # torch's square root: of -inf it is nan, where C's pow says inf
        root = sqrt.value(a)
        return root if b == 0.5 else divide(1.0, root)
    return ieee.power(a, b) if type(a) is float is type(b) else namespace(a, b).pow(a, b)


def _power_by_base(g: Any, out: Any, a: Any, b: Any) -> Any:
    zero = b == 0
    if zero is False:
        return g * (b * power(a, b - 1.0))
    # x ** 0 is 1 everywhere: exponent and upstream gradient are masked first, so that 0 ** -1 is never computed, nor recorded
    return where(0.0, g, condition=zero) * (b * power(a, where(0.0, b - 1.0, condition=zero)))


def _power_by_exponent(g: Any, out: Any, a: Any, b: Any) -> Any:
    zero = a == 0
    if zero is False:
        return g * (out * log(a))
    flat = zero & (b >= 0)  # 0 ** b stays 0
    return where(0.0, g, condition=flat) * (out * log(where(1.0, a, condition=flat)))


power: Primitive = Primitive("power", "**",
    value=_power,
    gradient=(_power_by_base, _power_by_exponent),
    broadcasts=True, infix=True)  # fmt: skip

# Functions of one element -------------------------------------------------------------------------------------------

exp: Primitive = Primitive("exp", "exp",
    value=_of_one("exp"),
    gradient=(lambda g, out, x: g * out,))  # fmt: skip

log: Primitive = Primitive("log", "log",
    value=_of_one("log"),
    gradient=(lambda g, out, x: divide(g, x),))  # fmt: skip

log1p: Primitive = Primitive("log1p", "log1p",
    value=_of_one("log1p"),
    gradient=(lambda g, out, x: divide(g, x + 1.0),))  # fmt: skip

sqrt: Primitive = Primitive("sqrt", "sqrt",
    value=_of_one("sqrt"),
    gradient=(lambda g, out, x: divide(g, out * 2.0),))  # fmt: skip

sin: Primitive = Primitive("sin", "sin",
    value=_of_one("sin"),
    gradient=(lambda g, out, x: g * cos(x),))  # fmt: skip

cos: Primitive = Primitive("cos", "cos",
    value=_of_one("cos"),
    gradient=(lambda g, out, x: g * -sin(x),))  # fmt: skip

tanh: Primitive = Primitive("tanh", "tanh",
    value=_of_one("tanh"),
    gradient=(lambda g, out, x: g * (1.0 - out * out),))  # fmt: skip

erf: Primitive = Primitive("erf", "erf",
    value=_of_one("erf"),
    gradient=(lambda g, out, x: g * (exp(-(x * x)) * (2.0 / math.sqrt(math.pi))),))  # fmt: skip

sigmoid: Primitive = Primitive("sigmoid", "σ",
    value=lambda x: ieee.sigmoid(x) if type(x) is float else divide(1.0, exp(-x) + 1.0),
    gradient=(lambda g, out, x: g * (out * (1.0 - out)),))  # fmt: skip

relu: Primitive = Primitive("relu", "ReLU",
    value=lambda x: ieee.maximum(x, 0.0) if type(x) is float else namespace(x).maximum(x, 0.0),
    gradient=(lambda g, out, x: where(0.0, g, condition=x <= 0.0),),
    linear=True)  # fmt: skip

where: Primitive = Primitive("where", "where",
    value=lambda a, b, condition: (
        (a if condition else b) if type(a) is float is type(b) and type(condition) is bool
        else namespace(condition, a, b).where(condition, a, b)),
    gradient=(lambda g, out, a, b, condition: where(g, 0.0, condition=condition),
              lambda g, out, a, b, condition: where(0.0, g, condition=condition)),
    broadcasts=True, linear=True)  # fmt: skip

# Reductions and products --------------------------------------------------------------------------------------------

sum: Primitive = Primitive("sum", "sum",
    value=lambda x, axis, keepdims: namespace(x).sum(x, axis=axis, keepdims=keepdims),
    gradient=(lambda g, out, x, axis, keepdims: expand(reshape(g, shape=kept(shape_of(x), axis)), shape=shape_of(x)),),
    kind="mixes", linear=True, says="a copy for each element")  # fmt: skip


def _split_among_ties(g: Any, out: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    shape = kept(shape_of(x), axis)
    ties = chosen(x == reshape(out, shape=shape), 1.0, 0.0, like=x)
    return divide(reshape(g, shape=shape), sum(ties, axis=axis, keepdims=True)) * ties


max: Primitive = Primitive("max", "max",
    value=lambda x, axis, keepdims: namespace(x).max(x, axis=axis, keepdims=keepdims),
    gradient=(_split_among_ties,),
    kind="mixes", linear=True, says="to the largest element, in equal parts if several tie")  # fmt: skip

matmul: Primitive = Primitive("matmul", "@",
    value=lambda a, b: namespace(a, b).matmul(a, b),
    gradient=(lambda g, out, a, b: matmul(g, transpose(b)),
              lambda g, out, a, b: matmul(transpose(a), g)),
    broadcasts=True, kind="mixes", infix=True)  # fmt: skip


def transpose(x: Any) -> Any:
    """Swap the last two axes.

    >>> from micrograd_sm.array import Array
    >>> transpose(Array([[1.0, 2.0]]))
    Array([[1.0], [2.0]])
    """
    ndim = len(x.shape)
    return permute(x, order=(*range(ndim - 2), ndim - 1, ndim - 2))


# Moving elements ----------------------------------------------------------------------------------------------------

reshape: Primitive = Primitive("reshape", "reshape",
    value=lambda x, shape: namespace(x).reshape(x, shape),
    gradient=(lambda g, out, x, shape: reshape(g, shape=shape_of(x)),),
    kind="moves", linear=True, says="in shape {shape} again", views=True)  # fmt: skip

permute: Primitive = Primitive("permute", "permute",
    value=lambda x, order: namespace(x).permute_dims(x, order),
    gradient=(lambda g, out, x, order: permute(g, order=tuple(map(order.index, range(len(order))))),),
    kind="moves", linear=True, says="with its dimensions in their old order", views=True)  # fmt: skip

expand: Primitive = Primitive("expand", "expand",
    value=lambda x, shape: namespace(x).broadcast_to(x, shape),
    gradient=(lambda g, out, x, shape: g,),
    broadcasts=True, kind="moves", linear=True, views=True)  # fmt: skip


def _own_slice(position: int, g: Any, out: Any, *xs: Any, axis: int) -> Any:
    ends = list(accumulate(x.shape[axis] for x in xs))
    return g[(slice(None),) * axis + (slice(ends[position] - xs[position].shape[axis], ends[position]),)]


cat: Primitive = Primitive("cat", "cat",
    value=lambda *xs, axis: namespace(*xs).concat(xs, axis=axis),
    gradient=_own_slice,
    kind="moves", linear=True)  # fmt: skip

index: Primitive = Primitive("index", "[ ]",  # flat positions; the result's shape; key as the user wrote it, for people to read
    value=lambda x, positions, shape, key: namespace(x).take(x, positions, shape),
    gradient=(lambda g, out, x, positions, shape, key: put(g, positions=positions, shape=shape_of(x)),),
    kind="moves", linear=True, says="back at the elements picked by {key}, 0 elsewhere{repeated}", views=True)  # fmt: skip

put: Primitive = Primitive("put", "put",  # the transpose of index: each element is added at its position, to zeros
    value=lambda x, positions, shape: namespace(x).put(x, positions, shape),
    gradient=(lambda g, out, x, positions, shape: index(g, positions=positions, shape=shape_of(x), key=None),),
    kind="mixes", linear=True, says="read at the places where the elements were put")  # fmt: skip
