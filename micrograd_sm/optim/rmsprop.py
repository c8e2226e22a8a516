"""`RMSprop` and `Adagrad`: the gradient is divided by the root of the mean, or of the sum, of its squares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from micrograd_sm.array import namespace
from micrograd_sm.optim.optimizer import Optimizer
from micrograd_sm.optim.options import not_negative


class RMSprop(Optimizer):
    """RMSprop: p -= lr g / (sqrt(v) + eps), with v the running mean of the gradient's square, which decays by `alpha`.

    g = grad + weight_decay p. `centered` subtracts the square of the running mean of g from v; `momentum` steps by the running
    sum of the quotients; `maximize` goes up instead of down. Raises ValueError for a negative option.
    Source: torch.optim.RMSprop; Hinton, Srivastava and Swersky 2012, lecture 6e.

    >>> from micrograd_sm import Value
    >>> x = Value([1.0, 2.0])
    >>> (x * x).sum().backward()
    >>> RMSprop([x], lr=0.01, alpha=0.75).step()
    >>> print(f"{x:.4f}")
    [0.9800, 1.9800]
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, *, maximize: bool = False, **of_a_gpu: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            params,
            {
                "lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum,
                "centered": centered, "maximize": maximize,
            },
            **of_a_gpu,
        )  # fmt: skip

    def checked(self, group: dict[str, Any]) -> dict[str, Any]:
        for name in ("lr", "alpha", "eps", "weight_decay", "momentum"):
            group[name] = not_negative(group[name], f"RMSprop: {name}")
        return group

    def stepped(self, data: Any, gradient: Any, state: dict[str, Any], group: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        alpha, xp = group["alpha"], namespace(data)
        if group["weight_decay"]:
            gradient = gradient + data * group["weight_decay"]
        square = spread = state.get("square_avg", 0.0) * alpha + gradient * gradient * (1.0 - alpha)
        new = {"step": state.get("step", 0) + 1, "square_avg": square}
        if group["centered"]:
            mean = new["grad_avg"] = state.get("grad_avg", 0.0) * alpha + gradient * (1.0 - alpha)
            spread = square - mean * mean
        change = xp.divide(gradient, xp.sqrt(spread) + group["eps"])
        if group["momentum"]:
            change = new["momentum_buffer"] = state.get("momentum_buffer", 0.0) * group["momentum"] + change
        return data - change * float(group["lr"]), new


class Adagrad(Optimizer):
    """Adagrad: p -= lr g / (sqrt(s) + eps), with s the sum of the squares of all gradients so far.

    g = grad + weight_decay p. At step t lr is divided by 1 + (t - 1) lr_decay; s starts at `initial_accumulator_value`;
    `maximize` goes up instead of down. Raises ValueError for a negative option.
    Source: torch.optim.Adagrad; Duchi, Hazan and Singer 2011, https://jmlr.org/papers/v12/duchi11a.html.

    >>> from micrograd_sm import Value
    >>> x = Value([1.0, 2.0])
    >>> (x * x).sum().backward()
    >>> Adagrad([x], lr=0.5).step()
    >>> print(f"{x:.4f}")
    [0.5000, 1.5000]
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, *, maximize: bool = False, **of_a_gpu: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            params,
            {
                "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value, "maximize": maximize,
            },
            **of_a_gpu,
        )  # fmt: skip

    def checked(self, group: dict[str, Any]) -> dict[str, Any]:
        for name in ("lr", "lr_decay", "eps", "weight_decay", "initial_accumulator_value"):
            group[name] = not_negative(group[name], f"Adagrad: {name}")
        return group

    def stepped(self, data: Any, gradient: Any, state: dict[str, Any], group: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        steps, xp = state.get("step", 0) + 1, namespace(data)
        if group["weight_decay"]:
            gradient = gradient + data * group["weight_decay"]
        total = state.get("sum", group["initial_accumulator_value"]) + gradient * gradient
        lr = float(group["lr"]) / (1.0 + (steps - 1) * group["lr_decay"])
        return data - xp.divide(gradient, xp.sqrt(total) + group["eps"]) * lr, {"step": steps, "sum": total}
