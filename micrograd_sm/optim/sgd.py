"""`SGD`: stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from micrograd_sm.optim.optimizer import Optimizer
from micrograd_sm.optim.options import not_negative, number


class SGD(Optimizer):
    """Stochastic gradient descent: p -= lr v, where v is the gradient, or with `momentum` its running sum.

    g = grad + weight_decay p. With momentum, v = momentum v + (1 - dampening) g, and v = g at first; `nesterov` takes
    g + momentum v in place of v. `maximize` goes up instead of down. Raises ValueError for a negative lr, momentum or
    weight_decay, and for nesterov without momentum or with dampening. Source: torch.optim.SGD.

    >>> from micrograd_sm import Value
    >>> x = Value([1.0, 2.0])
    >>> optimizer = SGD([x], lr=0.1, momentum=0.9)
    >>> x.sum().backward()
    >>> optimizer.step()
    >>> print(f"{x:.2f}")
    [0.90, 1.90]
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, momentum: float = 0, dampening: float = 0,
        weight_decay: float = 0, nesterov: bool = False, *, maximize: bool = False, **of_a_gpu: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            params,
            {
                "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
                "nesterov": nesterov, "maximize": maximize,
            },
            **of_a_gpu,
        )  # fmt: skip

    def checked(self, group: dict[str, Any]) -> dict[str, Any]:
        for name in ("lr", "momentum", "weight_decay"):
            group[name] = not_negative(group[name], f"SGD: {name}")
        group["dampening"] = number(group["dampening"], "SGD: dampening")
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ValueError(
                f"SGD: nesterov needs a momentum above 0 and no dampening, got momentum={group['momentum']}, "
                f"dampening={group['dampening']}"
            )
        return group

    def stepped(self, data: Any, gradient: Any, state: dict[str, Any], group: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        momentum, velocity = group["momentum"], state.get("momentum_buffer")
        if group["weight_decay"]:
            gradient = gradient + data * group["weight_decay"]
        if momentum:
            velocity = gradient if velocity is None else velocity * momentum + gradient * (1.0 - group["dampening"])
            state = {"momentum_buffer": velocity}
            gradient = gradient + velocity * momentum if group["nesterov"] else velocity
        return data - gradient * float(group["lr"]), state
