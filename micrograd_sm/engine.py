"""`Value`: a number or an n-d array that remembers how it was made, so that `backward()` can differentiate it.

>>> x = Value(3.0, name="x")
>>> y = x * x + 2 * x
>>> y.backward()
>>> y.data, x.grad
(15.0, 8.0)
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from itertools import chain, count
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_sm import primitives
from micrograd_sm.array import Array, is_foreign, namespace, shape_of, tolist
from micrograd_sm.array.display import show
from micrograd_sm.array.dtypes import FLOAT64, dtype_of
from micrograd_sm.array.indexing import locate
from micrograd_sm.array.namespace import OWN, promoted
from micrograd_sm.array.parsing import MAX_NDIM
from micrograd_sm.array.storage import like_storage, ones_like, stored
from micrograd_sm.array.strides import Shape
from micrograd_sm.backward import Observer, differentiate
from micrograd_sm.missing import Lacking
from micrograd_sm.mode import Place, current_mode, recording, scope
from micrograd_sm.primitives import Primitive, Recorded

tick = count(1).__next__  # creation numbers, and the times at which data was changed, on one clock
_new = object.__new__


def _operator(primitive: Primitive) -> Any:
    """Return the methods for `value + other` and `other + value`, and the like."""

    value = primitive.value

    def method(self: Value, other: Any) -> Value:
        if type(other) is not Value and (other := _operand(other, self)) is NotImplemented:
            return NotImplemented
        a, b = self._data, other._data
        if type(a) is not float or type(b) is not float:
            a, b = _alike(a, b)
        return _made(value(a, b), primitive, self, other, None, self._requires_grad or other._requires_grad)

    def reflected(self: Value, other: Any) -> Value:
        operand = _operand(other, self)
        return NotImplemented if operand is NotImplemented else method(operand, self)

    return method, reflected


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Return the data of two operands as torch's type promotion has them; what one library adds up by itself, as it is."""
    return (a, b) if type(a) is type(b) and (type(a) in OWN or a.dtype is b.dtype) else promoted(a, b)


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Value, Any], Any]:
    """Return the method for `value < other` and the like: a plain bool, or an array of them."""

    def method(self: Value, other: Any) -> Any:
        operand = _operand(other, self)
        return NotImplemented if operand is NotImplemented else compare(self._data, operand._data)

    return method


