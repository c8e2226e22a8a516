"""The evaluation of a function on inputs of its own, and products of vectors with its Jacobian there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import Array, namespace
from micrograd_sm.array.storage import like_storage, ones_like
from micrograd_sm.array.strides import Shape
from micrograd_sm.backward import gradients
from micrograd_sm.engine import Value, as_value
from micrograd_sm.mode import current_mode, recording, scope
from micrograd_sm.transforms.structure import aligned, leaves, mapped, outline, paths, rebuilt

Argnums = int | tuple[int, ...]


class Evaluation:
    """The evaluation of a function on inputs of its own, ready for products of vectors with its Jacobian.

    An own input is a leaf or, if the caller may differentiate the result again, a recorded copy of the caller's Value.
    Backward passes end at own inputs. So nested derivatives keep apart what the function is differentiated by and what it
    only reads.
    """

    def __init__(self, what: str, function: Callable, args: tuple, kwargs: dict, argnums: Argnums, has_aux: bool) -> None:
        self.what = what
        self.nested = current_mode().recording  # whether results may be differentiated again
        positions = _positions(what, argnums, len(args))
        arguments = [args[position] for position in positions]
        self.structure: Any = tuple(arguments) if isinstance(argnums, tuple) else arguments[0]
        with recording(True):
            own = [
                rebuilt(argument, [self._own(leaf, path) for path, leaf in paths(argument, f"argument {position}")])
                for argument, position in zip(arguments, positions)
            ]
            self.inputs: list[Value] = leaves(own)
            called_with = dict(enumerate(args)) | dict(zip(positions, own))
            self.output = function(*called_with.values(), **kwargs)
        self.auxiliary: Any = None
        if has_aux:
            if not isinstance(self.output, tuple) or len(self.output) != 2:
                raise RuntimeError(f"{what}: with has_aux the function must return (output, aux), it returned {self.output!r}")
            self.output, self.auxiliary = self.output
        self.outputs: list[Value] = leaves(self.output)
        for output in self.outputs:
            if not isinstance(output, Value):
                got = f"{output!r} of type {type(output).__name__}; item(), float() and .data leave the graph"
                raise RuntimeError(f"{what}: the function must return Values, it returned {got}")
        self.differentiable = self.nested and _reaches_other_leaves(self.outputs, self.inputs)
        self._linear: tuple[list[Value | None], list[Value]] | None = None

    def _own(self, x: Any, path: str) -> Value:
        """Return an own input with the data of x."""
        data = x._data if isinstance(x, Value) else x
        if isinstance(x, bool) or not (isinstance(x, (float, int)) or hasattr(data, "shape") or isinstance(x, Value)):
            raise ValueError(f"{self.what}: {path} is {x!r}; only numbers, Values and arrays can be differentiated")
        if not isinstance(x, int) and not _is_floating(data):
            raise RuntimeError(f"{self.what}: {path} holds integers or bools, {x!r}, and only floats can be differentiated")
        if self.nested and isinstance(x, Value) and x.requires_grad:
            own = primitives.reshape(x, shape=x.shape)
            own.name = x.name
            return own
        return Value(data, name=x.name if isinstance(x, Value) else None)

    # What goes in ---------------------------------------------------------------------------------------------------

    def scalar_seed(self) -> Value:
        """Return the seed 1. Raises RuntimeError if the output is not one number."""
        if not isinstance(self.output, Value):
            raise RuntimeError(f"{self.what}: the function must return one Value, it returned {outline(self.output)}")
        if self.output.shape:
            got = f"shape {self.output.shape}; reduce it, as in .sum(), or use vjp or jacobian"
            raise RuntimeError(f"{self.what}: the function must return one number, of shape (), it returned {got}")
        return Value(ones_like(self.output._data), requires_grad=False)

    def require_floating_outputs(self) -> None:
        """Raise RuntimeError if there is no output, or if an output holds integers."""
        if not self.outputs:
            raise RuntimeError(f"{self.what}: the function must return at least one Value, it returned {self.output!r}")
        for output in self.outputs:
            if not _is_floating(output._data):
                raise RuntimeError(
                    f"{self.what}: the function returned integers or bools, {output!r}, which have no derivative"
                )

    def cotangents(self, vectors: Any) -> list[Value]:
        """Return cotangents as Values, one for each output."""
        return self._matching("cotangents", vectors, self.output, "output")

    def tangents(self, primals: tuple, vectors: Any) -> list[Value]:
        """Return tangents as Values, one for each input."""
        return self._matching("tangents", vectors, primals, "primals")

    def _matching(self, name: str, vectors: Any, structure: Any, like: str) -> list[Value]:
        found = aligned(structure, vectors)
        if found is None:
            wanted = f"the structure of the {like}, {outline(structure)}"
            raise RuntimeError(f"{self.what}: {name} must have {wanted}, got {outline(vectors)}")
        targets = self.outputs if like == "output" else self.inputs
        return [self._vector(x, target, name) for x, target in zip(found, targets)]

    def _vector(self, x: Any, target: Value, name: str) -> Value:
        vector = as_value(x, f"{self.what}: {name}")
        if vector.shape != target.shape:
            raise RuntimeError(f"{self.what}: {name} hold shape {vector.shape} where shape {target.shape} is needed")
        if vector.requires_grad or type(vector._data) is float:
            return vector
        return Value(like_storage(_floating(vector._data), target._data), requires_grad=False)

    # What comes out -------------------------------------------------------------------------------------------------

    def value(self) -> Any:
        """Return the function's output without the graph to the own inputs."""
        return mapped(self._released, self.output)

    def aux(self) -> Any:
        """Return the function's aux in the same way."""
        return mapped(lambda x: self._released(x) if isinstance(x, Value) else x, self.auxiliary)

    def arguments_like(self, found: Sequence[Any]) -> Any:
        """Return the structure of the arguments around these leaves, one for each input."""
        return rebuilt(self.structure, found)

    def _released(self, value: Value) -> Value:
        """Return a value, without its graph if that leads to own inputs only."""
        if not value._requires_grad or (self.nested and _reaches_other_leaves([value], self.inputs)):
            return value
        return Value(value._data, requires_grad=False, name=value.name)

    # Products with the Jacobian -------------------------------------------------------------------------------------

    def pull(self, cotangents: list[Value]) -> list[Value]:
        """Return the vector-Jacobian product: for each input, the cotangents times d outputs / d input."""
        return self._products(self.outputs, cotangents, self.inputs)

    def push(self, tangents: list[Value]) -> list[Value]:
        """Return the Jacobian-vector product: for each output, d output / d inputs times the tangents."""
        pulled, vectors = self._linear_pull()
        return self._products(pulled, tangents, vectors)

    def _linear_pull(self) -> tuple[list[Value | None], list[Value]]:
        """Return the vector-Jacobian products of vectors u, as a graph that can be differentiated by u, and u."""
        if self._linear is None:
            vectors = [Value(_zeros(output)) for output in self.outputs]
            roots = [(output, u) for output, u in zip(self.outputs, vectors) if output._requires_grad]
            with recording(True), scope("backward"):
                pulled = gradients([output for output, _ in roots], [u for _, u in roots], self.inputs, create_graph=True)
            self._linear = pulled, vectors
        return self._linear

    def _products(self, outputs: list[Any], cotangents: list[Value], inputs: list[Value]) -> list[Value]:
        pairs = [(root, seed) for root, seed in zip(outputs, cotangents) if root is not None and root._requires_grad]
        roots = [root for root, _ in pairs]
        graph = current_mode().recording and (self.differentiable or any(seed._requires_grad for _, seed in pairs))
        seeds = [seed if graph else seed._data for _, seed in pairs]
        with recording(graph), scope("backward"):
            found = gradients(roots, seeds, inputs, create_graph=graph)
        return [self._result(gradient, x) for gradient, x in zip(found, inputs)]

    def _result(self, gradient: Any, x: Value) -> Value:
        if isinstance(gradient, Value):
            return self._released(gradient)
        return Value(_zeros(x) if gradient is None else gradient, requires_grad=False)

    def rows(self, index: int) -> list[Value]:
        """Return the Jacobians of one output by each input."""
        output = self.outputs[index]
        found = [self._products([output], [unit], self.inputs) for unit in _basis(output)]
        return [_stacked([row[k] for row in found], output.shape, x, last=False) for k, x in enumerate(self.inputs)]

    def columns(self, index: int) -> list[Value]:
        """Return the Jacobians of each output by one input."""
        pulled, vectors = self._linear_pull()
        x = self.inputs[index]
        found = [self._products([pulled[index]], [unit], vectors) for unit in _basis(x)]
        return [_stacked([column[k] for column in found], x.shape, u, last=True) for k, u in enumerate(vectors)]


