"""p - y of a batch: the gradient of its cross-entropy with respect to every logit, before and after steps of training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional import cross_entropy
from micrograd_sm.mode import no_grad
from micrograd_sm.nn import Linear, Module
from micrograd_sm.optim import SGD
from micrograd_sm.study.landscapes.landscape import Landscape
from micrograd_sm.study.landscapes.losses import Loss, Setting, checked_loss, losses_of, one_setting
from micrograd_sm.study.landscapes.panels import MapPanel

_CENTRES = ((2.0, 0.0), (-1.0, 1.7), (-1.0, -1.7))
_EACH = 4
_NOTE = "Gradient of the summed loss by each logit, p - y for plain cross-entropy; the target's cell has a frame."
_STRUCK = " Rows that are ignored are struck through."


def residual_maps(
    logits: Sequence[Any],
    target: Sequence[int],
    titles: Sequence[str] | None = None,
    setting: Setting | None = None,
    loss: str | Loss | None = None,
) -> Landscape:
    """Return p - y of a batch, at each of several `logits`, (N, C), of the same targets (N): before and after, say.

    With a `setting`, whose own targets play no part, the gradient is that of the loss so taken: divided by the temperature,
    times the target's weight, 0 where the target is ignored. The mean loss is nan where all are. With a `loss`, a name of
    LOSSES or a function of one's own as `sample` takes it, it is the gradient of that loss, or of its sum over the rows.

    Raises ValueError for logits that are no matrix, for titles of another number and for a setting beside a loss, and as
    cross_entropy does.

    >>> residual_maps([[[0.0, 0.0], [0.0, 0.0]]], [0, 1]).panels[0].rows
    ((-0.5, 0.5), (0.5, -0.5))
    """
    names = [f"map {place}" for place in range(len(logits))] if titles is None else list(titles)
    if len(names) != len(logits):
        raise ValueError(f"residual_maps: {len(names)} titles for {len(logits)} maps; there must be one for each")
    if not names:
        raise ValueError("residual_maps: logits holds no map; give the logits of at least one, as [logits]")
    if loss is not None:
        if setting is not None:
            raise ValueError("residual_maps: give a setting, which is cross_entropy's, or a loss, not both")
        ((what, function),) = losses_of(loss).items()
        own = tuple(_map_of(function, name, x, tuple(target)) for name, x in zip(names, logits))
        about = f"Gradient of {what} by each logit; the target's cell has a frame."
        return Landscape("residuals", f"the gradient of {what} for a batch", about, None, own, len(own))
    setting = replace(one_setting(setting), targets=tuple(target))
    panels = tuple(_map(name, x, setting) for name, x in zip(names, logits))
    note = _NOTE + _STRUCK if panels[0].ignored else _NOTE
    return Landscape("residuals", "the residuals p \u2212 y of a batch", note, setting, panels, len(panels))


def training_maps(
    model: Module | None = None,
    inputs: Any = None,
    target: Sequence[int] | None = None,
    steps: Sequence[int] = (0, 10, 100),
    optimizer: Any = None,
    setting: Setting | None = None,
) -> Landscape:
    """Return p - y of a batch after each of the given numbers of training steps; the model is trained on the way.

    `model(inputs)` returns logits (N, C); the `optimizer` is by default SGD over `model.parameters()` at lr 0.5. Without a
    model, a linear one learns twelve points of three classes, the same in every run.

    Raises ValueError if steps do not rise from 0 or more, or if only some of model, inputs and target are given.

    >>> [f"{panel.title}: {panel.loss:.3f}" for panel in training_maps(steps=(0, 10)).panels]
    ['start: 2.849', 'step 10: 0.132']
    """
    given = [x is not None for x in (model, inputs, target)]
    if any(given) and not all(given):
        raise ValueError("training_maps: model, inputs and target go together; give all of them, or none for the example's")
    if not steps or any(after <= before for before, after in zip((-1, *steps), steps)):
        raise ValueError(f"training_maps: steps must rise from 0 or more, got {tuple(steps)}")
    if model is None or target is None:
        model, inputs, target = example_batch()
    if optimizer is None:
        optimizer = SGD(model.parameters(), lr=0.5)
    setting = one_setting(setting)
    seen = []
    for step in range(steps[-1] + 1):
        if step in steps:
            with no_grad():
                seen.append(model(inputs))
        if step < steps[-1]:
            optimizer.zero_grad()
            _loss(model(inputs), target, setting, "mean").backward()
            optimizer.step()
    titles = [f"step {step}" if step else "start" for step in steps]
    return residual_maps(seen, target, titles, setting)


def example_batch() -> tuple[Linear, list[list[float]], list[int]]:
    """Return a linear model that has learnt nothing, twelve points in the plane and their three classes; always the same."""
    source = random.Random(3)
    target = [c for c in range(3) for _ in range(_EACH)]
    inputs = [[source.gauss(x, 1.0) for x in _CENTRES[c]] for c in target]
    return Linear(2, 3, generator=source), inputs, target


def _map(title: str, logits: Any, setting: Setting) -> MapPanel:
    target, z = setting.targets, _leaf(logits)
    _loss(z, target, setting, "sum").backward()
    ignored = tuple(place for place, t in enumerate(target) if t == setting.ignore_index)
    loss = _loss(z, target, setting, "mean").item()
    return MapPanel(title, tuple(map(tuple, Value(z.grad).tolist())), target, ignored, loss)


def _map_of(loss: Loss, title: str, logits: Any, target: tuple[int, ...]) -> MapPanel:
    z = _leaf(logits)
    if len(target) != z.shape[0]:
        raise ValueError(f"residual_maps: {len(target)} targets for logits of shape {z.shape}; there must be one for each row")
    value = checked_loss(loss(z, list(target)), z.shape[0])
    value.sum().backward()
    return MapPanel(title, tuple(map(tuple, Value(z.grad).tolist())), target, (), value.mean().item(), "")


def _leaf(logits: Any) -> Value:
    z = Value(as_value(logits, "residual_maps: logits").data)
    if z.ndim != 2:
        raise ValueError(f"residual_maps: logits must be (N, C), got shape {z.shape}")
    return z


def _loss(logits: Value, target: Sequence[int], setting: Setting, reduction: str) -> Value:
    return cross_entropy(
        logits / setting.temperature,
        list(target),
        weight=None if setting.weight is None else list(setting.weight),
        ignore_index=setting.ignore_index,
        reduction=reduction,
        label_smoothing=setting.label_smoothing,
    )
