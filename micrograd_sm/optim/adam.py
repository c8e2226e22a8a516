"""`Adam` and `AdamW`: steps by the running means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from micrograd_sm.array import namespace
from micrograd_sm.optim.optimizer import Optimizer
from micrograd_sm.optim.options import not_negative, within_0_and_1


class Adam(Optimizer):
    """Adam: p -= lr m / (sqrt(v) + eps), with m and v the running means of the gradient and of its square.

    The means decay by `betas`. They start at 0, so at step t they are divided by 1 - beta^t. `weight_decay` adds
    weight_decay p to the gradient; `amsgrad` takes the largest v so far; `maximize` goes up instead of down. Raises ValueError
    for a negative lr, eps or weight_decay, and for betas outside [0, 1).
    Source: torch.optim.Adam; Kingma and Ba 2015, https://arxiv.org/abs/1412.6980.

    >>> from micrograd_sm import Value
    >>> x = Value([1.0, 2.0])
    >>> optimizer = Adam([x], lr=0.1)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> print(f"{x:.4f}")
    [0.9000, 1.9000]
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, maximize: bool = False, **of_a_gpu: Any,
    ) -> None:  # fmt: skip
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize}
        super().__init__(params, options, **of_a_gpu)

    def checked(self, group: dict[str, Any]) -> dict[str, Any]:
        name = type(self).__name__
        group["betas"] = within_0_and_1(group["betas"], f"{name}: betas")
        for option in ("lr", "eps", "weight_decay"):
            group[option] = not_negative(group[option], f"{name}: {option}")
        return group

    def stepped(self, data: Any, gradient: Any, state: dict[str, Any], group: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if group["weight_decay"]:
            gradient = gradient + data * group["weight_decay"]
        return self._adam(data, gradient, state, group)

    @staticmethod
    def _adam(data: Any, gradient: Any, state: dict[str, Any], group: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        beta1, beta2 = group["betas"]
        steps = state.get("step", 0) + 1
        mean = state.get("exp_avg", 0.0) * beta1 + gradient * (1.0 - beta1)
        square = state.get("exp_avg_sq", 0.0) * beta2 + gradient * gradient * (1.0 - beta2)
        state = {"step": steps, "exp_avg": mean, "exp_avg_sq": square, **_largest(square, state, group)}
        xp = namespace(square)
        size = xp.sqrt(state.get("max_exp_avg_sq", square)) * (1.0 - beta2**steps) ** -0.5 + group["eps"]
        return data - xp.divide(mean, size) * (float(group["lr"]) / (1.0 - beta1**steps)), state


def _largest(square: Any, state: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    """Return what amsgrad remembers: the largest running mean of the square."""
    if not group["amsgrad"]:
        return {}
    return {"max_exp_avg_sq": namespace(square).maximum(state.get("max_exp_avg_sq", square), square)}


class AdamW(Adam):
    """Adam with decoupled weight decay: p *= 1 - lr weight_decay before Adam's step, whose gradient has no decay.

    Raises the errors of Adam. Source: torch.optim.AdamW; Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101.

    >>> from micrograd_sm import Value
    >>> x = Value([1.0, 2.0])
    >>> x.sum().backward()
    >>> AdamW([x], lr=0.1, weight_decay=0.5).step()
    >>> print(f"{x:.4f}")
    [0.8500, 1.8000]
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, **of_a_gpu: Any,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, **of_a_gpu)

    def stepped(self, data: Any, gradient: Any, state: dict[str, Any], group: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return self._adam(data * (1.0 - float(group["lr"]) * group["weight_decay"]), gradient, state, group)