def check_argnums(what: str, argnums: Any) -> None:
    """Raise RuntimeError unless argnums is an int or a tuple of ints."""
    if not all(type(number) is int for number in (argnums if isinstance(argnums, tuple) else (argnums,))):
        hint = f"give the point afterwards: {what}(f)(x)"
        raise RuntimeError(f"{what}: argnums must be an int or a tuple of ints, got {argnums!r}; {hint}")


def _positions(what: str, argnums: Argnums, count: int) -> list[int]:
    """Return the positions of the arguments that argnums names, counted from 0."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    for number in numbers:
        if not -count <= number < count:
            raise RuntimeError(f"{what}: argnums names argument {number}, and there are {count} positional arguments")
    if what in ("vjp", "jvp"):
        return list(numbers)
    if not numbers:
        raise RuntimeError(f"{what}: argnums must not be empty")
    positions = [number % count for number in numbers]
    if len(set(positions)) < len(positions):
        raise RuntimeError(f"{what}: argnums names an argument twice: {argnums!r}")
    return positions


def _is_floating(data: Any) -> bool:
    if type(data) is Array:
        return data.dtype is float
    return isinstance(data, float) or (hasattr(data, "dtype") and namespace(data).isdtype(data.dtype, "real floating"))


def _floating(data: Any) -> Any:
    return data.astype(float) if type(data) is Array else float(data) if isinstance(data, int) else data


def _zeros(x: Value) -> Any:
    return _filled([0.0] * prod(x.shape), x.shape, x)


def _filled(flat: list[float], shape: Shape, like: Value) -> Any:
    return like_storage(Array.of(flat, shape), like._data)


def _basis(x: Value) -> list[Value]:
    """Return the unit vectors of x's shape, in row-major order."""
    size = range(prod(x.shape))
    return [Value(_filled([float(i == k) for i in size], x.shape, x), requires_grad=False) for k in size]


def _stacked(slices: list[Value], shape: Shape, x: Value, last: bool) -> Value:
    """Return slices of x's shape, one for each element of `shape`, as one tensor of shape + x.shape or x.shape + shape."""
    whole = (*x.shape, *shape) if last else (*shape, *x.shape)
    if len(slices) == 1 and not shape:
        return slices[0]
    if 0 in whole or not slices:
        return Value(_filled([], whole, x), requires_grad=False)
    wide = (*x.shape, 1) if last else (1, *x.shape)
    parts = [primitives.reshape(part, shape=wide) for part in slices]
    return primitives.reshape(primitives.cat(*parts, axis=len(x.shape) if last else 0), shape=whole)


def _reaches_other_leaves(roots: list[Any], inputs: list[Any]) -> bool:
    """Return whether a gradient from the roots reaches a leaf that is not an input."""
    seen = {x for x in inputs if x.primitive is None}
    pending = [root for root in roots if root._requires_grad and root not in seen]
    while pending:
        node = pending.pop()
        if node.primitive is None:
            return True
        for parent in node.parents:
            if parent._requires_grad and parent not in seen:
                seen.add(parent)
                pending.append(parent)
    return False
