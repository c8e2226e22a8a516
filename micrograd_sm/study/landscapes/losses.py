"""The losses of the landscapes as functions of logits, and what temperature, smoothing, weights and ignoring do to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from math import prod
from numbers import Integral, Real
from typing import Any

from micrograd_sm.engine import Value
from micrograd_sm.functional import cross_entropy, gather, nll_loss, one_hot, relu, softmax
from micrograd_sm.words.numbers import number_text
from micrograd_sm.words.result import Listing, prose
from micrograd_sm.words.table import table_html, table_lines

Row = tuple[float, ...]
Loss = Callable[[Value, list[int]], Value]  # takes logits (N, C) and targets (N) to losses (N), or to one number
_MOST_SHOWN = 32  # samples of a table


@dataclass(frozen=True)
class Setting:
    """What is observed at the logits, and how the loss is taken: `targets` are the classes of a batch, all at the same logits.

    Logits are divided by `temperature` first; `label_smoothing`, `weight` and `ignore_index` are cross_entropy's.

    Raises TypeError or ValueError for options that no loss takes, naming them.

    >>> print(Setting(temperature=2.0, label_smoothing=0.1))
    temperature 2, label smoothing 0.1
    """

    targets: tuple[int, ...] = (0,)
    temperature: float = 1.0
    label_smoothing: float = 0.0
    weight: tuple[float, ...] | None = None
    ignore_index: int = -100

    def __post_init__(self) -> None:
        targets = (self.targets,) if isinstance(self.targets, Integral) else tuple(self.targets)
        if not targets or not all(isinstance(t, Integral) and not isinstance(t, bool) for t in targets):
            raise ValueError(f"Setting: targets must be one or more class indices, got {self.targets!r}")
        object.__setattr__(self, "targets", targets)
        if not 0.0 < _number(self.temperature, "temperature") < math.inf:
            raise ValueError(f"Setting: temperature must be a finite number above 0, got {self.temperature}")
        if not 0.0 <= _number(self.label_smoothing, "label_smoothing") <= 1.0:
            raise ValueError(f"Setting: label_smoothing must be within 0 and 1, got {self.label_smoothing}")
        if self.weight is not None:
            object.__setattr__(self, "weight", tuple(_number(w, "weight") for w in self.weight))
            if not all(0.0 <= w < math.inf for w in self.weight):
                raise ValueError(f"Setting: weights must be finite and not negative, got {self.weight}")

    def pull(self, classes: int) -> Row:
        """Return how much each class counts: the loss at logits z is the sum over c of pull[c] times the loss of target c.

        That is the batch's mean, weighted, smoothed and without what is ignored; where all targets are one class and none
        is smoothed, it is 1 for that class, whatever the weights. Cross-entropy is least where softmax(z / temperature) is in
        proportion to the pull.

        Raises IndexError if a target is out of range; ValueError if the number of weights is another, or if no target counts.

        >>> Setting(targets=(0, 0, 1, 2), ignore_index=2).pull(3)
        (0.6666666666666666, 0.3333333333333333, 0.0)
        """
        weight = (1.0,) * classes if self.weight is None else self.weight
        if len(weight) != classes:
            raise ValueError(f"Setting: {len(weight)} weights for {classes} classes; there must be one for each")
        counted = [t for t in self.targets if t != self.ignore_index]
        for t in counted:
            if not 0 <= t < classes:
                raise IndexError(f"Setting: target {t} is out of range for {classes} classes (0..{classes - 1})")
        total = math.fsum(weight[t] for t in counted)
        if not total:
            raise ValueError(
                f"Setting: nothing counts: the targets {self.targets} are all ignored or their weights sum to 0, "
                "and the mean over none is nan; count at least one"
            )
        smooth = self.label_smoothing * len(counted) / classes
        return tuple(((1.0 - self.label_smoothing) * counted.count(c) + smooth) * weight[c] / total for c in range(classes))

    def __str__(self) -> str:
        said = [
            f"temperature {self.temperature:g}" if self.temperature != 1.0 else "",
            f"label smoothing {self.label_smoothing:g}" if self.label_smoothing else "",
            f"weights {', '.join(f'{w:g}' for w in self.weight)}" if self.weight is not None else "",
            f"class {self.ignore_index} ignored" if self.ignore_index in self.targets else "",
        ]
        return ", ".join(filter(None, said)) or "plain"


def one_setting(setting: Any) -> Setting:
    """Return the setting, the plain one for None; TypeError for anything else."""
    if setting is None:
        return Setting()
    if not isinstance(setting, Setting):
        raise TypeError(f"landscapes: setting must be a Setting, got {setting!r}")
    return setting


def some_settings(settings: Sequence[Any]) -> list[Setting]:
    """Return the settings as a list; ValueError if there are none, TypeError if one is not a Setting."""
    if isinstance(settings, Setting) or not settings:
        raise ValueError(f"landscapes: settings must be one or more Settings in a list, got {settings!r}")
    return [one_setting(setting) for setting in settings]


def _number(x: Any, what: str) -> float:
    if isinstance(x, bool) or not isinstance(x, Real):
        raise TypeError(f"Setting: {what} must be a number, got {x!r}")
    return float(x)


def _cross_entropy(logits: Value, target: list[int]) -> Value:
    return cross_entropy(logits, target, reduction="none")


def _nll_of_softmax(logits: Value, target: list[int]) -> Value:
    return nll_loss(softmax(logits, dim=1), target, reduction="none")


def _squared_error(logits: Value, target: list[int]) -> Value:
    return ((softmax(logits, dim=1) - one_hot(target, logits.shape[1])) ** 2).sum(dim=1)


def _hinge(logits: Value, target: list[int]) -> Value:
    at_target = gather(logits, 1, [[t] for t in target])
    return (relu(1.0 + logits - at_target).sum(dim=1) - 1.0) / logits.shape[1]  # the target's own margin is always 1


CROSS_ENTROPY = "cross-entropy"
# Each takes logits (N, C) and targets (N) to losses (N). Only cross-entropy is in nats; the others have no unit. The hinge is
# torch's multi_margin_loss.
LOSSES: dict[str, Loss] = {
    CROSS_ENTROPY: _cross_entropy,
    "NLL of softmax, by mistake": _nll_of_softmax,
    "squared error on softmax": _squared_error,
    "hinge": _hinge,
}


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Listing[tuple[float, Row]]):
    """A loss at many logits: `losses`, one for each row, and `gradients`, each with respect to its own row.

    Its length, index and loop are those of pairs of a loss and its gradient.

    >>> print(Samples((0.7,), ((-0.5, 0.5),)))
    1 sample
    loss  gradient by logit 0  by logit 1
     0.7                 -0.5         0.5
    """

    losses: Row
    gradients: tuple[Row, ...]

    def _items(self) -> list[tuple[float, Row]]:
        return list(zip(self.losses, self.gradients, strict=True))

    def __str__(self) -> str:
        return "\n".join([self._headline(), *table_lines(self._rows())])

    def _repr_html_(self) -> str:
        return prose(self._headline()) + table_html(self._rows())

    def _headline(self) -> str:
        shown = f", of which the first {_MOST_SHOWN} are shown" if len(self) > _MOST_SHOWN else ""
        return f"{len(self):,} sample{'' if len(self) == 1 else 's'}{shown}"

    def _rows(self) -> list[list[str]]:
        classes = [f"{'' if c else 'gradient '}by logit {c}" for c in range(len(self.gradients[0]))] if self.gradients else []
        return [["loss", *classes], *(list(map(number_text, [loss, *row])) for loss, row in self._items()[:_MOST_SHOWN])]


def losses_of(losses: Any) -> dict[str, Loss]:
    """Return losses by name: all of LOSSES for None, else that of a name, a function of one's own, or a dict of them.

    Raises ValueError for a name that is not in LOSSES and for an empty dict, TypeError for anything else.

    >>> list(losses_of("hinge")), list(losses_of(lambda logits, target: logits.sum()))
    (['hinge'], ['your loss'])
    """
    if losses is None:
        return LOSSES
    if isinstance(losses, str):
        if losses not in LOSSES:
            raise ValueError(f"sample: no loss is called {losses!r}; there are {', '.join(map(repr, LOSSES))}")
        return {losses: LOSSES[losses]}
    if isinstance(losses, Mapping) and losses and all(map(callable, losses.values())):
        return dict(losses)
    if isinstance(losses, Mapping) or not callable(losses):
        kind = TypeError if losses else ValueError
        raise kind(f"landscapes: losses must be a function of logits and targets, or a dict of such by name, got {losses!r}")
    try:
        signature(losses).bind("logits", "targets")
    except TypeError:
        raise TypeError(
            f"landscapes: a loss takes two arguments, logits (N, C) and a list of N classes; got {losses!r}"
        ) from None
    name = getattr(losses, "__name__", "your loss")
    return {"your loss" if name == "<lambda>" else name: losses}


def sample(loss: str | Loss, logits: Sequence[Sequence[float]], setting: Setting | None = None) -> Samples:
    """Return a loss and its gradient at each row of logits, (N, C), computed by the engine.

    `loss` is a name of LOSSES or a function of one's own: it takes logits (N, C) and a list of N classes, and returns the loss
    of each row, or one number, such as a mean; then each row is computed by itself.

    Raises ValueError for a name that is not in LOSSES and for a loss that does not depend on the logits, TypeError for one that
    returns no Value, and as Setting.pull does.

    >>> sample("cross-entropy", [[0.0, 0.0]]).gradients
    ((-0.5, 0.5),)
    >>> sample(lambda logits, target: (logits**2).mean(), [[1.0, 0.0], [2.0, 4.0]]).gradients
    ((1.0, 0.0), (2.0, 4.0))
    """
    ((_, function),) = losses_of(loss).items()
    setting = one_setting(setting)
    rows = [list(row) for row in logits]
    pull = setting.pull(len(rows[0])) if rows else ()
    found = _sampled(function, rows, pull, setting.temperature)
    if found is None:
        found = [pair for row in rows for pair in _sampled(function, [row], pull, setting.temperature) or ()]
    return Samples(tuple(loss for loss, _ in found), tuple(gradient for _, gradient in found))


_NO_PULL = "landscapes: the loss does not depend on the logits; compute it from its first argument"


def checked_loss(loss: Any, rows: int) -> Value:
    """Return what a loss returned for so many rows: one number, or one for each. Raises TypeError or ValueError otherwise."""
    if not isinstance(loss, Value):
        raise TypeError(f"landscapes: a loss must return a Value, got {loss!r} of type {type(loss).__name__}")
    if loss.shape not in ((rows,), ()) and prod(loss.shape) != 1:
        raise ValueError(f"landscapes: a loss must be one number or one for each of {rows} rows, got shape {loss.shape}")
    if not loss.requires_grad:
        raise ValueError(_NO_PULL)
    return loss


def _sampled(function: Loss, rows: list[list[float]], pull: Row, temperature: float) -> list[tuple[float, Row]] | None:
    """Return each row's loss and gradient; None if the loss is one number for several rows."""
    z = Value(rows)
    scaled = z / temperature
    parts = []
    for c, share in enumerate(pull):
        if share:
            loss = checked_loss(function(scaled, [c] * len(rows)), len(rows))
            if len(rows) > 1 and prod(loss.shape) == 1:
                return None
            parts.append(share * loss.reshape(len(rows)))
    total = sum(parts[1:], parts[0])
    if total.requires_grad:
        total.sum().backward()
    if z.grad is None:
        raise ValueError(_NO_PULL)
    return list(zip(total.tolist(), map(tuple, z.grad.tolist()), strict=True))
