"""Rules about shapes that broadcast where they should not."""

from __future__ import annotations

from collections.abc import Iterator

from micrograd_sm.array import namespace
from micrograd_sm.array.questions import distinct, holds
from micrograd_sm.array.summary import array_of
from micrograd_sm.graph import Node
from micrograd_sm.graph.patterns import before_moves, fits, log_of_sum, operands, unshifted
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule


def keepdim_forgotten(look: Look) -> Iterator[Mistake]:
    """Find a square tensor that is normalised by its sums or maxima along the wrong axis, since those lost a dimension."""
    for node in look.nodes("divide", "subtract"):
        x, used = look.operands(node)
        reduced = _reduced(look, used)
        if reduced.op not in ("sum", "max") or fits(look.graph, reduced, used, x) or _is_symmetric(x):
            continue
        (whole,) = operands(look.graph, reduced)
        if log_of_sum(look.graph, before_moves(look.graph, used)) and whole.op == "exp":
            whole = unshifted(look.graph, look.operands(whole)[0])
        twice = x.op == "exp" == whole.op and look.operands(x)[0].id == look.operands(whole)[0].id
        if x.requires_grad and (whole.id == x.id or twice):
            axis = reduced.params["axis"]
            dim = axis[0] if len(axis) == 1 else axis
            name = _called(look, used, reduced)
            yield look.mistake(
                node, f"the {name} over dim={dim} of shape {x.shape} has shape {used.shape}, which broadcasts along "
                "another dimension than the one it was taken over",
                f"{_written(look, x)}.{name}({dim}, keepdim=True)",
            )  # fmt: skip


def _written(look: Look, x: Node) -> str:
    return f"{look.called(look.operands(x)[0].id, 'x')}.exp()" if x.op == "exp" and not x.name else look.called(x.id, "x")


def _reduced(look: Look, used: Node) -> Node:
    """Return the sum or maximum that stands beside a tensor, also as a mean or in a logsumexp."""
    node = before_moves(look.graph, used)
    if node.op == "divide" and look.is_number(look.operands(node)[1]):
        return before_moves(look.graph, look.operands(node)[0])
    logged = log_of_sum(look.graph, node)
    return logged[0] if logged else node


def _called(look: Look, used: Node, reduced: Node) -> str:
    op = before_moves(look.graph, used).op
    return {"divide": "mean", "log": "logsumexp", "add": "logsumexp"}.get(op or "", "amax" if reduced.op == "max" else "sum")


def _is_symmetric(node: Node) -> bool:
    if len(node.shape) != 2 or node.shape[0] != node.shape[1]:
        return False
    x = array_of(node.data)
    return not holds(lambda a, b: a != b, x, namespace(x).permute_dims(x, (1, 0)))


def broadcast_in_loss(look: Look) -> Iterator[Mistake]:
    """Find a column of predictions beside a row of targets: every prediction is compared with every target."""
    for node in look.nodes("subtract", "multiply"):
        a, b = look.operands(node)
        if not _column_beside_row(a, b):
            continue
        if not (_is_an_error(look, node) if node.op == "subtract" else _is_likelihood(a, b) or _is_score(look, node, a, b)):
            continue
        row = a if len(a.shape) == 1 else b
        name = look.called(_named(look, row).id, "prediction" if row.requires_grad else "target")
        yield look.mistake(
            node, f"shapes {a.shape} and {b.shape} broadcast to {node.shape}: every prediction is compared with every target",
            f"{name} = {name}.reshape({row.shape[0]}, 1)",
        )  # fmt: skip


def _named(look: Look, node: Node) -> Node:
    """Return the node itself, or the one with a name that it was made of with numbers, as y in 1 - y."""
    made_of = [x for x in look.operands(node) if not look.is_number(x)] if not node.name else []
    return _named(look, made_of[0]) if len(made_of) == 1 else node


def _column_beside_row(a: Node, b: Node) -> bool:
    """Whether one is (N, 1) and the other (N,), and one of them alone is data."""
    shapes = sorted((a.shape, b.shape), key=len)
    if len(shapes[0]) != 1 or shapes[0][0] < 2 or shapes[1] != (shapes[0][0], 1):
        return False
    constants = [x for x in (a, b) if x.kind == "constant" or not x.requires_grad]
    rows = (namespace(x).reshape(x, (shapes[0][0],)) for x in (array_of(a.data), array_of(b.data)))
    return len(constants) == 1 and holds(lambda x, y: x != y, *rows)


def _is_an_error(look: Look, node: Node) -> bool:
    """Whether a difference is in a loss, or squared, or taken absolutely, and then added up over both dimensions."""
    if node.scope.split("/")[-1].endswith("_loss"):
        return True
    for user in look.users[node.id]:
        squared = user.op == "power" or (user.op == "multiply" and {x.id for x in look.operands(user)} == {node.id})
        absolute = user.op == "relu" and user.scope.split("/")[-1] == "abs"
        after = [y for x in look.users[user.id] for y in look.users[x.id]] if absolute else look.users[user.id]
        if (squared or absolute) and any(x.op == "sum" and x.params["axis"] == (0, 1) for x in after):
            return True
    return False


def _is_likelihood(a: Node, b: Node) -> bool:
    """Whether one is a column of logarithms, and the other a row of 0 and 1."""
    column, row = (a, b) if len(a.shape) == 2 else (b, a)
    return column.op in ("log", "log1p") and row.kind == "constant" and distinct(row.data) == {0, 1}


def _is_score(look: Look, node: Node, a: Node, b: Node) -> bool:
    """Whether a column of scores is multiplied by a row of -1 and 1 for a hinge, or one of log-probabilities by any row."""
    column, row = (a, b) if len(a.shape) == 2 else (b, a)
    origin = look.origin(column.id)
    if origin.id in look.normalised and look.normalised[origin.id].kind == "log_softmax":
        return row.kind == "constant" and _added_up(look, node)
    return row.kind == "constant" and distinct(row.data) == {-1, 1} and _added_up(look, node)


def _added_up(look: Look, node: Node) -> bool:
    """Whether all elements of a node are added up, after operations on one element each."""
    while node.op != "sum":
        users = look.users[node.id]
        if len(users) != 1 or users[0].shape not in (node.shape, ()):
            return False
        node = users[0]
    return node.shape == ()


SHAPE_RULES: tuple[Rule, ...] = (keepdim_forgotten, broadcast_in_loss)
