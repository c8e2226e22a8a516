"""The line of a derivation as it should be, in the student's names, from the graph's own rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from micrograd_sm.array import flat_of, shape_of
from micrograd_sm.graph import Edge, Graph
from micrograd_sm.graph.patterns import normalised
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.words.numbers import number_text

_WAYS_OF_SOFTMAX = 2  # of an input that nothing else uses: the difference, and the maximum
_LONGEST_LINE, _RIGHT = 160, 1e-9
_LONGEST_KEY = 30  # characters of an index that are written out


def mended_line(
    graph: Graph, id: str, called: Mapping[str, str], labels: Mapping[str, str], written: str, gradients: Mapping[str, Any]
) -> str:
    """Return the assignments of the gradient of a node, one for each way to the loss; `called` names the gradients."""
    parts = _parts(graph, id, called, labels)
    short = _of_cross_entropy(graph, id, gradients, labels)
    if short:
        return f"{written} = {short}"
    if sum(map(len, parts)) > _LONGEST_LINE:
        between = dict.fromkeys(labels[edge.target] for edge in graph.edges if edge.source == id)
        return f"give the values between a name (it is used in {', '.join(between)}), and derive {written} one step at a time"
    return "; ".join(f"{written} {'+=' if k else '='} {part}" for k, part in enumerate(parts)) or f"{written} = 1.0"


def _of_cross_entropy(graph: Graph, id: str, gradients: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Return (p - y) / n if the gradient is that of cross-entropy's input, else nothing."""
    found = next((x for x in normalised(graph) if x.input == id and x.kind == "log_softmax"), None)
    g = gradients.get(found.out) if found else None
    weights = {x for x in flat_of(g) if x} if g is not None else set()
    if (
        found is None
        or len(weights) != 1
        or sum(x != 0.0 for x in flat_of(g)) * graph[id].shape[found.axis[0]] != len(flat_of(g))
    ):
        return ""
    (weight,) = weights
    p_y = f"(softmax({_value(graph, id, labels)}, {found.axis[0]}) - one_hot(target))"
    count = round(-1.0 / weight)
    exact = abs(count * -weight - 1.0) < _RIGHT
    return f"{p_y}{f' / {count}' if count != 1 else ''}" if exact else f"{p_y} * {number_text(-weight)}"


