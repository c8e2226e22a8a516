"""The backward pass: from a loss to everything it was computed from, one operation at a time, by the chain rule.

Each node's upstream gradient gathers in its `_upstream`, contribution by contribution, while the pass runs. So passes run one
at a time: a lock keeps those of other threads waiting, until `.grad` is written.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import chain
from threading import RLock
from typing import Any, NoReturn

from micrograd_sm.array.namespace import OWN, namespace
from micrograd_sm.primitives import Recorded, add, multiply

scalars: set[type] = {float}  # data of these types has no shape; the cells of a recording are added by `program`
_PENDING: Any = object()  # the upstream gradient of a node that this pass has found but not yet reached
_one_pass = RLock()
_by_number = operator.attrgetter("number")
Observer = Callable[[Any, int, Any, Any], None]
# Each hears of a pass before `.grad` is written: root, seed, and the nodes, whose `_upstream` is what `.grad` becomes.
listeners: list[Callable[[Any, Any, list[Any]], None]] = []


def differentiate(root: Any, seed: Any, create_graph: bool = False, observe: Observer | None = None) -> None:
    """Run one backward pass from `root`, whose upstream gradient is `seed`; `Value.backward` calls it.

    Nodes are visited in descending creation number: each one after everything that was made of it, so its upstream
    gradient is complete, and in the same order in every run. `observe(node, position, upstream, contribution)` is called
    for each operand, in order. No `.grad` is written before the whole pass has succeeded.

    >>> from micrograd_sm import Value
    >>> x = Value(2.0, name="x")
    >>> differentiate(x * x, 1.0, observe=lambda node, position, g, c: print(node.op, position, g, c))
    multiply 0 1.0 2.0
    multiply 1 1.0 2.0
    """
    nodes: list[Any] = []
    with _one_pass:
        try:
            _collect([root], nodes)
            root._upstream = seed
            _propagate_all(nodes, create_graph, observe)
            for node in nodes:
                if node.grad is not None:
                    node._upstream = _accumulated(node, create_graph)
            if type(seed) not in OWN and not create_graph:
                _separate(nodes, root, seed)
            for listener in listeners:
                listener(root, seed, nodes)
            for node in nodes:
                node.grad = node._upstream
                node._upstream = None
        except BaseException:  # an interrupt, too: no gradient is left for the next pass to find
            for node in nodes:
                node._upstream = None
            raise


def gradients(roots: list[Any], seeds: list[Any], inputs: list[Any], create_graph: bool = False) -> list[Any]:
    """Return the gradient of the sum of root * seed by each input, None if there is none. No `.grad` is written.

    The pass stops at the inputs, so their own operands receive nothing. It visits only nodes between inputs and roots.

    >>> from micrograd_sm import Value
    >>> x, w = Value(2.0), Value(3.0)
    >>> gradients([x * w], [1.0], [x]), x.grad, w.grad
    ([3.0], None, None)
    """
    reached: list[Any] = []
    with _one_pass:
        try:
            for x in inputs:
                x._upstream = _PENDING
            _collect(roots, reached)
            nodes = reached
            if any(node.primitive is None for node in reached):  # a leaf that is no input
                nodes = _between(inputs, reached)
            for root, seed in zip(roots, seeds, strict=True):
                if root._upstream is not None:
                    root._upstream = seed if root._upstream is _PENDING else root._upstream + seed
            _propagate_all(nodes, create_graph, None)
            return [None if x._upstream is _PENDING else x._upstream for x in inputs]
        finally:
            for node in chain(reached, inputs):
                node._upstream = None


def _between(inputs: list[Any], reached: list[Any]) -> list[Any]:
    """Return the nodes that depend on an input; the others need no upstream gradient."""
    for node in reversed(reached):
        if all(parent._upstream is None for parent in node.parents):
            node._upstream = None
    return [node for node in reached if node._upstream is not None]


def _collect(roots: list[Any], nodes: list[Any]) -> None:
    """Fill `nodes` with all that a gradient reaches from the roots, in descending creation number."""
    for root in roots:
        if root._upstream is None:
            root._upstream = _PENDING
            nodes.append(root)
    for node in nodes:  # grows as it goes; `set_since` and `_find` are written out for one and for two operands
        a, b, made = node._a, node._b, node.number
        if node._changed > made and node.primitive is not None:
            refuse_set(node, node)
        if b is None and type(a) is tuple:
            for operand in a:
                _find(operand, node, nodes)
            continue
        while a is not None:
            if a._changed > made:
                refuse_set(a, node)
            if a._requires_grad and a._upstream is None:
                a._upstream = _PENDING
                nodes.append(a)
            a, b = b, None
    nodes.sort(key=_by_number, reverse=True)


def _find(operand: Any, node: Any, nodes: list[Any]) -> None:
    """Add an operand of a node to the nodes, if it wants a gradient and is new. Raises RuntimeError if it was set since."""
    if operand._changed > node.number:
        refuse_set(operand, node)
    if operand._requires_grad and operand._upstream is None:
        operand._upstream = _PENDING
        nodes.append(operand)


def _propagate(node: Any, create_graph: bool, observe: Observer | None) -> None:
    """Pass a node's upstream gradient on to its operands, in order."""
    parents, g = node.parents, node._upstream
    wanted = [parent._upstream is not None for parent in parents]
    out, operands = (node, parents) if create_graph else (node._data, [parent._data for parent in parents])
    for position, contribution in node.primitive.contributions(g, out, operands, node.params or {}, wanted):
        parent = parents[position]
        if observe:
            observe(node, position, g, contribution)
        total = parent._upstream
        parent._upstream = contribution if total is _PENDING else total + contribution


def _propagate_all(nodes: list[Any], create_graph: bool, observe: Observer | None) -> None:
    """Propagate through all nodes. Operations on numbers are written out: long graphs of numbers spend their time here."""
    fast = not create_graph and observe is None
    for node in nodes:
        primitive = node.primitive
        if primitive is None:
            continue
        if not fast or (type(node._data) is not float and type(node._data) not in scalars):
            _propagate(node, create_graph, observe)
        elif primitive.binary:
            a, b, g = node._a, node._b, node._upstream
            if primitive is add:
                to_a = to_b = g
            elif primitive is multiply:
                to_a, to_b = g * b._data, g * a._data
            else:
                (rule_a, rule_b), out, x, y = primitive.gradient, node._data, a._data, b._data
                to_a = rule_a(g, out, x, y) if a._upstream is not None else None
                to_b = rule_b(g, out, x, y) if b._upstream is not None else None
            if (total := a._upstream) is not None:
                a._upstream = to_a if total is _PENDING else total + to_a
            if (total := b._upstream) is not None:
                b._upstream = to_b if total is _PENDING else total + to_b
        elif primitive.unary:
            x, (rule,) = node._a, primitive.gradient
            contribution, total = rule(node._upstream, node._data, x._data), x._upstream
            x._upstream = contribution if total is _PENDING else total + contribution
        else:
            _propagate(node, create_graph, observe)


def _accumulated(node: Any, create_graph: bool) -> Any:
    """Return the gradient of earlier passes plus this pass's: plain numbers, unless this pass makes a graph."""
    grad = node.grad
    if isinstance(grad, Recorded) and not create_graph:
        grad = grad._data
    if not isinstance(grad, (float, int)) and getattr(grad, "shape", None) != node.shape:
        held = f"the .grad that was set on a value of shape {node.shape} is {grad!r}"
        raise RuntimeError(f"backward: {held}; set it to None to start afresh")
    return grad + node._upstream


def _separate(nodes: list[Any], root: Any, seed: Any) -> None:
    """Give root and leaves, where gradients are arrays of another library, arrays of their own: users may change them.

    A leaf's has the leaf's precision. Those of the nodes between may share memory with each other.
    """
    held = set(map(namespace(seed).memory, [seed, *[node._upstream for node in nodes if node.primitive is not None]]))
    for node in nodes:
        if node.primitive is None or node is root:
            g, data = node._upstream, node._data
            if type(g) not in OWN:
                node._upstream = namespace(g).owned(g, g.dtype if type(data) in OWN else data.dtype, held)


def reachable(loss: Any) -> list[Any]:
    """Return the loss and all that it was computed from, in creation order.

    >>> from micrograd_sm import Value
    >>> x = Value(2.0)
    >>> [value.op for value in reachable(x * x + 1.0)]
    [None, 'multiply', None, 'add']
    """
    found, values = {id(loss)}, [loss]
    for value in values:  # grows as it goes
        for parent in value.parents:
            if id(parent) not in found:
                found.add(id(parent))
                values.append(parent)
    return sorted(values, key=_by_number)


def set_since(node: Any, changed: Callable[[Any], int] = operator.attrgetter("_changed")) -> Any | None:
    """Return the Value, node or operand, whose data was set after the node had been computed; None if there is none.

    Then its numbers and the node's do not belong together. `changed` is the time at which a Value's data was set.
    """
    if node.primitive is not None and changed(node) > node.number:
        return node
    for parent in node.parents:
        if changed(parent) > node.number:
            return parent
    return None


def refuse_set(value: Any, node: Any, name: str | None = None, line: str | None = None) -> NoReturn:
    """Raise RuntimeError: a value's data was set after it had been used in, or made by, a node's operation."""
    name = value.name or name
    raise RuntimeError(
        f"the data of {repr(name) if name else f'a value of shape {value.shape}'} was set after {node.op} had "
        f"{'made' if value is node else 'used'} it{f' ({line})' if line else ''}, so old and new numbers would mix; "
        "use the loss before data is set (before optimizer.step()), or compute it again"
    )
