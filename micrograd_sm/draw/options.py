"""The options of a picture: its direction, what a box shows, and whether edges carry their derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

DIRECTIONS = ("TB", "LR", "BT", "RL")
SHOWN = ("both", "value", "gradient", "shape", "none")
_NONE: Mapping[str, Any] = MappingProxyType({})


class Options(NamedTuple):
    """The options of `draw`, three of the step page, `room`, `labels` and `strips`, and `notes`.

    `room` is, by node id, a width in characters to keep for the numbers of the gradient; `labels`, by node id, the names by
    which text beside the picture calls nodes without a name. `strips` says whether large arrays have heat strips: graphs of
    more than 200 nodes have none, since they would be half of the picture's bytes. `notes` are sentences about nodes, by id:
    their boxes are framed, the first one's most, and the arrows between them are thick.
    """

    rankdir: str = "TB"
    show: str = "both"
    edges: bool = False
    room: Mapping[str, int] = _NONE
    labels: Mapping[str, str] = _NONE
    strips: bool = True
    notes: Mapping[str, str] = _NONE

    @property
    def down(self) -> bool:
        """Whether arrows run down or up, so that a box's operands are side by side along its edge."""
        return self.rankdir in ("TB", "BT")


DEFAULTS = Options()


def checked(options: Options) -> Options:
    """Return the options; raises ValueError or TypeError, with the choices, if one is not allowed."""
    for name, choices, meaning in (("rankdir", DIRECTIONS, "where the arrows run"), ("show", SHOWN, "what is in a box")):
        value = getattr(options, name)
        if value not in choices:
            raise ValueError(f"draw: {name} must be one of {', '.join(map(repr, choices))} ({meaning}), got {value!r}")
    if not isinstance(options.edges, bool):
        raise TypeError(f"draw: edges must be True or False (whether edges carry their derivatives), got {options.edges!r}")
    return options
