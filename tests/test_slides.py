"""Slides, films and single steps: the files are what they say, and text is text."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from micrograd_sm import Value, cross_entropy, steps
from micrograd_sm.cli.main import main
from micrograd_sm.steps import Steps

for needed in ("graphviz", "reportlab", "svglib", "resvg_py", "PIL", "imageio_ffmpeg", "pypdfium2"):
    pytest.importorskip(needed)


def neuron() -> Steps:
    a, b, c = Value(2.0, name="a"), Value(-3.0, name="b"), Value(7.0, name="c")
    return steps((a * b + c).tanh(), names={})


def long() -> Steps:
    logits = Value([[1.0, 2.0, 0.1], [0.3, 0.7, 0.2]], name="logits")
    return steps(cross_entropy(logits, [2, 0]), names={})


def pages(path: Path) -> list[tuple[tuple[float, float], str]]:
    import pypdfium2  # noqa: PLC0415 - not everywhere installed

    document = pypdfium2.PdfDocument(path)
    found = []
    for page in document:
        text = page.get_textpage()
        found.append((page.get_size(), text.get_text_range()))
        text.close()
        page.close()
    document.close()
    return found


@pytest.mark.parametrize("walk", [neuron, long])
def test_a_pdf_has_a_slide_for_each_step_with_text_as_text(walk: Any, tmp_path: Path) -> None:
    recorded = walk()
    found = pages(recorded.save(tmp_path / "walk.pdf"))
    assert len(found) == len(recorded)
    for step, (size, text) in zip(recorded, found, strict=True):
        assert size[0] / size[1] == pytest.approx(16 / 9)
        plain = " ".join(text.split())
        assert step.names[step.node.id] in plain and f"step {step.index + 1} of {len(recorded)}" in plain
        for sentence in step.why.split(". "):
            assert sentence.rstrip(".") in plain
        for rule in step.rules:
            assert rule.symbols in plain


def test_a_slide_shows_what_is_known_at_its_step(tmp_path: Path) -> None:
    walk = neuron()
    first, last = (walk.save(tmp_path / f"{at}.svg", at=at).read_text("utf-8") for at in (1, len(walk)))
    texts = lambda svg: [element.text for element in ET.fromstring(svg).iter() if element.tag.endswith("text")]
    assert texts(first).count("·") > 5 and "-6.0" in texts(first) and "0.7616" not in texts(first)
    assert "·" not in texts(last) and "-1.260" in texts(last)
    root = ET.fromstring(first)
    assert root.get("viewBox") == "0 0 1280 720"
    framed = [element for element in root.iter() if element.get("rx") == "8"]
    assert len(framed) == 3  # the node and its two operands
    assert walk[0].save(tmp_path / "again.svg").read_text("utf-8") == first


def texts_of(svg: str) -> list[ET.Element]:
    return [element for element in ET.fromstring(svg).iter() if element.tag.endswith("text")]


def test_a_small_graph_is_shown_whole_with_numbers_of_8_points(tmp_path: Path) -> None:
    x, y = Value(4.0, name="x"), Value(3.0, name="y")
    for walk in (neuron(), steps((x * y).sqrt() + 1.0, names={}), steps(x.tanh().exp().log().tanh(), names={})):
        svg = walk.save(tmp_path / "step.svg").read_text("utf-8")
        assert "a part of the picture" not in [text.text for text in texts_of(svg)]
        scale = float(re.findall(r"scale\(([\d.]+)\)", svg)[0])
        sizes = [float(text.get("font-size", "")) for text in texts_of(svg) if "grad" in str(text.get("class")).split()]
        assert sizes and min(sizes) * scale * 0.75 >= 8.0


@pytest.mark.parametrize(("rankdir", "axis"), [("TB", "y"), ("LR", "x")])
def test_the_direction_of_a_slide_is_the_one_that_was_asked_for(rankdir: str, axis: str, tmp_path: Path) -> None:
    svg = steps(Value(0.5).exp(), names={}, rankdir=rankdir).save(tmp_path / "step.svg").read_text("utf-8")
    operand, node = (element for element in ET.fromstring(svg).iter() if element.get("rx") == "8")
    apart = {each: abs(float(operand.get(each, "")) - float(node.get(each, ""))) for each in "xy"}
    assert max(apart, key=lambda each: apart[each]) == axis


def test_a_large_graph_is_shown_around_the_step(tmp_path: Path) -> None:
    svg = long().save(tmp_path / "step.svg", at=12).read_text("utf-8")
    assert "a part of the picture" in [text.text for text in texts_of(svg)]
    assert re.findall(r"scale\(([\d.]+)\)", svg)[0] == "1.27"


def test_pictures_and_films(tmp_path: Path) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    walk = neuron()
    with Image.open(walk.save(tmp_path / "step.png", at=3)) as picture:
        assert picture.size == (2560, 1440) and len(picture.convert("RGB").getcolors(1 << 24)) > 100
    with Image.open(walk.save(tmp_path / "walk.gif", seconds=0.5)) as film:
        assert film.n_frames == len(walk) and film.info["duration"] == 500  # type: ignore[attr-defined]
    path = walk.save(tmp_path / "walk.mp4", seconds=1.0)
    probed = subprocess.run([get_ffmpeg_exe(), "-i", str(path)], capture_output=True, check=False).stderr.decode()
    assert "Video: h264" in probed and "1280x720" in probed and "Subtitle: mov_text" in probed
    assert "Duration: 00:00:07" in probed
    captions = subprocess.run(
        [get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:s", "-f", "srt", "-"], capture_output=True, check=True
    ).stdout.decode()
    assert "local: d tanh(u)/du = 1 - tanh(u)^2" in captions


def test_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = neuron()
    for path, options, error, said in [
        ("walk.docx", {}, ValueError, r"must end in \.html, \.svg"),
        ("walk.svg", {"at": 8}, IndexError, "there is no step 8; they are numbered from 1 to 7"),
        ("walk.svg", {"at": 0}, IndexError, "no step 0"),
        ("walk.gif", {"seconds": 0}, ValueError, "seconds must be above 0"),
        ("nowhere/walk.pdf", {}, FileNotFoundError, "the folder"),
    ]:
        with pytest.raises(error, match=said):
            walk.save(tmp_path / path, **options)
    with pytest.raises(ValueError, match=r"one step is a picture, so '.*step\.mp4' must end"):
        walk[0].save(tmp_path / "step.mp4")
    monkeypatch.setattr(import_module("micrograd_sm.steps.slides.files"), "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=r"pip install 'micrograd_sm\[film\]'"):
        walk.save(tmp_path / "walk.pdf")
    assert list(tmp_path.iterdir()) == []


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["step", "a = 2.0; (a * 3.0).tanh()", "-o", "walk.pdf"]) == 0
    assert len(pages(Path("walk.pdf"))) == 5
    assert main(["step", "a = 2.0; (a * 3.0).tanh()", "-o", "step.svg", "--at", "2"]) == 0
    assert "step 2 of 5" in Path("step.svg").read_text("utf-8")
    assert main(["step", "a = 2.0; (a * 3.0).tanh()", "-o", "walk.gif", "--seconds", "0.2"]) == 0
    assert main(["step", "a = 2.0; (a * 3.0).tanh()", "-o", "step.png", "--at", "9"]) == 1
    assert "there is no step 9" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["step", "a = 2.0; a.exp()", "-o", "walk.docx"])
