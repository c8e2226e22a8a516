"""Names for Values, from the caller's variables, lists, dicts, modules and `self`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from micrograd_sm.engine import Value

_MAX_LOOKED_AT = 100_000  # entries of the caller's containers


def names_in(variables: Mapping[str, Any], wanted: set[int]) -> dict[int, str]:
    """Return names for the Values with these identities. A variable wins over an entry of a container."""
    names: dict[int, str] = {}
    level = [(name, x) for name, x in variables.items() if _is_users_own(name, variables)]
    opened: set[int] = set()
    looked_at = 0
    while level and len(names) < len(wanted):
        containers = []
        for name, x in level:
            if id(x) in wanted:
                names.setdefault(id(x), name)
            elif id(x) not in opened and (_is_container(x) or name == "self"):
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
    """Return the entries of a container by name; those of a dict whose keys are strings or ints."""
    if isinstance(x, dict):
        return ((f"{name}[{key!r}]", part) for key, part in x.items() if type(key) in (str, int) and _is_of_interest(part))
    if isinstance(x, (list, tuple)):
        return ((f"{name}[{index}]", part) for index, part in enumerate(x) if _is_of_interest(part))
    held: list[tuple[str, Any]] = []
    with suppress(Exception):  # no module may stop a Graph from being made
        held = list(x.named_parameters()) if _is_module(x) else []
    held += getattr(x, "__dict__", {}).items() if name == "self" else ()
    private = lambda attribute: any(step.startswith("_") for step in attribute.split("."))
    return ((f"{name}.{key}", part) for key, part in held if not private(key) and _is_of_interest(part))


def _is_module(x: Any) -> bool:
    return callable(getattr(type(x), "named_parameters", None))


def _is_container(x: Any) -> bool:
    return isinstance(x, (list, tuple, dict)) or _is_module(x)


def _is_of_interest(x: Any) -> bool:
    return isinstance(x, Value) or _is_container(x)


def _is_users_own(name: str, variables: Mapping[str, Any]) -> bool:
    """Return whether a variable is the user's own: not private, and not IPython's `Out`."""
    return name.isidentifier() and not name.startswith("_") and not (name == "Out" and "_oh" in variables)
