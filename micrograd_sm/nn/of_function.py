"""`OfFunction`: a module that keeps the options of one function, so that activations and losses are tables of options."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any, ClassVar

from micrograd_sm.engine import Value
from micrograd_sm.nn.module import Module

_CONSTANTS = ("weight", "pos_weight")
_REQUIRED = Parameter.empty


class OfFunction(Module):
    """Call a function with the inputs and the options that the module keeps.

    `class HuberLoss(Loss, function=huber_loss, reduction="mean", delta=1.0)` has these options, with these defaults; an option
    that is `...` must be given. The first `positional` of them can be given without their names, by default all.
    """

    _function: ClassVar[Callable[..., Any]]
    _options: ClassVar[tuple[str, ...]] = ()
    __signature__: ClassVar[Signature] = Signature()

    def __init_subclass__(
        cls, function: Callable[..., Any] | None = None, positional: int | None = None, **options: Any
    ) -> None:
        super().__init_subclass__()
        if function is not None:
            by_position = len(options) if positional is None else positional
            cls._function = staticmethod(function)
            cls._options = tuple(name for name in options if name != "inplace")
            cls.__signature__ = Signature(
                [
                    Parameter(
                        name,
                        Parameter.POSITIONAL_OR_KEYWORD if position < by_position else Parameter.KEYWORD_ONLY,
                        default=_REQUIRED if default is ... else default,
                    )
                    for position, (name, default) in enumerate(options.items())
                ]
            )

    def __init__(self, *args: Any, **options: Any) -> None:
        try:
            bound = self.__signature__.bind(*args, **options)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}{self.__signature__}: {error}") from None
        bound.apply_defaults()
        for name, option in bound.arguments.items():
            if name in _CONSTANTS:
                self.register_buffer(name, option)
            else:
                setattr(self, name, option)

    def forward(self, *inputs: Any, **named: Any) -> Value:
        return type(self)._function(*inputs, **named, **{name: getattr(self, name) for name in self._options})

    def extra_repr(self) -> str:
        shown = {name: getattr(self, name) for name in self.__signature__.parameters}
        return ", ".join(f"{name}={option!r}" for name, option in shown.items() if name != "inplace" or option)


class Loss(OfFunction):
    """A loss as a module: it is called with what its function takes before its options, which repr does not show."""

    def extra_repr(self) -> str:
        return ""
