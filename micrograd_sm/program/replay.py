"""A recording made into programs, and what a call of them returns: Values of one node each, which knows its gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

from micrograd_sm.array import Array, shape_of
from micrograd_sm.array.parsing import type_of
from micrograd_sm.backward import gradients
from micrograd_sm.engine import Value
from micrograd_sm.mode import current_mode, recording
from micrograd_sm.primitives import Primitive, Recorded
from micrograd_sm.program.recording import Pull, Recording
from micrograd_sm.program.storage import elements
from micrograd_sm.program.writing import Changed, Code
from micrograd_sm.transforms.structure import leaves, mapped, rebuilt


class Output(NamedTuple):
    """One thing that the function computed: its place among the results, what it is, and its backward pass if it has one."""

    place: int
    leaf: int  # among the leaves of what the function returned
    shape: tuple[int, ...]
    dtype: type
    name: str | None
    is_value: bool
    pull: Pull | None


class Replay:
    """The programs of one recording: the results alone, or with the gradients of one of them."""

    def __init__(self, recording: Recording, arguments: Sequence[Value], code: type[Code] = Code) -> None:
        places = {id(x): place for place, x in enumerate(arguments)}
        self.tape, self.cells = recording.tape, recording.cells
        self.is_used = False  # again, after the call that was recorded
        self.given = [places.get(id(x)) for x in recording.inputs]
        self.closed = [x if place is None else None for place, x in zip(self.given, recording.inputs)]
        self.needs = [(x._requires_grad, type_of(x._data), x.shape) for x in recording.inputs]
        self.constants = [(x, data) for x, data in recording.constants if id(x) not in places]
        self.modes = list(recording.modes.values())
        self.results: list[Any] = []
        self.tree = mapped(lambda x: None, recording.output)
        self.made = [self._made_of(leaf, x, recording, places) for leaf, x in enumerate(leaves(recording.output))]
        self.code = code
        self.forward = code(self.tape, self.cells, self.results)
        self.codes: dict[int, Code] = {}
        ones = [x for x in self.made if isinstance(x, Output) and x.pull and prod(x.shape) == 1]
        self.first = ones[0] if ones else None  # the loss: its gradients are computed with it

    def _made_of(self, leaf: int, x: Any, recording: Recording, places: Mapping[int, int]) -> Any:
        """Return the Output of a leaf of what the function returned; an argument's place in a list, anything else as it is."""
        if id(x) in places:
            return [places[id(x)]]
        if id(x) not in recording.outputs:
            return x
        data, pull = recording.outputs[id(x)]
        self.results.append(_listed(data))
        is_value = isinstance(x, Value)
        kind = getattr(data, "dtype", type(data))
        return Output(len(self.results) - 1, leaf, shape_of(data), kind, x.name if is_value else None, is_value, pull)

    def pulling(self, output: Output) -> Code:
        """Return the program of all results and of the gradients of one, by the inputs and its upstream gradient."""
        if output.place not in self.codes and output.pull:
            inputs = [*self.cells, _listed(output.pull.seeds)]
            results = [*self.results, *map(_listed, output.pull.gradients.values())]
            self.codes[output.place] = self.code(self.tape, inputs, results)
        return self.codes[output.place]

    def __call__(self, arguments: Sequence[Value], again: Callable[[], Any]) -> Any:
        """Return what the function returns for these arguments; `again` calls the function itself.

        Raises `Changed` if the recording does not hold for them.
        """
        inputs = [x if place is None else arguments[place] for place, x in zip(self.given, self.closed)]
        values = self._values(inputs)
        loss = self.first
        found = self.pulling(loss)([*values, [1.0] if loss.shape else 1.0]) if loss else self.forward(values)
        made = []
        for x in self.made:
            if isinstance(x, Output):
                known = found[len(self.results) :] if x is loss else None
                made.append(self._value(x, found[x.place], Call(self, x, values, known, again), inputs))
            else:
                made.append(arguments[x[0]] if type(x) is list else x)
        return rebuilt(self.tree, made)

    def _values(self, inputs: Sequence[Any]) -> list[Any]:
        """Return the numbers of the inputs. Raises `Changed` if one is of another kind than in the recording."""
        values: list[Any] = []
        for x, (requires_grad, dtype, shape) in zip(inputs, self.needs):
            data = x._data
            if x._requires_grad is not requires_grad:
                raise Changed
            if type(data) is dtype and not shape:
                values.append(data)
            elif type(data) is Array and data.dtype is dtype and data.shape == shape:
                values.append(data.flat)
            else:
                raise Changed
        if any(x._data is not data for x, data in self.constants):
            raise Changed
        if any(module.training is not training for module, training in self.modes):
            raise Changed
        return values

    def _value(self, output: Output, numbers: Any, call: Call, inputs: Sequence[Any]) -> Any:
        data = Array.of(numbers, output.shape, output.dtype) if output.shape else numbers
        if not output.is_value:
            return data
        if output.pull is None or not output.pull.gradients:
            return Value(data, requires_grad=output.pull is not None, name=output.name)
        call.data = data
        parents = [inputs[place] for place in output.pull.gradients]
        record = partial(parents[0].record, COMPILED, tuple(parents), {"call": call})
        if current_mode().recording:
            value = record()
        else:  # the function turned it on for itself
            with recording(True):
                value = record()
        value.name = output.name
        return value


