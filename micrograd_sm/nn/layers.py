"""torch's layers of tensors: Linear, Embedding, Flatten, Unflatten, Dropout."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import prod, sqrt
from typing import Any

from micrograd_sm import functional as F
from micrograd_sm.array import Array
from micrograd_sm.array.dtypes import check_device, held_as
from micrograd_sm.engine import Value, as_value
from micrograd_sm.nn.module import Module, size_of
from micrograd_sm.nn.of_function import OfFunction
from micrograd_sm.nn.parameter import Parameter
from micrograd_sm.randomness import generator_or_default

__all__ = ["Dropout", "Embedding", "Flatten", "Linear", "Unflatten"]


class Linear(Module):
    """x @ weight.T + bias: (..., in_features) to (..., out_features).

    weight, (out_features, in_features), and bias, (out_features), start uniform within +-1 / sqrt(in_features). Raises
    RuntimeError if the last size of the input is not in_features. Source: torch.nn.Linear.

    >>> layer = Linear(2, 3)
    >>> layer, layer([[1.0, 2.0]]).shape
    (Linear(in_features=2, out_features=3, bias=True), (1, 3))
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None,
        *, generator: random.Random | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        check_floats(device, dtype, "Linear")
        self.in_features = size_of(in_features, "Linear: in_features")
        self.out_features = size_of(out_features, "Linear: out_features")
        source, bound = generator_or_default(generator, "Linear"), 1 / sqrt(in_features) if in_features else 0.0
        self.weight = filled((out_features, in_features), lambda: source.uniform(-bound, bound))
        self.bias = filled((out_features,), lambda: source.uniform(-bound, bound)) if bias else None

    def forward(self, input: Any) -> Value:
        x = as_value(input, f"{self}: input")
        if x.shape[-1:] != (self.in_features,):
            raise RuntimeError(f"{self}: the input's last size must be {self.in_features}, got shape {x.shape}")
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Embedding(Module):
    """A vector for each of `num_embeddings` integers: (...) of 0 .. num_embeddings - 1 to (..., embedding_dim).

    weight, (num_embeddings, embedding_dim), starts normal, mean 0, variance 1. The vector of `padding_idx`, which counts from
    the end if it is negative, starts at 0 and gets no gradient. Raises IndexError for an integer that is out of range,
    RuntimeError for inputs that are not integers, ValueError for a padding_idx that is out of range.
    Source: torch.nn.Embedding.

    >>> Embedding(27, 10)([[0, 1, 2]]).shape
    (1, 3, 10)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, *, device: Any = None,
        dtype: Any = None, generator: random.Random | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        check_floats(device, dtype, "Embedding")
        self.num_embeddings = size_of(num_embeddings, "Embedding: num_embeddings")
        self.embedding_dim = size_of(embedding_dim, "Embedding: embedding_dim")
        source = generator_or_default(generator, "Embedding")
        self.weight = filled((num_embeddings, embedding_dim), lambda: source.gauss(0.0, 1.0))
        self.padding_idx = padding_idx
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(f"Embedding: padding_idx {padding_idx} is out of range for {num_embeddings} vectors")
            self.padding_idx = padding_idx % num_embeddings
            rows = self.weight.tolist()
            rows[self.padding_idx] = [0.0] * embedding_dim
            self.weight.data = Array.of([x for row in rows for x in row], self.weight.shape)

    def forward(self, input: Any) -> Value:
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class Flatten(OfFunction, function=F.flatten, start_dim=1, end_dim=-1):
    """The dimensions from `start_dim` to `end_dim` as one: (N, ...) to (N, number of the others) (torch.nn.Flatten).

    >>> Flatten()([[[1.0, 2.0], [3.0, 4.0]]]).tolist()
    [[1.0, 2.0, 3.0, 4.0]]
    """


class Unflatten(Module):
    """Several dimensions in place of one, `dim`; a size may be -1 (torch.nn.Unflatten).

    >>> Unflatten(1, (2, 2))([[1.0, 2.0, 3.0, 4.0]]).tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Any) -> Value:
        return F.unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Dropout(Module):
    """In training each element is 0 with probability p, and else divided by 1 - p; after eval() it is as it is.

    Raises ValueError if p is not within [0, 1]. Source: torch.nn.Dropout; Srivastava et al. 2014,
    https://jmlr.org/papers/v15/srivastava14a.html.

    >>> sorted(set(Dropout(0.5)([3.0] * 100).tolist())), Dropout(0.5).eval()([3.0]).tolist()
    ([0.0, 6.0], [3.0])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if isinstance(p, bool) or not isinstance(p, (int, float)):
            raise TypeError(f"Dropout: p must be a number, got {p!r}")
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must be within [0, 1], got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Any) -> Value:
        return F.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


def check_floats(device: Any, dtype: Any, layer: str) -> None:
    """Raise RuntimeError for a device other than the CPU, TypeError for a dtype other than floats."""
    check_device(device, layer)
    if held_as(dtype, layer) not in (None, float):
        raise TypeError(f"{layer}: parameters are floats, so dtype cannot be {dtype!r}")


def filled(shape: tuple[int, ...], number: Callable[[], float]) -> Parameter:
    """Return a Parameter with a number for each element, in order."""
    return Parameter(Array.of([number() for _ in range(prod(shape))], shape))
