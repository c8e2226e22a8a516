"""The documentation: no dead link, every public name in the reference, and nothing fetched from elsewhere."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parent.parent
DOCS = [path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts]
TEXTS = sorted([ROOT / "README.md", *(ROOT / "examples").glob("*.md"), *DOCS])
ROOMS = [
    "micrograd_sm",
    "micrograd_sm.nn",
    "micrograd_sm.nn.init",
    "micrograd_sm.nn.utils",
    "micrograd_sm.optim",
    "micrograd_sm.optim.lr_scheduler",
    "micrograd_sm.study",
    "micrograd_sm.transforms",
]


def prose(path: Path) -> str:
    """Return a text without its blocks of code."""
    return re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """Return the anchors of a text's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", prose(path), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_of_the_texts_lead_somewhere(path: Path) -> None:
    text = prose(path)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'<(?:img|a)\b[^>]*\b(?:src|href)="([^"]+)"', text)
    for link in links:
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme in ("https", "mailto"), link
            continue
        target = path.parent / parts.path if parts.path else path
        assert target.exists(), f"{link} leads nowhere"
        assert not parts.fragment or parts.fragment in anchors(target), f"{link}: no such heading"


class Page(HTMLParser):
    """What a page can be linked at (ids), where it leads (links), and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = {""}
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids.add(given.get("id", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and "stylesheet" in given.get("rel", ""):
            self.loads.append(given["href"])
        self.loads += [given[name] for name in ("src", "data") if name in given]
        self.loads += re.findall(r'src="([^"]+)"', given.get("srcdoc", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, built with warnings as errors."""
    for needed in ("sphinx", "myst_nb", "furo"):
        if not _is_there(needed):
            pytest.skip(f"{needed} is not installed: pip install -e '.[docs]'")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", "-b", "html", str(ROOT / "docs"), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=out)
    assert done.returncode == 0, done.stderr
    return out


def _is_there(module: str) -> bool:
    try:
        return import_module(module) is not None
    except ImportError:
        return False


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def test_links_of_the_site_lead_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if parts.scheme or (target.suffix != ".html" and target.exists()):
                continue
            if target not in pages or unquote(parts.fragment) not in pages[target].ids:
                dead.append(f"{path.relative_to(site)}: {link}")
    assert not dead
    assert sum(len(page.links) for page in pages.values()) > 500


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for load in page.loads:
            assert load.startswith("data:") or not urlsplit(load).netloc, f"{path.relative_to(site)} loads {load}"


def public() -> Iterator[str]:
    """Yield the names that users import."""
    for room in map(import_module, ROOMS):
        for name in getattr(room, "__all__", None) or dir(room):
            thing: Any = getattr(room, name)
            ours = getattr(thing, "__module__", "").startswith("micrograd_sm")
            if ours and not name.startswith("_") and not inspect.ismodule(thing):
                own = hasattr(room, "__all__") or hasattr(room, "__path__") or thing.__module__ == room.__name__
                if own:
                    yield name


def test_every_public_name_is_in_the_reference(pages: dict[Path, Page]) -> None:
    ids = {each for path, page in pages.items() if path.parent.name == "reference" for each in page.ids}
    described = {each.rsplit(".", 1)[-1] for each in ids if each.startswith("micrograd_sm.")}
    names = set(public())
    assert len(names) > 100
    assert names <= described, names - described


def test_every_page_of_the_guide_and_of_the_rules_ran(pages: dict[Path, Page], site: Path) -> None:
    for path in [*(site / "guide").glob("*.html"), *(site / "rules").glob("*.html")]:
        text = path.read_text(encoding="utf-8")
        assert path.name == "index.html" or "cell_output" in text
        assert "Traceback" not in text
