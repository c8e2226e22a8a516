"""Limits on the size of what an expression computes: a result that is too large is refused before it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, zip_longest
from math import ceil, isfinite, prod
from typing import Any

from micrograd_sm.array import Array
from micrograd_sm.array.parsing import parse
from micrograd_sm.engine import Value
from micrograd_sm.functional.summation import work_of

MAX_ELEMENTS = 100_000  # of one Value
MAX_TOTAL = 1_000_000  # of all Values of an expression; also multiplications of one matmul
_ELEMENTWISE = (  # arguments that are broadcast together
    "input", "other", "input1", "input2", "x1", "x2", "anchor", "positive", "negative", "condition", "end", "exponent",
    "indices", "mask", "max", "min", "target", "var", "weight", "pos_weight",
)  # fmt: skip
_LISTS = "arithmetic on a list gives a Value here, so [1] * 9 is [9.0]"


def refuse_large(count: float, what: str, most: int = MAX_ELEMENTS) -> int:
    """Return a number of elements. Raises ValueError if it is more than an expression may make."""
    if count > most:
        shown = f"{count:,}" if count < 1e15 else "over 1e15"
        raise ValueError(f"{what} of {shown} elements is too large; an expression may make {most:,}")
    return int(count)


def elements(shape: Iterable[int]) -> int:
    """Return the cost of a shape: its elements, where a size of 0 counts as 1, since the other sizes are still walked."""
    return prod(max(1, size) for size in shape)


def broadcast(operation: Callable, *operands: Any) -> Any:
    """Compute an elementwise operation. Raises ValueError if its result is too large."""
    refuse_large(_broadcast_count(map(_shape, operands)), "a result")
    return operation(*operands)


def matmul(operation: Callable, a: Any, b: Any) -> Any:
    """Compute a matrix product. Raises ValueError if it needs too many multiplications."""
    left, right = _shape(a), _shape(b)
    if left and right:
        made = _broadcast_count([left[:-2], right[:-2]]) * elements((*left[-2:-1], *(right[-1:] if len(right) > 1 else ())))
        refuse_large(made, "a matrix product")
        refuse_large(made * max(1, left[-1]), "a matrix product's work", MAX_TOTAL)
    return operation(a, b)


def check_index(x: Any, key: Any) -> None:
    """Refuse an index if its lists, arrays and Values could select too many elements."""
    refuse_large(_selected(x, key), "a selection")


def _selected(x: Any, key: Any) -> int:
    keys = key if isinstance(key, tuple) else (key,)
    chosen = [_shape(part) for part in keys if isinstance(part, (list, Value, Array))]
    shape = _shape(x)
    return _broadcast_count(chosen) * elements(shape) // max(1, min(shape)) if chosen and shape else 0


def check_call(name: str, arguments: Mapping[str, Any]) -> int:
    """Refuse a call that would make too many elements, by its sizes or by the shapes of its arguments.

    Return how many elements it makes on the way to its result, if they are many more than the result has.
    """
    if name in _WORK:
        return _WORK[name](name, arguments)
    refuse_large(_COUNTS.get(name, _widest)(arguments), name)
    return 0


def _widest(arguments: Mapping[str, Any]) -> int:
    """Return the elements of a result that is no larger than its arguments broadcast together."""
    return _broadcast_count(_shape(arguments[word]) for word in _ELEMENTWISE if arguments.get(word) is not None)


def _input(arguments: Mapping[str, Any]) -> tuple[int, ...]:
    return _shape(arguments["input"])


def _sizes(name: str, word: str, arguments: Mapping[str, Any]) -> Iterator[int]:
    """Yield the sizes in an argument; randint's low and high are sizes only if they are tuples or lists."""
    argument = arguments.get(word, ())
    if word in ("low", "high") and not isinstance(argument, (tuple, list)):
        return
    for sizes in argument if isinstance(argument, (tuple, list)) else (argument,):
        for size in sizes if isinstance(sizes, (tuple, list)) else (sizes,):
            if isinstance(size, (Value, Array)):
                raise ValueError(f"{name}: a size is an int, got a Value of shape {size.shape}; {_LISTS}")
            yield _int(size)


