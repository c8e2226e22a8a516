"""Schedules of learning rates: `step()` after each epoch, or after each batch, sets the `lr` of every group of an optimizer.

>>> from micrograd_sm import Value, optim
>>> optimizer = optim.SGD([Value(1.0)], lr=1.0)
>>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
>>> rates = []
>>> for epoch in range(6):
...     rates.append(optimizer.lr)
...     optimizer.step()
...     scheduler.step()
>>> rates
[1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import cos, pi
from typing import Any

from micrograd_sm.missing import missing
from micrograd_sm.optim.optimizer import Optimizer

__all__ = ["ConstantLR", "CosineAnnealingLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "StepLR"]


class LRScheduler:
    """The base of all schedules: it counts the epochs, `last_epoch`, and keeps each group's first rate, `base_lrs`.

    A subclass sets its options, then calls `super().__init__(optimizer, last_epoch)`, and defines `get_lr`. To resume at a
    `last_epoch` other than -1, each group must have its "initial_lr", else KeyError. Raises TypeError if `optimizer` is none.
    Source: torch.optim.lr_scheduler.LRScheduler.

    >>> from micrograd_sm import Value, optim
    >>> class Halving(LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / 2**self.last_epoch for lr in self.base_lrs]
    >>> scheduler = Halving(optim.SGD([Value(1.0)], lr=1.0))
    >>> scheduler.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__}: optimizer must be an Optimizer, got {optimizer!r}")
        self.optimizer, self.last_epoch = optimizer, last_epoch
        for position, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: group {position} has no 'initial_lr', which last_epoch={last_epoch} needs"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self._first = True  # the step that comes now keeps the rates, unless epoch 0 has a factor of its own
        self.step()
        self._first = False

    def get_lr(self) -> list[float]:
        """Return each group's rate for `last_epoch`; `step` asks for it, and users call `get_last_lr`.

        >>> from micrograd_sm import Value, optim
        >>> StepLR(optim.SGD([Value(1.0)], lr=1.0), step_size=2).get_lr()
        [1.0]
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method get_lr that returns a rate for each group")

    def get_last_lr(self) -> list[float]:
        """Return the rate of each group that `step` set last.

        >>> from micrograd_sm import Value, optim
        >>> StepLR(optim.SGD([Value(1.0)], lr=0.5), step_size=2).get_last_lr()
        [0.5]
        """
        return self._last_lr

    def step(self) -> None:
        """Go on to the next epoch, and set the rate of every group.

        >>> from micrograd_sm import Value, optim
        >>> scheduler = ExponentialLR(optim.SGD([Value(1.0)], lr=1.0), gamma=0.5)
        >>> scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
        """
        self.last_epoch += 1
        self._last_lr = self.get_lr()
        for group, lr in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = lr

    def state_dict(self) -> dict[str, Any]:
        """Return the options and the count of epochs, without the optimizer and without functions.

        >>> from micrograd_sm import Value, optim
        >>> StepLR(optim.SGD([Value(1.0)], lr=1.0), step_size=2).state_dict()["last_epoch"]
        0
        """
        return {name: option for name, option in vars(self).items() if name not in ("optimizer", "_first", "lr_lambdas")}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a `state_dict()`. Load the optimizer's too: it holds the rates.

        >>> from micrograd_sm import Value, optim
        >>> scheduler = StepLR(optim.SGD([Value(1.0)], lr=1.0), step_size=2)
        >>> scheduler.load_state_dict({**scheduler.state_dict(), "last_epoch": 7})
        >>> scheduler.last_epoch
        7
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"{type(self).__name__}: load_state_dict needs what state_dict() returns, got {state_dict!r}")
        vars(self).update(state_dict)

    def _rates(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _times(self, factor: float) -> list[float]:
        return [lr * factor for lr in self._rates()]


class StepLR(LRScheduler):
    """Multiply the rate by `gamma` after every `step_size` epochs (torch.optim.lr_scheduler.StepLR).

    >>> from micrograd_sm import Value, optim
    >>> scheduler = StepLR(optim.SGD([Value(1.0)], lr=1.0), step_size=1, gamma=0.5)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if isinstance(step_size, bool) or not isinstance(step_size, int) or step_size < 1:
            raise ValueError(f"StepLR: step_size, the steps between two changes, must be an int above 0, got {step_size!r}")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._times(1.0 if self.last_epoch == 0 or self.last_epoch % self.step_size else self.gamma)


