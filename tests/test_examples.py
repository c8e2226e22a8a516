"""Each example runs, agrees with its expected figures, and would say so if it did not."""

import re
import shutil
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
PROGRAMS = sorted(path.name for path in EXAMPLES.glob("[a-z]*.py"))


OTHER_DIGITS = str.maketrans("123456789", "234567891")
TRAINED = ("iris", "names")
STEPPED = {name.removeprefix("step_").removesuffix(".py"): name for name in PROGRAMS if name.startswith("step_")}


def run(path, *arguments):
    if Path(path).name.startswith("landscape_") and not find_spec("matplotlib"):
        pytest.skip("the pictures of landscapes need matplotlib: pip install 'micrograd_sm[plot]'")
    return subprocess.run([sys.executable, path, *arguments], check=False, capture_output=True, text=True, timeout=300)


def test_every_topic_has_its_example():
    assert PROGRAMS == [
        "backprop_by_hand.py",
        "bigrams.py",
        "cross_entropy_in_two_steps.py",
        "iris.py",
        "landscape_curves.py",
        "landscape_logits.py",
        "landscape_residuals.py",
        "landscape_simplex.py",
        "logits_and_log_odds.py",
        "mlp_batchnorm.py",
        "names.py",
        "nll_loss_by_hand.py",
        "nll_loss_wrong_input.py",
        "pipelines.py",
        "softmax_and_argmax.py",
        "softmax_of_a_tensor.py",
        "step_cross_entropy.py",
        "step_max_ties.py",
        "step_mlp.py",
        "step_neuron.py",
        "step_order.py",
        "step_softmax_nll.py",
        "transformer.py",
    ]


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_agrees(tmp_path, program):
    done = run(EXAMPLES / program, tmp_path / "output")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Every figure agrees.\n")
    folder = f"    {tmp_path.resolve() / 'output'}"
    lines = done.stdout.splitlines()
    assert max(len(line) for line in lines if line != folder) <= 80
    name = program.removeprefix("step_").removesuffix(".py")
    written = {path.name for path in tmp_path.glob("output/*")}
    pages = {f"{name}.html", f"{name}.svg"} if name in STEPPED else set()
    stem = program.removesuffix(".py")
    pictures = {f"{stem}.svg", f"{stem}_settings.svg"} if stem.startswith("landscape_") else set()
    if stem in TRAINED and find_spec("matplotlib"):
        pictures = {f"{stem}_loss.svg", f"{stem}_residuals.svg"}
    assert written == pages | pictures
    assert lines.count(folder) == len([line for line in lines if line.startswith("written: ")]) >= bool(written)
    said = {name for line in lines if line.startswith("written: ") for name in re.findall(r"[\w.]+\.(?:html|svg)", line)}
    assert said == written


def test_they_share_one_folder(tmp_path):
    for program in STEPPED.values():
        assert run(EXAMPLES / program, tmp_path).returncode == 0
    assert len(list(tmp_path.iterdir())) == 2 * len(STEPPED)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("cross_entropy", ["logits", "loss"]),
        ("max_ties", ["x", "top", "loss"]),
        ("mlp", ["points", "model.0.weight", "model.2.bias", "loss"]),
        ("neuron", ["x1", "w1", "x2", "w2", "b", "n", "o"]),
        ("order", ["a", "b", "c"]),
        ("softmax_nll", ["logits[3]", "counts[0]", "probs[3]", "total", "loss"]),
    ],
)
def test_page_and_picture_have_the_programs_own_names(tmp_path, name, names):
    run(EXAMPLES / STEPPED[name], tmp_path)
    page, picture = ((tmp_path / f"{name}.{ending}").read_text("utf-8") for ending in ("html", "svg"))
    ElementTree.fromstring(picture)
    for own in names:
        assert f">{own}<" in picture
        assert f'<th scope="row">{own}</th>' in page


