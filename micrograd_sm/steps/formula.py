"""What a step says, as terms: how a value was computed, and what each operand's gradient receives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_sm.array import namespace, shape_of
from micrograd_sm.graph import Node
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.words.names import visible
from micrograd_sm.words.parameters import params_text
from micrograd_sm.words.terms import Call, Infix, Line, Name, Number, Picked, Remark, Slope, Term, Transposed

if TYPE_CHECKING:
    from micrograd_sm.steps.parts import Contribution, Step

_MOST_OPERANDS = 6  # of a cat, that are written out


class Formula(NamedTuple):
    """A line in its three parts, each to be shown on its own: symbols, numbers ("" where there are none), result.

    >>> from micrograd_sm import Value, steps
    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> steps(a * b)[0].formula
    Formula(symbols='L = a * b', numbers='2 * -3', result='-6')
    """

    symbols: str
    numbers: str
    result: str

    @property
    def text(self) -> str:
        """The three parts in one.

        >>> Formula("L = a * b", "2 * -3", "-6").text
        'L = a * b = 2 * -3 = -6'
        """
        return " = ".join(part for part in self if part)


class Symbols(NamedTuple):
    """Sees names in a step."""

    step: Step

    def value(self, node: Node) -> Term:
        plain_number = node.op is None and not node.requires_grad and not node.name and not node.shape
        return Number(node.data) if plain_number else Name(self.step.names[node.id])

    def upstream(self) -> Term:
        return Slope(self.step.names[self.step.root], self.step.names[self.step.node.id])

    def local(self, one: Contribution) -> Term:
        return Slope(self.step.names[self.step.node.id], self.step.names[one.operand.id])


class Numbers(NamedTuple):
    """Sees numbers in a step."""

    step: Step

    def value(self, node: Node) -> Term:
        return Number(node.data)

    def upstream(self) -> Term:
        return Number(self.step.upstream)

    def local(self, one: Contribution) -> Term:
        return Number(one.local.data)


Sight = Symbols | Numbers


def lines_of(step: Step) -> tuple[Line, ...]:
    """Return what a step says, a line for each contribution on the way back.

    >>> from micrograd_sm import Value, steps
    >>> x = Value(3.0, name="x")
    >>> [len(lines_of(step)) for step in steps(x * x)]
    [1, 1, 2]
    """
    if step.phase == "seed":
        root = step.names[step.root]
        return (Line(Slope(root, root), "=", None, None, Number(step.upstream)),)
    if step.phase == "forward":
        numbers = _made(step, Numbers(step)) if step.operands else None
        return (Line(Name(step.names[step.node.id]), "=", _made(step, Symbols(step)), numbers, Number(step.node.data)),)
    return tuple(_contributed(step, one) for one in step.contributions)


# Forward ------------------------------------------------------------------------------------------------------------


def _made(step: Step, sight: Sight) -> Term:
    """Return how a node was made of its operands."""
    node, op = step.node, step.node.op or ""
    operands = [sight.value(operand) for operand in step.operands]
    if node.folded:  # named by its scope, which may be called as a primitive is
        return _call(visible(node.symbol), operands, "")
    if op and PRIMITIVES[op].infix:
        return Infix(node.symbol, operands[0], operands[1])
    if op == "negative":
        return Infix("-", None, operands[0])
    note = params_text(op, node.params)
    if op == "index":
        return Picked(operands[0], note or " at the places picked")
    if "condition" in node.params:
        operands.insert(0, Name("condition") if isinstance(sight, Symbols) else Number(node.params["condition"]))
    return _call(node.symbol, operands, note)


def _call(function: str, operands: list[Term], note: str) -> Term:
    if len(operands) > _MOST_OPERANDS:
        operands[3:-1] = [Name("...")]
    return Call(function, tuple(operands), note)


# Backward -----------------------------------------------------------------------------------------------------------


def _contributed(step: Step, one: Contribution) -> Line:
    root, operand = step.names[step.root], step.names[one.operand.id]
    symbols, numbers = _said_once(_passed(step, one, Symbols(step)), _passed(step, one, Numbers(step)))
    if sum(other.id == one.operand.id for other in step.operands) > 1:
        symbols = Remark(symbols, f"as operand {one.edge.position + 1}")
    return Line(Slope(root, operand), "+=", symbols, numbers, Number(one.amount), (one.before, one.after))


def _said_once(symbols: Term, numbers: Term) -> tuple[Term, Term]:
    """Keep words where they are needed: how two are multiplied beside the names, what becomes of one beside its number."""
    if isinstance(symbols, Remark) and isinstance(numbers, Remark):
        return (symbols, numbers.of) if isinstance(numbers.of, Infix) else (symbols.of, numbers)
    return symbols, numbers


def _passed(step: Step, one: Contribution, sight: Sight) -> Term:
    """Return what one operand receives: the upstream gradient times the local derivative, or in words what becomes of it."""
    op = step.node.op or ""
    if not step.node.folded and (one.operand.shape or step.node.shape):
        if op in _OWN_TERMS:
            return _OWN_TERMS[op](step, one, sight)
        if PRIMITIVES[op].says:
            return Remark(sight.upstream(), _words(step, one))
    return _KINDS[one.local.kind](step, one, sight)


def _words(step: Step, one: Contribution) -> str:
    """Return what becomes of the upstream gradient, as the primitive says it."""
    params = step.node.params
    positions = params.get("positions", ())
    return PRIMITIVES[step.node.op or ""].says.format(
        shape=one.operand.shape or "()",
        key=params_text("index", params) or "the places picked",
        repeated=", added up where one was picked more than once" if len(set(positions)) < len(positions) else "",
    )


def _scaled(step: Step, one: Contribution, sight: Sight) -> Term:
    return Infix("*", sight.upstream(), sight.local(one))


def _elementwise(step: Step, one: Contribution, sight: Sight) -> Term:
    summed = _summed(one.operand.shape, step.node.shape)
    return Remark(Infix("⊙", sight.upstream(), sight.local(one)), "element by element" + (f", {summed}" if summed else ""))


def _by_matrix(step: Step, one: Contribution, sight: Sight) -> Term:
    """One number from many: its derivative has the operand's shape. Many from many: a row for each, many columns."""
    matrix = one.local.data
    if matrix.shape[0] == 1:
        if isinstance(sight, Symbols):
            return _scaled(step, one, sight)
        return Infix("*", Number(_only(step.upstream)), Number(namespace(matrix).reshape(matrix, one.operand.shape)))
    top, bottom = step.names[step.node.id], step.names[one.operand.id]
    words = f"the matrix with a row for each element of {top} and a column for each of {bottom}"
    if max(len(step.node.shape), len(one.operand.shape)) < 2:
        return Remark(Infix("@", Transposed(sight.local(one)), sight.upstream()), words)
    upstream = sight.upstream() if isinstance(sight, Symbols) else Number(_in_one_row(step.upstream))
    return Remark(Infix("@", Transposed(sight.local(one)), upstream), f"{words}, in one row after another")


