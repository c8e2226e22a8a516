"""What a training on real data shows: a bar in a terminal, nothing of it in a file, a chart of its losses."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
WITHOUT = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name in {names!r} else found(name, *more)
sys.path.insert(0, {examples!r})
import iris
iris.main()
"""


def program(*names):
    """Return the arguments that train on the irises where packages of the given names are missing."""
    return ["-c", WITHOUT.format(names=names, examples=str(EXAMPLES))]


@pytest.mark.parametrize(("missing", "bar"), [((), "150/150"), (("rich",), f"150/150 [{'#' * 30}] loss 0.063")])
def test_a_terminal_has_a_bar(tmp_path, missing, bar):
    pexpect, pyte = pytest.importorskip("pexpect"), pytest.importorskip("pyte")
    if not missing:
        pytest.importorskip("rich")
    screen = pyte.Screen(80, 100)
    child = pexpect.spawn(sys.executable, [*program(*missing), str(tmp_path)], dimensions=(100, 80), timeout=60)
    pyte.ByteStream(screen).feed(child.read())
    child.wait()
    assert child.exitstatus == 0
    lines = [line.rstrip() for line in screen.display]
    (shown,) = (line for line in lines if "150/150" in line)
    assert shown.strip().startswith(bar)
    assert shown.endswith("loss 0.063")
    assert "Every figure agrees." in lines


def test_a_file_has_no_bar_and_no_escapes(tmp_path):
    done = subprocess.run([sys.executable, *program(), tmp_path], check=True, capture_output=True, text=True, timeout=60)
    assert "150/150" not in done.stdout + done.stderr
    assert not {"\r", "\x1b"} & set(done.stdout)


def test_without_matplotlib_it_says_so_and_trains_all_the_same(tmp_path):
    arguments = [*program("matplotlib"), tmp_path]
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True, timeout=60)
    assert "pip install 'micrograd_sm[plot]'" in done.stdout
    assert done.stdout.endswith("Every figure agrees.\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("losses", [[1.0], [2.0, 2.0], [float(200 - k) for k in range(200)]])
def test_each_column_of_the_chart_has_one_star(monkeypatch, losses):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from _training import curve  # noqa: PLC0415

    lines = curve(losses).splitlines()
    columns = min(60, len(losses))
    stars = [[place for place, line in enumerate(lines) if line[10 + k : 11 + k] == "*"] for k in range(columns)]
    assert all(len(rows) == 1 for rows in stars)
    assert stars == sorted(stars)
    assert lines[-1].split() == ["steps", "1", "to", str(len(losses))]
