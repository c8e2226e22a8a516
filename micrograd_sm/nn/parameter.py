"""`Parameter`: a Value that a module trains."""

from __future__ import annotations

from typing import Any

from micrograd_sm.engine import Value

__all__ = ["Parameter"]


class Parameter(Value):
    """A leaf that a Module counts among its parameters, even while it requires no gradient (torch.nn.Parameter).

    `data` is anything that a Value can hold, or a Value, of which it is a copy. Raises the errors of Value.

    >>> weight = Parameter([1.0, 2.0])
    >>> (weight * 3.0).sum().backward()
    >>> weight, weight.grad
    (Parameter containing:
    Value([1., 2.]), Array([3.0, 3.0]))
    """

    __slots__ = ()

    def __new__(cls, data: Any, requires_grad: bool = True, name: str | None = None) -> Parameter:
        return super().__new__(cls, data.data if isinstance(data, Value) else data, requires_grad, name)  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"
