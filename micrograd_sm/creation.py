"""New Values: from data, filled, counted, or random. As in torch, they require no gradient unless `requires_grad=True`.

`dtype` is the type of the elements, float64 by default, or int64 or bool; `device` can only be the CPU; `name` is what views
call the Value. All raise TypeError for a dtype that cannot be had, RuntimeError for another device, and for integers or bools
that shall require a gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, isfinite, prod
from random import Random
from typing import Any

from micrograd_sm.array import Array, flat_of, is_foreign
from micrograd_sm.array.dtypes import check_device, held_as
from micrograd_sm.array.namespace import namespace
from micrograd_sm.array.parsing import convert, parse, widest
from micrograd_sm.array.strides import Shape, broadcast_shapes
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import sizes_of
from micrograd_sm.randomness import generator_or_default

__all__ = [
    "arange", "as_tensor", "empty", "empty_like", "eye", "full", "full_like", "linspace", "normal", "ones", "ones_like", "rand",
    "rand_like", "randint", "randn", "randn_like", "randperm", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, name: str | None = None) -> Value:
    """Return a Value that holds a number, (nested) list or array; Values in it are cut from their graph (torch.tensor).

    Without a dtype, floats are float64, integers int64, and bools stay bools. An array of another library stays its own.

    >>> tensor([[1, 2], [3, 4]]), tensor([1.0, 2.5], dtype=int)
    (Value([[1, 2],
           [3, 4]], requires_grad=False), Value([1, 2], requires_grad=False))
    """
    check_device(device, "tensor")
    kind = held_as(dtype, "tensor")
    if isinstance(data, (list, tuple, Value)):
        data = as_value(data, "tensor: data").detach().data
    if is_foreign(data):
        return Value(_foreign_as(data, kind), _may_require(requires_grad, float, "tensor"), name)
    try:
        flat, shape = parse(data)
    except (TypeError, ValueError) as error:
        raise type(error)(f"tensor: {error}") from None
    kind = kind or widest(flat)
    return _value(_converted(flat, kind), shape, kind, requires_grad, name, "tensor")


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Value:
    """Return a Value as it is, if it has that dtype, and otherwise what `tensor` returns (torch.as_tensor).

    >>> x = Value([1.0])
    >>> as_tensor(x) is x, as_tensor([1.0])
    (True, Value([1.], requires_grad=False))
    """
    check_device(device, "as_tensor")
    return data if isinstance(data, Value) and dtype in (None, data.dtype) else tensor(data, dtype)


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, name: str | None = None) -> Value:
    """Return a Value of this size, filled with 0 (torch.zeros).

    >>> zeros(2, 2, dtype=int)
    Value([[0, 0],
           [0, 0]], requires_grad=False)
    """
    return _filled(sizes_of(size, "zeros"), lambda: 0.0, dtype, device, requires_grad, name, "zeros")


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, name: str | None = None) -> Value:
    """Return a Value of this size, filled with 1 (torch.ones).

    >>> ones(3, requires_grad=True)
    Value([1., 1., 1.])
    """
    return _filled(sizes_of(size, "ones"), lambda: 1.0, dtype, device, requires_grad, name, "ones")


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, name: str | None = None) -> Value:
    """Return a Value of this size, to be filled later; here it holds 0 (torch.empty).

    >>> empty(2).shape
    (2,)
    """
    return _filled(sizes_of(size, "empty"), lambda: 0.0, dtype, device, requires_grad, name, "empty")


def full(
    size: Any, fill_value: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, name: str | None = None
) -> Value:
    """Return a Value of this size, filled with one number, whose type is the default dtype (torch.full).

    >>> full((2,), 0.5)
    Value([0.5000, 0.5000], requires_grad=False)
    """
    number = tensor(fill_value)
    if number.shape:
        raise TypeError(f"full: fill_value must be one number, got shape {number.shape}")
    kind = dtype or type(number.data)
    return _filled(sizes_of((size,), "full"), number.item, kind, device, requires_grad, name, "full")


def eye(
    n: int, m: int | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False, name: str | None = None
) -> Value:
    """Return an (n, m) matrix, square by default, with 1 on the diagonal and 0 elsewhere (torch.eye).

    >>> eye(2)
    Value([[1., 0.],
           [0., 1.]], requires_grad=False)
    """
    rows, columns = shape = sizes_of((n, n if m is None else m), "eye")
    ones = iter([i == j for i in range(rows) for j in range(columns)])
    return _filled(shape, lambda: next(ones), dtype, device, requires_grad, name, "eye")


def arange(
    start: float, end: float | None = None, step: float = 1, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, name: str | None = None,
) -> Value:  # fmt: skip
    """Return start, start + step, ..., without end; arange(n) counts from 0 to n - 1 (torch.arange).

    If all arguments are ints, so are the elements. Raises RuntimeError for a step of 0 and for one that leads away from end.

    >>> arange(3), arange(0.0, 1.0, 0.25).tolist()
    (Value([0, 1, 2], requires_grad=False), [0.0, 0.25, 0.5, 0.75])
    """
    start, end = (0, start) if end is None else (start, end)
    start, end, step = (x.item() if isinstance(x, Value) else x for x in (start, end, step))
    for argument in (start, end, step):
        if isinstance(argument, bool) or not isinstance(argument, (int, float)):
            raise TypeError(f"arange: expected numbers, got {argument!r}")
    if not (isfinite(start) and isfinite(end) and isfinite(step)):
        raise RuntimeError(f"arange: cannot count from {start} to {end} by {step}")
    if step == 0 or (end - start) / step < 0:
        raise RuntimeError(f"arange: a step of {step} does not lead from {start} to {end}")
    flat = [start + k * step for k in range(max(0, ceil((end - start) / step)))]
    kind = dtype or (int if all(isinstance(argument, int) for argument in (start, end, step)) else float)
    return _filled((len(flat),), iter(flat).__next__, kind, device, requires_grad, name, "arange")


def linspace(
    start: float, end: float, steps: int, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    name: str | None = None,
) -> Value:  # fmt: skip
    """Return `steps` numbers from start to end, both included, at equal distances (torch.linspace).

    Raises RuntimeError if steps is negative.

    >>> linspace(0, 1, 5).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    (count,) = sizes_of((steps,), "linspace")
    first, last = (tensor(x, dtype=float).item() for x in (start, end))
    step = (last - first) / (count - 1) if count > 1 else 0.0
    flat = [
        first + k * step if k < count / 2 else last - (count - 1 - k) * step for k in range(count)
    ]  # as torch, from both ends
    return _filled((count,), iter(flat).__next__, dtype, device, requires_grad, name, "linspace")


