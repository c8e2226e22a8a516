"""`Module`: a function with parameters, which are found in its attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from reprlib import recursive_repr
from typing import Any, NamedTuple

from micrograd_sm.array import shape_of
from micrograd_sm.array.storage import like_storage, stored
from micrograd_sm.engine import Value


class IncompatibleKeys(NamedTuple):
    """The names that `Module.load_state_dict` found only in the module, or only in the state.

    >>> from micrograd_sm import nn
    >>> nn.Linear(1, 1).load_state_dict({"weight": [[2.0]]}, strict=False)
    IncompatibleKeys(missing_keys=['bias'], unexpected_keys=[])
    """

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """A function with parameters: subclass it, put Values and Modules in attributes, and write `forward`.

    Values are found in attributes, lists, tuples, dicts and sub-modules, in the order in which they were set, under names
    such as `layers.0.weight`. A Value that requires a gradient is a parameter. One that requires none is a constant, and
    `state_dict` holds it too (torch: a buffer). A computed Value is neither. A shared Value counts once, under its first
    name. Source: torch.nn.Module.

    >>> class Affine(Module):
    ...     def __init__(self):
    ...         self.slope, self.shift = Value(2.0), Value(1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.shift
    >>> affine = Affine()
    >>> affine(3.0).item(), affine.state_dict()
    (7.0, {'slope': 2.0, 'shift': 1.0})
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output for these inputs; each subclass defines it. Raises NotImplementedError if it does not.

        >>> from micrograd_sm.nn import Tanh
        >>> Tanh().forward(0.0).data
        0.0
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method forward that computes its output")

    def parameters(self) -> list[Value]:
        """Return the Values that require a gradient (torch.nn.Module.parameters).

        >>> from micrograd_sm.nn import Linear
        >>> [parameter.shape for parameter in Linear(2, 3).parameters()]
        [(3, 2), (3,)]
        """
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Return the Values that require a gradient, with their names (torch.nn.Module.named_parameters).

        >>> from micrograd_sm.nn import MLP
        >>> [name for name, _ in MLP(1, [1]).named_parameters()]
        ['layers.0.neurons.0.w.0', 'layers.0.neurons.0.b']
        """
        return [(name, value) for name, value in _leaves(self).items() if value.requires_grad]

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to None, as before the first backward pass (torch.nn.Module.zero_grad).

        >>> from micrograd_sm.nn import Neuron
        >>> neuron = Neuron(1)
        >>> neuron.b.backward()
        >>> neuron.zero_grad()
        >>> neuron.b.grad
        """
        for parameter in self.parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers of every parameter and constant as plain nested lists, by name (torch.nn.Module.state_dict).

        json.dumps and json.loads keep it unchanged. Raises RuntimeError if two of them have the same name.

        >>> from micrograd_sm.nn import Embedding
        >>> Embedding(1, 2).state_dict().keys()
        dict_keys(['weight'])
        """
        return {name: value.tolist() for name, value in _leaves(self).items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Set the numbers of every parameter and constant from a `state_dict()` (torch.nn.Module.load_state_dict).

        Returns the names that are missing in the state, or unexpected. Raises RuntimeError for another shape and, if
        `strict`, for missing or unexpected names, TypeError or ValueError if there are no numbers; then nothing changes.

        >>> from micrograd_sm.nn import Linear
        >>> layer = Linear(1, 1)
        >>> layer.load_state_dict({"weight": [[2.0]], "bias": [0.5]})
        IncompatibleKeys(missing_keys=[], unexpected_keys=[])
        >>> layer([3.0]).tolist()
        [6.5]
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict: expected a dict from names to numbers, got {type(state).__name__}")
        leaves = _leaves(self)
        missing = [name for name in leaves if name not in state]
        unexpected = [name for name in state if name not in leaves]
        if strict and (missing or unexpected):
            raise RuntimeError(
                f"load_state_dict: the names are not those of {type(self).__name__}: missing {missing}, "
                f"unexpected {unexpected}; strict=False loads the others"
            )
        loaded = [(value, _loaded(name, state[name], value)) for name, value in leaves.items() if name in state]
        for value, data in loaded:
            value.data = data
        return IncompatibleKeys(missing, unexpected)

    def extra_repr(self) -> str:
        """Return what the module's repr shows between its parentheses (torch.nn.Module.extra_repr).

        >>> from micrograd_sm.nn import Softmax
        >>> Softmax(dim=1).extra_repr()
        'dim=1'
        """
        return ""

    @recursive_repr("...")
    def __repr__(self) -> str:
        children = [f"({name}): {child!r}" for name, child in _modules(self._attributes(), "", frozenset())]
        if not children:
            return f"{type(self).__name__}({self.extra_repr()})"
        lines = "\n".join(filter(None, [self.extra_repr(), *children])).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {lines}\n)"

    def _attributes(self) -> dict[str, Any]:
        return vars(self)


def _leaves(module: Module) -> dict[str, Value]:
    """Return by name every Value in a module that was not computed."""
    leaves: dict[str, Value] = {}
    for name, value in _walk(module, "", set()):
        if name in leaves:
            raise RuntimeError(f"{type(module).__name__} holds two values under the name {name!r}: rename a key of a dict")
        leaves[name] = value
    return leaves


def _walk(owner: Any, prefix: str, seen: set[int]) -> Iterator[tuple[str, Value]]:
    if isinstance(owner, Value):
        if owner.primitive is None and id(owner) not in seen:
            seen.add(id(owner))
            yield prefix, owner
    elif isinstance(owner, (Module, list, tuple, dict)) and id(owner) not in seen:
        seen.add(id(owner))  # a module that refers back to its owner ends here
        for name, part in _parts(owner, prefix):
            yield from _walk(part, name, seen)


def _modules(owner: Any, prefix: str, seen: frozenset[int]) -> Iterator[tuple[str, Module]]:
    """Yield the outermost modules in attributes, lists, tuples and dicts."""
    for name, part in _parts(owner, prefix):
        if isinstance(part, Module):
            yield name, part
        elif isinstance(part, (list, tuple, dict)) and id(part) not in seen:
            yield from _modules(part, name, seen | {id(part)})


def _parts(owner: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a module, or the entries of a list, tuple or dict, with their names."""
    parts = owner._attributes() if isinstance(owner, Module) else owner
    for key, part in parts.items() if isinstance(parts, dict) else enumerate(parts):
        yield f"{prefix}.{key}" if prefix else str(key), part


def _loaded(name: str, data: Any, value: Value) -> Any:
    """Return the data of a state as `value` will keep it."""
    try:
        data = stored(data.tolist() if hasattr(data, "tolist") else data, value.requires_grad)
    except (TypeError, ValueError) as error:
        raise type(error)(f"load_state_dict: {name!r}: {error}") from None
    shape = shape_of(data)
    if prod(value.shape) == prod(shape) == 0:
        return value.data  # as nested lists, shapes (0, 3) and (0,) look the same
    if shape != value.shape:
        raise RuntimeError(f"load_state_dict: {name!r} has shape {value.shape}, the state's has {shape}")
    return like_storage(data, value.data)


def size_of(size: Any, what: str) -> int:
    """Return a number of inputs or outputs. Raises TypeError if it is not an int, ValueError if it is negative."""
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise TypeError(f"{what} must be an int, got {size!r}")
    if size < 0:
        raise ValueError(f"{what} must not be negative, got {size}")
    return size.__index__()
