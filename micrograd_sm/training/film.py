"""`Training`: what a training loop did, recorded iteration by iteration."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from micrograd_sm.array import flat_of
from micrograd_sm.backward import listeners, reachable
from micrograd_sm.draw import texts
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Moment, Node
from micrograd_sm.graph.evaluation import backward_pass
from micrograd_sm.graph.rounding import with_rounding_marked
from micrograd_sm.optim.optimizer import Optimizer
from micrograd_sm.training.updates import Parameter, Pending
from micrograd_sm.words.names import labels_of

_MOST_UPDATES = 24  # parameters whose updates are spelled out
_MOST_PICTURES = 6  # graphs of different structure that are drawn


class Frame(NamedTuple):
    """One iteration: its loss, the number of its picture (None if too many differ), the texts in the boxes, the updates.

    `shown` has for each node the texts of its value and of its gradient; `updates`, by the name of each parameter, what made it
    what it was in the next iteration, in lines; `note` says what is left out.
    """

    loss: float
    picture: int | None
    shown: Mapping[str, tuple[list[str], list[str]]]
    updates: dict[str, list[str]]
    note: str


class Heard(NamedTuple):
    """A backward pass that was heard of: what the Values held, and the optimizer's options and leaves' gradients, by `id`."""

    root: weakref.ref[Value] | None
    moment: Moment
    options: dict[int, Any]
    gradients: dict[int, Any]


class Training:
    """A recorded training: call `record(loss)` in each iteration, after `backward()`, and `save` one page with a slider.

    The page has the curve of the losses, the graph with the values and gradients of each iteration, and each parameter's update
    spelled out. `optimizer` is found among the variables of who calls `record`, if it is not given here.

    >>> from micrograd_sm import optim
    >>> w = Value(1.0, name="w")
    >>> optimizer, film = optim.SGD([w], lr=0.1), Training()
    >>> for _ in range(3):
    ...     loss = (w - 3.0) ** 2
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    ...     film.record(loss)
    >>> film
    <Training: 3 iterations, loss 4 to 1.6384; .save('training.html') writes a page with a slider over them>
    >>> film.frames[0].updates["w"]
    ['w <- w - lr * dloss/dw = 1 - 0.1 * (-4) = 1.4']
    """

    def __init__(self, optimizer: Optimizer | None = None) -> None:
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            raise TypeError(f"Training: optimizer must be one of micrograd_sm.optim, got {optimizer!r}")
        self.optimizer = optimizer
        self.graphs: list[Graph] = []  # one of each structure
        self.room: list[dict[str, int]] = []  # for each graph, the longest number of each node
        self._frames: list[Frame] = []
        self._pending: list[Pending] = []
        self._passes: dict[int, Heard] = {}
        _listen(self)

    def record(self, loss: Value, names: Mapping[str, Any] | None = None) -> None:
        """Record an iteration: the graph of a loss as it was in its last backward pass, before or after the optimizer's step.

        Without a backward pass of the loss, its gradients are computed, and no `.grad` changes. Raises TypeError if it is not a
        Value, ValueError if it is not one number, and RuntimeError if data was set since the loss was computed and no backward
        pass was heard of.
        """
        if not isinstance(loss, Value):
            raise TypeError(f"Training.record: expected the loss, a Value, got {loss!r} of type {type(loss).__name__}")
        if loss.numel() != 1:
            raise ValueError(
                f"Training.record: a loss is one number, got shape {loss.shape}; reduce it first, as in loss.mean()"
            )
        variables = sys._getframe(1).f_locals if names is None else names
        heard = self._passes.pop(loss.number, None) or Heard(None, Moment(), {}, {})
        graph = Graph(loss, variables, heard.moment)
        changed = {
            id(value): value.grad for _, value in _leaves(graph, loss) if value.grad is not None
        }  # perhaps clipped since
        self._record(graph, loss, variables, heard._replace(gradients=heard.gradients | changed))

    def record_in_pass(self, loss: Value, variables: Mapping[str, Any]) -> None:
        """Record an iteration while its backward pass runs, before `.grad` is written."""
        heard = self._passes.pop(loss.number)
        self._record(Graph(loss, variables, heard.moment), loss, variables, heard)

    def _record(self, graph: Graph, loss: Value, variables: Mapping[str, Any], heard: Heard) -> None:
        self._settle({id(value): node.data for node, value in _leaves(graph, loss)})
        self.optimizer = self.optimizer or _optimizer_of(graph, loss, variables)
        marked, _ = with_rounding_marked(graph.with_gradients(backward_pass(graph).gradients))
        shown = {node.id: _shown(node) for node in marked}
        picture = self._picture_of(marked, shown)
        leaves = list(_leaves(marked, loss))
        note = "" if len(leaves) <= _MOST_UPDATES else f"The first {_MOST_UPDATES} of {len(leaves)} parameters are shown."
        if picture is None:
            note = f"The graph of this iteration has a structure of its own, and is not drawn. {note}".strip()
        self._frames.append(Frame(float(flat_of(loss.data)[0]), picture, shown, {}, note))
        self._pending = list(self._updates(marked, leaves[:_MOST_UPDATES], heard))

    def _updates(self, graph: Graph, leaves: list[tuple[Node, Value]], heard: Heard) -> Iterator[Pending]:
        labels, known = labels_of(graph), {before.parameter.label: before for before in self._pending}
        for node, value in leaves:
            gradient = heard.gradients.get(id(value), node.grad)
            gradient = gradient.data if isinstance(gradient, Value) else gradient
            one = Parameter(labels[node.id], labels[graph.root], value, node.data, gradient)
            yield Pending(one, self.optimizer, heard.options, known.get(labels[node.id]))

    def _settle(self, found: Mapping[int, Any]) -> None:
        """Spell out the updates of the last iteration, from what its parameters held in the next one, or hold now."""
        for one in self._pending:
            self._frames[-1].updates[one.parameter.label] = one.spelled(
                found.get(id(one.parameter.value), one.parameter.value.data)
            )

    def _picture_of(self, graph: Graph, shown: Mapping[str, tuple[list[str], list[str]]]) -> int | None:
        structure = _structure(graph)
        known = [_structure(other) for other in self.graphs]
        if structure not in known:
            if len(known) == _MOST_PICTURES:
                return None
            self.graphs.append(graph)
            self.room.append({})
            known.append(structure)
        index = known.index(structure)
        room = self.room[index]
        for id, parts in shown.items():
            longest = max((len(word) for part in parts for text in part for word in text.split()), default=0)
            room[id] = max(room.get(id, 0), longest)
        return index

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The iterations so far, in order."""
        self._settle({})
        return tuple(self._frames)

    @property
    def losses(self) -> list[float]:
        """The loss of each iteration."""
        return [frame.loss for frame in self._frames]

    def save(self, path: str | Path) -> Path:
        """Write the training as a page, one HTML file that loads nothing else, and return its path.

        Raises ValueError if the path does not end in .html or nothing was recorded, FileNotFoundError if the folder does not
        exist, and RuntimeError, with what to install, if there is no program to lay out the picture.

        >>> Training().save("training.html")
        Traceback (most recent call last):
            ...
        ValueError: save: no iteration was recorded; call film.record(loss) in the loop
        """
        from micrograd_sm.training.page import save  # noqa: PLC0415 - it draws

        return save(self, path)

    def _hear(self, root: Value, nodes: list[Value]) -> None:
        moment = Moment({*nodes, *(parent for node in nodes for parent in node.parents)})
        options = {} if self.optimizer is None else {id(group): dict(group) for group in self.optimizer.param_groups}
        gradients = {id(node): node._upstream for node in nodes if node.primitive is None}
        forget = lambda _, number=root.number: self._passes.pop(number, None)
        self._passes[root.number] = Heard(weakref.ref(root, forget), moment, options, gradients)

    def __len__(self) -> int:
        return len(self._frames)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        if not self._frames:
            return "<Training: nothing recorded yet; call .record(loss) in the loop>"
        from micrograd_sm.words.numbers import number_text  # noqa: PLC0415

        first, last = (number_text(self._frames[k].loss) for k in (0, -1))
        count = f"{len(self)} iteration{'s' if len(self) > 1 else ''}"
        return f"<Training: {count}, loss {first} to {last}; .save('training.html') writes a page with a slider over them>"


