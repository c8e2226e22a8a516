"""The functions people call, under torch's names: composed of primitives, with no gradient rule of their own.

Each takes Values, numbers, nested lists (which may hold Values) and arrays. If torch has a method of the same name, so
has Value: it is the same function, attached at the end of this file.
"""

import operator

from micrograd_sm.engine import Value
from micrograd_sm.functional import (
    activations,
    algebra,
    arithmetic,
    attention,
    comparisons,
    counting,
    diagonals,
    joining,
    losses,
    margins,
    normalization,
    ordering,
    pointwise,
    probability,
    reductions,
    regression,
    selection,
    shaping,
    summation,
)
from micrograd_sm.functional.activations import *
from micrograd_sm.functional.algebra import *
from micrograd_sm.functional.arithmetic import *
from micrograd_sm.functional.attention import *
from micrograd_sm.functional.comparisons import *
from micrograd_sm.functional.counting import *
from micrograd_sm.functional.diagonals import *
from micrograd_sm.functional.joining import *
from micrograd_sm.functional.losses import *
from micrograd_sm.functional.margins import *
from micrograd_sm.functional.normalization import *
from micrograd_sm.functional.ordering import *
from micrograd_sm.functional.pointwise import *
from micrograd_sm.functional.probability import *
from micrograd_sm.functional.reductions import *
from micrograd_sm.functional.regression import *
from micrograd_sm.functional.selection import *
from micrograd_sm.functional.shaping import *
from micrograd_sm.functional.summation import *
from micrograd_sm.missing import missing

_ROOMS = (
    activations, algebra, arithmetic, attention, comparisons, counting, diagonals, joining, losses, margins, normalization,
    ordering, pointwise, probability, reductions, regression, selection, shaping, summation,
)  # fmt: skip
__all__ = [name for room in _ROOMS for name in room.__all__]

_FUNCTIONS_ONLY = {
    *activations.__all__, *attention.__all__, *losses.__all__, *margins.__all__, *normalization.__all__, *regression.__all__,
    "broadcast_tensors", "cat", "concat", "concatenate", "einsum", "embedding", "hstack", "linear", "meshgrid", "normalize",
    "one_hot", "pad", "softmin", "stack", "std_mean", "var_mean", "vstack", "where",
}  # fmt: skip
for _name in [name for name in __all__ if name not in _FUNCTIONS_ONLY]:
    setattr(Value, _name, globals()[_name])


def _where(self: Value, condition: object, other: object) -> Value:
    """Return this Value where the condition holds and `other` elsewhere (torch.Tensor.where).

    >>> Value([1.0, 2.0]).where([True, False], 0.0).tolist()
    [1.0, 0.0]
    """
    return where(condition, self, other)


Value.__abs__, Value.__matmul__ = abs, matmul  # type: ignore[method-assign]
Value.__rmatmul__, Value.where = (lambda self, other: matmul(other, self)), _where  # type: ignore[attr-defined, method-assign]
_AND, _OR, _XOR = map(comparisons.bitwise, (operator.and_, operator.or_, operator.xor), "&|^")
_OPERATORS = {
    "__mod__": remainder, "__rmod__": lambda self, other: remainder(other, self),
    "__floordiv__": floor_divide, "__rfloordiv__": lambda self, other: floor_divide(other, self),
    "__round__": lambda self, ndigits=None: round(self, decimals=ndigits or 0),
    "__and__": _AND, "__rand__": _AND, "__or__": _OR, "__ror__": _OR, "__xor__": _XOR, "__rxor__": _XOR,
    "__invert__": comparisons.inverted,
}  # fmt: skip
for _name, _method in _OPERATORS.items():
    setattr(Value, _name, _method)


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
