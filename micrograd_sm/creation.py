"""New Values: filled, counted, or random. Like `Value(...)`, they require a gradient unless `requires_grad=False`."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, isfinite, prod
from random import Random
from typing import Any

from micrograd_sm.array import Array
from micrograd_sm.array.strides import Shape
from micrograd_sm.engine import Value
from micrograd_sm.functional.dims import sizes_of
from micrograd_sm.randomness import generator_or_default

__all__ = ["arange", "eye", "full", "ones", "rand", "randint", "randn", "zeros"]


def zeros(*size: Any, requires_grad: bool = True, name: str | None = None) -> Value:
    """Return a Value of this size, filled with 0 (torch.zeros).

    >>> zeros(2, 2)
    Value([[0., 0.],
           [0., 0.]])
    """
    return full(sizes_of(size, "zeros"), 0.0, requires_grad=requires_grad, name=name)


def ones(*size: Any, requires_grad: bool = True, name: str | None = None) -> Value:
    """Return a Value of this size, filled with 1 (torch.ones).

    >>> ones(3)
    Value([1., 1., 1.])
    """
    return full(sizes_of(size, "ones"), 1.0, requires_grad=requires_grad, name=name)


def full(size: Any, fill_value: float, requires_grad: bool = True, name: str | None = None) -> Value:
    """Return a Value of this size, filled with one number (torch.full).

    >>> full((2,), 0.5)
    Value([0.5000, 0.5000])
    """
    number = Value(fill_value, requires_grad)
    if number.shape:
        raise TypeError(f"full: fill_value must be one number, got shape {number.shape}")
    return _filled(sizes_of((size,), "full"), number.item, requires_grad, name)


def eye(n: int, m: int | None = None, requires_grad: bool = True, name: str | None = None) -> Value:
    """Return an (n, m) matrix, square by default, with 1 on the diagonal and 0 elsewhere (torch.eye).

    >>> eye(2)
    Value([[1., 0.],
           [0., 1.]])
    """
    rows, columns = sizes_of((n, n if m is None else m), "eye")
    return _value([float(i == j) for i in range(rows) for j in range(columns)], (rows, columns), requires_grad, name)


def arange(start: float, end: float | None = None, step: float = 1, name: str | None = None) -> Value:
    """Return start, start + step, ..., without end; arange(n) counts from 0 to n - 1 (torch.arange).

    If all arguments are ints, so are the elements: they can be targets or indices, and have no gradient.
    Raises RuntimeError for a step of 0 and for a step that leads away from end.

    >>> arange(3), arange(0.0, 1.0, 0.25).tolist()
    (Value([0, 1, 2], requires_grad=False), [0.0, 0.25, 0.5, 0.75])
    """
    start, end = (0, start) if end is None else (start, end)
    for argument in (start, end, step):
        if isinstance(argument, bool) or not isinstance(argument, (int, float)):
            raise TypeError(f"arange: expected numbers, got {argument!r}")
    if not (isfinite(start) and isfinite(end) and isfinite(step)):
        raise RuntimeError(f"arange: cannot count from {start} to {end} by {step}")
    if step == 0 or (end - start) / step < 0:
        raise RuntimeError(f"arange: a step of {step} does not lead from {start} to {end}")
    length = max(0, ceil((end - start) / step))
    flat = [start + k * step for k in range(length)]
    if all(isinstance(argument, int) for argument in (start, end, step)):
        return Value(Array.of(flat, (length,), int), requires_grad=False, name=name)
    return _value(list(map(float, flat)), (length,), True, name)


def rand(*size: Any, generator: Random | None = None, requires_grad: bool = True, name: str | None = None) -> Value:
    """Return a Value of this size, with numbers uniform on [0, 1) (torch.rand).

    >>> rand(2, 4, 8).shape
    (2, 4, 8)
    """
    return _filled(sizes_of(size, "rand"), generator_or_default(generator, "rand").random, requires_grad, name)


def randn(*size: Any, generator: Random | None = None, requires_grad: bool = True, name: str | None = None) -> Value:
    """Return a Value of this size, with numbers from the normal distribution, mean 0, variance 1 (torch.randn).

    >>> randn(2, 3, generator=Random(0)).shape
    (2, 3)
    """
    source = generator_or_default(generator, "randn")
    return _filled(sizes_of(size, "randn"), lambda: source.gauss(0.0, 1.0), requires_grad, name)


def randint(low: int, high: Any = None, size: Any = None, generator: Random | None = None) -> Value:
    """Return a Value of ints uniform on low .. high - 1; randint(high, size) starts at 0 (torch.randint).

    Ints can be targets or indices, and have no gradient. Raises RuntimeError if low is not below high.

    >>> randint(5, (2, 3)).shape, randint(7, 8, (2,)).tolist()
    ((2, 3), [7, 7])
    """
    low, high, size = (0, low, high) if size is None else (low, high, size)
    if size is None:
        raise TypeError(f"randint: the size is missing; randint({high}, (2, 3)) draws from 0 to {high - 1}")
    for bound in (low, high):
        if isinstance(bound, bool) or not isinstance(bound, int):
            raise TypeError(f"randint: low and high must be ints, got {bound!r}")
    if low >= high:
        raise RuntimeError(f"randint: low, {low}, must be below high, {high}")
    source = generator_or_default(generator, "randint")
    shape = sizes_of((size,), "randint")
    flat = [source.randrange(low, high) for _ in range(prod(shape))]
    return Value(Array.of(flat, shape, int), requires_grad=False)


def _filled(shape: Shape, number: Callable[[], float], requires_grad: bool, name: str | None) -> Value:
    return _value([number() for _ in range(prod(shape))], shape, requires_grad, name)


def _value(flat: list, shape: Shape, requires_grad: bool, name: str | None) -> Value:
    return Value(Array.of(flat, shape, type(flat[0]) if flat else float), requires_grad, name)
