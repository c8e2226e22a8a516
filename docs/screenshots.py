"""Make the screenshots in docs/screenshots: each example's page at a telling step, and the terminal's own stepper.

    python docs/screenshots.py [FOLDER]

Takes what the test extra installs, and a system Chromium. The same code gives the same pictures, but for the browser's fonts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import pexpect
import pyte
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
STEPS = {"neuron": 11, "order": 4, "softmax_nll": 15, "cross_entropy": 19, "mlp": 18, "max_ties": 5}  # which one to show
WIDTH, HEIGHT, SCALE = 1300, 850, 0.8  # of the window, and pixels of the picture for each of its own
COLUMNS, ROWS, MARGIN = 100, 28, 10  # of the terminal, which fills as many pixels
EXPRESSION = "x1 = 2.0; w1 = -3.0; x2 = 0.0; w2 = 1.0; b = 6.8814; (x1 * w1 + x2 * w2 + b).tanh()"
KEYS = ("1", "1", "g")
COLORS = {"red": "#b91c1c", "green": "#15803d", "brown": "#92400e", "blue": "#1d4ed8", "magenta": "#86198f", "cyan": "#0e7490"}
INK, PAPER = "#1f2937", "#ffffff"


def main(folder: Path) -> None:
    """Write one PNG for each example, and terminal.png."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("MICROGRAD_SM_CHROMIUM") or shutil.which("chromium") or sys.exit("no chromium on PATH")
    with tempfile.TemporaryDirectory() as pages, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        window = {"viewport": {"width": WIDTH, "height": HEIGHT}, "device_scale_factor": SCALE}
        page = browser.new_page(**window, color_scheme="light", reduced_motion="reduce")
        for name, step in STEPS.items():
            program = ROOT / "examples" / f"step_{name}.py"
            subprocess.run([sys.executable, program, pages], check=True, stdout=subprocess.DEVNULL)
            page.goto(f"{Path(pages, name).as_uri()}.html#step={step}")
            keep(page, folder / f"{name}.png")
        page.goto("about:blank")  # which has no policy against styles
        page.set_content(terminal_html(terminal_screen()))
        keep(page, folder / "terminal.png")
        browser.close()


def keep(page: Any, path: Path) -> None:
    """Write what a page looks like, in 256 colours, and say so."""
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def terminal_screen() -> pyte.Screen:
    """Walk to the last step of the neuron in a real terminal, and return what is on its screen."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    environment = dict(os.environ) | {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    environment.pop("NO_COLOR", None)
    stepper = pexpect.spawn(
        sys.executable, ["-m", "micrograd_sm", "step", EXPRESSION], dimensions=(ROWS, COLUMNS), env=environment
    )
    for keys in ("", *KEYS):
        stepper.send(keys)
        for chunk in until_quiet(stepper):
            stream.feed(chunk)
    stepper.close(force=True)
    return screen


def until_quiet(stepper: Any) -> Iterator[bytes]:
    """Yield what a program writes until it has written nothing for a while."""
    try:
        while True:
            yield stepper.read_nonblocking(65536, timeout=0.8)
    except (pexpect.TIMEOUT, pexpect.EOF):
        return


def terminal_html(screen: pyte.Screen) -> str:
    """Return a screen as HTML."""
    lines = (screen.buffer[row] for row in range(ROWS))
    text = "\n".join(runs(line[column] for column in range(COLUMNS)) for line in lines)
    width, height = (WIDTH - 2 * MARGIN) / COLUMNS, (HEIGHT - 2 * MARGIN) / ROWS
    font = f"font:{width / 0.602:.2f}px/{height:.2f}px 'DejaVu Sans Mono',monospace"  # letters 0.602 of their size wide
    return f'<body style="margin:{MARGIN}px;background:{PAPER}"><pre style="margin:0;{font}">{text}</pre>'


def runs(line: Any) -> str:
    """Return a line of characters, those that look the same together."""
    return "".join(f'<span style="{style}">{escape("".join(c.data for c in run))}</span>' for style, run in groupby(line, look))


def look(char: pyte.screens.Char) -> str:
    """Return how a character looks, as CSS."""
    front, back = COLORS.get(char.fg.removeprefix("bright"), INK), COLORS.get(char.bg, PAPER)
    if char.reverse:
        front, back = back, front
    return f"color:{front};background:{back}{';font-weight:bold' if char.bold else ''}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots")
