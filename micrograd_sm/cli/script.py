"""A user's script, run as `python FILE.py` runs it, and the Value that is looked at in it."""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from micrograd_sm.backward import listeners
from micrograd_sm.cli.passes import Passes
from micrograd_sm.engine import Value
from micrograd_sm.mode import trace
from micrograd_sm.words.names import shortened, visible

_MOST_NAMED = 12  # Values that a message lists


def run_script(path: str | Path, passes: Passes | None = None) -> dict[str, Any]:
    """Run a script as `python FILE.py` would, remembering the line that makes each Value, and return its variables.

    It runs as `__main__`, alone in `sys.argv`, with its folder first in `sys.path`. `passes` hears of its backward passes.
    Raises RuntimeError if the script exits with a code other than 0, or if it fails, after printing its traceback to stderr.
    """
    path = Path(path)
    module = ModuleType("__main__")
    module.__dict__.update(__file__=str(path.absolute()), __builtins__=__builtins__, __cached__=None)
    with io.open_code(str(path.absolute())) as file:
        source = file.read()
    with _as_main(module, path), trace(), _heard_by(passes, module):
        _execute(source, path, module)
    return module.__dict__


def value_in(variables: Mapping[str, Any], name: str, path: str | Path) -> Value:
    """Return the Value of a script's variable. Raises ValueError if there is none, TypeError if it is not a Value."""
    shown = visible(Path(path).name)
    named = [visible(key) for key, value in variables.items() if isinstance(value, Value) and not key.startswith("_")]
    more = f", and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    values = f"its Values are {', '.join(named[:_MOST_NAMED])}{more}: choose one with --name" if named else "it has no Value"
    if name not in variables:
        raise ValueError(f"{shown} has no variable {visible(name)!r}; {values}")
    if not isinstance(variables[name], Value):
        what = shortened(visible(repr(variables[name])))
        raise TypeError(f"{visible(name)!r} in {shown} is {what} of type {type(variables[name]).__name__}, no Value; {values}")
    return variables[name]


@contextmanager
def _as_main(module: ModuleType, path: Path) -> Iterator[None]:
    """Give `sys` the state that a script expects, and restore it afterwards."""
    main, arguments, folders = sys.modules["__main__"], sys.argv, sys.path
    sys.modules["__main__"], sys.argv, sys.path = module, [str(path)], [str(path.absolute().parent), *folders]
    try:
        yield
    finally:
        sys.modules["__main__"], sys.argv, sys.path = main, arguments, folders


@contextmanager
def _heard_by(passes: Passes | None, module: ModuleType) -> Iterator[None]:
    if passes is None:
        yield
        return
    passes.script = module.__dict__
    listeners.append(passes.heard)
    try:
        yield
    finally:
        listeners.remove(passes.heard)


def _execute(source: bytes, path: Path, module: ModuleType) -> None:
    file = str(module.__file__)  # absolute: lines of code are read from it later, wherever the script has gone
    try:
        exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise RuntimeError(f"{visible(path.name)} ended with exit code {ended.code!r}") from None
    except Exception as error:
        inside = error.__traceback__.tb_next if error.__traceback__ else None  # the user's lines, not this one
        traceback.print_exception(type(error), error, inside)
        raise RuntimeError(f"{visible(path.name)} failed: {type(error).__name__}: {error}") from None
