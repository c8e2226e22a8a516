"""The derivatives of a graph by its leaves, as text that can be read and as plain data."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from micrograd_sm.array import flat_of, shape_of
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph
from micrograd_sm.graph.computed import with_each_number
from micrograd_sm.study.replay import inputs_of, replay
from micrograd_sm.study.subject import subject_of
from micrograd_sm.transforms import grad, hessian, jacobian
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import data_text, number_text, range_text
from micrograd_sm.words.plain import plain
from micrograd_sm.words.result import Listing, Record, prose
from micrograd_sm.words.table import table_html, table_lines

_TRANSFORMS: dict[str, Callable] = {"grad": grad, "jacobian": jacobian, "hessian": hessian}
_MOST_ROWS, _MOST_COLUMNS = 32, 12  # of a table


@dataclass(frozen=True, eq=False)
class Block(Record):
    """One derivative: the labels of the leaves that it is taken by, `rows` of its table, and its numbers."""

    by: tuple[str, ...]
    rows: int
    data: Any

    def to_dict(self) -> dict[str, Any]:
        """Return the derivative as plain data, with its shape."""
        return {"by": list(self.by), "shape": list(shape_of(self.data)), "data": plain(self.data)}

    def table(self) -> list[list[str]] | None:
        """Return the numbers as a table of text; None for a number, or if it is too large or empty."""
        shape = shape_of(self.data)
        if not prod(shape) or not shape:
            return None
        columns = prod(shape) // self.rows
        if columns > _MOST_COLUMNS or self.rows > _MOST_ROWS:
            return None
        texts = [number_text(x + 0.0) for x in flat_of(self.data)]
        width = max(map(len, texts))  # of all columns, as they stand for the same kind of number
        return [[text.rjust(width) for text in texts[row * columns :][:columns]] for row in range(self.rows)]


@dataclass(frozen=True, eq=False, repr=False)
class Derivatives(Listing[Block]):
    """The gradient, Jacobian or Hessian of a graph's root, by one leaf or, block by block, by several.

    Its length, index and loop are those of its blocks; it is always true.

    >>> x = Value([1.0, 2.0], name="x")
    >>> print(derivatives((x * x).sum(), "hessian"))
    L = 5
    d2L/dx dx, shape (2, 2)
      2  0
      0  2
    """

    kind: str
    root: str
    value: Any
    blocks: tuple[Block, ...]

    def _items(self) -> tuple[Block, ...]:
        return self.blocks

    def __str__(self) -> str:
        lines = [f"{self.root} = {data_text(self.value)}"]
        for block in self.blocks:
            lines += [*self._head(block), *(f"  {line}" for line in table_lines(block.table() or ()))]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [prose(f"{self.root} = {data_text(self.value)}")]
        for block in self.blocks:
            parts.append(prose("\n".join(self._head(block))))
            table = block.table()
            parts += [table_html(table, head=False)] if table else []
        return "".join(parts)

    def _head(self, block: Block) -> Iterator[str]:
        """Yield what stands above a block's table, or in its place."""
        square = "2" if len(block.by) == 2 else ""
        name = f"d{square}{self.root}/{' '.join(f'd{label}' for label in block.by)}"
        shape, table = shape_of(block.data), block.table()
        if not shape:
            yield f"{name} = {number_text(block.data)}"
            return
        yield f"{name}, shape {shape}"
        if table is None:
            yield f"  {range_text(block.data)}" if prod(shape) else "  no elements"
        elif len(shape) > 2:
            yield f"  as a table of {block.rows} x {len(table[0])}, {self._axes(block)}"

    def _axes(self, block: Block) -> str:
        """Say what rows and columns of a table stand for."""
        if self.kind != "hessian" and not shape_of(self.value):
            return f"a column for each element of the last dimension of {block.by[0]}"
        above = block.by[0] if self.kind == "hessian" else self.root
        if self.kind == "hessian" and flat_of(self.value)[1:]:
            above = f"{self.root} and {above}"
        return f"a row for each element of {above}, a column for each of {block.by[-1]}"


def derivatives(
    loss: Value | Graph, kind: str = "grad", leaves: Iterable[Value | str] = (), names: Mapping[str, Any] | None = None
) -> Derivatives:
    """Return the "grad", "jacobian" or "hessian" of a graph's root by some of its leaves, by default all that require one.

    The graph is a function of its leaves: its primitives are computed again, with what `where` and indexing chose. `leaves`
    are Values of the graph, names or ids. Raises ValueError for another kind, for a leaf that requires no gradient,
    and if there is none; TypeError for leaves that are not in a list; RuntimeError for the gradient of more than one
    number.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> print(derivatives(a * b * b, "grad", ["b"]))
    L = 18
    dL/db = -12
    """
    if not isinstance(kind, str) or kind not in _TRANSFORMS:
        raise ValueError(f"derivatives: kind must be one of {', '.join(map(repr, _TRANSFORMS))}, got {kind!r}")
    subject = subject_of(loss, sys._getframe(1).f_locals if names is None else names, kind)
    subject = subject._replace(graph=with_each_number(subject.graph.unfold(), kind))
    graph, inputs = subject.graph, inputs_of(subject.graph)
    labels = labels_of(graph)
    chosen = [subject.node(x, kind) for x in _listed(leaves)] or inputs
    for node in chosen:
        if node not in inputs:
            known = ", ".join(labels[one.id] for one in inputs) or "none"
            raise ValueError(f"{kind}: {labels[node.id]} is no leaf that requires a gradient; those are {known}")
    if not chosen:
        raise ValueError(f"{kind}: no leaf of this value requires a gradient")
    if len({node.id for node in chosen}) < len(chosen):
        raise ValueError(f"{kind}: a leaf is named twice")
    root = graph[graph.root]
    function, values = replay(graph, chosen), [Value(node.data, requires_grad=False) for node in chosen]
    found = _TRANSFORMS[kind](function, tuple(range(len(chosen))))(*values)
    blocks = []
    for node, part in zip(chosen, found):
        pairs = zip(chosen, part) if kind == "hessian" else [(None, part)]
        for other, value in pairs:
            by = (labels[node.id],) if other is None else (labels[node.id], labels[other.id])
            ahead = node.shape[:-1] if other is None and not root.shape else root.shape
            ahead = ahead if other is None else (*root.shape, *node.shape)
            blocks.append(Block(by, prod(ahead), value.data))
    return Derivatives(kind, labels[root.id], root.data, tuple(blocks))


def _listed(leaves: Any) -> Iterable[Value | str]:
    """Return the leaves; TypeError for a single one, whose elements or letters nobody means."""
    if isinstance(leaves, str) or hasattr(leaves, "shape") or not isinstance(leaves, Iterable):
        raise TypeError(f"derivatives: leaves must be a list of Values, names or ids, as in [x]; got {leaves!r}")
    return leaves
