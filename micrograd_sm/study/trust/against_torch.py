"""`check_against_torch`: the same program run here and on torch, its values and gradients compared in ulps."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from micrograd_sm import creation, functional
from micrograd_sm.array import Array
from micrograd_sm.engine import Value
from micrograd_sm.mode import no_grad
from micrograd_sm.primitives import PRIMITIVES
from micrograd_sm.study.trust.checks import check_callable, checked, indices, is_checked, replaced, subscript, variable, weights
from micrograd_sm.study.trust.on_torch import There, on_torch
from micrograd_sm.transforms import vjp
from micrograd_sm.transforms.structure import leaves, outline, paths, rebuilt
from micrograd_sm.words.plain import plain
from micrograd_sm.words.result import Listing, Record, prose
from micrograd_sm.words.table import table_html


@dataclass(frozen=True, eq=False)
class TensorComparison(Record):
    """One tensor of ours beside torch's: where they differ most, and by how much.

    `ours` and `theirs` are the numbers at `index`. They differ by `ulps` units in the last place of the tensor's largest
    element, since rounding in a sum has that size in every element.

    >>> print(TensorComparison("output", 2.0, (1,), 0.1, 0.2))
    output[1] differs by 2 ulps: 0.1 here, 0.2 in torch
    """

    name: str
    ulps: float
    index: tuple[int, ...]
    ours: float
    theirs: float

    def __str__(self) -> str:
        if not self.ulps:
            return f"{self.name}: the same bits"
        where = f"{self.name}{subscript(self.index)}"
        return f"{where} differs by {self.ulps:.3g} ulps: {self.ours!r} here, {self.theirs!r} in torch"


@dataclass(frozen=True, eq=False, repr=False)
class TorchReport(Listing[TensorComparison]):
    """What `check_against_torch` found: true if no number is more than `limit` ulps away from torch's.

    Its length, index and loop are those of the comparisons, one for each tensor.

    >>> report = TorchReport((TensorComparison("output", 2.0, (1,), 0.1, 0.2),), 64.0)
    >>> bool(report), report.ulps
    (True, 2.0)
    """

    comparisons: tuple[TensorComparison, ...]
    limit: float

    @property
    def ulps(self) -> float:
        """The largest difference."""
        return max((comparison.ulps for comparison in self.comparisons), default=0.0)

    def _items(self) -> tuple[TensorComparison, ...]:
        return self.comparisons

    def __bool__(self) -> bool:
        return self.ulps <= self.limit

    def to_dict(self) -> dict[str, Any]:
        return {"agrees": bool(self), "ulps": plain(self.ulps), **super().to_dict()}

    def __str__(self) -> str:
        return "\n".join([self._headline(), *(f"  {comparison}" for comparison in self.comparisons)])

    def _repr_html_(self) -> str:
        rows = [("tensor", "ulps", "here", "in torch")]
        rows += [(f"{x.name}{subscript(x.index)}", f"{x.ulps:.3g}", repr(x.ours), repr(x.theirs)) for x in self.comparisons]
        return prose(self._headline()) + table_html(rows, words=1)

    def _headline(self) -> str:
        return "agrees with torch" if self else f"differs from torch by more than {self.limit:g} ulps"


def check_against_torch(function: Callable, *inputs: Any, ulps: float = 64.0) -> TorchReport:
    """Run `function` once here and once on torch in float64; return a report that is true if values and gradients agree.

    The function may use operators, methods, and micrograd_sm's functions: the second run calls torch's of the same name, and
    `Value(...)` makes a tensor. If it has an argument named `F`, that is micrograd_sm's functions in the first run and torch's
    in the second, `F.tensor` included. Inputs and outputs are as in `check_gradients`; on torch, a list of integers is a
    tensor of indices. The gradient is that of the weighted sum of the outputs, with fixed weights. Numbers may differ by
    `ulps` units in the last place of the largest element of their tensor; inf and nan must be the same.

    Raises TypeError if `function` is not callable, ValueError unless `ulps` is a number of at least 0, ImportError if torch is
    not installed, RuntimeError for a Module, or if the outputs have another structure or shape on torch, and the errors of the
    function in either run.

    >>> from micrograd_sm import Value, cross_entropy
    >>> bool(check_against_torch(lambda x: cross_entropy(3.0 * x.tanh(), [2]), Value([[1.0, 2.0, 0.1]])))  # doctest: +SKIP
    True
    """
    check_callable(function, "check_against_torch")
    if isinstance(ulps, bool) or not isinstance(ulps, (int, float)) or not ulps >= 0:  # nan is refused, too
        raise ValueError(f"check_against_torch: ulps must be a number that is not negative, got {ulps!r}")
    torch = _torch()
    here, pulled, cotangents = _run_here(_with_library(function, Here()), inputs)
    tensors: list[Any] = []
    library = There(torch)
    arguments = [_converted(library, x, tensors) for x in inputs]
    there = _with_library(on_torch(function, library), library)(*arguments)
    for name, leaf in paths(there, "output"):
        if isinstance(leaf, Value):
            raise RuntimeError(
                f"check_against_torch: on torch, {name} is still a Value, so something of micrograd_sm computed it; "
                "write that part with operators, methods and functions"
            )
    if outline(here) != outline(there):
        raise RuntimeError(f"check_against_torch: the function returned {outline(here)} here and {outline(there)} on torch")
    pairs = [(name, mine, other) for (name, mine), other in zip(paths(here, "output"), leaves(there))]
    for name, mine, other in pairs:
        if mine.shape != tuple(other.shape):
            raise RuntimeError(f"check_against_torch: {name} has shape {mine.shape} here and {tuple(other.shape)} on torch")
    gradients = _gradients_there(library, leaves(there), tensors, cotangents)
    names = [f"gradient of {name}" for name, _ in checked(inputs)]
    pairs += zip(names, pulled, gradients)
    return TorchReport(tuple(_compared(*pair) for pair in pairs), ulps)


class Here:
    """micrograd_sm's functions, as the argument `F`."""

    operations = PRIMITIVES

    def tensor(self, data: Any) -> Value:
        """Return data as a tensor without a gradient."""
        return Value(data, requires_grad=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(functional, name) if name in functional.__all__ else getattr(creation, name)


def _torch() -> Any:
    try:
        return import_module("torch")
    except ImportError:
        raise ImportError("check_against_torch: torch is not installed; get it with: pip install torch") from None


def _with_library(function: Callable, library: Any) -> Callable:
    """Return the function with the library as its argument F, if it has one."""
    try:
        wants = "F" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # a builtin without a signature, such as torch's own
        wants = False
    return (lambda *args: function(*args, F=library)) if wants else function


def _run_here(function: Callable, inputs: tuple) -> tuple[Any, list[Value], list[Value]]:
    """Return the outputs, the gradients of the checked inputs, and the cotangents of the outputs."""
    with no_grad():
        output, pull = vjp(lambda new: function(*replaced(inputs, new)), [variable for _, variable in checked(inputs)])
        cotangents, count = [], 0
        for leaf in leaves(output):
            cotangents.append(Value(weights(leaf, count), requires_grad=False))
            count += len(indices(leaf.shape))
        return output, pull(rebuilt(output, cotangents))[0], cotangents


def _gradients_there(library: There, outputs: list[Any], tensors: list[Any], cotangents: list[Value]) -> list[Any]:
    """Return torch's gradient for each tensor; zeros if the outputs do not depend on it."""
    seeds = [(output, library.tensor_of(u)) for output, u in zip(outputs, cotangents) if output.requires_grad]
    torch = library.torch
    zeros = [torch.zeros_like(x) for x in tensors]
    if not seeds or not tensors:
        return zeros
    found = torch.autograd.grad([output for output, _ in seeds], tensors, [u for _, u in seeds], allow_unused=True)
    return [zero if gradient is None else gradient for gradient, zero in zip(found, zeros)]


def _converted(library: There, x: Any, tensors: list[Any]) -> Any:
    """Return an input for torch, and add its tensors that require a gradient to `tensors`."""
    if isinstance(x, list) and leaves(x) and all(isinstance(leaf, int) for leaf in leaves(x)):
        return library.torch.tensor(x)
    ours = [is_checked(leaf) or isinstance(leaf, (Value, Array)) for leaf in leaves(x)]
    flat = [library.tensor_of(variable(leaf)) if is_ours else leaf for leaf, is_ours in zip(leaves(x), ours)]
    tensors += [new.requires_grad_() for leaf, new in zip(leaves(x), flat) if is_checked(leaf)]
    return rebuilt(x, flat)


def _compared(name: str, ours: Value, theirs: Any) -> TensorComparison:
    """Return the comparison of one tensor with torch's."""
    mine, other = ours.reshape(-1).tolist(), theirs.detach().reshape(-1).tolist()
    largest = max((abs(x) for x in other if math.isfinite(x)), default=0.0)
    distances = [_distance(a, b, math.ulp(largest)) for a, b in zip(mine, other)]
    if not distances:
        return TensorComparison(name, 0.0, (), 0.0, 0.0)
    worst = max(range(len(distances)), key=distances.__getitem__)
    return TensorComparison(name, distances[worst], indices(ours.shape)[worst], mine[worst], other[worst])


def _distance(a: float, b: float, ulp: float) -> float:
    if a == b or (a != a and b != b):
        return 0.0
    return abs(a - b) / ulp if math.isfinite(a) and math.isfinite(b) else math.inf
