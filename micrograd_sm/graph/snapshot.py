"""From Values to the nodes and scopes of a Graph, which nobody can change."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from micrograd_sm.array import Array, asarray, broadcast_to, flat_of, is_foreign, namespace, shape_of, tolist
from micrograd_sm.array.summary import Summary, is_summarised, plain_positions
from micrograd_sm.backward import refuse_set, set_since
from micrograd_sm.engine import Value
from micrograd_sm.graph.moment import Held, Moment
from micrograd_sm.graph.names import names_in
from micrograd_sm.graph.parts import NO_PARAMS, Node, Scope
from micrograd_sm.mode import Place

_NOTEBOOK_CELL = re.compile(r"<ipython-input-|.*[\\/]ipykernel_\d+[\\/][^\\/]*$")


def refuse_mixed(values: Iterable[Value], moment: Moment, variables: Mapping[str, Any]) -> None:
    """Raise RuntimeError, as backward does, if data was set after a value had been computed from it, up to the moment."""
    for value in values:
        changed = set_since(value, moment.changed)
        if changed is not None:
            line = value._place.line
            refuse_set(changed, value, names_in(variables, {id(changed)}).get(id(changed)), line and source_line(*line))


def scopes_around(places: Sequence[Place]) -> dict[int, Scope]:
    """Return the scopes around these places by the numbers of their calls, in the order in which they were opened."""
    paths, outer = {}, {}
    for path, calls in {place[:2] for place in places}:
        names = path.split("/")
        for depth, call in enumerate(calls):
            paths[call], outer[call] = names[: depth + 1], calls[depth - 1] if depth else None
    ids: dict[int | None, str | None] = {call: f"s{index}" for index, call in enumerate(sorted(paths))} | {None: None}
    return {
        call: Scope(f"s{k}", paths[call][-1], ids[outer[call]], "/".join(paths[call])) for k, call in enumerate(sorted(paths))
    }


def node_of(value: Value, held: Held, id: str, name: str | None, scopes: dict[int, Scope]) -> Node:
    """Return a Value as a node of a Graph, with what it held at the Graph's moment."""
    data, grad, place = snapshot(held.data), _gradient(held.grad, value.shape), value._place
    symbol = "" if value.primitive is None else value.primitive.symbol
    params = _frozen_params(value.params) if value.primitive and value.params else NO_PARAMS
    call = scopes[place.calls[-1]].id if place.calls else None
    line = None if place.line is None else source_line(*place.line)
    return Node(id, value.op, symbol, name, data, grad, value.shape, place.path, params, held.requires_grad, call, line)


def snapshot(data: Any) -> Any:
    """Return numbers that nobody can change: those of a Value, and a copy of a foreign array.

    >>> snapshot(Value([1.0, 2.0]))
    Array([1.0, 2.0])
    """
    if data is None or type(data) in (float, int, bool, Array, Summary):
        return data
    kept = data.data if isinstance(data, Value) else data
    if is_summarised(kept):
        return Summary(kept)
    shape = tuple(shape_of(kept))
    return Array.of(list(flat_of(kept)), shape, _dtype(kept)) if shape else tolist(kept)


def _dtype(kept: Any) -> type:
    if type(kept) is Array:
        return kept.dtype
    return namespace(kept).kind(kept)


def _gradient(grad: Any, wanted: tuple[int, ...]) -> Any:
    """Return a Value's gradient in the shape of its data; a user may have set one number for all elements."""
    grad = snapshot(grad)
    shape = () if grad is None else shape_of(grad)
    if grad is None or shape == wanted or len(shape) > len(wanted):
        return grad
    fits = all(size in (1, other) for size, other in zip(reversed(shape), reversed(wanted), strict=False))
    return broadcast_to(grad, wanted) if fits else grad


def _frozen_params(params: Mapping[str, Any]) -> Mapping[str, Any]:
    frozen = {name: plain_positions(x) if name == "positions" else _frozen(x) for name, x in sorted(params.items())}
    return MappingProxyType(frozen)


def _frozen(x: Any) -> Any:
    """Return a parameter that nobody can change: index lists and foreign arrays become Arrays."""
    if type(x) is tuple:
        return tuple(map(_frozen, x))
    if type(x) is slice:
        return slice(_frozen(x.start), _frozen(x.stop), _frozen(x.step))
    if isinstance(x, (list, range)):
        return asarray(list(x))
    if hasattr(x, "tolist") or is_foreign(x):
        return snapshot(x)
    return operator.index(x) if hasattr(x, "__index__") and type(x) is not bool else x


def source_line(filename: str, number: int) -> str:
    """Return a line of code and where it is, the same on every machine: `neuron.py:12: d = e + c`, `cell:2: ...`."""
    import linecache  # noqa: PLC0415 - so that importing stays quick

    code = linecache.getline(filename, number).strip()
    name = "cell" if _NOTEBOOK_CELL.match(filename) else re.split(r"[\\/]", filename)[-1]
    return f"{name}:{number}: {code}" if code else f"{name}:{number}"
