"""Changes in place: `x[i] = v`, `x += v`, `x.add_(v)`. A change that would make a recorded gradient wrong raises.

Without a recorded graph, under `no_grad()` or if nothing requires a gradient, the numbers are set, also those of the tensor
that x is a view of, as in `N[0][1] += 1`. Otherwise x becomes the result of the operation, and what was computed from it
before refuses to be differentiated; `x += v` then makes a new Value of that name, as for Python's numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from micrograd_sm import functional, primitives
from micrograd_sm.array import Array, flat_of, is_foreign, namespace
from micrograd_sm.array.indexing import locate
from micrograd_sm.array.parsing import convert, type_of
from micrograd_sm.array.storage import like_storage
from micrograd_sm.array.strides import broadcast_shapes
from micrograd_sm.engine import Value, View, as_value, plain_key, tick
from micrograd_sm.mode import current_mode, scope
from micrograd_sm.randomness import generator_or_default


def set_elements(self: Value, key: Any, value: Any) -> None:
    """Set elements: `x[key] = value`, with every key that `x[key]` takes; the value is broadcast (torch.Tensor.__setitem__).

    >>> from micrograd_sm import zeros
    >>> N = zeros(2, 3, dtype=int)
    >>> N[1, 2] += 1
    >>> N[0] = 7
    >>> N.tolist()
    [[7, 7, 7], [0, 0, 1]]
    """
    positions, new = _selected(self, key, value)
    if _is_recorded(self, new):
        _changed(self, lambda former: _with_recorded(former, positions, new), "x[...] = value")
    else:
        data = like_storage(new._data, self._data)
        _store(self, _with_elements(self._data, positions, flat_of(data), self.shape))


def with_elements_of(x: Value, key: Any, value: Any) -> Value:
    """Return what x is after `x[key] = value`, as a new Value; x stays as it is.

    >>> with_elements_of(Value([1.0, 2.0]), 0, 5.0).tolist()
    [5.0, 2.0]
    """
    return _with_recorded(x, *_selected(x, key, value))


def _selected(x: Value, key: Any, value: Any) -> tuple[list[int], Value]:
    """Return the flat positions that a key selects, and the value broadcast to their shape."""
    positions, shape = locate(plain_key(key), x.shape)
    new = as_value(value, "x[...] = value")
    namespace(x._data, new._data)  # raises if their libraries differ
    while new.ndim > len(shape) and new.shape[0] == 1:
        new = primitives.reshape(new, shape=new.shape[1:])
    try:
        fits = broadcast_shapes(new.shape, shape) == shape
    except RuntimeError:
        fits = False
    if not fits:
        raise RuntimeError(f"x[...] = value: a value of shape {new.shape} cannot fill the selected shape {shape}")
    return positions, primitives.expand(new, shape=shape) if new.shape != shape else new


def _with_recorded(former: Value, positions: Sequence[int], new: Value) -> Value:
    last = {position: place for place, position in enumerate(positions)}  # the last one wins where positions repeat
    if len(last) < len(positions):
        new = primitives.index(new, positions=list(last.values()), shape=(len(last),), key="last")
    chosen = [False] * len(flat_of(former._data))
    for position in last:
        chosen[position] = True
    with scope("setitem"):
        put = primitives.put(new, positions=list(last), shape=former.shape)
        return primitives.where(put, former, condition=like_storage(Array.of(chosen, former.shape, bool), former._data))


def _with_elements(data: Any, positions: Sequence[int], elements: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Return a copy of the data with other elements at flat positions."""
    if is_foreign(data):
        xp = namespace(data)
        flat = xp.reshape(xp.asarray(data, copy=True), (-1,))
        flat[list(positions)] = xp.asarray(list(elements), dtype=data.dtype)
        return xp.reshape(flat, shape)
    kind = type_of(data)
    flat = list(flat_of(data))
    for position, element in zip(positions, elements, strict=True):
        flat[position] = element if type(element) is kind else kind(element)
    return Array.of(flat, shape, kind)


def _store(x: Value, data: Any) -> None:
    """Set the numbers of a Value, and of what it is a view of."""
    if isinstance(x.params, View) and _is_view(x):
        primitive, base, params = x.params
        if primitive is primitives.expand:
            raise RuntimeError(
                "an element of an expanded tensor stands in several places, so it cannot be set in one; clone() it"
            )
        places = primitive.value(Array.of(list(range(len(flat_of(base._data)))), base.shape, int), **params)
        _store(base, _with_elements(base._data, flat_of(places), flat_of(data), base.shape))
    x.data = data


def _is_view(x: Value) -> bool:
    """Return whether torch's tensor would share memory with the operand: not if an index of lists or masks made a copy."""
    primitive, params = (x.params.primitive, x.params.params) if isinstance(x.params, View) else (x.primitive, x.params)
    if primitive is not primitives.index:
        return primitive is not None and primitive.views
    key = params["key"] if isinstance(params["key"], tuple) else (params["key"],)
    plain = (slice, type(None), type(Ellipsis), int)
    return all(isinstance(part, plain) and not isinstance(part, bool) for part in key)


def _is_recorded(x: Value, *others: Value) -> bool:
    return current_mode().recording and any(value._requires_grad for value in (x, *others))


