"""`Optimizer`: groups of parameters with their options, and a state for each parameter between steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from micrograd_sm.array import shape_of
from micrograd_sm.array.storage import ones_like
from micrograd_sm.engine import Value
from micrograd_sm.mode import recording
from micrograd_sm.optim.options import refuse_of_a_gpu
from micrograd_sm.optim.saved import checked_groups, loaded_state, saved_state


class Optimizer:
    """The base of all optimizers: groups of parameters with their options, and a state for each parameter.

    `params` are leaf Values of any shape and storage, such as `model.parameters()` or `model.named_parameters()`; or dicts
    with "params" and the options in which this group differs from the others. `param_groups` are dicts of that form, complete:
    to change an option, set it there. `state` holds, by parameter, what the optimizer remembers.

    A subclass gives its options to `super().__init__(params, {"lr": lr})` and defines `stepped`. Raises TypeError if one of the
    params is not a Value, ValueError if there are none, if one was computed, and if the same Value occurs twice.
    Source: torch.optim.Optimizer.

    >>> class SignSGD(Optimizer):
    ...     def stepped(self, data, gradient, state, group):
    ...         return data - (gradient > 0) * group["lr"], state
    >>> w, b = Value(1.0), Value(2.0)
    >>> optimizer = SignSGD([{"params": [w]}, {"params": [b], "lr": 0.5}], {"lr": 0.25})
    >>> (w * b).backward()
    >>> optimizer.step()
    >>> w.data, b.data
    (0.75, 1.5)
    """

    param_groups: list[dict[str, Any]]
    state: defaultdict[Value, dict[str, Any]]

    def __init__(self, params: Iterable[Any], defaults: Mapping[str, Any], **of_a_gpu: Any) -> None:
        optimizer = type(self).__name__
        refuse_of_a_gpu(of_a_gpu, optimizer)
        if isinstance(params, (Value, dict, set)) or not hasattr(params, "__iter__"):
            raise TypeError(f"{optimizer}: params must be a list of Values, such as model.parameters(), got {params!r}")
        self.defaults = self.checked(dict(defaults))
        self.param_groups, self.state = [], defaultdict(dict)
        groups = list(params)
        if not groups:
            raise ValueError(f"{optimizer}: params is empty, so there is nothing to optimize")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def checked(self, group: dict[str, Any]) -> dict[str, Any]:
        """Return a group with its options as they are kept; each optimizer checks its own.

        >>> from micrograd_sm.optim import SGD
        >>> SGD([Value(1.0)]).checked({"lr": -1.0})
        Traceback (most recent call last):
        ValueError: SGD: lr must not be negative, got -1.0
        """
        return group

    def stepped(self, data: Any, gradient: Any, state: dict[str, Any], group: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return a parameter's data and state after a step, by the options of its group; each optimizer defines it.

        >>> from micrograd_sm.optim import SGD
        >>> optimizer = SGD([Value(1.0)], lr=0.5)
        >>> optimizer.stepped(1.0, 4.0, {}, optimizer.param_groups[0])
        (-1.0, {})
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method stepped that returns new data and a new state")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group: a dict with "params" and the options in which it differs (torch.optim.Optimizer.add_param_group).

        Raises the errors that the optimizer raises for its params and options; then no group is added.

        >>> from micrograd_sm.optim import SGD
        >>> optimizer = SGD([Value(1.0)], lr=0.5)
        >>> optimizer.add_param_group({"params": [Value(2.0)], "lr": 0.1})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.5, 0.1]
        """
        optimizer = type(self).__name__
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError(f"{optimizer}: a group must be a dict with 'params', got {param_group!r}")
        given = param_group["params"]
        names, params = _named([given] if isinstance(given, Value) else list(given), optimizer)
        _check_params(params, self.params, optimizer)
        if self.param_groups and ("param_names" in self.param_groups[0]) != bool(names):
            raise ValueError(f"{optimizer}: the parameters of all groups must have names, or those of none")
        group = self.checked({**self.defaults, **param_group, "params": params})
        self.param_groups.append({**group, "param_names": names} if names else group)

    @property
    def params(self) -> list[Value]:
        """The parameters of all groups, in order.

        >>> from micrograd_sm.optim import SGD
        >>> [x.data for x in SGD([{"params": [Value(1.0)]}, {"params": [Value(2.0)]}]).params]
        [1.0, 2.0]
        """
        return [parameter for group in self.param_groups for parameter in group["params"]]

    @property
    def lr(self) -> float:
        """The learning rate of the first group; setting it sets that of every group.

        >>> from micrograd_sm.optim import SGD
        >>> optimizer = SGD([Value(1.0)], lr=0.5)
        >>> optimizer.lr = optimizer.lr / 2
        >>> optimizer.param_groups[0]["lr"]
        0.25
        """
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr: float) -> None:
        for group in self.param_groups:
            group["lr"] = lr

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set the gradient of every parameter to None, or to zeros (torch.optim.Optimizer.zero_grad).

        >>> from micrograd_sm.optim import SGD
        >>> x = Value(1.0)
        >>> x.backward()
        >>> SGD([x]).zero_grad()
        >>> x.grad
        """
        zero_gradients(self.params, set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter by its gradient, unless that is None (torch.optim.Optimizer.step).

        A `closure` that computes the loss again and calls its backward() is called first, and its loss is returned. Raises
        RuntimeError if a gradient does not have its parameter's shape; then no parameter changes.

        >>> from micrograd_sm.optim import SGD
        >>> x = Value(1.0)
        >>> (3 * x).backward()
        >>> SGD([x], lr=0.5).step()
        >>> x.data
        -0.5
        """
        loss = None
        if closure is not None:
            with recording(True):
                loss = closure()
        steps = []
        for group in self.param_groups:
            for position, parameter in enumerate(group["params"]):
                if parameter.grad is not None:
                    gradient = self._gradient(parameter, position)
                    gradient = -gradient if group.get("maximize") else gradient
                    state = self.state.get(parameter, {})
                    steps.append((parameter, self.stepped(parameter.data, gradient, state, group)))
        for parameter, (data, state) in steps:
            parameter.data = data
            if state:
                self.state[parameter] = state
        return loss

    def _gradient(self, parameter: Value, position: int) -> Any:
        gradient = parameter.grad.data if isinstance(parameter.grad, Value) else parameter.grad
        if tuple(shape_of(gradient)) != parameter.shape:
            raise RuntimeError(
                f"{type(self).__name__}: the parameter at position {position} has shape {parameter.shape}, "
                f"its gradient {tuple(shape_of(gradient))}"
            )
        return gradient

    def state_dict(self) -> dict[str, Any]:
        """Return the options and the state as numbers and nested lists, parameters by position (torch's Optimizer.state_dict).

        json.dumps and json.loads keep all that `load_state_dict` needs.

        >>> from micrograd_sm.optim import Adagrad
        >>> x = Value([1.0, 2.0])
        >>> optimizer = Adagrad([x], lr=0.5)
        >>> x.sum().backward()
        >>> optimizer.step()
        >>> optimizer.state_dict()["state"]
        {0: {'step': 1, 'sum': [1.0, 1.0]}}
        """
        return saved_state(self.param_groups, self.state)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over the options and the state of a `state_dict()` (torch.optim.Optimizer.load_state_dict).

        A run that is saved, loaded and continued gives the same bits as one that was not interrupted. Raises ValueError if the
        groups are others or a state does not have its parameter's shape, TypeError or KeyError if it is no state_dict(); then
        nothing changes.

        >>> from micrograd_sm.optim import SGD
        >>> optimizer = SGD([Value(1.0)], lr=0.5)
        >>> optimizer.load_state_dict(SGD([Value(1.0)], lr=0.25).state_dict())
        >>> optimizer.lr
        0.25
        """
        name = type(self).__name__
        groups = [self.checked(group) for group in checked_groups(self.param_groups, state_dict, name)]
        self.state = defaultdict(dict, loaded_state(self.param_groups, state_dict, name))
        for group, loaded in zip(self.param_groups, groups, strict=True):
            group.update(loaded)

    def __repr__(self) -> str:
        held = ("params", "param_names")
        options = [
            ", ".join(f"{name}={option}" for name, option in group.items() if name not in held) for group in self.param_groups
        ]
        return f"{type(self).__name__}({' | '.join(options)})"


def zero_gradients(parameters: Iterable[Value], set_to_none: bool) -> None:
    """Set every gradient to None, or to zeros where there is one."""
    for parameter in parameters:
        parameter.grad = None if set_to_none or parameter.grad is None else ones_like(parameter.data) * 0.0


def _named(params: list[Any], optimizer: str) -> tuple[list[str], list[Value]]:
    """Take apart the pairs of `named_parameters()`; without pairs there are no names."""
    pairs = [isinstance(parameter, tuple) for parameter in params]
    if not any(pairs):
        return [], params
    if not all(pairs):
        raise ValueError(f"{optimizer}: either all parameters have names, as in model.named_parameters(), or none")
    return [name for name, _ in params], [parameter for _, parameter in params]


def _check_params(params: list[Value], others: list[Value], optimizer: str) -> None:
    for position, parameter in enumerate(params):
        if not isinstance(parameter, Value):
            raise TypeError(f"{optimizer}: params holds {parameter!r} at position {position}, which is not a Value")
        if parameter.primitive is not None:
            raise ValueError(f"{optimizer}: {parameter!r} at position {position} was computed; only leaves can be params")
    if len({id(parameter) for parameter in params + others}) < len(params) + len(others):
        raise ValueError(f"{optimizer}: params holds the same Value twice, and each step would change it twice")
