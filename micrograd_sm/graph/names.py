"""Names for Values: what the caller's variables, lists, dicts and modules call them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from micrograd_sm.engine import Value

_MAX_LOOKED_AT = 100_000  # entries of the caller's containers among which names are looked for


def names_in(variables: Mapping[str, Any], wanted: set[int]) -> dict[int, str]:
    """Return names for the Values whose identities are wanted: variables first, then what lies in containers."""
    names: dict[int, str] = {}
    level = [(name, x) for name, x in variables.items() if _is_a_readers(name, variables)]
    opened: set[int] = set()
    looked_at = 0
    while level and len(names) < len(wanted):
        containers = []
        for name, x in level:
            if id(x) in wanted:
                names.setdefault(id(x), name)
            elif isinstance(x, (list, tuple, dict)) and id(x) not in opened:
                opened.add(id(x))
                containers.append((name, x))
        level = []
        for name, container in containers:
            looked_at += len(container)
            if looked_at > _MAX_LOOKED_AT:
                break
            level += [(f"{name}[{key!r}]", x) for key, x in _entries(container)]
    return names


def _entries(container: Any) -> Iterable[tuple[Any, Any]]:
    """Return what a name can be made of; keys whose repr could differ between runs are left out."""
    if isinstance(container, dict):
        entries: Iterable = ((key, x) for key, x in container.items() if type(key) in (str, int))
    else:
        entries = enumerate(container)
    return ((key, x) for key, x in entries if isinstance(x, (Value, list, tuple, dict)))


def _is_a_readers(name: str, variables: Mapping[str, Any]) -> bool:
    """Whether a variable is one that a reader knows: not private, not an interpreter's, not IPython's `Out`."""
    return name.isidentifier() and not name.startswith("_") and not (name == "Out" and "_oh" in variables)
