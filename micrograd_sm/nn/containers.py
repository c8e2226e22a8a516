"""Modules that hold modules or parameters, as lists and dicts do, and call none of them, or each in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from micrograd_sm.engine import Value
from micrograd_sm.nn.module import Module
from micrograd_sm.nn.parameter import Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class _Container(Module):
    """What it holds are those of its attributes that are of one kind."""

    _kind: ClassVar[type] = Module

    def _parts(self) -> dict[str, Any]:
        return {name: part for name, part in vars(self).items() if isinstance(part, self._kind)}

    def _checked(self, part: Any, where: str) -> Any:
        if isinstance(part, self._kind):
            return part
        raise TypeError(f"{type(self).__name__}: expected {self._kind.__name__}s, got {part!r} {where}")

    def __len__(self) -> int:
        return len(self._parts())


class _Numbered(_Container):
    """A list: names are the positions, or for a Sequential of a dict its keys."""

    def _set(self, parts: Iterable[Any]) -> None:
        """Hold these, under the names 0, 1, ..., in place of all others."""
        checked = [self._checked(part, f"at position {position}") for position, part in enumerate(parts)]
        for name in self._parts():
            delattr(self, name)
        for position, part in enumerate(checked):
            setattr(self, str(position), part)

    def _name(self, index: Any) -> str:
        names = list(self._parts())
        if not hasattr(index, "__index__"):
            raise TypeError(f"{type(self).__name__}: an index must be an int or a slice, got {index!r}")
        if not -len(names) <= index.__index__() < len(names):
            raise IndexError(f"{type(self).__name__}: index {index} is out of range for {len(names)} parts")
        return names[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parts().values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            part = type(self)()
            part._set(list(self)[index])
            return part
        return getattr(self, self._name(index))

    def __setitem__(self, index: int, part: Any) -> None:
        setattr(self, self._name(index), self._checked(part, f"for index {index}"))

    def __delitem__(self, index: Any) -> None:
        parts = list(self)
        del parts[index]
        self._set(parts)

    def append(self, part: Any) -> Any:
        """Add one at the end, and return the container.

        >>> from micrograd_sm.nn import Tanh
        >>> len(ModuleList().append(Tanh()))
        1
        """
        setattr(self, str(len(self)), self._checked(part, "to append"))
        return self

    def extend(self, parts: Iterable[Any]) -> Any:
        """Add several at the end, and return the container.

        >>> from micrograd_sm.nn import ReLU, Tanh
        >>> len(ModuleList().extend([Tanh(), ReLU()]))
        2
        """
        for part in [self._checked(part, "to extend") for part in parts]:
            self.append(part)
        return self

    def insert(self, index: int, part: Any) -> Any:
        """Add one before the one at `index`, and return the container.

        >>> from micrograd_sm.nn import ReLU, Tanh
        >>> ModuleList([Tanh()]).insert(0, ReLU())[0]
        ReLU()
        """
        parts = list(self)
        parts.insert(index, part)
        self._set(parts)
        return self


class Sequential(_Numbered):
    """Modules that are called one after the other, each with the result of the one before; names start `0.`, `1.`, ...

    A dict instead, such as OrderedDict(hidden=Linear(2, 3), act=Tanh()), gives them names of their own. Without modules it
    returns its input. Raises TypeError if one is not a Module. Source: torch.nn.Sequential.

    >>> from micrograd_sm.nn import Linear
    >>> Sequential(Linear(2, 1), Linear(1, 1, bias=False))
    Sequential(
      (0): Linear(in_features=2, out_features=1, bias=True)
      (1): Linear(in_features=1, out_features=1, bias=False)
    )
    """

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self.add_module(name, self._checked(module, f"under the name {name!r}"))
        else:
            self._set(modules)

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Sequential(dict(list(self._parts().items())[index]))
        return super().__getitem__(index)


class ModuleList(_Numbered):
    """A list of modules, which a forward of your own calls; names start `0.`, `1.`, ... (torch.nn.ModuleList).

    A plain list in an attribute is found as well. Raises TypeError if one is not a Module.

    >>> from micrograd_sm.nn import Linear
    >>> layers = ModuleList(Linear(2, 2) for _ in range(3))
    >>> layers[1] = Linear(2, 4)
    >>> len(layers), layers[-2], [name for name, _ in layers[:1].named_parameters()]
    (3, Linear(in_features=2, out_features=4, bias=True), ['0.weight', '0.bias'])
    """

    def __init__(self, modules: Iterable[Any] = ()) -> None:
        super().__init__()
        self._set(modules or ())

    def __add__(self, other: Iterable[Any]) -> ModuleList:
        return type(self)([*self, *other])


class ParameterList(_Numbered):
    """A list of parameters; Values and numbers become Parameters; names are `0`, `1`, ... (torch.nn.ParameterList).

    >>> weights = ParameterList([1.0, [2.0, 3.0]])
    >>> [(name, parameter.tolist()) for name, parameter in weights.named_parameters()]
    [('0', 1.0), ('1', [2.0, 3.0])]
    """

    _kind = Parameter

    def __init__(self, values: Iterable[Any] = ()) -> None:
        super().__init__()
        self._set(values or ())

    def _checked(self, part: Any, where: str) -> Parameter:
        return _as_parameter(part)

    def extra_repr(self) -> str:
        return _shapes(self._parts())


class _Keyed(_Container):
    """A dict: names are the keys."""

    def __init__(self, parts: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        super().__init__()
        self.update(parts or {})

    def __getitem__(self, key: str) -> Any:
        return self._parts()[key]

    def __setitem__(self, key: str, part: Any) -> None:
        part = self._checked(part, f"under the name {key!r}")
        self._check_name(key, type(self).__name__, key in self._parts())
        setattr(self, key, part)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts())

    def __contains__(self, key: object) -> bool:
        return key in self._parts()

    def keys(self) -> Any:
        """Return the names.

        >>> from micrograd_sm.nn import Tanh
        >>> list(ModuleDict({"act": Tanh()}).keys())
        ['act']
        """
        return self._parts().keys()

    def values(self) -> Any:
        """Return what it holds.

        >>> from micrograd_sm.nn import Tanh
        >>> list(ModuleDict({"act": Tanh()}).values())
        [Tanh()]
        """
        return self._parts().values()

    def items(self) -> Any:
        """Return the names with what it holds.

        >>> from micrograd_sm.nn import Tanh
        >>> list(ModuleDict({"act": Tanh()}).items())
        [('act', Tanh())]
        """
        return self._parts().items()

    def pop(self, key: str) -> Any:
        """Remove one, and return it. Raises KeyError if there is none of this name.

        >>> from micrograd_sm.nn import Tanh
        >>> ModuleDict({"act": Tanh()}).pop("act")
        Tanh()
        """
        part = self[key]
        delattr(self, key)
        return part

    def clear(self) -> None:
        """Remove all.

        >>> from micrograd_sm.nn import Tanh
        >>> modules = ModuleDict({"act": Tanh()})
        >>> modules.clear()
        >>> len(modules)
        0
        """
        for key in self._parts():
            delattr(self, key)

    def update(self, parts: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add those of a dict, or of pairs of names and parts; those of the same name are replaced.

        >>> from micrograd_sm.nn import ReLU, Tanh
        >>> modules = ModuleDict({"act": Tanh()})
        >>> modules.update({"act": ReLU()})
        >>> modules["act"]
        ReLU()
        """
        for key, part in parts.items() if hasattr(parts, "items") else parts:
            self[key] = part


