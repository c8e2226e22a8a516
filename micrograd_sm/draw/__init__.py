"""Pictures of a computation graph: `draw(loss)`, shown by a notebook or saved as svg, png, pdf or dot."""

from micrograd_sm.draw.cells import texts
from micrograd_sm.draw.drawing import FORMATS, Drawing, draw, format_of, in_a_folder, to_svg
from micrograd_sm.draw.notebook import drawing_bundle, value_bundle
from micrograd_sm.engine import Value

__all__ = ["FORMATS", "Drawing", "draw", "format_of", "in_a_folder", "texts", "to_svg"]

for _shown, _bundle in {Value: value_bundle, Drawing: drawing_bundle}.items():
    setattr(_shown, "_repr_mimebundle_", _bundle)  # noqa: B010 - the engine knows nothing of its views
