"""What each node is called in a formula."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from micrograd_sm.draw.text import shortened, visible
from micrograd_sm.graph import Graph


def labels_of(graph: Graph) -> Mapping[str, str]:
    """Return what each node is called, by its id: its name, L for a root that has none, else the id; no two the same.

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
