"""The names of a model's tensors and modules, and the calls of its modules as scopes."""

from __future__ import annotations

from collections.abc import Mapping
from threading import get_ident
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.weak import WeakIdKeyDictionary, WeakTensorKeyDictionary

from micrograd_sm.mode import scope


class Names:
    """Names of tensors and modules, such as `layers.0.weight` and `layers.0`."""

    def __init__(self, model: torch.nn.Module | None) -> None:
        self.tensors, self.modules = WeakTensorKeyDictionary(), WeakIdKeyDictionary()
        if model is not None:
            self.add(model, "")

    def add(self, model: torch.nn.Module, prefix: str) -> None:
        """Name the tensors and modules of a model that have no name yet."""
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            self.tensors.setdefault(tensor, f"{prefix}{name}")
        for name, module in model.named_modules():
            if name:
                self.modules.setdefault(module, name)

    def of_variables(self, variables: Mapping[str, Any]) -> None:
        """Name the tensors and models that variables hold."""
        for name, x in list(variables.items()):
            if name.startswith("_"):
                continue
            if isinstance(x, torch.nn.Module):
                self.add(x, f"{name}.")
            elif isinstance(x, torch.Tensor):
                self.tensors.setdefault(x, name)


class Scopes:
    """While it is open, each call of a module is a scope, named as in the model's tree, or else after its class."""

    def __init__(self, names: Names) -> None:
        self._names, self._thread = names, get_ident()
        self._open: list[tuple[torch.nn.Module, scope]] = []
        self._handles: list[Any] = []

    def __enter__(self) -> None:
        self._handles = [
            register_module_forward_pre_hook(self._before),
            register_module_forward_hook(self._after, always_call=True),
        ]

    def __exit__(self, *exception: object) -> None:
        for handle in self._handles:
            handle.remove()
        while self._open:
            self._open.pop()[1].__exit__(None, None, None)

    def _before(self, module: torch.nn.Module, args: Any) -> None:
        if get_ident() != self._thread:
            return
        inside = scope(self._names.modules.get(module) or type(module).__name__)
        inside.__enter__()
        self._open.append((module, inside))

    def _after(self, module: torch.nn.Module, args: Any, output: Any) -> None:
        if self._open and self._open[-1][0] is module and get_ident() == self._thread:
            self._open.pop()[1].__exit__(None, None, None)
