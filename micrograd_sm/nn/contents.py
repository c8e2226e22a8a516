"""What a module holds: its Values and modules, found in attributes, lists, tuples and dicts, each under its name."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from micrograd_sm.engine import Value, as_value
from micrograd_sm.nn.parameter import Parameter

Part = TypeVar("Part")


class Listed(list[Part]):
    """A list that `next` takes as well, as programs for torch ask `next(model.parameters())` for the first.

    >>> found = Listed("ab")
    >>> next(found), next(found), found
    ('a', 'b', ['a', 'b'])
    """

    def __next__(self) -> Part:
        if not hasattr(self, "_rest"):
            self._rest = iter(self)
        return next(self._rest)


class Held(NamedTuple):
    """A Value in a module: its name there, whether it is a parameter, else a constant, and whether `state_dict` has it."""

    name: str
    value: Value
    is_parameter: bool
    saved: bool = True


class Contents:
    """What `Module` has of its methods that find what it holds, and that add to it.

    Everything is found when it is asked for, in the order in which attributes were set (torch: what a module holds itself comes
    before what its sub-modules hold), and what is shared is found once, under its first name. torch returns iterators; these
    are lists, which `next` takes, too.
    """

    _buffers: MappingProxyType[str, bool] | dict[str, bool] = MappingProxyType({})  # by name, whether state_dict has it
    _at_first_call: frozenset[str] | None = None  # the names of the Values that were there when it was first called

    def parameters(self, recurse: bool = True) -> Listed[Value]:
        """Return the parameters; without those of sub-modules if `recurse` is False (torch.nn.Module.parameters).

        >>> from micrograd_sm.nn import Linear
        >>> [parameter.shape for parameter in Linear(2, 3).parameters()]
        [(3, 2), (3,)]
        """
        return Listed(parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Listed[tuple[str, Value]]:
        """Return the parameters with their names, after `prefix` if there is one (torch.nn.Module.named_parameters).

        >>> from micrograd_sm.nn import MLP
        >>> [name for name, _ in MLP(1, [1]).named_parameters()]
        ['layers.0.neurons.0.w.0', 'layers.0.neurons.0.b']
        """
        return Listed((held.name, held.value) for held in self._held(prefix, recurse) if held.is_parameter)

    def buffers(self, recurse: bool = True) -> Listed[Value]:
        """Return the constants; without those of sub-modules if `recurse` is False (torch.nn.Module.buffers).

        >>> from micrograd_sm.nn import CrossEntropyLoss
        >>> CrossEntropyLoss(weight=[0.5, 2.0]).buffers()
        [Value([0.5000, 2.0000], requires_grad=False)]
        """
        return Listed(constant for _, constant in self.named_buffers(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Listed[tuple[str, Value]]:
        """Return the constants with their names, after `prefix` if there is one (torch.nn.Module.named_buffers).

        >>> from micrograd_sm.nn import BatchNorm1d
        >>> [name for name, _ in BatchNorm1d(3).named_buffers()]
        ['running_mean', 'running_var', 'num_batches_tracked']
        """
        return Listed((held.name, held.value) for held in self._held(prefix, recurse) if not held.is_parameter)

    def children(self) -> Listed[Any]:
        """Return the modules that this one holds itself (torch.nn.Module.children).

        >>> from micrograd_sm.nn import Linear, Sequential, Tanh
        >>> Sequential(Linear(1, 1), Tanh()).children()
        [Linear(in_features=1, out_features=1, bias=True), Tanh()]
        """
        return Listed(child for _, child in self.named_children())

    def named_children(self) -> Listed[tuple[str, Any]]:
        """Return the modules that this one holds itself, with their names (torch.nn.Module.named_children).

        >>> from micrograd_sm.nn import Sequential, Tanh
        >>> Sequential(Tanh()).named_children()
        [('0', Tanh())]
        """
        found: dict[int, tuple[str, Any]] = {}
        for name, child in self._outermost():
            found.setdefault(id(child), (name, child))
        return Listed(found.values())

    def modules(self) -> Listed[Any]:
        """Return this module and all that it holds, at any depth (torch.nn.Module.modules).

        >>> from micrograd_sm.nn import Sequential, Tanh
        >>> len(Sequential(Sequential(Tanh()), Tanh()).modules())
        4
        """
        return Listed(module for _, module in self.named_modules())

    def named_modules(self, prefix: str = "") -> Listed[tuple[str, Any]]:
        """Return this module and all that it holds, at any depth, with their names (torch.nn.Module.named_modules).

        >>> from micrograd_sm.nn import Sequential, Tanh
        >>> [name for name, _ in Sequential(Sequential(Tanh()), Tanh()).named_modules()]
        ['', '0', '0.0', '1']
        """
        found: dict[int, tuple[str, Any]] = {}

        def visit(module: Contents, name: str) -> None:
            if id(module) not in found:  # a module that refers back to its owner ends here
                found[id(module)] = (name, module)
                for key, child in module.named_children():
                    visit(child, joined(name, key))

        visit(self, prefix)
        return Listed(found.values())

    def get_submodule(self, target: str) -> Any:
        """Return the module of a name, such as `layers.0`; this one for "". Raises AttributeError if there is none.

        >>> from micrograd_sm.nn import Sequential, Tanh
        >>> Sequential(Sequential(Tanh())).get_submodule("0.0")
        Tanh()
        """
        return self._get(target, self.named_modules(), "module")

    def get_parameter(self, target: str) -> Value:
        """Return the parameter of a name. Raises AttributeError if there is none (torch.nn.Module.get_parameter).

        >>> from micrograd_sm.nn import Linear, Sequential
        >>> Sequential(Linear(2, 3)).get_parameter("0.weight").shape
        (3, 2)
        """
        return self._get(target, self.named_parameters(), "parameter")

    def get_buffer(self, target: str) -> Value:
        """Return the constant of a name. Raises AttributeError if there is none (torch.nn.Module.get_buffer).

        >>> from micrograd_sm.nn import CrossEntropyLoss
        >>> CrossEntropyLoss(weight=[0.5, 2.0]).get_buffer("weight").tolist()
        [0.5, 2.0]
        """
        return self._get(target, self.named_buffers(), "constant")

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """Set an attribute that is a constant from now on, whatever is assigned to it later (torch.nn.Module.register_buffer).

        `tensor` is a Value, whose gradient ends here, or numbers, or None. If not `persistent`, state_dict leaves it out.
        Raises KeyError for a name that is taken or has a dot, TypeError for one that is no string.

        >>> from micrograd_sm.nn import Module
        >>> module = Module()
        >>> module.register_buffer("mean", [0.0, 0.0])
        >>> module.register_buffer("mask", [True, False], persistent=False)
        >>> module.state_dict(), len(module.buffers())
        ({'mean': [0.0, 0.0]}, 2)
        """
        self._check_name(name, "register_buffer", name in self._buffers)
        if tensor is not None:
            tensor = as_value(tensor, f"register_buffer: {name}")
            tensor = tensor.detach() if tensor.requires_grad else tensor
        self._buffers = {**self._buffers, name: persistent}
        setattr(self, name, tensor)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Set an attribute to a Parameter, or to None (torch.nn.Module.register_parameter).

        Raises TypeError for anything else, KeyError for a name that is taken or has a dot.

        >>> from micrograd_sm.nn import Module, Parameter
        >>> module = Module()
        >>> module.register_parameter("scale", Parameter(2.0))
        >>> module.scale.data
        2.0
        """
        self._check_name(name, "register_parameter", isinstance(vars(self).get(name), Parameter))
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"register_parameter: {name!r} must be a Parameter or None, got {param!r}")
        setattr(self, name, param)

    def add_module(self, name: str, module: Any) -> None:
        """Set an attribute to a Module, or to None; the name may be a number (torch.nn.Module.add_module).

        Raises TypeError for anything else, KeyError for a name that is taken or has a dot.

        >>> from micrograd_sm.nn import Module, Tanh
        >>> module = Module()
        >>> module.add_module("0", Tanh())
        >>> module.named_children()
        [('0', Tanh())]
        """
        self._check_name(name, "add_module", isinstance(vars(self).get(name), Contents))
        if module is not None and not isinstance(module, Contents):
            raise TypeError(f"add_module: {name!r} must be a Module or None, got {module!r}")
        setattr(self, name, module)

    # Finding --------------------------------------------------------------------------------------------------------

    def _attributes(self) -> dict[str, Any]:
        return vars(self)

    def _held(self, prefix: str = "", recurse: bool = True) -> list[Held]:
        """Return the parameters and constants, each once; without those of sub-modules if `recurse` is False."""
        seen: set[int] = set()
        found: list[Held] = []

        def look(part: Any, owner: Contents, name: str, own: str) -> None:
            if id(part) in seen or not isinstance(part, (Value, Contents, list, tuple, dict)):
                return  # a module that refers back to its owner ends here
            if isinstance(part, Value):
                if held := owner._as_held(part, name, own):
                    seen.add(id(part))
                    found.append(held)
                return
            seen.add(id(part))
            if isinstance(part, Contents):
                for key, inner in part._attributes().items() if recurse or part is self else ():
                    look(inner, part, joined(name, key), key)
            else:
                for key, inner in entries(part):
                    look(inner, owner, joined(name, key), joined(own, key))

        look(self, self, prefix, "")
        return found

    def _as_held(self, value: Value, name: str, own: str) -> Held | None:
        """Return what a Value counts as that this module holds under its `own` name; None if it is no part of the state."""
        if own in self._buffers:
            return Held(name, value, False, self._buffers[own])
        if value.primitive is not None:
            return None
        if value.requires_grad or isinstance(value, Parameter):
            return Held(name, value, True)
        known = self._at_first_call is None or own in self._at_first_call
        return Held(name, value, False) if known else None

    def _outermost(self) -> Iterator[tuple[str, Any]]:
        """Yield the outermost modules in attributes, lists, tuples and dicts."""

        def within(parts: Any, name: str, outer: frozenset[int]) -> Iterator[tuple[str, Any]]:
            for key, part in entries(parts):
                if isinstance(part, Contents):
                    yield joined(name, key), part
                elif isinstance(part, (list, tuple, dict)) and id(part) not in outer:
                    yield from within(part, joined(name, key), outer | {id(part)})

        return within(self._attributes(), "", frozenset())

    def _get(self, target: str, found: list[tuple[str, Any]], what: str) -> Any:
        for name, part in found:
            if name == target:
                return part
        raise AttributeError(f"{type(self).__name__} has no {what} {target!r}; it has {[name for name, _ in found]}")

    def _check_name(self, name: Any, function: str, again: bool) -> None:
        """Raise an error if a name cannot be that of a new attribute; `again` says that it may replace what it names."""
        if not isinstance(name, str):
            raise TypeError(f"{function}: the name must be a string, got {name!r}")
        if not name or "." in name:
            raise KeyError(f"{function}: the name must not be empty or have a dot, which separates names, got {name!r}")
        if hasattr(self, name) and not again:
            raise KeyError(f"{function}: {type(self).__name__} has an attribute {name!r} already")


def entries(parts: Any) -> Iterator[tuple[Any, Any]]:
    """Return the entries of a list, tuple or dict, with their keys."""
    return iter(parts.items()) if isinstance(parts, dict) else enumerate(parts)


def joined(prefix: str, key: Any) -> str:
    """Return a name inside another one."""
    return f"{prefix}.{key}" if prefix else str(key)
