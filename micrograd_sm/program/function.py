"""`compile(f)`: a function that records f once for each kind of its inputs, and replays what was recorded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import update_wrapper
from math import prod
from typing import Any

from micrograd_sm.array import Array, shape_of
from micrograd_sm.engine import Value
from micrograd_sm.mode import current_mode
from micrograd_sm.primitives import Primitive, Recorded
from micrograd_sm.program.cells import Number
from micrograd_sm.program.recording import Pull, Recording, is_recording
from micrograd_sm.program.storage import Tensor, elements
from micrograd_sm.program.writing import Changed, Code
from micrograd_sm.transforms.structure import leaves, mapped, rebuilt

MOST_RECORDINGS = 16  # that a compiled function keeps; the one that was used longest ago goes first


class Replay:
    """A recording, made into programs: the outputs alone, with the gradients of one, or the gradients of any."""

    def __init__(self, recording: Recording, arguments: Sequence[Value]) -> None:
        places = {id(x): place for place, x in enumerate(arguments)}
        self.given = [places.get(id(x)) for x in recording.inputs]
        self.closed = [None if place is not None else x for place, x in zip(self.given, recording.inputs)]
        self.flags = [x._requires_grad for x in recording.inputs]
        self.shapes = [shape_of(x._data) for x in recording.inputs]
        self.constants = [(x, data) for x, data in recording.constants if id(x) not in places]
        self.recording = recording
        self.tree = recording.output
        self.outputs = [_Output(x, recording, places) for x in leaves(recording.output)]
        computed = [output for output in self.outputs if output.kind == "computed"]
        self.results = [output.cells for output in computed]
        for place, output in enumerate(computed):
            output.place = place
        self.forward = Code(recording.tape, recording.cells, self.results)
        self.first = next((output for output in computed if output.pull and prod(output.shape) == 1), None)

    def pulling(self, output: _Output) -> Code:
        """Return the program of all outputs and of the gradients of one, by the inputs and its upstream gradient."""
        if output.code is None:
            seeds = elements(output.pull.seeds)
            gradients = [elements(x) if shape_of(x) else x for x in output.pull.gradients.values()]
            inputs = [*self.recording.cells, seeds if output.shape else seeds[0]]
            output.code = Code(self.recording.tape, inputs, [*self.results, *gradients])
        return output.code

    def __call__(self, arguments: Sequence[Value]) -> Any:
        """Return what the function returns for these arguments. Raises `Changed` if the recording does not hold for them."""
        inputs = [arguments[place] if place is not None else x for place, x in zip(self.given, self.closed)]
        values = self._values(inputs)
        recorded = current_mode().recording
        fused = recorded and self.first is not None
        if fused:
            found = self.pulling(self.first)([*values, [1.0] if self.first.shape else 1.0])
        else:
            found = self.forward(values)
        made = [output.made(self, found, values, inputs, arguments, fused, recorded) for output in self.outputs]
        return rebuilt(self.tree, made)

    def _values(self, inputs: Sequence[Value]) -> list[Any]:
        values = []
        for x, flag, shape in zip(inputs, self.flags, self.shapes):
            data = x._data
            if x._requires_grad is not flag:
                raise Changed
            if type(data) is float and not shape:
                values.append(data)
            elif type(data) is Array and data.dtype is float and data.shape == shape:
                values.append(data.flat)
            else:
                raise Changed
        for x, data in self.constants:
            if x._data is not data:
                raise Changed
        return values


class _Output:
    """A leaf of what the function returned: an input as it is, a constant, or what was computed."""

    def __init__(self, x: Any, recording: Recording, places: dict[int, int]) -> None:
        self.x, self.place, self.pull, self.code = x, 0, None, None
        if isinstance(x, Value) and recording.is_input(x):
            self.kind, self.place = ("argument", places[id(x)]) if id(x) in places else ("constant", 0)
            return
        data = recording.datas[id(x)] if isinstance(x, Value) else x
        if not isinstance(x, Value) and not isinstance(x, (Number, Tensor)):
            self.kind = "constant"
            return
        self.kind, self.shape = "computed", shape_of(data)
        self.dtype = getattr(data, "dtype", type(data))
        self.cells = elements(data) if self.shape else data
        self.is_value = isinstance(x, Value)
        self.name = x.name if self.is_value else None
        self.pull = recording.pulls[id(x)] if self.is_value else None
        self.x = None

    def made(self, replay: Replay, found: Sequence[Any], values: list, inputs: list, arguments: Any, fused: Any, recorded: Any) -> Any:
        if self.kind == "argument":
            return arguments[self.place]
        if self.kind == "constant":
            return self.x
        data = Array.of(found[self.place], self.shape, self.dtype) if self.shape else found[self.place]
        if not self.is_value:
            return data
        if self.pull is None or not recorded:
            return Value(data, requires_grad=False, name=self.name)
        known = found[len(replay.results) :] if fused and replay.first is self else None
        call = Call(replay, self, values, data, known)
        parents = [inputs[place] for place in self.pull.gradients]
        value = parents[0].record(COMPILED, tuple(parents), {"call": call})
        value.name = self.name
        return value


class Call:
    """One call of a compiled function: the numbers that it was given, and one output with its gradients."""

    opaque = True

    def __init__(self, replay: Replay, output: _Output, values: list, data: Any, known: Sequence[Any] | None) -> None:
        self.replay, self.output, self.values, self.data, self.known = replay, output, values, data, known

    def __repr__(self) -> str:
        return "compiled"

    def value(self, operands: Sequence[Any]) -> Any:
        return self.data

    def gradients(self, g: Any) -> list[Any]:
        """Return the gradient of each parent."""
        if isinstance(g, Recorded):
            raise RuntimeError("compile: a compiled function has no graph to differentiate twice; compile grad(f) instead")
        output = self.output
        found = self.known
        if found is None or elements(g) != [1.0]:
            every = self.replay.pulling(output)([*self.values, g.flat if output.shape else g])
            found = every[len(self.replay.results) :]
        shapes = [self.replay.shapes[place] for place in output.pull.gradients]
        return [Array.of(x, shape) if shape else x for x, shape in zip(found, shapes)]


class _Compiled(Primitive):
    """The operation of a compiled function: one rule gives all gradients."""

    __slots__ = ()

    def contributions(self, g: Any, out: Any, operands: Any, params: Any, wanted: Any) -> Any:
        return [(place, x) for place, (x, asked) in enumerate(zip(params["call"].gradients(g), wanted)) if asked]


COMPILED = _Compiled(
    "compiled",
    "compiled",
    value=lambda *operands, call: call.value(operands),
    gradient=lambda position, g, out, *operands, call: call.gradients(g)[position],
    kind="mixes",
    foreign=True,
)


class Compiled:
    """What `compile` returns: called as the function is, it gives the same values and gradients."""

    def __init__(self, function: Callable) -> None:
        update_wrapper(self, function)
        self._function = function
        self._replays: OrderedDict[Any, list[Replay]] = OrderedDict()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        mode = current_mode()
        if mode.watches or is_recording():
            return self._function(*args, **kwargs)
        arguments: list[Value] = []
        key = (mode.recording, _kind_of((args, kwargs), arguments), _kind_of_names(self._function))
        known = self._replays.get(key, ())
        for replay in known:
            try:
                found = replay(arguments)
            except Changed:
                continue
            self._replays.move_to_end(key)
            return found
        replay = self._record(args, kwargs, arguments)
        self._replays.setdefault(key, []).insert(0, replay)
        self._replays.move_to_end(key)
        self._forget()
        return replay(arguments)

    def _record(self, args: tuple, kwargs: dict, arguments: list[Value]) -> Replay:
        stand_ins = {id(x): Value(x._data, x._requires_grad, x.name) for x in arguments}  # a Value may be closed over, too
        args, kwargs = mapped(lambda x: stand_ins.get(id(x), x), (args, kwargs))
        return Replay(Recording(self._function, args, kwargs), list(stand_ins.values()))

    def _forget(self) -> None:
        while sum(map(len, self._replays.values())) > MOST_RECORDINGS:
            oldest = next(iter(self._replays))
            self._replays[oldest].pop()
            if not self._replays[oldest]:
                del self._replays[oldest]


def _kind_of(x: Any, arguments: list[Value]) -> Any:
    """Return what a recording depends on in an argument, and collect the Values."""
    if isinstance(x, Value):
        place = next((place for place, other in enumerate(arguments) if other is x), len(arguments))
        if place == len(arguments):
            arguments.append(x)
        data = x._data
        if type(data) is float:
            return place, (), x._requires_grad
        if type(data) is Array and data.dtype is float:
            return place, data.shape, x._requires_grad
        return place, shape_of(data), x._requires_grad, tuple(elements(data))
    if isinstance(x, (list, tuple)):
        return type(x), *[_kind_of(part, arguments) for part in x]
    if isinstance(x, dict):
        return type(x), *[(name, _kind_of(part, arguments)) for name, part in x.items()]
    if isinstance(x, float):
        return float, repr(x)
    if type(x) is Array:
        return Array, x.shape, tuple(map(repr, x.flat))
    try:
        hash(x)
    except TypeError:
        raise TypeError(f"compile: an argument must be a Value, a number or hashable, got {x!r}") from None
    return type(x), x


def _kind_of_names(function: Any) -> Any:
    return ()


def compile(function: Callable) -> Compiled:
    return Compiled(function)
