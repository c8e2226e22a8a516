"""The losses of the landscapes as functions of logits, and what temperature, smoothing, weights and ignoring do to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from micrograd_sm.engine import Value
from micrograd_sm.functional import cross_entropy, gather, nll_loss, one_hot, relu, softmax
from micrograd_sm.words.numbers import number_text
from micrograd_sm.words.result import Listing, prose
from micrograd_sm.words.table import table_html, table_lines

Row = tuple[float, ...]
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


def _cross_entropy(logits: Value, target: Sequence[int]) -> Value:
    return cross_entropy(logits, target, reduction="none")


def _nll_of_softmax(logits: Value, target: Sequence[int]) -> Value:
    return nll_loss(softmax(logits, dim=1), target, reduction="none")


def _squared_error(logits: Value, target: Sequence[int]) -> Value:
    return ((softmax(logits, dim=1) - one_hot(target, logits.shape[1])) ** 2).sum(dim=1)


def _hinge(logits: Value, target: Sequence[int]) -> Value:
    at_target = gather(logits, 1, [[t] for t in target])
    return (relu(1.0 + logits - at_target).sum(dim=1) - 1.0) / logits.shape[1]  # the target's own margin is always 1


CROSS_ENTROPY = "cross-entropy"
# Each takes logits (N, C) and targets (N) to losses (N). Only cross-entropy is in nats; the others have no unit. The hinge is
# torch's multi_margin_loss.
LOSSES: dict[str, Callable[[Value, Sequence[int]], Value]] = {
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


def sample(loss: str, logits: Sequence[Sequence[float]], setting: Setting | None = None) -> Samples:
    """Return a loss and its gradient at each row of logits, (N, C), computed by the engine in one backward pass.

    Raises ValueError for a name that is not in LOSSES, and as Setting.pull does.

    >>> sample("cross-entropy", [[0.0, 0.0]]).gradients
    ((-0.5, 0.5),)
    """
    if loss not in LOSSES:
        raise ValueError(f"sample: no loss is called {loss!r}; there are {', '.join(map(repr, LOSSES))}")
    setting = one_setting(setting)
    z = Value([list(row) for row in logits])
    scaled = z / setting.temperature
    pull = setting.pull(z.shape[1])
    parts = [share * LOSSES[loss](scaled, [c] * len(logits)) for c, share in enumerate(pull) if share]
    total = sum(parts[1:], parts[0])
    total.sum().backward()
    return Samples(tuple(total.tolist()), tuple(map(tuple, z.grad.tolist())))
