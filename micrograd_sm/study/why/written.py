"""Numbers as the code that computes them: run a gradient rule on `Written` operands, and it writes itself out.

A rule is made of primitives, and a primitive hands itself over to an operand that is `Recorded`. `engine.Value` answers by
recording a node, `Written` by writing an expression for each element. It also keeps the numbers, so that it knows
which branch was taken, and where Python's `math` raises for what IEEE 754 has a value for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from micrograd_sm import primitives
from micrograd_sm.array import Array, flat_of, shape_of
from micrograd_sm.array.indexing import locate
from micrograd_sm.array.strides import Shape, broadcast, broadcast_shapes, groups
from micrograd_sm.primitives import Primitive, Recorded

SUM, PRODUCT, SIGN, ATOM = range(4)  # how tightly an expression holds together
_LONGEST_DOT = 16  # products of a dot product that are written as a sum; longer ones call `dot`


class Element(NamedTuple):
    """The expression of one number, and how tightly it holds together."""

    text: str
    level: int = ATOM

    def within(self, level: int) -> str:
        """Return the text, in brackets if it holds less tightly than `level`."""
        return self.text if self.level >= level else f"({self.text})"


def literal(x: Any) -> Element:
    """Return a number as Python writes it."""
    if isinstance(x, float) and not math.isfinite(x):
        text = "math.nan" if x != x else "math.inf" if x > 0 else "-math.inf"
    else:
        text = repr(x)
    return Element(text, SIGN if text.startswith("-") else ATOM)


class Written(Recorded):
    """A number or array, with the expression of each element, in row-major order."""

    __slots__ = ("_data", "elements")
    __array_ufunc__ = None

    def __init__(self, data: Any, elements: Sequence[Element]) -> None:
        self._data, self.elements = data, list(elements)

    @property
    def shape(self) -> Shape:
        """The shape; () for a number."""
        return shape_of(self._data)

    def record(self, primitive: Primitive, operands: tuple, params: dict[str, Any]) -> Written:
        """Return the primitive's result: its numbers, and an expression for each."""
        if primitive is primitives.sigmoid:  # made of other primitives, which write themselves
            return primitive.value(*operands)
        xs = [written(x) for x in operands]
        data = primitive.value(*[x._data for x in xs], **params)
        return Written(data, _WRITERS[primitive.name](data, *xs, **params))

    def __add__(self, other: Any) -> Written:
        return self.record(primitives.add, (self, other), {})

    def __radd__(self, other: Any) -> Written:
        return self.record(primitives.add, (other, self), {})

    def __sub__(self, other: Any) -> Written:
        return self.record(primitives.subtract, (self, other), {})

    def __rsub__(self, other: Any) -> Written:
        return self.record(primitives.subtract, (other, self), {})

    def __mul__(self, other: Any) -> Written:
        return self.record(primitives.multiply, (self, other), {})

    def __rmul__(self, other: Any) -> Written:
        return self.record(primitives.multiply, (other, self), {})

    def __neg__(self) -> Written:
        return self.record(primitives.negative, (self,), {})

    def __getitem__(self, key: Any) -> Written:
        positions, shape = locate(key, self.shape)
        return primitives.index(self, positions=positions, shape=shape, key=None)

    def __lt__(self, other: Any) -> Any:
        return self._data < plain(other)

    def __le__(self, other: Any) -> Any:
        return self._data <= plain(other)

    def __gt__(self, other: Any) -> Any:
        return self._data > plain(other)

    def __ge__(self, other: Any) -> Any:
        return self._data >= plain(other)

    def __eq__(self, other: Any) -> Any:
        return self._data == plain(other)

    __hash__ = object.__hash__


def written(x: Any) -> Written:
    """Return a number or array as literals; what is Written as it is."""
    return x if isinstance(x, Written) else Written(x, [literal(number) for number in flat_of(x)])


def plain(x: Any) -> Any:
    """Return the numbers of what is Written, anything else as it is."""
    return x._data if isinstance(x, Written) else x


# How each primitive is written ---------------------------------------------------------------------------------------


def _each(write: Callable[..., Element]) -> Callable[..., list[Element]]:
    """Write each element of the result of the elements that it is made of: `write(value, (x, text), ...)`."""

    def elements(data: Any, *xs: Written, **params: Any) -> list[Element]:
        columns = [
            list(zip(*(broadcast(column, x.shape, shape_of(data)) for column in (flat_of(x._data), x.elements)))) for x in xs
        ]
        return [write(value, *operands, **params) for value, *operands in zip(flat_of(data), *columns, strict=True)]

    return elements


def _infix(symbol: str, level: int) -> Callable[..., list[Element]]:
    """Floating point is not associative: a right operand of the same level keeps its brackets."""
    return _each(lambda value, a, b: Element(f"{a[1].within(level)} {symbol} {b[1].within(level + 1)}", level))


def _divided(value: float, a: Any, b: Any) -> Element:
    if b[0] == 0:
        return Element(f"divide({a[1].text}, {b[1].text})")
    return Element(f"{a[1].within(PRODUCT)} / {b[1].within(SIGN)}", PRODUCT)


def _called(name: str) -> Callable[..., list[Element]]:
    function = getattr(math, name)
    return _each(lambda value, *operands: _call(function, value, *operands))


