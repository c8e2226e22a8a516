"""The gradient field over the simplex: cross-entropy's leads straight to the target's corner."""

from math import exp

from _check import check, finish
from _landscapes import save

from micrograd_sm.study import setting_simplex_field, simplex_field

landscape = simplex_field()
panel = landscape.panels[0]
index = next(i for i, row in enumerate(panel.logits) if abs(exp(row[0]) - 0.2) + abs(exp(row[1]) - 0.5) < 1e-9)
check("probabilities p", [exp(z) for z in panel.logits[index]], [0.2, 0.5, 0.3])
check("gradient of cross-entropy there, p - y", list(panel.gradients[index]), [-0.8, 0.5, 0.3])
corner = [a + b for a, b in zip(panel.positions[index], panel.descent[index], strict=True)]
check("a step against the gradient ends at class 0's corner", corner, [0.0, 0.0])
save(landscape, "landscape_simplex")

# Observed are 3 of class 0, 2 of class 1, 1 of class 2. Each setting moves the minimum of cross-entropy.
settings = setting_simplex_field()
lowest = [[exp(z) for z in panel.logits[panel.lowest]] for panel in settings.panels]
check("plain: as observed", lowest[0], [0.5, 0.3333, 0.1667])
check("temperature 2: in proportion to the squares", lowest[1], [0.65, 0.2833, 0.0667])
check("label smoothing 0.3: nearer to the middle", lowest[2], [0.45, 0.3333, 0.2167])
check("weights 1, 1, 5: in proportion to 3, 2 and 5", lowest[3], [0.3, 0.2, 0.5])
check("class 2 ignored: at the border, as near as is sampled", lowest[4], [0.5833, 0.4, 0.0167])
save(settings, "landscape_simplex_settings")

finish()
