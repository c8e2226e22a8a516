"""torch as the oracle: the same program run on micrograd_sm and on torch, compared on values and derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

import micrograd_sm

torch.set_num_threads(1)


class Ours:
    """micrograd_sm, as a program of the table sees it."""

    name = "micrograd_sm"
    new = staticmethod(lambda data, requires_grad=True: micrograd_sm.Value(data, requires_grad=requires_grad))
    ints = staticmethod(lambda data: data)
    bools = staticmethod(lambda data: data)
    ints_of = staticmethod(lambda data: micrograd_sm.Value(data, requires_grad=False))
    zeros_like_of = staticmethod(lambda x: 0.0)
    grad = staticmethod(lambda x: None if x.grad is None else micrograd_sm.Value(x.grad))

    def __getattr__(self, name: str) -> Any:
        return getattr(micrograd_sm, name)


class Theirs:
    """torch under the same names, in float64."""

    name = "torch"
    ints = staticmethod(lambda data: torch.tensor(data, dtype=torch.int64))
    bools = staticmethod(lambda data: torch.tensor(data, dtype=torch.bool))
    ints_of = ints
    zeros_like_of = staticmethod(torch.zeros_like)
    torch_tensor = staticmethod(torch.tensor)

    @staticmethod
    def new(data: Any, requires_grad: bool = True) -> torch.Tensor:
        return torch.tensor(data, dtype=torch.float64, requires_grad=requires_grad)

    def __getattr__(self, name: str) -> Any:
        if name == "expand":
            return lambda x, *sizes: x.expand(*sizes)
        return getattr(torch.nn.functional if name in FUNCTIONAL else torch, name)


FUNCTIONAL = {  # in torch these are torch.nn.functional's; where torch has one of the same name, it takes other arguments
    "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cosine_similarity",
    "cross_entropy", "dropout", "elu", "embedding", "gaussian_nll_loss", "gelu", "hardtanh", "hinge_embedding_loss",
    "huber_loss", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "linear", "logsigmoid", "margin_ranking_loss", "mish",
    "mse_loss", "multi_margin_loss", "nll_loss", "normalize", "one_hot", "pad", "pairwise_distance", "poisson_nll_loss",
    "relu6", "rms_norm", "scaled_dot_product_attention", "selu", "silu", "smooth_l1_loss", "soft_margin_loss", "softmin",
    "softplus", "triplet_margin_loss",
}  # fmt: skip
OURS, THEIRS = Ours(), Theirs()


@dataclass(frozen=True)
class Outcome:
    """What a program gave: its value, first and second derivatives, each as nested lists; or its error."""

    value: Any = None
    shape: tuple[int, ...] = ()
    first: list = field(default_factory=list)
    second: list = field(default_factory=list)
    error: type[Exception] | None = None


def seeds(shape: Sequence[int], salt: float) -> Any:
    """Return numbers of a shape that are all different and not special, as nested lists."""
    counter = iter(range(10**6))

    def fill(sizes: Sequence[int]) -> Any:
        if not sizes:
            return 0.5 + math.sin(salt + 1.7 * next(counter))
        return [fill(sizes[1:]) for _ in range(sizes[0])]

    return fill(shape)


def shaped(library: Any, nested: Any, shape: Sequence[int]) -> Any:
    """Return nested lists as a tensor of exactly this shape (lists lose the sizes after a 0)."""
    tensor = library.new(nested, requires_grad=False)
    return tensor if tuple(tensor.shape) == tuple(shape) else tensor.reshape(tuple(shape))


def run(library: Any, program: Callable, data: Sequence[Any], shapes: Sequence[Sequence[int]], order: int = 2) -> Outcome:
    """Run a program on inputs, differentiate it with a fixed seed, and once more if `order` is 2."""
    leaves = [
        library.new(nested).reshape(tuple(shape)) if 0 in shape and list(shape) != [0] else library.new(nested)
        for nested, shape in zip(data, shapes)
    ]
    leaves = [_leaf(library, leaf) for leaf in leaves]
    out = program(library, *leaves)
    outcome = {"value": out.tolist(), "shape": tuple(out.shape)}
    if order and out.requires_grad:
        first = _gradients(library, out, shaped(library, seeds(out.shape, 0.3), out.shape), leaves, create_graph=order > 1)
        outcome["first"] = [None if g is None else g.tolist() for g in first]
        if order > 1:
            parts = [
                (g * shaped(library, seeds(g.shape, 1.1 + k), g.shape)).sum() for k, g in enumerate(first) if g is not None
            ]
            total = parts[0]
            for part in parts[1:]:
                total = total + part
            second = _gradients(library, total, None, leaves) if total.requires_grad else [None] * len(leaves)
            zeros = [_zeros(leaf.tolist()) for leaf in leaves]
            outcome["second"] = [zero if g is None else g.tolist() for g, zero in zip(second, zeros)]
    return Outcome(**outcome)


def _leaf(library: Any, leaf: Any) -> Any:
    return library.new(0.0) if leaf is None else leaf.detach().requires_grad_() if library is THEIRS else _own_leaf(leaf)


def _own_leaf(leaf: Any) -> Any:
    return micrograd_sm.Value(leaf.data)


def _gradients(library: Any, out: Any, seed: Any, leaves: list, create_graph: bool = False) -> list:
    if library is THEIRS:
        found = torch.autograd.grad(out, leaves, seed, create_graph=create_graph, allow_unused=True)
        return [torch.zeros_like(g) if g is not None and g._is_zerotensor() else g for g in found]
    for leaf in leaves:
        leaf.grad = None
    out.backward(seed, create_graph=create_graph)
    gradients = [leaf.grad if leaf.grad is None or create_graph else micrograd_sm.Value(leaf.grad) for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    return gradients


def _zeros(nested: Any) -> Any:
    return [_zeros(x) for x in nested] if isinstance(nested, list) else 0.0


def close(ours: Any, theirs: Any, rtol: float = 1e-10, atol: float = 1e-12) -> bool:
    """Return whether nested lists agree: to the tolerance where finite, exactly where inf or nan."""
    if isinstance(ours, list) or isinstance(theirs, list):
        return (
            isinstance(ours, list)
            and isinstance(theirs, list)
            and len(ours) == len(theirs)
            and all(close(x, y, rtol, atol) for x, y in zip(ours, theirs))
        )
    if ours is None or theirs is None:
        return ours is theirs
    if math.isnan(theirs) or math.isinf(theirs):
        return str(float(ours)) == str(float(theirs))
    return math.isclose(ours, theirs, rel_tol=rtol, abs_tol=atol)


def assert_agreement(
    program: Callable, data: Sequence[Any], shapes: Sequence[Sequence[int]], order: int = 2, ours: Ours = OURS
) -> None:
    """Fail unless both libraries give the same shape, value and derivatives, or the same kind of error."""
    try:
        theirs = run(THEIRS, program, data, shapes, order)
    except Exception as error:
        kinds = (type(error), RuntimeError) if isinstance(error, NotImplementedError) else type(error)
        try:
            found = run(ours, program, data, shapes, order)
        except kinds:
            return
        raise AssertionError(f"torch raised {error!r}; we returned {found}") from error
    found = run(ours, program, data, shapes, order)
    for what in ("shape", "value", "first", "second"):
        mine, other = getattr(found, what), getattr(theirs, what)
        assert mine == other if what == "shape" else close(mine, other), f"{what}: ours {mine}, torch's {other}, for {data}"
