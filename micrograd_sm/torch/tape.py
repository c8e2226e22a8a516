"""`record`: hears each call of torch in a block, and applies the function of the same name to Values.

The user's call runs first, as it would alone. A result that requires a gradient then gets a Value: that of our function, if its
numbers are torch's, or else an opaque node (`opaque.py`). Tensors that require none are constants, read when they are used.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple
from weakref import WeakSet

import torch
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from micrograd_sm.array import flat_of
from micrograd_sm.backward import reachable
from micrograd_sm.engine import Value
from micrograd_sm.methods.conversion import is_floating_point
from micrograd_sm.methods.in_place import with_elements_of
from micrograd_sm.mode import leave_out, recording, trace
from micrograd_sm.torch import calls
from micrograd_sm.torch.modules import Names, Scopes
from micrograd_sm.torch.opaque import Call, mapped, numbers_of, opaque_node, tensors_in

Heard = Callable[[Value, Any, list[Value]], None]
_CLOSE = {torch.float64: 1e-9, torch.float32: 1e-3}  # how near ours must be to torch's, relative to the largest element
leave_out(os.path.dirname(torch.__file__))


class record:
    """Record the torch program in a block: `with record(model) as tape:`; then `tape[loss]` is the loss as a Value.

    `model` gives parameters and modules their names; without it they are those of your variables. `heard(root, seed, nodes)` is
    called after each `backward()` of a tensor in the block, with the Values of the pass. The program runs as without it.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh())
    >>> with record(model) as tape:
    ...     loss = model(torch.ones(1, 2)).sum()
    >>> [value.name for value in tape.nodes(loss) if value.name]
    ['0.weight', '0.bias', 'loss']
    """

    def __init__(self, model: torch.nn.Module | None = None, heard: Heard | None = None) -> None:
        if model is not None and not isinstance(model, torch.nn.Module):
            raise TypeError(f"record: model must be a torch.nn.Module, got {model!r} of type {type(model).__name__}")
        self._tape = Tape(Names(model), heard)
        self._entered = ExitStack()

    def __enter__(self) -> Tape:
        for context in (trace(), recording(True), Scopes(self._tape.names), _Mode(self._tape)):
            self._entered.enter_context(context)
        return self._tape

    def __exit__(self, *exception: Any) -> None:
        self._entered.__exit__(*exception)


class Difference(NamedTuple):
    """How far torch's result is from ours, in float64: the largest difference, and the largest in units of the last place."""

    largest: float
    ulps: float
    dtype: str

    def __str__(self) -> str:
        return f"torch's {self.dtype} result differs from float64's by {self.largest:.3g} at most, {self.ulps:.3g} ulps"


class _Entry(NamedTuple):
    value: Value
    version: int
    requires_grad: bool
    numbers: torch.Tensor | None  # of a leaf, to see whether `.data` was set


_LEAVES = WeakTensorKeyDictionary()  # the Values that parameters had in any pass and on any tape, as long as they live


def values_of_leaf(tensor: torch.Tensor) -> list[Value]:
    """Return the Values that a leaf tensor, such as a parameter, had in recorded passes, in creation order.

    >>> import torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> with record() as tape:
    ...     loss = (w * w).sum()
    >>> [value.shape for value in values_of_leaf(w)], values_of_leaf(torch.ones(2))
    ([(2,)], [])
    """
    return sorted(_LEAVES.get(tensor, ()), key=attrgetter("number"))


