"""Everything public says what it is, and shows it with an example; pytest runs the examples as doctests."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

import micrograd_sm
from micrograd_sm import nn, optim
from micrograd_sm.draw import Drawing
from micrograd_sm.graph import Edge, Node


def public() -> Iterator[tuple[str, Any]]:
    """Yield every function and class that users call, and the methods of the classes."""
    things = {f"micrograd_sm.{name}": getattr(micrograd_sm, name) for name in dir(micrograd_sm) if not name.startswith("_")}
    things |= {
        f"{room.__name__}.{name}": thing
        for room in (nn, nn.init, nn.utils, optim, optim.lr_scheduler)
        for name, thing in ((name, getattr(room, name)) for name in room.__all__)
        if name[0] != "_"
    }
    for path, thing in (things | {"Drawing": Drawing, "Node": Node, "Edge": Edge}).items():
        if callable(thing) and thing.__module__.startswith("micrograd_sm"):
            yield path, thing
            if inspect.isclass(thing):
                yield from methods(path, thing)


def methods(path: str, cls: type) -> Iterator[tuple[str, Any]]:
    for name, thing in vars(cls).items():
        if not name.startswith("_") and (inspect.isfunction(thing) or isinstance(thing, (property, classmethod))):
            yield f"{path}.{name}", thing


THINGS = dict(public())
MODULES = [
    found.name for found in pkgutil.walk_packages(micrograd_sm.__path__, "micrograd_sm.") if "__main__" not in found.name
]


@pytest.mark.parametrize("path", THINGS)
def test_an_example(path: str) -> None:
    if not path.endswith(".changed"):  # what a mode changes is shown by the mode
        assert ">>> " in (inspect.getdoc(THINGS[path]) or ""), f"{path} has no example"


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_for(name: str) -> None:
    if name.startswith("micrograd_sm.torch"):
        pytest.importorskip("torch")
    module: ModuleType = import_module(name)
    assert module.__doc__ and module.__doc__.strip().split("\n")[0].endswith(".")
