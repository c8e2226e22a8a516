"""Class indices as targets: checked against the input that they index, and what they select of it."""

from __future__ import annotations

from math import prod
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array import is_foreign, namespace
from micrograd_sm.array.functions import computed, flat_of
from micrograd_sm.array.indexing import Among, Picked
from micrograd_sm.array.storage import like_storage
from micrograd_sm.array.strides import Shape
from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.reductions import sum
from micrograd_sm.functional.selection import check_classes, integers


def targets_of(x: Value, target: Any, weight: Any, ignore_index: int, function: str) -> Targets:
    """Return class indices, checked against x: as an array of its library, if it is of another library, else as lists.

    Raises IndexError if a target is out of range, RuntimeError if targets are not integers or shapes do not fit, ValueError
    if the batch sizes differ.

    >>> x = Value([[1.0, 2.0], [3.0, 4.0]])
    >>> targets_of(x, [0, 1], None, -100, "nll_loss").at_target(x).tolist()
    [1.0, 4.0]
    """
    storage = namespace(x.data)
    if not is_foreign(x.data):
        kind = Targets
    elif storage.listed:
        kind = OpenTargets if isinstance(target, Value) and is_foreign(target.data) else Targets
    else:
        kind = MaskedTargets if storage.lazy else ArrayTargets
    return kind(x, target, weight, ignore_index, function)