class ModuleDict(_Keyed):
    """A dict of modules, which a forward of your own calls by name (torch.nn.ModuleDict).

    Raises TypeError if one is not a Module, KeyError for a name that is a method's, such as "pop", or has a dot.

    >>> from micrograd_sm.nn import Linear, Tanh
    >>> modules = ModuleDict({"hidden": Linear(2, 2), "act": Tanh()})
    >>> "act" in modules, [name for name, _ in modules.named_parameters()]
    (True, ['hidden.weight', 'hidden.bias'])
    """


class ParameterDict(_Keyed):
    """A dict of parameters; Values and numbers become Parameters (torch.nn.ParameterDict).

    Raises KeyError for a name that is a method's, such as "pop", or has a dot.

    >>> parameters = ParameterDict({"scale": 2.0})
    >>> parameters["shift"] = [0.0, 1.0]
    >>> [name for name, _ in parameters.named_parameters()]
    ['scale', 'shift']
    """

    _kind = Parameter

    def _checked(self, part: Any, where: str) -> Parameter:
        return _as_parameter(part)

    def extra_repr(self) -> str:
        return _shapes(self._parts())


def _as_parameter(part: Any) -> Parameter:
    return part if isinstance(part, Parameter) else Parameter(part)


def _shapes(parts: Mapping[str, Value]) -> str:
    return ", ".join(f"({name}): {part.shape}" for name, part in parts.items())
