"""`lint(loss)`: the usual mistakes with softmax, cross-entropy and their gradients, found in the graph that they made."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph
from micrograd_sm.study.mistakes.layout import LAYOUT_RULES
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule, look_at
from micrograd_sm.study.mistakes.losses import LOSS_RULES
from micrograd_sm.study.mistakes.network import NETWORK_RULES
from micrograd_sm.study.mistakes.numbers import EXPLAIN_NAN, NUMBER_RULES, not_finite
from micrograd_sm.study.mistakes.reach import REACH_RULES
from micrograd_sm.study.mistakes.shapes import SHAPE_RULES
from micrograd_sm.study.mistakes.structure import STRUCTURE_RULES
from micrograd_sm.study.mistakes.targets import target_name
from micrograd_sm.study.mistakes.training import TRAINING_RULES, zero_gradient
from micrograd_sm.words.names import visible
from micrograd_sm.words.result import Listing

RULES: Mapping[str, Rule] = {
    rule.__name__.replace("_", "-"): rule
    for rules in (
        STRUCTURE_RULES,
        LAYOUT_RULES,
        SHAPE_RULES,
        LOSS_RULES,
        NETWORK_RULES,
        REACH_RULES,
        TRAINING_RULES,
        NUMBER_RULES,
    )
    for rule in rules
}
_TARGET = re.compile(r"\btarget\b")

LAST_RULES = ("not-finite", "zero-gradient")  # asked if no other rule says why


@dataclass(frozen=True, eq=False, repr=False)
class Lint(Listing[Mistake]):
    """What lint found: the mistakes, in the order of the rules, and the number of nodes that it looked at.

    It is the list of its findings, harmless ones included: false if there are none, so that `assert not lint(loss)` holds for
    a clean loss. `len`, `for` and an index are those of the list; `in` takes a finding or the name of a rule.

    >>> from micrograd_sm import cross_entropy
    >>> print(lint(cross_entropy(Value([[1.0, 2.0]]), [1])))
    no mistakes in 12 nodes
    >>> found = lint(Value(1000.0).exp())
    >>> bool(found), found.clean, len(found), "exp-overflow" in found, found.rules, found[0].node
    (True, False, 1, True, ('exp-overflow',), 'v1')
    """

    mistakes: tuple[Mistake, ...]
    nodes: int

    def _items(self) -> tuple[Mistake, ...]:
        return self.mistakes

    def __contains__(self, x: object) -> bool:
        return x in self.rules if isinstance(x, str) else x in self.mistakes

    @property
    def clean(self) -> bool:
        """Whether there is no finding."""
        return not self.mistakes

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the broken rules, each once."""
        return tuple(dict.fromkeys(mistake.rule for mistake in self.mistakes))

    def __str__(self) -> str:
        if self.clean:
            return f"no mistakes in {self.nodes:,} nodes"
        count = len(self.mistakes)
        return "\n".join([f"{count} finding{'s' if count > 1 else ''} in {self.nodes:,} nodes", *map(str, self.mistakes)])

    def _repr_html_(self) -> str:
        head, *_ = str(self).splitlines()
        found = "".join(f'<li style="margin:0.3em 0">{mistake._repr_html_()}</li>' for mistake in self.mistakes)
        return f'<div style="margin:0.5em 0">{head}{f"<ul>{found}</ul>" if found else ""}</div>'