def _kept_size(name: str, arguments: Mapping[str, Any]) -> int:
    """Return the largest size that a -1 among expand's sizes can stand for."""
    word = {"expand": "sizes", "broadcast_to": "size"}.get(name)
    return elements(_shape(arguments["input"])) if word and -1 in _sizes(name, word, arguments) else 1


def _arange_count(arguments: Mapping[str, Any]) -> Any:
    start, end, step = (arguments.get(word) for word in ("start", "end", "step"))
    if not all(x is None or (isinstance(x, (int, float)) and isfinite(x)) for x in (start, end, step)):
        return 0 if not any(isinstance(x, float) for x in (start, end, step)) else float("inf")
    low, high = (0, start) if end is None else (start, end)
    step = 1 if step is None else step
    return ceil(min((high - low) / step, 1e15)) if step and low is not None and high is not None else 0


def _check_product(name: str, arguments: Mapping[str, Any]) -> int:
    """Refuse a product that is too large, or too much work; in linear, the weight is transposed."""
    a, b = arguments["input"], next((arguments[word] for word in _FACTORS if word in arguments), 0.0)
    if name == "linear" and len(_shape(b)) == 2:
        refuse_large(elements((*_shape(a)[:-1], _shape(b)[0])), name)
        refuse_large(elements((*_shape(a), _shape(b)[0])), f"the work of {name}", MAX_TOTAL)
    else:
        matmul(lambda *_: None, a, b)
    return 0


def _check_einsum(name: str, arguments: Mapping[str, Any]) -> int:
    refuse_large(work_of(arguments["equation"], arguments.get("operands", ())), f"the work of {name}", MAX_TOTAL)
    return 0


def _check_running(name: str, arguments: Mapping[str, Any]) -> int:
    """Return what doubling makes: four Values for each time that the longest size can be halved."""
    halvings = max((size - 1).bit_length() for size in (*_input(arguments), 1))
    return refuse_large(4 * elements(_input(arguments)) * halvings, name, MAX_TOTAL)


def _check_pairs(name: str, arguments: Mapping[str, Any]) -> int:
    """Refuse what compares each vector of one argument with each of another if there are too many pairs; return the work."""
    a, b, *others = (_shape(arguments[word]) for word in _PAIRED[name])
    last = max([1, *(shape[-1] for shape in (a, b, *others) if shape)])
    pairs = _broadcast_count([a[:-2], b[:-2]]) * elements((*a[-2:-1], *b[-2:-1]))
    return refuse_large(pairs * last, f"the work of {name}", MAX_TOTAL if others else MAX_ELEMENTS)


def _filled(name: str) -> Callable[[Mapping[str, Any]], int]:
    """Return the count of a function that is given the sizes of its result."""

    def count(arguments: Mapping[str, Any]) -> int:
        named = ("size", "sizes", "shape", "low", "high")
        sizes = [size for word in named if word == "size" or name != "full" for size in _sizes(name, word, arguments)]
        return elements(sizes) * _kept_size(name, arguments)

    return count


def _times(name: str, word: str) -> Callable[[Mapping[str, Any]], int]:
    """Return the count of a function that repeats its input as often as the sizes in an argument say."""
    return lambda arguments: elements(_input(arguments)) * elements(_sizes(name, word, arguments))


def _integers(x: Any) -> list[int]:
    return list(map(_int, parse(_data(x))[0]))


def _eye_count(arguments: Mapping[str, Any]) -> int:
    n, m = arguments.get("n"), arguments.get("m")
    return elements((_int(n), _int(n if m is None else m)))


def _one_hot_count(arguments: Mapping[str, Any]) -> int:
    target = _integers(arguments["target"])
    return elements((len(target), max(*(x + 1 for x in target), _int(arguments.get("num_classes")), 0)))


def _diag_count(arguments: Mapping[str, Any]) -> int:
    shape = _input(arguments)
    return (shape[0] + abs(_int(arguments.get("diagonal")))) ** 2 if len(shape) == 1 else elements(shape)


def _meshgrid_count(arguments: Mapping[str, Any]) -> int:
    given = arguments.get("tensors", ())
    shapes = [_shape(x) for x in (given[0] if len(given) == 1 and isinstance(given[0], (list, tuple)) else given)]
    return len(shapes) * elements(chain.from_iterable(shapes))


