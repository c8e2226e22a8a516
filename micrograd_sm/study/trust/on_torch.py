"""A program written with micrograd_sm, run on torch: our functions become torch's of the same name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from itertools import chain, islice, repeat
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from micrograd_sm import creation, functional
from micrograd_sm.array import Array
from micrograd_sm.engine import Value
from micrograd_sm.nn import Module
from micrograd_sm.transforms.structure import leaves, rebuilt

_IN_NN_FUNCTIONAL = {
    "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cosine_similarity",
    "cross_entropy", "dropout", "elu", "embedding", "gaussian_nll_loss", "gelu", "hardtanh", "hinge_embedding_loss",
    "huber_loss", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "linear", "logsigmoid", "margin_ranking_loss", "mish",
    "mse_loss", "multi_margin_loss", "nll_loss", "normalize", "one_hot", "poisson_nll_loss", "relu6", "selu", "silu",
    "smooth_l1_loss", "soft_margin_loss", "softmin", "softplus", "triplet_margin_loss",
}  # fmt: skip
_TENSORS = {  # the parameters that may also be lists
    "anchor", "bias", "condition", "end", "exponent", "index", "indices", "input", "input1", "input2", "mask", "mat2",
    "max", "min", "negative", "other", "pos_weight", "positive", "running_mean", "running_var", "source", "src", "target",
    "tensor", "var", "vec", "vec2", "weight", "weights", "x1", "x2",
}  # fmt: skip
_METHODS_ONLY = {"expand", "expand_as", "repeat", "reshape_as", "view", "view_as"}  # torch has no functions of these names


class There:
    """torch's functions under our names, as the argument `F` of `check_against_torch`; `operations` has the primitives."""

    def __init__(self, torch: Any) -> None:
        from micrograd_sm.torch.operations import OPERATIONS, as_tensors, tensor_of  # noqa: PLC0415 - torch, only for who has it

        self.torch, self.tensor_of = torch, tensor_of
        self.operations = {
            name: lambda *operands, operation=operation, **params: operation(*operands, **as_tensors(params))
            for name, operation in OPERATIONS.items()
        }

    def tensor(self, data: Any) -> Any:
        """Return data as a tensor without a gradient, in float64 unless it holds integers or bools."""
        return self.tensor_of(Value(data, requires_grad=False))

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS_ONLY:
            return lambda x, *sizes: getattr(x, name)(*sizes)
        return getattr(self.torch.nn.functional if name in _IN_NN_FUNCTIONAL else self.torch, name)


def on_torch(function: Callable, there: There) -> Callable:
    """Return a copy of a user's function that runs on torch.

    In it and in the functions that it calls, our functions are torch's, and `Value(...)`, Values, and lists of numbers that
    are passed to our functions are tensors. Methods have the same names there.
    """
    return _Translation(there).of(function)


class _Translation:
    def __init__(self, there: There) -> None:
        self.there = there

        class Tensor:  # a class, for programs that ask isinstance(x, Value)
            def __new__(cls, data: Any, requires_grad: bool = True, name: str | None = None) -> Any:
                return there.tensor(data)

        self.known: dict[int, Any] = {id(Value): Tensor}

    def of(self, thing: Any) -> Any:
        """Return the counterpart of an object on torch: the object itself, unless it is ours or a function of the user's."""
        if id(thing) not in self.known:
            if isinstance(thing, Module):
                self.known[id(thing)] = _refuse_module
            elif isinstance(thing, Value):
                self.known[id(thing)] = self.there.tensor_of(thing)
            elif isinstance(thing, (list, tuple, dict)):
                holds_values = any(isinstance(leaf, Value) for leaf in leaves(thing))
                return rebuilt(thing, map(self.of, leaves(thing))) if holds_values else thing
            elif isinstance(thing, ModuleType):
                ours = thing.__name__ in ("micrograd_sm", "micrograd_sm.functional")
                self.known[id(thing)] = _Names(self, thing) if ours else thing
            elif isinstance(thing, FunctionType):
                if thing.__module__.startswith("micrograd_sm"):
                    self.known[id(thing)] = self._counterpart(thing)
                else:
                    self._copied(thing)
            else:
                return thing
        return self.known[id(thing)]

    def _counterpart(self, function: FunctionType) -> Any:
        """Return torch's function in place of ours, with tensors in place of lists; any other function as it is."""
        name = function.__name__
        if name == "tensor":
            return self.there.tensor
        if function not in (getattr(functional, name, None), getattr(creation, name, None)):
            return function
        theirs, signature = getattr(self.there, name), inspect.signature(function)

        def with_tensors(*args: Any, **options: Any) -> Any:
            taken = [self._tensor(name, x) for name, x in zip(_names_of(signature, len(args)), args)]
            return theirs(*taken, **{name: self._tensor(name, x) for name, x in options.items()})

        return with_tensors

    def _tensor(self, name: str, x: Any) -> Any:
        if isinstance(x, (list, tuple, Array)) and name in _TENSORS:
            return self.there.tensor(x if isinstance(x, Array) else list(x))
        return self.there.tensor(x) if name == "target" and isinstance(x, int) else x

    def _copied(self, function: FunctionType) -> None:
        """Copy a function of the user's and translate its globals and cells; it may call itself."""
        scope = dict(function.__globals__)
        cells = tuple(CellType() for _ in function.__closure__ or ())
        copied = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells or None)
        copied.__kwdefaults__ = function.__kwdefaults__
        self.known[id(function)] = copied
        for name in set(_names_in(function.__code__)):
            if name in scope:
                scope[name] = self.of(scope[name])
        for new, old in zip(cells, function.__closure__ or ()):
            try:
                new.cell_contents = self.of(old.cell_contents)
            except ValueError:  # a name that is not bound yet
                continue


def _refuse_module(*args: Any, **options: Any) -> Any:
    raise RuntimeError("check_against_torch: a Module of micrograd_sm cannot run on torch; write its operations as a function")


class _Names:
    """A module of ours, whose functions are torch's."""

    def __init__(self, translation: _Translation, module: ModuleType) -> None:
        self._translation, self._module = translation, module

    def __getattr__(self, name: str) -> Any:
        return self._translation.of(getattr(self._module, name))


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _names_of(signature: inspect.Signature, count: int) -> Iterator[str]:
    """Return the names of the parameters of `count` positional arguments."""
    parameters = signature.parameters.values()
    names = (repeat(x.name) if x.kind is x.VAR_POSITIONAL else (x.name,) for x in parameters)
    return islice(chain.from_iterable(names), count)
