"""The source of a gradient: a graph's forward and backward pass as a plain Python program."""

from __future__ import annotations

import keyword
import operator
import re
from collections.abc import Iterable, Mapping
from html import escape
from itertools import product
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

from micrograd_sm.array import flat_of, shape_of
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.evaluation import backward_pass
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.program.cells import noting
from micrograd_sm.program.following import Following
from micrograd_sm.program.storage import elements, tensor
from micrograd_sm.words.names import labels_of, shortened, visible

LARGEST_PROGRAM = 20_000  # numbers computed on the way forward, up to which a program is written

_CALLED = {"math", "max", "sum", "print", "len", "zip", "hasattr", "ValueError", "OverflowError"}  # by a program
_FUNCTIONS = {
    "ieee": '''\
def ieee(function, *operands, otherwise):
    """Return what IEEE 754 has where Python's math raises."""
    try:
        return function(*operands)
    except (ValueError, OverflowError):
        return otherwise
''',
    "divide": '''\
def divide(a, b):
    """Return a / b as IEEE 754 has it: 1 / 0 is inf, 0 / 0 is nan."""
    if b != 0:
        return a / b
    if a == 0 or a != a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)
''',
    "dot": '''\
def dot(row, column):
    """Return the sum of the products, added up as micrograd_sm does."""
    if hasattr(math, "sumprod"):
        return math.sumprod(row, column)
    products = [x * y for x, y in zip(row, column)]
    if len(products) > 256:
        return sum(products)
    total = products[0]
    for one in products[1:]:
        total += one
    return total
''',
}
_TAKEN = {*keyword.kwlist, *keyword.softkwlist, *_FUNCTIONS, *_CALLED}


class Program(str):
    """A Python program that imports only `math`: the forward and the backward pass of one graph, number by number.

    It is a `str`, so that it can be written, cut and executed as any other. It ends with a variable for the loss, which
    `loss` names, and one for the gradient of each leaf, `gradients` by the leaf's label: a number, or nested lists for a
    tensor. Run as a script it prints them, and `run()` returns them.

    >>> from micrograd_sm import Value
    >>> from micrograd_sm.study import source
    >>> print(source(Value(3.0, name="x") ** 2.0))
    import math
    <BLANKLINE>
    # Forward
    x = 3.0
    loss = math.pow(x, 2.0)
    <BLANKLINE>
    # Backward
    grad_loss = 1.0
    grad_x = grad_loss * (2.0 * math.pow(x, 1.0))
    <BLANKLINE>
    print("loss =", loss)
    print("grad_x =", grad_x)
    <BLANKLINE>
    """

    loss: str
    gradients: Mapping[str, str]

    def __new__(cls, text: str, loss: str, gradients: Mapping[str, str]) -> Program:
        program = super().__new__(cls, text)
        program.loss, program.gradients = loss, MappingProxyType(dict(gradients))
        return program

    def __reduce__(self) -> tuple[Any, ...]:
        return Program, (self.text, self.loss, dict(self.gradients))

    @property
    def text(self) -> str:
        """The program as an ordinary string."""
        return str(self)

    def run(self) -> dict[str, Any]:
        """Run the program in silence and return the loss and the gradients by the names of their variables.

        >>> from micrograd_sm import Value
        >>> from micrograd_sm.study import source
        >>> source(Value(3.0, name="x") ** 2.0).run()
        {'loss': 9.0, 'grad_x': 6.0}
        """
        variables: dict[str, Any] = {"print": lambda *_: None}
        exec(compile(self, "<source of a gradient>", "exec"), variables)
        return {name: variables[name] for name in (self.loss, *self.gradients.values())}

    def _repr_html_(self) -> str:
        return f"<pre><code>{escape(self)}</code></pre>"

    def save(self, path: str | Path) -> Path:
        """Write the program to a file and return its path.

        >>> import tempfile
        >>> from micrograd_sm import Value
        >>> from micrograd_sm.study import source
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     source(Value(2.0).exp()).save(Path(folder, "gradient.py")).name
        'gradient.py'
        """
        path = Path(path)
        path.write_text(self, encoding="utf-8")
        return path

    def to_dict(self) -> dict[str, Any]:
        """Return the program and its variables as plain data.

        >>> from micrograd_sm import Value
        >>> from micrograd_sm.study import source
        >>> source(Value(2.0, name="x").exp()).to_dict()["gradients"]
        {'x': 'grad_x'}
        """
        return {"source": self.text, "loss": self.loss, "gradients": dict(self.gradients)}


def program_of(graph: Graph) -> Program:
    """Return the program of the root of an open graph and of its gradient. Raises ValueError for more than 20,000 numbers."""
    _check_size(graph)
    writer = _Writer(graph)
    with noting(writer.tape):
        body = ["# Forward", *writer.forward(), "", "# Backward", *writer.backward(), "", *writer.results()]
    text = "\n".join(body) + "\n"
    functions = [code for name, code in _FUNCTIONS.items() if re.search(rf"\b{name}\(", text)]
    return Program("\n\n".join(["import math\n", *functions, text]) if functions else f"import math\n\n{text}", writer.loss,
                   writer.leaves)  # fmt: skip


