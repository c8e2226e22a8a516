"""`to_torch`: what a graph computes as a `torch.nn.Module`, for who has outgrown these numbers."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import fx

from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Node
from micrograd_sm.graph.names import names_in
from micrograd_sm.torch.operations import OPERATIONS, as_tensors, tensor_of

_TAKEN = {"self", "torch", "device", "inf", "nan", "NoneType", "pytree", "fx_pytree"}  # what the code of a module calls so


def to_torch(
    output: Value, inputs: Value | Sequence[Value] | Mapping[str, Value] = (), *, keep_choices: bool = False
) -> fx.GraphModule:
    """Return what a Value was computed by as a `torch.nn.Module`, an fx.GraphModule with the same values and gradients.

    `output` may have any shape: a loss, or the logits of a model, for a loss of torch's own. `inputs` are leaves that it was
    computed from, and that required a gradient then: one, several, or a dict of names. They are the arguments of `forward`, in
    that order, in their recorded shapes. The other leaves that require a gradient are parameters, in float64, named as in a
    Graph (`W[0]` as `W_0`); those that do not are buffers.

    A graph holds what was chosen, not what was compared. So these are refused, unless `keep_choices` says that their choices
    hold for all numbers, as those of a mask do: `where`, as in leaky_relu, clamp and masked_fill; gather, which `max(dim)`,
    `min(dim)`, sort, topk and median are made of; a mask as a key; a constant of bools; remainder, and the variance of
    gaussian_nll_loss. What else was detached, compared or taken out as numbers, such as an index, is a constant that no graph
    can tell from others: it stays what it was.

    Raises TypeError for anything but Values; ValueError for an output or an input that requires no gradient, an input that is
    no leaf of the output, a name that no argument can have, and a choice; RuntimeError for what is not micrograd_sm's own: a
    call of torch, or a compiled function.

    >>> x, w = Value([[1.0, 2.0]]), Value([[3.0], [4.0]])
    >>> module = to_torch((x @ w).tanh().sum(), x)
    >>> [name for name, _ in module.named_parameters()]
    ['w']
    >>> module(torch.zeros(1, 2, dtype=torch.float64)).item()
    0.0
    """
    if not isinstance(output, Value):
        raise TypeError(f"to_torch: expected a Value, got {output!r} of type {type(output).__name__}")
    if not output.requires_grad:
        raise ValueError(
            "to_torch: the output requires no gradient, so how it was computed is not recorded; "
            "make what it is computed from Value(..., requires_grad=True) before computing"
        )
    variables = sys._getframe(1).f_locals
    graph = Graph(output, variables).unfold()
    _refuse(graph, keep_choices)
    writer = _Writer(graph)
    writer.take(_named(inputs, variables))
    return writer.written()


def checked(x: torch.Tensor, name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Return an argument of `forward`. Raises ValueError unless it has the shape that was recorded.

    >>> checked(torch.zeros(2), "x", (2,)).shape
    torch.Size([2])
    """
    if tuple(x.shape) != shape:
        wanted = f"forward: {name} must have the recorded shape {shape}, got {tuple(x.shape)}"
        raise ValueError(f"{wanted}; compute the output for this shape, and call to_torch again")
    return x


def _refuse(graph: Graph, keep_choices: bool) -> None:
    """Raise for the nodes that would be wrong in a module, or that it cannot have."""
    for node in graph:
        if node.op is not None and node.op not in OPERATIONS:
            raise RuntimeError(
                f"to_torch: {_place(node)} is not an operation of micrograd_sm; keep that part of the program in torch"
            )
        if not keep_choices and (chosen := _choice(node)):
            raise ValueError(
                f"to_torch: {_place(node)} {chosen}, and the graph does not say what was compared; "
                "keep_choices=True keeps these choices for all numbers, which is right for a mask"
            )


def _choice(node: Node) -> str | None:
    """Return what a node chose by numbers that are not in the graph, in words; None if it chose nothing."""
    key, function = node.params.get("key"), node.scope.rpartition("/")[2]
    if node.op == "where":
        return "chose by a condition"
    if node.op is None and _holds_bools(node.data):
        return "holds bools, as a comparison does"
    if _holds_bools(key):
        return "picked elements by a mask"
    if isinstance(key, str) and key.startswith("gather("):
        return "picked elements, as max(dim), min(dim), sort, topk and median do (amax and amin choose anew)"
    if (node.op, function) == ("subtract", "remainder"):
        return "took away a whole quotient, which is a constant"
    if (node.op, function) == ("log", "gaussian_nll_loss"):
        return "took a variance that a constant raises to eps"
    return None


def _holds_bools(x: Any) -> bool:
    """Return whether these numbers are bools, or this key has some.

    >>> _holds_bools(True), _holds_bools(Value([1.0]).data), _holds_bools((0, Value([True], False).data))
    (True, False, True)
    """
    return any(map(_holds_bools, x)) if isinstance(x, tuple) else getattr(x, "dtype", type(x)) is bool


def _place(node: Node) -> str:
    """Return which operation it is, in which functions, and from which line if that is known."""
    inside = f" in {node.scope}" if node.scope else ""
    return f"{node.op or 'constant'}{inside}, node {node.id}{f' ({node.source})' if node.source else ''}"


