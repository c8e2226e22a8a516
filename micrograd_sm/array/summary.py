"""What is shown of an array that is too large to be looked at number by number, or that is not computed yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import inf, isfinite, prod
from typing import Any, NoReturn

from micrograd_sm.array.core import Array
from micrograd_sm.array.functions import flat_of, shape_of
from micrograd_sm.array.namespace import is_foreign, namespace
from micrograd_sm.array.strides import Shape, broadcast, broadcast_shapes, row_major_steps

LARGE = 100_000  # the most elements of another library's array that are looked at one by one
_FIRST = 4


class Summary:
    """Another library's `array`, with its first numbers, its least and greatest finite one, and how many are nan or infinite.

    These are None or empty if the array is not computed, as Dask's. An operation on a Summary raises RuntimeError: whoever
    can compute in the array's own library takes `array_of` it.
    """

    __slots__ = ("array", "dtype", "ends", "first", "kinds", "known", "shape", "strange")

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.dtype = array, tuple(array.shape), namespace(array).kind(array)
        self.first: list = []
        self.ends: list = []
        self.kinds: list[str] = []
        self.strange, self.known = 0, False
        if not namespace(array).lazy:
            self.learn(facts_of(array))

    def learn(self, facts: Any) -> None:
        """Keep the `facts_of` the array, now that they are computed."""
        *first, low, high, nans, infinite = (x.item() if hasattr(x, "item") else x for x in facts)
        self.first, self.ends = first, [self.dtype(low), self.dtype(high)] if low <= high else []
        self.kinds = [name for name, count in (("nan", nans), ("inf", infinite)) if count]
        self.strange, self.known = nans + infinite, True

    def _refuse(self, *others: Any, **options: Any) -> NoReturn:
        raise RuntimeError(f"{self!r} is only summarised; study a smaller part, such as a few rows: Value(x[:4])")

    reshape = tolist = __array_namespace__ = __getitem__ = __float__ = __iter__ = __len__ = __bool__ = __neg__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse

    def __repr__(self) -> str:
        told = f": {self.first}, from {self.ends}, {self.strange} of them not finite" if self.known else ", not computed"
        return f"<array of shape {self.shape}{told}>"


def facts_of(array: Any) -> list[Any]:
    """Return the first numbers of an array, its least and greatest finite one, and how many are nan and infinite.

    They are computed by the array's library, when it computes.
    """
    xp = namespace(array)
    first = [element_at(array, at) for at in range(min(_FIRST, prod(array.shape)))]
    is_float, least, greatest = xp.kind(array) is float, xp.library.min, xp.library.max
    numbers = array if is_float else xp.astype(array, xp.int64)
    ends = [least(numbers), greatest(numbers)]
    if not is_float or (not xp.lazy and all(map(isfinite, map(float, ends)))):
        return [*first, *ends, 0, 0]
    finite = xp.isfinite(array)
    low, high = (xp.where(finite, array, xp.full(bound, (), array)) for bound in (inf, -inf))
    counts = (xp.count_nonzero(test(array)) for test in (xp.isnan, xp.isinf))
    return [*first, least(low), greatest(high), *counts]


def is_summarised(data: Any) -> bool:
    """Return whether a Graph keeps a summary of this array only.

    >>> is_summarised(1.0)
    False
    """
    return is_foreign(data) and (namespace(data).lazy or prod(shape_of(data)) > LARGE)


def array_of(x: Any) -> Any:
    """Return the array that a Summary is of; anything else as it is."""
    return x.array if type(x) is Summary else x


def element_at(x: Any, position: int, shape: Shape | None = None) -> Any:
    """Return an element of a number or an array, by its place in row-major order in `shape`, to which it is broadcast.

    >>> element_at(2.0, 0), element_at(Array([1.0, 3.0]), 3, (2, 2))
    (2.0, 3.0)
    """
    x = array_of(x)
    own = shape_of(x)
    if not own:
        return x
    shape = own if shape is None else shape
    places = [position // step % size for step, size in zip(row_major_steps(shape), shape)]
    index = [0 if size == 1 else place for place, size in zip(places[len(shape) - len(own) :], own)]
    if type(x) is Array:
        return x.flat[sum(place * step for place, step in zip(index, row_major_steps(own)))]
    element = x[tuple(index)]
    return element if namespace(x).lazy else element.item()


def count(test: Callable[..., Any], *data: Any) -> int:
    """Return for how many elements of these numbers and arrays, which are broadcast, a test holds.

    The test gets one element of each, or the arrays themselves where their library computes it for all elements at once; so it
    combines conditions by `&` and `|`.

    >>> count(lambda x, y: (x > 0) & (y == 2), Array([-1.0, 1.0, 3.0]), 2.0)
    2
    """
    found = _tested(test, data)
    return sum(found) if isinstance(found, Iterator) else int(namespace(found).count_nonzero(found))


def holds(test: Callable[..., Any], *data: Any) -> bool:
    """Return whether a test, as `count` takes it, holds for any element.

    >>> holds(lambda x: x != x, Array([1.0, 2.0]))
    False
    """
    found = _tested(test, data)
    return any(found) if isinstance(found, Iterator) else bool(namespace(found).library.any(found))


def _tested(test: Callable[..., Any], data: Sequence[Any]) -> Any:
    arrays = list(map(array_of, data))
    large = next(filter(is_foreign, arrays), None)
    if large is not None:
        return test(*(namespace(large).like(x, large) if type(x) is Array else x for x in arrays))
    shape = broadcast_shapes(*map(shape_of, arrays))
    return map(test, *(broadcast(flat_of(x), shape_of(x), shape) for x in arrays))


def plain_positions(positions: Any) -> Any:
    """Return flat positions as a tuple; those that are not listed yet, or too many, as they are or as a summary.

    >>> plain_positions([2, 0])
    (2, 0)
    """
    if isinstance(positions, (list, range, tuple)):
        return tuple(positions)
    if not is_foreign(positions):  # computed when they are read
        return positions
    return Summary(positions) if is_summarised(positions) else tuple(flat_of(positions))
