"""The same bytes of DOT in every run, and as they were; UPDATE_GOLDEN=1 writes them anew."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from micrograd_sm.draw import draw, layout
from tests.pictures import GALLERY

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", GALLERY)
def test_golden(name):
    make, options = GALLERY[name]
    source = draw(make(), names={}, **options).source
    path = GOLDEN / f"{name}.dot"
    if "UPDATE_GOLDEN" in os.environ:
        path.write_bytes(source.encode())
    assert source.encode() == path.read_bytes()
    assert ET.fromstring(layout.render(source, "svg")) is not None


def test_every_golden_file_belongs_to_a_picture():
    assert {path.stem for path in GOLDEN.glob("*.dot")} == set(GALLERY)


PROGRAM = """
from micrograd_sm import Value, cross_entropy
from micrograd_sm.draw import draw
names = {"a": Value([[1.0, 2.0]]), "b": [Value(0.5)]}
loss = cross_entropy(names["a"] * names["b"][0], [1])
loss.backward()
print(draw(loss).source)
"""


def test_two_processes_give_the_same_bytes():
    first, second = (
        subprocess.run([sys.executable, "-c", PROGRAM], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert b"names['b'][0]" in first
