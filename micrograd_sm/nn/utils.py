"""What programs do with all gradients, or all parameters, of a model at once (torch.nn.utils)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from math import inf, isfinite, prod
from typing import Any

from micrograd_sm.array import Array, flat_of, namespace
from micrograd_sm.array.functions import max, maximum, pow, sum
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional import cat, reshape

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: Any = None
) -> Value:
    """Scale all gradients by one factor, so that their norm is at most `max_norm`, and return the norm that they had.

    The norm is (sum |g|^p)^(1/p) over all elements of all gradients, with p = `norm_type`, which may be inf. The factor is
    max_norm / (norm + 1e-6), or 1 if that is larger. Raises RuntimeError for a norm that is inf or nan, if
    `error_if_nonfinite`; then no gradient changes. Source: torch.nn.utils.clip_grad_norm_.

    >>> x = Value([3.0, 4.0])
    >>> (x * x).sum().backward()
    >>> clip_grad_norm_([x], max_norm=1.0).item(), f"{Value(x.grad):.4f}"
    (10.0, '[0.6000, 0.8000]')
    """
    reached = _with_gradients(parameters, "clip_grad_norm_")
    total = _norm([x for parameter in reached for x in flat_of(_plain(parameter.grad))], norm_type)
    if error_if_nonfinite and not isfinite(total):
        raise RuntimeError(f"clip_grad_norm_: the norm of the gradients is {total}, so they cannot be scaled")
    factor = max_norm / (total + 1e-6)
    for parameter in reached:
        parameter.grad = _plain(parameter.grad) * (1.0 if factor > 1.0 else factor)
    return Value(total, requires_grad=False)


def clip_grad_value_(parameters: Any, clip_value: float, foreach: Any = None) -> None:
    """Set every element of a gradient that is beyond +-`clip_value` to that bound (torch.nn.utils.clip_grad_value_).

    >>> x = Value([3.0, 0.25])
    >>> (x * x).sum().backward()
    >>> clip_grad_value_([x], 1.0)
    >>> x.grad
    Array([1.0, 0.5])
    """
    for parameter in _with_gradients(parameters, "clip_grad_value_"):
        gradient = _plain(parameter.grad)
        xp, bound = namespace(gradient), float(clip_value)
        parameter.grad = -xp.maximum(-xp.maximum(gradient, -bound), -bound)


def parameters_to_vector(parameters: Iterable[Value]) -> Value:
    """Return the elements of all parameters, one after the other: (number of elements) (torch.nn.utils.parameters_to_vector).

    >>> parameters_to_vector([Value(1.0), Value([[2.0, 3.0]])]).tolist()
    [1.0, 2.0, 3.0]
    """
    return cat([reshape(parameter, -1) for parameter in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Value]) -> None:
    """Set the elements of all parameters from a vector of them (torch.nn.utils.vector_to_parameters).

    Raises ValueError if the vector has another number of elements; then nothing changes.

    >>> x, w = Value(1.0), Value([[2.0, 3.0]])
    >>> vector_to_parameters([4.0, 5.0, 6.0], [x, w])
    >>> x.data, w.data
    (4.0, Array([[5.0, 6.0]]))
    """
    vector, parameters = as_value(vec, "vector_to_parameters: vec").detach(), list(parameters)
    ends = list(accumulate(prod(parameter.shape) for parameter in parameters))
    if vector.shape != (ends[-1] if ends else 0,):
        raise ValueError(f"vector_to_parameters: the parameters end at {ends}, and vec has shape {vector.shape}")
    for parameter, start, end in zip(parameters, [0, *ends], ends):
        parameter.data = reshape(vector[start:end], parameter.shape).data


def _with_gradients(parameters: Any, function: str) -> list[Value]:
    parameters = [parameters] if isinstance(parameters, Value) else list(parameters)
    for position, parameter in enumerate(parameters):
        if not isinstance(parameter, Value):
            raise TypeError(f"{function}: expected Values, got {parameter!r} at position {position}")
    return [parameter for parameter in parameters if parameter.grad is not None]


def _plain(gradient: Any) -> Any:
    return gradient.data if isinstance(gradient, Value) else gradient


def _norm(flat: list[float], p: float) -> float:
    if not p > 0:
        raise ValueError(f"clip_grad_norm_: norm_type must be above 0, got {p}")
    if not flat:
        return 0.0
    x = Array.of(flat, (len(flat),))
    size = maximum(x, -x)
    return max(size, axis=(0,)) if p == inf else pow(sum(pow(size, float(p)), axis=(0,)), 1.0 / p)
