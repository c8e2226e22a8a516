"""A real browser for tests: Chromium through Playwright. They skip, with a reason, where there is none.

With MICROGRAD_SM_BROWSER=required they fail instead of skipping. MICROGRAD_SM_CHROMIUM names another browser's program.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def _program() -> str:
    found = os.environ.get("MICROGRAD_SM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found:
        return found
    return missing("no chromium on PATH; install Debian's chromium, or name one with MICROGRAD_SM_CHROMIUM")


def missing(reason: str) -> Any:
    """Skip, for that reason; fail where a browser is required."""
    if os.environ.get("MICROGRAD_SM_BROWSER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser for all tests of the session."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not everywhere installed
    except ImportError:
        missing("playwright is not installed; pip install 'micrograd_sm[test]'")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_program(), args=ARGUMENTS)
        yield chromium
        chromium.close()


Opener = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any) -> Iterator[Opener]:
    """Open a file with options of a browser context; what the page complains of or asks for fails the test."""
    contexts: list[Any] = []
    troubles: list[str] = []

    def opened(path: Path, fragment: str = "", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5_000)
        page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(path.as_uri()) else troubles.append(request.url))
        page.goto(path.as_uri() + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not troubles


@contextmanager
def printing(page: Any) -> Iterator[Any]:
    """Show the page as it is on paper."""
    emulate(page, media="print")
    yield page
    emulate(page, media="screen")


def emulate(page: Any, **media: str) -> None:
    """Emulate a medium or a colour scheme, and return when the page has been told.

    Playwright returns before that. A page hears of it when it next draws, before its animation frames (HTML's
    "update the rendering"), and the first frame may be one that was already under way.
    """
    page.emulate_media(**media)
    page.evaluate("() => new Promise((told) => requestAnimationFrame(() => requestAnimationFrame(told)))")
