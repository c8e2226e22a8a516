"""`check_gradients`: the derivatives of a function against central differences, forward mode and symmetry."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, TypeAlias

from micrograd_sm.array import Array, flat_of
from micrograd_sm.array.storage import like_storage
from micrograd_sm.array.strides import Shape
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph
from micrograd_sm.graph.differences import RIGHT, Differences, Verdict
from micrograd_sm.graph.evaluation import backward_pass
from micrograd_sm.mode import no_grad, recording
from micrograd_sm.transforms import grad, jacfwd, jacobian
from micrograd_sm.transforms.structure import leaves, paths, rebuilt
from micrograd_sm.words.result import Listing, Record, prose
from micrograd_sm.words.table import table_html

_Matrix: TypeAlias = list[list[float]]
_KINDS = {"differs": "wrong", "kink": "not smooth", "edge": "not smooth", "undecided": "undecided"}


@dataclass(frozen=True, eq=False)
class Finding(Record):
    """A derivative that is not simply right.

    `kind` is "wrong" (differences give another number), "forward" (jvp does), "asymmetric" (the Hessian's mirror image does),
    "not smooth" (a kink, a jump, or an edge of the function's domain) or "undecided" (rounding hides the derivative).
    `derivative` names it, as in "d output / d input 0[1, 2]"; `input` and `index` say where. `analytic` was compared with
    `other`, which may itself be off by `error`.

    >>> print(Finding("wrong", 1, "d output / d input 0[1]", "input 0", (1,), 0.5, 0.25, 1e-12))
    d output / d input 0[1] is wrong: 0.5, but differences give 0.25 (± 1e-12), off by 0.25
    """

    kind: str
    order: int
    derivative: str
    input: str
    index: tuple[int, ...]
    analytic: float
    other: float
    error: float

    @property
    def difference(self) -> float:
        """How far the derivative is from the number that it was compared with."""
        return abs(self.analytic - self.other)

    def __str__(self) -> str:
        value, other, off = f"{self.analytic:.10g}", f"{self.other:.10g}", f"off by {self.difference:.2g}"
        return {
            "wrong": f"{self.derivative} is wrong: {value}, but differences give {other} (± {self.error:.1g}), {off}",
            "forward": f"{self.derivative} is wrong: {value} in reverse mode, but {other} in forward mode, {off}",
            "asymmetric": f"{self.derivative} is wrong: {value}, but {other} the other way round, {off}",
            "not smooth": f"{self.derivative} is {value} where the function has no derivative: a kink, a jump or an edge",
            "undecided": f"{self.derivative} is {value}; rounding lets differences say only {other} (± {self.error:.1g})",
        }[self.kind]


@dataclass(frozen=True, eq=False, repr=False)
class GradientReport(Listing[Finding]):
    """What `check_gradients` found: true if every derivative is right, or the function has none there.

    `checked` counts the derivatives that were compared with differences; `findings` holds those that are not simply right.
    The report's length, index and loop are those of the findings.

    >>> bool(GradientReport(12, ())), str(GradientReport(12, ()))
    (True, 'right: 12 derivatives')
    """

    checked: int
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """The derivatives that are wrong."""
        return self._of("wrong", "forward", "asymmetric")

    @property
    def not_smooth(self) -> tuple[Finding, ...]:
        """The derivatives where the function has none; at a kink, any slope between those of both sides is right."""
        return self._of("not smooth")

    @property
    def undecided(self) -> tuple[Finding, ...]:
        """The derivatives that rounding hides from differences."""
        return self._of("undecided")

    def _of(self, *kinds: str) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.kind in kinds)

    def _items(self) -> tuple[Finding, ...]:
        return self.findings

    def __bool__(self) -> bool:
        return not self.wrong and not self.undecided

    def to_dict(self) -> dict[str, Any]:
        return {"right": bool(self), **super().to_dict()}

    def __str__(self) -> str:
        return "\n".join([self._headline(), *(f"  {finding}" for finding in self.findings)])

    def _repr_html_(self) -> str:
        rows = [("derivative", "verdict", "here", "other", "± at most")]
        rows += [(x.derivative, x.kind, f"{x.analytic:.10g}", f"{x.other:.10g}", f"{x.error:.1g}") for x in self.findings]
        return prose(self._headline()) + (table_html(rows, words=2) if self.findings else "")

    def _headline(self) -> str:
        verdict = "wrong" if self.wrong else "undecided" if self.undecided else "right"
        counts = [(len(self.wrong), "wrong"), (len(self.undecided), "undecided"), (len(self.not_smooth), "not smooth")]
        return f"{verdict}: {self.checked} derivatives" + "".join(f", {count} {name}" for count, name in counts if count)


def check_gradients(function: Callable, *inputs: Any, order: int = 2) -> GradientReport:
    """Compare the derivatives of `function` at `inputs` with central differences; return a report that is true if right.

    Inputs and outputs are numbers, Values and arrays, or nested lists, tuples and dicts of them. Floats, and Values that
    require a gradient, are checked; everything else is passed on. Each first derivative is compared with forward mode and
    with differences at several step sizes (relative errors of 1e-6 are found if rounding leaves that many digits). With
    `order` 2 the Hessian of the weighted sum of the outputs is compared with differences of the gradient and with its own
    transpose. If the function has a kink, as relu at 0 and max at a tie, the report says so, and it is no failure.

    Raises TypeError if `function` is not callable, ValueError for another order, if there is nothing to check, or if the
    function returns another value when it is called again. The counterpart of torch.autograd.gradcheck and gradgradcheck.

    >>> from micrograd_sm import cross_entropy
    >>> check_gradients(cross_entropy, Value([[1.0, 2.0, 0.1], [0.4, 1.0, 1.5]]), [2, 0])
    right: 42 derivatives
    >>> def forgets_a_factor(x):
    ...     return x * x.detach()
    >>> print(check_gradients(forgets_a_factor, 3.0, order=1))
    wrong: 1 derivatives, 1 wrong
      d output / d input 0 is wrong: 3, but differences give 6 (± 5e-15), off by 3
    """
    check_callable(function, "check_gradients")
    if order not in (1, 2) or isinstance(order, bool):
        raise ValueError(f"check_gradients: order must be 1 or 2, got {order!r}")
    problem = _Problem(function, inputs)
    with no_grad():
        first = _Check(problem, problem.outputs, "{output}")
        checks, findings = [first], first.findings()
        if order == 2:
            second = _Check(problem, problem.gradient, "(d outputs / d {output})", order=2, kinks=first.kinks)
            checks, findings = [first, second], findings + second.findings()
    return GradientReport(sum(len(check.names) * len(problem.elements) for check in checks), tuple(findings))


class _Problem:
    """The function of the checked inputs, as a list of Values; all other inputs are fixed."""

    def __init__(self, function: Callable, inputs: tuple) -> None:
        self.function, self.inputs = function, inputs
        self.names = [path for path, _ in checked(inputs)]
        self.variables = [variable for _, variable in checked(inputs)]
        if not self.variables:
            raise ValueError(
                "check_gradients: no input is a float or a Value that requires a gradient, so nothing can be checked"
            )
        self.flats = [_flat(variable) for variable in self.variables]
        self.elements = [(which, k) for which, flat in enumerate(self.flats) for k in range(len(flat))]

    def outputs(self, variables: list[Value]) -> list[Value]:
        """Return the function's outputs, in a row."""
        return [output for _, output in self.named_outputs(variables)]

    def named_outputs(self, variables: list[Value]) -> list[tuple[str, Value]]:
        """Return the function's outputs with their paths."""
        named = list(paths(self.function(*replaced(self.inputs, variables)), "output"))
        for path, leaf in named:
            if not isinstance(leaf, Value):
                raise RuntimeError(
                    f"check_gradients: {path} is {leaf!r}, not a Value; item(), float() and .data leave the graph"
                )
        return named

    def gradient(self, variables: list[Value]) -> list[Value]:
        """Return the gradient of the weighted sum of the outputs."""
        return grad(self._weighted)(variables)

    def _weighted(self, variables: list[Value]) -> Value:
        total, count = Value(0.0, requires_grad=False), 0
        for output in self.outputs(variables):
            total, count = total + (output * weights(output, count)).sum(), count + prod(output.shape)
        return total

    def shifted(self, which: int, k: int, shift: float) -> list[Value]:
        """Return the variables with one element moved."""
        flat = list(self.flats[which])
        flat[k] += shift
        like = self.variables[which]
        moved = Value(like_storage(Array.of(flat, like.shape), like.data), requires_grad=False, name=like.name)
        return [*self.variables[:which], moved, *self.variables[which + 1 :]]


class _Check:
    """One function of the variables, and the findings about its derivatives.

    `kinks` are the indices of the problem's elements along which the function is known not to be smooth.
    """

    def __init__(self, problem: _Problem, function: Callable, form: str, order: int = 1, kinks: Iterable[int] = ()) -> None:
        self.problem, self.function, self.order, self.kinks = problem, function, order, set(kinks)
        outputs = function(problem.variables)
        labels = problem.names if order == 2 else [path for path, _ in problem.named_outputs(problem.variables)]
        elements = [f"{label}{subscript(index)}" for label, x in zip(labels, outputs) for index in indices(x.shape)]
        self.names = [form.format(output=element) for element in elements]
        with recording(True):
            recorded = function([Value(variable.data, name=variable.name) for variable in problem.variables])
        self.noise = [size for output in recorded for size in roundings(output)]
        if repr(_numbers(outputs)) != repr(_numbers(function(problem.variables))):  # nan is nan again
            raise ValueError(
                "check_gradients: the function gives another value when it is called again; fix its random numbers"
            )

    def findings(self) -> list[Finding]:
        """Return the findings, in the order of the inputs."""
        sizes = list(map(len, self.problem.flats))
        reverse = _matrix(jacobian(self.function)(self.problem.variables), sizes)
        forward = _matrix(jacfwd(self.function)(self.problem.variables), sizes)
        found, known = [], set(self.kinks)
        for column, (which, k) in enumerate(self.problem.elements):
            derivatives = [row[column] for row in reverse]
            verdicts = self._differences(which, k).verdicts(derivatives)
            for row, verdict in enumerate(verdicts):
                kind, other, error = self._judged(verdict, reverse, forward[row][column], row, column)
                if kind == "not smooth":
                    self.kinks.add(column)
                elif kind != "right" and known & {row, column}:  # without a slope there is no second derivative
                    kind = "not smooth"
                if kind != "right":
                    found.append(self._finding(kind, row, which, k, derivatives[row], other, error))
        return found

    def _differences(self, which: int, k: int) -> Differences:
        def line(shift: float) -> list[float]:
            return _numbers(self.function(self.problem.shifted(which, k, shift)))

        return Differences(line, self.problem.flats[which][k], self.noise)

    def _judged(self, verdict: Verdict, reverse: _Matrix, forward: float, row: int, column: int) -> tuple[str, float, float]:
        """Return the kind of the finding, "right" if there is none, the number compared with, and its error."""
        analytic, scale = reverse[row][column], max(map(abs, reverse[row]))
        mirrored = reverse[column][row] if self.order == 2 else analytic
        if verdict.kind == "kink" and math.isfinite(analytic) and not verdict.admits(analytic):
            return "wrong", verdict.numeric, verdict.error
        if verdict.kind != "agrees":
            return _KINDS[verdict.kind], verdict.numeric, verdict.error
        if _differ(analytic, forward, scale, verdict.error):
            return "forward", forward, 0.0
        if _differ(analytic, mirrored, scale, verdict.error):
            return "asymmetric", mirrored, 0.0
        return "right", verdict.numeric, verdict.error

    def _finding(self, kind: str, row: int, which: int, k: int, analytic: float, other: float, error: float) -> Finding:
        name, index = self.problem.names[which], indices(self.problem.variables[which].shape)[k]
        derivative = f"d {self.names[row]} / d {name}{subscript(index)}"
        return Finding(kind, self.order, derivative, name, index, analytic, other, error)


def roundings(output: Value) -> list[float]:
    """Return, for each element of an output, how far the rounding of all operations may have moved it.

    To first order: half a unit in the last place of each result, times the derivative of the element by that result; 0 if
    that is not finite, or if the output has no graph.
    """
    size = prod(output.shape)
    if not output.requires_grad:
        return [0.0] * size
    graph = Graph(output, {})
    seeds = [[float(k == element) for k in range(size)] for element in range(size)]
    return [_rounding(graph, Array.of(seed, output.shape) if output.shape else 1.0) for seed in seeds]


def _rounding(graph: Graph, seed: Any) -> float:
    gradients = backward_pass(graph, seed).gradients
    total = math.fsum(
        abs(upstream) * math.ulp(number) / 2.0
        for node in graph
        if node.op is not None and node.id in gradients
        for number, upstream in zip(flat_of(node.data), flat_of(gradients[node.id]), strict=True)
        if math.isfinite(number) and math.isfinite(upstream)
    )
    return total if math.isfinite(total) else 0.0


def check_callable(function: Any, caller: str) -> None:
    if not callable(function):
        raise TypeError(f"{caller}: the first argument must be a function, got {function!r}; write {caller}(f, x), not f(x)")


def weights(output: Value, start: int) -> Any:
    """Return fixed weights of the output's shape, all different; `start` is the number of elements before it."""
    flat = [1.0 + 0.5 * math.sin(1.7 * (start + k)) for k in range(prod(output.shape))]
    return like_storage(Array.of(flat, output.shape), output.data)


def is_checked(leaf: Any) -> bool:
    """Return whether an input is differentiated: floats are, and Values that require a gradient."""
    if isinstance(leaf, Value):
        return leaf.requires_grad
    return isinstance(leaf, float) or getattr(leaf, "dtype", None) is float or str(getattr(leaf, "dtype", "")) == "float64"


def checked(inputs: tuple) -> list[tuple[str, Value]]:
    """Return the differentiated inputs with their paths, such as "input 0[1]"."""
    return [(path, variable(leaf)) for k, x in enumerate(inputs) for path, leaf in paths(x, f"input {k}") if is_checked(leaf)]


def replaced(inputs: tuple, variables: list[Value]) -> Any:
    """Return the inputs with the variables in place of those that are differentiated."""
    fresh = iter(variables)
    return rebuilt(inputs, iter([next(fresh) if is_checked(leaf) else leaf for leaf in leaves(inputs)]))


def variable(leaf: Any) -> Value:
    """Return a new Value with the data and the name of an input."""
    if isinstance(leaf, Value):
        return Value(leaf.data, requires_grad=False, name=leaf.name)
    return Value(leaf, requires_grad=False)


def _flat(value: Value) -> list[float]:
    return value.reshape(-1).tolist()


def _numbers(values: Sequence[Value]) -> list[float]:
    return [number for value in values for number in _flat(value)]


def _matrix(blocks: list[list[Value]], sizes: list[int]) -> _Matrix:
    """Return the blocks of a Jacobian, one list for each output, as one list of rows."""
    rows: _Matrix = []
    for blocks_of_output in blocks:
        flats = [_flat(block) for block in blocks_of_output]
        count = next((len(flat) // size for flat, size in zip(flats, sizes) if size), 0)
        rows += [[x for flat, size in zip(flats, sizes) for x in flat[k * size : (k + 1) * size]] for k in range(count)]
    return rows


def _differ(a: float, b: float, scale: float, error: float) -> bool:
    return not (abs(a - b) <= max(RIGHT * max(abs(a), abs(b)), 1e-12 * scale, 4.0 * error))


def indices(shape: Shape) -> list[tuple[int, ...]]:
    """Return every index into a shape, in row-major order."""
    return list(product(*map(range, shape)))


def subscript(index: tuple[int, ...]) -> str:
    """Return an index as it is written after a name; "" for a number."""
    return f"[{', '.join(map(str, index))}]" if index else ""