def _listed(data: Any) -> Any:
    return elements(data) if shape_of(data) else data


class Call:
    """One call of a compiled function: the numbers that it was given, one of its results, and the gradients if they are known.

    A view or a study of the graph may ask for other operands' result or gradients: then the program runs once more.
    """

    opaque = True
    data: Any

    def __init__(self, replay: Replay, output: Output, values: list[Any], known: Sequence[Any] | None, again: Callable) -> None:
        self.replay, self.output, self.values, self.known, self.again = replay, output, values, known, again
        self.parents = list(output.pull.gradients if output.pull else ())

    def __repr__(self) -> str:
        return "compiled"

    def value(self, operands: Sequence[Any]) -> Any:
        """Return the result for these operands, numbers and Arrays."""
        values = self._given(operands)
        if values is self.values:
            return self.data
        numbers = self._run(self.replay.forward, values)[self.output.place]
        return Array.of(numbers, self.output.shape) if self.output.shape else numbers

    def gradients(self, g: Any, operands: Sequence[Any]) -> Iterator[Any]:
        """Yield the gradient of each operand, a Value with a graph if g is one; None if it came before as another operand."""
        if isinstance(g, Recorded):
            yield from self._gradients_with_graph(g, operands)
            return
        values, found = self._given(operands), self.known
        if found is None or values is not self.values or elements(g) != [1.0]:
            found = self._run(self.replay.pulling(self.output), [*values, _listed(g)])[len(self.replay.results) :]
        for numbers, place in zip(found, self.parents):
            shape = self.replay.needs[place][2]
            yield Array.of(numbers, shape) if shape else numbers

    def _given(self, operands: Sequence[Any]) -> list[Any]:
        """Return the numbers of the call with those of these operands in their places; the same list if nothing differs."""
        new = {place: _listed(x) for place, x in zip(self.parents, operands)}
        if all(x is self.values[place] for place, x in new.items()):
            return self.values
        if not {float} >= {type(one) for x in new.values() for one in (x if isinstance(x, list) else [x])}:
            raise RuntimeError(
                "a compiled function computes with floats only; this study needs other numbers, so give it f(x) itself"
            )
        return [new.get(place, x) for place, x in enumerate(self.values)]

    def _run(self, code: Code, values: list[Any]) -> Any:
        try:
            return code(values)
        except Changed:
            raise RuntimeError("a compiled function would take another way for these numbers; give f(x) itself") from None

    def _gradients_with_graph(self, g: Any, parents: Sequence[Any]) -> list[Any]:
        """Call the function itself, and differentiate that; the pass around this one keeps what it has on the parents.

        Raises RuntimeError if the function computes another number than the call did.
        """
        pending = [x._upstream for x in parents]
        distinct = list(dict.fromkeys(parents))
        try:
            for x in parents:
                x._upstream = None
            output = leaves(self.again())[self.output.leaf]
            if repr(_listed(output._data)) != repr(_listed(self.data)):
                raise RuntimeError(
                    "create_graph calls a compiled function once more, and now it computes other numbers than it did: what it "
                    "reads has changed; differentiate before that, or give f(x) itself"
                )
            found = dict(zip(distinct, gradients([output], [g], distinct, create_graph=True)))
            return [found.pop(x, None) for x in parents]
        finally:
            for x, upstream in zip(parents, pending):
                x._upstream = upstream


class _Compiled(Primitive):
    """The operation of a compiled function: all gradients are found at once."""

    def contributions(self, g: Any, out: Any, operands: Any, params: Any, wanted: Any) -> Iterator[tuple[int, Any]]:
        found = params["call"].gradients(g, operands)
        return ((place, each) for place, each in enumerate(found) if wanted[place] and each is not None)


COMPILED = _Compiled(
    "compiled",
    "compiled",
    value=lambda *operands, call: call.value(operands),
    gradient=lambda position, g, out, *operands, call: list(call.gradients(g, operands))[position],
    kind="mixes",
    foreign=True,
)
