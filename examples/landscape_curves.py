"""Loss and gradient against one logit: only cross-entropy pulls hard at what is very wrong."""

from _check import check, finish
from _landscapes import save

from micrograd_sm.study import loss_curves, setting_curves

landscape = loss_curves()
panel = landscape.panels[0]  # against the logit of class 0, the target; the other two are 0
wrong, even = panel.x.index(-8.0), panel.x.index(0.0)
check("against a target's logit of -8 and 0, the others 0", [panel.x[wrong], panel.x[even]], [-8.0, 0.0])
for curve, gradients in zip(
    panel.curves, [[-0.9998, -0.6667], [-0.0002, -0.2222], [-0.0005, -0.4444], [-0.6667, -0.6667]], strict=True
):
    check(f"gradient of {curve.label}", [curve.gradients[wrong], curve.gradients[even]], gradients)
save(landscape, "landscape_curves")

# Of the observations at these logits half are of class 0, a third of class 1, a sixth of class 2.
settings = setting_curves()
x = settings.panels[0].x.index(0.0)
for curve, gradient in zip(settings.panels[0].curves, [-0.1667, -0.0833, -0.1167, 0.0333, -0.2667], strict=True):
    check(f"gradient of cross-entropy at 0: {curve.label}", curve.gradients[x], gradient)
save(settings, "landscape_curves_settings")

finish()
