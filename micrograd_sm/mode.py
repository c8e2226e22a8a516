"""What the code that runs now asks of the engine: whether to record, and under which name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from functools import wraps
from typing import Any, NamedTuple, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class Mode(NamedTuple):
    """Whether operations are recorded, and the composed functions that run, outermost first: `a/b`."""

    recording: bool = True
    scope: str = ""


_mode: ContextVar[Mode] = ContextVar("mode", default=Mode())  # noqa: B039 (a tuple is immutable)
current_mode = _mode.get


class _ModeChange(ContextDecorator):
    """A context, also usable as a decorator and re-entrant, in which the engine's mode is another."""

    def __init__(self) -> None:
        self._tokens: list = []

    def changed(self, mode: Mode) -> Mode:
        raise NotImplementedError

    def __enter__(self) -> None:
        self._tokens.append(_mode.set(self.changed(current_mode())))

    def __exit__(self, *exception: object) -> None:
        _mode.reset(self._tokens.pop())


class recording(_ModeChange):
    """Record, or do not, whatever the surroundings say.

    >>> with no_grad(), recording(True):
    ...     current_mode().recording
    True
    """

    def __init__(self, on: bool) -> None:
        super().__init__()
        self.on = on

    def changed(self, mode: Mode) -> Mode:
        return mode._replace(recording=self.on)


class no_grad(_ModeChange):
    """Compute without recording, as a context or a decorator (torch.no_grad).

    >>> from micrograd_sm import Value
    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.requires_grad, y.parents
    (False, ())
    """

    def __init__(self, *unexpected: object) -> None:
        super().__init__()
        if unexpected:
            raise TypeError("no_grad takes no argument; as a decorator it needs brackets: @no_grad()")

    def changed(self, mode: Mode) -> Mode:
        return mode._replace(recording=False)


class scope(_ModeChange):
    """Compute inside a named scope, so that views know which values a composed function made.

    >>> from micrograd_sm import Value
    >>> with scope("norm"):
    ...     y = Value(2.0) * 3.0
    >>> y.scope
    'norm'
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def changed(self, mode: Mode) -> Mode:
        return mode._replace(scope=f"{mode.scope}/{self.name}" if mode.scope else self.name)


def composed(function: Function) -> Function:
    """Run a function that is composed of primitives inside a scope of its own name.

    >>> from micrograd_sm import Value
    >>> @composed
    ... def double(x):
    ...     return x + x
    >>> double(Value(1.0)).scope
    'double'
    """
    name = function.__name__

    @wraps(function)
    def scoped(*args: Any, **kwargs: Any) -> Any:
        recording, outer = current_mode()
        token = _mode.set(Mode(recording, f"{outer}/{name}" if outer else name))
        try:
            return function(*args, **kwargs)
        finally:
            _mode.reset(token)

    return scoped  # type: ignore[return-value]
