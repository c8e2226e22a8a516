"""Two graphs side by side as one page, on which a step in one moves the other."""

from micrograd_sm.study.why.compare_page.page import save

__all__ = ["save"]
