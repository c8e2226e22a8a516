"""Arrays of numbers that stand for what a program will compute: a storage for Values, as NumPy's arrays are one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NoReturn

from micrograd_sm import array, functional
from micrograd_sm.array import Array, shape_of
from micrograd_sm.array.foreign import Foreign
from micrograd_sm.array.functions import _sumprod
from micrograd_sm.array.indexing import Among, locate
from micrograd_sm.array.parsing import common, type_of
from micrograd_sm.array.strides import Shape, broadcast, broadcast_shapes, groups
from micrograd_sm.methods.conversion import METHODS
from micrograd_sm.program.cells import Number, current_tape, give_operators, kind_of, note, refuse


def elements(x: Any) -> list[Any]:
    """Return the elements of a number or array, in row-major order: plain numbers, and Numbers."""
    return x.flat if isinstance(x, (Tensor, Array)) else [x]


def tensor(flat: list[Any], shape: Shape, dtype: type | None = None) -> Any:
    """Return elements as a Tensor; the element itself if the shape is ()."""
    return Tensor(flat, shape, dtype or (common(*set(map(type_of, flat))) if flat else float)) if shape else flat[0]


def _each(op: str, *xs: Any) -> Any:
    """Note an operation on each element, with broadcasting."""
    shapes = [shape_of(x) for x in xs]
    shape = shapes[0] if shapes.count(shapes[0]) == len(shapes) else broadcast_shapes(*shapes)
    columns = [broadcast(elements(x), own, shape) for x, own in zip(xs, shapes)]
    flat = [note(op, *operands) for operands in zip(*columns, strict=True)]
    return tensor(flat, shape, None if flat else kind_of(op, [type_of(x) for x in xs]))


def _infix(op: str) -> Any:
    def forward(self: Tensor, other: Any) -> Any:
        return _each(op, self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def reflected(self: Tensor, other: Any) -> Any:
        return _each(op, other, self) if isinstance(other, _OPERANDS) else NotImplemented

    return forward, reflected


class Tensor:
    """An array of Numbers and plain numbers, in one flat row-major list."""

    __slots__ = ("dtype", "flat", "shape")
    __array_ufunc__ = None

    def __init__(self, flat: list[Any], shape: Shape, dtype: type) -> None:
        self.flat, self.shape, self.dtype = flat, shape, dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    __hash__ = object.__hash__

    def __neg__(self) -> Any:
        return _each("negative", self)

    def __invert__(self) -> Any:
        return _each("not" if self.dtype is bool else "~", self)

    def __getitem__(self, key: Any) -> Any:
        positions, shape = locate(key, self.shape)
        return NAMESPACE.take(self, positions, shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return NAMESPACE

    def __setitem__(self, positions: Any, values: Any) -> None:
        if type(positions) is not list:
            raise TypeError("an Array never changes: set elements of the Value, x[...] = v")
        for position, value in zip(positions, elements(values), strict=True):
            self.flat[position] = value

    @property
    def data(self) -> Tensor:
        return self

    @property
    def size(self) -> int:
        return len(self.flat)

    def astype(self, dtype: type) -> Any:
        return NAMESPACE.astype(self, dtype)

    def reshape(self, *sizes: Any) -> Any:
        """Return a Value of another shape, as Arrays do; with -1 alone, the elements as `flat_of` asks for them."""
        return _Elements(self.flat) if sizes == (-1,) else functional.reshape(self, *sizes)

    def __repr__(self) -> str:
        return f"<an array of shape {self.shape} of a recording>"

    def tolist(self) -> NoReturn:
        refuse("the numbers themselves", "tolist()")

    def __bool__(self) -> bool:  # noqa: PLE0304 (it never returns)
        refuse("the truth of a comparison", "if a > b")


give_operators(Tensor, _infix)
_OPERANDS = (Tensor, Number, Array, float, int)


class _Elements:
    def __init__(self, flat: list[Any]) -> None:
        self.flat = flat

    def tolist(self) -> list[Any]:
        return list(self.flat)


def _moved(function: Callable) -> Callable:
    """Move elements as the array library moves numbers."""

    def move(self: Any, x: Any, *args: Any, **options: Any) -> Any:
        held = Array.of(elements(x), shape_of(x), type_of(x))
        moved = function(held, *args, **options)
        return tensor(elements(moved), shape_of(moved), type_of(x))

    return move


def _reduced(x: Any, axis: Sequence[int], keepdims: bool, op: str) -> Any:
    if not shape_of(x):
        return x
    flat = [note(op, *group) for group in groups(elements(x), x.shape, axis)]
    shape = tuple((1 if k in axis else size) for k, size in enumerate(x.shape) if keepdims or k not in axis)
    return tensor(flat, shape, int if op in ("count", "argmax") else type_of(x))


class _Namespace(Foreign):
    """The functions of the array's namespace, noted for each element."""

    __name__ = "micrograd_sm.program"
    float64, int64, listed = float, int, True

    def __init__(self) -> None:
        self.library = array

    def __getattr__(self, name: str) -> Any:
        if name == "bool":
            return bool
        if name not in _ELEMENTWISE:
            raise AttributeError(f"compile: the storage of a recording has no {name}")
        return lambda *xs: _each(_ELEMENTWISE[name], *xs)

    reshape = _moved(array.reshape)
    permute_dims = _moved(array.permute_dims)
    broadcast_to = _moved(array.broadcast_to)
    _take = _moved(array.take)

    def take(self, x: Any, positions: Any, shape: Shape) -> Any:
        if Among not in set(map(type, positions)):
            return self._take(x, positions, shape)
        flat = elements(x)
        return tensor([note("pick", chosen, *[flat[k] for k in among]) for chosen, among in positions], shape, type_of(x))

    def put(self, x: Any, positions: Any, shape: Shape) -> Any:
        zero = type_of(x)(0)
        flat: list[Any] = [zero] * prod(shape)
        for position, element in zip(positions, elements(x), strict=True):
            if type(position) is Among:
                for k, place in enumerate(position.positions):
                    flat[place] = note("+", flat[place], note("where", note("==", position.chosen, k), element, zero))
            else:
                flat[position] = note("+", flat[position], element)
        return tensor(flat, shape, type_of(x))

    def concat(self, arrays: Sequence[Any], axis: int) -> Any:
        held = array.concat([Array.of(elements(x), x.shape, type_of(x)) for x in arrays], axis)
        return tensor(held.flat, held.shape, held.dtype)

    def pow(self, a: Any, b: Any) -> Any:
        if {type_of(a), type_of(b)} == {int}:
            return _each("**", a, b)
        return _each("power" if shape_of(b) or type(b) is not Number else "power_of_number", a, b)

    def floor_divide(self, a: Any, b: Any) -> Any:
        return _each("floor_divide" if float in (type_of(a), type_of(b)) else "//", a, b)

    def erf(self, x: Any) -> Any:
        return _each("erf", x)

    def isnan(self, x: Any) -> Any:
        return _each("!=", x, x)

    def sum(self, x: Any, axis: Sequence[int], keepdims: bool = False) -> Any:
        return _reduced(x, axis, keepdims, "sum" if type_of(x) is float else "count")

    def max(self, x: Any, axis: Sequence[int], keepdims: bool = False) -> Any:
        return _reduced(x, axis, keepdims, "max")

    def argmax(self, x: Any, axis: int) -> Any:
        return _reduced(x, (axis,), False, "argmax") if shape_of(x) else 0

    def matmul(self, a: Any, b: Any) -> Any:
        (n, k), m = a.shape[-2:], b.shape[-1]
        dtype = float if float in (a.dtype, b.dtype) else int
        batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
        xs, ys = broadcast(elements(a), a.shape, (*batch, n, k)), broadcast(elements(b), b.shape, (*batch, k, m))
        current_tape().check_room(2 * prod(batch) * n * k * m)
        flat = []
        for start in range(prod(batch)):
            rows = [xs[start * n * k + row * k :][:k] for row in range(n)]
            columns = [ys[start * k * m : (start + 1) * k * m][column::m] for column in range(m)]
            flat += [_product(row, column) if k else dtype(0) for row in rows for column in columns]
        return tensor(flat, (*batch, n, m), dtype)

    def isdtype(self, dtype: Any, kind: Any) -> Any:  # type: ignore[override]
        kinds = {"bool": bool, "integral": int, "real floating": float}
        return dtype in [kinds[name] for name in (kind if isinstance(kind, tuple) else (kind,))]

    def astype(self, x: Any, dtype: Any) -> Any:
        return x if type_of(x) is dtype else _each(dtype.__name__, x)

    def asarray(self, x: Any, dtype: Any = None, copy: Any = None) -> Any:
        if type(x) is list and Number in map(type, x):
            x = tensor(x, (len(x),))
        elif not isinstance(x, (Tensor, Number)):
            held = array.asarray(x)
            x = tensor(elements(held), shape_of(held), type_of(held))
        if copy and shape_of(x):
            x = tensor(list(x.flat), x.shape, x.dtype)
        return x if dtype is None else self.astype(x, dtype)

    def copied(self, x: Any, dtype: Any) -> Any:
        return self.asarray(x, dtype, copy=True)

    def full(self, number: float, shape: Shape, other: Any) -> Any:
        return Array.of([number] * prod(shape), shape)

    def like(self, x: Any, other: Any) -> Any:
        return self.asarray(x)

    def promoted(self, a: Any, b: Any) -> tuple[Any, Any]:
        return a, b  # Python's operators mix ints and floats

    def any_of(self, condition: Any) -> bool:
        return any(map(bool, elements(condition)))

    def positions(self, positions: Any, x: Any) -> Any:
        return positions

    def finfo(self, dtype: Any) -> Any:
        return sys.float_info


_LONGEST_SUM = 16 if _sumprod else 256  # products that the array library adds up one by one


def _product(row: list[Any], column: list[Any]) -> Any:
    if len(row) > (16 if current_tape().follows else _LONGEST_SUM):
        return note("dot", *row, *column)
    total = note("*", row[0], column[0])
    for x, y in zip(row[1:], column[1:]):
        total = note("+", total, note("*", x, y))
    return total


_ELEMENTWISE = {
    **{name: name for name in (
        "exp", "log", "log1p", "sqrt", "sin", "cos", "tanh", "erf", "floor", "ceil", "trunc", "round", "maximum", "where")},
    "divide": "/",
}  # fmt: skip
NAMESPACE = _Namespace()
for _name in [*functional.__all__, *METHODS, "T", "mT", "detach", "requires_grad", "device", "__matmul__", "__rmatmul__"]:
    if _name in vars(Array) and _name not in vars(Tensor):
        setattr(Tensor, _name, vars(Array)[_name])
Number.__array_namespace__ = Tensor.__array_namespace__  # type: ignore[attr-defined]
