"""The contents of results as plain data for strict JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def plain(x: Any) -> Any:
    """Return data for strict JSON: arrays and tuples become lists, dataclasses dicts, nan and infinities words."""
    if isinstance(x, float):
        return float(x) if math.isfinite(x) else repr(float(x))
    if isinstance(x, Mapping):
        return {str(key): plain(part) for key, part in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(part) for part in x]
    if hasattr(x, "to_dict"):
        return plain(x.to_dict())
    if is_dataclass(x) and not isinstance(x, type):
        return {field.name: plain(getattr(x, field.name)) for field in fields(x)}
    return plain(x.tolist()) if hasattr(x, "tolist") else x
