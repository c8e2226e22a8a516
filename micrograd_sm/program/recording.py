"""One call of a function recorded: every Value that was there before is an input, and reading its numbers gives cells.

While a function is recorded, the slots `_data` and `grad` of `Value` are read through properties, in this thread. So no read
of a number escapes, in whatever way the function came by the Value: as an argument, in a closure, in a model.
"""

from __future__ import annotations

import operator
import random
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from threading import get_ident
from types import NoneType
from typing import Any, NamedTuple

from micrograd_sm import randomness
from micrograd_sm.array import Array, shape_of
from micrograd_sm.array.parsing import type_of
from micrograd_sm.backward import gradients, reachable
from micrograd_sm.engine import Value, tick
from micrograd_sm.nn.module import Module
from micrograd_sm.program.cells import Number, Tape, noting, without_collecting
from micrograd_sm.program.storage import Tensor, elements, tensor
from micrograd_sm.transforms.structure import leaves

_recording: set[int] = set()  # the threads that record
_DATA, _GRAD = Value.__dict__["_data"], Value.__dict__["grad"]  # the slots themselves
_TRAINING = Module.training


def _put_in_place(data: Any, grad: Any, training: Any) -> None:
    setattr(Value, "_data", data)  # noqa: B010 (to a type checker a slot is no variable of the class)
    setattr(Value, "grad", grad)  # noqa: B010
    setattr(Module, "training", training)  # noqa: B010


class Pull(NamedTuple):
    """The backward pass of one output: its upstream gradient, and the gradient of each input that it reaches, by place."""

    seeds: Any
    gradients: dict[int, Any]


