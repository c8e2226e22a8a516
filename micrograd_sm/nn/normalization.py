"""Layers that normalize: elements less their mean, over their standard deviation, then scaled and shifted."""

from __future__ import annotations

from typing import Any

from micrograd_sm import functional as F
from micrograd_sm.array import Array
from micrograd_sm.engine import Value, as_value
from micrograd_sm.nn.layers import check_floats, filled
from micrograd_sm.nn.module import Module, size_of

__all__ = ["BatchNorm1d", "LayerNorm", "RMSNorm"]


class LayerNorm(Module):
    """(x - mean) / sqrt(variance + eps) over the last dimensions, `normalized_shape`, times weight plus bias: (..., *shape).

    weight starts at 1 and bias at 0; without `elementwise_affine` there is neither. Raises RuntimeError if the input does not
    end with normalized_shape. Source: torch.nn.LayerNorm; Ba, Kiros and Hinton 2016, https://arxiv.org/abs/1607.06450.

    >>> layer = LayerNorm(2)
    >>> print(f"{layer([[1.0, 3.0], [5.0, 5.0]]):.2f}")
    [[-1.00, 1.00], [0.00, 0.00]]
    """

    def __init__(
        self, normalized_shape: int | list[int] | tuple[int, ...], eps: float = 1e-5, elementwise_affine: bool = True,
        bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        check_floats(device, dtype, "LayerNorm")
        sizes = normalized_shape if isinstance(normalized_shape, (list, tuple)) else [normalized_shape]
        self.normalized_shape = tuple(size_of(size, "LayerNorm: normalized_shape") for size in sizes)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight = filled(self.normalized_shape, lambda: 1.0) if elementwise_affine else None
        self.bias = filled(self.normalized_shape, lambda: 0.0) if elementwise_affine and bias else None

    def forward(self, input: Any) -> Value:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class RMSNorm(Module):
    """x / sqrt(mean of x^2 + eps) over the last dimensions, `normalized_shape`, times weight: (..., *normalized_shape).

    weight starts at 1; without `elementwise_affine` there is none. eps is 2^-52 by default. Raises RuntimeError if the input
    does not end with normalized_shape. Source: torch.nn.RMSNorm; Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467.

    >>> print(f"{RMSNorm(2)([[1.0, 7.0]]):.2f}")
    [[0.20, 1.40]]
    """

    def __init__(
        self, normalized_shape: int | list[int] | tuple[int, ...], eps: float | None = None, elementwise_affine: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        check_floats(device, dtype, "RMSNorm")
        sizes = normalized_shape if isinstance(normalized_shape, (list, tuple)) else [normalized_shape]
        self.normalized_shape = tuple(size_of(size, "RMSNorm: normalized_shape") for size in sizes)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight = filled(self.normalized_shape, lambda: 1.0) if elementwise_affine else None

    def forward(self, input: Any) -> Value:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class BatchNorm1d(Module):
    """(x - mean) / sqrt(variance + eps) of each of `num_features` channels, times weight plus bias: (N, C) or (N, C, L).

    In training, mean and variance are those of the batch, and `running_mean` and `running_var`, which are buffers, move towards
    them by `momentum`; if that is None, they are the means over all batches. After eval() the running ones are used, unless
    `track_running_stats` is False. Without `affine` there is no weight and no bias.

    Raises ValueError for an input of other dimensions, and in training for a batch of one, RuntimeError for other channels.
    Source: torch.nn.BatchNorm1d; Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167.

    >>> layer = BatchNorm1d(1)
    >>> print(f"{layer([[1.0], [3.0]]):.2f}", layer.running_mean.tolist())
    [[-1.00], [1.00]] [0.2]
    >>> print(f"{layer.eval()([[1.0], [3.0]]):.2f}")
    [[0.76], [2.67]]
    """

    running_mean: Value | None
    running_var: Value | None
    num_batches_tracked: Value | None

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        check_floats(device, dtype, "BatchNorm1d")
        shape = (size_of(num_features, "BatchNorm1d: num_features"),)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = filled(shape, lambda: 1.0) if affine else None
        self.bias = filled(shape, lambda: 0.0) if affine and bias else None
        for name, start in (("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, Array.of([start] * num_features, shape) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", Value(0, requires_grad=False) if track_running_stats else None)

    def forward(self, input: Any) -> Value:
        x = as_value(input, f"{self}: input")
        if x.ndim not in (2, 3):
            raise ValueError(f"{self}: input must be (N, C) or (N, C, L), got shape {x.shape}")
        if x.shape[1] != self.num_features:
            raise RuntimeError(f"{self}: input must have {self.num_features} channels, got shape {x.shape}")
        of_batch = self.training or self.running_mean is None
        moves = self.training and self.track_running_stats
        running = (self.running_mean, self.running_var) if moves or not of_batch else (None, None)
        batches = 0 if self.num_batches_tracked is None else self.num_batches_tracked.item() + 1
        momentum = 1.0 / max(batches, 1) if self.momentum is None else self.momentum
        out = F.batch_norm(x, *running, self.weight, self.bias, of_batch, momentum, self.eps)
        if moves and self.num_batches_tracked is not None:
            self.num_batches_tracked.data = batches
        return out

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )
