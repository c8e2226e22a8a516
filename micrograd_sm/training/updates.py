"""The update of a parameter, spelled out with its numbers: `w <- w - lr * dL/dw = 1 - 0.1 * (-4) = 1.4`.

What an optimizer did is not asked of it, but computed again with its own rule, from the numbers before: an update is spelled
out only if that gives the parameter as it was found afterwards. Of an array, the element that changed most is shown.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from micrograd_sm.array import flat_of, shape_of
from micrograd_sm.engine import Value
from micrograd_sm.optim import SGD, Adam, AdamW
from micrograd_sm.optim.optimizer import Optimizer
from micrograd_sm.steps.local import place
from micrograd_sm.words.numbers import number_text

State = dict[str, Any]
_SAME = 1e-9  # how far, relative to the size of the update, a parameter may be from what the rule gives


class Parameter(NamedTuple):
    """A parameter in one iteration: its name and the root's, what it held, and its gradient."""

    label: str
    root: str
    value: Value
    before: Any
    gradient: Any


class Pending:
    """A parameter whose next numbers are not known yet."""

    def __init__(
        self, parameter: Parameter, optimizer: Optimizer | None, options: Mapping[int, State], earlier: Pending | None
    ) -> None:
        self.parameter, self.optimizer = parameter, optimizer
        self._next_state: State | None = None
        group = _group_of(optimizer, parameter.value)
        self._groups = [dict(group), *([options[id(group)]] if id(group) in options else [])] if group else []
        states = [earlier._next_state if earlier else None, {}, optimizer.state.get(parameter.value) if optimizer else None]
        self._states = [copy.copy(state) for state in states if state is not None]

    def spelled(self, after: Any) -> list[str]:
        """Return the update in lines, from what the parameter held afterwards."""
        label, root, _, before, gradient = self.parameter
        if flat_of(after) == flat_of(before):
            return [f"{label} is not changed"]
        moved = [abs(b - a) for a, b in zip(flat_of(before), flat_of(after), strict=True)]
        one = _One(label, root, moved.index(max(moved)), shape_of(before), before, gradient, after)
        optimizer = self.optimizer
        if optimizer is not None:
            for group, state in ((group, state) for group in self._groups for state in self._states):
                data, next_state = optimizer.stepped(before, gradient, copy.copy(state), group)
                if _agrees(data, after, before):
                    self._next_state = next_state
                    return list(_RULES.get(type(optimizer), _by_name)(one, group, state, next_state, optimizer))
        return list(_by_hand(one))


class _One(NamedTuple):
    """One element of a parameter: where it is, and the arrays before and after."""

    label: str
    root: str
    at: int
    shape: tuple[int, ...]
    before: Any
    gradient: Any
    after: Any

    @property
    def name(self) -> str:
        return f"{self.label}{place(self.at, self.shape)}" if self.shape else self.label

    @property
    def slope(self) -> str:
        return f"d{self.root}/d{self.name}"

    def of(self, data: Any) -> float:
        flat = flat_of(data)
        return flat[self.at] if shape_of(data) else flat[0]

    def text(self, data: Any) -> str:
        """Return the element of an array as text, in brackets if it is negative."""
        text = number_text(self.of(data))
        return f"({text})" if text.startswith("-") else text


def _group_of(optimizer: Optimizer | None, value: Value) -> State | None:
    groups = optimizer.param_groups if optimizer else []
    return next((group for group in groups if any(parameter is value for parameter in group["params"])), None)


def _agrees(data: Any, after: Any, before: Any) -> bool:
    triples = list(zip(flat_of(data), flat_of(after), flat_of(before), strict=True))
    size = max((abs(b - c) for _, b, c in triples), default=0.0)
    return all(abs(a - b) <= _SAME * size + 1e-15 * abs(b) for a, b, _ in triples)


# One rule for each optimizer ------------------------------------------------------------------------------------------


def _decayed(one: _One, group: State) -> tuple[list[str], str, float]:
    """Return the line of the weight decay, if there is any, and the gradient that the rule works with: its name, and it."""
    gradient, sign = one.of(one.gradient), -1.0 if group.get("maximize") else 1.0
    decay = group["weight_decay"]
    slope = one.slope if sign > 0 else f"(-{one.slope})"
    if not decay:
        return [], slope, sign * gradient
    total = sign * gradient + decay * one.of(one.before)
    numbers = f"{_text(sign * gradient)} + {number_text(decay)} * {one.text(one.before)}"
    return [f"slope = {slope} + weight_decay * {one.name} = {numbers} = {number_text(total)}"], "slope", total


def _text(x: float) -> str:
    return f"({number_text(x)})" if x < 0 else number_text(x)


