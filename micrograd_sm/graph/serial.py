"""Graphs as plain dicts, which JSON holds without loss, also nan, infinities, integers and index keys.

A number is itself, or one of the words "nan", "inf" and "-inf"; an array is `{"dtype", "shape", "flat"}`. In parameters a
tuple is a list, a slice is `{"slice": [start, stop, step]}`, `...` is `{"ellipsis": true}` and a word is `{"text": word}`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from micrograd_sm.array import Array, shape_of
from micrograd_sm.array.parsing import convert
from micrograd_sm.array.summary import Summary
from micrograd_sm.graph.parts import NO_PARAMS, Node, Scope
from micrograd_sm.primitives import PRIMITIVES

if TYPE_CHECKING:
    from micrograd_sm.graph.core import Graph

FORMAT, VERSION = "micrograd_sm.Graph", 1

_DTYPES: dict[str, type] = {"float": float, "int": int, "bool": bool}
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_DEEPEST = 16  # levels of nested lists and slices in a parameter; index keys have three or four
_NONE: Any = type(None)


class Parsed(NamedTuple):
    """A graph as a dict describes it: its nodes without folds, the operands of each, and which scopes are folded."""

    nodes: tuple[Node, ...]
    operands: dict[str, list[str]]
    root: str
    scopes: tuple[Scope, ...]
    folded: list[str]


def as_dict(graph: Graph, folds: Iterable[str]) -> dict[str, Any]:
    """Return an open graph, and the ids of the scopes that are folded in it, as a dict of plain Python."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "root": graph.root,
        "folded": [scope.id for scope in graph.scopes if scope.id in set(folds)],
        "scopes": [{"id": scope.id, "name": scope.name, "outer": scope.outer} for scope in graph.scopes],
        "nodes": [_node_as_dict(node, [edge.source for edge in graph.operand_edges(node.id)]) for node in graph.nodes],
    }


def _node_as_dict(node: Node, operands: list[str]) -> dict[str, Any]:
    params = {name: _written(param) for name, param in node.params.items()}
    return {
        "id": node.id, "op": node.op, "operands": operands, "params": params, "name": node.name, "data": _written(node.data),
        "grad": _written(node.grad), "requires_grad": node.requires_grad, "call": node.call, "source": node.source,
    }  # fmt: skip


def _written(x: Any) -> Any:
    if x is None or type(x) in (bool, int):
        return x
    if isinstance(x, float):
        return float(x) if math.isfinite(x) else repr(x)
    if type(x) is Array:
        return {"dtype": x.dtype.__name__, "shape": list(x.shape), "flat": [_written(element) for element in x.flat]}
    if type(x) is tuple:
        return [_written(part) for part in x]
    if type(x) is slice:
        return {"slice": [_written(x.start), _written(x.stop), _written(x.step)]}
    if x is Ellipsis:
        return {"ellipsis": True}
    if type(x) is str:
        return {"text": x}
    if type(x) is Summary:
        raise RuntimeError(
            f"Graph: of an array of shape {x.shape} it has a summary only, which cannot be saved or compared; "
            "take a part of the batch, such as x[:100]"
        )
    if hasattr(x, "opaque"):  # a call of another library: its name can be written, but not the call
        return {"text": repr(x)}
    raise TypeError(f"Graph: {x!r} of type {type(x).__name__}, in a parameter, cannot be saved")


# Reading ------------------------------------------------------------------------------------------------------------


