"""Landscapes drawn by matplotlib, on Figures of their own: no pyplot state is touched, and the bytes are always the same.

Colours are Okabe and Ito's, which the colour-blind tell apart, and every colour has its line style, which survives grey print.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import cycle
from math import isfinite
from typing import TYPE_CHECKING, Any

from micrograd_sm.study.landscapes.losses import CROSS_ENTROPY, Row
from micrograd_sm.study.landscapes.minimum import is_flat
from micrograd_sm.study.landscapes.panels import Curve, CurvePanel, FieldPanel, MapPanel

if TYPE_CHECKING:
    from micrograd_sm.study.landscapes.landscape import Landscape

try:
    import matplotlib
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke
    from matplotlib.ticker import MaxNLocator
    from matplotlib.tri import Triangulation
except ImportError:  # numbers need no matplotlib, and asking for the picture says what to install
    _INSTALLED = False
else:
    _INSTALLED = True

# Okabe and Ito 2008, https://jfly.uni-koeln.de/color; their yellow is too pale for a line on white.
_LINES: tuple[dict[str, Any], ...] = (
    {"color": "#0072B2", "linestyle": "-"},
    {"color": "#D55E00", "linestyle": "--"},
    {"color": "#009E73", "linestyle": "-."},
    {"color": "#000000", "linestyle": ":"},
    {"color": "#CC79A7", "linestyle": (0, (7, 2, 1, 2, 1, 2))},
    {"color": "#56B4E9", "linestyle": (0, (1, 1))},
)
_RC: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "figure.titlesize": 12.0,
    "lines.linewidth": 1.8,
    "svg.fonttype": "path",
    "svg.hashsalt": "micrograd_sm",
}
_GROUND = ("#ffffff", "#9ecae1")
_ARROW, _CONTOUR, _EDGE = "#A33C00", "#4b5563", "#111827"
_ROOM = 0.05  # between a label and the border, as a part of the panel
_MANY_ROWS, _MANY_COLUMNS = 30, 10  # beyond which a map has no room for numbers


def figure_of(landscape: Landscape) -> Figure:
    """Return the landscape as a Figure; RuntimeError without matplotlib."""
    with _our_style():
        return _figure(landscape)


def picture_of(landscape: Landscape, format: str) -> bytes:
    """Return the landscape as a file's bytes: `format` is svg or png; RuntimeError without matplotlib."""
    metadata = {"Title": landscape.title, "Date": None} if format == "svg" else {"Title": landscape.title, "Software": None}
    written = BytesIO()
    with _our_style():
        _figure(landscape).savefig(written, format=format, dpi=200, metadata=metadata)
    return written.getvalue()


@contextmanager
def _our_style() -> Iterator[None]:
    """Set matplotlib's defaults and ours, whatever the user's matplotlibrc and style are, and the user's again afterwards."""
    if not _INSTALLED:
        raise RuntimeError("landscapes: pictures need matplotlib; pip install 'micrograd_sm[plot]'")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def _figure(landscape: Landscape) -> Figure:
    draw = {"curves": _draw_curves, "logits": _draw_fields, "simplex": _draw_fields, "residuals": _draw_maps}
    figure = draw[landscape.kind](landscape)
    figure.suptitle(f"{landscape.title[:1].upper()}{landscape.title[1:]}")
    width = int(figure.get_figwidth() * 16.5)
    setting = "" if landscape.setting is None or str(landscape.setting) == "plain" else f" Setting: {landscape.setting}."
    figure.supxlabel(textwrap.fill(landscape.note + setting, width), fontsize=8, color="#374151")
    return figure


def _sized(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(h_pad=0.09, w_pad=0.06, hspace=0.06))
    FigureCanvasAgg(figure)
    return figure