def rand(
    *size: Any, generator: Random | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    name: str | None = None,
) -> Value:  # fmt: skip
    """Return a Value of this size, with numbers uniform on [0, 1) (torch.rand).

    >>> rand(2, 4, 8).shape
    (2, 4, 8)
    """
    source = generator_or_default(generator, "rand")
    return _filled(sizes_of(size, "rand"), source.random, dtype, device, requires_grad, name, "rand")


def randn(
    *size: Any, generator: Random | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    name: str | None = None,
) -> Value:  # fmt: skip
    """Return a Value of this size, with numbers from the normal distribution, mean 0, variance 1 (torch.randn).

    >>> randn(2, 3, generator=Random(0)).shape
    (2, 3)
    """
    source = generator_or_default(generator, "randn")
    return _filled(sizes_of(size, "randn"), lambda: source.gauss(0.0, 1.0), dtype, device, requires_grad, name, "randn")


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, generator: Random | None = None, requires_grad: bool = False
) -> Value:
    """Return a Value of this size, with numbers from the normal distribution of this mean and deviation (torch.normal).

    Each is a number, or a Value with one for each element; without a size, the result has the shape to which they broadcast.
    No gradient flows to them. Raises RuntimeError if std, the standard deviation, is negative.

    >>> normal(5.0, 0.0, (2,)).tolist(), normal(tensor([1.0, 2.0]), 0.0).tolist()
    ([5.0, 5.0], [1.0, 2.0])
    """
    center, spread = as_value(mean, "normal: mean").detach(), as_value(std, "normal: std").detach()
    if not all(deviation >= 0 for deviation in flat_of(spread.data)):
        raise RuntimeError(f"normal: std, the standard deviation, must not be negative, got {std}")
    source = generator_or_default(generator, "normal")
    shape = broadcast_shapes(center.shape, spread.shape) if size is None else sizes_of((size,), "normal")
    noise = _filled(shape, lambda: source.gauss(0.0, 1.0), None, None, False, None, "normal")
    return Value((center + spread * noise).data, requires_grad)


def randint(
    low: int, high: Any = None, size: Any = None, generator: Random | None = None, dtype: Any = int, device: Any = None,
    requires_grad: bool = False, name: str | None = None,
) -> Value:  # fmt: skip
    """Return a Value of ints uniform on low .. high - 1; randint(high, size) starts at 0 (torch.randint).

    Raises RuntimeError if low is not below high.

    >>> randint(5, (2, 3)).shape, randint(7, 8, (2,)).tolist()
    ((2, 3), [7, 7])
    """
    if size is None and isinstance(high, (tuple, list)):
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None:
        raise TypeError(f"randint: the size is missing; randint({high}, (2, 3)) draws from 0 to {high - 1}")
    for bound in (low, high):
        if isinstance(bound, bool) or not isinstance(bound, int):
            raise TypeError(f"randint: low and high must be ints, got {bound!r}")
    if low >= high:
        raise RuntimeError(f"randint: low, {low}, must be below high, {high}")
    source = generator_or_default(generator, "randint")
    shape = sizes_of((size,), "randint")
    return _filled(shape, lambda: source.randrange(low, high), dtype, device, requires_grad, name, "randint")


