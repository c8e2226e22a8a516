"""Steps in a notebook: the page to walk through, in a frame of its own, with a picture and text as alternatives."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from micrograd_sm.draw import draw
from micrograd_sm.draw.notebook import HTML, TEXT, Bundle, Kinds, kinds_shown, only, picture
from micrograd_sm.steps.page import page_html

if TYPE_CHECKING:
    from micrograd_sm.steps.record import Steps

_HEIGHT = 760  # pixels: room for the picture, the formula and the controls
_FRAME = ".micrograd-sm-stepper iframe"
# A page in a frame prefers the colour scheme of its frame: that of the notebook, or of the site around it.
_THEMES = "".join(
    f":is({around}) {_FRAME}{{color-scheme:{scheme}}}"
    for scheme, around in (
        ("light", "[data-jp-theme-light=true],[data-theme=light],.vscode-light"),
        ("dark", "[data-jp-theme-light=false],[data-theme=dark],.vscode-dark"),
    )
)


def steps_bundle(walk: Steps, include: Kinds = None, exclude: Kinds = None) -> Bundle:
    """Return Steps as text, as a picture, and as the page to walk through in a sandboxed frame."""
    kinds, bundle = kinds_shown(include, exclude), {TEXT: repr(walk)}
    if kinds - {TEXT}:
        bundle |= picture(draw(walk.graph), kinds | {HTML}, bundle[TEXT])
    if HTML in bundle and HTML in kinds:
        bundle[HTML] = _stepper(walk, bundle[HTML])
    return only(bundle, kinds)


def _stepper(walk: Steps, image: str) -> str:
    """Return the page in a frame of its own, and the picture for untrusted notebooks, which remove frames."""
    title = f"Back-propagation, step by step: {len(walk)} steps over {len(walk.graph)} nodes"
    style = f"display:block;box-sizing:border-box;width:100%;height:{_HEIGHT}px;border:1px solid #8888"
    # A sanitizer that removes the frame also removes the style sheet that hides the picture.
    return (
        f'<div class="micrograd-sm-stepper"><style>.micrograd-sm-stepper iframe+img{{display:none}}{_THEMES}</style>'
        f'<iframe sandbox="allow-scripts" title="{title}" style="{style}" srcdoc="{escape(page_html(walk))}"></iframe>'
        f"{image}</div>"
    )