def _draw_curves(landscape: Landscape) -> Figure:
    columns = len(landscape.panels)
    figure = _sized(max(7.2, 2.9 * columns), 6.2)
    same = landscape.setting is not None  # each column has the same losses, and so the same scale
    grid = figure.add_gridspec(3, columns, height_ratios=[6, 6, 1])
    axes = grid[:2, :].subgridspec(2, columns).subplots(squeeze=False, sharex="col", sharey="row" if same else False)
    for column, panel in enumerate(landscape.panels):
        assert isinstance(panel, CurvePanel)
        losses, gradients = axes[0][column], axes[1][column]
        for curve, style in zip(panel.curves, cycle(_LINES)):
            losses.plot(panel.x, curve.losses, label=curve.label, **style)
            gradients.plot(panel.x, curve.gradients, **style)
        for curve, style in zip(panel.curves, cycle(_LINES)):
            if curve.minimum is not None:
                for one, height in ((losses, curve.minimum[1]), (gradients, 0.0)):
                    one.plot(curve.minimum[0], height, "o", color=style["color"], markersize=5, zorder=5)
        losses.set_title(panel.title)
        gradients.set_xlabel(panel.x_label)
        unit = "nats" if panel.title == CROSS_ENTROPY else "cross-entropy in nats" if _mixed(panel.curves) else "no unit"
        if column == 0 or not same:
            losses.set_ylabel(f"loss ({unit})")
            gradients.set_ylabel("gradient (loss per nat of logit)")
        for one in (losses, gradients):
            one.grid(color="#d1d5db", linewidth=0.6)
            one.axhline(0.0, color="#6b7280", linewidth=0.8)
            one.margins(x=0.0)
    handles, labels = axes[0][0].get_legend_handles_labels()
    below = figure.add_subplot(grid[2, :])
    below.set_axis_off()
    below.legend(handles, labels, loc="center", ncols=2 if same else len(labels), handlelength=4.0, frameon=False)
    return figure


def _mixed(curves: tuple[Curve, ...]) -> bool:
    return any(curve.label == CROSS_ENTROPY for curve in curves)


