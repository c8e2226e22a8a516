"""Pictures of landscapes hold the landscape's own numbers, are labelled, legible, and the same bytes in every run."""

import os
import subprocess
import sys
from itertools import combinations
from xml.etree import ElementTree

import pytest

from micrograd_sm.study import PICTURES, Setting, loss_curves, residual_maps, training_maps

matplotlib = pytest.importorskip("matplotlib", reason="pictures need matplotlib: pip install 'micrograd_sm[plot]'")

from matplotlib.collections import QuadMesh  # noqa: E402 - after the skip
from matplotlib.colors import to_rgb  # noqa: E402
from matplotlib.quiver import Quiver  # noqa: E402
from matplotlib.text import Text  # noqa: E402

FIELDS = ["logits", "logits-settings", "simplex", "simplex-settings"]
CURVES = ["curves", "curves-settings"]
MAPS = ["residuals", "residuals-settings"]


@pytest.fixture(scope="module")
def drawn():
    """Return each picture's landscape and figure, drawn once."""
    landscapes = {name: make() for name, make in PICTURES.items()}
    figures = {name: landscape.figure() for name, landscape in landscapes.items()}
    for figure in figures.values():
        figure.canvas.draw()
    return {name: (landscapes[name], figures[name]) for name in PICTURES}


def of_kind(axes, kind):
    return [one for one in axes.get_children() if isinstance(one, kind)]


def titled(figure):
    return [axes for axes in figure.axes if axes.get_title()]


@pytest.mark.parametrize("name", CURVES)
def test_lines_are_the_curves(drawn, name):
    landscape, figure = drawn[name]
    count = len(landscape.panels)
    for column, panel in enumerate(landscape.panels):
        above, below = figure.axes[column], figure.axes[column + count]
        for place, curve in enumerate(panel.curves):
            assert tuple(above.lines[place].get_xdata()) == panel.x
            assert tuple(above.lines[place].get_ydata()) == curve.losses
            assert tuple(below.lines[place].get_ydata()) == curve.gradients
            assert above.lines[place].get_label() == curve.label


@pytest.mark.parametrize("name", FIELDS)
def test_arrows_are_minus_the_gradient_on_one_scale(drawn, name):
    landscape, figure = drawn[name]
    scales = set()
    for panel, axes in zip(landscape.panels, titled(figure), strict=True):
        (arrows,) = of_kind(axes, Quiver)
        assert list(map(tuple, arrows.XY.tolist())) == [panel.positions[place] for place in panel.arrows]
        assert list(zip(arrows.U.tolist(), arrows.V.tolist())) == [panel.descent[place] for place in panel.arrows]
        assert len(panel.arrows) >= 50
        scales.add(arrows.scale)
        stars = [tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == "*"]
        least = None if panel.lowest is None else panel.positions[panel.lowest]
        assert stars == ([] if panel.lowest is None else [panel.minimum.position if panel.minimum else least])
    assert len(scales) == 1


@pytest.mark.parametrize("name", MAPS)
def test_cells_are_the_residuals_and_numbers_can_be_read_on_them(drawn, name):
    landscape, figure = drawn[name]
    for panel, axes in zip(landscape.panels, titled(figure), strict=True):
        (cells,) = of_kind(axes, QuadMesh)
        assert tuple(map(tuple, cells.get_array().tolist())) == panel.rows
        numbers = {text.get_position(): text for text in axes.texts}
        for place, row in enumerate(panel.rows):
            for c, g in enumerate(row):
                text = numbers.get((c + 0.5, place + 0.52))
                assert (text is None) == (place in panel.ignored)
                if text is not None:
                    assert float(text.get_text().replace("\u2212", "-")) == pytest.approx(g, abs=0.0051)
                    assert contrast(cells.cmap(cells.norm(g))[:3], to_rgb(text.get_color())) >= 4.5


def contrast(one, other):
    """Return WCAG 2's contrast of two colours."""
    lights = sorted(sum(w * linear(x) for w, x in zip((0.2126, 0.7152, 0.0722), c)) for c in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def linear(x):
    return x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_cut_off_and_titles_do_not_overlap(drawn, name):
    figure = drawn[name][1]
    ticks = {text for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for text in axis.findobj(Text)}
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text not in ticks]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    boxes += [(f"the axes of {axes.get_title()}", axes.get_tightbbox()) for axes in figure.axes]  # with the ticks in view
    for what, box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, what
    heads = [axes.title for axes in titled(figure)] + [axes.xaxis.label for axes in figure.axes if axes.axison]
    heads += [figure._suptitle, figure._supxlabel]
    boxes = [(head.get_text(), head.get_window_extent()) for head in heads if head.get_text()]
    for (one, box), (other, beside) in combinations(boxes, 2):
        assert not box.overlaps(beside), (one, other)


