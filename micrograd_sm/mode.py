"""The mode that code runs in: whether operations are recorded, in which scope, and from which line."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from functools import wraps
from itertools import count
from typing import Any, NamedTuple, Protocol, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_not_the_users: tuple[str, ...] = (os.path.dirname(__file__) + os.sep,)  # the folders whose lines are not the user's
_number_of_call = count().__next__


class Place(NamedTuple):
    """Where a value is made: the scopes around it, outermost first, and the user's line if lines are traced.

    `path` names the scopes, `a/b`; `calls` numbers them, so that two calls of one function are told apart; `line` is a
    file's name and a line number.

    >>> Place().opened("a").opened("b").path
    'a/b'
    """

    path: str = ""
    calls: tuple[int, ...] = ()
    line: tuple[str, int] | None = None

    def opened(self, name: str) -> Place:
        """Return the place inside a new call of a scope.

        >>> outer = Place()
        >>> outer.opened("a") == outer.opened("a")
        False
        """
        return Place(f"{self.path}/{name}" if self.path else name, (*self.calls, _number_of_call()))


_OUTSIDE = Place()  # of any scope


class Watch(Protocol):
    """Hears of every value that an operation makes, and of every contribution that a backward pass adds; see `watching`."""

    def made(self, value: Any, primitive: Any, operands: tuple, params: dict | None) -> None: ...

    def passed_back(self, node: Any, position: int, upstream: Any, contribution: Any) -> None: ...


class Mode:
    """Whether operations are recorded, the scopes that are open, whether lines are traced, and who watches. It never changes.

    >>> Mode().recording, Mode().place.path
    (True, '')
    """

    __slots__ = ("place", "recording", "traced", "watches")

    def __init__(
        self, recording: bool = True, place: Place = _OUTSIDE, traced: bool = False, watches: tuple[Watch, ...] = ()
    ) -> None:
        self.recording, self.place, self.traced, self.watches = recording, place, traced, watches

    def traced_place(self) -> Place:
        """Return the place of what is made now, with the line of the user's code that runs.

        >>> Mode(traced=True).traced_place().line
        ('<doctest micrograd_sm.mode.Mode.traced_place[0]>', 1)
        """
        return self.place._replace(line=_users_line())


_mode: ContextVar[Mode] = ContextVar("mode", default=Mode())  # noqa: B039 (a Mode is immutable)
_entered: ContextVar[tuple[tuple[_ModeChange, Mode], ...]] = ContextVar("entered", default=())  # with the mode before
current_mode = _mode.get


def users_frame() -> types.FrameType | None:
    """Return the innermost call that is the user's, not this package's, if there is one."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_not_the_users):
        frame = frame.f_back
    return frame


def leave_out(folder: str) -> None:
    """Take no line of this folder for the user's from now on."""
    global _not_the_users
    if folder + os.sep not in _not_the_users:
        _not_the_users = (*_not_the_users, folder + os.sep)


def _users_line() -> tuple[str, int] | None:
    frame = users_frame()
    return frame and (frame.f_code.co_filename, frame.f_lineno)


class Called(type):
    """The type of contexts that must be called: `with no_grad:` says how to write it, and enters nothing."""

    def __enter__(cls) -> None:
        raise TypeError(f"{cls.__name__} is a context only when it is called: write `with {cls.__name__}():`")

    def __exit__(cls, *exception: object) -> None: ...


class _ModeChange(ContextDecorator, metaclass=Called):
    """A context, also usable as a decorator and re-entrant, in which the engine's mode is another.

    One instance may be entered by many threads and tasks at once: what it changed is kept by each of them, not by it.
    A decorated generator or coroutine runs in the mode from one `yield` or `await` to the next.
    """

    def __call__(self, function: Any) -> Any:
        import inspect  # noqa: PLC0415 - so that importing stays quick

        if inspect.isasyncgenfunction(function):
            name = type(self).__name__
            raise TypeError(f"{name}: an asynchronous generator cannot be decorated; write `with {name}():` inside it")
        if inspect.isgeneratorfunction(function):

            def generator(*args: Any, **kwargs: Any) -> Any:
                return (yield from self._stepwise(function(*args, **kwargs)))

            return wraps(function)(generator)
        if inspect.iscoroutinefunction(function):

            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                return await self._stepwise(function(*args, **kwargs).__await__())

            return wraps(function)(coroutine)
        return super().__call__(function)

    @types.coroutine
    def _stepwise(self, generator: Any) -> Any:
        """Run a generator in this mode, and its user, between the values, in the user's own."""
        resume, sent = generator.send, None
        while True:
            try:
                with self:
                    value = resume(sent)
            except StopIteration as ended:
                return ended.value
            try:
                resume, sent = generator.send, (yield value)
            except GeneratorExit:
                with self:
                    generator.close()
                raise
            except BaseException as error:
                resume, sent = generator.throw, error

    def changed(self, mode: Mode) -> Mode:
        raise NotImplementedError

    def __enter__(self) -> None:
        mode = current_mode()
        _mode.set(self.changed(mode))
        _entered.set((*_entered.get(), (self, mode)))

    def __exit__(self, *exception: object) -> None:
        entered = _entered.get()
        if entered and entered[-1][0] is self:
            _mode.set(entered[-1][1])
            _entered.set(entered[:-1])
        else:
            self._leave_out_of_turn(entered)

    def _leave_out_of_turn(self, entered: tuple[tuple[_ModeChange, Mode], ...]) -> None:
        """Leave before a context that was entered later, as a generator may. Raises RuntimeError if this was not entered."""
        index = next((index for index in range(len(entered) - 1, -1, -1) if entered[index][0] is self), None)
        if index is None:
            name = type(self).__name__
            raise RuntimeError(f"{name}: left in another thread or task than it was entered in; enter and leave it in one")
        mode, kept = entered[index][1], entered[:index]
        for change, _ in entered[index + 1 :]:  # as if this had not been there; a scope counts as another call from here on
            kept, mode = (*kept, (change, mode)), change.changed(mode)
        _mode.set(mode)
        _entered.set(kept)