def _through(step: Step, one: Contribution, sight: Sight) -> Term:
    """A derivative too large to be written out."""
    slope = Symbols(step).local(one)
    if step.node.shape:
        return Infix("@", Transposed(slope), sight.upstream())
    return Infix("*", sight.upstream(), slope)


_KINDS: Mapping[str, Callable[[Any, Any, Any], Term]] = {
    "number": _scaled,
    "elementwise": _elementwise,
    "jacobian": _by_matrix,
    "large": _through,
}


def _in_one_row(data: Any) -> Any:
    return namespace(data).reshape(data, (math.prod(data.shape),)) if shape_of(data) else data


def _only(data: Any) -> Any:
    """Return the one number in an array that has but one."""
    data = data.tolist() if shape_of(data) else data
    while isinstance(data, list):
        data = data[0]
    return data


# Operations whose gradients are a term of their own -------------------------------------------------------------------


def _unpermuted(step: Step, one: Contribution, sight: Sight) -> Term:
    if step.node.params["order"] == (1, 0):
        return Transposed(sight.upstream())
    return Remark(sight.upstream(), _words(step, one))


def _unexpanded(step: Step, one: Contribution, sight: Sight) -> Term:
    return Remark(sight.upstream(), _summed(one.operand.shape, step.node.shape) or "unchanged")


def _own_part(step: Step, one: Contribution, sight: Sight) -> Term:
    axis, position = step.node.params["axis"], one.edge.position
    start = sum(operand.shape[axis] for operand in step.operands[:position])
    return Picked(sight.upstream(), f"[{':, ' * axis}{start}:{start + one.operand.shape[axis]}]")


def _by_product(step: Step, one: Contribution, sight: Sight) -> Term:
    a, b = step.operands
    product = (
        Infix("@", sight.upstream(), Transposed(sight.value(b)))
        if one.edge.position == 0
        else Infix("@", Transposed(sight.value(a)), sight.upstream())
    )
    summed = _summed(one.operand.shape, (*step.node.shape[:-2], *one.operand.shape[-2:]))
    return Remark(product, summed) if summed else product


_OWN_TERMS: Mapping[str, Callable[[Any, Any, Any], Term]] = {
    "permute": _unpermuted,
    "expand": _unexpanded,
    "cat": _own_part,
    "matmul": _by_product,
}


def _summed(shape: tuple[int, ...], wide: tuple[int, ...]) -> str:
    """Say over which dimensions a gradient of shape `wide` is summed to become one of `shape`; "" for none."""
    if shape == wide:
        return ""
    if not shape:
        return "summed over all elements"
    missing = len(wide) - len(shape)
    repeated = [k for k, size in enumerate(wide) if k < missing or (shape[k - missing] == 1 and size != 1)]
    if not repeated:
        return f"in shape {shape}"
    return f"summed over the repeated dimension{'s' if len(repeated) > 1 else ''} {', '.join(map(str, repeated))}"