def lint(
    loss: Value | Graph,
    parameters: Any = None,
    sampled_from: Any = None,
    names: Mapping[str, Any] | None = None,
    ignore: str | Iterable[str] = (),
) -> Lint:
    """Return the mistakes in a loss: each with its node, the reason in one sentence, and the mended line of code.

    `RULES` has all rules by name. They look at the graph of the loss, its values, the gradients of a backward pass (no `.grad`
    changes), and every softmax and log_softmax, also those written by hand. Three rules need more than the graph:

    - `parameters`, a Module, Values, pairs of a name and a Value, or lists or dicts of them, also those of a recorded torch
      program: a gradient must reach each that requires one;
    - `sampled_from`, the weights that multinomial was called with: they must not be logits;
    - `names`, the caller's variables by default: the loss must not hold a detached copy of one that cuts off a parameter.

    A finding is a mistake, or a hint (`harmless`), which may be meant so. `ignore` are names of rules that are not asked.

    Raises TypeError if the loss is not a Value or a Graph, or a parameter not a Value; ValueError for a rule to ignore that
    there is not.

    >>> from micrograd_sm import cross_entropy
    >>> logits = Value([[1.0, 2.0, 0.1]], name="logits")
    >>> print(lint(cross_entropy(logits.softmax(dim=1), [2])))
    1 finding in 17 nodes
    softmax-before-cross-entropy at v5: log_softmax is applied to what softmax already made probabilities, which flattens \
the loss and its gradient
      instead: loss = cross_entropy(logits, target)
    """
    variables = sys._getframe(1).f_locals if names is None else names
    ignored = _ignored(ignore)
    look = look_at(loss, sampled_from, variables)
    look = look._replace(parameters=tuple(_named(parameters, look.ids)))
    found = [one for rule, find in RULES.items() for one in _sourced(look, rule, find)]
    if not any(one.rule in EXPLAIN_NAN for one in found):
        found += _sourced(look, "not-finite", not_finite)
    if not found:
        found += _sourced(look, "zero-gradient", zero_gradient)
    target = target_name(look.graph, variables)
    named = (replace(one, mended=_TARGET.sub(target, one.mended)) for one in found if one.rule not in ignored)
    return Lint(tuple(named), len(look.graph))


def _ignored(ignore: str | Iterable[str]) -> set[str]:
    ignored = {ignore} if isinstance(ignore, str) else set(ignore)
    if unknown := sorted(ignored - set(RULES) - set(LAST_RULES)):
        raise ValueError(f"lint: no rule is called {unknown[0]!r}; the rules are {', '.join([*RULES, *LAST_RULES])}")
    return ignored


def _sourced(look: Look, rule: str, find: Rule) -> Iterable[Mistake]:
    """Yield the findings of a rule with the rule's name, and with the line that made the node, if it is known."""
    for found in find(look):
        source = look.graph[found.node].source if found.node in look.users else None
        yield replace(found, rule=rule, source=source and visible(source))


def _named(parameters: Any, ids: Mapping[int, str], name: str = "") -> Iterator[tuple[str, Value]]:
    """Yield the parameters with their names, from Modules, Values, torch's, pairs, and lists and dicts of them."""
    if parameters is None:
        return
    if isinstance(parameters, Value):
        yield parameters.name or name or "parameters", parameters
    elif hasattr(parameters, "grad_fn"):  # a tensor of torch
        yield name or "parameters", _recorded(parameters, ids)
    elif hasattr(parameters, "named_parameters"):
        for key, x in parameters.named_parameters():
            yield from _named((f"{name}.{key}" if name and "[" not in name else key, x), ids)
    elif isinstance(parameters, Mapping):
        for key, x in parameters.items():
            yield from ((str(key), x),) if isinstance(x, Value) else _named(x, ids, str(key))
    elif isinstance(parameters, tuple) and len(parameters) == 2 and isinstance(parameters[0], str):
        yield from _named({parameters[0]: parameters[1]}, ids)
    elif isinstance(parameters, Iterable) and not isinstance(parameters, str):
        for k, x in enumerate(parameters):
            yield from _named(x, ids, f"{name or 'parameters'}[{k}]")
    elif name:
        kind = type(parameters).__name__
        raise TypeError(f"lint: parameter {name!r} must be a Value, got {parameters!r} of type {kind}")
    else:
        raise TypeError(f"lint: parameters must be a Module, or Values by name or in a list, got {parameters!r}")


def _recorded(tensor: Any, ids: Mapping[int, str]) -> Value:
    """Return the Value of a torch parameter in the loss, or else another one, which the loss does not depend on."""
    from micrograd_sm.torch.tape import values_of_leaf  # noqa: PLC0415 - torch, only for who has tensors of it

    values = values_of_leaf(tensor)
    return next((x for x in values if x.number in ids), values[-1] if values else Value(0.0, tensor.requires_grad))
