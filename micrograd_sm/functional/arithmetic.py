"""Arithmetic under torch's names: sums, products, powers, remainders and rounding."""

from __future__ import annotations

import math
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import namespace
from micrograd_sm.array.parsing import type_of
from micrograd_sm.array.storage import chosen
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.kinds import all_whole, checked, in_steps, like_input
from micrograd_sm.mode import composed, scope

__all__ = [
    "add", "ceil", "div", "floor", "floor_divide", "lerp", "mul", "neg", "pow", "reciprocal", "remainder", "round", "sign",
    "square", "sub", "trunc",
]  # fmt: skip


def add(input: Any, other: Any, *, alpha: float = 1) -> Value:
    """Return input + alpha * other, with broadcasting (torch.add).

    Raises RuntimeError if integers are to be multiplied by an `alpha` that is not one.

    >>> add([1.0, 2.0], 3.0, alpha=2.0).tolist()
    [7.0, 8.0]
    """
    return _sum(input, other, alpha, "add")


def sub(input: Any, other: Any, *, alpha: float = 1) -> Value:
    """Return input - alpha * other, with broadcasting (torch.sub).

    >>> sub([1.0, 2.0], 3.0).tolist()
    [-2.0, -1.0]
    """
    return _sum(input, other, alpha, "sub")


def _sum(input: Any, other: Any, alpha: float, function: str) -> Value:
    a, b = _operands(input, other, function)
    if alpha != 1:
        if isinstance(alpha, float) and all_whole(a, b):
            raise RuntimeError(f"{function}: alpha must be an int beside integers, got {alpha!r}")
        b = b * like_input(b, alpha, f"{function}: alpha")
    return a + b if function == "add" else a - b


def mul(input: Any, other: Any) -> Value:
    """Return input * other, with broadcasting (torch.mul).

    >>> mul([1.0, 2.0], 3.0).tolist()
    [3.0, 6.0]
    """
    a, b = _operands(input, other, "mul")
    return a * b


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Value:
    """Return input / other, with broadcasting; rounded if `rounding_mode` is 'floor' or 'trunc' (torch.div).

    A rounded quotient has derivative 0. Integers give floats if nothing is rounded, else integers.
    Raises RuntimeError for another rounding mode, and if integers are to be rounded after a division by 0.

    >>> div([7.0, -7.0], 2.0).tolist(), div([7.0, -7.0], 2.0, rounding_mode="trunc").tolist()
    ([3.5, -3.5], [3.0, -3.0])
    """
    if rounding_mode is None:
        a, b = _operands(input, other, "div")
        return a / b
    if rounding_mode not in ("floor", "trunc"):
        kind = RuntimeError if isinstance(rounding_mode, str) else TypeError
        raise kind(f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}")
    a, b = _operands(input, other, "div")
    with scope("div"):
        return in_steps(_quotient(a, b, "div") if rounding_mode == "floor" else _truncated_quotient(a, b), a, b)


def _truncated_quotient(a: Value, b: Value) -> Any:
    if not all_whole(a, b):
        quotient = namespace(a.data, b.data).divide(a.data, b.data)
        return namespace(quotient).trunc(quotient)
    down = _quotient(a, b, "div")
    return down + ((a.data != b.data * down) & ((a < 0) != (b < 0)))


def neg(input: Any) -> Value:
    """Return -input (torch.neg). Raises RuntimeError for bools; their negation is `logical_not`.

    >>> neg([1.0, -2.0]).tolist()
    [-1.0, 2.0]
    """
    x = as_value(input, "neg: input")
    if type(x.data) is bool or getattr(x.data, "dtype", float) is bool:
        raise RuntimeError("neg: bools have no negative; use logical_not")
    return -x


def square(input: Any) -> Value:
    """Return x ** 2 of each element (torch.square).

    >>> square([3.0, -2.0]).tolist()
    [9.0, 4.0]
    """
    x = as_value(input, "square: input")
    return x * x if all_whole(x) else x**2.0


def pow(input: Any, exponent: Any) -> Value:
    """Return input ** exponent, with broadcasting; either may be a number (torch.pow).

    >>> pow([1.0, 2.0], 3.0).tolist(), pow(2.0, [1.0, 3.0]).tolist()
    ([1.0, 8.0], [2.0, 8.0])
    """
    x = as_value(input, "pow: input")
    return x ** like_input(x, exponent, "pow: exponent")


def reciprocal(input: Any) -> Value:
    """Return 1 / x of each element; inf at 0 (torch.reciprocal).

    >>> reciprocal([4.0, 0.0]).tolist()
    [0.25, inf]
    """
    return 1.0 / as_value(input, "reciprocal: input")


@composed
def lerp(input: Any, end: Any, weight: Any) -> Value:
    """Return input + weight * (end - input): input at weight 0, end at weight 1 (torch.lerp).

    >>> lerp([0.0, 10.0], [10.0, 20.0], 0.5).tolist()
    [5.0, 15.0]
    """
    start = as_value(input, "lerp: input")
    return start + as_value(weight, "lerp: weight") * (as_value(end, "lerp: end") - start)


