"""One backward pass, recorded as steps: each value computed, the seed, and each gradient passed on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import groupby
from operator import add
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, overload

from micrograd_sm.array.storage import ones_like
from micrograd_sm.array.summary import array_of
from micrograd_sm.draw.options import DIRECTIONS
from micrograd_sm.engine import Value, as_value
from micrograd_sm.graph import Edge, Graph, Node, local_derivative, snapshot
from micrograd_sm.graph.computed import passed, with_numbers
from micrograd_sm.graph.evaluation import Heard
from micrograd_sm.graph.rounding import with_rounding_marked
from micrograd_sm.mode import trace
from micrograd_sm.steps.parts import Contribution, Facts, Step, exactly
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.numbers import data_text

if TYPE_CHECKING:
    from micrograd_sm.steps.check import Check

GRAINS = ("node", "contribution")


class Steps(Sequence[Step]):
    """The steps of one backward pass, in order, over a graph with the gradients of this pass alone.

    `earlier` holds the gradients of earlier passes that were in `.grad`, by node id; now `.grad` is the sum. Steps are
    immutable, and so is each step.
    """

    __slots__ = ("_heard", "_seed", "_steps", "earlier", "grain", "graph", "rankdir")

    graph: Graph
    grain: str
    rankdir: str | None  # the direction of the page's picture, or None for the one that fits better
    earlier: Mapping[str, Any]
    _heard: tuple[Heard, ...]
    _seed: Any
    _steps: tuple[Step, ...]

    def __init__(
        self, graph: Graph, heard: Sequence[Heard], seed: Any, earlier: Mapping[str, Any], grain: str,
        rankdir: str | None = None,
    ) -> None:  # fmt: skip
        if grain not in GRAINS:
            raise ValueError(f"steps: grain must be 'node' or 'contribution', got {grain!r}")
        if rankdir is not None and rankdir not in DIRECTIONS:
            raise ValueError(f"steps: rankdir must be one of {', '.join(map(repr, DIRECTIONS))}, got {rankdir!r}")
        fields = {
            "graph": graph, "grain": grain, "rankdir": rankdir, "earlier": earlier, "_heard": tuple(heard), "_seed": seed
        }  # fmt: skip
        for field, content in fields.items():
            object.__setattr__(self, field, content)
        object.__setattr__(self, "_steps", tuple(step._replace(index=index) for index, step in enumerate(self._walk())))

    # The walk -------------------------------------------------------------------------------------------------------

    def _walk(self) -> Iterator[Step]:
        graph = self.graph
        passed = list(self._passed())
        facts = Facts(self, self._heard, [contribution for _, contributions in passed for contribution in contributions])
        pass_facts = graph.root, labels_of(graph), facts
        for node in graph:
            if node.op is not None:
                yield Step(0, "forward", node, self._operands(node), None, (), *pass_facts)
        yield Step(0, "seed", graph[graph.root], (), self._seed, (), *pass_facts)
        for node, contributions in passed:
            for part in [contributions] if self.grain == "node" else [(contribution,) for contribution in contributions]:
                yield Step(0, "backward", node, self._operands(node), node.grad, part, *pass_facts)

    def _passed(self) -> Iterator[tuple[Node, tuple[Contribution, ...]]]:
        """Yield each node that passes a gradient on, with its contributions, in the order of the pass."""
        shown = {inside: node.id for node in self.graph for inside in node.folded}
        for target, run in groupby(self._heard, key=lambda heard: shown.get(heard.edge.target) or heard.edge.target):
            node = self.graph[target]
            if contributions := tuple(self._contributions(node, list(run))):  # none if no gradient leaves a fold
                yield node, contributions

    def _operands(self, node: Node) -> tuple[Node, ...]:
        return tuple(self.graph[edge.source] for edge in self.graph.operand_edges(node.id))

    def _contributions(self, node: Node, run: list[Heard]) -> Iterator[Contribution]:
        """Yield a contribution for each operand edge; for a folded node, the sum of those that leave the inside."""
        for edge in self.graph.operand_edges(node.id):
            parts = [heard for heard in run if heard.edge == edge or (node.folded and heard.edge.source == edge.source)]
            if parts:
                amount = snapshot(reduce(add, (array_of(heard.amount) for heard in parts))) if parts[1:] else parts[0].amount
                local = local_derivative(self.graph, edge)
                yield Contribution(edge, self.graph[edge.source], local, amount, parts[0].before, parts[-1].after)

    # Other views of the same pass -----------------------------------------------------------------------------------

    def by_contribution(self) -> Steps:
        """Return the same pass with one backward step for each contribution; `x * x` makes two.

        >>> from micrograd_sm import steps
        >>> [len(step.contributions) for step in steps(Value(3.0) * Value(2.0)).by_contribution()]
        [0, 0, 1, 1]
        """
        return self._over(self.graph, "contribution")

    def by_node(self) -> Steps:
        """Return the same pass with one backward step for each operation.

        >>> from micrograd_sm import steps
        >>> [len(step.contributions) for step in steps(Value(3.0) * Value(2.0), grain="contribution").by_node()]
        [0, 0, 2]
        """
        return self._over(self.graph, "node")

    def fold(self, *names: str, depth: int | None = None) -> Steps:
        """Return the same pass with some scopes folded into single operations, as `Graph.fold` folds them.

        >>> from micrograd_sm import softmax, steps
        >>> [step.node.op for step in steps(softmax(Value([1.0, 2.0]), dim=0)[0]).fold("softmax")]
        ['softmax', 'index', 'index', 'index', 'softmax']
        """
        return self._over(self.graph.fold(*names, depth=depth), self.grain)

    def unfold(self, *names: str) -> Steps:
        """Return the same pass with folded scopes open again, all of them by default.

        >>> from micrograd_sm import steps
        >>> walk = steps(Value([1.0, 2.0]).softmax(dim=0)[0])
        >>> walk.fold().unfold() == walk
        True
        """
        return self._over(self.graph.unfold(*names), self.grain)

    def _over(self, graph: Graph, grain: str) -> Steps:
        return Steps(graph, self._heard, self._seed, self.earlier, grain, self.rankdir)

    def gradients(self, index: int) -> dict[str, Any]:
        """Return the running gradients after a step, by node id, without the nodes that have none yet.

        Raises IndexError if there is no such step.

        >>> from micrograd_sm import steps
        >>> x = Value(3.0, name="x")
        >>> walk = steps(x * x, grain="contribution")
        >>> [walk.gradients(index) for index in range(len(walk))]
        [{}, {'v1': 1.0}, {'v1': 1.0, 'v0': 3.0}, {'v1': 1.0, 'v0': 6.0}]
        """
        totals: dict[str, Any] = {}
        for step in self._steps[: self._steps[index].index + 1]:
            if step.phase == "seed":
                totals[step.node.id] = step.upstream
            totals.update((contribution.operand.id, contribution.after) for contribution in step.contributions)
        return totals

    def save(self, path: str | Path, at: int | None = None, seconds: float = 2.0) -> Path:
        """Write the pass as a page, as slides or as a film, by the ending of the path, and return the path.

        `.html` is a page to walk through, one file that loads nothing else. `.pdf` has a slide for each step, 16:9, with text
        as text; `.gif` and `.mp4` show each step for some `seconds`, the latter with captions; `.svg` and `.png` have one step,
        the number `at`, counted from 1, by default the last.

        Raises ValueError for another ending, IndexError if there is no step `at`, FileNotFoundError if the folder does not
        exist, and RuntimeError, with what to install, if a program or package is missing.

        >>> from micrograd_sm import steps
        >>> steps(Value(1.0).exp()).save("page.docx")
        Traceback (most recent call last):
            ...
        ValueError: save: 'page.docx' must end in .html, .svg, .png, .pdf, .gif, .mp4
        """
        if Path(path).suffix.lower() in (".html", ".htm"):
            from micrograd_sm.steps.page import save  # noqa: PLC0415 - it reads what is defined here

            return save(self, path)
        from micrograd_sm.steps.slides import save_slides  # noqa: PLC0415 - it reads what is defined here

        return save_slides(self, path, at, seconds)

    def check(self) -> Check:
        """Compare every node's final gradient with central differences; the result is true if all agree.

        Its `str` names the first gradient of the backward pass that differs. At most 16 elements of each array are compared,
        and in graphs of more than about 1,000 nodes only some nodes, evenly spread, so that the check takes seconds.

        >>> from micrograd_sm import steps
        >>> print(steps(Value(3.0).exp()).check())
        agrees with central differences: all 2 elements of the gradients checked
        """
        from micrograd_sm.steps.check import check  # noqa: PLC0415 - only for who asks

        return check(self.graph, self._seed)

    def text(self) -> str:
        """Return all steps as lines, numbered from 1 as on the page and in the terminal, and the gradients of earlier passes.

        Below each step come the rules of its local derivatives, and why.
        Values made under `trace()` have the line of code that made them beside them.

        >>> from micrograd_sm import steps
        >>> x = Value(3.0, name="x")
        >>> print(steps(x * x).text())
        1  forward   L = x * x = 3 * 3 = 9
                     why: x and x are multiplied.
        2  seed      dL/dL = 1
                     why: The pass starts here: if L grows by a little, L grows by just that.
        3  backward  dL/dx += dL/dL * d(u * v)/du, as operand 1 = 1 * 3 = 3, from nothing to 3
                     dL/dx += dL/dL * d(u * v)/dv, as operand 2 = 1 * 3 = 3, from 3 to 6
                     local: d(u * v)/du = v = 3
                     local: d(u * v)/dv = u = 3
                     why: The slope of a product by one factor is the other factor. x was used twice, so its gradient is a \