def _check_size(graph: Graph) -> None:
    numbers = sum(prod(node.shape) * _products(graph, node) for node in graph)
    if numbers > LARGEST_PROGRAM:
        raise ValueError(
            f"source: {len(graph)} nodes compute {numbers:,} numbers, each of which would be a line or a term; at most "
            f"{LARGEST_PROGRAM:,} are written, so take a smaller batch or fewer units"
        )


def _products(graph: Graph, node: Node) -> int:
    """Return how many products each element of a node sums up: those of a dot product."""
    return graph[graph.operand_edges(node.id)[0].source].shape[-1] if node.op == "matmul" else 1


class _Writer:
    """Writes the lines of one program, in which `values` and `gradients` are variables by the ids of their nodes."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.tape = Following()
        self.values: dict[str, Any] = {}
        self.gradients: Mapping[str, Any] = {}
        self.names = _names_of(graph)
        self.loss = self.names[graph.root]
        self.leaves: dict[str, str] = {}

    def forward(self) -> Iterable[str]:
        for node in self.graph:
            if node.op is None and not (node.requires_grad or node.name or node.shape):
                self.values[node.id] = node.data  # an unnamed number is written where it is used
                continue
            made = node.data if node.op is None else self._made(node)
            yield from _heading(node, self.names[node.id])
            self.values[node.id], lines = self._assigned(self.names[node.id], made, "=")
            yield from lines

    def _made(self, node: Node) -> Any:
        operands = [self.values[edge.source] for edge in self.graph.operand_edges(node.id)]
        return PRIMITIVES[node.op or ""](
            *[tensor(list(map(self.tape.literal, elements(x))), shape_of(x)) for x in operands], **node.params
        )

    def backward(self) -> Iterable[str]:
        """Return the lines of a backward pass: every contribution is written as it is added up."""
        lines: list[str] = []

        def add(operand: Node, before: Any, contribution: Any) -> Any:
            name = f"grad_{self.names[operand.id]}"
            variables, new = self._assigned(name, contribution, "=" if before is None else "+=", before)
            lines.extend(new)
            return variables

        self.gradients = backward_pass(self.graph, values=self.values, total=add).gradients
        return lines

    def _assigned(self, name: str, x: Any, sign: str, before: Any = None) -> tuple[Any, list[str]]:
        """Return variables for the elements, and the lines that assign them, or add them to what was there before."""
        shape, flat = shape_of(x), flat_of(x)
        names = [f"{name}_{'_'.join(map(str, place))}" for place in product(*map(range, shape))] if shape else [name]
        lines = [f"{variable} {sign} {self.tape.text(one)}" for variable, one in zip(names, flat, strict=True)]
        totals = flat if before is None else map(operator.add, flat_of(before), flat)
        variables = [self.tape.variable(variable, self.tape.value(one)) for variable, one in zip(names, totals, strict=True)]
        return tensor(variables, shape), lines

    def results(self) -> Iterable[str]:
        labels = labels_of(self.graph)
        yield from _gathered(self.loss, self.values[self.graph.root])
        for node in self.graph:
            if node.kind == "leaf" and node.id in self.gradients:
                name = f"grad_{self.names[node.id]}"
                self.leaves[labels[node.id]] = name
                yield from _gathered(name, self.gradients[node.id])


def _names_of(graph: Graph) -> dict[str, str]:
    """Return a variable for each node, so that no two, nor their elements and gradients, have the same name."""
    names: dict[str, str] = {}
    taken: set[str] = set(_TAKEN)
    for node in reversed(graph.nodes):  # the root first, which is called loss if it has no name
        wanted = re.sub(r"\W+", "_", node.name or "", flags=re.ASCII).strip("_") or node.id
        wanted = f"_{wanted}" if wanted[0].isdigit() else wanted
        wanted = "loss" if node.id == graph.root and not node.name else wanted
        spelled, places = wanted, [""]
        if node.shape:
            places += [f"_{'_'.join(map(str, place))}" for place in product(*map(range, node.shape))]
        tries = 0
        while not taken.isdisjoint(own := _own(spelled, places)):
            tries += 1
            spelled = f"{wanted}_{node.id}" + "_" * (tries - 1)
        taken.update(own)
        names[node.id] = spelled
    return names


def _own(name: str, places: list[str]) -> list[str]:
    return [f"{prefix}{name}{place}" for prefix in ("", "grad_") for place in places]


def _heading(node: Node, name: str) -> Iterable[str]:
    """Yield comments: what a tensor is, and which line made a node, if that is known."""
    if node.shape:
        label = visible(shortened(node.name)) if node.name else name
        yield f"# {label}{f' = {node.op}' if node.op else ''}, shape {node.shape}"
    if node.source:
        yield f"# {visible(node.source)}"


def _gathered(name: str, x: Any) -> Iterable[str]:
    """Gather the elements of a tensor in a nested list, and print it."""
    if shape_of(x):
        yield f"{name} = {_nested([one.text for one in elements(x)], x.shape)}"
    yield f'print("{name} =", {name})'


def _nested(texts: list[str], shape: tuple[int, ...]) -> str:
    if not shape:
        return texts[0]
    size = len(texts) // shape[0] if shape[0] else 0
    return f"[{', '.join(_nested(texts[row * size : (row + 1) * size], shape[1:]) for row in range(shape[0]))}]"
