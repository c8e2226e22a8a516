"""p - y of a batch, before and after training: which logits are still pushed, and how hard."""

from _check import check, finish
from _landscapes import save

from micrograd_sm.study import setting_maps, training_maps

landscape = training_maps(steps=(0, 10, 100))
losses = [2.8487, 0.1322, 0.0267]
rows = [[-0.9621, 0.5900, 0.3721], [-0.1041, 0.0987, 0.0054], [-0.0047, 0.0046, 0.0001]]
for panel, loss, row in zip(landscape.panels, losses, rows, strict=True):
    check(f"{panel.title}: loss, in nats", panel.loss, loss)
    check(f"{panel.title}: p - y of the first example, of class 0", list(panel.rows[0]), row)
save(landscape, "landscape_residuals")

settings = setting_maps()
last = [
    [0.9047, 0.0866, -0.9913],
    [0.3552, 0.1099, -0.4651],  # temperature 2 halves the gradient, of flatter probabilities
    [0.8047, -0.0134, -0.7913],  # smoothing takes 0.1 off each, and 0.7 more off the target's
    [4.5234, 0.4329, -4.9563],  # the weight of class 2 is 5
    [0.0, 0.0, 0.0],
]
for panel, row in zip(settings.panels, last, strict=False):  # the first row of panels, before training
    check(f"{panel.title}: the last example, of class 2", list(panel.rows[-1]), row)
save(settings, "landscape_residuals_settings")

finish()
