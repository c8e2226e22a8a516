"""Arrays of decimals under array API names: the primitives compute on them as on any other library's arrays.

This module is the namespace that `Exact` names, so value rules and gradient rules find their functions here. How many digits
are kept is the decimal context's business: see `working`.
"""

from __future__ import annotations

import decimal
import operator
import sys
from collections.abc import Callable, Sequence
from decimal import Context, Decimal, localcontext
from math import prod
from typing import Any

from micrograd_sm.array import Array, shape_of
from micrograd_sm.array.indexing import locate
from micrograd_sm.array.parsing import parse
from micrograd_sm.array.strides import Shape, broadcast, broadcast_shapes, groups, permute

int64 = int
_NAN, _INF = Decimal("NaN"), Decimal("Infinity")
_COMPARISONS = {operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge}


def working(precision: int) -> Any:
    """Return a context in which decimals keep `precision` digits, have all exponents, and 1 / 0 is inf.

    >>> with working(60):
    ...     exact(1e4).each(Decimal.exp).flat[0].adjusted()
    4342
    """
    return localcontext(Context(precision, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[]))


class Exact:
    """An immutable array of decimals, of any shape, in a flat row-major list; comparisons give ordinary booleans.

    >>> x = exact(Array([1.0, 2.0]))
    >>> (x * x + 0.5).flat, (x > 1.0).tolist()
    ([Decimal('1.5'), Decimal('4.5')], [False, True])
    """

    __slots__ = ("flat", "shape")
    __array_ufunc__ = None
    dtype = Decimal

    def __init__(self, flat: list[Decimal], shape: Shape) -> None:
        self.flat, self.shape = flat, shape

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        """Return this module.

        >>> exact(1.0).__array_namespace__().__name__
        'micrograd_sm.study.trust.decimals'
        """
        return sys.modules[__name__]

    def each(self, function: Callable[[Decimal], Decimal]) -> Exact:
        """Return the function of each element.

        >>> exact(4.0).each(Decimal.sqrt).flat
        [Decimal('2')]
        """
        return Exact(list(map(function, self.flat)), self.shape)

    def index_add(self, axis: int, indices: list[int], elements: Exact) -> Exact:
        """Return a flat array with elements added at the indices, as torch's index_add does.

        >>> zeros(2).index_add(0, [1, 1], exact(Array([1.0, 2.0]))).flat
        [Decimal('0'), Decimal('3')]
        """
        flat = list(self.flat)
        for place, element in zip(indices, elements.flat, strict=True):
            flat[place] += element
        return Exact(flat, self.shape)

    def __getitem__(self, key: Any) -> Exact:
        positions, shape = locate(key, self.shape)
        return Exact([self.flat[position] for position in positions], shape)

    def __neg__(self) -> Exact:
        return self.each(Decimal.copy_negate)

    def __add__(self, other: Any) -> Exact:
        return _operate(operator.add, self, other)

    def __radd__(self, other: Any) -> Exact:
        return _operate(operator.add, other, self)

    def __sub__(self, other: Any) -> Exact:
        return _operate(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Exact:
        return _operate(operator.sub, other, self)

    def __mul__(self, other: Any) -> Exact:
        return _operate(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Exact:
        return _operate(operator.mul, other, self)

    def __lt__(self, other: Any) -> Any:
        return _operate(operator.lt, self, other)

    def __le__(self, other: Any) -> Any:
        return _operate(operator.le, self, other)

    def __gt__(self, other: Any) -> Any:
        return _operate(operator.gt, self, other)

    def __ge__(self, other: Any) -> Any:
        return _operate(operator.ge, self, other)

    def __eq__(self, other: Any) -> Any:
        return _operate(operator.eq, self, other)

    __hash__ = object.__hash__


def exact(x: Any) -> Exact:
    """Return numbers as the decimals that they are, to the last digit; what is Exact as it is.

    >>> exact(0.1).flat
    [Decimal('0.1000000000000000055511151231257827021181583404541015625')]
    """
    if isinstance(x, Exact):
        return x
    flat, shape = parse(x if isinstance(x, (Array, float, int)) else x.tolist())
    return Exact([Decimal(int(number) if isinstance(number, bool) else number) for number in flat], tuple(shape))


def _operate(operation: Callable, *xs: Any) -> Any:
    operands = [exact(x) for x in xs]
    shape = broadcast_shapes(*(x.shape for x in operands))
    flat = list(map(operation, *(broadcast(x.flat, x.shape, shape) for x in operands)))
    return Array.of(flat, shape, bool) if operation in _COMPARISONS else Exact(flat, shape)


# The namespace: what value rules ask for, by its array API name ------------------------------------------------------


def asarray(data: Any, dtype: Any = None) -> Any:
    """Return data as decimals; a list of places as it is.

    >>> asarray([1.0]).flat, asarray([0, 1], dtype=int64)
    ([Decimal('1')], [0, 1])
    """
    return data if dtype is int64 else exact(Array(data) if isinstance(data, list) else data)


def zeros(size: int, dtype: Any = Decimal) -> Exact:
    """Return a flat array of zeros.

    >>> zeros(2).flat
    [Decimal('0'), Decimal('0')]
    """
    return Exact([Decimal(0)] * size, (size,))


def _log1p(x: Decimal) -> Decimal:
    """The digits of x that 1 + x has no room for are given more room."""
    digits = decimal.getcontext().prec
    if not x.is_finite() or x.is_zero():
        return x if x != -_INF else _NAN
    if x.adjusted() < -digits:
        return x - x * x / 2
    with localcontext() as context:
        context.prec = digits + 5 - min(x.adjusted(), 0)
        result = (1 + x).ln()
    return +result


def _tanh(x: Decimal) -> Decimal:
    if not x.is_finite():
        return x if x != x else Decimal(1).copy_sign(x)
    digits = decimal.getcontext().prec
    if x.is_zero() or 2 * x.adjusted() < -digits - 2:
        return +x
    with localcontext() as context:
        context.prec = digits + 5 - min(x.adjusted(), 0)
        shrunk = (-2 * abs(x)).exp()
        result = ((1 - shrunk) / (1 + shrunk)).copy_sign(x)
    return +result


def _circular(quarter: int) -> Callable[[Decimal], Decimal]:
    """Return sin (quarter 0) or cos (quarter 1): its Taylor series after whole turns and quarters are taken off."""

    def apply(x: Decimal) -> Decimal:
        if not x.is_finite():
            return _NAN
        digits = decimal.getcontext().prec
        with localcontext() as context:
            context.prec = 2 * digits + 10 + max_of(x.adjusted(), 0)
            half_pi = _pi() / 2
            turns = (x / half_pi).to_integral_value()
            rest, phase = x - turns * half_pi, (int(turns) + quarter) % 4
            result = _series(rest, phase % 2)
            result = -result if phase >= 2 else result
        return +result

    return apply


def _series(x: Decimal, cosine: int) -> Decimal:
    term = total = Decimal(1) if cosine else x
    place, before = 1 + (not cosine), None
    while total != before:
        before = total
        term = -term * x * x / (place * (place + 1))
        total, place = total + term, place + 2
    return total


def _pi() -> Decimal:
    """Machin's formula."""
    return 4 * (4 * _arctan_of_one_over(5) - _arctan_of_one_over(239))


def _arctan_of_one_over(n: int) -> Decimal:
    power = total = Decimal(1) / n
    place, before = 1, None
    while total != before:
        before = total
        power, place = -power / (n * n), place + 2
        total += power / place
    return total


def _power(a: Decimal, b: Decimal) -> Decimal:
    """C's pow, but for square roots, of which that of -inf is nan (see primitives.power)."""
    if b.is_zero() or a == 1:
        return Decimal(1)
    if abs(b) == Decimal("0.5"):
        root = a.sqrt()
        return root if b > 0 else 1 / root
    return decimal.getcontext().power(a, b)


def _unary(function: Callable[[Decimal], Decimal], name: str) -> Callable[[Any], Exact]:
    def apply(x: Any) -> Exact:
        return exact(x).each(function)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"Return {name} of each element."
    return apply


max_of, sum_of = max, sum  # the names below are the standard's
exp, log, sqrt = (_unary(f, n) for f, n in ((Decimal.exp, "exp"), (Decimal.ln, "log"), (Decimal.sqrt, "sqrt")))
log1p, tanh = _unary(_log1p, "log1p"), _unary(_tanh, "tanh")
sin, cos = _unary(_circular(0), "sin"), _unary(_circular(1), "cos")


def divide(a: Any, b: Any) -> Exact:
    """Return a / b; 1 / 0 is inf.

    >>> with working(60):
    ...     divide(1.0, 0.0).flat
    [Decimal('Infinity')]
    """
    return _operate(operator.truediv, a, b)


def pow(a: Any, b: Any) -> Exact:
    """Return a ** b; nan where it is no real number.

    >>> with working(60):
    ...     pow(Array([2.0, -1.0]), 0.5).flat[1], pow(2.0, 10.0).flat
    (Decimal('NaN'), [Decimal('1024')])
    """
    return _operate(_power, a, b)


def maximum(a: Any, b: Any) -> Exact:
    """Return the larger of a and b; nan if either is.

    >>> maximum(Array([-1.0, 2.0]), 0.0).flat
    [Decimal('0'), Decimal('2')]
    """
    return _operate(lambda x, y: x if x > y or x != x else y, a, b)


def where(condition: Any, a: Any, b: Any) -> Exact:
    """Return a where the condition holds and b elsewhere.

    >>> where(Array([True, False]), 1.0, 2.0).flat
    [Decimal('1'), Decimal('2')]
    """
    return _operate(lambda holds, x, y: x if holds else y, condition, a, b)


def _reduce(function: Callable[[list], Decimal], x: Any, axis: Sequence[int], keepdims: bool) -> Exact:
    x = exact(x)
    sizes = [(1 if place in axis else size) for place, size in enumerate(x.shape) if keepdims or place not in axis]
    return Exact(list(map(function, groups(x.flat, x.shape, axis))), tuple(sizes))


def sum(x: Any, axis: Sequence[int], keepdims: bool = False) -> Exact:
    """Return the sum over the given axes.

    >>> sum(Array([[1.0, 2.0]]), axis=(1,)).flat
    [Decimal('3')]
    """
    return _reduce(lambda group: sum_of(group, Decimal(0)), x, axis, keepdims)


def max(x: Any, axis: Sequence[int], keepdims: bool = False) -> Exact:
    """Return the maximum over the given axes; nan wins.

    >>> max(Array([[1.0, 2.0]]), axis=(1,)).flat
    [Decimal('2')]
    """
    return _reduce(lambda group: next((x for x in group if x != x), None) or max_of(group), x, axis, keepdims)


def matmul(a: Any, b: Any) -> Exact:
    """Return the matrix product over the last two axes, leading axes broadcast.

    >>> matmul(Array([[1.0, 2.0]]), Array([[3.0], [4.0]])).flat
    [Decimal('11')]
    """
    a, b = exact(a), exact(b)
    (n, k), m = a.shape[-2:], b.shape[-1]
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    xs, ys = broadcast(a.flat, a.shape, (*batch, n, k)), broadcast(b.flat, b.shape, (*batch, k, m))
    flat = []
    for block in range(prod(batch)):
        rows = [xs[(block * n + row) * k :][:k] for row in range(n)]
        columns = [ys[block * k * m : (block + 1) * k * m][column::m] for column in range(m)]
        flat += [sum_of(map(operator.mul, row, column), Decimal(0)) for row in rows for column in columns]
    return Exact(flat, (*batch, n, m))


def reshape(x: Any, shape: Shape) -> Exact:
    """Return the same elements under another shape; (-1,) is flat.

    >>> reshape(Array([[1.0]]), ()).shape
    ()
    """
    x = exact(x)
    return Exact(x.flat, (len(x.flat),) if shape == (-1,) else tuple(shape))


def permute_dims(x: Any, axes: Sequence[int]) -> Exact:
    """Return the array with its axes in another order.

    >>> permute_dims(Array([[1.0, 2.0]]), (1, 0)).shape
    (2, 1)
    """
    x = exact(x)
    return Exact(permute(x.flat, x.shape, axes) if x.shape else x.flat, tuple(x.shape[axis] for axis in axes))


def broadcast_to(x: Any, shape: Shape) -> Exact:
    """Return the array repeated to fill `shape`.

    >>> len(broadcast_to(1.0, (2, 2)).flat)
    4
    """
    x = exact(x)
    return Exact(broadcast(x.flat, x.shape, tuple(shape)), tuple(shape))


def concat(arrays: Sequence[Any], axis: int) -> Exact:
    """Return the arrays joined along an axis.

    >>> concat((Array([1.0]), Array([2.0])), axis=0).flat
    [Decimal('1'), Decimal('2')]
    """
    xs = [exact(x) for x in arrays]
    outer = prod(xs[0].shape[:axis])
    widths = [prod(x.shape[axis:]) for x in xs]
    flat = [one for k in range(outer) for x, width in zip(xs, widths) for one in x.flat[k * width : (k + 1) * width]]
    size = sum_of(shape_of(x)[axis] for x in xs)
    return Exact(flat, (*xs[0].shape[:axis], size, *xs[0].shape[axis + 1 :]))


def take(x: Any, indices: list[int], axis: int) -> Exact:
    """Return the elements of a flat array at the indices.

    >>> take(Array([1.0, 2.0]), [1, 1], axis=0).flat
    [Decimal('2'), Decimal('2')]
    """
    x = exact(x)
    return Exact([x.flat[place] for place in indices], (len(indices),))
