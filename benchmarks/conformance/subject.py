"""`micrograd_sm.array` as data-apis/array-api-tests takes it: with names for its element types, and what the suite needs.

A number, which is our array without dimensions, gets a `dtype` and a `shape` around it. The suite's assertions need functions
that we do not have (`equal`, `all`, `zeros`, ...): they are here, and are not counted. `FUNCTIONS` and `OPERATORS` are counted.
"""

import builtins
import math
import operator
from types import SimpleNamespace

from micrograd_sm import array
from micrograd_sm.array import Array

__array_api_version__ = "2024.12"
FUNCTIONS = set(array.functions.__all__) - {"erf", "flat_of", "put", "shape_of", "take"}
OPERATORS = {
    f"__{in_place}{name}__"
    for in_place in ("", "i")
    for name in (
        "abs", "add", "and", "eq", "floordiv", "ge", "gt", "invert", "le", "lt", "mod", "mul", "ne", "neg", "or", "pos", "pow",
        "sub", "truediv", "xor",
    )
}  # fmt: skip
bool, int64, float64 = builtins.bool, int, float
int32 = uint8 = int  # the suite asks for these and for float32, and is told not to draw them
float32 = "float32"
e, inf, nan, newaxis, pi = math.e, math.inf, math.nan, None, math.pi


class Scalar:
    """A number as the array without dimensions that it stands for."""

    shape, ndim, size, device = (), 0, 1, "cpu"

    def __init__(self, number):
        self.number, self.dtype = number, type(number)

    def __getitem__(self, key):
        return self if key in ((), ...) else array.reshape(self.number, (1,) * key.count(None))

    def __bool__(self):
        return builtins.bool(self.number)

    def __float__(self):
        return float(self.number)

    def __int__(self):
        return int(self.number)

    def __complex__(self):
        return complex(self.number)

    def __index__(self):
        return operator.index(self.number)

    def __neg__(self):
        return Scalar(-self.number)

    def __pos__(self):
        return self

    def __abs__(self):
        return Scalar(builtins.abs(self.number))

    def __invert__(self):
        return Scalar(not self.number if self.dtype is builtins.bool else ~self.number)

    __hash__ = None


def plain(x):
    if isinstance(x, (tuple, list)):
        return type(x)(map(plain, x))
    return x.number if isinstance(x, Scalar) else x


def wrapped(x):
    return Scalar(x) if isinstance(x, (float, int)) else x


def on_plain(function):
    def call(*xs, **options):
        return wrapped(function(*map(plain, xs), **{name: plain(x) for name, x in options.items()}))

    call.__name__ = call.__qualname__ = function.__name__
    call.__wrapped__ = function
    return call


OPERATIONS = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": array.divide, "pow": array.pow,
    "floordiv": array.floor_divide, "mod": array.remainder, "eq": operator.eq, "ne": operator.ne, "lt": operator.lt,
    "le": operator.le, "gt": operator.gt, "ge": operator.ge, "and": operator.and_, "or": operator.or_, "xor": operator.xor,
    "matmul": operator.matmul,
}  # fmt: skip
for _name, _operation in OPERATIONS.items():
    setattr(Scalar, f"__{_name}__", lambda a, b, of=_operation: wrapped(of(plain(a), plain(b))))
    setattr(Scalar, f"__r{_name}__", lambda a, b, of=_operation: wrapped(of(plain(b), plain(a))))
_OURS = {name: on_plain(getattr(array, name)) for name in FUNCTIONS}
globals().update(_OURS)
Array.__getitem__ = on_plain(Array.__getitem__)
where, isnan = _OURS["where"], _OURS["isnan"]


@on_plain
def asarray(data, dtype=None, device=None, copy=None):
    if type(data) is complex:
        return SimpleNamespace(dtype=None)  # there are none
    made = array.asarray(data)
    return made if dtype is None else made.astype(dtype) if isinstance(made, Array) else dtype(made)


@on_plain
def full(shape, fill_value, dtype=None, device=None):
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    kind = dtype or type(fill_value)
    return Array.of([kind(fill_value)] * math.prod(shape), shape, kind)


def zeros(shape, dtype=float, device=None):
    return full(shape, 0, dtype)


def ones(shape, dtype=float, device=None):
    return full(shape, 1, dtype)


def empty(shape, dtype=float, device=None):
    return full(shape, 0, dtype)


@on_plain
def all(x, axis=None, keepdims=False):
    return builtins.all(array.flat_of(x))


@on_plain
def any(x, axis=None, keepdims=False):
    return builtins.any(array.flat_of(x))


def isdtype(dtype, kind):
    kinds = kind if isinstance(kind, tuple) else (kind,)
    names = {float: {"real floating", "numeric"}, int: {"integral", "signed integer", "numeric"}, builtins.bool: {"bool"}}
    return builtins.any(one == dtype or one in names[dtype] for one in kinds if isinstance(one, (str, type)))


@on_plain
def astype(x, dtype, copy=True, device=None):
    return x.astype(dtype) if isinstance(x, Array) else dtype(x)


def result_type(*xs):
    kinds = {x if isinstance(x, type) else getattr(x, "dtype", type(x)) for x in xs}
    return float if float in kinds else int if int in kinds else builtins.bool


def finfo(dtype):
    largest = 1.7976931348623157e308
    return SimpleNamespace(bits=64, eps=2.0**-52, max=largest, min=-largest, smallest_normal=2.0**-1022, dtype=float)


def iinfo(dtype):
    return SimpleNamespace(bits=64, max=2**63 - 1, min=-(2**63), dtype=int)


equal, not_equal, less, greater = map(on_plain, (operator.eq, operator.ne, operator.lt, operator.gt))
less_equal, greater_equal, subtract = map(on_plain, (operator.le, operator.ge, operator.sub))
logical_and, logical_or = map(on_plain, (operator.and_, operator.or_))


def logical_not(x):
    return where(x, False, True)


def isfinite(x):
    return equal(subtract(x, x), 0)


def isinf(x):
    return logical_and(logical_not(isfinite(x)), logical_not(isnan(x)))


def signbit(x):
    return on_plain(lambda y: asarray([math.copysign(1.0, each) < 0 for each in array.flat_of(y)]))(x)