class MultiStepLR(LRScheduler):
    """Multiply the rate by `gamma` at each epoch that `milestones` lists (torch.optim.lr_scheduler.MultiStepLR).

    >>> from micrograd_sm import Value, optim
    >>> scheduler = MultiStepLR(optim.SGD([Value(1.0)], lr=1.0), milestones=[1, 5], gamma=0.5)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.milestones, self.gamma = list(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._times(self.gamma ** Counter(self.milestones)[self.last_epoch])


class ExponentialLR(LRScheduler):
    """Multiply the rate by `gamma` after every epoch (torch.optim.lr_scheduler.ExponentialLR).

    >>> from micrograd_sm import Value, optim
    >>> scheduler = ExponentialLR(optim.SGD([Value(1.0)], lr=1.0), gamma=0.75)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.75]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return self._times(1.0 if self._first else self.gamma)


class ConstantLR(LRScheduler):
    """Multiply the rate by `factor` for the first `total_iters` epochs (torch.optim.lr_scheduler.ConstantLR).

    Raises ValueError if the factor is not within [0, 1].

    >>> from micrograd_sm import Value, optim
    >>> ConstantLR(optim.SGD([Value(1.0)], lr=1.0), factor=0.25).get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"ConstantLR: factor must be within [0, 1], got {factor}")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self._times(self.factor)
        return self._times(1.0 / self.factor if self.last_epoch == self.total_iters else 1.0)


class LinearLR(LRScheduler):
    """Go from `start_factor` to `end_factor` times the first rate, in `total_iters` epochs (torch.optim.lr_scheduler.LinearLR).

    Raises ValueError if start_factor is not within (0, 1], or end_factor not within [0, 1].

    >>> from micrograd_sm import Value, optim
    >>> scheduler = LinearLR(optim.SGD([Value(1.0)], lr=1.0), start_factor=0.5, total_iters=2)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.75]
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if not 0 < start_factor <= 1:
            raise ValueError(f"LinearLR: start_factor must be within (0, 1], got {start_factor}")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor must be within [0, 1], got {end_factor}")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return self._times(self.start_factor)
        if self._first or self.last_epoch > self.total_iters:
            return self._rates()
        rise = self.end_factor - self.start_factor
        return self._times(1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))


class CosineAnnealingLR(LRScheduler):
    """Lower the rate along half a cosine, from the first rate to `eta_min` in `T_max` epochs, then up again, and so on.

    Source: torch.optim.lr_scheduler.CosineAnnealingLR; Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983.

    >>> from micrograd_sm import Value, optim
    >>> scheduler = CosineAnnealingLR(optim.SGD([Value(1.0)], lr=1.0), T_max=2)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self._first:
            return self._rates()
        now, before = (1 + cos(pi * epoch / self.T_max) for epoch in (self.last_epoch, self.last_epoch - 1))
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # the rate was eta_min: no factor leads away from it
            rise = (1 - cos(pi / self.T_max)) / 2
            return [lr + (first - self.eta_min) * rise for lr, first in zip(self._rates(), self.base_lrs, strict=True)]
        return [now / before * (lr - self.eta_min) + self.eta_min for lr in self._rates()]


class LambdaLR(LRScheduler):
    """Multiply the first rate by what `lr_lambda`, a function or one for each group, returns for the number of the epoch.

    Raises ValueError if there is not one function for each group. Source: torch.optim.lr_scheduler.LambdaLR.

    >>> from micrograd_sm import Value, optim
    >>> scheduler = LambdaLR(optim.SGD([Value(1.0)], lr=1.0), lambda epoch: 1 / (1 + epoch))
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | list[Callable[[int], float]], last_epoch: int = -1
    ) -> None:
        groups = len(getattr(optimizer, "param_groups", ()))
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"LambdaLR: expected {groups} functions, one for each group, got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [lr * factor(self.last_epoch) for lr, factor in zip(self.base_lrs, self.lr_lambdas, strict=True)]


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)
