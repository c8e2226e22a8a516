"""Slides as files: SVG and PNG of one step, PDF with a page for each, GIF and MP4 as films."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from micrograd_sm.steps.slides.slide import FONT, HEIGHT, WIDTH, Slides

if TYPE_CHECKING:
    from micrograd_sm.steps.record import Steps

FORMATS = (".svg", ".png", ".pdf", ".gif", ".mp4")
_ONE = (".svg", ".png")  # formats with one step
_NEEDS = {".png": "resvg_py", ".pdf": "svglib", ".gif": "resvg_py", ".mp4": "imageio_ffmpeg"}


def save_slides(walk: Steps, path: str | Path, at: int | None = None, seconds: float = 2.0) -> Path:
    """Write the steps as slides in the format that the ending names, or only the step number `at`, counted from 1.

    A PDF has a page for each step, a GIF and an MP4 show each for some seconds; an SVG and a PNG have one step, by default
    the last. Raises ValueError for another ending, seconds that are not positive, or a PDF or film of one step, IndexError if
    there is no such step, FileNotFoundError if the folder does not exist, and RuntimeError, with what to install.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise ValueError(f"save: {str(path)!r} must end in .html, {', '.join(FORMATS)}")
    if at is not None and not 1 <= at <= len(walk):
        raise IndexError(f"save: there is no step {at}; they are numbered from 1 to {len(walk)}")
    if not seconds > 0:
        raise ValueError(f"save: seconds must be above 0, got {seconds}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save: the folder {str(path.parent)!r} of {path.name!r} does not exist")
    if ending in _NEEDS and find_spec(_NEEDS[ending]) is None:
        raise RuntimeError(f"save: {ending} needs more packages: pip install 'micrograd_sm[film]'")
    slides = Slides(walk)
    last = len(walk) - 1
    indices = [last if at is None else at - 1] if at is not None or ending in _ONE else list(range(len(walk)))
    _WRITERS[ending](path, slides, indices, seconds)
    return path


def _svg(path: Path, slides: Slides, indices: list[int], seconds: float) -> None:
    path.write_text(slides.svg(indices[0]), encoding="utf-8")


def _png(path: Path, slides: Slides, indices: list[int], seconds: float) -> None:
    path.write_bytes(_pixels(slides.svg(indices[0]), zoom=2))


def _pdf(path: Path, slides: Slides, indices: list[int], seconds: float) -> None:
    from reportlab.graphics import renderPDF  # noqa: PLC0415 - only for who wants slides
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415
    from svglib.svglib import svg2rlg  # noqa: PLC0415

    for name, file in _fonts().items():
        pdfmetrics.registerFont(TTFont(name, str(file)))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=f"{FONT}-Bold", italic=FONT, boldItalic=f"{FONT}-Bold")
    canvas = Canvas(str(path), pagesize=(WIDTH * 0.75, HEIGHT * 0.75))
    canvas.setTitle(f"Back-propagation of {slides.labels[slides.walk.graph.root]}")
    for index in _progress(indices, path.name):
        drawing = svg2rlg(io.BytesIO(slides.svg(index).encode()))
        renderPDF.draw(drawing, canvas, 0, 0)
        canvas.showPage()
    canvas.save()


def _gif(path: Path, slides: Slides, indices: list[int], seconds: float) -> None:
    from PIL import Image  # noqa: PLC0415 - only for who wants a film

    frames = [Image.open(io.BytesIO(_pixels(slides.svg(index)))).convert("RGB") for index in _progress(indices, path.name)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=int(1000 * seconds), loop=0, optimize=True)


def _mp4(path: Path, slides: Slides, indices: list[int], seconds: float) -> None:
    """Write a film with a track of captions, by the ffmpeg that imageio-ffmpeg has."""
    from imageio_ffmpeg import get_ffmpeg_exe  # noqa: PLC0415 - only for who wants a film

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, index in enumerate(_progress(indices, path.name)):
            (folder / f"{number:05}.png").write_bytes(_pixels(slides.svg(index)))
        times = (f"{_clock(k * seconds)} --> {_clock((k + 1) * seconds)}" for k in range(len(indices)))
        captions = (f"{k}\n{time}\n{slides.caption(i)}\n" for k, (time, i) in enumerate(zip(times, indices, strict=True), 1))
        (folder / "captions.srt").write_text("\n".join(captions), encoding="utf-8")
        frames = ["-framerate", f"1/{seconds}", "-i", str(folder / "%05d.png"), "-i", str(folder / "captions.srt")]
        coded = ["-c:v", "libx264", "-r", "10", "-pix_fmt", "yuv420p", "-c:s", "mov_text", "-metadata:s:s:0", "language=eng"]
        command = [get_ffmpeg_exe(), "-y", "-v", "error", *frames, *coded, str(path)]
        done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"save: ffmpeg failed: {done.stderr.decode(errors='replace').strip().splitlines()[-1]}")


def _clock(seconds: float) -> str:
    whole, thousandths = divmod(round(1000 * seconds), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{thousandths:03}"


def _pixels(svg: str, zoom: int = 1) -> bytes:
    import resvg_py  # noqa: PLC0415 - only for who wants pixels

    files = [str(file) for file in _fonts().values()]
    plain = svg.replace(f"{FONT}-Bold", "Bitstream Vera Sans").replace(f'"{FONT}"', '"Bitstream Vera Sans"')
    return bytes(resvg_py.svg_to_bytes(svg_string=plain, font_files=files, skip_system_fonts=True, zoom=zoom))


def _fonts() -> dict[str, Path]:
    """Return the files of the font, which reportlab has beside itself."""
    import reportlab  # noqa: PLC0415 - only for who wants slides

    folder = Path(reportlab.__file__).parent / "fonts"
    return {FONT: folder / "Vera.ttf", f"{FONT}-Bold": folder / "VeraBd.ttf"}


def _progress(indices: list[int], name: str) -> Iterator[int]:
    """Yield the indices; if stderr is a terminal and rich is there, with a progress bar."""
    if len(indices) > 1 and sys.stderr.isatty() and find_spec("rich"):
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import track  # noqa: PLC0415

        yield from track(indices, name, console=Console(stderr=True))
    else:
        yield from indices


_Writer = Callable[[Path, Slides, list[int], float], None]
_WRITERS: Mapping[str, _Writer] = {".svg": _svg, ".png": _png, ".pdf": _pdf, ".gif": _gif, ".mp4": _mp4}