class Recording:
    """What a function computed from its inputs.

    `inputs` are the Values that were there before, in the order in which they were read, and `cells` their elements;
    `constants` are those that hold bools, or ints and are not among `opened`, with the data they had; `modes` are the
    modules that were asked whether they are in training, with what they said. `output` is what the function returned;
    `outputs` has the data of each leaf of it that was computed, and its backward pass if it requires a gradient, by id.
    """

    def __init__(self, function: Callable, args: tuple, kwargs: dict[str, Any], opened: Collection[int] = ()) -> None:
        self.tape = Tape()
        self.inputs: list[Value] = []
        self.cells: list[Any] = []
        self.constants: list[tuple[Value, Any]] = []
        self.modes: dict[int, tuple[Module, bool]] = {}
        self._read: dict[int, Any] = {}
        self._opened = opened
        self._heard_elsewhere = False  # whether another thread has read a Value that was there before
        self._start = tick()
        self._thread = get_ident()
        with self._watching():
            self.output = function(*args, **kwargs)
            if self.tape.refused:
                raise self.tape.refused
            for x in leaves(self.output):
                self._check_result(x)
            self.outputs = {id(x): self._computed(x) for x in leaves(self.output) if self._is_computed(x)}
        self.tape.known.clear()  # nothing more is noted

    def _check_result(self, x: Any) -> None:
        """Raise RuntimeError for what may hide a Value, or run the function's lines later."""
        if not isinstance(x, (Value, Array, Number, Tensor, float, int, str, bytes, NoneType)):
            self.tape.refuse(
                f"the function returns {x!r} of type {type(x).__name__}, which a replay cannot make; return Values, numbers, "
                "texts, and lists, tuples and dicts of them"
            )
        if (
            isinstance(x, Value)
            and self._heard_elsewhere
            and any(leaf.number < self._start and id(leaf) not in self._read for leaf in reachable(x) if leaf.primitive is None)
        ):
            self.tape.refuse("the function computes in another thread, which a recording cannot follow; compute in one thread")

    def _is_computed(self, x: Any) -> bool:
        return self._is_new(x) if isinstance(x, Value) else isinstance(x, (Number, Tensor))

    def _computed(self, x: Any) -> tuple[Any, Pull | None]:
        return (x._data, self._pull(x)) if isinstance(x, Value) else (x, None)

    def _is_new(self, value: Value) -> bool:
        return value.number >= self._start

    def _pull(self, output: Value) -> Pull | None:
        if not output._requires_grad:
            return None
        shape = shape_of(output._data)
        seeds = tensor([self.tape.input(float, 1.0) for _ in elements(output._data)], shape)
        wanted = [place for place, x in enumerate(self.inputs) if x._requires_grad]
        found = gradients([output], [seeds], [self.inputs[place] for place in wanted])
        return Pull(seeds, {place: gradient for place, gradient in zip(wanted, found) if gradient is not None})

    @contextmanager
    def _watching(self) -> Iterator[None]:
        with noting(self.tape), without_collecting():
            sources = _random_sources()
            before = [get() for get, _, _ in sources]
            randomness.asked.append(self._refuse_random)
            _recording.add(self._thread)
            _put_in_place(self._heard_data(), self._refused_grad(), self._heard_training())
            try:
                yield
                if not all(same(get(), state) for (get, _, same), state in zip(sources, before)):
                    for (_, put, _), state in zip(sources, before):
                        put(state)
                    self._refuse_random_numbers()
            finally:
                _put_in_place(_DATA, _GRAD, _TRAINING)
                _recording.discard(self._thread)
                randomness.asked.remove(self._refuse_random)

    def _heard_data(self) -> property:
        """Return what stands in place of the slot `_data`: it hears of the Values that were there before."""
        start, thread, known, tape = self._start, self._thread, self._read, self.tape
        get, put = _DATA.__get__, _DATA.__set__

        def read(value: Value) -> Any:
            if value.number >= start:
                return get(value)
            if get_ident() != thread:
                self._heard_elsewhere = True
                return get(value)
            key = id(value)
            return known[key] if key in known else self._first_read(value)

        def write(value: Value, data: Any) -> None:
            if get_ident() == thread:
                if getattr(value, "number", start) < start:  # one that is being made has no number yet
                    tape.refuse(
                        "the function changes the data of a Value that it has not made, which would happen in the "
                        "recording only; return the new numbers, and set them outside"
                    )
                tape.check_room()
            put(value, data)

        return property(read, write)

    def _refused_grad(self) -> property:
        """Return what stands in place of the slot `grad`: gradients are those of another time, and belong to no recording."""
        start, thread, tape, get, put = self._start, self._thread, self.tape, _GRAD.__get__, _GRAD.__set__

        def check(value: Value) -> None:
            if getattr(value, "number", start) < start and get_ident() == thread:
                tape.refuse(
                    "the function reads or sets the .grad of a Value that it has not made, as backward() and "
                    "zero_grad() do; return the loss, and call backward() on what the compiled function returns"
                )

        def read(value: Value) -> Any:
            check(value)
            return get(value)

        def write(value: Value, grad: Any) -> None:
            check(value)
            put(value, grad)

        return property(read, write)

    def _heard_training(self) -> property:
        """Return what stands in place of `Module.training`: it hears which modules do something else in training."""

        def read(module: Module) -> bool:
            training = vars(module).get("training", _TRAINING)
            if get_ident() == self._thread:
                self.modes[id(module)] = module, training
            return training

        def write(module: Module, training: bool) -> None:
            vars(module)["training"] = training

        return property(read, write)

    def _first_read(self, value: Value) -> Any:
        data = _DATA.__get__(value)
        kind = type(data)
        cells: Any
        held: Any
        dtype = type_of(data)
        is_input = dtype is float or (dtype is int and id(value) in self._opened)
        if kind is dtype and is_input:
            cells = held = self.tape.input(dtype, data)
        elif kind is Array and is_input:
            cells = [self.tape.input(dtype, number) for number in data.flat]
            held = Tensor(cells, data.shape, dtype)
        elif kind in (int, bool, Array):
            self.constants.append((value, data))
            self._read[id(value)] = data
            return data
        elif kind in (Number, Tensor):
            self.tape.refuse("a Value that was made in a recording is used in another, or changed in place")
        else:
            raise TypeError(f"compile: a Value holds an array of {kind.__module__}; only Python's numbers are compiled")
        self.inputs.append(value)
        self.cells.append(cells)
        self._read[id(value)] = held
        return held

    def _refuse_random(self) -> None:
        if get_ident() == self._thread:
            self._refuse_random_numbers()

    def _refuse_random_numbers(self) -> None:
        self.tape.refuse(
            "the function draws random numbers, as dropout does, and each call would repeat those of the recording; "
            "draw them outside, and pass them as a Value"
        )


def _random_sources() -> list[tuple[Callable, Callable, Callable]]:
    """Return what reads, sets and compares the states of the default sources: Python's, and those of libraries in use."""
    sources: list[tuple[Callable, Callable, Callable]] = [(random.getstate, random.setstate, operator.eq)]
    if numpy := sys.modules.get("numpy.random"):
        equal = sys.modules["numpy"].array_equal
        sources.append((numpy.get_state, numpy.set_state, lambda a, b: all(map(equal, a, b))))
    if torch := sys.modules.get("torch"):
        sources.append((torch.get_rng_state, torch.set_rng_state, torch.equal))
    return sources


def is_recording() -> bool:
    """Return whether a function is being recorded in this thread."""
    return get_ident() in _recording
