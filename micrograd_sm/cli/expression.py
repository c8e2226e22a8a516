"""From the text of an expression to a Value: all of it is checked before any of it is computed, never with eval."""

from __future__ import annotations

import ast
import inspect
import linecache
import operator
from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property
from typing import Any

from micrograd_sm import creation, functional
from micrograd_sm.array import Array
from micrograd_sm.array.dtypes import FLOAT64
from micrograd_sm.cli import limits
from micrograd_sm.cli.syntax import BINARY, COMPARE, FUNCTIONS, NUMBERS, checked, near
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.dims import torchs_names
from micrograd_sm.mode import on_line
from micrograd_sm.words.names import shortened, visible

_FILE = "expression"
_SMALL_BASE = 1000
_INPUTS = {  # arguments that a gradient reaches: a number or list there becomes a leaf
    "input", "other", "input1", "input2", "x1", "x2", "anchor", "positive", "negative", "end",
}  # fmt: skip
_MORE_INPUTS = {
    **{name: {"weight", "bias"} for name in ("linear", "layer_norm", "batch_norm", "embedding", "rms_norm")},
    **{name: {"tensors"} for name in ("cat", "concat", "concatenate", "stack", "hstack", "vstack")},
    "dot": {"tensor"}, "mv": {"vec"}, "mm": {"mat2"}, "bmm": {"mat2"}, "outer": {"vec2"}, "einsum": {"*operands"},
    "meshgrid": {"*tensors"}, "broadcast_tensors": {"*tensors"}, "scatter_add": {"src"}, "scatter": {"src"},
    "index_add": {"source"}, "scaled_dot_product_attention": {"query", "key", "value"},
}  # fmt: skip
_NO_INPUTS = {"embedding": {"input"}, "bincount": {"input"}}  # integers there stay integers


def evaluate(source: str, lines: bool = False) -> Value:
    """Return the Value of an expression, with its graph; nothing runs unless all of the expression is allowed.

    With `lines`, each Value remembers its statement as a line of a file that is called `expression`.

    Assignments, separated by `;` or new lines, may come first. Numbers and lists become leaves if they are operands or inputs
    of functions; exponents, targets, dims and indices stay as they are. Raises ValueError if something is not allowed or too
    large, or if there is no graph, and the errors of the functions.
    """
    run, result = _Evaluation(), None
    statements = checked(source)
    if lines:
        written = [f"{ast.unparse(statement)}\n" for statement in statements]
        linecache.cache[_FILE] = (0, None, written, _FILE)
    for number, statement in enumerate(statements, 1):
        with on_line(_FILE, number) if lines else nullcontext():
            result = run.statement(statement)
    if isinstance(result, tuple) and _is_several(result):
        raise ValueError(f"the result is {len(result)} Values: choose one, {_ways_to_take(result)}")
    if not isinstance(result, Value):
        raise ValueError(f"the result, {shortened(visible(str(result)))}, is not a Value, so it has no graph")
    if result.op is None:
        what = f"the result, {shortened(visible(result.name))}," if result.name else "the result"
        raise ValueError(f"{what} is not computed from anything that requires a gradient, so it has no graph")
    return result


def function_of(source: str, *names: str) -> Callable[..., Value]:
    """Return an expression as a function of variables of these names: Values stay Values, and lists are used as written.

    Raises ValueError if something in it is not allowed.
    """
    statements = checked(source, names)

    def function(*arguments: Any) -> Any:
        run, result = _Evaluation(), None
        run.names.update(zip(names, arguments, strict=True))
        for statement in statements:
            result = run.statement(statement)
        return result

    function.__name__ = source
    return function


def variables(source: str) -> dict[str, Any]:
    """Return what the assignments of an expression made, by name: Values, and numbers and lists as they were written."""
    run = _Evaluation()
    for statement in checked(source):
        run.statement(statement)
    return {name: x.plain if isinstance(x, _Literal) else x for name, x in run.names.items() if name not in NUMBERS}


# Computing ----------------------------------------------------------------------------------------------------------


class _Literal:
    """A number or list with a name: a target or dim uses it as it is, and all operands share one leaf."""

    def __init__(self, plain: Any, name: str) -> None:
        self.plain, self.name = plain, name

    @cached_property
    def leaf(self) -> Value:
        return Value(self.plain, name=self.name)


