"""A user's script, run as `python FILE.py` runs it, and the Value that is looked at in it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from micrograd_sm.backward import listeners
from micrograd_sm.cli.failure import print_own_lines
from micrograd_sm.cli.notebook import Cell, cells_of
from micrograd_sm.cli.passes import Passes
from micrograd_sm.cli.torch_programs import recorded, uses_torch
from micrograd_sm.engine import Value
from micrograd_sm.mode import trace
from micrograd_sm.words.names import shortened, visible

_MOST_NAMED = 12  # Values that a message lists


def is_script(what: str) -> bool:
    """Return whether the argument of a command is a script or a notebook, not an expression."""
    return what.endswith((".py", ".ipynb"))


def run_script(path: str | Path, passes: Passes | None = None, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Run a script as `python FILE.py` would, remembering the line that makes each Value, and return its variables.

    It runs as `__main__`, with these arguments in `sys.argv`, and its folder first in `sys.path`. A notebook runs cell by cell.
    `passes` hears of its backward passes, also of those in torch. Raises RuntimeError if the script exits with a code other
    than 0, or if it fails, after printing its traceback to stderr.
    """
    path = Path(path)
    module = ModuleType("__main__")
    module.__dict__.update(__file__=str(path.absolute()), __builtins__=__builtins__, __cached__=None)
    with io.open_code(str(path.absolute())) as file:
        content = file.read()
    if path.suffix == ".ipynb":
        cells = cells_of(path, content)
        module.__dict__["display"] = print
        if left_out := sum(cell.left_out for cell in cells):
            lines = f"{left_out} line{'s' if left_out > 1 else ''} for IPython {'were' if left_out > 1 else 'was'}"
            print(f"micrograd-sm: {visible(path.name)}: {lines} left out", file=sys.stderr)
    else:
        cells = [Cell(content, str(path.absolute()), 0)]  # absolute: lines are read later, wherever the script has gone
    with _as_main(module, path, arguments), trace(), _heard_by(passes, module, cells, path):
        for cell in cells:
            _execute(cell.source, cell.filename, path, module)
    return module.__dict__


def value_in(variables: Mapping[str, Any], name: str, path: str | Path, passes: Passes) -> Value:
    """Return the Value of a script's variable. Raises ValueError if there is none, TypeError if it is not a Value."""
    shown = visible(Path(path).name)
    named = [visible(key) for key, x in variables.items() if passes.as_value(x) is not None and not key.startswith("_")]
    more = f", and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    values = f"its Values are {', '.join(named[:_MOST_NAMED])}{more}: choose one with --name" if named else "it has no Value"
    if name not in variables:
        raise ValueError(f"{shown} has no variable {visible(name)!r}; {values}")
    value = passes.as_value(variables[name])
    if value is None:
        what = shortened(visible(repr(variables[name])))
        raise TypeError(f"{visible(name)!r} in {shown} is {what} of type {type(variables[name]).__name__}, no Value; {values}")
    return value


@contextmanager
def _as_main(module: ModuleType, path: Path, given: Sequence[str]) -> Iterator[None]:
    """Give `sys` the state that a script expects, and restore it afterwards."""
    main, arguments, folders = sys.modules["__main__"], sys.argv, sys.path
    sys.modules["__main__"], sys.argv, sys.path = module, [str(path), *given], [str(path.absolute().parent), *folders]
    try:
        yield
    finally:
        sys.modules["__main__"], sys.argv, sys.path = main, arguments, folders


@contextmanager
def _heard_by(passes: Passes | None, module: ModuleType, cells: Sequence[Cell], path: Path) -> Iterator[None]:
    if passes is None:
        yield
        return
    passes.script = module.__dict__
    listeners.append(passes.heard)
    sources = [source if isinstance(source, str) else source.decode("utf-8", "replace") for source, *_ in cells]
    torch = recorded(passes.heard) if uses_torch(sources, path.absolute().parent) else nullcontext()
    try:
        with torch as passes.tape:
            yield
    finally:
        listeners.remove(passes.heard)


def _execute(source: Any, file: str, path: Path, module: ModuleType) -> None:
    try:
        exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise RuntimeError(f"{visible(path.name)} ended with exit code {ended.code!r}") from None
    except Exception as error:
        print_own_lines(error)
        raise RuntimeError(f"{visible(path.name)} failed: {type(error).__name__}: {error}") from None
