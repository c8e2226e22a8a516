"""Landscapes: a loss and its gradient over logits and over the simplex, and p - y of a batch while it is learnt.

Every number here comes from the engine's own backward pass; `plot` only draws them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from micrograd_sm.study.landscapes.batch import training_maps
from micrograd_sm.study.landscapes.landscape import Landscape
from micrograd_sm.study.landscapes.losses import CROSS_ENTROPY, Loss, Row, Setting, losses_of, one_setting, some_settings
from micrograd_sm.study.landscapes.panels import CurvePanel, FieldPanel
from micrograd_sm.study.landscapes.sampling import THREE, curve, logit_panel, row_of, simplex_panel

_SIX = (0, 0, 0, 1, 1, 2)  # observed at the same logits: half of class 0, a third of class 1, a sixth of class 2
SETTINGS = (
    Setting(_SIX),
    Setting(_SIX, temperature=2.0),
    Setting(_SIX, label_smoothing=0.3),
    Setting(_SIX, weight=(1.0, 1.0, 5.0)),
    Setting(_SIX, ignore_index=2),
)
_NATS = "logit of class {} (nats)"
_ARROWS = "Contours are the loss, cross-entropy in nats; arrows are minus the gradient, on one scale in all panels."
_LEAST = "A star marks the minimum; open, the least loss sampled."
_DOT = " A dot marks a minimum."
_MAPS = "Gradient of the summed loss by each logit; the target's cell has a frame, rows that are ignored are struck through."


Losses = str | Loss | Mapping[str, Loss] | None


def loss_curves(
    setting: Setting | None = None,
    span: tuple[float, float] = (-8.0, 8.0),
    points: int = 161,
    losses: Losses = None,
    logits: Sequence[float] | None = None,
) -> Landscape:
    """Return each loss and its gradient against one logit: that of class 0, then that of class 1; the others stay.

    `logits` (C) are those that stay, by default 0 for each of three classes. `losses` are those of LOSSES by default, else the
    name of one, a function of one's own as `sample` takes it, or a dict of these by name.

    Raises ValueError for a span that does not rise, fewer than 2 points and fewer than 2 logits, and as `sample` and
    Setting.pull do.

    >>> panel = loss_curves(points=3).panels[0]
    >>> panel.x, [round(g, 3) for g in panel.curves[0].gradients]
    ((-8.0, 0.0, 8.0), [-1.0, -0.667, -0.001])
    >>> from micrograd_sm import cross_entropy
    >>> own = loss_curves(losses=lambda z, target: cross_entropy(z, target) + (z**2).sum() / 8, logits=[0.0, 1.0])
    >>> [round(x, 3) for x in own.panels[0].curves[0].minimum]
    [1.505, 0.88]
    """
    setting, x, still, chosen = one_setting(setting), _grid(span, points), row_of(logits), losses_of(losses)
    panels = []
    for along in (0, 1):
        curves = tuple(curve(name, loss, along, x, still, setting) for name, loss in chosen.items())
        panels.append(CurvePanel(f"against the logit of class {along}", _NATS.format(along), x, curves))
    rest = "the logits that do not vary are 0" if logits is None else f"the other logits are those of {_said(still)}"
    note = f"{_observed(setting, len(still))}; {rest}.{_units(chosen)}{_DOT if _any_minimum(panels) else ''}"
    return Landscape("curves", "loss and gradient against one logit", note, setting, tuple(panels), len(panels))


def setting_curves(
    settings: Sequence[Setting] = SETTINGS, span: tuple[float, float] = (-8.0, 8.0), points: int = 161
) -> Landscape:
    """Return what each setting does to each loss and its gradient, against the logit of class 0 of three; the others are 0.

    Raises as loss_curves.

    >>> [curve.label for curve in setting_curves(points=2).panels[0].curves][1:3]
    ['temperature 2', 'label smoothing 0.3']
    """
    settings, x = some_settings(settings), _grid(span, points)
    panels = [
        CurvePanel(name, _NATS.format(0), x, tuple(curve(str(setting), loss, 0, x, THREE, setting) for setting in settings))
        for name, loss in losses_of(None).items()
    ]
    note = f"{_observed(settings[0])}; the other logits are 0. Cross-entropy is in nats, the others have no unit.{_DOT}"
    return Landscape("curves", "what settings do to loss and gradient", note, None, tuple(panels), len(panels))


def logit_field(
    setting: Setting | None = None,
    span: tuple[float, float] = (-4.0, 4.0),
    points: int = 41,
    losses: Losses = None,
    logits: Sequence[float] | None = None,
) -> Landscape:
    """Return each loss and its gradient over two free logits, of classes 0 and 1; the others stay.

    `losses` and `logits` are as in loss_curves. With `logits`, the picture is around theirs, which a ring marks.

    Raises as loss_curves.

    >>> panel = logit_field(points=3).panels[0]
    >>> panel.positions[4], [round(g, 3) for g in panel.gradients[4]]
    ((0.0, 0.0), [-0.667, 0.333, 0.333])
    """
    setting, still, chosen = one_setting(setting), row_of(logits), losses_of(losses)
    grids = [_grid((low + span[0], low + span[1]), points) for low in still[:2]]
    here = None if logits is None else still
    panels = tuple(logit_panel(name, loss, setting, grids, still, here) for name, loss in chosen.items())
    rest = "the logit of class 2 is 0" if logits is None else f"a ring marks the logits {_said(still)}"
    note = f"{_observed(setting, len(still))}; {rest}. {_arrows(chosen)}{_star(panels)}"
    return Landscape("logits", "the gradient field over two logits", note, setting, panels, min(2, len(panels)))


def setting_logit_field(
    settings: Sequence[Setting] = SETTINGS,
    loss: str = CROSS_ENTROPY,
    span: tuple[float, float] = (-4.0, 4.0),
    points: int = 41,
) -> Landscape:
    """Return what each setting does to the gradient field of a loss over two free logits; the third is 0.

    Raises as loss_curves, and ValueError for a name that is not in LOSSES.

    >>> panel = setting_logit_field(points=21).panels[0]
    >>> [round(math.exp(z), 3) for z in panel.minimum.position]  # three times and twice as often as class 2
    [3.0, 2.0]
    """
    settings = some_settings(settings)
    grid, ((_, function),) = _grid(span, points), losses_of(loss).items()
    panels = tuple(logit_panel(str(setting), function, setting, [grid, grid], THREE) for setting in settings)
    note = f"{_observed(settings[0])}; the logit of class 2 is 0. {_ARROWS} {_LEAST}"
    return Landscape("logits", f"what settings do to {loss} over two logits", note, None, panels, 3)


def simplex_field(
    setting: Setting | None = None,
    subdivisions: int = 60,
    losses: Losses = None,
    logits: Sequence[float] | None = None,
) -> Landscape:
    """Return each loss and its gradient over the probabilities of three classes: at p, the logits are log p.

    Gradients are with respect to the logits. Their sum is 0, so that they lie in the simplex's own plane; cross-entropy's,
    p - y, leads straight away from the target's corner. `losses` are as in loss_curves; a ring marks softmax(logits).

    Raises ValueError for fewer than 3 subdivisions and for other than 3 logits, and as `sample` and Setting.pull do.

    >>> panel = simplex_field(subdivisions=3).panels[0]
    >>> [round(g, 3) for g in panel.gradients[0]], [round(x, 3) for x in panel.positions[0]]
    ([-0.667, 0.333, 0.333], [0.5, 0.289])
    """
    setting, chosen, here = one_setting(setting), losses_of(losses), None if logits is None else row_of(logits)
    if here is not None and len(here) != 3:
        raise ValueError(f"simplex_field: a triangle has 3 classes, got {len(here)} logits; use logit_field or loss_curves")
    panels = tuple(simplex_panel(name, loss, setting, subdivisions, here) for name, loss in chosen.items())
    ring = "" if here is None else f"; a ring marks softmax({_said(here)})"
    note = f"{_observed(setting)}; logits are log p{ring}. {_arrows(chosen)}{_star(panels)}"
    return Landscape("simplex", "the gradient field over the simplex", note, setting, panels, min(2, len(panels)))


def setting_simplex_field(
    settings: Sequence[Setting] = SETTINGS, loss: str = CROSS_ENTROPY, subdivisions: int = 60
) -> Landscape:
    """Return what each setting does to the gradient field of a loss over the probabilities of three classes.

    Raises as simplex_field, and ValueError for a name that is not in LOSSES.

    >>> panel = setting_simplex_field().panels[0]
    >>> [round(math.exp(z), 3) for z in panel.minimum.logits]  # what was observed: 3, 2 and 1 of 6
    [0.5, 0.333, 0.167]
    """
    settings = some_settings(settings)
    ((_, function),) = losses_of(loss).items()
    panels = tuple(simplex_panel(str(setting), function, setting, subdivisions) for setting in settings)
    note = f"{_observed(settings[0])}; logits are log p. {_ARROWS} {_LEAST}"
    return Landscape("simplex", f"what settings do to {loss} over the simplex", note, None, panels, 3)


def setting_maps(settings: Sequence[Setting] = SETTINGS, steps: Sequence[int] = (0, 100)) -> Landscape:
    """Return what each setting does to the gradient of a batch, at the same start, and after training with that setting.

    The settings' own `targets` play no part: a batch has its targets. Raises as training_maps.

    >>> [panel.title for panel in setting_maps(SETTINGS[:2], steps=(0, 1)).panels]
    ['plain, start', 'temperature 2, start', 'plain, step 1', 'temperature 2, step 1']
    """
    settings = some_settings(settings)
    found = [training_maps(setting=setting, steps=steps) for setting in settings]
    named = [[replace(panel, title=f"{one.setting}, {panel.title}") for panel in one.panels] for one in found]
    panels = tuple(panel for row in zip(*named) for panel in row)
    return Landscape("residuals", "what settings do to the gradient of a batch", _MAPS, None, panels, len(settings))


# What the command line offers by name; each can be called without arguments.
PICTURES: dict[str, Callable[..., Landscape]] = {
    "curves": loss_curves,
    "curves-settings": setting_curves,
    "logits": logit_field,
    "logits-settings": setting_logit_field,
    "simplex": simplex_field,
    "simplex-settings": setting_simplex_field,
    "residuals": training_maps,
    "residuals-settings": setting_maps,
}


def _observed(setting: Setting, classes: int = 3) -> str:
    if len(setting.targets) == 1:
        return f"The target is class {setting.targets[0]} of {classes}"
    counts = ", ".join(f"{setting.targets.count(c)} of class {c}" for c in range(classes))
    return f"Targets at these logits: {counts}"


def _said(row: Row) -> str:
    return f"({', '.join(f'{z:g}' for z in row)})"


def _units(losses: Mapping[str, Loss]) -> str:
    plain = CROSS_ENTROPY in losses and len(losses) > 1
    return " Cross-entropy is in nats, the others have no unit." if plain else ""


def _arrows(losses: Mapping[str, Loss]) -> str:
    return _ARROWS if CROSS_ENTROPY in losses else _ARROWS.replace(", cross-entropy in nats", "")


def _star(panels: Sequence[FieldPanel]) -> str:
    return f" {_LEAST}" if any(panel.minimum or panel.lowest is not None for panel in panels) else ""


def _any_minimum(panels: Sequence[CurvePanel]) -> bool:
    return any(one.minimum for panel in panels for one in panel.curves)


def _grid(span: tuple[float, float], points: int) -> Row:
    low, high = span
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"landscapes: span must rise between two finite numbers, got {span}")
    if points < 2:
        raise ValueError(f"landscapes: points must be at least 2, got {points}")
    return tuple(low + (high - low) * i / (points - 1) for i in range(points))
