"""Values, and lists and dicts of them, in a file: what `save` writes, `load` reads."""

from __future__ import annotations

import pickle
from contextlib import nullcontext
from typing import Any

_LOADED = {
    ("micrograd_sm.engine", "Value"), ("micrograd_sm.array.core", "Array"), ("micrograd_sm.nn.parameter", "Parameter"),
    ("collections", "OrderedDict"),
    *(("builtins", name) for name in ("bool", "float", "int")),  # the dtype of an Array
}  # fmt: skip


def save(obj: Any, f: Any) -> None:
    """Write numbers, text, leaf Values, and lists, tuples and dicts of them to a file (torch.save).

    `f` is a path or a binary file. Raises RuntimeError for a Value that was computed, as in torch.

    >>> import io
    >>> from micrograd_sm import Value
    >>> file = io.BytesIO()
    >>> save({"w": Value([1.0, 2.0]), "step": 3}, file)
    >>> _ = file.seek(0)
    >>> load(file)["w"].tolist()
    [1.0, 2.0]
    """
    content = pickle.dumps(obj)  # first, so that a file is written only if all of it can be
    with open(f, "wb") if not hasattr(f, "write") else nullcontext(f) as file:
        file.write(content)


def load(f: Any, map_location: Any = None, weights_only: bool = True) -> Any:
    """Return what `save` wrote into a file (torch.load). `f` is a path or a binary file.

    Nothing of the file is run: with anything but numbers, text, Values, lists, tuples and dicts in it, it raises RuntimeError.
    `map_location` and `weights_only` are torch's, and change nothing.

    >>> import io
    >>> file = io.BytesIO()
    >>> save([1.0, 2.0], file)
    >>> _ = file.seek(0)
    >>> load(file)
    [1.0, 2.0]
    """
    with open(f, "rb") if not hasattr(f, "read") else nullcontext(f) as file:
        try:
            return _Reader(file).load()
        except Exception as error:  # bytes that are no pickle raise whatever they happen to mean
            raise RuntimeError(f"load: {getattr(f, 'name', f)!r} does not hold what save writes: {error}") from None


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _LOADED:
            raise pickle.UnpicklingError(
                f"it holds a {module}.{name}, and only numbers, text, Values, lists and dicts are read"
            )
        return super().find_class(module, name)
