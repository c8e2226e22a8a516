"""A step as terms: how a value was computed, or what is added to the gradient of each operand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_sm.array import Array, flat_of, is_foreign, namespace
from micrograd_sm.array.storage import is_lazy
from micrograd_sm.array.summary import array_of
from micrograd_sm.graph import Node
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.words.names import visible
from micrograd_sm.words.parameters import params_text
from micrograd_sm.words.rules import rule_of
from micrograd_sm.words.terms import Call, Infix, Line, Name, Number, Picked, Remark, Slope, Term, Transposed

if TYPE_CHECKING:
    from micrograd_sm.steps.parts import Contribution, Step

_MOST_OPERANDS = 6  # operands of a cat up to which all are written out


class Formula(NamedTuple):
    """A line in three parts: symbols, numbers ("" if the line has none), result.

    >>> Formula("L = a * b", "2 * -3", "-6").result
    '-6'
    """

    symbols: str
    numbers: str
    result: str

    @property
    def text(self) -> str:
        """The three parts as one line.

        >>> Formula("L = a * b", "2 * -3", "-6").text
        'L = a * b = 2 * -3 = -6'
        """
        return " = ".join(part for part in self if part)


class Symbols(NamedTuple):
    """Writes the values and derivatives of a step as symbols."""

    step: Step

    def value(self, node: Node) -> Term:
        plain_number = node.op is None and not node.requires_grad and not node.name and not node.shape
        return Number(node.data) if plain_number else Name(self.step.names[node.id])

    def upstream(self) -> Term:
        return Slope(self.step.names[self.step.root], self.step.names[self.step.node.id])

    def local(self, contribution: Contribution) -> Term:
        """Return the local derivative; of the root, the operation is written out, since dL/dx would be the whole gradient."""
        rule = rule_of(self.step.node.op or "", contribution.edge.position) if self.step.node.id == self.step.root else None
        if rule:
            return rule.left
        return Slope(self.step.names[self.step.node.id], self.step.names[contribution.operand.id])


class Numbers(NamedTuple):
    """Writes the values and derivatives of a step as numbers."""

    step: Step

    def value(self, node: Node) -> Term:
        return Number(node.data)

    def upstream(self) -> Term:
        return Number(self.step.upstream)

    def local(self, contribution: Contribution) -> Term:
        data = contribution.local.data
        return Symbols(self.step).local(contribution) if data is None else Number(data)


Style = Symbols | Numbers


def lines_of(step: Step) -> tuple[Line, ...]:
    """Return the lines of a step: one, or in a backward step one for each contribution."""
    if step.phase == "seed":
        root = step.names[step.root]
        return (Line(Slope(root, root), "=", None, None, Number(step.upstream)),)
    if step.phase == "forward":
        symbols, numbers = (_forward_term(step, style(step)) for style in (Symbols, Numbers))
        name, result = Name(step.names[step.node.id]), Number(step.node.data)
        return (Line(name, "=", symbols, numbers if step.operands else None, result),)
    return tuple(_contribution_line(step, contribution) for contribution in step.contributions)


# Forward ------------------------------------------------------------------------------------------------------------


def _forward_term(step: Step, style: Style) -> Term:
    node, op = step.node, step.node.op or ""
    operands = [style.value(operand) for operand in step.operands]
    if node.folded:  # its name is that of a scope, and may be that of a primitive, too
        return _call(visible(node.symbol), operands, "")
    if op and PRIMITIVES[op].infix:
        return Infix(node.symbol, operands[0], operands[1])
    if op == "negative":
        return Infix("-", None, operands[0])
    note = params_text(op, node.params)
    if op == "index":
        return Picked(operands[0], note or " at the chosen indices")
    if "condition" in node.params:
        operands.insert(0, Name("condition") if isinstance(style, Symbols) else Number(node.params["condition"]))
    return _call(node.symbol, operands, note)


def _call(function: str, operands: list[Term], note: str) -> Term:
    if len(operands) > _MOST_OPERANDS:
        operands[3:-1] = [Name("...")]
    return Call(function, tuple(operands), note)


# Backward -----------------------------------------------------------------------------------------------------------


def _contribution_line(step: Step, contribution: Contribution) -> Line:
    root, operand = step.names[step.root], step.names[contribution.operand.id]
    symbols, numbers = _said_once(*(_contribution_term(step, contribution, style(step)) for style in (Symbols, Numbers)))
    if sum(other.id == contribution.operand.id for other in step.operands) > 1:
        symbols = Remark(symbols, f"as operand {contribution.edge.position + 1}")
    total = contribution.before, contribution.after
    return Line(Slope(root, operand), "+=", symbols, numbers, Number(contribution.amount), total)


def _said_once(symbols: Term, numbers: Term) -> tuple[Term, Term]:
    """Keep words once: beside the symbols if they say how factors are multiplied, else beside the numbers."""
    if isinstance(symbols, Remark) and isinstance(numbers, Remark):
        return (symbols, numbers.of) if isinstance(numbers.of, Infix) else (symbols.of, numbers)
    return symbols, numbers


def _contribution_term(step: Step, contribution: Contribution, style: Style) -> Term:
    """Return a contribution as a product with the local derivative, or as the upstream gradient with words."""
    op = step.node.op or ""
    if not step.node.folded and (contribution.operand.shape or step.node.shape):
        if op in _OWN_TERMS:
            return _OWN_TERMS[op](step, contribution, style)
        if PRIMITIVES[op].says:
            return Remark(style.upstream(), _words(step, contribution))
    return _KINDS[contribution.local.kind](step, contribution, style)


def _words(step: Step, contribution: Contribution) -> str:
    """Return what happens to the upstream gradient, in the words of the primitive."""
    params = step.node.params
    return PRIMITIVES[step.node.op or ""].says.format(
        shape=contribution.operand.shape or "()",
        key=params_text("index", params) or "the chosen indices",
        repeated=", added up where an index repeats" if _repeats(params.get("positions", ())) else "",
    )


def _repeats(positions: Any) -> bool:
    """Return whether a position is there twice; those that are not computed are one for each target."""
    if type(positions) is tuple:
        return len(set(positions)) < len(positions)
    array = array_of(positions)
    return is_foreign(array) and not is_lazy(array) and namespace(array).unique_values(array).shape != array.shape


def _scaled(step: Step, contribution: Contribution, style: Style) -> Term:
    return Infix("*", style.upstream(), style.local(contribution))


def _elementwise(step: Step, contribution: Contribution, style: Style) -> Term:
    summed = _summed(contribution.operand.shape, step.node.shape)
    words = "element by element" + (f", {summed}" if summed else "")
    return Remark(Infix("⊙", style.upstream(), style.local(contribution)), words)


def _by_matrix(step: Step, contribution: Contribution, style: Style) -> Term:
    """A matrix with one row is written in the operand's shape; any other has a row for each element of the output."""
    matrix = contribution.local.data
    if matrix.shape[0] == 1:
        if isinstance(style, Symbols):
            return _scaled(step, contribution, style)
        row = namespace(matrix).reshape(matrix, contribution.operand.shape)
        return Infix("*", Number(flat_of(step.upstream)[0]), Number(row))
    top, bottom = step.names[step.node.id], step.names[contribution.operand.id]
    words = f"the matrix with a row for each element of {top} and a column for each of {bottom}"
    if max(len(step.node.shape), len(contribution.operand.shape)) < 2:
        return Remark(Infix("@", Transposed(style.local(contribution)), style.upstream()), words)
    upstream = style.upstream() if isinstance(style, Symbols) else Number(Array.of(flat_of(step.upstream), matrix.shape[:1]))
    return Remark(Infix("@", Transposed(style.local(contribution)), upstream), f"{words}, in one row after another")


