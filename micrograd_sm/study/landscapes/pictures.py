"""Landscapes: a loss and its gradient over logits and over the simplex, and p - y of a batch while it is learnt.

Every number here comes from the engine's own backward pass; `plot` only draws them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from micrograd_sm.study.landscapes.batch import training_maps
from micrograd_sm.study.landscapes.landscape import Landscape
from micrograd_sm.study.landscapes.losses import (
    CROSS_ENTROPY,
    LOSSES,
    Row,
    Samples,
    Setting,
    one_setting,
    sample,
    some_settings,
)
from micrograd_sm.study.landscapes.panels import Curve, CurvePanel, FieldPanel

_SIX = (0, 0, 0, 1, 1, 2)  # observed at the same logits: half of class 0, a third of class 1, a sixth of class 2
SETTINGS = (
    Setting(_SIX),
    Setting(_SIX, temperature=2.0),
    Setting(_SIX, label_smoothing=0.3),
    Setting(_SIX, weight=(1.0, 1.0, 5.0)),
    Setting(_SIX, ignore_index=2),
)
_CORNERS = ((0.0, 0.0), (1.0, 0.0), (0.5, math.sqrt(0.75)))  # of the simplex, for classes 0, 1 and 2
_NATS = "logit of class {} (nats)"
_ARROWS = "Contours are the loss, cross-entropy in nats; arrows are minus the gradient, on one scale in all panels."
_LEAST = "A star marks the least loss sampled."
_MAPS = "Gradient of the summed loss by each logit; the target's cell has a frame, rows that are ignored are struck through."


def loss_curves(setting: Setting | None = None, span: tuple[float, float] = (-8.0, 8.0), points: int = 161) -> Landscape:
    """Return each loss and its gradient against one of three logits: the target's, then a rival's; the others are 0.

    Raises ValueError for a span that does not rise or fewer than 2 points, and as Setting.pull does.

    >>> panel = loss_curves(points=3).panels[0]
    >>> panel.x, [round(g, 3) for g in panel.curves[0].gradients]
    ((-8.0, 0.0, 8.0), [-1.0, -0.667, -0.001])
    """
    setting, x = one_setting(setting), _grid(span, points)
    panels = []
    for along, title in ((0, "against the logit of class 0"), (1, "against the logit of class 1")):
        curves = tuple(_curve(loss, loss, along, x, setting) for loss in LOSSES)
        panels.append(CurvePanel(title, _NATS.format(along), x, curves))
    note = f"{_observed(setting)}; the logits that do not vary are 0. Cross-entropy is in nats, the others have no unit."
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
        CurvePanel(loss, _NATS.format(0), x, tuple(_curve(str(setting), loss, 0, x, setting) for setting in settings))
        for loss in LOSSES
    ]
    note = f"{_observed(settings[0])}; the other logits are 0. Cross-entropy is in nats, the others have no unit."
    return Landscape("curves", "what settings do to loss and gradient", note, None, tuple(panels), len(panels))


def logit_field(setting: Setting | None = None, span: tuple[float, float] = (-4.0, 4.0), points: int = 41) -> Landscape:
    """Return each loss and its gradient over two free logits, of classes 0 and 1; the logit of class 2 is 0.

    Raises as loss_curves.

    >>> panel = logit_field(points=3).panels[0]
    >>> panel.positions[4], [round(g, 3) for g in panel.gradients[4]]
    ((0.0, 0.0), [-0.667, 0.333, 0.333])
    """
    setting = one_setting(setting)
    panels = tuple(_logit_panel(loss, loss, setting, span, points) for loss in LOSSES)
    note = f"{_observed(setting)}; the logit of class 2 is 0. {_ARROWS}"
    return Landscape("logits", "the gradient field over two logits", note, setting, panels, 2)


def setting_logit_field(
    settings: Sequence[Setting] = SETTINGS,
    loss: str = CROSS_ENTROPY,
    span: tuple[float, float] = (-4.0, 4.0),
    points: int = 41,
) -> Landscape:
    """Return what each setting does to the gradient field of a loss over two free logits; the third is 0.

    Raises as loss_curves, and ValueError for a name that is not in LOSSES.

    >>> panel = setting_logit_field(points=21).panels[0]
    >>> [round(z, 1) for z in panel.positions[panel.lowest]]  # log 3 and log 2, on a grid of 0.4
    [1.2, 0.8]
    """
    settings = some_settings(settings)
    panels = tuple(_logit_panel(str(setting), loss, setting, span, points) for setting in settings)
    note = f"{_observed(settings[0])}; the logit of class 2 is 0. {_ARROWS} {_LEAST}"
    return Landscape("logits", f"what settings do to {loss} over two logits", note, None, panels, 3)


def simplex_field(setting: Setting | None = None, subdivisions: int = 60) -> Landscape:
    """Return each loss and its gradient over the probabilities of three classes: at p, the logits are log p.

    Gradients are with respect to the logits. Their sum is 0, so that they lie in the simplex's own plane; cross-entropy's,
    p - y, leads straight away from the target's corner.

    Raises ValueError for fewer than 3 subdivisions, and as Setting.pull does.

    >>> panel = simplex_field(subdivisions=3).panels[0]
    >>> [round(g, 3) for g in panel.gradients[0]], [round(x, 3) for x in panel.positions[0]]
    ([-0.667, 0.333, 0.333], [0.5, 0.289])
    """
    setting = one_setting(setting)
    panels = tuple(_simplex_panel(loss, loss, setting, subdivisions) for loss in LOSSES)
    note = f"{_observed(setting)}; logits are log p. {_ARROWS}"
    return Landscape("simplex", "the gradient field over the simplex", note, setting, panels, 2)


def setting_simplex_field(
    settings: Sequence[Setting] = SETTINGS, loss: str = CROSS_ENTROPY, subdivisions: int = 60
) -> Landscape:
    """Return what each setting does to the gradient field of a loss over the probabilities of three classes.

    Raises as simplex_field, and ValueError for a name that is not in LOSSES.

    >>> panel = setting_simplex_field().panels[0]
    >>> [round(math.exp(z), 3) for z in panel.logits[panel.lowest]]  # what was observed: 3, 2 and 1 of 6
    [0.5, 0.333, 0.167]
    """
    settings = some_settings(settings)
    panels = tuple(_simplex_panel(str(setting), loss, setting, subdivisions) for setting in settings)
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


def _observed(setting: Setting) -> str:
    counts = [setting.targets.count(c) for c in range(3)]
    if len(setting.targets) == 1:
        return f"The target is class {setting.targets[0]} of 3"
    return f"Targets at these logits: {counts[0]} of class 0, {counts[1]} of class 1, {counts[2]} of class 2"


def _grid(span: tuple[float, float], points: int) -> Row:
    low, high = span
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"landscapes: span must rise between two finite numbers, got {span}")
    if points < 2:
        raise ValueError(f"landscapes: points must be at least 2, got {points}")
    return tuple(low + (high - low) * i / (points - 1) for i in range(points))


def _curve(label: str, loss: str, along: int, x: Row, setting: Setting) -> Curve:
    found = sample(loss, [[z if c == along else 0.0 for c in range(3)] for z in x], setting)
    return Curve(label, found.losses, tuple(row[along] for row in found.gradients))


def _logit_panel(title: str, loss: str, setting: Setting, span: tuple[float, float], points: int) -> FieldPanel:
    x = _grid(span, points)
    positions = tuple((z0, z1) for z1 in x for z0 in x)
    logits = tuple((z0, z1, 0.0) for z0, z1 in positions)
    found = sample(loss, logits, setting)
    descent = tuple((-row[0], -row[1]) for row in found.gradients)
    apart = max(1, (points - 1) // 10)
    shown = range(apart // 2, points, apart)
    arrows = tuple(row * points + column for row in shown for column in shown)
    inner = [0 < place // points < points - 1 and 0 < place % points < points - 1 for place in range(points * points)]
    return _field_panel(title, logits, positions, found, descent, arrows, inner)


def _simplex_panel(title: str, loss: str, setting: Setting, subdivisions: int) -> FieldPanel:
    if subdivisions < 3:
        raise ValueError(f"landscapes: subdivisions must be at least 3, got {subdivisions}")
    counts = [
        (i, j, subdivisions - i - j) for i in range(1, subdivisions - 1) for j in range(1, subdivisions - i)
    ]  # of what the simplex is divided into, for each class
    probabilities = [tuple(n / subdivisions for n in count) for count in counts]
    logits = tuple(tuple(map(math.log, p)) for p in probabilities)
    found = sample(loss, logits, setting)
    descent = tuple(_in_plane([-g for g in row]) for row in found.gradients)
    apart = max(1, subdivisions // 12)
    arrows = tuple(place for place, count in enumerate(counts) if not any(n % apart for n in count))
    inner = [max(count) < subdivisions - 2 for count in counts]
    return _field_panel(title, logits, tuple(map(_in_plane, probabilities)), found, descent, arrows, inner)


def _in_plane(barycentric: Sequence[float]) -> Row:
    """Return where a point of the simplex, or a direction in it, is in the plane of the picture."""
    return tuple(math.fsum(b * corner[axis] for b, corner in zip(barycentric, _CORNERS)) for axis in (0, 1))


def _field_panel(
    title: str,
    logits: tuple[Row, ...],
    positions: tuple[Row, ...],
    found: Samples,
    descent: tuple[Row, ...],
    arrows: tuple[int, ...],
    inner: list[bool],
) -> FieldPanel:
    least = found.losses.index(min(found.losses))
    lowest = least if inner[least] and found.losses.count(found.losses[least]) == 1 else None
    return FieldPanel(title, logits, positions, found.losses, found.gradients, descent, arrows, lowest)