@pytest.mark.parametrize(("name", "root"), [(name, {"neuron": "o", "order": "c"}.get(name, "loss")) for name in STEPPED])
def test_the_command_line_finds_its_value_and_calls_it_as_the_program_does(tmp_path, name, root):
    command = [sys.executable, "-m", "micrograd_sm", "step", EXAMPLES / STEPPED[name], "-o", tmp_path / "page.html"]
    subprocess.run([*command, "--", tmp_path], check=True, capture_output=True, timeout=60)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert f"<title>Back-propagation of {root}, step by step</title>" in page


def test_the_readme_lists_every_program_and_links_to_what_is_there():
    links = re.findall(r"\]\(([^)]+)\)", (EXAMPLES / "README.md").read_text("utf-8"))
    assert sorted(link for link in links if link.endswith(".py")) == PROGRAMS
    assert all((EXAMPLES / link).is_file() for link in links)


def test_each_program_to_step_through_has_its_screenshot():
    """docs/screenshots.py makes them, all of one size, so that they can stand side by side."""
    pictures = sorted((EXAMPLES.parent / "docs" / "screenshots").iterdir())
    assert [path.stem for path in pictures] == sorted([*STEPPED, "terminal"])
    heads = {path.read_bytes()[:24] for path in pictures}
    assert [struct.unpack(">8s8xII", head) for head in heads] == [(b"\x89PNG\r\n\x1a\n", 1040, 680)]
    assert max(path.stat().st_size for path in pictures) <= 130_000


def test_a_folder_of_output_is_no_part_of_the_project(tmp_path):
    for path in EXAMPLES.glob("*.py"):
        shutil.copy(path, tmp_path)
    run(tmp_path / STEPPED["order"])
    assert sorted(path.name for path in (tmp_path / "output").iterdir()) == ["order.html", "order.svg"]
    assert "/examples/output/" in (EXAMPLES.parent / ".gitignore").read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    ("program", "figure"),
    [
        ("backprop_by_hand.py", "3.4443"),
        ("bigrams.py", "2.1898"),
        ("cross_entropy_in_two_steps.py", "1.3743"),
        ("iris.py", "1.0986)"),
        ("landscape_curves.py", "-0.4444"),
        ("landscape_logits.py", "0.9817"),
        ("landscape_residuals.py", "0.1322"),
        ("landscape_simplex.py", "0.2833"),
        ("logits_and_log_odds.py", "1.3863)"),
        ("mlp_batchnorm.py", "2.3696"),
        ("names.py", "2.3416)"),
        ("nll_loss_by_hand.py", "0.475)"),
        ("nll_loss_wrong_input.py", "-0.3123"),
        ("pipelines.py", "-0.3005"),
        ("softmax_and_argmax.py", "0.6782"),
        ("softmax_of_a_tensor.py", "[1.0] * 8"),
        ("step_cross_entropy.py", "-0.1582"),
        ("step_max_ties.py", "5.0, 5.0])"),
        ("step_mlp.py", "1.3498"),
        ("step_neuron.py", "-1.5"),
        ("step_order.py", "4.0)"),
        ("step_softmax_nll.py", "0.8390245074"),
        ("transformer.py", "2.4727"),
    ],
)
def test_a_changed_figure_makes_it_fail(tmp_path, program, figure):
    for path in EXAMPLES.glob("_*.py"):
        shutil.copy(path, tmp_path)
    shutil.copytree(EXAMPLES / "data", tmp_path / "data")
    source = (EXAMPLES / program).read_text(encoding="utf-8")
    assert figure in source
    (tmp_path / program).write_text(source.replace(figure, figure.translate(OTHER_DIGITS), 1))
    done = run(tmp_path / program)
    assert done.returncode == 1
    assert "DIFFERS" in done.stdout
    assert done.stderr.startswith("differs: ")


def test_the_wrong_probabilities_of_the_notes_are_named_as_wrong():
    said = run(EXAMPLES / "softmax_and_argmax.py").stdout
    assert "[0.1848, 0.6782, 0.1369]" in said
    assert "[0.186, 0.689, 0.125] here are wrong" in said