def _sides(arguments: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    """Return what `pad` puts before and after each dimension, from the last one."""
    sizes = [max(0, size) for size in _sizes("pad", "pad", arguments)]
    return sizes[::2], sizes[1::2]


def _broadcast_count(shapes: Iterable[tuple[int, ...]]) -> int:
    """Return the cost of the result, at most, if operands of these shapes are broadcast together."""
    return elements(map(max, zip_longest(*(shape[::-1] for shape in shapes), fillvalue=1)))


def _shape(x: Any) -> tuple[int, ...]:
    if isinstance(x, (Value, Array)):
        return x.shape
    return parse(x)[1] if isinstance(x, (list, tuple)) and not _holds_values(x) else ()


def _holds_values(x: Any) -> bool:
    return any(isinstance(y, (Value, Array)) or (isinstance(y, (list, tuple)) and _holds_values(y)) for y in x)


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def _int(x: Any) -> int:
    return x if isinstance(x, int) else int(x.item()) if isinstance(x, Value) and prod(x.shape) == 1 else 0


_FACTORS = ("other", "weight", "mat2", "vec", "tensor")
_PAIRED = {"cdist": ("x1", "x2"), "scaled_dot_product_attention": ("query", "key", "value")}
_WORK: dict[str, Callable[[str, Mapping[str, Any]], int]] = {  # functions that do more than their result shows
    **dict.fromkeys(("bmm", "dot", "linear", "matmul", "mm", "mv"), _check_product),
    **dict.fromkeys(("cumprod", "cumsum"), _check_running),
    **dict.fromkeys(("cdist", "scaled_dot_product_attention"), _check_pairs),
    "einsum": _check_einsum,
}
_SIZED = (
    "broadcast_to",
    "empty",
    "expand",
    "full",
    "ones",
    "rand",
    "randint",
    "randn",
    "reshape",
    "unflatten",
    "view",
    "zeros",
)
_COUNTS: dict[str, Callable[[Mapping[str, Any]], int]] = {  # functions whose result may be larger than what they are given
    **{name: _filled(name) for name in _SIZED},
    **dict.fromkeys(
        ("cat", "concat", "concatenate", "stack", "hstack", "vstack"),
        lambda call: sum(elements(_shape(x)) for x in call["tensors"]),
    ),
    **dict.fromkeys(("cross_entropy", "nll_loss", "multi_margin_loss"), lambda call: elements(_input(call))),
    **dict.fromkeys(("gather", "index_select"), lambda call: _selected(call["input"], _data(call["index"]))),
    "arange": _arange_count,
    "bincount": lambda call: max(_int(call.get("minlength")), *(x + 1 for x in _integers(call["input"])), 0),
    "broadcast_tensors": lambda call: len(call.get("tensors", ())) * _broadcast_count(map(_shape, call.get("tensors", ()))),
    **dict.fromkeys(("max", "min"), lambda call: _broadcast_count([_input(call), _shape(call.get("dim"))])),
    "chunk": lambda call: _int(call["chunks"]) if 0 in _input(call) else elements(_input(call)),
    "diag": _diag_count,
    "embedding": lambda call: elements((*_input(call), *_shape(call["weight"])[1:])),
    "eye": _eye_count,
    "histogram": lambda call: max(_int(call.get("bins", 100)), elements(_input(call))),
    "linspace": lambda call: _int(call["steps"]),
    "meshgrid": _meshgrid_count,
    "multinomial": lambda call: elements((_int(call["num_samples"]), *_input(call)[:-1])),
    "nonzero": lambda call: elements(_input(call)) * max(1, len(_input(call))),
    "one_hot": _one_hot_count,
    "outer": lambda call: elements((*_input(call), *_shape(call["vec2"]))),
    "normal": lambda call: max(_filled("normal")(call), _broadcast_count(_shape(call.get(word)) for word in ("mean", "std"))),
    "pad": lambda call: elements(map(sum, zip_longest(_input(call)[::-1], *_sides(call), fillvalue=0))),
    "randperm": lambda call: _int(call["n"]),
    "repeat": _times("repeat", "repeats"),
    "repeat_interleave": lambda call: elements(_input(call)) * max(*_integers(call["repeats"]), 1),
    "tile": _times("tile", "dims"),
}