def randperm(n: int, generator: Random | None = None, dtype: Any = int, device: Any = None) -> Value:
    """Return the ints 0 .. n - 1 in random order (torch.randperm).

    >>> sorted(randperm(4).tolist())
    [0, 1, 2, 3]
    """
    (count,) = sizes_of((n,), "randperm")
    order = list(range(count))
    generator_or_default(generator, "randperm").shuffle(order)
    return _filled((count,), iter(order).__next__, dtype, device, False, None, "randperm")


# Like another Value --------------------------------------------------------------------------------------------------


def _like(fill: Callable[[], Callable[[], Any]], function: str, shown: str) -> Any:
    """Return the function that makes a Value of another's shape and, by default, dtype; `fill` gives what draws an element."""

    def like(input: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Value:
        x = as_value(input, f"{function}: input")
        if is_foreign(x.data) and dtype is None:
            made = _filled(x.shape, fill(), float, device, False, None, function).data
            data = namespace(x.data).asarray(made.tolist() if x.shape else made, dtype=x.data.dtype)
            return Value(data, _may_require(requires_grad, float, function))
        return _filled(x.shape, fill(), dtype or x.dtype, device, requires_grad, None, function)

    like.__name__ = like.__qualname__ = function
    like.__doc__ = f"""Return a Value of the input's shape and dtype, {shown} (torch.{function}).

    >>> {function}([[1.0, 2.0]]).shape
    (1, 2)
    """
    return like


zeros_like = _like(lambda: lambda: 0.0, "zeros_like", "filled with 0")
ones_like = _like(lambda: lambda: 1.0, "ones_like", "filled with 1")
empty_like = _like(lambda: lambda: 0.0, "empty_like", "to be filled later")
rand_like = _like(lambda: generator_or_default(None, "rand_like").random, "rand_like", "uniform on [0, 1)")
randn_like = _like(lambda: lambda: generator_or_default(None, "randn_like").gauss(0.0, 1.0), "randn_like", "normal")


def full_like(input: Any, fill_value: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Value:
    """Return a Value of the input's shape and dtype, filled with one number (torch.full_like).

    >>> full_like([1.0, 2.0], 7).tolist()
    [7.0, 7.0]
    """
    x = as_value(input, "full_like: input")
    return full(x.shape, fill_value, dtype or x.dtype, device, requires_grad)


def _of_its_dtype(create: Callable[..., Value], shown: str) -> Callable[..., Value]:
    """Return the method `new_zeros` and the like, which makes a Value of this one's dtype."""
    name = f"new_{create.__name__}"

    def method(self: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Value:
        return create(*size, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"""Return what `{create.__name__}` does, by default of this Value's dtype (torch.Tensor.{name}).

    >>> from micrograd_sm import tensor
    >>> tensor([1.0]).{name}({shown}).shape
    (2,)
    """
    return method


for _create, _shown in ((empty, "2"), (full, "(2,), 7.0"), (ones, "2"), (tensor, "[1, 2]"), (zeros, "2")):
    for _class in (Array, Value):
        setattr(_class, f"new_{_create.__name__}", _of_its_dtype(_create, _shown))


# Making Values -------------------------------------------------------------------------------------------------------


def _filled(
    shape: Shape, number: Callable[[], Any], dtype: Any, device: Any, requires_grad: bool, name: str | None, function: str
) -> Value:
    check_device(device, function)
    kind = held_as(dtype, function) or float
    return _value(_converted([number() for _ in range(prod(shape))], kind), shape, kind, requires_grad, name, function)


def _value(flat: list, shape: Shape, kind: type, requires_grad: bool, name: str | None, function: str) -> Value:
    return Value(Array.of(flat, shape, kind), _may_require(requires_grad, kind, function), name)


def _converted(flat: list, kind: type) -> list:
    return convert([int(x) if isinstance(x, float) else x for x in flat] if kind is int else flat, kind)


def _may_require(requires_grad: bool, kind: type, function: str) -> bool:
    if requires_grad is True and kind is not float:
        raise RuntimeError(f"{function}: only floats can require a gradient, these are {kind.__name__}s; pass dtype=float64")
    return requires_grad


def _foreign_as(data: Any, kind: type | None) -> Any:
    xp = namespace(data)
    return data if kind is None else xp.asarray(data, dtype={float: xp.float64, int: xp.int64, bool: xp.bool}[kind])
