"""Nested lists, tuples and dicts as a structure around leaves: what functions of many values take and return.

A leaf is anything but a list, tuple or dict. Named tuples and subclasses of dict keep their type.
Source: torch.utils._pytree, jax.tree_util.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """Return the leaves of a structure from left to right, those of a dict in the order of its keys."""
    return [leaf for _, leaf in paths(tree)]


def paths(tree: Any, root: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path from `root` to each leaf, as in `root['w'][0]`, and the leaf."""
    if isinstance(tree, (list, tuple)):
        for index, part in enumerate(tree):
            yield from paths(part, f"{root}[{index}]")
    elif isinstance(tree, dict):
        for key, part in tree.items():
            yield from paths(part, f"{root}[{key!r}]")
    else:
        yield root, tree


def rebuilt(tree: Any, new: Iterable[Any]) -> Any:
    """Return the structure of `tree` around new leaves, in the order of `leaves`."""
    new = iter(new)
    if isinstance(tree, (list, tuple)):
        parts = [rebuilt(part, new) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if isinstance(tree, dict):
        copy = tree.copy()  # keeps what a subclass has besides its items, such as the default of a defaultdict
        copy.update((key, rebuilt(part, new)) for key, part in tree.items())
        return copy
    return next(new)


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return the structure with the function applied to each leaf."""
    return rebuilt(tree, map(function, leaves(tree)))


def aligned(tree: Any, other: Any) -> list[Any] | None:
    """Return the leaves of `other` in the order of `tree`, or None if their structures differ."""
    found: list[Any] = []
    return found if _align(tree, other, found) else None


def _align(tree: Any, other: Any, found: list[Any]) -> bool:
    if isinstance(tree, (list, tuple)):
        same = type(tree) is type(other) and len(tree) == len(other)
        return same and all(_align(part, match, found) for part, match in zip(tree, other))
    if isinstance(tree, dict):
        same = type(tree) is type(other) and tree.keys() == other.keys()
        return same and all(_align(part, other[key], found) for key, part in tree.items())
    found.append(other)
    return not isinstance(other, (list, tuple, dict))


def outline(tree: Any) -> str:
    """Return the structure with each leaf as `*`, for messages."""
    return repr(mapped(lambda leaf: _STAR, tree))


class _Star:
    def __repr__(self) -> str:
        return "*"


_STAR = _Star()