def _changed(x: Value, compute: Callable[[Value], Value], what: str) -> Value:
    """Let a Value become the result of a computation on what it was, and return it. Raises RuntimeError if it must not."""
    recorded = _is_recorded(x)
    if recorded and x.primitive is None:
        raise RuntimeError(
            f"{what}: {x.name or 'this Value'!r} is a leaf that requires a gradient, which a change in place would lose; "
            "change it under no_grad(), or compute a new Value"
        )
    former = _former(x)
    result = compute(former)
    if result.shape != x.shape:
        raise RuntimeError(f"{what}: the result has shape {result.shape}, which does not fit into shape {x.shape}")
    if not result._requires_grad:
        _store(x, _as_held(result._data, x, what))
    elif _is_view(x):
        raise RuntimeError(
            f"{what}: this Value is a view of another, which would change too; change that, or clone() this first"
        )
    else:
        _take_over(x, result)
    return x


def _former(x: Value) -> Value:
    """Return what a Value is now, as a Value of its own: x is about to become another."""
    former = object.__new__(type(x))
    for slot in Value.__slots__[1:]:
        setattr(former, slot, getattr(x, slot))
    former.name = None
    return former


def _take_over(x: Value, result: Value) -> None:
    """Let a Value become the result of an operation on what it was: what was computed from it before is refused from now on."""
    for slot in ("_data", "primitive", "_a", "_b", "params", "_requires_grad", "_place"):
        setattr(x, slot, getattr(result, slot))
    x.grad = None
    x.number = x._changed = tick()


def _as_held(data: Any, x: Value, what: str) -> Any:
    """Return data in the element type of a Value. Raises RuntimeError if that would lose digits, as in torch."""
    if is_foreign(data) or is_foreign(x._data):
        return data
    kinds = [type_of(x._data), type_of(data)]
    if kinds == [int, float] or (kinds[0] is bool and kinds[1] is not bool):
        raise RuntimeError(f"{what}: a result of {kinds[1].__name__}s cannot be held by a Value of {kinds[0].__name__}s")
    return Array.of(convert(list(flat_of(data)), kinds[0]), x.shape, kinds[0])


# Operators and methods -----------------------------------------------------------------------------------------------


def _assigning(name: str, symbol: str) -> Callable[[Value, Any], Any]:
    """Return the method for `x += v` and the like."""

    def method(self: Value, other: Any) -> Any:
        recorded = _is_recorded(self, *([other] if isinstance(other, Value) else ()))
        if recorded and self.shape and self._requires_grad and self.primitive is None:
            _changed(self, lambda former: former, f"x {symbol}= value")  # raises
        result = getattr(self, name)(other)
        return result if recorded or result is NotImplemented else _changed(self, lambda _: result, f"x {symbol}= value")

    return method


def _changing(function: Any, name: str) -> Callable[..., Value]:
    """Return the method `name`, which changes a Value in place as the function computes."""

    def method(self: Value, *args: Any, **options: Any) -> Value:
        return _changed(self, lambda former: function(former, *args, **options), name)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"""Do what `{name[:-1]}` does, in place, and return the Value (torch.Tensor.{name}).

    Raises RuntimeError for a leaf that requires a gradient, unless under `no_grad()`.

    >>> from micrograd_sm import tensor
    >>> tensor([1.0]).{name}({_ARGUMENTS.get(name, "")}).shape
    (1,)
    """
    return method


def _filled(x: Value, number: Callable[[], Any]) -> Value:
    flat = [number() for _ in flat_of(x._data)]
    made = Value(Array.of(flat, x.shape, type(flat[0]) if flat else float), requires_grad=False)
    return made


def _zero(x: Value) -> Value:
    return _filled(x, lambda: 0)


def _fill(x: Value, value: Any) -> Value:
    number = as_value(value, "fill_: value")
    if number.shape:
        raise RuntimeError(f"fill_: value must be one number, got shape {number.shape}")
    return primitives.expand(number, shape=x.shape) if x.shape else number


def _copy(x: Value, src: Any) -> Value:
    new = as_value(src, "copy_: src")
    new = primitives.expand(new, shape=x.shape) if new.shape != x.shape else new
    return new if new._requires_grad or is_foreign(x._data) else new.to(type_of(x._data))


def _uniform(x: Value, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Value:
    source = generator_or_default(generator, "uniform_")
    return _filled(x, lambda: source.uniform(a, b))


def _normal(x: Value, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Value:
    source = generator_or_default(generator, "normal_")
    return _filled(x, lambda: source.gauss(mean, std))


_ARGUMENTS = {
    "add_": "2.0", "sub_": "2.0", "mul_": "2.0", "div_": "2.0", "pow_": "2.0", "fill_": "2.0", "copy_": "[2.0]",
    "clamp_": "0.0",    "masked_fill_": "[True], 0.0", "remainder_": "2.0", "floor_divide_": "2.0", "scatter_": "0, [0], 1.0",
    "index_fill_": "0, [0], 1.0", "scatter_add_": "0, [0], [1.0]",
}  # fmt: skip
_COMPUTED = {"zero_": _zero, "fill_": _fill, "copy_": _copy, "uniform_": _uniform, "normal_": _normal}
_OF_FUNCTIONS = [
    "abs", "add", "ceil", "clamp", "cos", "div", "exp", "floor", "floor_divide", "log", "masked_fill", "mul", "neg", "pow",
    "reciprocal", "relu", "remainder", "round", "scatter", "scatter_add", "sigmoid", "sin", "sqrt", "square", "sub", "tanh",
]  # fmt: skip
_OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "**": "pow", "%": "mod", "//": "floordiv"}
METHODS: dict[str, Any] = {
    "__setitem__": set_elements,
    **{f"__i{name}__": _assigning(f"__{name}__", symbol) for symbol, name in _OPERATORS.items()},
    **{name: _changing(function, name) for name, function in _COMPUTED.items()},
    **{f"{name}_": _changing(getattr(functional, name), f"{name}_") for name in _OF_FUNCTIONS if name in functional.__all__},
}