@composed
def floor_divide(input: Any, other: Any) -> Value:
    """Return the quotient rounded down, as `input // other`, with broadcasting (torch.floor_divide).

    The derivative is 0, as that of `div(rounding_mode="floor")`; torch has none for floor_divide. Integers stay integers.
    Raises RuntimeError if integers are divided by 0.

    >>> floor_divide([7.0, -7.0], 2.0).tolist(), (Value([7, -7], requires_grad=False) // 2).tolist()
    ([3.0, -4.0], [3, -4])
    """
    a, b = _operands(input, other, "floor_divide")
    return in_steps(_quotient(a, b, "floor_divide"), a, b)


def _quotient(a: Value, b: Value, function: str) -> Any:
    """Return a / b rounded down, as data. Raises RuntimeError if an integer is divided by 0."""
    if all_whole(a, b):
        message = f"{function}: an integer cannot be divided by 0; with floats the result would be inf or nan"
        b = checked(b, lambda data: data == 0, lambda wrong: RuntimeError(message))
    return namespace(a.data, b.data).floor_divide(a.data, b.data)


@composed
def remainder(input: Any, other: Any) -> Value:
    """Return what is left of input when it is divided by other, as `input % other`, with other's sign (torch.remainder).

    Composed as a - b * floor(a / b), where the floor is a constant; so a huge quotient costs digits. Integers stay integers.
    Raises RuntimeError if integers are divided by 0.

    >>> x = Value([7.5, -7.5])
    >>> (x % 2.0).tolist(), (Value([7, -7], requires_grad=False) % 3).tolist()
    ([1.5, 0.5], [1, 2])
    """
    a, b = _operands(input, other, "remainder")
    whole = _quotient(a, b, "remainder")
    if all_whole(a, b):
        return Value(a.data - b.data * whole, requires_grad=False)
    if b.shape or type_of(b.data) is not float or b.data in (math.inf, -math.inf):
        b = primitives.where(0.0, b, condition=whole == 0)  # an infinite divisor times 0 would be nan
    return a - Value(whole, requires_grad=False) * b


@composed
def floor(input: Any) -> Value:
    """Return the largest whole number that is not above each element; the derivative is 0 (torch.floor).

    >>> floor([1.5, -1.5]).tolist()
    [1.0, -2.0]
    """
    return _rounded(input, "floor")


@composed
def ceil(input: Any) -> Value:
    """Return the smallest whole number that is not below each element; the derivative is 0 (torch.ceil).

    >>> ceil([1.5, -1.5]).tolist()
    [2.0, -1.0]
    """
    return _rounded(input, "ceil")


@composed
def trunc(input: Any) -> Value:
    """Return each element without its fraction; the derivative is 0 (torch.trunc).

    >>> trunc([1.5, -1.5]).tolist()
    [1.0, -1.0]
    """
    return _rounded(input, "trunc")


@composed
def sign(input: Any) -> Value:
    """Return 1 for a positive element, -1 for a negative one, 0 for 0 and nan; the derivative is 0 (torch.sign).

    >>> sign([2.5, -0.1, 0.0]).tolist()
    [1.0, -1.0, 0.0]
    """
    x = as_value(input, "sign: input")
    if all_whole(x):
        return in_steps(1 * (x > 0) - 1 * (x < 0), x)
    return in_steps(chosen(x > 0, 1.0, 0.0, like=x) - chosen(x < 0, 1.0, 0.0, like=x), x)


@composed
def round(input: Any, *, decimals: int = 0) -> Value:
    """Return the nearest whole number, of two the even one, or so many `decimals`; the derivative is 0 (torch.round).

    Decimals are those of x * 10 ** decimals rounded, as in torch.

    >>> round([0.5, 1.5, 2.6]).tolist(), round([2.345, 17.0], decimals=-1).tolist()
    ([0.0, 2.0, 3.0], [0.0, 20.0])
    """
    if isinstance(decimals, bool) or not isinstance(decimals, int):
        raise TypeError(f"round: decimals must be an int, got {decimals!r}")
    if decimals == 0:
        return _rounded(input, "round")
    x = as_value(input, "round: input")
    xp, scale = namespace(x.data), 10.0 ** min(308, abs(decimals))
    if decimals > 0:
        return in_steps(xp.divide(xp.round(x.data * scale), scale), x)
    return in_steps(xp.round(xp.divide(x.data, scale)) * scale, x)


def _rounded(input: Any, function: str) -> Value:
    x = as_value(input, f"{function}: input")
    return in_steps(x.data if all_whole(x) else getattr(namespace(x.data), function)(x.data), x)


def _operands(input: Any, other: Any, function: str) -> tuple[Value, Value]:
    if isinstance(input, int) and isinstance(other, Value):
        return like_input(other, input, f"{function}: input"), other
    a = as_value(input, f"{function}: input")
    return a, like_input(a, other, f"{function}: other")
