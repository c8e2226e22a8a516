"""The parts of a Graph: nodes, edges and scopes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

NO_PARAMS: Mapping[str, Any] = MappingProxyType({})


class Node(NamedTuple):
    """One Value as it was when the Graph was made, or a scope folded into one node.

    `op`, `symbol` and `params` say which primitive made it; they are None, "" and empty for a leaf. `grad` is None before
    a backward pass. `scope` names the composed functions around it, outermost first, as in `cross_entropy/nll_loss`, and
    `call` is the id of the innermost one. `source` is the line of code that made it, if `trace()` was on. `folded` has the
    ids of all nodes that a folded scope stands for, its own id among them; it is empty for any other node.

    >>> from micrograd_sm import Graph, Value
    >>> node = Graph(Value(2.0, name="x").exp())["v1"]
    >>> node.op, node.symbol, node.name, node.data, node.grad, node.shape
    ('exp', 'exp', None, 7.38905609893065, None, ())
    """

    id: str
    op: str | None
    symbol: str
    name: str | None
    data: Any
    grad: Any
    shape: tuple[int, ...]
    scope: str
    params: Mapping[str, Any]
    requires_grad: bool
    call: str | None = None
    source: str | None = None
    folded: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of node: "leaf", "constant" (no gradient flows back to it), or "intermediate".

        >>> from micrograd_sm import Graph, Value
        >>> [node.kind for node in Graph(Value(2.0) * 3.0).nodes]
        ['leaf', 'constant', 'intermediate']
        """
        if not self.requires_grad:
            return "constant"
        return "leaf" if self.op is None else "intermediate"


class Edge(NamedTuple):
    """The node `source` is operand number `position`, counted from 0, of the node `target`.

    >>> from micrograd_sm import Graph, Value
    >>> x = Value(3.0)
    >>> Graph(x * x).edges
    (Edge(source='v0', target='v1', position=0), Edge(source='v0', target='v1', position=1))
    """

    source: str
    target: str
    position: int


class Scope(NamedTuple):
    """One call of a composed function; `outer` is the id of the scope around it, or None.

    Ids s0, s1, ... are in the order in which the scopes were opened; `path` has all names, from the outermost scope on.

    >>> from micrograd_sm import Graph, Value, cross_entropy
    >>> for scope in Graph(cross_entropy(Value([[1.0, 2.0]]), [1])).scopes:
    ...     print(scope.id, scope.name, scope.outer, scope.path)
    s0 cross_entropy None cross_entropy
    s1 log_softmax s0 cross_entropy/log_softmax
    s2 nll_loss s0 cross_entropy/nll_loss
    """

    id: str
    name: str
    outer: str | None
    path: str
