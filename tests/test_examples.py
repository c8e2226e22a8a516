"""Each example runs, agrees with its expected figures, and would say so if it did not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
PROGRAMS = sorted(path.name for path in EXAMPLES.glob("[a-z]*.py"))


def run(path):
    return subprocess.run([sys.executable, path], check=False, capture_output=True, text=True, timeout=60)


def test_every_topic_has_its_example():
    assert PROGRAMS == [
        "cross_entropy_in_two_steps.py",
        "logits_and_log_odds.py",
        "nll_loss_by_hand.py",
        "nll_loss_wrong_input.py",
        "pipelines.py",
        "softmax_and_argmax.py",
        "softmax_of_a_tensor.py",
    ]


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_agrees(program):
    done = run(EXAMPLES / program)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Every figure agrees.\n")
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("program", "figure"),
    [
        ("cross_entropy_in_two_steps.py", "1.3743"),
        ("logits_and_log_odds.py", "1.3863)"),
        ("nll_loss_by_hand.py", "0.475)"),
        ("nll_loss_wrong_input.py", "-0.3123"),
        ("pipelines.py", "-0.3005"),
        ("softmax_and_argmax.py", "0.6782"),
        ("softmax_of_a_tensor.py", "[1.0] * 8"),
    ],
)
def test_a_changed_figure_makes_it_fail(tmp_path, program, figure):
    shutil.copy(EXAMPLES / "_check.py", tmp_path)
    source = (EXAMPLES / program).read_text(encoding="utf-8")
    assert figure in source
    (tmp_path / program).write_text(source.replace(figure, figure.replace("1", "2").replace("3", "5").replace("7", "9"), 1))
    done = run(tmp_path / program)
    assert done.returncode == 1
    assert "DIFFERS" in done.stdout
    assert done.stderr.startswith("differs: ")


def test_the_wrong_probabilities_of_the_notes_are_named_as_wrong():
    said = run(EXAMPLES / "softmax_and_argmax.py").stdout
    assert "[0.1848, 0.6782, 0.1369]" in said
    assert "[0.186, 0.689, 0.125] here are wrong" in said
