"""What Values held at one time, so that a Graph can show it when their data has changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from micrograd_sm.array import Array, is_foreign, namespace
from micrograd_sm.engine import Value

_NEVER_CHANGE = {float, int, bool, Array, type(None)}


class Held(NamedTuple):
    """What a Value held: its data, the time at which it had been set, its gradient, and whether it required one."""

    data: Any
    changed: int
    grad: Any
    requires_grad: bool


class Moment:
    """What some Values hold at the time when this is made; of all others, what they hold now.

    >>> x = Value(3.0)
    >>> moment = Moment([x])
    >>> x.data = 1.0
    >>> moment.of(x).data, moment.of(Value(2.0)).data
    (3.0, 2.0)
    """

    __slots__ = ("_held",)

    def __init__(self, values: Iterable[Value] = ()) -> None:
        self._held = {value.number: _held(value) for value in values}

    def of(self, value: Value) -> Held:
        return Held(*(self._held.get(value.number) or _held(value)))

    def changed(self, value: Value) -> int:
        """Return the time at which a Value's data had been set, 0 if it never was."""
        held = self._held.get(value.number)
        return value._changed if held is None else held[1]

    def __contains__(self, value: Value) -> bool:
        return value.number in self._held


def _held(value: Value) -> tuple[Any, int, Any, bool]:
    data, grad = value._data, value.grad
    if type(data) not in _NEVER_CHANGE:
        data = _copied(data)
    if type(grad) not in _NEVER_CHANGE:
        grad = _copied(grad._data if isinstance(grad, Value) else grad)
    return data, value._changed, grad, value._requires_grad  # a plain tuple: made for every node of every recorded pass


def _copied(data: Any) -> Any:
    return namespace(data).asarray(data, copy=True) if is_foreign(data) else data
