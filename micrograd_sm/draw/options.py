"""How a picture is to look: its direction, what a box shows, and whether edges carry their derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

DIRECTIONS = ("TB", "LR", "BT", "RL")
SHOWN = ("both", "value", "gradient", "shape", "none")
_NO_ROOM: Mapping[str, int] = MappingProxyType({})
_NO_LABELS: Mapping[str, str] = MappingProxyType({})


class Options(NamedTuple):
    """What `draw` was asked for, and `room`, which keeps a width in characters, by node id, for the numbers of its gradient.

    `labels` says, by node id, what text beside the picture calls the nodes that have no name.
    `strips` says whether large arrays have heat strips; graphs of more than 200 nodes go without, for they would be half of
    the picture's bytes.

    >>> Options(show="value").rankdir
    'TB'
    """

    rankdir: str = "TB"
    show: str = "both"
    edges: bool = False
    room: Mapping[str, int] = _NO_ROOM
    labels: Mapping[str, str] = _NO_LABELS
    strips: bool = True

    @property
    def down(self) -> bool:
        """Whether arrows run down or up, so that a box's operands stand side by side along its edge."""
        return self.rankdir in ("TB", "BT")


DEFAULTS = Options()


def checked(options: Options) -> Options:
    """Return the options; ValueError or TypeError for one that is not among those there are.

    >>> checked(Options(rankdir="down"))
    Traceback (most recent call last):
        ...
    ValueError: draw: rankdir must be one of 'TB', 'LR', 'BT', 'RL' (where the arrows run), got 'down'
    """
    if options.rankdir not in DIRECTIONS:
        raise ValueError(f"draw: rankdir must be one of {_list(DIRECTIONS)} (where the arrows run), got {options.rankdir!r}")
    if options.show not in SHOWN:
        raise ValueError(f"draw: show must be one of {_list(SHOWN)} (what is in a box), got {options.show!r}")
    if not isinstance(options.edges, bool):
        raise TypeError(f"draw: edges must be True or False (whether edges carry their derivatives), got {options.edges!r}")
    return options


def _list(words: tuple[str, ...]) -> str:
    return ", ".join(map(repr, words))
