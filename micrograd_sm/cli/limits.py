"""Limits on the size of what an expression computes: a result that is too large is refused before it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import zip_longest
from math import ceil, isfinite, prod
from typing import Any

from micrograd_sm.array import Array
from micrograd_sm.array.parsing import parse
from micrograd_sm.engine import Value

MAX_ELEMENTS = 100_000  # of one Value
MAX_TOTAL = 1_000_000  # of all Values of an expression; also multiplications of one matmul
_ELEMENTWISE = (  # arguments that are broadcast together
    "input", "other", "input1", "input2", "x1", "x2", "anchor", "positive", "negative", "condition", "end", "exponent", "mask",
    "max", "min", "target", "var", "weight", "pos_weight",
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
    keys = key if isinstance(key, tuple) else (key,)
    chosen = [_shape(part) for part in keys if isinstance(part, (list, Value, Array))]
    shape = _shape(x)
    if chosen and shape:
        refuse_large(_broadcast_count(chosen) * elements(shape) // max(1, min(shape)), "a selection")


def check_call(name: str, arguments: Mapping[str, Any]) -> None:
    """Refuse a call that would make too many elements, by its sizes or by the shapes of its arguments."""
    if name in ("zeros", "ones", "rand", "randn", "full", "randint", "expand", "reshape"):
        named = ("size", "sizes", "shape", "low", "high")
        sizes = [size for word in named if word == "size" or name != "full" for size in _sizes(name, word, arguments)]
        refuse_large(elements(sizes) * _kept_size(name, arguments), name)
    elif name == "eye":
        n, m = arguments.get("n"), arguments.get("m")
        refuse_large(elements((_int(n), _int(n if m is None else m))), name)
    elif name == "arange":
        refuse_large(_arange_count(arguments), name)
    elif name == "one_hot":
        flat, _ = parse(_data(arguments["target"]))
        classes = [_int(x) + 1 for x in flat] + [_int(arguments.get("num_classes"))]
        refuse_large(elements((len(flat), max(classes))), name)
    elif name == "multinomial":
        refuse_large(elements((_int(arguments["num_samples"]), *_shape(arguments["input"])[:-1])), name)
    elif name in ("cat", "stack"):
        refuse_large(sum(elements(_shape(x)) for x in arguments["tensors"]), name)
    elif name in ("matmul", "linear"):
        _check_product(name, arguments)
    elif name in ("gather", "index_select"):
        check_index(arguments["input"], _data(arguments["index"]))
    else:
        refuse_large(
            _broadcast_count(_shape(arguments[word]) for word in _ELEMENTWISE if arguments.get(word) is not None), name
        )


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
    return elements(_shape(arguments["input"])) if name == "expand" and -1 in _sizes(name, "sizes", arguments) else 1


def _arange_count(arguments: Mapping[str, Any]) -> float:
    start, end, step = (arguments.get(word) for word in ("start", "end", "step"))
    if not all(x is None or (isinstance(x, (int, float)) and isfinite(x)) for x in (start, end, step)):
        return 0 if not any(isinstance(x, float) for x in (start, end, step)) else float("inf")
    low, high = (0, start) if end is None else (start, end)
    step = 1 if step is None else step
    return ceil(min((high - low) / step, 1e15)) if step and low is not None and high is not None else 0


def _check_product(name: str, arguments: Mapping[str, Any]) -> None:
    a, b = arguments["input"], arguments["other" if name == "matmul" else "weight"]
    if name == "linear" and len(_shape(b)) == 2:
        refuse_large(elements((*_shape(a)[:-1], _shape(b)[0])), name)
        refuse_large(elements((*_shape(a), _shape(b)[0])), f"the work of {name}", MAX_TOTAL)
    else:
        matmul(lambda *_: None, a, b)


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
