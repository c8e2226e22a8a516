"""Scripts that use torch: they are recorded while they run, so that a tensor can be looked at as a Value is."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from micrograd_sm.engine import Value


def uses_torch(sources: list[str], folder: Path) -> bool:
    """Return whether code, or a module of its folder that it imports, imports torch, and torch is installed."""
    waiting = list(sources)
    seen: set[str] = set()
    while waiting:
        imported = set(_imported(waiting.pop())) - seen
        seen |= imported
        if "torch" in imported:
            return importlib.util.find_spec("torch") is not None
        for name in imported:
            for path in (folder / f"{name}.py", folder / name / "__init__.py"):
                if path.is_file():
                    waiting.append(path.read_text(encoding="utf-8", errors="replace"))
    return False


def _imported(source: str) -> Iterator[str]:
    """Yield the first names of the modules that code imports."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@contextmanager
def recorded(heard: Callable[[Value, Any, list[Value]], None]) -> Iterator[Any]:
    """Record a torch program, and yield its tape; `heard` hears of its backward passes."""
    from micrograd_sm.torch import record  # noqa: PLC0415 - torch, only for who uses it

    with record(heard=heard) as tape:
        yield tape
