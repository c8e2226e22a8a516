"""What is shown of an array that is too large to be looked at number by number, or that is not computed yet."""

from __future__ import annotations

from math import inf, isfinite, prod
from typing import Any, NoReturn

from micrograd_sm.array.functions import flat_of, shape_of
from micrograd_sm.array.namespace import is_foreign, namespace
from micrograd_sm.array.strides import indices_of

LARGE = 100_000  # the most elements of another library's array that are looked at one by one
_FIRST = 4


class Summary:
    """Another library's `array`, with its first numbers, its least and greatest finite one, and how many are nan or infinite.

    They are not `known`, and are empty or 0, as long as the array is not computed, as Dask's. An operation on a Summary raises
    RuntimeError: whoever can compute in the array's own library takes `array_of` it.
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

    def to_dict(self) -> dict[str, Any]:
        """Return what is known as plain data."""
        return {"shape": self.shape, "first": self.first, "ends": self.ends, "strange": self.strange}

    def _refuse(self, *others: Any, **options: Any) -> NoReturn:
        raise RuntimeError(f"{self!r} is only summarised; study a smaller part, such as a few rows: Value(x[:4])")

    reshape = tolist = __getitem__ = __float__ = __iter__ = __len__ = __bool__ = __neg__ = _refuse
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
    first = [array[indices_of(at, tuple(array.shape))] for at in range(min(_FIRST, prod(array.shape)))]
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