def _call(function: Callable, value: float, *operands: tuple[float, Element]) -> Element:
    name, arguments = f"math.{function.__name__}", ", ".join(element.text for _, element in operands)
    try:
        function(*[x for x, _ in operands])
    except (ValueError, OverflowError):
        return Element(f"ieee({name}, {arguments}, otherwise={literal(value).text})")
    return Element(f"{name}({arguments})")


def _power(data: Any, a: Written, b: Written) -> list[Element]:
    if type(b._data) is float and b._data in (0.5, -0.5):
        root = Written(primitives.power.value(a._data, 0.5), _called("sqrt")(primitives.power.value(a._data, 0.5), a))
        return root.elements if b._data > 0 else primitives.divide(1.0, root).elements
    return _called("pow")(data, a, b)


def _sum(data: Any, x: Written, axis: tuple[int, ...], keepdims: bool) -> list[Element]:
    if type(x._data) is not Array:
        return x.elements
    floating = x._data.dtype is float
    every = zip(_groups(x, axis), groups(x._data.flat, x.shape, axis), strict=True)
    return [_total(list(texts), list(numbers), floating) for texts, numbers in every]


def _total(texts: list[Element], numbers: list[float], floating: bool) -> Element:
    start = "0.0" if floating else "0"
    if len(texts) < 2:
        return Element(" + ".join([start, *(one.within(PRODUCT) for one in texts)]), SUM)
    listed = ", ".join(one.text for one in texts)
    if not floating:
        return Element(f"sum(({listed}))")
    try:
        math.fsum(numbers)
    except (ValueError, OverflowError):
        return Element(f"sum(({listed}), {start})")
    return Element(f"math.fsum(({listed}))")


def _max(data: Any, x: Written, axis: tuple[int, ...], keepdims: bool) -> list[Element]:
    if type(x._data) is not Array:
        return x.elements
    tops = []
    for places in groups(list(range(len(x.elements))), x.shape, axis):
        missing = [place for place in places if x._data.flat[place] != x._data.flat[place]]  # nan wins
        texts = [x.elements[place] for place in missing[:1] or places]
        tops.append(texts[0] if len(texts) == 1 else Element(f"max({', '.join(one.text for one in texts)})"))
    return tops


def _groups(x: Written, axis: tuple[int, ...]) -> list[list[Element]]:
    return [list(group) for group in groups(x.elements, x.shape, axis)]


def _matmul(data: Any, a: Written, b: Written) -> list[Element]:
    (n, k), m = a.shape[-2:], b.shape[-1]
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    xs, ys = broadcast(a.elements, a.shape, (*batch, n, k)), broadcast(b.elements, b.shape, (*batch, k, m))
    products = []
    for start in range(math.prod(batch)):
        rows = [xs[start * n * k + row * k :][:k] for row in range(n)]
        columns = [ys[start * k * m : (start + 1) * k * m][column::m] for column in range(m)]
        products += [_dot(row, column) for row in rows for column in columns]
    return products


def _dot(row: list[Element], column: list[Element]) -> Element:
    if not row:
        return Element("0.0")
    if len(row) > _LONGEST_DOT:
        return Element(f"dot(({', '.join(x.text for x in row)}), ({', '.join(y.text for y in column)}))")
    terms = [f"{x.within(PRODUCT)} * {y.within(SIGN)}" for x, y in zip(row, column)]
    return Element(" + ".join(terms), SUM if len(terms) > 1 else PRODUCT)


def _moved(primitive: Primitive) -> Callable[..., list[Element]]:
    """Move expressions as the primitive moves numbers: let it move their places."""

    def elements(data: Any, *xs: Written, **params: Any) -> list[Element]:
        every = [one for x in xs for one in x.elements]
        places, start = [], 0
        for x in xs:
            places.append(Array.of(list(range(start, start + len(x.elements))), x.shape, int))
            start += len(x.elements)
        return [every[place] for place in flat_of(primitive.value(*places, **params))]

    return elements


def _put(data: Any, x: Written, positions: Sequence[int], shape: Shape) -> list[Element]:
    texts = ["0.0"] * math.prod(shape)
    for position, element in zip(positions, x.elements, strict=True):
        texts[position] += f" + {element.within(PRODUCT)}"
    return [Element(text, SUM if " + " in text else ATOM) for text in texts]


def _relu(value: float, x: tuple[float, Element]) -> Element:
    return x[1] if x[0] != x[0] else Element(f"max(0.0, {x[1].text})")


def _where(data: Any, a: Written, b: Written, condition: Any) -> list[Element]:
    """Write the side that was taken."""
    shape = shape_of(data)
    sides = [broadcast(x.elements, x.shape, shape) for x in (a, b)]
    holds = broadcast(flat_of(condition), shape_of(condition), shape)
    return [x if taken else y for taken, x, y in zip(holds, *sides, strict=True)]


_WRITERS: dict[str, Callable[..., list[Element]]] = {
    "add": _infix("+", SUM),
    "subtract": _infix("-", SUM),
    "multiply": _infix("*", PRODUCT),
    "divide": _each(_divided),
    "negative": _each(lambda value, x: Element(f"-{x[1].within(ATOM)}", SIGN)),
    "power": _power,
    **{name: _called(name) for name in ("exp", "log", "log1p", "sin", "cos", "tanh", "erf")},
    "relu": _each(_relu),
    "where": _where,
    "sum": _sum,
    "max": _max,
    "matmul": _matmul,
    **{
        name: _moved(primitives.PRIMITIVES[name])
        for name in primitives.PRIMITIVES
        if primitives.PRIMITIVES[name].kind == "moves"
    },
    "put": _put,
}
