"""What is kept of an array that is too large to be looked at number by number, or that is not computed yet."""

from __future__ import annotations

from math import prod
from typing import Any, NoReturn

from micrograd_sm.array.functions import flat_of, shape_of
from micrograd_sm.array.namespace import is_foreign, namespace
from micrograd_sm.array.strides import Shape

LARGE = 100_000  # the most elements of another library's array that are looked at one by one
_FIRST = 4


class Summary:
    """Shape and kind of an array, its first numbers, the least and greatest finite one, and how many are nan or infinite.

    Of an array that is not computed, such as Dask's, only shape and kind are known. Any use of its other numbers raises
    RuntimeError.
    """

    __slots__ = ("computed", "dtype", "ends", "first", "kinds", "shape", "strange")

    def __init__(self, data: Any) -> None:
        xp = namespace(data)
        self.shape: Shape = tuple(data.shape)
        self.dtype, self.computed = xp.kind(data), not xp.lazy
        self.first: list = []
        self.ends: list = []
        self.kinds: list[str] = []
        self.strange = 0
        if self.computed:
            flat = xp.reshape(data, (-1,))
            finite = xp.isfinite(flat)
            self.first = flat[:_FIRST].tolist()
            self.kinds = [name for name, test in (("nan", xp.isnan), ("inf", xp.isinf)) if xp.any_of(test(flat))]
            self.strange = prod(self.shape) - int(xp.count_nonzero(finite))
            kept = flat[finite] if self.strange else flat
            self.ends = [-float(xp.max(-kept, axis=(0,))), float(xp.max(kept, axis=(0,)))] if prod(kept.shape) else []

    def _refuse(self, *others: Any, **options: Any) -> NoReturn:
        why = f"has {prod(self.shape):,} elements" if self.computed else "is not computed"
        way_out = "such as a few rows" if self.computed else "such as a few rows, computed: Value(x[:4].compute())"
        raise RuntimeError(
            f"an array of shape {self.shape} {why}, so a Graph keeps only a summary of it; study a smaller part, {way_out}"
        )

    reshape = tolist = __array_namespace__ = __getitem__ = __float__ = __iter__ = __len__ = __bool__ = __neg__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse

    def __repr__(self) -> str:
        return f"<{'array' if self.computed else 'array, not computed,'} of shape {self.shape}>"


def is_summarised(data: Any) -> bool:
    """Return whether a Graph keeps a summary of this array only.

    >>> is_summarised(1.0)
    False
    """
    return is_foreign(data) and (namespace(data).lazy or prod(shape_of(data)) > LARGE)


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
