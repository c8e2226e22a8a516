"""Graphs of arrays that are not computed yet, such as Dask's, with their numbers: all computed at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from micrograd_sm.array import namespace
from micrograd_sm.array.indexing import Picked
from micrograd_sm.array.storage import is_lazy
from micrograd_sm.array.summary import LARGE, Summary, facts_of
from micrograd_sm.graph.evaluation import Heard, arrays_in, backward_pass
from micrograd_sm.graph.snapshot import snapshot

if TYPE_CHECKING:
    from micrograd_sm.graph.core import Graph

MOST = 1_000_000  # elements of an array that is brought here; of a larger one, only what a summary says


def passed(graph: Graph, upstream: Any = None, *parts: Any) -> tuple[Any, ...]:
    """Return a graph with the gradients of its backward pass, its contributions with what a Graph keeps, and other parts."""
    found = backward_pass(graph, upstream)
    heard = found.heard
    if arrays_in(graph.unfold()) is not None:
        heard = tuple(Heard(edge, *map(snapshot, numbers)) for edge, *numbers in heard)
    return with_numbers(graph.with_gradients(found.gradients), heard, *parts)


def with_numbers(graph: Graph, *parts: Any) -> tuple[Any, ...]:
    """Return a graph, and parts of its pass, with the numbers of their arrays, all computed in one go.

    An array of more than a million elements stays where it is, and its Summary knows its first numbers and its ends.
    """
    waiting: dict[int, Any] = {}

    def wait(part: Any) -> Any:
        waiting[id(_array(part))] = part
        return part

    nodes = graph.unfold().nodes
    kinds = {type(node.data) for node in nodes} | {type(node.grad) for node in nodes}  # quick, as graphs of numbers are large
    if Summary not in kinds or not any(_waits(x) for node in nodes for x in (node.data, node.grad)):
        return graph, *parts
    whole = (nodes, *parts)
    _each(whole, wait)
    arrays = {key: _array(part) for key, part in waiting.items()}
    (found,) = namespace(*arrays.values()).compute({key: x if _is_small(x) else facts_of(x) for key, x in arrays.items()})

    def known(part: Any) -> Any:
        array = _array(part)
        if type(part) is Picked:
            return tuple(Picked(found[id(array)], part.axis, part.shape, part.function)) if _is_small(array) else part
        if _is_small(array):
            return snapshot(found[id(array)])
        part.learn(found[id(array)])
        return part

    nodes, *others = _each(whole, known)
    return graph._with_nodes(nodes), *others


def with_each_number(graph: Graph, function: str) -> Graph:
    """Return a graph with all its numbers in Python, for a function that looks at each.

    Raises RuntimeError if an array has too many.
    """
    _refuse_large(graph, function, LARGE, lambda array: True)
    return cast("Graph", with_numbers(graph)[0])


def refuse_uncomputed(graph: Graph, function: str) -> None:
    """Raise RuntimeError if a graph has an array that would have to be computed as a whole, and is too large for that."""
    _refuse_large(graph, function, MOST, is_lazy)


def _refuse_large(graph: Graph, function: str, most: int, counts: Callable[[Any], bool]) -> None:
    for node in graph.unfold():
        if type(node.data) is Summary and prod(node.shape) > most and counts(node.data.array):
            kind = " that are not computed" if counts is is_lazy else ", number by number"
            raise RuntimeError(
                f"{function}: node {node.id} has shape {node.shape}, {prod(node.shape):,} elements, and {function} looks at "
                f"arrays of at most {most:,}{kind}; take a part of the batch, such as a few rows: x[:100]"
            )


def _waits(part: Any) -> bool:
    return (type(part) is Summary and not part.known) or type(part) is Picked


def _array(part: Any) -> Any:
    return part.chosen if type(part) is Picked else part.array


def _is_small(array: Any) -> bool:
    return prod(array.shape) <= MOST


def _each(part: Any, new: Callable[[Any], Any]) -> Any:
    """Return nested parts with what `new` says for each array that is not computed."""
    if _waits(part):
        return new(part)
    if isinstance(part, Mapping):
        return MappingProxyType({key: _each(x, new) for key, x in part.items()})
    if isinstance(part, tuple):
        parts = [_each(x, new) for x in part]
        return type(part)(*parts) if hasattr(part, "_fields") else tuple(parts)
    return part