class Tape:
    """The Values of the tensors of a recorded program: `tape[tensor]`. It answers also after the block."""

    def __init__(self, names: Names, heard: Heard | None = None) -> None:
        self.names, self.heard = names, heard
        self._entries = WeakTensorKeyDictionary()

    def __getitem__(self, tensor: torch.Tensor) -> Value:
        """Return the Value of a tensor. Raises TypeError if it is none, KeyError if it was not made in the block."""
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"tape[...]: expected a torch tensor, got {tensor!r} of type {type(tensor).__name__}")
        value = self._value(tensor)
        self.name_after(sys._getframe(1).f_locals)
        return value

    def _value(self, tensor: torch.Tensor) -> Value:
        value = self.value_of(tensor)
        if value is None:
            why = "was not computed in the block, or changed since" if tensor.requires_grad else "requires no gradient"
            raise KeyError(f"the tape has no graph of this tensor of shape {tuple(tensor.shape)}: it {why}")
        return value

    def value_of(self, tensor: torch.Tensor) -> Value | None:
        """Return the Value of a tensor, or None if the tape has none."""
        entry = self._entries.get(tensor)
        return entry.value if entry is not None and entry.version == tensor._version else None

    def __contains__(self, tensor: Any) -> bool:
        return isinstance(tensor, torch.Tensor) and self.value_of(tensor) is not None

    def nodes(self, tensor: torch.Tensor) -> list[Value]:
        """Return the Values that a tensor was computed from, and its own, in creation order."""
        value = self._value(tensor)
        self.name_after(sys._getframe(1).f_locals)
        return reachable(value)

    def difference(self, tensor: torch.Tensor) -> Difference:
        """Return how far torch's numbers are from those of the Value, which are computed in float64."""
        pairs = [(x, y) for x, y in zip(flat_of(numbers_of(tensor)), flat_of(self._value(tensor).data)) if x != y]
        eps = torch.finfo(tensor.dtype).eps
        ulps = [abs(x - y) / (eps * 2.0 ** math.floor(math.log2(abs(y) or 1.0))) for x, y in pairs]
        dtype = str(tensor.dtype).removeprefix("torch.")
        return Difference(max((abs(x - y) for x, y in pairs), default=0.0), max(ulps, default=0.0), dtype)

    def name_after(self, variables: Any) -> None:
        """Name leaves that have no name yet after variables."""
        self.names.of_variables(variables)
        for tensor, entry in self._entries.items():
            if entry.value.name is None and tensor in self.names.tensors:
                entry.value.name = self.names.tensors[tensor]

    # Hearing calls ---------------------------------------------------------------------------------------------------

    def read(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Return the arguments of a call with Values for tensors; also, for later, what the first is a view of."""
        if args and isinstance(args[0], torch.Tensor) and args[0]._base is not None:
            self.operand(args[0]._base)
        return mapped(self.operand, (args, kwargs))

    def made(self, call: _Heard, result: Any) -> None:
        """Give the results of a call that require a gradient their Values."""
        results = list(tensors_in(call.args[0] if call.name == "setitem_" else result))
        if not any(x.requires_grad and x.grad_fn is not None for x in results):
            return
        if call.name in calls.SAME and len(results) == 1:
            if results[0] is not call.args[0]:
                self._keep(results[0], self.operand(call.args[0]))
            return
        operands = call.operands or self.read(call.args, call.kwargs)
        values = _computed(call, operands, results)
        for index, tensor in enumerate(results):
            if tensor.requires_grad and tensor.grad_fn is not None:
                value = self._keep(tensor, values[index] if values else _opaque(call, operands, index, tensor))
                if call.changes:
                    self._write_through(tensor, value)

    # Values of tensors -----------------------------------------------------------------------------------------------

    def operand(self, tensor: torch.Tensor) -> Value:
        """Return the Value of a tensor that is used now: that of its computation, or a leaf with its numbers."""
        entry = self._entries.get(tensor)
        if entry is not None and self._is_current(entry, tensor):
            return entry.value
        base = tensor._base
        if base is not None and base.requires_grad and (known := self._entries.get(base)) and self._is_current(known, base):
            positions = _places(tensor, base)
            if positions is not None:
                return self._keep(tensor, known.value.reshape(-1)[positions].reshape(tuple(tensor.shape)))
        unheard = None if tensor.grad_fn is None else f"{tensor.grad_fn.name()}, not recorded"
        name = self.names.tensors.get(tensor, unheard)
        return self._keep(tensor, Value(numbers_of(tensor), requires_grad=tensor.requires_grad, name=name))

    def _is_current(self, entry: _Entry, tensor: torch.Tensor) -> bool:
        if entry.version != tensor._version or entry.requires_grad != tensor.requires_grad:
            return False
        return entry.numbers is None or _equal(entry.numbers, tensor.detach())

    def _keep(self, tensor: torch.Tensor, value: Value) -> Value:
        numbers = tensor.detach().clone() if tensor.grad_fn is None else None
        if tensor.is_leaf and tensor.requires_grad:
            held = _LEAVES.setdefault(tensor, WeakSet())
            held.add(value)
        self._entries[tensor] = _Entry(value, tensor._version, tensor.requires_grad, numbers)
        return value

    def _write_through(self, tensor: torch.Tensor, value: Value) -> None:
        """Write a change of a view into the tensor that it is a view of; its other views are read from that."""
        base = tensor._base
        if base is None or not base.requires_grad:
            return
        known, positions = self._entries.get(base), _places(tensor, base)
        if known is not None and positions is not None and base.grad_fn is not None:
            flat = with_elements_of(known.value.reshape(-1), positions, value.reshape(-1))
            self._keep(base, flat.reshape(tuple(base.shape)))


# Calls ---------------------------------------------------------------------------------------------------------------


class _Heard(NamedTuple):
    """A call of torch: what is called, and with what; `operands` were read before it, if it changes one."""

    function: Callable
    name: str
    args: tuple
    kwargs: dict[str, Any]
    changes: bool
    operands: Any
    state: Any


class _Mode(TorchFunctionMode):
    """Runs each call of torch as it is, and tells the tape of it."""

    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self._tape = tape

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, tape, name = kwargs or {}, self._tape, calls.name_of(function)
        if not torch.is_grad_enabled() or name in _SILENT:
            return function(*args, **kwargs)
        heard = self._before(function, name, args, kwargs)
        result = function(*args, **kwargs)
        if name == "backward":
            self._backward(*args, **kwargs)
        elif heard is not None:
            with suppress(Exception):  # a result without a Value becomes a leaf that says so; the program must not notice
                tape.made(heard, result)
        return result

    def _before(self, function: Callable, name: str, args: tuple, kwargs: dict[str, Any]) -> _Heard | None:
        """Read what must be read before the call: what it changes, and the state of the random numbers that it may draw."""
        with suppress(Exception):
            changes = calls.changes_operand(function, name, args, kwargs)
            recorded = changes and any(x.requires_grad for x in tensors_in((args, kwargs)))
            operands = self._tape.read(args, kwargs) if recorded else None
            return _Heard(function, name, args, kwargs, changes, operands, torch.get_rng_state())
        return None

    def _backward(self, root: torch.Tensor, gradient: Any = None, *_: Any, **__: Any) -> None:
        value = self._tape.value_of(root)
        if value is not None and self._tape.heard is not None:
            seed = numbers_of(torch.ones_like(root) if gradient is None else gradient)
            self._tape.heard(value, seed, [node for node in reachable(value) if node.requires_grad])


_SILENT = {".data", ".grad", ".grad_fn", ".is_leaf", ".requires_grad", ".shape", "detach", "register_hook", "retain_grad"}


def _computed(call: _Heard, operands: Any, results: list[torch.Tensor]) -> list[Value] | None:
    """Return the results of our function, or None if there is none or its numbers are not torch's."""
    args, kwargs = operands
    try:
        if call.name == "setitem_":
            found: Any = with_elements_of(*args)
        elif call.name == "dropout":
            found = args[0] * numbers_of(_mask(results[0]))
        else:
            found = calls.ours(call.function, call.name, args, kwargs)
    except Exception:  # an option that ours lacks, or a kind of argument
        return None
    values = list(_values_in(found))
    return values if len(values) == len(results) and all(map(_agree, values, results)) else None


def _mask(result: torch.Tensor) -> torch.Tensor:
    """Return what a dropout multiplied by: the local derivative that torch kept for the backward pass."""
    found = result.grad_fn(torch.ones_like(result))  # type: ignore[misc, operator]
    return next(tensors_in(found if isinstance(found, tuple) else (found,)))


def _opaque(call: _Heard, operands: Any, index: int, result: torch.Tensor) -> Value:
    values = [x for x in _values_in(operands) if is_floating_point(x)]
    kept = Call(call.function, call.name, call.args, call.kwargs, index, call.state)
    return opaque_node(kept, values, result)


def _values_in(x: Any) -> Iterable[Value]:
    if isinstance(x, Value):
        return [x]
    if isinstance(x, dict):
        return chain.from_iterable(map(_values_in, x.values()))
    if isinstance(x, slice):
        return _values_in((x.start, x.stop, x.step))
    return chain.from_iterable(map(_values_in, x)) if isinstance(x, (tuple, list)) else []


def _places(view: torch.Tensor, base: torch.Tensor) -> list[int] | None:
    """Return where the elements of a view lie in its base, in row-major order; None if the base has gaps."""
    if not base.is_contiguous():
        return None
    offset = view.storage_offset() - base.storage_offset()
    return torch.arange(base.numel()).as_strided(view.shape, view.stride(), offset).reshape(-1).tolist()


def _agree(value: Value, tensor: torch.Tensor) -> bool:
    """Return whether a Value has a tensor's shape and, up to rounding, its numbers."""
    if tuple(value.shape) != tuple(tensor.shape):
        return False
    plain = value.data if isinstance(value.data, torch.Tensor) else torch.tensor(flat_of(value.data), dtype=torch.float64)
    theirs, close = tensor.detach().cpu().double().reshape(-1), _CLOSE.get(tensor.dtype, 5e-2)
    size = theirs[theirs.isfinite()].abs().max().item() if theirs.isfinite().any() else 0.0
    return torch.allclose(plain.reshape(-1), theirs, rtol=close, atol=close * size, equal_nan=True)


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.equal(a, b) or (a.is_floating_point() and torch.allclose(a, b, 0.0, 0.0, equal_nan=True))
