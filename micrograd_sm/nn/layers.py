"""torch's layers of tensors: Linear, Embedding, Sequential."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from math import prod, sqrt
from typing import Any

from micrograd_sm import functional
from micrograd_sm.array import Array
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.selection import integers
from micrograd_sm.nn.module import Module, size_of
from micrograd_sm.randomness import generator_or_default


class Linear(Module):
    """x @ weight.T + bias: (..., in_features) to (..., out_features).

    weight, (out_features, in_features), and bias, (out_features), start uniform within +-1 / sqrt(in_features). Raises
    RuntimeError if the last size of the input is not in_features. Source: torch.nn.Linear.

    >>> layer = Linear(2, 3)
    >>> layer, layer([[1.0, 2.0]]).shape
    (Linear(in_features=2, out_features=3, bias=True), (1, 3))
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, generator: random.Random | None = None) -> None:
        self.in_features = size_of(in_features, "Linear: in_features")
        self.out_features = size_of(out_features, "Linear: out_features")
        source, bound = generator_or_default(generator, "Linear"), 1 / sqrt(in_features) if in_features else 0.0
        self.weight = _filled((out_features, in_features), lambda: source.uniform(-bound, bound))
        self.bias = _filled((out_features,), lambda: source.uniform(-bound, bound)) if bias else None

    def forward(self, input: Any) -> Value:
        x = as_value(input, f"{self}: input")
        if x.shape[-1:] != (self.in_features,):
            raise RuntimeError(f"{self}: the input's last size must be {self.in_features}, got shape {x.shape}")
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Embedding(Module):
    """A vector for each of `num_embeddings` integers: (...) of 0 .. num_embeddings - 1 to (..., embedding_dim).

    weight, (num_embeddings, embedding_dim), starts normal, mean 0, variance 1. Raises IndexError for an integer that is
    out of range, RuntimeError for inputs that are not integers. Source: torch.nn.Embedding.

    >>> Embedding(27, 10)([[0, 1, 2]]).shape
    (1, 3, 10)
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, generator: random.Random | None = None) -> None:
        self.num_embeddings = size_of(num_embeddings, "Embedding: num_embeddings")
        self.embedding_dim = size_of(embedding_dim, "Embedding: embedding_dim")
        source = generator_or_default(generator, "Embedding")
        self.weight = _filled((num_embeddings, embedding_dim), lambda: source.gauss(0.0, 1.0))

    def forward(self, input: Any) -> Value:
        flat, shape = integers(input, f"{self}: input")
        for position, row in enumerate(flat):
            if not 0 <= row < self.num_embeddings:
                raise IndexError(
                    f"{self}: input {row} at flat position {position} is out of range (0..{self.num_embeddings - 1})"
                )
        return self.weight[Array.of(flat, shape, int)]

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}"


def _filled(shape: tuple[int, ...], number: Callable[[], float]) -> Value:
    return Value(Array.of([number() for _ in range(prod(shape))], shape))


class Sequential(Module):
    """Modules that are called one after the other, each with the result of the one before; names start `0.`, `1.`, ...

    Without modules it returns its input. Raises TypeError if one is not a Module. Source: torch.nn.Sequential.

    >>> Sequential(Linear(2, 1), Linear(1, 1, bias=False))
    Sequential(
      (0): Linear(in_features=2, out_features=1, bias=True)
      (1): Linear(in_features=1, out_features=1, bias=False)
    )
    """

    def __init__(self, *modules: Module) -> None:
        for position, module in enumerate(modules):
            if not isinstance(module, Module):
                raise TypeError(f"Sequential: expected Modules, got {module!r} at position {position}")
        self.layers = modules

    def forward(self, input: Any) -> Any:
        for layer in self.layers:
            input = layer(input)
        return input

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    def __getitem__(self, index: Any) -> Any:
        return Sequential(*self.layers[index]) if isinstance(index, slice) else self.layers[index]

    def _attributes(self) -> dict[str, Any]:
        numbered = {str(index): layer for index, layer in enumerate(self.layers)}
        return numbered | {name: part for name, part in vars(self).items() if name != "layers"}