def _listen(film: Training) -> None:
    """Let a film hear of each backward pass, for as long as it lives."""
    held = weakref.ref(film)

    def heard(root: Value, seed: Any, nodes: list[Value]) -> None:
        alive = held()
        if alive is not None:
            alive._hear(root, nodes)

    listeners.append(heard)
    weakref.finalize(film, listeners.remove, heard)


def _shown(node: Node) -> tuple[list[str], list[str]]:
    constant = node.kind == "constant"
    return texts(node.data, node.shape), [] if constant or node.grad is None else texts(node.grad, node.shape)


def _structure(graph: Graph) -> tuple[Any, ...]:
    return tuple((node.op, node.shape, node.requires_grad, node.name) for node in graph), graph.edges


def _leaves(graph: Graph, loss: Value) -> Iterator[tuple[Node, Value]]:
    """Yield the leaves that require a gradient, with their Values."""
    for value in reachable(loss):
        node = graph[graph.id_of(value) or ""]
        if node.kind == "leaf":
            yield node, value


def _optimizer_of(graph: Graph, loss: Value, variables: Mapping[str, Any]) -> Optimizer | None:
    """Return the caller's optimizer that has one of the leaves among its parameters."""
    leaves = {id(value) for _, value in _leaves(graph, loss)}
    for x in variables.values():
        if isinstance(x, Optimizer) and any(id(parameter) in leaves for parameter in x.params):
            return x
    return None