class Targets:
    """Class indices as lists: `places` are those that count, counted in row-major order, and `chosen` their classes."""

    def __init__(self, x: Value, target: Any, weight: Any, ignore_index: int, function: str) -> None:
        if not x.shape:
            raise ValueError(f"{function}: a single number has no classes; input must be (C), (N, C) or (N, C, d1, ...)")
        flat, shape = integers(target, f"{function}: target", like=x)
        self.axis = 0 if x.ndim == 1 else 1
        self.classes = x.shape[self.axis]
        self.step = prod(x.shape[self.axis + 1 :])  # from class to class in x's flat data
        self.shape = _checked_shape(x.shape, shape, function)
        self.weights = class_weights(weight, self.classes, function, x)
        self.function = function
        self.places, self.chosen = self._kept(flat, ignore_index, function)

    @property
    def all_kept(self) -> bool:
        return len(self.places) == prod(self.shape)

    def at_target(self, x: Value) -> Value:
        """Return x at each target that counts: in the target's shape if all do, else in a row."""
        return primitives.index(x, positions=self._aimed(), shape=self._kept_shape(), key="target")

    def rows(self, x: Value) -> Value:
        """Return, for each target that counts, x over all its classes: (number kept, C)."""
        return primitives.index(x, positions=self._rows(), shape=(len(self.places), self.classes), key="rows")

    def weighted(self, losses: Value) -> Value:
        """Return the losses of the targets that count, each times the weight of its class."""
        return losses if self.weights is None else losses * self._kept_weights()

    def reduced(self, losses: Value, reduction: str) -> Value:
        """Return the losses of the targets that count as 'none', 'sum' or 'mean' has them."""
        if reduction == "none":
            return self._spread(losses)
        return sum(losses) if reduction == "sum" else sum(losses) / self._mean_divisor()

    def _spread(self, losses: Value) -> Value:
        """Return one loss for each target: those that count in place, exactly 0 elsewhere."""
        if self.all_kept:
            return primitives.reshape(losses, shape=self.shape) if losses.shape != self.shape else losses
        return primitives.put(losses, positions=self.places, shape=self.shape)

    def _kept_shape(self) -> Shape:
        return self.shape if self.all_kept else (len(self.places),)

    def _kept_weights(self) -> Value:
        return primitives.index(self.weights, positions=self._classes(), shape=self._kept_shape(), key="target")

    def _classes(self) -> Any:
        """Return where in the weights the class of each target that counts is."""
        return self.chosen

    def _mean_divisor(self) -> Value | float:
        """Return what 'mean' divides by: the weights of the targets that count, or their number."""
        return float(len(self.places)) if self.weights is None else sum(self._kept_weights())

    def _kept(self, flat: Any, ignore_index: int, function: str) -> tuple[Any, Any]:
        """Return the places of the targets that count, and their classes; IndexError if one is out of range."""
        check_classes(flat, self.shape, self.classes, function, IndexError, ignore_index)
        if ignore_index not in flat:
            return range(len(flat)), flat
        places = [place for place, chosen in enumerate(flat) if chosen != ignore_index]
        return places, [flat[place] for place in places]

    def _aimed(self) -> Any:
        """Return where in x's flat data each target that counts has its class."""
        return [start + chosen * self.step for start, chosen in zip(self._starts(), self.chosen, strict=True)]

    def _rows(self) -> Any:
        return [start + k * self.step for start in self._starts() for k in range(self.classes)]

    def _starts(self) -> list[int]:
        """Return where in x's flat data the class 0 of each target that counts lies."""
        span, step = self.classes * self.step, self.step
        return [place // step * span + place % step for place in self.places]


class OpenTargets(Targets):
    """Class indices of a recording, which each replay is given anew; which of them count stays as it was recorded."""

    def _kept(self, flat: Any, ignore_index: int, function: str) -> tuple[Any, Any]:
        return super()._kept(flat_of(flat), ignore_index, function)

    def _aimed(self) -> Any:
        span = self.classes * self.step
        return [Among(chosen, range(start, start + span, self.step)) for start, chosen in zip(self._starts(), self.chosen)]

    def _classes(self) -> Any:
        return [Among(chosen, range(self.classes)) for chosen in self.chosen]


class ArrayTargets(Targets):
    """Class indices as an array of the input's library: the same arithmetic, without a list of them."""

    def _kept(self, flat: Any, ignore_index: int, function: str) -> tuple[Any, Any]:
        xp = namespace(flat)
        places = xp.arange(flat.shape[0], dtype=xp.int64, **xp.place(flat))
        outside = (flat < 0) | (flat >= self.classes) | (flat == ignore_index)
        if not xp.any_of(outside):
            return places, flat
        counts = flat != ignore_index
        if xp.any_of(outside & counts):
            check_classes(flat.tolist(), self.shape, self.classes, function, IndexError, ignore_index)
        return places[counts], flat[counts]

    def _aimed(self) -> Any:
        return self._starts() + self.chosen * self.step

    def _rows(self) -> Any:
        xp = namespace(self.chosen)
        along = xp.arange(self.classes, dtype=xp.int64, **xp.place(self.chosen)) * self.step
        return xp.reshape(self._starts()[:, None] + along[None, :], (-1,))

    def _starts(self) -> Any:
        if self.step == 1:
            return self.places * self.classes
        return self.places // self.step * (self.classes * self.step) + self.places % self.step


class MaskedTargets(Targets):
    """Class indices whose numbers are not known yet: each target has a loss, which is 0 if it does not count.

    Targets of an unsigned type cannot be -100, so all count. For a mean, others are counted at once.
    """

    def at_target(self, x: Value) -> Value:
        picked = Picked(self.chosen, self.axis, x.shape, self.function)
        return self._masked(primitives.index(x, positions=picked, shape=self.shape, key="target"))

    def rows(self, x: Value) -> Value:
        order = (*(axis for axis in range(x.ndim) if axis != self.axis), self.axis)
        last = primitives.permute(x, order=order)
        return primitives.reshape(last, shape=(prod(self.shape), self.classes))

    def reduced(self, losses: Value, reduction: str) -> Value:
        losses = self._masked(primitives.reshape(losses, shape=self.shape))
        if reduction == "none":
            return losses
        return sum(losses) if reduction == "sum" else sum(losses) / self._mean_divisor()

    def _masked(self, losses: Value) -> Value:
        return losses if self.places is None else primitives.where(losses, 0.0, condition=self.places)

    def _kept_weights(self) -> Value:
        positions = namespace(self.chosen).reshape(self.chosen, (-1,))
        return self._masked(primitives.index(self.weights, positions=positions, shape=self.shape, key="target"))

    def _mean_divisor(self) -> Value | float:
        """Return a number, computed from targets and weights alone: were it still open, all chunks of x would wait for it."""
        if self.weights is not None:
            return sum(self._kept_weights()).item()
        if self.places is None:
            return float(prod(self.shape))
        return float(computed(self.places.sum()))

    def _kept(self, flat: Any, ignore_index: int, function: str) -> tuple[Any, Any]:
        """Return which targets count, None if all do, and the classes of all, 0 for those that do not count."""
        xp = namespace(flat)
        flat = xp.reshape(flat, self.shape)
        if ignore_index < 0 and xp.isdtype(flat.dtype, "unsigned integer"):
            return None, flat
        return flat != ignore_index, xp.where(flat == ignore_index, 0, flat)


def _checked_shape(shape: Shape, target: Shape, function: str) -> Shape:
    """Return the target's shape; a list without elements, whose further sizes are lost, stands for any that starts with 0."""
    wanted = shape[1:] if len(shape) == 1 else (shape[0], *shape[2:])
    batch = 1 if len(shape) == 1 else shape[0]
    if target == wanted or (target == (0,) and wanted[:1] == (0,)):
        return wanted
    if target and target[0] != batch:
        raise ValueError(f"{function}: input {shape} has a batch of {batch}, target of shape {target} one of {target[0]}")
    raise RuntimeError(
        f"{function}: input of shape {shape} takes class indices of shape {wanted}, got shape {target}; "
        "the classes are dimension 1 of a batched input"
    )


def class_weights(weight: Any, classes: int, function: str, x: Value) -> Value | None:
    """Return one weight for each class, in the storage of x, or None; RuntimeError for another number of them.

    >>> class_weights([0.5, 2.0], 2, "nll_loss", Value(1.0)).tolist()
    [0.5, 2.0]
    """
    if weight is None:
        return None
    weights = as_value(weight, f"{function}: weight").detach()
    if weights.shape != (classes,):
        raise RuntimeError(
            f"{function}: weight must hold a number for each of the {classes} classes, got shape {weights.shape}"
        )
    return Value(like_storage(weights.data, x.data), requires_grad=False)