def _gradient(graph: Graph, id: str, called: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Return the gradient of a node: its name, or what it is made of if it has none."""
    if id in called:
        return called[id]
    if id == graph.root:
        return "1.0"
    if graph[id].name:
        return f"d{labels[id]}"
    parts = _parts(graph, id, called, labels)
    text = " + ".join(parts) or "1.0"
    return f"({text})" if " " in text else text


def _parts(graph: Graph, id: str, called: Mapping[str, str], labels: Mapping[str, str]) -> list[str]:
    """Return what the gradient of a node is the sum of: one part for each way to the loss, or softmax's rule."""
    edges = [edge for edge in reversed(graph.edges) if edge.source == id and graph[edge.target].requires_grad]
    found = next((x for x in normalised(graph) if x.input == id), None)
    if found is None or len(edges) > _WAYS_OF_SOFTMAX:
        return [_part(graph, edge, called, labels) for edge in edges]
    out, g = graph[found.out], _gradient(graph, found.out, called, labels)
    p = labels[out.id] if out.name and found.kind == "softmax" else f"softmax({_value(graph, id, labels)}, {found.axis[0]})"
    if found.kind == "softmax":
        return [f"{p} * ({g} - ({p} * {g}).sum({found.axis[0]}, keepdim=True))"]
    return [f"{g} - {p} * {g}.sum({found.axis[0]}, keepdim=True)"]


def _value(graph: Graph, id: str, labels: Mapping[str, str]) -> str:
    """Return a value: its name, its number, or what it is computed of."""
    node = graph[id]
    if node.name:
        return labels[id]
    if node.op is None:
        return number_text(node.data) if not node.shape else labels[id]
    operands = [_value(graph, edge.source, labels) for edge in graph.operand_edges(id)]
    if PRIMITIVES[node.op or ""].infix:
        return f"({operands[0]} {node.symbol} {operands[1]})"
    first, params = operands[0], node.params
    if node.op in ("sum", "max"):
        return f"{first}.{node.op}({', '.join(map(str, params['axis']))}{', keepdim=True' * params['keepdims']})"
    if node.op in ("reshape", "permute"):
        return f"{first}.{node.op}{tuple(params['shape' if node.op == 'reshape' else 'order'])}"
    if node.op == "index":
        return f"{first}[{_key(params.get('key'))}]"
    if node.op in ("negative", "expand"):
        return f"-{first}" if node.op == "negative" else first
    return f"{node.op}({', '.join(operands)})"


def _part(graph: Graph, edge: Edge, called: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Return one contribution, with the sum over the dimensions along which the operand was repeated."""
    node, shape = graph[edge.target], graph[edge.source].shape
    g = _gradient(graph, node.id, called, labels)
    text = _RULES.get(node.op or "", _unknown)(graph, edge, g, labels).removesuffix(" * 1.0")
    if not PRIMITIVES[node.op or ""].broadcasts or node.op == "matmul" or node.shape == shape:
        return text
    missing = len(node.shape) - len(shape)
    axes = [k for k, size in enumerate(node.shape) if k < missing or (shape[k - missing] == 1 and size != 1)]
    keep = ", keepdim=True" if not missing else ""
    dims = "" if len(axes) == len(node.shape) and missing else str(axes[0] if len(axes) == 1 else tuple(axes))
    return f"({text}).sum({dims}{keep})" if " " in text else f"{text}.sum({dims}{keep})"


def _unknown(graph: Graph, edge: Edge, g: str, labels: Mapping[str, str]) -> str:
    return f"{g} through {graph[edge.target].op}"


def _operands(graph: Graph, edge: Edge, labels: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the operand itself, the other one of two, and the result."""
    edges = graph.operand_edges(edge.target)
    other = edges[1 - edge.position] if len(edges) == 2 else edges[0]
    node = graph[edge.target]
    out = labels[node.id] if node.name else _value(graph, node.id, labels)
    return _value(graph, edge.source, labels), _value(graph, other.source, labels), out


def _divide(graph: Graph, edge: Edge, g: str, labels: Mapping[str, str]) -> str:
    x, other, _ = _operands(graph, edge, labels)
    return f"{g} / {other}" if edge.position == 0 else f"-{other} / {x}**2 * {g}"


def _power(graph: Graph, edge: Edge, g: str, labels: Mapping[str, str]) -> str:
    x, other, out = _operands(graph, edge, labels)
    if edge.position:
        return f"{out} * log({other}) * {g}"
    exponent = graph[graph.operand_edges(edge.target)[1].source].data
    lowered = number_text(exponent - 1.0) if type(exponent) is float else f"({other} - 1)"
    return f"{other} * {x} * {g}" if lowered == "1" else f"{other} * {x}**{lowered} * {g}"


def _sum(graph: Graph, edge: Edge, g: str, labels: Mapping[str, str]) -> str:
    x, axis = _operands(graph, edge, labels)[0], graph[edge.target].params
    if not axis["keepdims"] and len(axis["axis"]) < len(graph[edge.source].shape):
        g = f"{g}.unsqueeze({axis['axis'][0]})"
    return f"{g} * ones_like({x})"


def _max(graph: Graph, edge: Edge, g: str, labels: Mapping[str, str]) -> str:
    x, _, out = _operands(graph, edge, labels)
    axis = graph[edge.target].params
    if not axis["keepdims"] and len(axis["axis"]) < len(graph[edge.source].shape):
        g, out = (f"{text}.unsqueeze({axis['axis'][0]})" for text in (g, out))
    return f"({x} == {out}) * {g}"


def _key(key: Any) -> str:
    texts = [str(part) for part in (key if type(key) is tuple else (key,))]
    return ", ".join(text if len(text) < _LONGEST_KEY and "Array" not in text else "index" for text in texts)


def _index(graph: Graph, edge: Edge, g: str, labels: Mapping[str, str]) -> str:
    x = _operands(graph, edge, labels)[0]
    key = _key(graph[edge.target].params.get("key"))
    return f"zeros_like({x}).index_put(({key}{',' * (', ' not in key)}), {g}, accumulate=True)"


def _simple(form: str) -> Callable[[Graph, Edge, str, Mapping[str, str]], str]:
    def write(graph: Graph, edge: Edge, g: str, labels: Mapping[str, str]) -> str:
        x, other, out = _operands(graph, edge, labels)
        shape = tuple(shape_of(graph[edge.source].data))
        return form.format(g=g, x=x, other=other, out=out, shape=", ".join(map(str, shape)))

    return write


def _permute(graph: Graph, edge: Edge, g: str, labels: Mapping[str, str]) -> str:
    order = graph[edge.target].params["order"]
    return f"{g}.permute{tuple(map(order.index, range(len(order))))}"


def _subtract(graph: Graph, edge: Edge, g: str, labels: Mapping[str, str]) -> str:
    return f"-{g}" if edge.position else g


def _matmul(graph: Graph, edge: Edge, g: str, labels: Mapping[str, str]) -> str:
    other = _operands(graph, edge, labels)[1]
    flipped = f"{other}.mT" if len(graph[edge.source].shape) > 2 else f"{other}.T"
    return f"{flipped} @ {g}" if edge.position else f"{g} @ {flipped}"


_RULES = {
    "add": _simple("{g}"), "subtract": _subtract, "multiply": _simple("{other} * {g}"), "divide": _divide,
    "negative": _simple("-{g}"), "power": _power, "exp": _simple("{out} * {g}"), "log": _simple("{g} / {x}"),
    "log1p": _simple("{g} / (1 + {x})"), "sqrt": _simple("{g} / (2 * {out})"), "sin": _simple("cos({x}) * {g}"),
    "cos": _simple("-sin({x}) * {g}"), "tanh": _simple("(1 - {out}**2) * {g}"), "sigmoid": _simple("{out} * (1 - {out}) * {g}"),
    "relu": _simple("({x} > 0) * {g}"), "sum": _sum, "max": _max, "matmul": _matmul, "index": _index,
    "reshape": _simple("{g}.reshape({shape})"), "permute": _permute, "expand": _simple("{g}"),
}  # fmt: skip
