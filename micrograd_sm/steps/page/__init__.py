"""The page of a recorded pass: one HTML file to step through, which loads nothing from anywhere."""

from __future__ import annotations

from micrograd_sm.steps.page.document import page_html, save

__all__ = ["page_html", "save"]
