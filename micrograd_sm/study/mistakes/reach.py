"""Rules about what a gradient reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from micrograd_sm.backward import reachable
from micrograd_sm.engine import Value
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule


def no_gradient(look: Look) -> Iterator[Mistake]:
    root = look.graph[look.graph.root]
    if not root.requires_grad:
        yield look.mistake(
            root, "the loss depends on nothing that requires a gradient, so backward() has nowhere to go",
            "compute it outside no_grad(), from Values with requires_grad=True, without detach() or item()",
        )  # fmt: skip


def unused_parameter(look: Look) -> Iterator[Mistake]:
    if not look.graph[look.graph.root].requires_grad:
        return
    names = [name for name, _ in look.parameters]
    for k, (name, parameter) in enumerate(look.parameters):
        if parameter.requires_grad and not (
            parameter.number in look.ids if look.ids else any(node.name == name for node in look.graph)
        ):
            if names.count(name) > 1:
                name += f" (parameters[{k}])"
            yield Mistake(
                "", name, "no gradient reaches this parameter, so training will not change it: it is not used, or cut off by "
                "detach(), no_grad() or item()",
                f"use {name} on the way to the loss, or leave it out of the optimizer",
            )  # fmt: skip


def detached(look: Look) -> Iterator[Mistake]:
    """Find a constant that shares its data with a variable that requires a gradient, and so cuts off a parameter.

    What the parameters are must be known: a critic is right to detach what a generator made. Without them it is a hint.
    """
    learning = {parameter.number for _, parameter in look.parameters}
    constants = {id(node.data): node for node in look.graph if node.kind == "constant"}
    for name, variable in _values(look.variables):
        node = constants.get(id(variable._data))
        if node is None or not variable.requires_grad or variable.op is None or variable.number in look.ids:
            continue
        cut = [leaf.number for leaf in reachable(variable) if leaf.op is None and leaf.requires_grad]
        if any(number not in look.ids and (not learning or number in learning) for number in cut):
            yield look.mistake(
                node, f"this constant is a detached copy of {name}, so no gradient flows back through it to what {name} was "
                "made of", f"use {name} itself, without detach(), .data or item()", harmless=not learning,
            )  # fmt: skip


def _values(variables: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    for name, x in variables.items():
        if isinstance(x, Value):
            yield name, x
        elif isinstance(x, (list, tuple)):
            yield from ((f"{name}[{k}]", part) for k, part in enumerate(x) if isinstance(part, Value))


REACH_RULES: tuple[Rule, ...] = (no_gradient, unused_parameter, detached)