def parsed(content: Any) -> Parsed:
    """Return the graph that a dict from `as_dict` describes. Raises ValueError, with what is wrong, for any other."""
    whole = _entries(content, "the graph")
    if whole.get("format") != FORMAT or type(whole.get("version")) is not int:
        _refuse(f"expected a dict with format {FORMAT!r} and a version, as Graph.to_dict() returns")
    if whole["version"] != VERSION:
        _refuse(f"version {whole['version']} is unknown, only {VERSION} is known; a newer micrograd_sm may read it")
    scopes = _scopes(_entry(whole, "scopes", list, "the graph"))
    nodes: dict[str, Node] = {}
    operands: dict[str, list[str]] = {}
    for number, entry in enumerate(_entry(whole, "nodes", list, "the graph")):
        node, sources = _node(_entries(entry, f"node {number}"), nodes, scopes)
        nodes[node.id], operands[node.id] = node, sources
    root, folded = _entry(whole, "root", str, "the graph"), _entry(whole, "folded", list, "the graph")
    if root not in nodes:
        _refuse(f"the root {root!r} is not one of the {len(nodes)} nodes")
    if unknown := [id for id in folded if type(id) is not str or id not in scopes]:
        _refuse(f"folded names {unknown[0]!r}, which is not one of the {len(scopes)} scopes")
    return Parsed(tuple(nodes.values()), operands, root, tuple(scopes.values()), folded)


def _scopes(entries: list) -> dict[str, Scope]:
    scopes: dict[str, Scope] = {}
    for number, entry in enumerate(entries):
        where = f"scope {number}"
        fields = _entries(entry, where)
        id, name = _entry(fields, "id", str, where), _entry(fields, "name", str, where)
        outer = _entry(fields, "outer", (str, _NONE), where)
        if id != f"s{number}":
            _refuse(f"{where} has id {id!r}; ids are s0, s1, ... in order")
        if not name or "/" in name:
            _refuse(f"{where}: the name must not be empty or contain '/', got {name!r}")
        if outer is not None and outer not in scopes:
            _refuse(f"{where} lies in {outer!r}, which is not an earlier scope")
        scopes[id] = Scope(id, name, outer, f"{scopes[outer].path}/{name}" if outer is not None else name)
    return scopes


def _node(entry: Mapping[str, Any], earlier: Mapping[str, Node], scopes: Mapping[str, Scope]) -> tuple[Node, list[str]]:
    where = f"node {len(earlier)}"
    if _entry(entry, "id", str, where) != f"v{len(earlier)}":
        _refuse(f"{where} has id {entry['id']!r}; ids are v0, v1, ... in order")
    op, call = _entry(entry, "op", (str, _NONE), where), _entry(entry, "call", (str, _NONE), where)
    if call is not None and call not in scopes:
        _refuse(f"{where} was made in {call!r}, which is not one of the {len(scopes)} scopes")
    data, grad = (_numbers(entry, field, where) for field in ("data", "grad"))
    if data is None or (grad is not None and shape_of(grad) != shape_of(data)):
        _refuse(f"{where}: there must be data, and the gradient must have its shape")
    operands, params = _operands(entry, op, earlier, where)
    requires_grad = _entry(entry, "requires_grad", bool, where)
    name, source = (_entry(entry, field, (str, _NONE), where) for field in ("name", "source"))
    symbol, scope = "" if op is None else PRIMITIVES[op].symbol, "" if call is None else scopes[call].path
    node = Node(entry["id"], op, symbol, name, data, grad, shape_of(data), scope, params, requires_grad, call, source)
    return node, operands


def _operands(entry: Mapping[str, Any], op: str | None, earlier: Mapping[str, Node], where: str) -> tuple[list[str], Mapping]:
    """Return the operands and parameters of an entry. Raises ValueError if its primitive does not take them."""
    operands = _entry(entry, "operands", list, where)
    if unknown := [id for id in operands if type(id) is not str or id not in earlier]:
        _refuse(f"{where}: the operand {unknown[0]!r} is not an earlier node")
    written = _entries(_entry(entry, "params", dict, where), f"{where}: params")
    params = {name: _read(param, f"{where}: {name}") for name, param in sorted(written.items())}
    if op is None:
        if operands or params:
            _refuse(f"{where} has operands or params, but no op")
        return operands, NO_PARAMS
    if op not in PRIMITIVES:
        _refuse(f"{where}: there is no primitive {op!r}; the primitives are {', '.join(PRIMITIVES)}")
    count, wanted = _signature(op)
    if (count is not None and len(operands) != count) or not operands:
        _refuse(f"{where}: {op} has {len(operands)} operands and takes {count if count is not None else 'at least one'}")
    if set(params) != wanted:
        _refuse(f"{where}: {op} has the parameters {sorted(params)} and takes {sorted(wanted)}")
    return operands, MappingProxyType(params) if params else NO_PARAMS