def _sgd(one: _One, group: State, state: State, next_state: State, optimizer: Optimizer) -> Iterator[str]:
    lines, name, g = _decayed(one, group)
    yield from lines
    momentum, lr = group["momentum"], float(group["lr"])
    if momentum:
        velocity = one.of(next_state["momentum_buffer"])
        if "momentum_buffer" not in state:
            yield f"velocity <- {name} = {number_text(velocity)}"
        else:
            share = 1.0 - group["dampening"]
            part = f"{name}" if share == 1.0 else f"{number_text(share)} * {name}"
            numbers = f"{number_text(momentum)} * {one.text(state['momentum_buffer'])} + "
            numbers += _text(g) if share == 1.0 else f"{number_text(share)} * {_text(g)}"
            yield f"velocity <- momentum * velocity + {part} = {numbers} = {number_text(velocity)}"
        if group["nesterov"]:
            ahead = g + momentum * velocity
            numbers = f"{_text(g)} + {number_text(momentum)} * {_text(velocity)}"
            yield f"ahead = {name} + momentum * velocity = {numbers} = {number_text(ahead)}"
            name, g = "ahead", ahead
        else:
            name, g = "velocity", velocity
    yield _step(one, f"lr * {name}", f"{number_text(lr)} * {_text(g)}")


def _adam(one: _One, group: State, state: State, next_state: State, optimizer: Optimizer) -> Iterator[str]:
    decoupled = isinstance(optimizer, AdamW)
    start = one.of(one.before)
    if decoupled and group["weight_decay"]:
        start *= 1.0 - float(group["lr"]) * group["weight_decay"]
        numbers = f"{one.text(one.before)} * (1 - {number_text(float(group['lr']))} * {number_text(group['weight_decay'])})"
        yield f"{one.name} <- {one.name} * (1 - lr * weight_decay) = {numbers} = {number_text(start)}"
    lines, name, g = _decayed(one, {**group, "weight_decay": 0} if decoupled else group)
    yield from lines
    (beta1, beta2), steps = group["betas"], next_state["step"]
    m, v = (one.of(next_state[key]) for key in ("exp_avg", "exp_avg_sq"))
    before = [one.of(state.get(key, 0.0)) for key in ("exp_avg", "exp_avg_sq")]
    squared = f"({name})^2" if name != "slope" else "slope^2"
    yield _mean("mean", beta1, before[0], m, name, _text(g))
    yield _mean("square", beta2, before[1], v, squared, f"{_text(g)}^2")
    if group["amsgrad"]:
        v = one.of(next_state["max_exp_avg_sq"])
        yield f"square is the largest so far = {number_text(v)}"
    m_hat, v_hat = m / (1.0 - beta1**steps), v / (1.0 - beta2**steps)
    yield f"M = mean / (1 - {number_text(beta1)}^{steps}) = {number_text(m_hat)}"
    yield f"V = square / (1 - {number_text(beta2)}^{steps}) = {number_text(v_hat)}"
    numbers = f"{_text(m_hat)} / (sqrt({number_text(v_hat)}) + {number_text(group['eps'])})"
    yield _step(one, "lr * M / (sqrt(V) + eps)", f"{number_text(float(group['lr']))} * {numbers}", start)


def _mean(symbol: str, beta: float, old: float, new: float, name: str, number: str) -> str:
    """Return the line of a running mean."""
    kept, share = number_text(beta), number_text(round(1.0 - beta, 12))
    return f"{symbol} <- {kept} * {symbol} + {share} * {name} = {kept} * {_text(old)} + {share} * {number} = {number_text(new)}"


def _step(one: _One, change: str, numbers: str, start: float | None = None) -> str:
    begin = number_text(one.of(one.before) if start is None else start)
    return f"{one.name} <- {one.name} - {change} = {begin} - {numbers} = {number_text(one.of(one.after))}"


def _by_name(one: _One, group: State, state: State, next_state: State, optimizer: Optimizer) -> Iterator[str]:
    known = f"with lr = {number_text(float(group['lr']))} and {one.slope} = {number_text(one.of(one.gradient))}"
    moved = f"{one.name} <- {number_text(one.of(one.after))}, from {number_text(one.of(one.before))}"
    yield f"{moved}, by {type(optimizer).__name__}'s rule, {known}"


def _by_hand(one: _One) -> Iterator[str]:
    """Yield an update without an optimizer: a step along the gradient, if every element made one of the same rate."""
    pairs = zip(flat_of(one.before), flat_of(one.after), flat_of(one.gradient), strict=True)
    rates = [(before - after) / g if g else math.inf if before != after else None for before, after, g in pairs]
    known = [rate for rate in rates if rate is not None]
    rate = (one.of(one.before) - one.of(one.after)) / (one.of(one.gradient) or math.inf)
    if known and all(math.isfinite(x) and abs(x - rate) <= 1e-6 * abs(rate) for x in known):
        shown = float(f"{rate:.6g}")
        yield _step(one, f"{number_text(shown)} * {one.slope}", f"{number_text(shown)} * {one.text(one.gradient)}")
        return
    moved = f"{one.name} <- {number_text(one.of(one.after))}, from {number_text(one.of(one.before))}"
    yield f"{moved}, by no rule that is known here"


_RULES: Mapping[type, Callable[..., Iterator[str]]] = {SGD: _sgd, Adam: _adam, AdamW: _adam}
