"""The colours of a picture by role, light and dark, and the style sheet that chooses between them.

Layout programs keep colours but not classes, so each role has a light colour of its own, by which `svg` finds the role of a
text or shape. The contrast of text to its ground is at least 4.5 to 1; tests compute it from pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

TEXT: Mapping[str, tuple[str, str]] = {
    "ink": ("#111827", "#f8fafc"),
    "value": ("#1f2937", "#e8edf4"),
    "grad": ("#9a3412", "#fdba74"),
    "quiet": ("#4b5563", "#c3cedb"),
    "pending": ("#4b5564", "#c3cedb"),
    "alarm": ("#b91c1c", "#fecaca"),
    "grad-alarm": ("#b91c1d", "#fecaca"),
    "note": ("#b3440c", "#fdbb74"),
}
FILL: Mapping[str, tuple[str, str]] = {
    "ground": ("#ffffff", "#0f172a"),
    "leaf": ("#e0ecff", "#1e2f5c"),
    "constant": ("#f3f4f6", "#27303f"),
    "strip": ("#e5e7eb", "#334155"),
    "result": ("#fde68a", "#5b4708"),
    "frame": ("#f8fafc", "#162033"),
    "frame-inner": ("#eef2f7", "#1d293d"),
    "heat-0": ("#f2e8f7", "#2b1a38"),
    "heat-1": ("#d4b3e3", "#4f2f68"),
    "heat-2": ("#b07cc9", "#7c4da1"),
    "heat-3": ("#8545a8", "#ab7fd0"),
    "heat-4": ("#551a7a", "#e0c8f5"),
    "grad-heat-0": ("#fdf0e3", "#33190a"),
    "grad-heat-1": ("#f7c89b", "#5e3113"),
    "grad-heat-2": ("#e0934d", "#935325"),
    "grad-heat-3": ("#b35c1e", "#d08b52"),
    "grad-heat-4": ("#6b2f0a", "#fbd3ae"),
}
LINE: Mapping[str, tuple[str, str]] = {
    "edge": ("#374151", "#cbd5e1"),
    "leaf": ("#1d4ed8", "#7aa5ff"),
    "faint": ("#6b7280", "#94a3b8"),
    "frame": ("#94a3b8", "#64748b"),
    "alarm": ("#b91c1c", "#f87171"),
    "note": ("#c2410c", "#fb923c"),
}
_CLASSES = {"pending": "grad pending", "grad-alarm": "grad alarm"}  # roles that need two classes
_LIGHT, _DARK = 0, 1
_DIGIT = 0.556  # the width of Helvetica's digits, of a letter's size: the layout measures it, and other fonts are scaled to it
# How a page, a notebook or a site marks its theme, on the picture or on an element around it.
_CHOSEN = (
    ("[data-theme=light]", "[data-jp-theme-light=true]", ".light"),
    ("[data-theme=dark]", "[data-jp-theme-light=false]", ".dark"),
)
_TEXT_ROLES, _FILL_ROLES, _LINE_ROLES = ({light: role for role, (light, _) in kind.items()} for kind in (TEXT, FILL, LINE))


def text(role: str) -> str:
    """Return the light colour of a text's role."""
    return TEXT[role][_LIGHT]


def fill(role: str) -> str:
    """Return the light colour of a ground's role."""
    return FILL[role][_LIGHT]


def line(role: str) -> str:
    """Return the light colour of a line's role."""
    return LINE[role][_LIGHT]


def text_class(color: str | None) -> str:
    """Return the classes of a text by its light colour, such as 'grad alarm'; 'ink' if no role has this colour."""
    role = _TEXT_ROLES.get(color or "", "ink")
    return _CLASSES.get(role, role)


def shape_class(filled: str | None, stroked: str | None) -> str:
    """Return the classes of a shape by the light colours of its fill and its line, such as 'fill-leaf line-leaf'."""
    roles = (("fill", _FILL_ROLES, filled), ("tip", _LINE_ROLES, filled), ("line", _LINE_ROLES, stroked))
    return " ".join(f"{kind}-{by_color[color]}" for kind, by_color, color in roles if color in by_color)


def style_sheet() -> str:
    """Return the style sheet of a picture: dark if the reader prefers it, unless an element around the picture chooses.

    It selects only pictures, and is the same for all of them, so that a page can hold several.
    """
    return "".join(
        [
            f".micrograd-sm{_variables(_LIGHT)}",
            f"@media screen and (prefers-color-scheme:dark){{.micrograd-sm{_variables(_DARK)}}}",
            f"{_within(_CHOSEN[_LIGHT])}{_variables(_LIGHT)}",
            f"@media screen{{{_within(_CHOSEN[_DARK])}{_variables(_DARK)}}}",
            f".micrograd-sm{{font-size-adjust:ch-width {_DIGIT}}}.micrograd-sm text{{white-space:pre}}",
            *(_rule(f".{role}", "fill", f"text-{role}") for role in TEXT if role not in _CLASSES),
            _rule(".grad.pending", "fill", "text-pending"),
            _rule(".grad.alarm", "fill", "text-grad-alarm"),
            *(_rule(f".fill-{role}", "fill", f"fill-{role}") for role in FILL),
            *(_rule(f".tip-{role}", "fill", f"line-{role}") for role in LINE),
            *(_rule(f".line-{role}", "stroke", f"line-{role}") for role in LINE),
        ]
    )


def _within(chosen: Iterable[str]) -> str:
    around = ",".join(chosen)
    return f":is({around}) .micrograd-sm,.micrograd-sm:is({around})"


def _variables(theme: int) -> str:
    kinds = (("text", TEXT), ("fill", FILL), ("line", LINE))
    colors = (f"--mg-{kind}-{role}:{both[theme]}" for kind, roles in kinds for role, both in roles.items())
    return "{" + ";".join(colors) + "}"


def _rule(selector: str, property: str, variable: str) -> str:
    return f".micrograd-sm {selector}{{{property}:var(--mg-{variable})}}"
