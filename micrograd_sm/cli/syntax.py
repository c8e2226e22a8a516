"""The grammar of an expression: all of it is checked before any of it is computed."""

from __future__ import annotations

import ast
import difflib
import operator
import textwrap
from collections.abc import Callable, Iterable
from math import inf, nan
from typing import NoReturn

from micrograd_sm import creation, functional
from micrograd_sm.engine import Value
from micrograd_sm.words.names import shortened, visible

MAX_LENGTH = 10_000  # characters of an expression
MAX_DEPTH = 100  # levels of nested brackets, calls and operators

FUNCTIONS: dict[str, Callable] = {
    "Value": Value,
    **{name: getattr(functional, name) for name in functional.__all__},
    **{name: getattr(creation, name) for name in creation.__all__},
}
METHODS = {name for name in functional.__all__ if hasattr(Value, name)} | {"detach"}
ATTRIBUTES = {"T", "bin_edges", "hist", "indices", "values"}
NUMBERS = {"inf": inf, "nan": nan}
ALLOWED = (
    "an expression holds numbers, lists, names assigned in it, + - * / ** @, comparisons, indexing, and calls of "
    "micrograd_sm's functions"
)

BINARY: dict[type, Callable] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.MatMult: operator.matmul,
}  # fmt: skip
COMPARE: dict[type, Callable] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_STRUCTURE = (ast.List, ast.Tuple, ast.BinOp, ast.Subscript, ast.Slice)


def checked(source: str, names: Iterable[str] = ()) -> list[ast.stmt]:
    """Return the statements of an expression, in which `names` are known. Raises ValueError if anything is not allowed."""
    if len(source) > MAX_LENGTH:
        raise ValueError(f"the expression is {len(source):,} characters long; at most {MAX_LENGTH:,} are allowed")
    source = textwrap.dedent(source).strip()
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        why = "a number has too many digits" if "digits" in error.msg else visible(error.msg)
        raise ValueError(f"the expression cannot be read: {why}") from None
    except UnicodeEncodeError:
        raise ValueError("the expression cannot be read: it is not valid UTF-8 text") from None
    except (RecursionError, MemoryError):
        raise ValueError(f"the expression is nested too deeply; at most {MAX_DEPTH} levels are allowed") from None
    if not statements:
        raise ValueError(f"the expression is empty; {ALLOWED}")
    known = {*NUMBERS, *names}
    for statement in statements:
        known |= _check_statement(statement, known, source)
    return statements


def _check_statement(statement: ast.stmt, known: set[str], source: str) -> set[str]:
    """Refuse a statement that is not allowed, and return the names that it assigns."""
    if isinstance(statement, ast.Expr):
        _check(statement.value, known, source)
        return set()
    if not isinstance(statement, ast.Assign):
        _refuse(statement, source)
    _check(statement.value, known, source)
    for target in statement.targets:
        if not isinstance(target, ast.Name):
            raise ValueError(f"only a name can be assigned to, not {_excerpt(target, source)}")
        taken = target.id in NUMBERS or (target.id in FUNCTIONS and target.id != "t")  # t = [1] is a target more often than not
        if target.id.startswith("_") or taken:
            why = "starts with an underscore" if target.id.startswith("_") else "has a meaning here already"
            raise ValueError(f"the name {visible(target.id)} {why}; choose another")
    return {target.id for target in statement.targets if isinstance(target, ast.Name)}


def _check(root: ast.expr, known: set[str], source: str) -> None:
    """Refuse every node that is not on the lists. It does not recurse, so no depth of nesting can break it."""
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
        return type(node.op) in BINARY
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, (ast.USub, ast.UAdd))
    if isinstance(node, ast.Compare):
        return len(node.ops) == 1 and type(node.ops[0]) in COMPARE
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
    raise ValueError(f"the name {shortened(visible(name))} is unknown{near(name, known | set(FUNCTIONS))}; {ALLOWED}")


def _check_call(node: ast.Call, source: str) -> None:
    """Refuse a call of anything but a function or method on the lists."""
    if any(isinstance(argument, ast.Starred) for argument in node.args) or any(word.arg is None for word in node.keywords):
        raise ValueError(f"* or ** before an argument is not allowed in {_excerpt(node, source)}: {ALLOWED}")
    if isinstance(node.func, ast.Attribute):
        _check_attribute(node.func.attr, METHODS)
    elif not isinstance(node.func, ast.Name):
        raise ValueError(f"only a function by its name can be called, not {_excerpt(node.func, source)}; {ALLOWED}")
    elif node.func.id not in FUNCTIONS:
        meant = near(node.func.id, set(FUNCTIONS)) or "; those of micrograd_sm.functional and micrograd_sm.creation are"
        raise ValueError(f"the function {shortened(visible(node.func.id))} is not allowed{meant}")


def _check_attribute(name: str, allowed: set[str]) -> None:
    if name in allowed:
        return
    if name in METHODS:
        raise ValueError(f"{name} is a method: call it, as in x.{name}(...)")
    raise ValueError(f"the attribute .{shortened(visible(name))} is not allowed{near(name, METHODS)}: {ALLOWED}")


def near(name: str, names: set[str]) -> str:
    """Return a question with the name that is most alike, or "" if none is."""
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
