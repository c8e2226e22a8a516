"""Steps as slides: a page of a PDF each, the frames of a film, or one picture."""

from micrograd_sm.steps.slides.files import FORMATS, save_slides

__all__ = ["FORMATS", "save_slides"]
