"""The parts of a recorded pass: steps, and the contributions in backward steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_sm.array import Array
from micrograd_sm.graph import Edge, Local, Node
from micrograd_sm.graph.evaluation import Heard
from micrograd_sm.steps.formula import Formula, lines_of
from micrograd_sm.steps.local import local_line
from micrograd_sm.steps.share import shares_of
from micrograd_sm.steps.why import why
from micrograd_sm.words import mathml
from micrograd_sm.words.terms import Line
from micrograd_sm.words.text import line_parts

if TYPE_CHECKING:
    from micrograd_sm.steps.record import Steps


class Contribution(NamedTuple):
    """What an operation adds to the gradient of an operand: its upstream gradient times the local derivative.

    `before` is the operand's gradient until then, or None for the first contribution; `after` is the sum.
    """

    edge: Edge
    operand: Node
    local: Local
    amount: Any
    before: Any
    after: Any

    def __eq__(self, other: object) -> bool:
        return type(other) is Contribution and exactly(self) == exactly(other)

    def __hash__(self) -> int:
        return hash(self.edge)


class Facts:
    """What the sentences of a walk need to know of the whole pass, looked up when they are asked for."""

    def __init__(self, walk: Steps, heard: Sequence[Heard], passed: Sequence[Contribution]) -> None:
        self.walk, self._graph, self._heard = walk, walk.graph, heard
        self.uses = Counter(contribution.operand.id for contribution in passed)
        self.last = {contribution.operand.id: contribution.edge for contribution in passed}

    @cached_property
    def residuals(self) -> Mapping[str, str]:
        """The ids of the nodes whose gradient is p - y, or a multiple of it, each with that formula."""
        opened = self._graph.unfold()
        return {id: share.formula for id, share in shares_of(opened, self._heard) if share.is_all_of(opened[id].grad)}


class Step(NamedTuple):
    """One step: a value computed ("forward"), the seed dL/dL = 1 ("seed"), or a gradient passed on ("backward").

    `upstream` is the gradient of the step's node, or None in a forward step. `contributions` has an entry for each operand
    edge that takes a gradient, or only one if the grain is "contribution". `names` has the label of each node in formulas, by
    id, and `root` is the id of the node that is differentiated. `facts` are those of the whole pass.
    """

    index: int  # type: ignore[assignment] # tuple's own index() is no loss
    phase: str
    node: Node
    operands: tuple[Node, ...]
    upstream: Any
    contributions: tuple[Contribution, ...]
    root: str
    names: Mapping[str, str]
    facts: Facts

    def __eq__(self, other: object) -> bool:
        """Whether both steps are the same, numbers to the last bit."""
        return type(other) is Step and exactly(self[:-1]) == exactly(other[:-1])

    def __hash__(self) -> int:
        return hash((self.index, self.phase, self.node.id))

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """The formulas of the step: one, or in a backward step one for each contribution.

        >>> from micrograd_sm import Value, steps
        >>> steps(Value(2.0, name="a") * Value(-3.0, name="b"))[-1].formulas[0]
        Formula(symbols='dL/da += dL/dL * d(u * v)/du', numbers='1 * -3', result='-3, from nothing to -3')
        """
        return tuple(Formula(*line_parts(line)) for line in lines_of(self))

    @property
    def rules(self) -> tuple[Formula, ...]:
        """Where the local derivative of each contribution comes from: its rule in symbols, with numbers, and the result.

        For arrays the numbers are those of one element. A contribution has no rule if a composed function is folded that no
        book has a rule for.

        >>> from micrograd_sm import Value, steps
        >>> steps(Value(0.5).tanh())[-1].rules[0].text
        'd tanh(u)/du = 1 - tanh(u)^2 = 1 - 0.4621^2 = 0.7864'
        """
        return tuple(Formula(*line_parts(line)) for line in self._rule_lines())

    def _rule_lines(self) -> list[Line]:
        found = (local_line(self, contribution) for contribution in self.contributions)
        return list(dict.fromkeys(line for line in found if line))

    @property
    def why(self) -> str:
        """One sentence that says why: what the operation does to the gradient, and what has been reached.

        >>> from micrograd_sm import Value, steps
        >>> x = Value(3.0, name="x")
        >>> steps(x + x)[-1].why
        'A sum passes the gradient on to each operand as it is. x was used twice, so its gradient is a sum of two.'
        """
        return why(self)

    @property
    def formula(self) -> Formula:
        """The formulas of the step as one, with semicolons between them.

        >>> from micrograd_sm import Value, steps
        >>> x = Value(3.0, name="x")
        >>> steps(x * x)[-1].formula.numbers
        '1 * 3; 1 * 3'
        """
        symbols, numbers, results = zip(*self.formulas, strict=True)
        return Formula("; ".join(symbols), "; ".join(filter(None, numbers)), "; ".join(results))

    @property
    def text(self) -> str:
        """The step as one line.

        >>> from micrograd_sm import Value, steps
        >>> [step.text for step in steps(Value(3.0, name="x") * 2.0)]
        ['L = x * 2 = 3 * 2 = 6', 'dL/dL = 1', 'dL/dx += dL/dL * d(u * v)/du = 1 * 2 = 2, from nothing to 2']
        """
        return "; ".join(formula.text for formula in self.formulas)

    def save(self, path: str | Path) -> Path:
        """Write the step as a slide, a picture that ends in .svg or .png, and return its path.

        Raises ValueError if it ends otherwise, and else as `Steps.save` does.

        >>> from micrograd_sm import Value, steps
        >>> steps(Value(1.0).exp())[0].save("step.gif")
        Traceback (most recent call last):
            ...
        ValueError: save: one step is a picture, so 'step.gif' must end in .svg or .png
        """
        if Path(path).suffix.lower() not in (".svg", ".png"):
            raise ValueError(f"save: one step is a picture, so {str(path)!r} must end in .svg or .png")
        return self.facts.walk.save(path, at=self.index + 1)

    @property
    def mathml_formulas(self) -> tuple[Formula, ...]:
        """The formulas, each part as a MathML element of its own ("" if there are no numbers).

        >>> from micrograd_sm import Value, steps
        >>> steps(Value(3.0) * 2.0)[0].mathml_formulas[0].result
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><mn>6</mn></math>'
        """
        return tuple(_as_mathml(line) for line in lines_of(self))

    @property
    def mathml_rules(self) -> tuple[Formula, ...]:
        """The rules, each part as a MathML element of its own ("" if there are no numbers).

        >>> from micrograd_sm import Value, steps
        >>> steps(Value(3.0).exp())[-1].mathml_rules[0].result
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><mn>20.09</mn></math>'
        """
        return tuple(_as_mathml(line) for line in self._rule_lines())

    @property
    def mathml(self) -> str:
        """The step as one MathML element, its formulas one below the other.

        >>> from micrograd_sm import Value, steps
        >>> x = Value(3.0, name="x")
        >>> steps(x * x)[-1].mathml.count("<mtr>")
        2
        """
        return mathml.lines_element(lines_of(self))


def _as_mathml(line: Line) -> Formula:
    return Formula(*(mathml.math_element(part) if part else "" for part in mathml.line_elements(line)))


def exactly(part: Any) -> Any:
    """Return a part of a step in a form that is equal for two parts if they are the same to the last bit."""
    if isinstance(part, (Mapping, tuple)):
        items = part.items() if isinstance(part, Mapping) else part
        return [exactly(item) for item in items]
    return repr(part.tolist() if isinstance(part, Array) else part)
