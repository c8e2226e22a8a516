"""The user's expression, as text, to a Value: parsed and checked as a whole before any of it is computed; never eval."""

from __future__ import annotations

import ast
import difflib
import inspect
import operator
from collections.abc import Callable
from math import inf, nan, prod
from typing import Any, NoReturn

from micrograd_sm import creation, functional, limits
from micrograd_sm.array import Array
from micrograd_sm.draw.text import shortened, visible
from micrograd_sm.engine import Value, as_value

MAX_LENGTH = 10_000  # characters of an expression
_SMALL_BASE = 1000
MAX_DEPTH = 100  # brackets, calls and operators within one another

CREATION = ("arange", "eye", "full", "ones", "rand", "randint", "randn", "zeros")
FUNCTIONS: dict[str, Callable] = {
    "Value": Value,
    **{name: getattr(functional, name) for name in functional.__all__},
    **{name: getattr(creation, name) for name in CREATION},
}
METHODS = {name for name in functional.__all__ if hasattr(Value, name)} | {"detach"}
ATTRIBUTES = {"T", "values", "indices"}
NUMBERS = {"inf": inf, "nan": nan}
ALLOWED = (
    "an expression holds numbers, lists, names assigned in it, + - * / ** @, comparisons, indexing, and calls of "
    "micrograd_sm's functions"
)

_BINARY: dict[type, Callable] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.MatMult: operator.matmul,
}  # fmt: skip
_COMPARE: dict[type, Callable] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_STRUCTURE = (ast.List, ast.Tuple, ast.BinOp, ast.Subscript, ast.Slice)
_INPUTS = {"input", "other"}  # arguments through which a gradient flows: a number or list there becomes a leaf
_MORE_INPUTS = {"linear": {"weight", "bias"}, "cat": {"tensors"}, "stack": {"tensors"}}


def evaluate(source: str) -> Value:
    """Return the Value of an expression, with its graph; nothing of it runs unless all of it is allowed.

    Assignments come before it, separated by `;` or new lines, and name Values. Numbers and lists become leaves that
    require a gradient where they are operands of arithmetic or the input of a function; exponents, targets, dims and
    indices stay as they are. Raises ValueError for what is not allowed, too large, or computes nothing, and what the
    functions raise.

    >>> evaluate("a = 2.0; b = -3.0; a * b + a")
    Value(-4., op=add)
    >>> evaluate("().__class__")
    Traceback (most recent call last):
        ...
    ValueError: the attribute .__class__ is not allowed: an expression holds numbers, lists, names assigned in it, \
+ - * / ** @, comparisons, indexing, and calls of micrograd_sm's functions
    """
    statements = _checked(source)
    result = _Evaluation().run(statements)
    if isinstance(result, tuple) and hasattr(result, "values"):
        raise ValueError("the result is a pair, values and indices: choose one, as in max([1.0, 2.0], 0).values")
    if not isinstance(result, Value):
        raise ValueError(f"the result, {shortened(visible(str(result)))}, is no Value, so it has no graph")
    if result.op is None:
        raise ValueError("the result is not computed from anything that requires a gradient, so it has no graph")
    return result


# Checking, before anything runs -------------------------------------------------------------------------------------


def _checked(source: str) -> list[ast.stmt]:
    """Parse an expression and return its statements, or refuse it."""
    if len(source) > MAX_LENGTH:
        raise ValueError(f"the expression is {len(source):,} characters long; at most {MAX_LENGTH:,} are allowed")
    try:
        statements = ast.parse(source.strip()).body
    except SyntaxError as error:
        raise ValueError(f"the expression cannot be read: {visible(str(error.msg))}") from None
    except (RecursionError, MemoryError):
        raise ValueError(f"the expression is nested too deeply; at most {MAX_DEPTH} levels are allowed") from None
    if not statements:
        raise ValueError(f"the expression is empty; {ALLOWED}")
    known = set(NUMBERS)
    for statement in statements:
        known |= _check_statement(statement, known, source.strip())
    return statements


def _check_statement(statement: ast.stmt, known: set[str], source: str) -> set[str]:
    """Refuse what is not allowed in a statement, and return the names that it assigns."""
    if isinstance(statement, ast.Expr):
        _check(statement.value, known, source)
        return set()
    if not isinstance(statement, ast.Assign):
        _refuse(statement, source)
    _check(statement.value, known, source)
    for target in statement.targets:
        if not isinstance(target, ast.Name):
            raise ValueError(f"only a name can be assigned to, not {_excerpt(target, source)}")
        if target.id.startswith("_") or target.id in FUNCTIONS or target.id in NUMBERS:
            why = "starts with an underscore" if target.id.startswith("_") else "has a meaning here already"
            raise ValueError(f"the name {visible(target.id)} {why}; choose another")
    return {target.id for target in statement.targets if isinstance(target, ast.Name)}


