"""Rules about shapes that broadcast where they should not."""

from __future__ import annotations

from collections.abc import Iterator

from micrograd_sm.array import flat_of
from micrograd_sm.array.strides import permute
from micrograd_sm.graph import Node
from micrograd_sm.study.mistakes.look import Look, Mistake, Rule
from micrograd_sm.study.patterns import before_moves, fits, operands


def keepdim_forgotten(look: Look) -> Iterator[Mistake]:
    """Find a square tensor that is normalised by its sums or maxima along the wrong axis, since those lost a dimension."""
    for node in look.nodes("divide", "subtract"):
        x, used = look.operands(node)
        reduced = before_moves(look.graph, used)
        if reduced.op not in ("sum", "max") or fits(look.graph, reduced, used, x) or _is_symmetric(x):
            continue
        (whole,) = operands(look.graph, reduced)
        twice = x.op == "exp" == whole.op and look.operands(x)[0].id == look.operands(whole)[0].id
        if x.requires_grad and (whole.id == x.id or twice):
            axis = reduced.params["axis"]
            dim = axis[0] if len(axis) == 1 else axis
            yield look.mistake(
                node, f"the {reduced.op} over dim={dim} of shape {x.shape} has shape {used.shape}, which broadcasts along "
                "another dimension than the one it was taken over",
                f"{look.called(x.id, 'x')}.{reduced.op}({dim}, keepdim=True)" if reduced.op == "sum" else
                f"{look.called(x.id, 'x')}.amax({dim}, keepdim=True)",
            )  # fmt: skip


def _is_symmetric(node: Node) -> bool:
    numbers = flat_of(node.data)
    return len(node.shape) == 2 and node.shape[0] == node.shape[1] and permute(numbers, node.shape, (1, 0)) == numbers


def broadcast_in_loss(look: Look) -> Iterator[Mistake]:
    """Find a column of predictions beside a row of targets: every prediction is compared with every target."""
    for node in look.nodes("subtract"):
        a, b = look.operands(node)
        if not _column_beside_row(a, b) or not _is_an_error(look, node):
            continue
        column, row = (a, b) if len(a.shape) == 2 else (b, a)
        told = f"{look.called(row.id, 'target')}.reshape({column.shape[0]}, 1)"
        yield look.mistake(
            node, f"shapes {a.shape} and {b.shape} broadcast to {node.shape}: every prediction is compared with every target",
            f"{look.called(column.id, 'prediction')} - {told}",
        )  # fmt: skip


def _column_beside_row(a: Node, b: Node) -> bool:
    """Whether one is (N, 1) and the other (N,), and one of them alone is data."""
    shapes = sorted((a.shape, b.shape), key=len)
    if len(shapes[0]) != 1 or shapes[0][0] < 2 or shapes[1] != (shapes[0][0], 1):
        return False
    constants = [x for x in (a, b) if x.kind == "constant" or not x.requires_grad]
    return len(constants) == 1 and flat_of(a.data) != flat_of(b.data)


def _is_an_error(look: Look, node: Node) -> bool:
    """Whether a difference is in a loss, or squared, or taken absolutely, and then added up over both dimensions."""
    if node.scope.split("/")[-1].endswith("_loss"):
        return True
    for user in look.users[node.id]:
        squared = user.op == "power" or (user.op == "multiply" and {x.id for x in look.operands(user)} == {node.id})
        summed = [x for x in look.users[user.id] if x.op == "sum" and x.params["axis"] == (0, 1)]
        if squared and summed:
            return True
    return False


SHAPE_RULES: tuple[Rule, ...] = (keepdim_forgotten, broadcast_in_loss)
