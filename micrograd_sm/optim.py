"""Optimizers: they change parameters by their gradients.

>>> from micrograd_sm import Value, optim
>>> x = Value(5.0)
>>> optimizer = optim.SGD([x], lr=0.25)
>>> for _ in range(20):
...     optimizer.zero_grad()
...     ((x - 3) ** 2).backward()
...     optimizer.step()
>>> round(x.item(), 4)
3.0
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any

from micrograd_sm.array import namespace, shape_of
from micrograd_sm.engine import Value


class Optimizer:
    """The base of all optimizers: it holds the parameters, and a state for each of them between steps.

    `params` are leaf Values of any shape and storage. Raises TypeError if one of them is not a Value, ValueError if there
    are none, if one was computed, and if the same Value occurs twice. Source: torch.optim.Optimizer.

    >>> SGD([Value(1.0), Value([2.0])], lr=0.5)
    SGD(lr=0.5, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False)
    """

    lr: float

    def __init__(self, params: Iterable[Value]) -> None:
        optimizer = type(self).__name__
        if isinstance(params, Value) or not hasattr(params, "__iter__"):
            raise TypeError(f"{optimizer}: params must be a list of Values, such as model.parameters(), got {params!r}")
        self.params = list(params)
        if not self.params:
            raise ValueError(f"{optimizer}: params is empty, so there is nothing to optimize")
        for position, parameter in enumerate(self.params):
            if not isinstance(parameter, Value):
                raise TypeError(f"{optimizer}: params holds {parameter!r} at position {position}, which is not a Value")
            if parameter.primitive is not None:
                raise ValueError(f"{optimizer}: {parameter!r} at position {position} was computed; only leaves can be params")
        if len(set(map(id, self.params))) < len(self.params):
            raise ValueError(f"{optimizer}: params holds the same Value twice, and each step would change it twice")
        self._state: list[tuple] = [()] * len(self.params)

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to None (torch.optim.Optimizer.zero_grad).

        >>> x = Value(1.0)
        >>> x.backward()
        >>> SGD([x]).zero_grad()
        >>> x.grad
        """
        for parameter in self.params:
            parameter.grad = None

    def step(self) -> None:
        """Change every parameter by its gradient, unless that is None (torch.optim.Optimizer.step).

        Raises RuntimeError if a gradient does not have its parameter's shape; then no parameter changes.

        >>> x = Value(1.0)
        >>> (3 * x).backward()
        >>> SGD([x], lr=0.5).step()
        >>> x.data
        -0.5
        """
        steps = []
        for position, parameter in enumerate(self.params):
            gradient = parameter.grad
            if gradient is None:
                continue
            if isinstance(gradient, Value):  # after backward(create_graph=True)
                gradient = gradient.data
            if tuple(shape_of(gradient)) != parameter.shape:
                raise RuntimeError(
                    f"{type(self).__name__}: the parameter at position {position} has shape {parameter.shape}, "
                    f"its gradient {tuple(shape_of(gradient))}"
                )
            steps.append((position, self._stepped(parameter.data, gradient, *self._state[position])))
        for position, (data, state) in steps:
            self.params[position].data, self._state[position] = data, state

    def _stepped(self, data: Any, gradient: Any, *state: Any) -> tuple[Any, tuple]:
        """Return a parameter's data and its state after the step."""
        raise NotImplementedError

    def __repr__(self) -> str:
        options = (f"{name}={option}" for name, option in vars(self).items() if name not in ("params", "_state"))
        return f"{type(self).__name__}({', '.join(options)})"