def _named(inputs: Any, variables: Mapping[str, Any]) -> dict[str, Value]:
    """Return the inputs by the names of the arguments that they become."""
    if isinstance(inputs, Value):
        inputs = [inputs]
    if not isinstance(inputs, (Mapping, list, tuple)):
        raise TypeError(f"to_torch: inputs must be Values, in a list or a dict, got {inputs!r} of type {type(inputs).__name__}")
    pairs = list(inputs.items()) if isinstance(inputs, Mapping) else [(None, x) for x in inputs]
    names = names_in(variables, {id(value) for _, value in pairs})
    found: dict[str, Value] = {}
    for position, (given, value) in enumerate(pairs):
        if not isinstance(value, Value):
            raise TypeError(f"to_torch: inputs must be Values, got {value!r} of type {type(value).__name__}")
        name = given or identifier(value.name or names.get(id(value)) or f"input_{position}")
        if not name.isidentifier() or keyword.iskeyword(name) or name in _TAKEN:
            raise ValueError(f"to_torch: an argument of forward cannot be named {name!r}; give it another name in a dict")
        if name in found:
            raise ValueError(f"to_torch: two inputs have the name {name!r}; give a dict of names")
        if any(value is other for other in found.values()):
            raise ValueError(f"to_torch: {name} is an input twice")
        found[name] = value
    return found


def identifier(name: str) -> str:
    """Return a name with `_` in place of what no identifier may have, and after a keyword.

    >>> identifier("W[0]"), identifier("d['k']"), identifier("class")
    ('W_0', 'd_k', 'class_')
    """
    name = re.sub(r"\W+", "_", name).strip("_") or "leaf"
    return f"_{name}" if name[0].isdigit() else f"{name}_" if keyword.iskeyword(name) else name


class _Writer(fx.proxy.GraphAppendingTracer):
    """Writes the nodes of a graph as calls of torch: `proxies` has what stands for each node in the code, by its id."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(fx.Graph())
        self.ours, self.root, self.inside = graph, torch.nn.Module(), ""
        self.proxies: dict[str, Any] = {}

    def create_node(
        self, kind: str, target: Any, args: Any, kwargs: Any, name: str | None = None, type_expr: Any = None
    ) -> fx.Node:
        """Write one call; its name says in which composed functions it is."""
        if name is None and self.inside and kind != "get_attr":
            name = f"{self.inside}_{getattr(target, '__name__', target)}"
        return super().create_node(kind, target, args, kwargs, name, type_expr)

    def take(self, inputs: dict[str, Value]) -> None:
        """Write the arguments of forward, and that they have the recorded shapes."""
        arguments = {name: self.create_proxy("placeholder", name, (), {}) for name in inputs}
        renamed = {argument.node.name: name for name, argument in arguments.items()}  # a builtin, `input`, is `input_1` inside
        for name, value in inputs.items():
            if renamed.get(name, name) != name:
                raise ValueError(f"to_torch: an argument of forward cannot be named {name!r} beside {renamed[name]!r}")
            id = self._id(name, value)
            self.proxies[id] = self.create_proxy("call_function", checked, (arguments[name], name, value.shape), {})
            self.proxies[id].node.meta["is_wrapped"] = True  # as torch.fx.wrap: tracing the module again leaves it one call

    def _id(self, name: str, value: Value) -> str:
        if value.primitive is not None:
            raise ValueError(f"to_torch: input {name} must be a leaf, and {value.op} made it")
        if not value.requires_grad:
            raise ValueError(
                f"to_torch: input {name} requires no gradient, so what is computed from it alone is not recorded; "
                "make it Value(..., requires_grad=True) before computing"
            )
        if (id := self.ours.id_of(value)) is None:
            raise ValueError(
                f"to_torch: input {name} is no leaf of the graph: nothing in it is recorded as computed from it; indices and "
                "targets stay what they were, so take the logits as output, and a loss of torch's own"
            )
        return id

    def written(self) -> fx.GraphModule:
        """Write all nodes, in creation order, and return the module."""
        for node in self.ours:
            if node.id not in self.proxies:
                self.inside = identifier(node.scope) if node.scope else ""
                self.proxies[node.id] = self._leaf(node) if node.op is None else self._computed(node)
        self.create_node("output", "output", (self.proxies[self.ours.root].node,), {}, "output")
        self.graph.lint()
        return fx.GraphModule(self.root, self.graph, "Module")

    def _leaf(self, node: Node) -> Any:
        tensor = tensor_of(Value(node.data, requires_grad=False))
        if node.requires_grad:
            return self._attribute(node.name or "parameter", torch.nn.Parameter(tensor))
        return node.data if not node.shape and not node.name else self._attribute(node.name or "constant", tensor)

    def _computed(self, node: Node) -> Any:
        operands = [self.proxies[edge.source] for edge in self.ours.operand_edges(node.id)]
        params = dict(node.params)
        for name, tensor in as_tensors(params).items():
            params[name] = self._attribute(name, tensor) if isinstance(tensor, torch.Tensor) else tensor
        return OPERATIONS[node.op or ""](*operands, **params)

    def _attribute(self, name: str, tensor: torch.Tensor) -> Any:
        """Register a parameter or a buffer, in modules as deep as its name has dots, and read it."""
        *path, last = (identifier(part) if not part.isdigit() else part for part in name.split("."))
        module = self.root
        for depth, part in enumerate(path):
            if not isinstance(getattr(module, part, None), torch.nn.Module):
                path[depth] = part = _free(part, module)
                module.add_module(part, torch.nn.Module())
            module = module.get_submodule(part)
        last = _free(last, module)
        if isinstance(tensor, torch.nn.Parameter):
            module.register_parameter(last, tensor)
        else:
            module.register_buffer(last, tensor)
        return self.create_proxy("get_attr", ".".join((*path, last)), (), {})


def _free(name: str, module: torch.nn.Module) -> str:
    """Return a name that the module does not have yet: the name itself, or with a number."""
    number, found = 0, name
    while hasattr(module, found) or hasattr(fx.GraphModule, found) or found == "graph":
        number += 1
        found = f"{name}_{number}"
    return found