@cache
def _signature(op: str) -> tuple[int | None, frozenset[str]]:
    """Return how many operands a primitive takes, or None if it takes any number, and the names of its parameters."""
    primitive = PRIMITIVES[op]
    import inspect  # noqa: PLC0415 - so that importing stays quick

    names = list(inspect.signature(primitive.value).parameters)
    count = None if primitive.variadic else len(primitive.gradient)
    return count, frozenset(names[1 if count is None else count :])


def _numbers(entry: Mapping[str, Any], field: str, where: str) -> Any:
    if field not in entry:
        _refuse(f"{where} has no {field!r}")
    numbers = _read(entry[field], f"{where}: {field}")
    if numbers is not None and type(numbers) not in (float, int, bool, Array):
        _refuse(f"{where}: {field} must be a number or an array, got {entry[field]!r}")
    return numbers


def _read(x: Any, where: str, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        _refuse(f"{where}: lists nested more than {_DEEPEST} levels deep cannot be read")
    if x is None or type(x) in (bool, int) or (type(x) is float and math.isfinite(x)):
        return x
    if type(x) is str and x in _WORDS:
        return _WORDS[x]
    if type(x) is list:
        return tuple(_read(part, where, depth + 1) for part in x)
    if type(x) is dict and x.keys() == {"slice"} and type(x["slice"]) is list and len(x["slice"]) == 3:
        return slice(*(_read(part, where, depth + 1) for part in x["slice"]))
    if type(x) is dict and x == {"ellipsis": True}:
        return Ellipsis
    if type(x) is dict and x.keys() == {"text"} and type(x["text"]) is str:
        return x["text"]
    if type(x) is dict and x.keys() == {"dtype", "shape", "flat"}:
        return _array(x, where)
    _refuse(f"{where}: cannot read {x!r}")


def _array(x: Mapping[str, Any], where: str) -> Array:
    dtype, shape, flat = x["dtype"], x["shape"], x["flat"]
    if type(dtype) is not str or dtype not in _DTYPES:
        _refuse(f"{where}: the dtype of an array is float, int or bool, got {dtype!r}")
    if type(shape) is not list or not shape or not all(type(size) is int and size >= 0 for size in shape):
        _refuse(f"{where}: the shape of an array is a list of sizes, got {shape!r}")
    if type(flat) is not list or len(flat) != prod(shape):
        _refuse(f"{where}: an array of shape {tuple(shape)} has a flat list of {prod(shape)} numbers")
    elements = [_read(element, where) for element in flat]
    kinds = (float, int) if dtype == "float" else (_DTYPES[dtype],)
    if wrong := [element for element in elements if type(element) not in kinds]:
        _refuse(f"{where}: an array of {dtype} numbers holds {wrong[0]!r}")
    try:
        return Array.of(convert(elements, _DTYPES[dtype]), tuple(shape), _DTYPES[dtype])
    except ValueError as error:
        _refuse(f"{where}: {error}")


def _entries(x: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(x, Mapping) or not all(type(key) is str for key in x):
        _refuse(f"{where} must be a dict with strings as keys, got {x!r:.80}")
    return x


def _entry(entries: Mapping[str, Any], key: str, kinds: Any, where: str) -> Any:
    if key not in entries:
        _refuse(f"{where} has no {key!r}")
    kinds = kinds if type(kinds) is tuple else (kinds,)
    if type(entries[key]) not in kinds:
        names = " or ".join("null" if kind is _NONE else kind.__name__ for kind in kinds)
        _refuse(f"{where}: {key} must be {names}, got {entries[key]!r:.80}")
    return entries[key]


def _refuse(what: str) -> NoReturn:
    raise ValueError(f"Graph.from_dict: {what}")