@pytest.mark.parametrize("name", PICTURES)
def test_axes_are_labelled_with_units(drawn, name):
    landscape, figure = drawn[name]
    said = " ".join(text.get_text() for text in figure.findobj(Text))
    assert "nat" in said
    if landscape.kind == "simplex":
        assert all(f"probability $p_{c}$" in said for c in range(3))
    if landscape.kind == "logits":
        assert all("(nats)" in axes.get_xlabel() and "(nats)" in axes.get_ylabel() for axes in titled(figure))
    if landscape.kind == "curves":
        assert all("(nats)" in axes.get_xlabel() for axes in figure.axes if "gradient" in axes.get_ylabel())
        units = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel().startswith("loss")]
        assert units == (["loss (cross-entropy in nats)"] if name == "curves" else ["loss (nats)"] + ["loss (no unit)"] * 3)


def test_lines_differ_in_colour_and_in_style(drawn):
    for name in CURVES:
        landscape, figure = drawn[name]
        lines = figure.axes[0].lines[: len(landscape.panels[0].curves)]
        assert len({line.get_color() for line in lines}) == len(lines)
        assert len({str(line._unscaled_dash_pattern) for line in lines}) == len(lines)


def test_a_large_batch_has_no_numbers_and_fewer_ticks(tmp_path):
    classes, rows = 27, 150
    logits = [[((7 * row + 3 * c) % 11) / 3 for c in range(classes)] for row in range(rows)]
    landscape = residual_maps([logits], [row % classes for row in range(rows)])
    axes = landscape.figure().axes[0]
    assert not axes.texts
    assert len(axes.get_xticks()) <= 20
    assert len(axes.get_yticks()) <= 30
    landscape.save(tmp_path / "large.png")


@pytest.mark.parametrize("format", ["svg", "png"])
def test_the_same_bytes_whatever_the_users_style(tmp_path, format):
    before = loss_curves().save(tmp_path / f"a.{format}").read_bytes()
    with matplotlib.rc_context({"font.size": 20.0, "axes.facecolor": "black", "svg.hashsalt": None, "axes.grid": True}):
        mine = dict(matplotlib.rcParams)
        assert loss_curves().save(tmp_path / f"b.{format}").read_bytes() == before
        assert dict(matplotlib.rcParams) == mine
    assert b"dc:date" not in before


def test_the_same_bytes_in_another_process_without_pyplot(tmp_path):
    program = (
        "import sys; from micrograd_sm.study import simplex_field; "
        f"simplex_field().save({str(tmp_path / 'there.svg')!r}); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": "7"}, check=True, capture_output=True, text=True
    )
    assert done.stdout == "False\n"
    here = PICTURES["simplex"]().save(tmp_path / "here.svg")
    assert (tmp_path / "there.svg").read_bytes() == here.read_bytes()
    ElementTree.parse(here)


def test_the_setting_is_said(drawn):
    said = loss_curves(Setting((0, 1), temperature=2.0)).figure()._supxlabel.get_text()
    assert "Setting: temperature 2." in said.replace("\n", " ")
    assert "Setting" not in drawn["curves"][1]._supxlabel.get_text()


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.svg or \.png"):
        training_maps().save(tmp_path / "a.pdf")
    with pytest.raises(FileNotFoundError, match="the folder"):
        training_maps().save(tmp_path / "none" / "a.svg")


def test_without_matplotlib_the_numbers_are_there_and_the_way_out_is_said():
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from micrograd_sm.study import loss_curves\n"
        "print(len(loss_curves().panels))\n"
        "try: loss_curves().save('a.svg')\n"
        "except RuntimeError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "2\nlandscapes: pictures need matplotlib; pip install 'micrograd_sm[plot]'\n"


def test_a_notebook_shows_the_picture():
    assert loss_curves()._repr_svg_().lstrip().startswith("<?xml") and "</svg>" in loss_curves()._repr_svg_()
