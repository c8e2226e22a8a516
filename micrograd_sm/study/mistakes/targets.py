"""What the caller called the targets of a loss, which keeps their numbers and not their name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from micrograd_sm.array.summary import Summary
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.patterns import operands

_OTHERWISE = "target"


def target_name(graph: Graph, variables: Mapping[str, Any]) -> str:
    """Return the one variable that holds the classes that the loss picks, two or more, else "target".

    >>> from micrograd_sm import Value, cross_entropy
    >>> loss = cross_entropy(Value([[1.0, 2.0], [0.3, 0.1]]), [1, 0])
    >>> target_name(Graph(loss), {"y": [1, 0], "z": [0, 1]}), target_name(Graph(loss), {})
    ('y', 'target')
    """
    picked = [_classes(graph, node) for node in graph if node.op == "index" and node.params["key"] == "target"]
    if len(picked) != 1 or len(picked[0]) < 2 or _OTHERWISE in variables:
        return _OTHERWISE
    named = [name for name, x in variables.items() if not name.startswith("_") and _holds(x, picked[0])]
    return named[0] if len(named) == 1 else _OTHERWISE


def _classes(graph: Graph, node: Node) -> list[int]:
    if type(node.params["positions"]) is Summary:  # too many to be compared one by one
        return []
    shape = operands(graph, node)[0].shape
    inner = math.prod(shape[2:])
    return [position // inner % shape[1] for position in node.params["positions"]] if len(shape) > 1 else []


def _holds(x: Any, classes: list[int]) -> bool:
    """Whether a list, a Value, or a tensor of another library holds these classes."""
    if not isinstance(x, (list, tuple)):
        shape = getattr(x, "shape", None)
        if not isinstance(shape, tuple) or math.prod(shape) != len(classes) or not hasattr(x, "tolist"):
            return False
        x = x.tolist()
    while x and len(x) <= len(classes) and all(isinstance(part, (list, tuple)) for part in x):
        x = [element for part in x for element in part]
    return all(type(element) in (int, float) for element in x) and list(x) == classes
