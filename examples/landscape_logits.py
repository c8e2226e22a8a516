"""The gradient field over two logits, the third being 0: where each loss pushes, and where settings move the minimum."""

from _check import check, finish
from _landscapes import save

from micrograd_sm.study import logit_field, setting_logit_field

landscape = logit_field()
points = [landscape.panels[0].logits.index(point) for point in [(-4.0, 4.0, 0.0), (0.0, 0.0, 0.0)]]
expected = [
    [[-0.9997, 0.9817, 0.0180], [-0.6667, 0.3333, 0.3333]],
    [[-0.0003, 0.0003, 0.0000], [-0.2222, 0.1111, 0.1111]],
    [[-0.0013, 0.0353, -0.0340], [-0.4444, 0.2222, 0.2222]],
    [[-0.6667, 0.3333, 0.3333], [-0.6667, 0.3333, 0.3333]],
]
for panel, gradients in zip(landscape.panels, expected, strict=True):
    check(f"{panel.title}: where it is wrong, and at 0", [list(panel.gradients[i]) for i in points], gradients)
save(landscape, "landscape_logits")

# The minimum of cross-entropy is where the softmax equals the observed shares: at log 3 and log 2, 1.1 and 0.7.
settings = setting_logit_field(points=81)
for panel, least in zip(settings.panels, [[1.1, 0.7], [2.2, 1.4], [0.7, 0.4], [-0.5, -0.9], None], strict=True):
    found = panel.lowest if panel.lowest is None else list(panel.positions[panel.lowest])
    check(f"least loss: {panel.title}", found, least)
save(settings, "landscape_logits_settings")

finish()