sum of two.
        """
        width = len(str(len(self)))
        lines = []
        for step in self:
            first, *others = (formula.text for formula in step.formulas)
            source = f"    # {step.node.source}" if step.node.source and step.phase == "forward" else ""
            lines.append(f"{step.index + 1:{width}}  {step.phase:8}  {first}{source}")
            others += [f"local: {rule.text}" for rule in step.rules]
            lines += [f"{'':{width + 12}}{other}" for other in [*others, f"why: {step.why}"]]
        names = labels_of(self.graph)
        for id, held in self.earlier.items():
            if id in names:
                lines.append(f"{names[id]}.grad held {data_text(held)} from before; this pass was added to it")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from micrograd_sm.steps.notebook import steps_bundle  # noqa: PLC0415 - it draws, and reads what is defined here

        return steps_bundle(self, include, exclude)

    # A sequence -----------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, index: int) -> Step: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...

    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        return self._steps[index]

    def __eq__(self, other: object) -> bool:
        """Whether both are the same pass over the same graph, with the same grain and folds, to the last bit."""
        if not isinstance(other, Steps):
            return NotImplemented
        same = lambda x: exactly((x.grain, x._seed, x.earlier, x._heard))
        return self is other or (self.graph == other.graph and same(self) == same(other))

    def __hash__(self) -> int:
        return hash((self.grain, self.graph))

    def __reduce__(self) -> tuple[Any, ...]:
        return _marked, (self.graph, self._heard, self._seed, dict(self.earlier), self.grain, self.rankdir)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"Steps: {name} cannot be set, a recorded pass stays as it was; record another with steps(loss)")

    def __delattr__(self, name: str) -> NoReturn:
        self.__setattr__(name, None)

    def __repr__(self) -> str:
        return f"<Steps: {len(self)} over {len(self.graph)} nodes; .save('backprop.html') writes a page to walk through them>"


def _marked(
    graph: Graph, heard: Sequence[Heard], seed: Any, earlier: Mapping[str, Any], grain: str, rankdir: str | None = None
) -> Steps:
    """Return steps in which the numbers that are 0 but for rounding are marked as such."""
    return Steps(*with_rounding_marked(graph, heard), seed, MappingProxyType(earlier), grain, rankdir)


def called(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, dict[str, Any]]:
    """Call a function under `trace()`, and return its result and the variables that it had at its end.

    Inputs that are no Values become Values that require a gradient.
    """
    code, variables = getattr(function, "__code__", None), {}

    def watch(frame: FrameType, event: str, result: Any) -> None:
        if event == "return" and frame.f_code is code:
            variables.update(frame.f_locals)

    values, before = [x if isinstance(x, Value) else Value(x) for x in inputs], sys.getprofile()
    try:
        sys.setprofile(watch if code else before)
        with trace():
            result = function(*values)
    finally:
        sys.setprofile(before)
    return result, variables


def record(loss: Value | Graph, names: Mapping[str, Any], gradient: Any, grain: str, rankdir: str | None) -> Steps:
    """Run one backward pass and record it, as `steps` says."""
    if not isinstance(loss, (Graph, Value)):
        raise TypeError(f"steps: expected a Value or a Graph, got {loss!r} of type {type(loss).__name__}")
    if grain not in GRAINS:
        raise ValueError(f"steps: grain must be 'node' or 'contribution', got {grain!r}")
    walk = of_graph(loss, gradient, grain) if isinstance(loss, Graph) else _of_value(loss, names, gradient, grain)
    return walk if rankdir is None else Steps(walk.graph, walk._heard, walk._seed, walk.earlier, grain, rankdir)


def of_graph(graph: Graph, gradient: Any, grain: str, earlier: bool = False, rankdir: str | None = None) -> Steps:
    """Return the steps of a pass over a graph's own numbers; `earlier` if its gradients are what earlier passes had left."""
    root = Value(array_of(graph[graph.root].data), graph[graph.root].requires_grad)
    root.backward(gradient)  # of the root alone: it refuses what cannot be a seed, and leaves the seed in .grad
    held = {node.id: node.grad for node in graph.unfold() if earlier and node.grad is not None}
    graph, heard, seed, held = passed(graph, root.grad, snapshot(root.grad), held)
    held = {id: grad for id, grad in held.items() if graph.unfold()[id].grad is not None}
    return _marked(graph, heard, seed, held, grain, rankdir)


def _of_value(loss: Value, names: Mapping[str, Any], gradient: Any, grain: str) -> Steps:
    before = Graph(loss, names)
    ids = before._ids
    totals: dict[str, Any] = {}
    heard: list[Heard] = []

    def observe(node: Value, position: int, upstream: Any, contribution: Any) -> None:
        source, target = ids[node.parents[position].number], ids[node.number]
        totals.setdefault(target, upstream)  # only the root has no total yet
        old = totals.get(source)
        totals[source] = contribution if old is None else old + contribution
        heard.append(Heard(Edge(source, target, position), snapshot(contribution), snapshot(old), snapshot(totals[source])))

    loss.backward(gradient, observe=observe)
    if loss.primitive is None:  # nothing was passed on
        totals[before.root] = ones_like(loss.data) if gradient is None else as_value(gradient).data
    earlier = {node.id: node.grad for node in before if node.grad is not None and node.id in totals}
    parts = before.with_gradients(totals), tuple(heard), snapshot(totals[before.root]), earlier
    graph, told, seed, earlier = with_numbers(*parts)
    return _marked(graph, told, seed, earlier, grain)
