"""Calls of torch that micrograd_sm has no function for: one node each, whose value and gradient are torch's own."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import torch

from micrograd_sm.array import Array, shape_of
from micrograd_sm.engine import Value
from micrograd_sm.primitives import PRIMITIVES, Primitive, Recorded

# Larger tensors stay in torch's storage, on which Values compute through array-api-compat.
LARGE = 10_000 if find_spec("array_api_compat") else math.inf  # elements


class Call:
    """A call of torch, of which the tensors of floats among the arguments are the operands of its node.

    `index` says which of the call's results the node is. `state` is that of torch's random numbers before the call, so
    that it can be made again.
    """

    opaque = True

    def __init__(self, function: Callable, name: str, args: tuple, kwargs: dict[str, Any], index: int, state: Any) -> None:
        self.function, self.name, self.index, self.state = function, name, index, state
        self.args, self.kwargs = mapped(lambda x: x.detach().clone().requires_grad_(x.requires_grad), (args, kwargs))
        self.tensors = [x for x in tensors_in((self.args, self.kwargs)) if x.is_floating_point()]
        self.known: Any = None  # what the user's own call returned, until the node is made

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def value(self, *operands: Any) -> Any:
        """Return the result for these operands, numbers and Arrays, as torch computes it."""
        if self.known is not None:
            known, self.known = self.known, None
            return known
        with torch.no_grad():
            return numbers_of(self._again(*self._as_tensors(operands)))

    def gradient(self, position: int, upstream: Any, *operands: Any) -> Any:
        """Return the vector-Jacobian product for one operand, as torch computes it."""
        of_one, x = self._of_one(position, operands)
        out, pull_back = torch.func.vjp(of_one, x)[:2]
        return numbers_of(pull_back(_tensor(upstream, out))[0])

    def pushed(self, position: int, tangent: Any, *operands: Any) -> Any:
        """Return the Jacobian-vector product for one operand, as torch computes it."""
        of_one, x = self._of_one(position, operands)
        with warnings.catch_warnings():  # torch's own, about what it uses inside
            warnings.simplefilter("ignore", DeprecationWarning)
            return numbers_of(torch.func.jvp(of_one, (x,), (_tensor(tangent, x),))[1])

    def _of_one(self, position: int, operands: Sequence[Any]) -> tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
        """Return the call as a function of one operand, and the operand."""
        before, (x, *after) = (found := self._as_tensors(operands))[:position], found[position:]
        return lambda y: self._again(*before, y, *after), x

    def _again(self, *tensors: torch.Tensor) -> torch.Tensor:
        given = iter(tensors)
        in_place = self.name.endswith("_")
        new = lambda x: next(given) if x.is_floating_point() else x
        args, kwargs = mapped(lambda x: new(x).clone() if in_place else new(x), (self.args, self.kwargs))
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self.state)
            return list(tensors_in(self.function(*args, **kwargs)))[self.index]

    def _as_tensors(self, operands: Sequence[Any]) -> list[torch.Tensor]:
        return [_tensor(x, like) for x, like in zip(operands, self.tensors, strict=True)]


def _tensor(x: Any, like: torch.Tensor) -> torch.Tensor:
    """Return numbers as a tensor of the type and device of another. Raises RuntimeError for what are no floats."""
    if isinstance(x, torch.Tensor):
        return x.to(like)
    plain = x.flat if type(x) is Array else [x]
    if isinstance(x, Recorded) or (plain and not isinstance(plain[0], (float, int))):
        raise RuntimeError("a node that is torch's own can only compute with floats; this study needs other numbers")
    return torch.tensor(plain, dtype=torch.float64).reshape(shape_of(x)).to(like)


def numbers_of(x: torch.Tensor) -> Any:
    """Return the numbers of a tensor as a Value holds them: a number, an Array, or, if there are many, a float64 tensor.

    Raises TypeError for complex numbers.
    """
    plain = x.detach()
    if plain.is_complex():
        raise TypeError("complex numbers have no place in a Value")
    if plain.is_floating_point():
        plain = plain.to(device="cpu", dtype=torch.float64)
    if plain.numel() > LARGE and plain.is_floating_point():
        return plain.clone()
    flat = plain.reshape(-1).tolist()
    return Array.of(flat, tuple(plain.shape), type(flat[0]) if flat else float)


def opaque_node(call: Call, operands: Sequence[Value], result: torch.Tensor) -> Value:
    """Return the node of a call: its value is the tensor that torch returned."""
    name = call.name if call.name not in dict(PRIMITIVES) else f"torch.{call.name}"
    primitive = _PRIMITIVES.get(name) or _PRIMITIVES.setdefault(name, _primitive(name, call.name))
    call.known = numbers_of(result)
    return primitive(*operands, call=call)


_PRIMITIVES: dict[str, Primitive] = {}


def _primitive(name: str, function: str) -> Primitive:
    return Primitive(
        name,
        f"torch.{function}",
        value=lambda *operands, call: call.value(*operands),
        gradient=lambda position, g, out, *operands, call: _pull_back(g, *operands, call=call, which=position),
        kind="mixes",
        foreign=True,
    )


def _pulled_back(position: int, g: Any, out: Any, upstream: Any, *operands: Any, call: Call, which: int) -> Any:
    """The rule of torch's backward: linear in the upstream gradient; how it depends on the operands is not recorded."""
    if position or isinstance(g, Recorded):
        raise RuntimeError(f"{call.name} is torch's own: its second derivative is not recorded; use torch.func for it")
    return call.pushed(which, g, *operands)


_pull_back = Primitive(
    "torch's backward",
    "torch.func.vjp",
    value=lambda g, *operands, call, which: call.gradient(which, g, *operands),
    gradient=_pulled_back,
    kind="mixes",
    foreign=True,
)


def tensors_in(x: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors in arguments or results, in order."""
    if isinstance(x, torch.Tensor):
        yield x
    elif isinstance(x, (tuple, list)):
        for part in x:
            yield from tensors_in(part)
    elif isinstance(x, dict):
        for part in x.values():
            yield from tensors_in(part)
    elif isinstance(x, slice):
        yield from tensors_in((x.start, x.stop, x.step))


def mapped(function: Callable[[torch.Tensor], Any], x: Any) -> Any:
    """Return arguments with the function of each tensor in its place."""
    if isinstance(x, torch.Tensor):
        return function(x)
    if isinstance(x, (tuple, list)):
        parts = [mapped(function, part) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts) if isinstance(x, tuple) else parts
    if isinstance(x, dict):
        return {key: mapped(function, part) for key, part in x.items()}
    if isinstance(x, slice):
        return slice(*(mapped(function, part) for part in (x.start, x.stop, x.step)))
    return x
