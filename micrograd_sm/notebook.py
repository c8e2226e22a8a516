"""What a notebook shows: a Value with its graph, a Drawing, and Steps as a page to walk through, each with its text.

Jupyter asks for these by `_repr_mimebundle_`, which this room joins onto Value and Drawing; Steps, which load later, call it.
"""

from __future__ import annotations

import sys
from binascii import b2a_base64, crc32
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from micrograd_sm.draw import Drawing, draw
from micrograd_sm.engine import Value

if TYPE_CHECKING:
    from micrograd_sm.steps import Steps

TEXT, SVG, HTML = "text/plain", "image/svg+xml", "text/html"
MOST_NODES = 60  # of a Value's graph that is drawn unasked: laying one out takes about a third of a second
_ASKED_FOR = "_repr_mimebundle_"
_HEIGHT = 760  # pixels of a stepper: the picture, the formula and the controls

Kinds = Collection[str] | None
Bundle = dict[str, str]


def value_bundle(value: Value, include: Kinds = None, exclude: Kinds = None) -> Bundle:
    """Return a Value as text and, where it has a graph of at most 60 nodes and a layout program is found, its picture.

    Names are those of the notebook's variables. `include` and `exclude` are kinds of media, as IPython has them.

    >>> value_bundle(Value(2.0))
    {'text/plain': 'Value(2.)'}
    >>> list(value_bundle(Value(2.0).exp()))
    ['text/plain', 'image/svg+xml', 'text/html']
    """
    kinds, bundle = _kinds(include, exclude), {TEXT: repr(value)}
    if value.parents and kinds - {TEXT} and _is_small(value):
        bundle |= _picture(draw(value, _variables()), kinds)
    return _only(bundle, kinds)


def drawing_bundle(drawing: Drawing, include: Kinds = None, exclude: Kinds = None) -> Bundle:
    """Return a Drawing as text and picture; where there is no layout program, the text says what to install.

    >>> list(drawing_bundle(draw(Value(2.0).exp()), exclude=["text/html"]))
    ['text/plain', 'image/svg+xml']
    """
    kinds, bundle = _kinds(include, exclude), {TEXT: repr(drawing)}
    if kinds - {TEXT}:
        bundle |= _picture(drawing, kinds, bundle[TEXT])
    return _only(bundle, kinds)


def steps_bundle(walk: Steps, include: Kinds = None, exclude: Kinds = None) -> Bundle:
    """Return Steps as text, as a picture, and as the page to walk through in a sandboxed frame.

    >>> from micrograd_sm import steps
    >>> list(steps_bundle(steps(Value(2.0).exp()), include=["text/plain", "text/html"]))
    ['text/plain', 'text/html']
    """
    kinds, bundle = _kinds(include, exclude), {TEXT: repr(walk)}
    if kinds - {TEXT}:
        bundle |= _picture(draw(walk.graph), kinds | {HTML}, bundle[TEXT])
    if HTML in bundle and HTML in kinds:
        bundle[HTML] = _stepper(walk, bundle[HTML])
    return _only(bundle, kinds)


def _picture(drawing: Drawing, kinds: set[str], text: str | None = None) -> Bundle:
    """Return a picture as SVG and as an image in HTML, which untrusted notebooks show too; else `text` and what is missing."""
    prefix = f"mg{crc32(drawing.source.encode()):08x}-"  # the same picture has the same ids in every run, another has others
    try:
        picture = drawing.svg(prefix)
    except RuntimeError as error:
        return {TEXT: f"{text}\n{error}"} if text else {}
    return {SVG: picture, HTML: _image(picture, f"Computation graph of {len(drawing.graph)} nodes")}


def _image(picture: str, alt: str) -> str:
    source = b2a_base64(picture.encode(), newline=False).decode()
    return f'<img alt="{alt}" style="max-width:100%" src="data:image/svg+xml;base64,{source}">'


def _stepper(walk: Steps, image: str) -> str:
    """Return the page in a frame of its own, and the picture for where frames are taken out: in untrusted notebooks."""
    from html import escape  # noqa: PLC0415 - only for who looks at a page, as the page itself

    from micrograd_sm.steps.page import page_html  # noqa: PLC0415

    title = f"Back-propagation, step by step: {len(walk)} steps over {len(walk.graph)} nodes"
    style = f"display:block;box-sizing:border-box;width:100%;height:{_HEIGHT}px;border:1px solid #8888"
    # A sanitizer that takes out the frame takes out the style sheet as well; if it left it, there would be nothing to hide.
    return (
        '<div class="micrograd-sm-stepper"><style>.micrograd-sm-stepper iframe+img{display:none}</style>'
        f'<iframe sandbox="allow-scripts" title="{title}" style="{style}" srcdoc="{escape(page_html(walk))}"></iframe>'
        f"{image}</div>"
    )


def _kinds(include: Kinds, exclude: Kinds) -> set[str]:
    """Return the kinds of media that are asked for and that somebody looks at: a terminal's IPython shows text alone."""
    shell = _shell()
    shown = {TEXT, SVG, HTML} if shell is None else {TEXT, SVG, HTML} & set(shell.display_formatter.active_types)
    return (shown & set(include) if include else shown) - set(exclude or ())


def _only(bundle: Bundle, kinds: set[str]) -> Bundle:
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


for _class, _bundle in {Value: value_bundle, Drawing: drawing_bundle}.items():
    setattr(_class, _ASKED_FOR, _bundle)