def _draw_fields(landscape: Landscape) -> Figure:
    columns = landscape.columns
    rows = -(-len(landscape.panels) // columns)
    figure = _sized(max(6.4, 3.7 * columns), (3.4 if landscape.kind == "simplex" else 3.7) * rows + 0.8)
    axes = [one for row in figure.subplots(rows, columns, squeeze=False) for one in row]
    panels = [panel for panel in landscape.panels if isinstance(panel, FieldPanel)]
    longest = max((_length(panel.descent[place]) for panel in panels for place in panel.arrows), default=0.0)
    for panel, one in zip(panels, axes):
        _ground(panel, one, _depth_in_simplex if landscape.kind == "simplex" else _depth_in_square(panel))
        arrows = _arrows(panel, one, longest)
        one.set_aspect("equal")
        one.set_title(panel.title, pad=2 if landscape.kind == "simplex" else 6)
        if landscape.kind == "simplex":
            _simplex_axes(one)
        else:
            one.set_xlabel("logit of class 0 (nats)")
            one.set_ylabel("logit of class 1 (nats)")
        if arrows is not None and panel is panels[-1]:
            size = float(f"{longest / 2:.1g}")
            one.quiverkey(arrows, 0.97, 0.985, size, f"gradient of {size:g} per nat", coordinates="figure", labelpos="W")
    for one in axes[len(panels) :]:
        one.set_axis_off()
    return figure


def _depth_in_simplex(place: Row) -> float:
    x, y = place[0], place[1] / 0.75**0.5  # y is the probability of class 2
    return min(y, x - y / 2, 1 - x - y / 2)


def _depth_in_square(panel: FieldPanel) -> Callable[[Row], float]:
    low, high = min(x for x, _ in panel.positions), max(x for x, _ in panel.positions)
    return lambda place: min(min(x - low, high - x) for x in place) / (high - low)


def _length(arrow: Row) -> float:
    return (arrow[0] ** 2 + arrow[1] ** 2) ** 0.5


def _ground(panel: FieldPanel, axes: Any, depth: Callable[[Row], float]) -> None:
    """Fill the panel by its loss, in light colours on which arrows can be seen, and label the contours if there is room."""
    finite = [isfinite(loss) for loss in panel.losses]
    known = [loss for loss, is_finite in zip(panel.losses, finite) if is_finite]
    taken = _marked(panel, axes)
    if is_flat(known):
        _explain(panel, axes)
        return
    x, y = zip(*panel.positions)
    net = Triangulation(x, y)
    net.set_mask([not all(finite[corner] for corner in triangle) for triangle in net.triangles])
    heights = [loss if is_finite else min(known) for loss, is_finite in zip(panel.losses, finite)]
    levels = MaxNLocator(8).tick_values(min(known), max(known))
    axes.tricontourf(net, heights, levels=levels, cmap=LinearSegmentedColormap.from_list("ground", _GROUND))
    contours = axes.tricontour(net, heights, levels=levels, colors=_CONTOUR, linewidths=0.6, linestyles="solid")
    for level, path in zip(contours.levels, contours.get_paths()):
        place = _roomiest([tuple(vertex) for vertex in path.vertices], taken, depth, max(x) - min(x))
        if place is not None:
            taken.append(place)
            stroke = withStroke(linewidth=2.0, foreground="white")
            axes.text(*place, f"{level:g}", fontsize=7, ha="center", va="center", zorder=6, path_effects=[stroke])


def _marked(panel: FieldPanel, axes: Any) -> list[Row]:
    """Mark the minimum with a star, an open one if only a sample is known, and the given logits with a ring."""
    taken = []
    if panel.minimum is not None or panel.lowest is not None:
        exact = panel.minimum is not None
        taken.append(panel.minimum.position if panel.minimum else panel.positions[panel.lowest or 0])
        color = "#F0E442" if exact else "white"
        axes.plot(*taken[0], marker="*", markersize=13, color=color, markeredgecolor=_EDGE, zorder=5)
    if panel.here is not None:
        taken.append(panel.here)
        axes.plot(*panel.here, marker="o", markersize=10, color="none", markeredgecolor=_EDGE, markeredgewidth=1.6, zorder=5)
    return taken


def _explain(panel: FieldPanel, axes: Any) -> None:
    """Say in the middle of an empty panel why it is empty."""
    xs, ys = zip(*panel.positions)
    axes.set_xlim(min(xs), max(xs))
    axes.set_ylim(min(ys), max(ys))
    words = textwrap.fill(panel.why, 28)
    axes.text(0.5, 0.45, words, transform=axes.transAxes, ha="center", va="center", fontsize=9, color=_EDGE)


def _roomiest(places: list[Row], taken: list[Row], depth: Callable[[Row], float], width: float) -> Row | None:
    """Return the place that is farthest from the border and from what is taken; None where all are close."""
    rooms = [min([depth(place), *(_length((place[0] - x, place[1] - y)) / width / 2 for x, y in taken)]) for place in places]
    most = max(rooms, default=0.0)
    return places[rooms.index(most)] if most > _ROOM else None


def _arrows(panel: FieldPanel, axes: Any, longest: float) -> Any:
    """Draw minus the gradient at the panel's arrows, so that the longest of all panels reaches just beyond its neighbour."""
    starts = [panel.positions[place] for place in panel.arrows]
    steps = [panel.descent[place] for place in panel.arrows]
    if len(starts) < 2 or not longest:
        return None
    apart = min(_length((x - starts[0][0], y - starts[0][1])) for x, y in starts[1:])
    (x, y), (u, v) = zip(*starts), zip(*steps)
    scale = longest / (1.3 * apart)
    return axes.quiver(x, y, u, v, color=_ARROW, angles="xy", scale_units="xy", scale=scale, width=0.006, zorder=4)


def _simplex_axes(axes: Any) -> None:
    """Draw the triangle, with each class's probability along one side."""
    height = 0.75**0.5
    axes.plot([0, 1, 0.5, 0], [0, 0, height, 0], color=_EDGE, linewidth=1.0)
    axes.set_axis_off()
    axes.set_xlim(-0.14, 1.14)
    axes.set_ylim(-0.16, height + 0.1)
    corners = (
        (0.0, 0.0, "$p_0$ = 1", "right", "top"),
        (1.0, 0.0, "$p_1$ = 1", "left", "top"),
        (0.5, height, "$p_2$ = 1", "center", "bottom"),
    )
    for x, y, label, across, up in corners:
        axes.text(x, y + (0.015 if up == "bottom" else -0.015), label, ha=across, va=up)
    for part in (0.25, 0.5, 0.75):
        axes.text(part, -0.02, f"{part:g}", ha="center", va="top", fontsize=7)
        axes.text(1 - part / 2 + 0.02, part * height, f"{part:g}", ha="left", va="center", fontsize=7)
        axes.text((1 - part) / 2 - 0.02, (1 - part) * height, f"{part:g}", ha="right", va="center", fontsize=7)
    axes.text(0.5, -0.09, "probability $p_1$", ha="center", va="top", fontsize=8)
    axes.text(0.87, 0.46, "probability $p_2$", ha="center", va="center", rotation=-60, fontsize=8)
    axes.text(0.13, 0.46, "probability $p_0$", ha="center", va="center", rotation=60, fontsize=8)


def _draw_maps(landscape: Landscape) -> Figure:
    panels = [panel for panel in landscape.panels if isinstance(panel, MapPanel)]
    columns = landscape.columns
    rows = -(-len(panels) // columns)
    most = max(len(panel.rows) for panel in panels)
    wide = max(1.4, min(0.55 * len(panels[0].rows[0]), 5.0)) + 0.6
    figure = _sized(max(6.4, wide * columns + 1.2), max(3.8, min(0.27 * most + 0.9, 7.5) * rows + 1.3))
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = [one for row in grid for one in row]
    colors = _signed()
    for place, (panel, one) in enumerate(zip(panels, axes)):
        _map(panel, one, colors)
        title = f"{_broken(panel.title)}\nloss {panel.loss:.3f} {panel.unit}".rstrip()
        one.set_title(f"{title}\n{panel.why}" if panel.why else title)
        if place % columns == 0:
            one.set_ylabel("example (row of the batch)")
        if place // columns == rows - 1:
            one.set_xlabel("class")
    for one in axes[len(panels) :]:
        one.set_axis_off()
    beyond = any(abs(g) > 1.0 for panel in panels for row in panel.rows for g in row)
    what = "p \u2212 y" if str(landscape.setting) == "plain" else "gradient of the loss"
    label = f"{what} (nats per nat of logit)"
    figure.colorbar(colors, ax=axes, label=label, extend="both" if beyond else "neither", shrink=0.8)
    return figure


def _signed() -> ScalarMappable:
    """Return the colours from -1 to 1: violet to orange, which the colour-blind tell apart, without the darkest ends."""
    ends = [colormaps["PuOr_r"](0.1 + 0.8 * part / 32) for part in range(33)]
    return ScalarMappable(Normalize(-1.0, 1.0), LinearSegmentedColormap.from_list("signed", ends))


def _broken(title: str) -> str:
    return "\n".join(title.rsplit(", ", 1))


def _map(panel: MapPanel, axes: Any, colors: ScalarMappable) -> None:
    classes = range(len(panel.rows[0]))
    few = len(panel.rows) <= _MANY_ROWS
    axes.pcolormesh(panel.rows, cmap=colors.cmap, norm=colors.norm, edgecolors="white", linewidth=0.4 if few else 0.0)
    axes.invert_yaxis()
    counted = [(place, t) for place, t in enumerate(panel.target) if place not in panel.ignored]
    inset = 0.06 if few else 0.0
    frames = [Rectangle((t + inset, place + inset), 1.0 - 2 * inset, 1.0 - 2 * inset) for place, t in counted]
    axes.add_collection(PatchCollection(frames, facecolor="none", edgecolor=_EDGE, linewidth=1.2 if few else 0.4))
    for place in panel.ignored:
        axes.plot([0, len(classes)], [place + 0.5, place + 0.5], color=_EDGE, linewidth=0.8)
    axes.set_xticks([c + 0.5 for c in classes][:: 1 + len(classes) // 14], [*classes][:: 1 + len(classes) // 14])
    apart = next(n for n in (1, 2, 5, 10, 20, 50, 100, len(panel.rows)) if len(panel.rows) / n <= 25)
    axes.set_yticks([row + 0.5 for row in range(0, len(panel.rows), apart)], range(0, len(panel.rows), apart))
    axes.tick_params(length=0)
    if few and len(classes) <= _MANY_COLUMNS:
        _numbers(panel, axes, colors)


def _numbers(panel: MapPanel, axes: Any, colors: ScalarMappable) -> None:
    for place, row in enumerate(panel.rows):
        if place not in panel.ignored:
            for c, g in enumerate(row):
                red, green, blue, _ = colors.cmap((g + 1.0) / 2.0)
                color = "white" if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 < 0.18 else "black"
                axes.text(c + 0.5, place + 0.52, _signed_text(g), ha="center", va="center", fontsize=6.5, color=color)


def _signed_text(g: float) -> str:
    said = f"{g:+z.2f}"
    return "0.00" if said == "+0.00" else said.replace("-", "\u2212")
