"""The page of a recorded pass: one HTML file that a reader steps through, without a request to anywhere."""

from __future__ import annotations

from micrograd_sm.steps.page.document import page_html, save

__all__ = ["page_html", "save"]