class SGD(Optimizer):
    """Stochastic gradient descent: p -= lr v, where v is the gradient, or with `momentum` its running sum.

    g = grad + weight_decay p. With momentum, v = momentum v + (1 - dampening) g, and v = g at first; `nesterov` takes
    g + momentum v in place of v. Raises ValueError for a negative lr, momentum or weight_decay, and for nesterov without
    momentum or with dampening. Source: torch.optim.SGD.

    >>> x = Value([1.0, 2.0])
    >>> optimizer = SGD([x], lr=0.1, momentum=0.9)
    >>> x.sum().backward()
    >>> optimizer.step()
    >>> print(f"{x:.2f}")
    [0.90, 1.90]
    """

    def __init__(
        self, params: Iterable[Value], lr: float = 1e-3, momentum: float = 0, dampening: float = 0,
        weight_decay: float = 0, nesterov: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params)
        self.lr, self.momentum = _not_negative(lr, "SGD: lr"), _not_negative(momentum, "SGD: momentum")
        self.dampening = _number(dampening, "SGD: dampening")
        self.weight_decay = _not_negative(weight_decay, "SGD: weight_decay")
        self.nesterov = nesterov
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(
                f"SGD: nesterov needs a momentum above 0 and no dampening, got momentum={momentum}, dampening={dampening}"
            )

    def _stepped(self, data: Any, gradient: Any, *state: Any) -> tuple[Any, tuple]:
        if self.weight_decay:
            gradient = gradient + data * self.weight_decay
        if self.momentum:
            velocity = state[0] * self.momentum + gradient * (1.0 - self.dampening) if state else gradient
            gradient = gradient + velocity * self.momentum if self.nesterov else velocity
            state = (velocity,)
        return data - gradient * self.lr, state


class Adam(Optimizer):
    """Adam: p -= lr m / (sqrt(v) + eps), with m and v the running means of the gradient and of its square.

    The means decay by `betas`. They start at 0, so at step t they are divided by 1 - beta^t. `weight_decay` adds
    weight_decay p to the gradient. Raises ValueError for a negative lr, eps or weight_decay, and for betas outside [0, 1).
    Source: torch.optim.Adam; Kingma and Ba 2015, https://arxiv.org/abs/1412.6980.

    >>> x = Value([1.0, 2.0])
    >>> optimizer = Adam([x], lr=0.1)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> print(f"{x:.4f}")
    [0.9000, 1.9000]
    """

    def __init__(
        self, params: Iterable[Value], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0,
    ) -> None:  # fmt: skip
        super().__init__(params)
        name = type(self).__name__
        self.lr = _not_negative(lr, f"{name}: lr")
        self.betas = _betas(betas, name)
        self.eps = _not_negative(eps, f"{name}: eps")
        self.weight_decay = _not_negative(weight_decay, f"{name}: weight_decay")

    def _stepped(self, data: Any, gradient: Any, *state: Any) -> tuple[Any, tuple]:
        if self.weight_decay:
            gradient = gradient + data * self.weight_decay
        return self._adam(data, gradient, *state)

    def _adam(self, data: Any, gradient: Any, mean: Any = 0.0, square: Any = 0.0, steps: int = 0) -> tuple[Any, tuple]:
        beta1, beta2 = self.betas
        steps += 1
        mean = mean * beta1 + gradient * (1.0 - beta1)
        square = square * beta2 + gradient * gradient * (1.0 - beta2)
        xp = namespace(square)
        size = xp.sqrt(square) * (1.0 - beta2**steps) ** -0.5 + self.eps
        return data - xp.divide(mean, size) * (self.lr / (1.0 - beta1**steps)), (mean, square, steps)


class AdamW(Adam):
    """Adam with decoupled weight decay: p *= 1 - lr weight_decay before Adam's step, whose gradient has no decay.

    Raises the errors of Adam. Source: torch.optim.AdamW; Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101.

    >>> x = Value([1.0, 2.0])
    >>> x.sum().backward()
    >>> AdamW([x], lr=0.1, weight_decay=0.5).step()
    >>> print(f"{x:.4f}")
    [0.8500, 1.8000]
    """

    def __init__(
        self, params: Iterable[Value], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 1e-2,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay)

    def _stepped(self, data: Any, gradient: Any, *state: Any) -> tuple[Any, tuple]:
        return self._adam(data * (1.0 - self.lr * self.weight_decay), gradient, *state)


def _betas(betas: Any, optimizer: str) -> tuple[float, float]:
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise TypeError(f"{optimizer}: betas must be two numbers, got {betas!r}")
    for beta in betas:
        if not 0.0 <= _number(beta, f"{optimizer}: betas") < 1.0:
            raise ValueError(f"{optimizer}: betas must be within [0, 1), got {betas}")
    return float(betas[0]), float(betas[1])


def _not_negative(number: Any, what: str) -> float:
    if not _number(number, what) >= 0:
        raise ValueError(f"{what} must not be negative, got {number}")
    return float(number)


def _number(number: Any, what: str) -> float:
    if isinstance(number, bool) or not isinstance(number, Real):
        raise TypeError(f"{what} must be a number, got {number!r}")
    return float(number)
