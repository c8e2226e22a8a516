"""What every test may ask for: a real browser, and pages opened in it."""

from tests.browser import browser, open_page

__all__ = ["browser", "open_page"]
