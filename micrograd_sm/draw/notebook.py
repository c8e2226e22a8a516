"""What a notebook shows of a Value and of a Drawing: the picture, and text where there is none.

Jupyter asks for it by `_repr_mimebundle_`, which `draw` joins onto Value: the engine knows nothing of its views.
"""

from __future__ import annotations

import sys
from binascii import b2a_base64, crc32
from collections.abc import Collection, Mapping
from typing import Any

from micrograd_sm.draw.drawing import Drawing, draw
from micrograd_sm.engine import Value

TEXT, SVG, HTML = "text/plain", "image/svg+xml", "text/html"
MOST_NODES = 60  # of a Value's graph that is drawn unasked: laying one out takes about a third of a second

Kinds = Collection[str] | None
Bundle = dict[str, str]


def value_bundle(value: Value, include: Kinds = None, exclude: Kinds = None) -> Bundle:
    """Return a Value as text and, where it has a graph of at most 60 nodes and a layout program is found, its picture.

    Names are those of the notebook's variables. `include` and `exclude` are kinds of media, as IPython has them. If data was
    set since the Value was computed, the text says why there is no picture.
    """
    kinds, bundle = kinds_shown(include, exclude), {TEXT: repr(value)}
    if value.parents and kinds - {TEXT} and _is_small(value):
        try:
            bundle |= picture(draw(value, _variables()), kinds)
        except RuntimeError as error:
            bundle[TEXT] += f"\nno picture: {error}"
    return only(bundle, kinds)


def drawing_bundle(drawing: Drawing, include: Kinds = None, exclude: Kinds = None) -> Bundle:
    """Return a Drawing as text and picture; where there is no layout program, the text says what to install."""
    kinds, bundle = kinds_shown(include, exclude), {TEXT: repr(drawing)}
    if kinds - {TEXT}:
        bundle |= picture(drawing, kinds, bundle[TEXT])
    return only(bundle, kinds)


def picture(drawing: Drawing, kinds: set[str], text: str | None = None) -> Bundle:
    """Return a picture as SVG and as an image in HTML, which untrusted notebooks show too; else `text` and what is missing."""
    try:  # the same picture has the same ids in every run, another has others
        picture = drawing.svg(f"mg{crc32(drawing.source.encode()):08x}-")
    except RuntimeError as error:
        return {TEXT: f"{text}\n{error}"} if text else {}
    return {SVG: picture, HTML: _image(picture, f"Computation graph of {len(drawing.graph)} nodes")}


def _image(picture: str, alt: str) -> str:
    source = b2a_base64(picture.encode(), newline=False).decode()
    return f'<img alt="{alt}" style="max-width:100%" src="data:image/svg+xml;base64,{source}">'


def kinds_shown(include: Kinds, exclude: Kinds) -> set[str]:
    """Return the kinds of media that are asked for and that somebody looks at: a terminal's IPython shows text alone."""
    shell = _shell()
    shown = {TEXT, SVG, HTML} if shell is None else {TEXT, SVG, HTML} & set(shell.display_formatter.active_types)
    return (shown & set(include) if include else shown) - set(exclude or ())


def only(bundle: Bundle, kinds: set[str]) -> Bundle:
    return {kind: content for kind, content in bundle.items() if kind in kinds}


def _variables() -> Mapping[str, Any]:
    """Return the notebook's variables; none where there is no notebook."""
    shell = _shell()
    return {} if shell is None else shell.user_ns


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _is_small(value: Value) -> bool:
    """Return whether a Value was computed from few enough others, without looking at many more."""
    found, open_ends = {id(value)}, [value]
    while open_ends and len(found) <= MOST_NODES:
        new = [parent for parent in open_ends.pop().parents if id(parent) not in found]
        found.update(map(id, new))
        open_ends += new
    return len(found) <= MOST_NODES
