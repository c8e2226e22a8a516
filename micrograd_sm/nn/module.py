"""`Module`: a function with parameters, which are found in its attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from math import prod
from reprlib import recursive_repr
from typing import Any, NamedTuple, TypeVar

from micrograd_sm.array import shape_of
from micrograd_sm.array.dtypes import FLOAT64, check_device, held_as
from micrograd_sm.array.storage import like_storage, ones_like, stored
from micrograd_sm.engine import Value
from micrograd_sm.nn.contents import Contents

__all__ = ["Hook", "IncompatibleKeys", "Module"]

Self = TypeVar("Self", bound="Module")
_number = count().__next__


class IncompatibleKeys(NamedTuple):
    """The names that `Module.load_state_dict` found only in the module, or only in the state.

    >>> from micrograd_sm import nn
    >>> nn.Linear(1, 1).load_state_dict({"weight": [[2.0]]}, strict=False)
    IncompatibleKeys(missing_keys=['bias'], unexpected_keys=[])
    """

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        found = f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"
        return found if any(self) else "<All keys matched successfully>"


class Module(Contents):
    """A function with parameters: subclass it, put Values and Modules in attributes, and write `forward`.

    Values are found in attributes, lists, tuples, dicts and sub-modules, in the order in which they were set, under names
    such as `layers.0.weight`. A shared Value counts once, under its first name. Each is one of these:

    - a parameter, if it is a `Parameter`, or a leaf that requires a gradient;
    - a constant, which `state_dict` holds too, if it was set with `register_buffer`, or if it is a leaf without gradient that
      was there when the module was first called (torch: only what was registered);
    - else neither: a value that was computed, or a leaf without gradient that `forward` keeps, such as an input or, under
      no_grad, a result.

    `training` is True until `eval()`. Source: torch.nn.Module.

    >>> class Affine(Module):
    ...     def __init__(self):
    ...         self.slope, self.shift = Value(2.0), Value(1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.shift
    >>> affine = Affine()
    >>> affine(3.0).item(), affine.state_dict()
    (7.0, {'slope': 2.0, 'shift': 1.0})
    """

    training = True
    _forward_hooks: dict[int, Callable[..., Any]] | tuple[()] = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._at_first_call is None:
            self._at_first_call = frozenset(held.name for held in self._held(recurse=False))
        output = self.forward(*args, **kwargs)
        if self._forward_hooks:
            for hook in list(self._forward_hooks.values()):
                changed = hook(self, args, output)
                output = output if changed is None else changed
        return output

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output for these inputs; each subclass defines it. Raises NotImplementedError if it does not.

        >>> from micrograd_sm.nn import Tanh
        >>> Tanh().forward(0.0).data
        0.0
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method forward that computes its output")

    def register_forward_hook(self, hook: Callable[..., Any]) -> Hook:
        """Call hook(module, args, output) after each forward; what it returns, unless None, replaces the output.

        Returns a Hook, whose `remove()` ends it. Source: torch.nn.Module.register_forward_hook.

        >>> from micrograd_sm.nn import Tanh
        >>> tanh, seen = Tanh(), []
        >>> hook = tanh.register_forward_hook(lambda module, args, output: seen.append(output.item()))
        >>> _ = tanh(0.0); hook.remove(); _ = tanh(1.0)
        >>> seen
        [0.0]
        """
        handle = Hook(self, _number())
        self._forward_hooks = {**dict(self._forward_hooks), handle.number: hook}
        return handle

    # Modes and changes of all parameters ------------------------------------------------------------------------------

    def train(self: Self, mode: bool = True) -> Self:
        """Set `training` here and in all sub-modules, and return the module (torch.nn.Module.train).

        Dropout and BatchNorm1d do something else in training. Raises ValueError if the mode is not True or False.

        >>> from micrograd_sm.nn import Dropout, Sequential
        >>> model = Sequential(Dropout(0.5)).train(False)
        >>> model[0].training
        False
        """
        if not isinstance(mode, bool):
            raise ValueError(f"train: mode must be True or False, got {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """Set `training` to False here and in all sub-modules, and return the module (torch.nn.Module.eval).

        >>> from micrograd_sm.nn import Dropout
        >>> Dropout(0.5).eval()([1.0, 2.0]).tolist()
        [1.0, 2.0]
        """
        return self.train(False)

    def apply(self: Self, fn: Callable[[Any], Any]) -> Self:
        """Call a function with every sub-module and then with this module, and return the module (torch.nn.Module.apply).

        >>> from micrograd_sm.nn import Linear, Sequential
        >>> _ = Sequential(Linear(1, 1), Sequential()).apply(lambda module: print(type(module).__name__))
        Linear
        Sequential
        Sequential
        """
        seen: set[int] = set()

        def visit(module: Module) -> None:
            if id(module) not in seen:
                seen.add(id(module))
                for child in module.children():
                    visit(child)
                fn(module)

        visit(self)
        return self

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Set whether parameters require a gradient, and return the module (torch.nn.Module.requires_grad_).

        A plain Value that requires none counts as a constant from then on; a Parameter stays one.

        >>> from micrograd_sm.nn import Linear
        >>> [parameter.requires_grad for parameter in Linear(1, 1).requires_grad_(False).parameters()]
        [False, False]
        """
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set the gradient of every parameter to None, or to zeros (torch.nn.Module.zero_grad).

        >>> from micrograd_sm.nn import Neuron
        >>> neuron = Neuron(1)
        >>> neuron.b.backward()
        >>> neuron.zero_grad()
        >>> neuron.b.grad
        """
        for parameter in self.parameters():
            parameter.grad = None if set_to_none or parameter.grad is None else ones_like(parameter.data) * 0.0

    def to(self: Self, *args: Any, device: Any = None, dtype: Any = None) -> Self:
        """Return the module as it is: its numbers are float64, on the CPU (torch.nn.Module.to).

        Raises RuntimeError for another device, TypeError for a dtype that is not one of floats.

        >>> from micrograd_sm.nn import Linear
        >>> layer = Linear(1, 1)
        >>> layer.to("cpu") is layer
        True
        """
        for arg in args:
            if isinstance(arg, (Value, bool)):  # like another tensor; non_blocking
                continue
            device, dtype = (arg, dtype) if isinstance(arg, str) or hasattr(arg, "type") else (device, arg)
        check_device(device, "to")
        if held_as(dtype, "to") not in (None, float):
            raise TypeError(f"to: parameters are floats, so a module cannot become one of {dtype!r}")
        return self

    def cpu(self: Self) -> Self:
        """Return the module as it is: its numbers are on the CPU (torch.nn.Module.cpu).

        >>> from micrograd_sm.nn import Tanh
        >>> Tanh().cpu()
        Tanh()
        """
        return self

    def cuda(self: Self, device: Any = None) -> Self:
        """Raise RuntimeError: the numbers are Python's, on the CPU (torch.nn.Module.cuda).

        >>> from micrograd_sm.nn import Tanh
        >>> Tanh().cuda()
        Traceback (most recent call last):
        RuntimeError: to: device 'cuda' cannot be had: Python's numbers are on the CPU; use 'cpu'
        """
        return self.to("cuda" if device is None else f"cuda:{device}")

    def double(self: Self) -> Self:
        """Return the module as it is: its numbers are float64 (torch.nn.Module.double).

        >>> from micrograd_sm.nn import Tanh
        >>> Tanh().double()
        Tanh()
        """
        return self

    # Saving -----------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers of every parameter and constant as plain nested lists, by name (torch.nn.Module.state_dict).

        json.dumps and json.loads keep it unchanged. Raises RuntimeError if two of them have the same name.

        >>> from micrograd_sm.nn import Embedding
        >>> Embedding(1, 2).state_dict().keys()
        dict_keys(['weight'])
        """
        return {name: value.tolist() for name, value in self._saved().items()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Set the numbers of every parameter and constant from a `state_dict()` (torch.nn.Module.load_state_dict).

        Returns the names that are missing in the state, or unexpected. Raises RuntimeError for another shape and, if
        `strict`, for missing or unexpected names, TypeError or ValueError if there are no numbers; then nothing changes.

        >>> from micrograd_sm.nn import Linear
        >>> layer = Linear(1, 1)
        >>> layer.load_state_dict({"weight": [[2.0]], "bias": [0.5]})
        <All keys matched successfully>
        >>> layer([3.0]).tolist()
        [6.5]
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: expected a dict from names to numbers, got {type(state_dict).__name__}")
        leaves = self._saved()
        missing = [name for name in leaves if name not in state_dict]
        unexpected = [name for name in state_dict if name not in leaves]
        if strict and (missing or unexpected):
            raise RuntimeError(
                f"load_state_dict: the names are not those of {type(self).__name__}: missing {missing}, "
                f"unexpected {unexpected}; strict=False loads the others"
            )
        loaded = [(value, _loaded(name, state_dict[name], value)) for name, value in leaves.items() if name in state_dict]
        for value, data in loaded:
            value.data = data
        return IncompatibleKeys(missing, unexpected)

    def _saved(self) -> dict[str, Value]:
        leaves: dict[str, Value] = {}
        for name, value, _, saved in self._held():
            if name in leaves:
                raise RuntimeError(f"{type(self).__name__} holds two values under the name {name!r}: rename a key of a dict")
            if saved:
                leaves[name] = value
        return leaves

    def extra_repr(self) -> str:
        """Return what the module's repr shows between its parentheses (torch.nn.Module.extra_repr).

        >>> from micrograd_sm.nn import Softmax
        >>> Softmax(dim=1).extra_repr()
        'dim=1'
        """
        return ""

    @recursive_repr("...")
    def __repr__(self) -> str:
        children = [f"({name}): {child!r}" for name, child in self._outermost()]
        if not children:
            return f"{type(self).__name__}({self.extra_repr()})"
        lines = "\n".join(filter(None, [self.extra_repr(), *children])).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {lines}\n)"

    def float(self: Self) -> Self:  # the last, as `float` is another one's name in the lines above
        """Return the module as it is: its numbers are float64, also where torch has float32 (torch.nn.Module.float).

        >>> from micrograd_sm.nn import Tanh
        >>> Tanh().float()
        Tanh()
        """
        return self


class Hook(NamedTuple):
    """A function that a module calls, until `remove()`, or the end of a `with` (torch.utils.hooks.RemovableHandle).

    >>> from micrograd_sm.nn import Tanh
    >>> with Tanh().register_forward_hook(print) as hook:
    ...     type(hook).__name__
    'Hook'
    """

    module: Module
    number: int

    def remove(self) -> None:
        """Call the function no more.

        >>> from micrograd_sm.nn import Tanh
        >>> tanh = Tanh()
        >>> tanh.register_forward_hook(lambda module, args, output: output + 1.0).remove()
        >>> tanh(0.0).item()
        0.0
        """
        hooks = dict(self.module._forward_hooks)
        hooks.pop(self.number, None)
        self.module._forward_hooks = hooks

    def __enter__(self) -> Hook:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def _loaded(name: str, data: Any, value: Value) -> Any:
    """Return the data of a state as `value` will keep it."""
    try:
        data = stored(data.tolist() if hasattr(data, "tolist") else data, value.requires_grad or value.dtype is FLOAT64)
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
