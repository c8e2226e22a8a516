"""Names for Values: what the caller's variables, lists, dicts, modules and `self` call them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from micrograd_sm.engine import Value

_MAX_LOOKED_AT = 100_000  # entries of the caller's containers among which names are looked for


def names_in(variables: Mapping[str, Any], wanted: set[int]) -> dict[int, str]:
    """Return names for the Values whose identities are wanted: variables first, then what lies in containers.

    >>> x = Value(2.0)
    >>> list(names_in({"W": [[x]]}, {id(x)}).values())
    ['W[0][0]']
    """
    names: dict[int, str] = {}
    level = [(name, x) for name, x in variables.items() if _is_a_readers(name, variables)]
    opened: set[int] = set()
    looked_at = 0
    while level and len(names) < len(wanted):
        containers = []
        for name, x in level:
            if id(x) in wanted:
                names.setdefault(id(x), name)
            elif id(x) not in opened and (_holds_names(x) or name == "self"):
                opened.add(id(x))
                containers.append((name, x))
        level = []
        for name, container in containers:
            size = len(container) if isinstance(container, (list, tuple, dict)) else 0
            if looked_at + size <= _MAX_LOOKED_AT:
                looked_at += size
                level += _entries(name, container)
    return names


def _entries(name: str, x: Any) -> Iterable[tuple[str, Any]]:
    """Return what a container holds, by name; keys whose repr could differ between runs are left out."""
    if isinstance(x, dict):
        return ((f"{name}[{key!r}]", part) for key, part in x.items() if type(key) in (str, int) and _counts(part))
    if isinstance(x, (list, tuple)):
        return ((f"{name}[{place}]", part) for place, part in enumerate(x) if _counts(part))
    held = _parameters(x)
    if name == "self":
        held += list(getattr(x, "__dict__", {}).items())
    return (
        (f"{name}.{attribute}", part)
        for attribute, part in held
        if not any(step.startswith("_") for step in attribute.split(".")) and _counts(part)
    )


def _parameters(x: Any) -> list[tuple[str, Any]]:
    """Return a module's parameters, by the names it gives them; whoever wrote the module, a Graph does not fail for names."""
    with suppress(Exception):
        return list(x.named_parameters()) if _is_module(x) else []
    return []


def _is_module(x: Any) -> bool:
    return callable(getattr(type(x), "named_parameters", None))


def _holds_names(x: Any) -> bool:
    return isinstance(x, (list, tuple, dict)) or _is_module(x)


def _counts(x: Any) -> bool:
    return isinstance(x, Value) or _holds_names(x)


def _is_a_readers(name: str, variables: Mapping[str, Any]) -> bool:
    """Whether a variable is one that a reader knows: not private, not an interpreter's, not IPython's `Out`."""
    return name.isidentifier() and not name.startswith("_") and not (name == "Out" and "_oh" in variables)
