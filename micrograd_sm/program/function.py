"""`compile(f)`: a function that records f once for each kind of its inputs, and replays what was recorded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial, update_wrapper
from inspect import getclosurevars, isfunction, signature
from math import prod
from threading import RLock
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any
from warnings import warn

from micrograd_sm.array import Array, flat_of, is_foreign, shape_of
from micrograd_sm.array.parsing import type_of
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph
from micrograd_sm.mode import current_mode, recording
from micrograd_sm.nn.module import Module
from micrograd_sm.program.c import CCode
from micrograd_sm.program.recording import Recording, is_recording
from micrograd_sm.program.replay import Replay
from micrograd_sm.program.source import Program, program_of
from micrograd_sm.program.writing import Changed, Code
from micrograd_sm.transforms.structure import leaves, mapped

BACKENDS = {"python": Code, "c": CCode}
MOST_RECORDINGS = 16  # that a compiled function keeps; the one that was used longest ago goes first
MOST_BRANCHES = 4  # recordings for one kind of inputs; a function that takes more ways than these is called itself


def compile(function: Callable, backend: str = "python") -> Compiled:
    """Return a function with the same values and gradients that runs as straight-line Python, without a graph (torch.compile).

    The first call records `function`: each operation on a single number is written down, forward and backward. Later calls
    run these lines. They return what the function returns, to the last bit; `backward()` of a Value in it adds the gradients
    of the Values that were read: arguments, and those that the function reaches in any other way, such as a model's
    parameters. Their numbers are read anew in each call, and so are the class indices that cross_entropy is given as a Value.
    All else is a constant; for other arguments that are no Values, for other shapes, and if a name in the function stands
    for another thing, it is recorded again.

    With `backend="c"` the lines are C, which the machine's C compiler compiles.

    Raises ValueError for another backend, TypeError for arrays of other libraries, and if `function` cannot be called;
    RuntimeError, when it records, if the function asks for a number (`if x > 0`, `float(x)`, `item()`), draws random numbers,
    changes a Value that it has not made, or takes more than 1,000,000 operations, and if there is no C compiler for "c".

    >>> w = Value(3.0)
    >>> step = compile(lambda x: (w * x - 1.0) ** 2)
    >>> for _ in range(2):
    ...     w.grad = None
    ...     loss = step(Value(2.0, requires_grad=False))
    ...     loss.backward()
    ...     print(loss.data, w.grad)
    ...     w.data -= 0.1 * w.grad
    25.0 20.0
    1.0 4.0
    """
    if not callable(function):
        raise TypeError(f"compile: expected a function, got {function!r}; write compile(f)(x), not compile(f(x))")
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise ValueError(f"compile: backend must be one of {', '.join(map(repr, BACKENDS))}, got {backend!r}")
    return Compiled(function, backend)


class Compiled:
    """What `compile` returns: called as the function is, it gives the same values and gradients.

    `function` is the function itself. A `Compiled` in a class is a method, as a function is.

    >>> Compiled(lambda x: x * x)(Value(3.0))
    Value(9., op=compiled)
    """

    def __init__(self, function: Callable, backend: str = "python") -> None:
        update_wrapper(self, function, updated=())
        self.function, self.backend = function, backend
        self._names = _names(function)
        self._replays: OrderedDict[Any, list[Replay]] = OrderedDict()
        self._lock = RLock()
        self._last: Callable[[], Any] | None = None
        self._latest: Replay | None = None
        self._ints_are_read = True  # until the function asks what they are
        self._wasted = 0  # recordings that were dropped before they were used again

    def __repr__(self) -> str:
        return f"compile({self.function!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle the function, without what was recorded."""
        return compile, (self.function, self.backend)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        again = partial(self.function, *args, **kwargs)
        if current_mode().watches or is_recording():
            return again()
        key, given, named = self._key(args, kwargs)
        arguments = [x for _, x in (*given.values(), *named.values())]
        known = self._known(key)
        for replay in known:
            try:
                found = replay(arguments, again)
            except Changed:
                continue
            replay.is_used = True
            self._last, self._latest = again, replay
            return found
        if len(known) >= MOST_BRANCHES or self._wasted >= MOST_RECORDINGS:
            return again()
        replay = self._recorded(args, kwargs, arguments, len(given))
        self._keep(self._key(args, kwargs)[0], replay)
        self._last, self._latest = again, replay
        return replay(arguments, again)

    @property
    def source(self) -> Program:
        """What `study.source` prints of the loss of the last call: the function is called once more, to have its graph.

        It has the same operations as the program that runs, `code`, and a variable for each number; where an operation
        chooses, as `relu` does, it follows the choice that was made. Raises RuntimeError before the first call, ValueError
        if the function returns no single number that requires a gradient, or more than 20,000 numbers are computed.

        >>> square = compile(lambda x: x * x)
        >>> _ = square(Value(3.0))
        >>> print(square.source.partition("# Backward")[0])
        import math
        <BLANKLINE>
        # Forward
        x = 3.0
        loss = x * x
        <BLANKLINE>
        <BLANKLINE>
        """
        if self._last is None:
            raise RuntimeError("compile: source is that of the last call, and there was none; call the function first")
        with recording(True):
            output = self._last()
        losses = [x for x in leaves(output) if isinstance(x, Value) and x.requires_grad and prod(x.shape) == 1]
        if not losses:
            raise ValueError(f"source: a loss is one number that requires a gradient; the function returned {output!r}")
        return program_of(Graph(losses[0], _names_in(self._last)).unfold())

    @property
    def code(self) -> str:
        """The Python, or C, that the last call ran: the results and, if one requires a gradient, the gradients.

        Raises RuntimeError before the first call.

        >>> bent = compile(lambda x: (3.0 * x).relu())
        >>> _ = bent(Value(2.0))
        >>> print(bent.code)
        def program(values):
            x0, x3, = values
            v1 = 3.0 * x0
            return (0.0 if v1 <= 0.0 else v1, (0.0 if v1 <= 0.0 else x3) * 3.0, )
        <BLANKLINE>
        """
        if self._latest is None:
            raise RuntimeError("compile: code is that of the last call, and there was none; call the function first")
        replay = self._latest
        return (replay.pulling(replay.first) if replay.first else replay.forward).text

    # The cache ------------------------------------------------------------------------------------------------------

    def _key(self, args: tuple, kwargs: dict[str, Any]) -> tuple[Any, _Values, _Values]:
        """Return what a recording depends on, and the Values among the arguments and the names."""
        given, named = _Values(self._ints_are_read), _Values(self._ints_are_read)
        return (current_mode().recording, _kind((args, kwargs), given), self._names(named)), given, named

    def _known(self, key: Any) -> list[Replay]:
        with self._lock:
            if key in self._replays:
                self._replays.move_to_end(key)
            return list(self._replays.get(key, ()))

    def _keep(self, key: Any, replay: Replay) -> None:
        with self._lock:
            self._replays.setdefault(key, []).insert(0, replay)
            while sum(map(len, self._replays.values())) > MOST_RECORDINGS:
                _, dropped = self._replays.popitem(last=False)
                self._wasted += len([replay for replay in dropped if not replay.is_used])
                if self._wasted == MOST_RECORDINGS:
                    warn(
                        f"compile: each call has other shapes or constants, so no recording is used again; {self.function!r} "
                        "is called itself from now on; pass numbers that change as Values",
                        RuntimeWarning,
                        stacklevel=4,
                    )

    def _recorded(self, args: tuple, kwargs: dict[str, Any], arguments: list[Value], given: int) -> Replay:
        # a Value that is given may be read by a name, too: the function is given another one, to tell the two apart
        stand_ins = {id(x): _stand_in(x) for x in arguments[:given]}
        args, kwargs = mapped(lambda x: stand_ins.get(id(x), x), (args, kwargs))
        arguments = [*stand_ins.values(), *arguments[given:]]
        ints = {id(x) for x in arguments if type_of(x._data) is int} if self._ints_are_read else {}
        try:
            return Replay(Recording(self.function, args, kwargs, ints), arguments, BACKENDS[self.backend])
        except Exception:
            if not ints:
                raise
        replay = Replay(Recording(self.function, args, kwargs), arguments, BACKENDS[self.backend])
        self._ints_are_read = False
        return replay


