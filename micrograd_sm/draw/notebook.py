"""Values and Drawings in a notebook: Jupyter calls their `_repr_mimebundle_`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from micrograd_sm.engine import Value

if TYPE_CHECKING:
    from micrograd_sm.draw.drawing import Drawing

TEXT, SVG, HTML = "text/plain", "image/svg+xml", "text/html"
MOST_NODES = 60  # of a Value's graph that is drawn without being asked for: its layout takes about a third of a second

Kinds = Collection[str] | None
Bundle = dict[str, str]


def value_bundle(value: Value, draw: Callable[..., Drawing], include: Kinds, exclude: Kinds) -> Bundle:
    """Return a Value as text and, if it has a graph of at most 60 nodes and there is a layout program, as `draw`'s picture.

    Names are those of the notebook's variables. `include` and `exclude` are IPython's kinds of media. If data was set after
    the Value was computed, the text says why there is no picture.
    """
    kinds, bundle = kinds_shown(include, exclude), {TEXT: repr(value)}
    if value.parents and kinds - {TEXT} and _is_small(value):
        shell = _shell()
        try:
            bundle |= picture(draw(value, {} if shell is None else shell.user_ns), kinds)
        except RuntimeError as error:
            bundle[TEXT] += f"\nno picture: {error}"
    return only(bundle, kinds)


def drawing_bundle(drawing: Drawing, include: Kinds = None, exclude: Kinds = None) -> Bundle:
    """Return a Drawing as text and picture; without a layout program, the text says what to install."""
    kinds, bundle = kinds_shown(include, exclude), {TEXT: repr(drawing)}
    if kinds - {TEXT}:
        bundle |= picture(drawing, kinds, bundle[TEXT])
    return only(bundle, kinds)


def picture(drawing: Drawing, kinds: set[str], text: str | None = None) -> Bundle:
    """Return a picture as SVG and as an image in HTML, which untrusted notebooks show; else `text` and what is missing."""
    from binascii import b2a_base64, crc32  # noqa: PLC0415 - so that importing stays quick

    try:  # ids depend on the picture alone, so they are the same in every run
        picture = drawing.svg(f"mg{crc32(drawing.source.encode()):08x}-")
    except RuntimeError as error:
        return {TEXT: f"{text}\n{error}"} if text else {}
    alt, source = f"Computation graph of {len(drawing.graph)} nodes", b2a_base64(picture.encode(), newline=False).decode()
    image = f'<img alt="{alt}" style="max-width:100%" src="data:image/svg+xml;base64,{source}">'
    return {SVG: picture, HTML: image}


def kinds_shown(include: Kinds, exclude: Kinds) -> set[str]:
    """Return the kinds of media that are asked for and shown: IPython in a terminal shows only text."""
    shell = _shell()
    shown = {TEXT, SVG, HTML} if shell is None else {TEXT, SVG, HTML} & set(shell.display_formatter.active_types)
    return (shown & set(include) if include else shown) - set(exclude or ())


def only(bundle: Bundle, kinds: set[str]) -> Bundle:
    return {kind: content for kind, content in bundle.items() if kind in kinds}


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _is_small(value: Value) -> bool:
    """Return whether a Value's graph has at most MOST_NODES nodes, without looking at many more."""
    found, open_ends = {id(value)}, [value]
    while open_ends and len(found) <= MOST_NODES:
        new = [parent for parent in open_ends.pop().parents if id(parent) not in found]
        found.update(map(id, new))
        open_ends += new
    return len(found) <= MOST_NODES
