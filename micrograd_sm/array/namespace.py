"""`namespace(x)`: the functions with which a primitive computes on a storage."""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from micrograd_sm.array.core import Array
from micrograd_sm.array.libraries import is_array_type, library_of

if TYPE_CHECKING:
    from micrograd_sm.array.foreign import Foreign

OWN = {float, int, bool, Array}
_known: dict[type, Foreign] = {}  # the storage of each type of array that was met


def namespace(*xs: Any) -> Any:
    """Return the functions that compute on these numbers and arrays, under their array API names.

    Numbers and `Array`s have `micrograd_sm.array`; NumPy's, torch's, Dask's and other arrays have their library's own
    array API namespace (torch's and Dask's through array-api-compat). Raises TypeError if one is neither a number nor an
    array, or if they are arrays of different libraries.

    >>> namespace(1.0, Array([2.0])).__name__
    'micrograd_sm.array'
    """
    found: Any = None
    for x in xs:
        if type(x) not in OWN:
            storage = _known.get(type(x)) or _met(x)
            if found is None:
                found = storage
            elif storage is not found:
                _refuse(xs)
    return found or sys.modules[__package__]


def is_foreign(x: Any) -> bool:
    """Return whether x is an array of another library.

    >>> is_foreign(1.0), is_foreign(Array([1.0]))
    (False, False)
    """
    return type(x) not in OWN and (type(x) in _known or (is_array_type(type(x)) and hasattr(x, "shape")))


def promoted(a: Any, b: Any) -> tuple[Any, Any]:
    """Return the operands of an operator: beside another library's array, an Array becomes one of its, and ints floats of its.

    Raises TypeError if these are arrays of different libraries.

    >>> promoted(1.0, Array([1.0]))
    (1.0, Array([1.0]))
    """
    if type(a) in OWN:
        if type(a) is not Array or type(b) in OWN:
            return a, b
        a = namespace(b).like(a, b)
    elif type(b) in OWN:
        if type(b) is not Array:
            return a, b
        b = namespace(a).like(b, a)
    return namespace(a, b).promoted(a, b)


def _refuse(xs: Any) -> NoReturn:
    kinds = dict.fromkeys(f"{type(x).__module__.partition('.')[0]}'s {type(x).__name__}" for x in xs if is_foreign(x))
    raise TypeError(
        f"arrays of different libraries do not mix: got {' and '.join(kinds)}; convert one to the other's library first"
    )


def _met(x: Any) -> Foreign:
    storage = _storage(library_of(x))
    if is_array_type(type(x)):
        _known[type(x)] = storage
    return storage


@cache
def _storage(library: ModuleType | Foreign) -> Foreign:
    if not isinstance(library, ModuleType):  # a storage of this house, such as the study's decimals
        return library
    from micrograd_sm.array.dask import Dask  # noqa: PLC0415 - so that importing stays quick
    from micrograd_sm.array.foreign import Foreign, Numpy, Torch  # noqa: PLC0415

    name = library.__name__.removeprefix("array_api_compat.").partition(".")[0]
    return {"dask": Dask, "numpy": Numpy, "torch": Torch}.get(name, Foreign)(library)