class _Evaluation:
    """A run through checked statements: their names, and how many elements they have made so far."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = dict(NUMBERS)
        self.made = 0

    def statement(self, statement: Any) -> Any:
        node, names = statement.value, [target.id for target in getattr(statement, "targets", [])]
        if isinstance(node, ast.Name):
            result = self.names[node.id]
        elif names and _is_literal(node):
            result = _Literal(self.plain(node), names[0])
        else:
            result = self.operand(node) if isinstance(node, (ast.List, ast.Tuple)) else self.plain(node, folded=False)
        if isinstance(result, Value) and names and result.name is None:
            result.name = names[0]
        self.names.update(dict.fromkeys(names, result))
        return result.leaf if isinstance(result, _Literal) else result

    def operand(self, node: ast.expr, name: str | None = None) -> Any:
        """Return a node as a Value: a number or list becomes a leaf, a list of Values is stacked."""
        if isinstance(node, ast.Name) and isinstance(self.names[node.id], _Literal):
            return self.names[node.id].leaf
        if isinstance(node, (ast.List, ast.Tuple)) and not _is_literal(node):
            return self._counted(as_value([self.operand(element) for element in node.elts]))
        x = self.plain(node, folded=False)
        if _is_several(x):
            raise ValueError(f"this gives {len(x)} Values, and what uses it here needs a Value: take {_ways_to_take(x)}")
        return Value(x, name=name) if isinstance(x, (int, float, list, tuple)) else x

    def plain(self, node: Any, folded: bool = True) -> Any:
        """Return a node as it is. If `folded`, arithmetic on numbers stays plain, for a dim, target or index."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                x = self.names[node.id]
                return x.plain if isinstance(x, _Literal) else x
            case ast.List() | ast.Tuple():
                elements = [self.plain(element, folded) for element in node.elts]
                return tuple(elements) if isinstance(node, ast.Tuple) else elements
            case ast.Slice():
                return slice(*(None if end is None else self.plain(end) for end in (node.lower, node.upper, node.step)))
            case ast.UnaryOp():
                return self._unary(node, folded)
            case ast.BinOp():
                return self._binary(node, folded)
            case ast.Compare():
                left, right = self.operand(node.left), self.operand(node.comparators[0])
                return self._counted(limits.broadcast(COMPARE[type(node.ops[0])], left, right))
            case ast.Subscript():
                return self._subscript(node)
            case ast.Attribute():
                return self._attribute(node)
        return self._call(node)

    def _unary(self, node: ast.UnaryOp, folded: bool) -> Any:
        literal = folded or _is_literal(node.operand)
        x = self.plain(node.operand) if literal else self.operand(node.operand)
        x = x if isinstance(x, (int, float, Value, Array)) else self.operand(node.operand)
        return self._counted(-x if isinstance(node.op, ast.USub) else x)

    def _binary(self, node: ast.BinOp, folded: bool) -> Any:
        operation = BINARY[type(node.op)]
        if folded:
            left, right = self.plain(node.left), self.plain(node.right)
            if isinstance(left, (int, float)) and isinstance(right, (int, float)):
                return _folded(operation, left, right)
        left = self.operand(node.left)
        exponent = isinstance(node.op, ast.Pow) and _is_literal(node.right)
        right = self.plain(node.right) if exponent else self.operand(node.right)
        check = limits.matmul if isinstance(node.op, ast.MatMult) else limits.broadcast
        return self._counted(check(operation, left, right))

    def _subscript(self, node: ast.Subscript) -> Any:
        key = self.plain(node.slice)
        x = self._pair_or_operand(node.value)
        if isinstance(x, tuple):
            return x[key]
        limits.check_index(x, key)
        return self._counted(x[key])

    def _pair_or_operand(self, node: ast.expr) -> Any:
        """Return the Values of max, split, ... as they are, and anything else as an operand."""
        pair = self.plain(node, folded=False) if isinstance(node, (ast.Name, ast.Call)) else None
        if isinstance(node, ast.Call) and isinstance(pair, (Value, Array)):
            return pair
        return pair if _is_several(pair) else self.operand(node)

    def _attribute(self, node: ast.Attribute) -> Any:
        x = self._pair_or_operand(node.value)
        if node.attr not in (("T",) if isinstance(x, Value) else getattr(x, "_fields", ())):
            owners = {"T": "a Value has", "hist": "histogram has", "bin_edges": "histogram has"}
            raise ValueError(
                f"only {owners.get(node.attr, 'what max and min with a dim, sort and topk give has')} .{node.attr}"
            )
        return getattr(x, node.attr)

    def _call(self, node: ast.Call) -> Any:
        """Call a function or method; arguments that a gradient can reach become leaves."""
        if isinstance(node.func, ast.Attribute):
            name, function, base = node.func.attr, getattr(Value, node.func.attr), [self.operand(node.func.value)]
            if not isinstance(base[0], Value):
                raise ValueError(f"the method {name} needs a Value before it")
        else:
            name, base = node.func.id, []  # type: ignore[attr-defined]
            function = FUNCTIONS[name]
        inputs = _INPUTS | _MORE_INPUTS.get(name, set()) if name in functional.__all__ else set()
        inputs -= _NO_INPUTS.get(name, set())
        signature = inspect.signature(function)
        words = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD][len(base) :]
        rest = [f"*{p.name}" for p in signature.parameters.values() if p.kind is p.VAR_POSITIONAL]
        words += (rest or [""]) * len(node.args)
        args = base + [self._argument(argument, word, inputs) for word, argument in zip(words, node.args, strict=False)]
        kwargs = {str(word.arg): self._argument(word.value, str(word.arg), inputs) for word in node.keywords}
        kwargs = torchs_names(name, kwargs) if "dim" in signature.parameters else kwargs
        bound = _bound(name, signature, args, kwargs)
        self.made += limits.check_call(name, bound)
        result = function(*args, **kwargs)
        if name in creation.__all__ and "requires_grad" not in bound and result.dtype is FLOAT64:
            result.requires_grad = True  # as for the numbers and lists of an expression
        return self._counted(result, *bound.values())

    def _argument(self, node: ast.expr, word: str, inputs: set[str]) -> Any:
        if word not in inputs:
            return self.plain(node)
        several = word == "tensors" or (word[0] == "*" and not _is_literal(node))
        if several and isinstance(node, (ast.List, ast.Tuple)):
            return [self.operand(element) for element in node.elts]
        return self.operand(node, name=word)

    def _counted(self, x: Any, *read: Any) -> Any:
        """Return x, and refuse to go on if too many elements were made or read so far; a pair counts as two Values."""
        parts = x if isinstance(x, tuple) else (x,)
        made = sum(limits.refuse_large(limits.elements(part.shape), "a Value") for part in parts if _has_shape(part))
        self.made += max([made, *(limits.elements(part.shape) for part in read if _has_shape(part))])
        if self.made > limits.MAX_TOTAL:
            raise ValueError(f"the expression works on more than {limits.MAX_TOTAL:,} elements in all")
        return x