def _check(root: ast.expr, known: set[str], source: str) -> None:
    """Refuse whatever is not on the list; walks without recursion, so that no nesting can break it."""
    waiting: list[tuple[ast.AST, int, bool]] = [(root, 1, False)]
    while waiting:
        node, depth, is_argument = waiting.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"the expression is nested more than {MAX_DEPTH} levels deep")
        if isinstance(node, ast.Constant):
            _check_constant(node, is_argument)
        elif isinstance(node, ast.Name):
            _check_name(node.id, known)
        elif isinstance(node, ast.Call):
            _check_call(node, source)
            waiting += [(argument, depth + 1, True) for argument in (*node.args, *(word.value for word in node.keywords))]
            waiting += [(node.func.value, depth + 1, False)] if isinstance(node.func, ast.Attribute) else []
        elif isinstance(node, ast.Attribute):
            _check_attribute(node.attr, ATTRIBUTES)
            waiting.append((node.value, depth + 1, False))
        elif _is_allowed(node):
            waiting += [(child, depth + 1, False) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        else:
            _refuse(node, source)


def _is_allowed(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return type(node.op) in _BINARY
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, (ast.USub, ast.UAdd))
    if isinstance(node, ast.Compare):
        return len(node.ops) == 1 and type(node.ops[0]) in _COMPARE
    return isinstance(node, _STRUCTURE)


def _check_constant(node: ast.Constant, is_argument: bool) -> None:
    if isinstance(node.value, str) and not is_argument:
        raise ValueError(f"text, {shortened(visible(repr(node.value)))}, is allowed only as an argument; {ALLOWED}")
    if not isinstance(node.value, (int, float, str)) and node.value not in (None, Ellipsis):
        raise ValueError(f"{type(node.value).__name__}, {shortened(visible(repr(node.value)))}, is not allowed; {ALLOWED}")


def _check_name(name: str, known: set[str]) -> None:
    if name in known:
        return
    if name in FUNCTIONS:
        raise ValueError(f"{name} is a function: call it, as in {name}(...)")
    raise ValueError(f"the name {shortened(visible(name))} is unknown{_near(name, known | set(FUNCTIONS))}; {ALLOWED}")


def _check_call(node: ast.Call, source: str) -> None:
    """Refuse a call of anything but a function or method on the lists."""
    if any(isinstance(argument, ast.Starred) for argument in node.args) or any(word.arg is None for word in node.keywords):
        raise ValueError(f"* or ** before an argument is not allowed in {_excerpt(node, source)}: {ALLOWED}")
    if isinstance(node.func, ast.Attribute):
        _check_attribute(node.func.attr, METHODS)
    elif not isinstance(node.func, ast.Name):
        raise ValueError(f"only a function by its name can be called, not {_excerpt(node.func, source)}; {ALLOWED}")
    elif node.func.id not in FUNCTIONS:
        near = _near(node.func.id, set(FUNCTIONS)) or f"; the functions are {', '.join(sorted(FUNCTIONS))}"
        raise ValueError(f"the function {shortened(visible(node.func.id))} is not allowed{near}")


def _check_attribute(name: str, allowed: set[str]) -> None:
    if name in allowed:
        return
    if name in METHODS:
        raise ValueError(f"{name} is a method: call it, as in x.{name}(...)")
    raise ValueError(f"the attribute .{shortened(visible(name))} is not allowed{_near(name, METHODS)}: {ALLOWED}")


def _near(name: str, names: set[str]) -> str:
    found = difflib.get_close_matches(name[:40], sorted(names), n=1)
    return f" (did you mean {found[0]}?)" if found else ""


def _refuse(node: ast.AST, source: str) -> NoReturn:
    kind = _WORDS.get(type(node).__name__, type(node).__name__)
    raise ValueError(f"{kind} is not allowed{_excerpt(node, source, ' in ')}: {ALLOWED}")


_WORDS = {
    "Lambda": "lambda", "ListComp": "a comprehension", "SetComp": "a comprehension", "DictComp": "a comprehension",
    "GeneratorExp": "a comprehension", "JoinedStr": "an f-string", "NamedExpr": ":=", "Starred": "a starred expression",
    "Import": "import", "ImportFrom": "import", "IfExp": "if", "BoolOp": "and/or", "Dict": "a dict", "Set": "a set",
    "Await": "await", "FunctionDef": "def", "ClassDef": "class", "For": "for", "While": "while", "AugAssign": "changing a name",
    "BinOp": "this operator", "UnaryOp": "this operator", "Compare": "this comparison", "Delete": "del",
}  # fmt: skip


def _excerpt(node: ast.AST, source: str, before: str = "") -> str:
    text = ast.get_source_segment(source, node) if hasattr(node, "lineno") else None
    return f"{before}{shortened(visible(text))}" if text else ""


# Computing ----------------------------------------------------------------------------------------------------------


class _Literal:
    """A number or list that a name stands for: itself as a target or dim, one leaf wherever it is an operand."""

    def __init__(self, plain: Any, name: str) -> None:
        self.plain, self.name = plain, name
        self._leaf: Value | None = None

    def leaf(self) -> Value:
        if self._leaf is None:
            self._leaf = Value(self.plain, name=self.name)
        return self._leaf


class _Evaluation:
    """One run through checked statements: their names, and how many elements they have made so far."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = dict(NUMBERS)
        self.made = 0

    def run(self, statements: list[ast.stmt]) -> Any:
        """Compute every statement and return what the last one gives."""
        result: Any = None
        for statement in statements:
            result = self._statement(statement)
        return result

    def _statement(self, statement: Any) -> Any:
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
        return result.plain if isinstance(result, _Literal) else result

    def operand(self, node: ast.expr, name: str | None = None) -> Any:
        """Return a node as a Value: a number or list becomes a leaf, a list that holds Values is stacked."""
        if isinstance(node, ast.Name) and isinstance(self.names[node.id], _Literal):
            return self.names[node.id].leaf()
        if isinstance(node, (ast.List, ast.Tuple)) and not _is_literal(node):
            return self._counted(as_value([self.operand(element) for element in node.elts]))
        x = self.plain(node, folded=False)
        return Value(x, name=name) if isinstance(x, (int, float, list, tuple)) and not hasattr(x, "_fields") else x

    def plain(self, node: Any, folded: bool = True) -> Any:
        """Return a node as it stands; `folded` keeps arithmetic of numbers plain, for a dim, a target or an index."""
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
                right = self.operand(node.comparators[0])
                return limits.broadcast(_COMPARE[type(node.ops[0])], self.operand(node.left), right)
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
        operation = _BINARY[type(node.op)]
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
        x = self.operand(node.value)
        if isinstance(x, tuple):
            return x[key]
        limits.check_index(x, key)
        return self._counted(x[key])

    def _attribute(self, node: ast.Attribute) -> Any:
        x = self.operand(node.value)
        if not isinstance(x, Value if node.attr == "T" else tuple):
            raise ValueError(f".{node.attr} is known only of {'a Value' if node.attr == 'T' else 'max and min with a dim'}")
        return getattr(x, node.attr)

    def _call(self, node: ast.Call) -> Any:
        """Call a function or method, with leaves for the arguments that a gradient can reach."""
        if isinstance(node.func, ast.Attribute):
            name, function, base = node.func.attr, getattr(Value, node.func.attr), [self.operand(node.func.value)]
            if not isinstance(base[0], Value):
                raise ValueError(f"the method {name} needs a Value before it")
        else:
            name, base = node.func.id, []  # type: ignore[attr-defined]
            function = FUNCTIONS[name]
        inputs = _INPUTS | _MORE_INPUTS.get(name, set()) if name in functional.__all__ else set()
        signature = inspect.signature(function)
        words = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD][len(base) :]
        words += [""] * len(node.args)
        args = base + [self._argument(argument, word, inputs) for word, argument in zip(words, node.args, strict=False)]
        kwargs = {str(word.arg): self._argument(word.value, str(word.arg), inputs) for word in node.keywords}
        try:
            bound = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise ValueError(f"{name}: {error}") from None
        limits.check_call(name, bound)
        return self._counted(function(*args, **kwargs))

    def _argument(self, node: ast.expr, word: str, inputs: set[str]) -> Any:
        if word not in inputs:
            return self.plain(node)
        if word == "tensors" and isinstance(node, (ast.List, ast.Tuple)):
            return [self.operand(element) for element in node.elts]
        return self.operand(node, name=word)

    def _counted(self, x: Any) -> Any:
        """Return x, or refuse to go on when the Values made so far are too many and too large."""
        if isinstance(x, Value):
            self.made += limits.refuse_large(prod(x.shape), "a Value")
            if self.made > limits.MAX_TOTAL:
                raise ValueError(f"the expression makes Values of more than {limits.MAX_TOTAL:,} elements in all")
        return x


def _is_literal(node: ast.AST) -> bool:
    if isinstance(node, (ast.List, ast.Tuple)):
        return all(map(_is_literal, node.elts))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.operand, ast.Constant) or (isinstance(node.operand, ast.Name) and node.operand.id in NUMBERS)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in NUMBERS)


def _folded(operation: Callable, left: float, right: float) -> float:
    """Compute on two plain numbers; powers as floats, which cannot grow without bound, unless they are small ints."""
    try:
        if operation is operator.pow and not (isinstance(left, int) and right in range(64) and abs(left) <= _SMALL_BASE):
            left, right = float(left), float(right)
        return operation(left, right)
    except (ArithmeticError, TypeError) as error:
        raise ValueError(f"an argument cannot be computed: {error}") from None
