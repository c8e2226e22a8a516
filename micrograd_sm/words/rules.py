"""The local derivative of each operation as the rule of a book: d tanh(u)/du = 1 - tanh(u)^2.

A rule is a line of Python, with u and v for the operands, or words where a book has words. On arrays it is the rule of one
element.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from micrograd_sm.words.terms import Call, Derivative, Infix, Name, Number, Term, Transposed, Words

_LETTERS = "uv"
_ELEMENTWISE: Mapping[str, tuple[str, ...]] = {  # the operation, then its derivative by each operand
    "add": ("u + v", "1", "1"),
    "subtract": ("u - v", "1", "-1"),
    "multiply": ("u * v", "v", "u"),
    "divide": ("u / v", "1 / v", "-u / v**2"),
    "negative": ("-u", "-1"),
    "power": ("u**v", "v * u**(v - 1)", "u**v * log(u)"),
    "exp": ("exp(u)", "exp(u)"),
    "log": ("log(u)", "1 / u"),
    "log1p": ("log1p(u)", "1 / (1 + u)"),
    "sqrt": ("sqrt(u)", "1 / (2 * sqrt(u))"),
    "sin": ("sin(u)", "cos(u)"),
    "cos": ("cos(u)", "-sin(u)"),
    "tanh": ("tanh(u)", "1 - tanh(u)**2"),
    "erf": ("erf(u)", "2 * exp(-u**2) / sqrt(pi)"),
    "sigmoid": ("sigmoid(u)", "sigmoid(u) * (1 - sigmoid(u))"),
}
_SAID: Mapping[str, tuple[str, ...]] = {
    "relu": ("ReLU(u)", "1 if u > 0, else 0"),
    "where": ("where(c, u, v)", "1 where c is true, else 0", "1 where c is false, else 0"),
    "sum": ("sum(u)", "1 for each element"),
    "max": ("max(u)", "1 for the largest, 0 for the others"),
    "reshape": ("reshape(u)", "1 from each element to itself"),
    "permute": ("permute(u)", "1 from each element to itself"),
    "expand": ("expand(u)", "1 for each copy"),
    "index": ("u[i]", "1 for the elements picked, 0 for the others"),
    "put": ("put(u)", "1 for each element"),
    "softmax": ("softmax(u)[i]", "p[i] (1 - p[i]) by u[i], -p[i] p[j] by another u[j], with p = softmax(u)"),
    "log_softmax": ("log_softmax(u)[i]", "1 - p[i] by u[i], -p[j] by another u[j], with p = softmax(u)"),
    "nll_loss": ("nll_loss(u)", "-1 / N at the target, 0 elsewhere, for the mean of N"),
    "cross_entropy": ("cross_entropy(u)", "(p - y) / N, for the mean of N"),
}
FOLDED = ("softmax", "log_softmax", "nll_loss", "cross_entropy")  # composed functions that have a rule of their own


class Rule(NamedTuple):
    """The rule of an operation by one operand: what is derived by what, and the derivative; in words, if it is `Words`."""

    left: Term
    derivative: Term


def rule_of(op: str, position: int) -> Rule | None:
    """Return the rule of an operation by the operand at a position; None if there is none.

    >>> from micrograd_sm.words.text import term_text
    >>> [term_text(part) for part in rule_of("tanh", 0)]
    ['d tanh(u)/du', '1 - tanh(u)^2']
    """
    if op in _ELEMENTWISE:
        operation, *derivatives = _ELEMENTWISE[op]
        return Rule(Derivative(_parsed(operation), _LETTERS[position]), _parsed(derivatives[position]))
    if op in _SAID:
        operation, *said = _SAID[op]
        return Rule(Words(f"d {operation}/d{_LETTERS[position]}"), Words(said[position]))
    if op == "cat":
        return Rule(Words("d cat(u, v, ...)/du"), Words("1 for its own part, 0 for the others"))
    return _MATMUL[position] if op == "matmul" else None


def with_numbers(rule: Rule, operands: Sequence[Any], out: Any) -> Term | None:
    """Return the derivative of a rule with the numbers of one element; None for a rule in words.

    >>> from micrograd_sm.words.text import term_text
    >>> term_text(with_numbers(rule_of("tanh", 0), [3.976], 0.9993))
    '1 - 0.9993^2'
    """
    if not isinstance(rule.left, Derivative) or isinstance(rule.derivative, Words):
        return None
    known: dict[Term, Term] = {Name(letter): Number(x) for letter, x in zip(_LETTERS, operands)}
    known[rule.left.of] = Number(out)
    return _replaced(rule.derivative, known)


def _replaced(term: Term, known: Mapping[Term, Term]) -> Term:
    if term in known:
        return known[term]
    if isinstance(term, Infix):
        return Infix(term.symbol, term.left and _replaced(term.left, known), _replaced(term.right, known))
    if isinstance(term, Call):
        return Call(term.function, tuple(_replaced(argument, known) for argument in term.arguments))
    return term


_SYMBOLS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "^"}


@cache
def _parsed(rule: str) -> Term:
    return _term(ast.parse(rule, mode="eval").body)


def _term(node: ast.expr) -> Term:
    match node:
        case ast.BinOp(left, op, right):
            return Infix(_SYMBOLS[type(op)], _term(left), _term(right))
        case ast.UnaryOp(ast.USub(), ast.Constant(float() | int() as x)):
            return Number(-float(x))
        case ast.UnaryOp(ast.USub(), operand):
            return Infix("-", None, _term(operand))
        case ast.Call(ast.Name(function), arguments):
            return Call(function, tuple(map(_term, arguments)))
        case ast.Name(letter):
            return Name(letter)
        case ast.Constant(float() | int() as x):
            return Number(float(x))
    raise ValueError(f"no rule may hold {ast.unparse(node)!r}")


_MATMUL = (  # not the local derivative, which has four axes, but what it does to the upstream gradient
    Rule(Words("dL/dA for A @ B"), Infix("@", Name("upstream"), Transposed(Name("B")))),
    Rule(Words("dL/dB for A @ B"), Infix("@", Transposed(Name("A")), Name("upstream"))),
)