class on_line(_ModeChange):
    """Say that what is made in the block comes from a line of a file.

    >>> with on_line("neuron.py", 3):
    ...     current_mode().place.line
    ('neuron.py', 3)
    """

    def __init__(self, filename: str, number: int) -> None:
        self.line = filename, number

    def changed(self, mode: Mode) -> Mode:
        return Mode(mode.recording, mode.place._replace(line=self.line), mode.traced, mode.watches)


class recording(_ModeChange):
    """Record operations if `on` is True, else do not, whatever the mode around says.

    >>> with no_grad(), recording(True):
    ...     current_mode().recording
    True
    """

    def __init__(self, on: bool) -> None:
        self.on = on

    def changed(self, mode: Mode) -> Mode:
        return Mode(self.on, mode.place, mode.traced, mode.watches)


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
        if unexpected:
            raise TypeError("no_grad takes no argument; as a decorator it needs brackets: @no_grad()")

    def changed(self, mode: Mode) -> Mode:
        return Mode(False, mode.place, mode.traced, mode.watches)


class inference_mode(no_grad):
    """Compute without recording: another name of `no_grad` (torch.inference_mode). `inference_mode(False)` records.

    >>> from micrograd_sm import Value
    >>> with inference_mode():
    ...     y = Value(2.0) * 3.0
    >>> y.requires_grad
    False
    """

    def __init__(self, mode: bool = True) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"inference_mode: mode must be True or False, got {mode!r}; as a decorator write @inference_mode()")
        self.on = not mode

    def changed(self, mode: Mode) -> Mode:
        return Mode(self.on, mode.place, mode.traced, mode.watches)


class enable_grad(no_grad):
    """Record operations, also inside `no_grad`, as a context or a decorator (torch.enable_grad).

    >>> with no_grad(), enable_grad():
    ...     is_grad_enabled()
    True
    """

    def changed(self, mode: Mode) -> Mode:
        return Mode(True, mode.place, mode.traced, mode.watches)


class set_grad_enabled(recording):
    """Record operations if `mode` is True, else do not, as a context (torch.set_grad_enabled).

    In torch it works as a statement, too; here it must be a context: `with set_grad_enabled(False):`.

    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    """


def is_grad_enabled() -> bool:
    """Return whether operations are recorded (torch.is_grad_enabled).

    >>> is_grad_enabled()
    True
    """
    return current_mode().recording


class trace(_ModeChange):
    """Remember the line of your code that makes each value, as a context or a decorator; a Graph shows it as `source`.

    >>> from micrograd_sm import Graph, Value
    >>> with trace():
    ...     y = Value(2.0).exp()
    >>> Graph(y)["v1"].source
    '<doctest micrograd_sm.mode.trace[1]>:2: y = Value(2.0).exp()'
    """

    def __init__(self, *unexpected: object) -> None:
        if unexpected:
            raise TypeError("trace takes no argument; as a decorator it needs brackets: @trace()")

    def changed(self, mode: Mode) -> Mode:
        return Mode(mode.recording, mode.place, True, mode.watches)


class watching(_ModeChange):
    """Let `watch` hear of every value that an operation makes and every contribution to a gradient, and trace lines."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def changed(self, mode: Mode) -> Mode:
        return Mode(mode.recording, mode.place, True, (*mode.watches, self.watch))


class scope(_ModeChange):
    """Compute inside a named scope, so that views know which values a composed function made.

    Raises TypeError if the name is not a string, ValueError if it is empty or has a `/`, which separates scopes.

    >>> from micrograd_sm import Value
    >>> with scope("norm"):
    ...     y = Value(2.0) * 3.0
    >>> y.scope
    'norm'
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"scope: the name must be a string, got {name!r}")
        if not name or "/" in name:
            raise ValueError(f"scope: the name must not be empty or contain '/', which separates scopes, got {name!r}")
        self.name = name

    def changed(self, mode: Mode) -> Mode:
        return _inside(mode, self.name)


def _inside(mode: Mode, name: str) -> Mode:
    return Mode(mode.recording, mode.place.opened(name), mode.traced, mode.watches)


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
        token = _mode.set(_inside(current_mode(), name))
        try:
            return function(*args, **kwargs)
        finally:
            _mode.reset(token)

    return scoped  # type: ignore[return-value]
