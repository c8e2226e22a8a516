"""Names as text: safe, short, and what each node is called in a formula."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from micrograd_sm.graph import Graph

_UNSHOWABLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format (such as bidi), surrogate, private, unassigned
_JOINERS = "\u200c\u200d"  # format characters that emoji and several scripts are written with
_MAX_TEXT = 36


def visible(text: str) -> str:
    """Return text in which every character that is invisible, or reorders others, is written as its code.

    >>> print(visible("a\\u202eb\\nc"))
    a\\u202eb\\nc
    """
    return "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in _UNSHOWABLE and char not in _JOINERS
        else char
        for char in text
    )


def shortened(text: str, longest: int = _MAX_TEXT) -> str:
    """Return text, without its middle if it is longer than `longest` characters."""
    if len(text) <= longest:
        return text
    kept = (longest - 3) // 2
    return f"{text[:kept]}...{text[-kept:]}"


def labels_of(graph: Graph) -> Mapping[str, str]:
    """Return a label for each node id, all of them different: the node's name, L for a root without a name, or the id.

    >>> from micrograd_sm import Value
    >>> a = Value(2.0, name="a")
    >>> dict(labels_of(Graph(a * a + Value(1.0, name="b") * Value(4.0, name="b"))))
    {'v0': 'a', 'v1': 'v1', 'v2': 'b:v2', 'v3': 'b:v3', 'v4': 'v4', 'v5': 'L'}
    """
    names = {node.id: shortened(visible(node.name)) if node.name else "" for node in graph}
    taken = Counter(name or id for id, name in names.items())
    if not names[graph.root] and not taken["L"]:
        names[graph.root] = "L"
    taken = Counter(name or id for id, name in names.items())
    labels = {}
    for id, name in names.items():
        label = name or id
        while name and taken[label] > (label == name):
            label += f":{id}"
        taken[label] += label != name
        labels[id] = label
    return MappingProxyType(labels)