def _stand_in(x: Value) -> Value:
    new = Value(x._data, x._requires_grad, x.name)
    if type(x) is not Value:
        new.__class__ = type(x)
    return new


def _names_in(call: Any) -> dict[str, Any]:
    """Return what the function's parameters and the variables around it were called."""
    try:
        given = signature(call.func).bind(*call.args, **call.keywords).arguments
    except (TypeError, ValueError):  # a function of C has no signature
        return {}
    if not isfunction(call.func):
        return given
    around = getclosurevars(call.func)
    return {**around.globals, **around.nonlocals, **given}


class _Same:
    """An object as a part of a key: equal to itself only, and kept as long as the key is."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.x is self.x

    def __hash__(self) -> int:
        return id(self.x)


class _Values(dict[int, tuple[int, Value]]):
    """Values that a function is given, each with its place, by id; and whether ints are read anew as floats are."""

    def __init__(self, ints_are_read: bool) -> None:
        self.kinds = (float, int) if ints_are_read else (float,)


def _kind(x: Any, values: _Values) -> Any:
    """Return what a recording depends on in an argument, and collect the Values in it."""
    if isinstance(x, Value):
        place, _ = values.setdefault(id(x), (len(values), x))
        data = x._data
        if type(data) is float:
            return place, x._requires_grad
        dtype = type_of(data)
        return place, x._requires_grad, shape_of(data), dtype if dtype in values.kinds else _plain(data)
    if isinstance(x, (list, tuple)):
        return (type(x), *[_kind(part, values) for part in x])
    if isinstance(x, dict):
        return (type(x), *[(name, _kind(part, values)) for name, part in x.items()])
    return _plain(x)


def _plain(x: Any) -> Any:
    """Return what is no Value as a part of a key: numbers and texts by what they are, any other object by itself."""
    kind = type(x)
    if kind is float:
        return kind, repr(x)
    if kind in (int, bool, str, bytes, type(None)):
        return kind, x
    if kind is Array or is_foreign(x):
        return kind, shape_of(x), str(x.dtype), tuple(map(repr, flat_of(x)))
    if kind in (set, frozenset):
        return kind, frozenset(map(_plain, x))
    return _Same(x)


def _names(function: Any) -> Callable[[_Values], tuple]:
    """Return a function that tells what the names in a function's closure, and its globals, stand for now.

    It is given where it collects the Values. The functions that a function wraps, as `grad(f)` and `partial(f)` do, are
    looked at, too.
    """
    owners, functions = _inside(function)
    cells = [cell for f in functions for cell in f.__closure__ or ()]
    names = [(f.__globals__, list(dict.fromkeys(_names_of(f.__code__)))) for f in functions]

    def now(named: _Values) -> tuple:
        found = [cell.cell_contents if cell != _EMPTY else None for cell in cells]
        found += [around[name] for around, looked_up in names for name in looked_up if name in around]
        return (*owners, *[_kind(x, named) if isinstance(x, Value) else _plain(x) for x in found])

    return now


def _inside(function: Any) -> tuple[list[_Same], list[FunctionType]]:
    """Return the objects whose methods are called, and the functions in Python that run: this one, and those it wraps."""
    owners: list[_Same] = []
    functions: list[FunctionType] = []
    pending = [function]
    for f in pending:  # grows as it goes
        if isfunction(f):
            functions.append(f)
            found = [cell.cell_contents for cell in f.__closure__ or () if cell != _EMPTY] + [getattr(f, "__wrapped__", None)]
        elif isinstance(f, MethodType):
            owners.append(_Same(f.__self__))
            found = [f.__func__]
        elif isinstance(f, partial):
            found = [f.func]
        elif isinstance(f, Compiled):
            found = [f.function]
        else:  # an object that can be called, such as a module
            found = [getattr(type(f), name, None) for name in ("forward", "__call__")] if isinstance(f, Module) else []
        pending += [x for x in found if _runs(x) and not any(x is known for known in pending)]
    return owners, functions


def _runs(x: Any) -> bool:
    return isfunction(x) or isinstance(x, (MethodType, partial, Compiled, Module))


def _names_of(code: CodeType) -> Iterator[str]:
    """Yield the names that code looks up, also in the comprehensions and functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_of(constant)


_EMPTY = CellType()  # a variable of a closure that is not assigned yet
