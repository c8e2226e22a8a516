"""An optimizer's groups and state as plain numbers and lists, and back."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from micrograd_sm.array import shape_of
from micrograd_sm.array.storage import like_storage, stored
from micrograd_sm.engine import Value

Groups = list[dict[str, Any]]


def saved_state(groups: Groups, state: Mapping[Value, dict[str, Any]]) -> dict[str, Any]:
    """Return what torch's `state_dict()` has: the state by the position of the parameter, and the groups with positions."""
    params = [parameter for group in groups for parameter in group["params"]]
    plain = lambda x: x.tolist() if hasattr(x, "tolist") else x
    saved = {
        position: {name: plain(entry) for name, entry in state[parameter].items()}
        for position, parameter in enumerate(params)
        if parameter in state
    }
    positions = iter(range(len(params)))
    return {
        "state": saved,
        "param_groups": [{**group, "params": [next(positions) for _ in group["params"]]} for group in groups],
    }


def checked_groups(groups: Groups, saved: Any, optimizer: str) -> Groups:
    """Return the saved groups with the parameters of these. Raises ValueError if they do not belong together."""
    if not isinstance(saved, Mapping) or not {"state", "param_groups"} <= saved.keys():
        raise TypeError(f"{optimizer}: load_state_dict needs what state_dict() returns, got {saved!r}")
    loaded = saved["param_groups"]
    if len(loaded) != len(groups):
        raise ValueError(f"{optimizer}: the state has {len(loaded)} groups of parameters, the optimizer {len(groups)}")
    sizes = [[len(group["params"]) for group in side] for side in (loaded, groups)]
    if sizes[0] != sizes[1]:
        raise ValueError(f"{optimizer}: the state's groups have {sizes[0]} parameters, the optimizer's {sizes[1]}")
    return [{**group, **other, "params": group["params"]} for group, other in zip(groups, loaded, strict=True)]


def loaded_state(groups: Groups, saved: Mapping[str, Any], optimizer: str) -> dict[Value, dict[str, Any]]:
    """Return the saved state by parameter, in the storage of each. JSON has made strings of the positions."""
    params = {
        position: parameter
        for group, other in zip(groups, saved["param_groups"], strict=True)
        for position, parameter in zip(other["params"], group["params"], strict=True)
    }
    return {
        params[int(position)]: {name: _entry(entry, name, params[int(position)], optimizer) for name, entry in entries.items()}
        for position, entries in saved["state"].items()
    }


def _entry(entry: Any, name: str, parameter: Value, optimizer: str) -> Any:
    if name == "step":
        return int(entry)
    data = stored(entry.tolist() if hasattr(entry, "tolist") else entry, True)
    if prod(parameter.shape) == prod(shape_of(data)) == 0:
        return parameter.data  # as nested lists, shapes (0, 3) and (0,) look the same
    if shape_of(data) != parameter.shape:
        raise ValueError(f"{optimizer}: {name} has shape {shape_of(data)} in the state, its parameter has {parameter.shape}")
    return like_storage(data, parameter.data)