def _through(step: Step, contribution: Contribution, style: Style) -> Term:
    """A derivative that is too large to write out keeps its name."""
    slope = Symbols(step).local(contribution)
    return Infix("@", Transposed(slope), style.upstream()) if step.node.shape else Infix("*", style.upstream(), slope)


_KINDS: Mapping[str, Callable[[Any, Any, Any], Term]] = {
    "number": _scaled, "elementwise": _elementwise, "jacobian": _by_matrix, "large": _through,
}  # fmt: skip


# Operations whose gradients are a term of their own -------------------------------------------------------------------


def _unpermuted(step: Step, contribution: Contribution, style: Style) -> Term:
    if step.node.params["order"] == (1, 0):
        return Transposed(style.upstream())
    return Remark(style.upstream(), _words(step, contribution))


def _unexpanded(step: Step, contribution: Contribution, style: Style) -> Term:
    return Remark(style.upstream(), _summed(contribution.operand.shape, step.node.shape) or "unchanged")


def _own_part(step: Step, contribution: Contribution, style: Style) -> Term:
    axis, position = step.node.params["axis"], contribution.edge.position
    start = sum(operand.shape[axis] for operand in step.operands[:position])
    return Picked(style.upstream(), f"[{':, ' * axis}{start}:{start + contribution.operand.shape[axis]}]")


def _by_product(step: Step, contribution: Contribution, style: Style) -> Term:
    a, b = step.operands
    factors = (style.upstream(), Transposed(style.value(b))), (Transposed(style.value(a)), style.upstream())
    product = Infix("@", *factors[contribution.edge.position])
    summed = _summed(contribution.operand.shape, (*step.node.shape[:-2], *contribution.operand.shape[-2:]))
    return Remark(product, summed) if summed else product


_OWN_TERMS: Mapping[str, Callable[[Any, Any, Any], Term]] = {
    "permute": _unpermuted, "expand": _unexpanded, "cat": _own_part, "matmul": _by_product,
}  # fmt: skip


def _summed(shape: tuple[int, ...], wide: tuple[int, ...]) -> str:
    """Say over which dimensions a gradient of shape `wide` is summed to get `shape`; "" if over none."""
    if shape == wide:
        return ""
    if not shape:
        return "summed over all elements"
    missing = len(wide) - len(shape)
    repeated = [k for k, size in enumerate(wide) if k < missing or (shape[k - missing] == 1 and size != 1)]
    if not repeated:
        return f"in shape {shape}"
    return f"summed over the repeated dimension{'s' if len(repeated) > 1 else ''} {', '.join(map(str, repeated))}"