class Value(Recorded, Lacking):
    """A number or n-d tensor in a graph of computations.

    `data` is a number, a (nested) list of numbers, an `Array`, or an array of another library that follows the
    array API standard. Numbers are kept as Python floats. If no gradient is required, integers stay integers, so that
    such a Value can be a target or an index.

    `grad` is None until a backward pass reaches it; `op` names the primitive that made the value (None for a leaf) and
    `parents` are its operands, in order; `number` grows with creation, so that operands come before their results.

    Raises TypeError if the data are not real numbers, ValueError if lists are ragged.

    >>> w = Value([[1, 2], [3, 4]], name="w")
    >>> (w * w).sum().backward()
    >>> w.grad
    Array([[2.0, 4.0], [6.0, 8.0]])
    """

    __slots__ = (
        "__weakref__", "_a", "_b", "_changed", "_data", "_place", "_requires_grad", "_upstream", "grad", "name", "number",
        "params", "primitive",
    )  # fmt: skip
    __array_ufunc__ = None  # NumPy's scalars and arrays leave `array * value` to Value.__rmul__

    _a: Any  # the first operand, or the tuple of all if there are more than two; None for a leaf
    _b: Value | None  # the second of two operands: most nodes of numbers have two, and a tuple for each would cost much
    _changed: int
    _data: Any
    _place: Place  # where it was made: what views ask about scopes and lines
    _requires_grad: bool
    _upstream: Any
    grad: Any
    name: str | None
    number: int
    params: Any  # those of the primitive; for a view without a graph, the View
    primitive: Any  # a Primitive; None for a leaf

    if TYPE_CHECKING:  # torch's methods (exp, sum, softmax, ...) are attached in functional and methods

        def __getattr__(self, name: str) -> Any: ...

        def __abs__(self) -> Value: ...

        def __matmul__(self, other: Any) -> Value: ...

        def __rmatmul__(self, other: Any) -> Value: ...

    def __new__(cls, data: Any, requires_grad: bool = True, name: str | None = None) -> Value:
        _check_flag(requires_grad)
        if name is not None and type(name) is not str:
            raise TypeError(f"Value: name must be a string, got {name!r}")
        value = _made(data if type(data) is float else stored(data, requires_grad), None, None, None, None, requires_grad, cls)
        value.name = name
        return value

    # What it holds --------------------------------------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The number or array itself. Setting it keeps the shape; backward notices graphs made before the change.

        >>> x = Value(1.0)
        >>> x.data -= 0.25
        >>> x.data
        0.75
        """
        return self._data

    @data.setter
    def data(self, data: Any) -> None:
        data = stored(data._data if isinstance(data, Value) else data, self.requires_grad)
        if shape_of(data) != self.shape:
            raise ValueError(f"data of shape {shape_of(data)} cannot replace data of shape {self.shape}")
        self._data = data
        self._changed = tick()

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient is wanted. It can be set on leaves only (else RuntimeError, as in torch); integers become floats.

        >>> x = Value(2.0)
        >>> x.requires_grad = False
        >>> (x * 3.0).requires_grad
        False
        """
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, requires_grad: bool) -> None:
        _check_flag(requires_grad)
        if self.primitive is not None and not requires_grad:
            raise RuntimeError(f"requires_grad can be set on leaves only, and {self.op} made this value; use detach()")
        self._data = stored(self._data, requires_grad)
        self._requires_grad = requires_grad

    @property
    def shape(self) -> Shape:
        """The shape, a tuple; () for a number.

        >>> Value([[1.0, 2.0]]).shape, Value(3.0).shape
        ((1, 2), ())
        """
        return tuple(shape_of(self._data))

    @property
    def ndim(self) -> int:
        """The number of dimensions; 0 for a number.

        >>> Value([[1.0, 2.0]]).ndim
        2
        """
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        """The type of the elements: float64, int64 or bool; of another library's array, what that library calls it.

        >>> Value([1.0, 2.0]).dtype
        micrograd_sm.float64
        """
        return dtype_of(self._data)

    @property
    def op(self) -> str | None:
        """The name of the primitive that made this value; None for a leaf.

        >>> (Value(1.0) + 2).op, Value(1.0).op
        ('add', None)
        """
        return None if self.primitive is None else self.primitive.name

    @property
    def parents(self) -> tuple[Value, ...]:
        """The operands that it was made of, in order; () for a leaf.

        >>> x = Value(3.0, name="x")
        >>> (x * x).parents
        (Value(3., name='x'), Value(3., name='x'))
        """
        return _operands(self._a, self._b)

    @property
    def scope(self) -> str:
        """The composed functions in which it was made, outermost first; "" if there are none.

        >>> Value([0.0, 0.0]).softmax(dim=0).scope
        'softmax'
        """
        return self._place.path

    @property
    def T(self) -> Value:
        """The matrix transposed. Raises RuntimeError if there are not two dimensions.

        >>> from micrograd_sm import Value
        >>> Value([[1.0, 2.0]]).T.shape
        (2, 1)
        """
        if self.ndim != 2:
            raise RuntimeError(f"T: needs a matrix, got shape {self.shape}; use permute or transpose")
        return primitives.permute(self, order=(1, 0))

    def item(self) -> float:
        """Return the only element as a Python number. Raises RuntimeError if there is not exactly one (torch.Tensor.item).

        >>> Value([[2.5]]).item()
        2.5
        """
        if prod(self.shape) != 1:
            raise RuntimeError(f"item: a Value of shape {self.shape} has {prod(self.shape)} elements, not one; use tolist()")
        nested = self.tolist()
        while isinstance(nested, list):
            nested = nested[0]
        return nested

    def tolist(self) -> Any:
        """Return the data as nested lists, or as a number if the shape is () (torch.Tensor.tolist).

        >>> Value([[1, 2], [3, 4]]).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
        """
        return tolist(self._data)

    def detach(self) -> Value:
        """Return a leaf with the same data; no gradient flows through it (torch.Tensor.detach).

        >>> Value(2.0).detach().requires_grad
        False
        """
        return Value(self._data, requires_grad=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle a leaf with its gradient; RuntimeError for a value that was computed, as in torch."""
        for value, what in ((self, ""), (self.grad, "the .grad of a leaf, ")):
            if isinstance(value, Value) and value.primitive is not None:
                raise RuntimeError(
                    f"only leaves can be copied and pickled, and {what}{value!r}, was computed, by {value.op}; "
                    "take its detach(), or copy the leaves and compute it again"
                )
        return type(self), (self._data, self._requires_grad, self.name), (None, {"grad": self.grad})

    def __float__(self) -> float:
        return float(self._only_element("float"))

    def __int__(self) -> int:
        return int(self._only_element("int"))

    def __index__(self) -> int:
        if self.shape or type(self._data) is float:
            raise TypeError(f"only a single integer can be an index, got {self!r}")
        return operator.index(self._data)

    def __bool__(self) -> bool:
        if prod(self.shape) != 1:
            raise RuntimeError(f"the truth of a Value of shape {self.shape} is ambiguous: compare one element")
        return bool(self.item())

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len: a Value of shape () is a number and has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Value]:
        if not self.shape:
            raise TypeError("a Value of shape () is a number and cannot be iterated over")
        return (self[index] for index in range(self.shape[0]))

    def __format__(self, spec: str) -> str:
        if not spec:
            return repr(self)
        return _format_nested(self.tolist(), spec)

    def __repr__(self) -> str:
        notes = [f"name={self.name!r}"] if self.name else []
        if self.primitive:
            notes.append(f"op={self.scope}/{self.op}" if self.scope else f"op={self.op}")
        elif not self.requires_grad:
            notes.append("requires_grad=False")
        return show(self._data, self.shape, prefix="Value(", notes=notes)

    def _only_element(self, wanted: str) -> Any:
        if prod(self.shape) != 1:
            raise ValueError(f"{wanted}: only one element can become a number, and shape {self.shape} has {prod(self.shape)}")
        return self.item()

    # Operators ------------------------------------------------------------------------------------------------------

    __add__, __radd__ = _operator(primitives.add)
    __sub__, __rsub__ = _operator(primitives.subtract)
    __mul__, __rmul__ = _operator(primitives.multiply)
    __truediv__, __rtruediv__ = _operator(primitives.divide)
    __pow__, __rpow__ = _operator(primitives.power)

    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)
    __hash__ = object.__hash__

    def __neg__(self) -> Value:
        return unary(primitives.negative, self)

    def __pos__(self) -> Value:
        return self

    def __getitem__(self, key: Any) -> Value:
        key = plain_key(key)
        storage = namespace(self._data) if is_foreign(self._data) else None
        positions, shape = locate(key, self.shape, storage, self._data)
        return primitives.index(self, positions=positions, shape=shape, key=key)

    # Recording and differentiating ----------------------------------------------------------------------------------

    def record(self, primitive: Primitive, operands: tuple, params: dict[str, Any]) -> Value:
        """Apply a primitive to operands, and record it. At least one is a Value; the others become constants of the graph.

        >>> x = Value(0.0)
        >>> x.record(primitives.exp, (x,), {}).parents == (x,)
        True
        """
        parents = tuple([x if isinstance(x, Value) else _constant(x, self) for x in operands])
        data = primitive.value(*[parent._data for parent in parents], **params)
        a, b = parents if len(parents) == 2 else (parents[0] if len(parents) == 1 else parents, None)
        return _made(data, primitive, a, b, params or None, True in [parent._requires_grad for parent in parents])

    def backward(
        self, gradient: Any = None, create_graph: bool = False, observe: Observer | None = None, retain_graph: Any = None
    ) -> None:
        """Add the gradient of this value to `.grad` of every value it was computed from (torch.Tensor.backward).

        `gradient` is dL/d self, in self's shape. By default it is 1, and self must have exactly one element.
        If `create_graph` is set, the gradients are Values that can be differentiated again. They refer to the graph that
        they came from, so set `.grad` to None when you are done with them. The graph is kept, whatever `retain_graph` says.

        Every pass starts afresh, and `.grad` accumulates over passes. `observe(node, position, upstream, contribution)` is
        called for each operand that receives a contribution, in order; `steps` listens there. Raises RuntimeError if self
        requires no gradient, if the gradient's shape is not self's, or if data was set after the graph had used it; then no
        `.grad` changes.

        >>> x = Value(3.0)
        >>> (x**2).backward(create_graph=True)
        >>> slope = x.grad
        >>> x.grad = None
        >>> slope.backward()
        >>> slope.data, x.grad
        (6.0, 2.0)
        """
        if watches := current_mode().watches:
            observe = _together([*(watch.passed_back for watch in watches), *([observe] if observe else [])])
        if not create_graph:  # the rules compute on plain numbers: there is nothing to record
            differentiate(self, _seed(self, gradient, create_graph), create_graph, observe)
            return
        with recording(True), scope("backward"):
            differentiate(self, _seed(self, gradient, create_graph), create_graph, observe)


def _together(observers: list[Observer]) -> Observer:
    """Combine the observers into one."""
    if len(observers) == 1:
        return observers[0]

    def tell(*event: Any) -> None:
        for observer in observers:
            observer(*event)

    return tell


def _check_flag(requires_grad: Any) -> None:
    if requires_grad is not True and requires_grad is not False:
        raise TypeError(f"requires_grad must be True or False, got {requires_grad!r}")


def _seed(root: Value, gradient: Any, create_graph: bool) -> Any:
    if not root.requires_grad:
        raise RuntimeError(
            f"backward: this value requires no gradient, and neither does anything it was made of: {root!r}; "
            "make a leaf with Value(...) or requires_grad=True"
        )
    if gradient is None:
        if type(root._data) is float and not create_graph:
            return 1.0
        if prod(root.shape) != 1:
            way_out = "reduce it to one number first, as in loss.sum().backward()"
            raise RuntimeError(f"backward: a value of shape {root.shape} needs a gradient of that shape; {way_out}")
        gradient = ones_like(root._data)
    else:
        if not isinstance(gradient, Value):
            gradient = like_storage(as_value(gradient, "backward: gradient")._data, root._data)
        namespace(root._data, gradient._data if isinstance(gradient, Value) else gradient)  # raises if their libraries differ
    if shape_of(gradient) != root.shape:
        raise RuntimeError(f"backward: gradient of shape {shape_of(gradient)} for a value of shape {root.shape}")
    if create_graph:
        return gradient if isinstance(gradient, Value) else Value(gradient, requires_grad=False)
    return gradient._data if isinstance(gradient, Value) else gradient


# Making Values ------------------------------------------------------------------------------------------------------


def _made(
    data: Any, primitive: Primitive | None, a: Any, b: Any, params: dict | None, requires_grad: bool, cls: type = Value
) -> Value:
    """Return a new Value; every one is made here. If no gradient can flow, it does not keep how it was made.

    `a` and `b` are the operands, as the slots `_a` and `_b` hold them.
    """
    mode = current_mode()
    value: Value = _new(cls)
    value.number = tick()  # first: a recording asks for it when data is set
    value._data = data
    value.grad = value._upstream = value.name = None
    value._changed = 0
    value._place = mode.place
    if requires_grad and (mode.recording or primitive is None):
        value._requires_grad = True
        value.primitive = primitive
        value._a = a
        value._b = b
        value.params = params
    else:
        value._requires_grad = False
        value.primitive = None
        value.params = View(primitive, a, params) if primitive is not None and primitive.views else None
        value._a = value._b = None
    if mode.traced:
        value._place = mode.traced_place()
        for watch in mode.watches if primitive else ():
            watch.made(value, primitive, _operands(a, b), params)
    return value


def _operands(a: Any, b: Any) -> tuple[Value, ...]:
    """Return the operands that the slots `_a` and `_b` hold, in order."""
    if b is not None:
        return a, b
    return a if type(a) is tuple else () if a is None else (a,)


class View(NamedTuple):
    """What a Value without a graph is a view of: setting its elements sets those of the operand, as in torch."""

    primitive: Primitive
    operand: Value
    params: Any


def _operand(other: Any, value: Value) -> Any:
    """Return the other operand of an operator as a Value; NotImplemented if it is not a number, list or array."""
    if type(other) is Value:
        return other
    if type(other) is float:
        return _made(other, None, None, None, None, False)
    if type(other) is int and other.bit_length() < 64:
        return _made(other if _counts(value._data) else float(other), None, None, None, None, False)
    if isinstance(other, Value):
        return other
    if isinstance(other, (float, int, list, tuple, range, Array)) or hasattr(other, "__float__") or is_foreign(other):
        return _constant(other, value)
    return NotImplemented


def _counts(data: Any) -> bool:
    """Return whether an int beside these data stays an int, as in torch: beside floats it becomes one."""
    kind = type(data)
    return kind is not float and (dtype_of(data) is not FLOAT64 if kind in OWN else namespace(data).kind(data) is not float)


def as_value(x: Any, what: str = "input") -> Value:
    """Return x as a Value: a Value as it is, lists that hold Values stacked, anything else as a constant.

    Raises TypeError or ValueError if the data are bad; `what` names the function and the argument in its message.

    >>> as_value([Value(1.0), Value(2.0)], "exp: input").op, as_value([1.0, 2.0], "exp: input").requires_grad
    ('cat', False)
    """
    if isinstance(x, Value):
        return x
    if isinstance(x, (list, tuple)) and _holds_value(x):
        rows = [as_value(row, what) for row in x]
        shapes = {row.shape for row in rows}
        if len(shapes) > 1:
            found = " and ".join(map(str, sorted(shapes)))
            raise ValueError(f"{what} lists Values of different shapes, {found}: each needs the same shape")
        return primitives.cat(*(primitives.reshape(row, shape=(1, *row.shape)) for row in rows), axis=0)
    try:
        return _constant(x)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what}: {error}") from None


def unary(primitive: Primitive, x: Any, what: str = "input") -> Value:
    """Apply a primitive of one operand to x, a Value or what `as_value` makes one of, with its errors.

    >>> unary(primitives.exp, 0.0, "exp: input")
    Value(1., requires_grad=False)
    """
    x = x if type(x) is Value else as_value(x, what)
    return _made(primitive.value(x._data), primitive, x, None, None, x._requires_grad)


def _holds_value(x: Any) -> bool:
    level = [x]
    for _ in range(MAX_NDIM):
        if any(issubclass(kind, Value) for kind in set(map(type, level))):
            return True
        level = list(chain.from_iterable(part for part in level if isinstance(part, (list, tuple))))
    return False


def _constant(x: Any, like: Value | None = None) -> Value:
    """Return a number, list or array as a Value without gradient, in the storage of `like`."""
    data = stored(x, requires_grad=type(x) is int)
    return Value(data if like is None else like_storage(data, like._data), requires_grad=False)


def plain_key(key: Any) -> Any:
    """Replace Values in an index by their data."""
    if isinstance(key, tuple):
        return tuple(map(plain_key, key))
    return key._data if isinstance(key, Value) else key


def _format_nested(x: Any, spec: str) -> str:
    return f"[{', '.join(_format_nested(y, spec) for y in x)}]" if isinstance(x, list) else format(x, spec)


# Fast paths: + and * written out, as long graphs of numbers spend their time here --------------------------------------


def _add(self: Value, other: Any, primitive: Primitive = primitives.add) -> Value:
    if type(other) is not Value and (other := _operand(other, self)) is NotImplemented:
        return NotImplemented
    a, b = self._data, other._data
    if type(a) is not float or type(b) is not float:
        a, b = _alike(a, b)
    return _made(a + b, primitive, self, other, None, self._requires_grad or other._requires_grad)


def _multiply(self: Value, other: Any, primitive: Primitive = primitives.multiply) -> Value:
    if type(other) is not Value and (other := _operand(other, self)) is NotImplemented:
        return NotImplemented
    a, b = self._data, other._data
    if type(a) is not float or type(b) is not float:
        a, b = _alike(a, b)
    return _made(a * b, primitive, self, other, None, self._requires_grad or other._requires_grad)


PLAIN_FORMS = {"__add__": Value.__add__, "__mul__": Value.__mul__}  # a test holds the fast paths against them
Value.__add__, Value.__mul__ = _add, _multiply