def _is_several(x: Any) -> bool:
    """Return whether a result is a tuple of Values, as of max with a dim, split or meshgrid."""
    return isinstance(x, tuple) and any(isinstance(part, Value) for part in x)


def _ways_to_take(x: tuple) -> str:
    fields = " or ".join(f".{field}" for field in getattr(x, "_fields", ()))
    places = "[0] or [1]" if len(x) == 2 else "[0]"
    return f"{fields}, or {places}" if fields else f"as in {places}"


def _has_shape(x: Any) -> bool:
    return isinstance(x, (Value, Array))


def _bound(name: str, signature: inspect.Signature, args: list, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return a call's arguments by name. Raises ValueError that names the argument if they do not fit."""
    known = set(signature.parameters)
    if unknown := [word for word in kwargs if word not in known]:
        raise ValueError(f"{name}: there is no argument {shortened(visible(unknown[0]))}{near(unknown[0], known)}")
    try:
        return signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None


def _is_literal(node: ast.AST) -> bool:
    if isinstance(node, (ast.List, ast.Tuple)):
        return all(map(_is_literal, node.elts))
    node = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in NUMBERS)


def _folded(operation: Callable, left: float, right: float) -> float:
    """Compute on two plain numbers. Large powers are computed as floats, since ints would grow without bound."""
    try:
        if operation is operator.pow and not (isinstance(left, int) and right in range(64) and abs(left) <= _SMALL_BASE):
            left, right = float(left), float(right)
        return operation(left, right)
    except (ArithmeticError, TypeError) as error:
        raise ValueError(f"an argument cannot be computed: {error.args[-1]}") from None
