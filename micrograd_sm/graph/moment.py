"""What Values held at one time, so that a Graph can show it when their data has changed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from micrograd_sm.array import Array, is_foreign, namespace
from micrograd_sm.engine import Value

_NEVER_CHANGE = {float, int, bool, Array, type(None)}
_SLOTS = ("number", "_data", "_changed", "grad", "_requires_grad")


class Held(NamedTuple):
    """What a Value held: its data, the time when it was set, its gradient, and whether it required one."""

    data: Any
    changed: int
    grad: Any
    requires_grad: bool


class Moment:
    """What some Values held when this was made; for any other Value, what it holds now.

    >>> x = Value(3.0)
    >>> moment = Moment([x])
    >>> x.data = 1.0
    >>> moment.of(x).data, moment.of(Value(2.0)).data
    (3.0, 2.0)
    """

    def __init__(self, values: Iterable[Value] = ()) -> None:
        values = list(values)
        numbers, *held = (list(map(attrgetter(slot), values)) for slot in _SLOTS)  # quick, as it is done in every backward pass
        if not _NEVER_CHANGE.issuperset(map(type, chain(*held))):
            held = [list(map(_kept, column)) for column in held]
        self._numbers, self._columns = numbers, held

    @cached_property
    def _held(self) -> dict[int, Held]:
        return dict(zip(self._numbers, map(Held, *self._columns), strict=True))

    def of(self, value: Value) -> Held:
        return self._held.get(value.number) or Held(value._data, value._changed, value.grad, value._requires_grad)

    def changed(self, value: Value) -> int:
        """Return the time when a Value's data was set, or 0."""
        held = self._held.get(value.number)
        return value._changed if held is None else held.changed

    def __contains__(self, value: Value) -> bool:
        return value.number in self._held


def _kept(x: Any) -> Any:
    """Return numbers that nobody can change in place."""
    x = x._data if isinstance(x, Value) else x
    return namespace(x).copied(x, x.dtype) if is_foreign(x) else x
