"""`step`, `draw` and `study` on programs that train: which backward pass they show, with the numbers that it used."""

from __future__ import annotations

import gc
import json
import re
from pathlib import Path
from weakref import ref

import pytest

from micrograd_sm import Value, backward
from micrograd_sm.cli import main
from micrograd_sm.cli.passes import Passes
from micrograd_sm.cli.script import run_script
from micrograd_sm.cli.study_runs import RUNS

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("step_*.py"))
TRAINED = [path for path in EXAMPLES if path.stem == "step_mlp"] + [EXAMPLES[0].parent / "iris.py"]

HEAD = "from micrograd_sm import Value, mse_loss, nn, no_grad, optim\n"
LOOP = f"""{HEAD}
w = Value(8.0)
for _ in range(20):
    loss = w * w
    w.grad = None
    loss.backward()
    w.data = w.data / 2.0
"""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def script(body: str, name: str = "train.py") -> str:
    Path(name).write_text(body if body.startswith(HEAD) else HEAD + body, encoding="utf-8")
    return name


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    assert main([*arguments]) == 0
    return capsys.readouterr()


def gradient(capsys: pytest.CaptureFixture[str], path: str, *options: str) -> str:
    """Return the last line of `study explain`, `dloss/dw = 12`, with the pass that it is from."""
    said, complaint = shown(capsys, "study", "explain", path, "w", *options)
    found = re.match(r"micrograd-sm: backward (pass \d+ of \d+) of '\w+'; --pass takes another\n", complaint)
    return said.splitlines()[-1].rpartition(" = ")[2] + (f", {found[1]}" if found else complaint)


def drawn() -> set[str]:
    """Return the numbers in the picture that `draw` wrote."""
    return set(re.findall(r">(-?\d+\.\d+)<", Path("x.dot").read_text("utf-8")))


# A training loop ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "w", "number"),
    [
        ([], 8.0 / 2**19, 20),
        (["--pass", "-1"], 8.0 / 2**19, 20),
        (["--pass", "1"], 8.0, 1),
        (["--pass", "3"], 2.0, 3),
        (["--pass", "20"], 8.0 / 2**19, 20),
        (["--pass", "-20"], 8.0, 1),
        (["--pass", "-18"], 2.0, 3),
    ],
)
def test_each_pass_can_be_looked_at_with_its_own_numbers(
    capsys: pytest.CaptureFixture[str], options: list[str], w: float, number: int
) -> None:
    path = script(LOOP)
    said, complaint = shown(capsys, "study", "grad", path, "--json", *options)
    found = json.loads(said)
    assert (found["value"], found["blocks"][0]["data"]) == (w * w, 2 * w)
    assert complaint == f"micrograd-sm: backward pass {number} of 20 of 'loss'; --pass takes another\n"
    said, complaint = shown(capsys, "step", path, *options)
    assert "from nothing to" in said and "train.py:5: loss = w * w" in said
    assert complaint == f"micrograd-sm: backward pass {number} of 20 of 'loss'; --pass takes another\n"
    said, complaint = shown(capsys, "draw", path, "-o", "x.dot", *options)
    assert said.splitlines()[0].endswith(f", with the gradients of backward pass {number} of 20")
    assert (complaint, said.startswith("loss ")) == ("", True)
    if w > 1.0:
        assert drawn() == {str(w), str(w * w), str(2 * w), "1.0"}


@pytest.mark.parametrize("command", [["step"], ["draw", "-o", "x.dot"], ["study", "lint"]])
@pytest.mark.parametrize("number", ["21", "-21", "1000"])
def test_a_pass_that_was_not_run(capsys: pytest.CaptureFixture[str], command: list[str], number: str) -> None:
    assert main([*command, script(LOOP), "--pass", number]) == 1
    complaint = capsys.readouterr().err
    assert complaint == "micrograd-sm: train.py ran 20 backward passes of 'loss'; --pass takes 1 to 20 or -20 to -1\n"


@pytest.mark.parametrize("command", [["step"], ["draw", "-o", "x.dot"], ["study", "lint"]])
def test_wrong_use_of_pass(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert main([*command, "x = 2.0; x * x", "--pass", "1"]) == 1
    assert "--pass says which backward pass of a script to look at; an expression runs none" in capsys.readouterr().err
    for number in ("0", "-0", "one", "1.5"):
        with pytest.raises(SystemExit) as ended:
            main([*command, script(LOOP), "--pass", number])
        assert ended.value.code == 2
        assert "must count from 1, the first, or from -1, the last" in capsys.readouterr().err


def test_one_pass_is_the_one_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("w = Value(3.0)\nloss = w * w\nloss.backward()\nw.data = 1.0\n")
    said, complaint = shown(capsys, "step", path)
    assert "loss = w * w = 3 * 3 = 9" in said and "held" not in said
    assert complaint == ""
    assert main(["step", path, "--pass", "2"]) == 1
    assert "ran 1 backward pass of 'loss'; --pass takes 1 to 1 or -1 to -1" in capsys.readouterr().err


STUDIES = [name for name in RUNS if name not in ("landscape", "compare", "mine")]  # mine looks at other variables, too


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_takes_the_last_pass(capsys: pytest.CaptureFixture[str], study: str) -> None:
    """What they say of a pass is what they say of the same expression."""
    if study == "torch":
        pytest.importorskip("torch")
    path = script("w = Value(3.0)\nloss = w * w\nloss.backward()\nw.data = 1.0\n")
    for options in ([], ["--json"]):
        said, _ = shown(capsys, "study", study, path, *options)
        same, _ = shown(capsys, "study", study, "w = 3.0; loss = w * w; loss", *options)
        assert without_lines(said) == without_lines(same)


def without_lines(text: str) -> str:
    """Return what is said, without the lines of the script: in JSON, and as comments of a program."""
    return re.sub(r'"train.py:\d+: [^"]*"', "null", re.sub(r"# train.py:\d+: .*?(\n|\\n)", "", text))


def test_passes_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    path = script(LOOP)
    said, complaint = shown(capsys, "study", "compare", path, path, "--pass", "1", "--other-pass", "2")
    assert "values differ by at most 48, gradients by at most 8" in said
    assert complaint.count("backward pass") == 2
    said, _ = shown(capsys, "study", "compare", path, path, "--pass", "2")
    assert "values differ by at most 0" in said
    said, _ = shown(capsys, "study", "compare", path, "w = 8.0; w * w", "--pass", "1")
    assert "values differ by at most 0" in said
    said, complaint = shown(capsys, "study", "digits", path, path, "w = 8.0; w * w", "--pass", "1")
    assert said.count("|") > 0 and complaint.count("pass 1 of 20") == 2


# Which passes belong to a name --------------------------------------------------------------------------------------


def test_a_loss_in_a_function_has_the_names_of_its_variables(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("""
def train(model, optimizer):
    for step in range(3):
        hidden = model(Value([[1.0, 2.0]], requires_grad=False))
        loss = mse_loss(hidden, [[float(step)]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

def main():
    network = nn.Linear(2, 1)
    train(network, optim.SGD(network.parameters(), lr=0.1))

main()
""")
    said, complaint = shown(capsys, "step", path, "--fold", "0", "--pass", "2")
    assert "loss = mse_loss(hidden) = mse_loss(" in said and "model.weight" in said
    assert "backward pass 2 of 3 of 'loss'" in complaint
    assert main(["study", "lint", path, "--parameters", "model"]) == 0
    assert main(["study", "lint", path, "--parameters", "network"]) == 0


def test_a_loss_that_a_function_returns(capsys: pytest.CaptureFixture[str]) -> None:
    """At the time of its pass the variable does not hold it yet."""
    path = script("""
w = Value(8.0)
def step():
    out = w * w
    out.backward()
    w.data = w.data / 2.0
    return out
for _ in range(20):
    loss = step()
""")
    assert gradient(capsys, path, "--pass", "1") == "16, pass 1 of 20"
    assert gradient(capsys, path, "--pass", "-2") == f"{16.0 / 2**18:.4g}".replace("e-0", "e-") + ", pass 19 of 20"
    assert gradient(capsys, path) == f"{16.0 / 2**19:.4g}".replace("e-0", "e-") + ", pass 20 of 20"
    assert gradient(capsys, path, "--name", "out", "--pass", "3") == "4, pass 3 of 20"


def test_two_losses_that_alternate(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("""
w, fake = Value(3.0), Value(2.0)
for step in range(4):
    d_loss = (w - fake.detach()) ** 2
    d_loss.backward()
    w.data = w.data + 1.0
    w.grad = None
    g_loss = w * fake * fake
    g_loss.backward()
    fake.data = fake.data - 0.5
    w.grad = fake.grad = None
""")
    assert gradient(capsys, path, "--name", "d_loss") == "11, pass 4 of 4"
    assert gradient(capsys, path, "--name", "d_loss", "--pass", "2") == "5, pass 2 of 4"
    assert gradient(capsys, path, "--name", "g_loss") == "0.25, pass 4 of 4"
    assert gradient(capsys, path, "--name", "g_loss", "--pass", "1") == "4, pass 1 of 4"
    said, complaint = shown(capsys, "study", "explain", path, "w")
    assert said.splitlines()[-1].startswith("dg_loss/dw = ") and said.endswith(" = 0.25\n")
    which = (
        "'g_loss' (train.py:9: g_loss = w * fake * fake), the root of backward pass 8 of 8; --name and --pass choose another"
    )
    assert complaint == f"micrograd-sm: there is no 'loss'; this is {which}\n"
    assert main(["study", "explain", path, "w", "--name", "loss"]) == 1
    assert "train.py has no variable 'loss'; its Values are w, fake, d_loss, g_loss" in capsys.readouterr().err


def test_accumulated_gradients_are_kept_apart(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("""
w = Value(1.0)
for x in (2.0, 3.0, 4.0):
    loss = w * x
    loss.backward()
w.data = w.data - 0.1 * w.grad
""")
    said, complaint = shown(capsys, "step", path)
    assert "dloss/dw += dloss/dloss * d(u * v)/du = 1 * 4 = 4, from nothing to 4" in said
    assert "w.grad held 5 from before; this pass was added to it" in said
    assert "gradients of earlier backward passes are kept apart" in complaint and "pass 3 of 3" in complaint
    said, complaint = shown(capsys, "step", path, "--pass", "1")
    assert "held" not in said and "kept apart" not in complaint
    shown(capsys, "draw", path, "-o", "x.dot")
    assert drawn() == {"1.0", "4.0"}


def test_passes_from_one_graph_count_each(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("w = Value(3.0)\nloss = w * w\nloss.backward()\nloss.backward()\nw.data = 0.0\n")
    assert gradient(capsys, path, "--pass", "1") == "6, pass 1 of 2"
    assert gradient(capsys, path) == "6, pass 2 of 2"


def test_a_seed_of_the_scripts_own(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("w = Value([1.0, 2.0])\nloss = w * w\nloss.backward(gradient=[1.0, 10.0])\nw.data = [0.0, 0.0]\n")
    said, _ = shown(capsys, "step", path)
    assert "dloss/dloss = [1, 10]" in said and "to [2, 40]" in said
    said, _ = shown(capsys, "draw", path, "-o", "x.dot")
    assert said.startswith("loss of shape (2,), with the gradients of backward pass 1 of 1\n")
    assert "40" in Path("x.dot").read_text("utf-8") and "[0" not in Path("x.dot").read_text("utf-8")


def test_a_pass_that_made_a_graph(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("""
w = Value(2.0)
loss = w ** 3
loss.backward(create_graph=True)
slope, w.grad = w.grad, None
penalty = slope * slope
penalty.backward()
w.data = 0.0
""")
    assert gradient(capsys, path) == "12"
    assert gradient(capsys, path, "--name", "penalty") == "288"
    assert gradient(capsys, path, "--name", "slope").startswith("12micrograd-sm: 'slope' as it was in")  # penalty's pass


def test_data_that_needs_no_gradient_is_of_its_pass_too(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("""
w, batch = Value(3.0), Value(0.0, requires_grad=False)
for number in (2.0, 5.0):
    batch.data = number
    loss = w * batch
    loss.backward()
batch.data = 7.0
""")
    assert gradient(capsys, path, "--pass", "1") == "2, pass 1 of 2"
    assert gradient(capsys, path) == "5, pass 2 of 2"


def test_numpy_arrays_that_are_changed_in_place(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("numpy")
    path = script("""
import numpy as np
w = Value(np.array([0.0, 1.0]))
for _ in range(2):
    hidden = w.exp()
    loss = hidden.sum()
    w.grad = None
    loss.backward()
    hidden.data[:] = 0.0
    w.grad[:] = 0.0
    w.data = w.data - 1.0
""")
    assert gradient(capsys, path, "--pass", "1") == "[1, 2.718], pass 1 of 2"
    assert gradient(capsys, path) == "[0.3679, 1], pass 2 of 2"


# Without a pass of its own ------------------------------------------------------------------------------------------


def test_a_value_that_no_pass_was_run_from_is_looked_at_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("w = Value(3.0)\nloss = w * w\n")
    assert gradient(capsys, path) == "6"
    assert "from 3 to 6" in shown(capsys, "step", path)[0]
    said, _ = shown(capsys, "draw", path, "-o", "x.dot")
    assert said.startswith("loss 9.0, with the gradients of a backward pass\n")
    assert main(["step", path, "--pass", "1"]) == 1
    assert capsys.readouterr().err == "micrograd-sm: train.py ran no backward pass of 'loss'\n"


def test_one_whose_data_has_changed_since_is_refused_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("w = Value(3.0)\nloss = w * w\nw.data = 1.0\n")
    for command in (["step"], ["draw", "-o", "x.dot"], *(["study", study] for study in STUDIES)):
        assert main([*command, path]) == 1
        complaint = capsys.readouterr().err
        assert complaint.startswith(
            "micrograd-sm: train.py ran no backward pass of 'loss', which could be shown: the data of 'w' was set after "
            "multiply had used it (train.py:3: loss = w * w)"
        )
        assert complaint.count("\n") == 1


def test_one_that_the_last_pass_reached_is_shown_as_it_was_then(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("""
def train():
    global hidden, weights
    hidden = w * w
    weights = hidden * -1.3
    loss = hidden * 2.0
    loss.backward()
    w.data = w.data + 1.0
w = Value(3.0)
for _ in range(2):
    train()
""")
    note = "micrograd-sm: 'hidden' as it was in the script's last backward pass\n"
    assert gradient(capsys, path, "--name", "hidden") == f"8{note}"
    said, complaint = shown(capsys, "draw", path, "--name", "hidden", "-o", "x.dot")
    assert complaint == note
    assert said.startswith("hidden 16.0, with the gradients of a backward pass\n")
    assert main(["study", "lint", path, "--sampled-from", "weights"]) == 1
    assert "sampling-from-logits at weights" in capsys.readouterr().out
    assert main(["study", "explain", path, "w", "--name", "weights"]) == 1
    assert "ran no backward pass of 'weights'" in capsys.readouterr().err


def test_a_newer_loss_that_was_not_passed_back_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    path = script(LOOP + "loss = w * 5.0\n")
    assert gradient(capsys, path) == "5"
    assert gradient(capsys, path, "--pass", "-20") == "16, pass 1 of 20"


@pytest.mark.parametrize("after", ["with no_grad():\n    loss = w * 5.0\n", "loss = loss.item()\n", "del loss\n"])
def test_a_loss_that_is_gone_at_the_end_is_shown_in_its_last_pass(capsys: pytest.CaptureFixture[str], after: str) -> None:
    assert gradient(capsys, script(LOOP + after), "--pass", "-20") == "16, pass 1 of 20"
    assert gradient(capsys, script(LOOP + after)).endswith("pass 20 of 20")


def test_weights_that_are_frozen_later_had_gradients_then(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("w = Value(3.0)\nloss = w * w\nloss.backward()\nw.requires_grad = False\n")
    assert gradient(capsys, path) == "6"


# How scripts end ----------------------------------------------------------------------------------------------------


def test_a_script_that_fails_after_some_passes_fails_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["step", script(LOOP + "1 / 0\n")]) == 1
    said, complaint = capsys.readouterr()
    assert said == "" and complaint.endswith("micrograd-sm: train.py failed: ZeroDivisionError: division by zero\n")
    assert not backward.listeners


def test_a_script_that_exits_after_some_passes_shows_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("import sys\n" + LOOP.replace(HEAD, "").replace("/ 2.0", "/ 2.0\n    if w.data < 3.0: sys.exit()"))
    assert gradient(capsys, path) == "8, pass 2 of 2"


def test_a_pass_that_is_refused_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("""
w = Value(3.0)
loss = w * w
loss.backward()
w.data = 1.0
try:
    loss.backward()
except RuntimeError:
    pass
""")
    assert gradient(capsys, path) == "6"


def test_passes_in_threads_count(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("""
from threading import Thread
w = Value(3.0)
def work():
    loss = w * w
    loss.backward()
for _ in range(3):
    thread = Thread(target=work)
    thread.start()
    thread.join()
w.data = 1.0
""")
    assert gradient(capsys, path) == "6, pass 3 of 3"


def test_nothing_more_is_kept_than_can_be_asked_for() -> None:
    """Losses under another name die as the script drops them; of the name's own, one graph is kept for each pass."""
    path = script("""
from weakref import ref
alive = []
def step(w):
    other = w * 3.0
    alive.append(ref(other))
    other.backward()
w = Value(3.0)
for _ in range(50):
    step(w)
    loss = w * w
    alive.append(ref(loss))
    loss.backward()
""")
    for number, most in ((-1, 2), (1, 3), (-5, 6)):
        passes = Passes("loss", number)
        alive: list[ref[Value]] = run_script(path, passes)["alive"]
        gc.collect()
        assert sum(each() is not None for each in alive) <= most
        assert passes.count == 50


def test_passes_that_are_claimed_later_are_kept_as_far_as_they_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("""
w = Value(1.0)
for _ in range(5):
    out = w * w
    for number in (1.0, 2.0, 3.0):
        out.backward(number)
    loss = out
    w.data = w.data + 1.0
""")
    for number in (*range(-15, 0), *range(1, 16)):
        said, complaint = shown(capsys, "step", path, "--pass", str(number))
        place = (number if number > 0 else number + 16) - 1
        assert f"pass {place + 1} of 15" in complaint
        assert f"dloss/dloss = {place % 3 + 1}\n" in said and f"loss = w * w = {place // 3 + 1} * " in said
    assert main(["step", path, "--pass", "-" + "9" * 30]) == 1
    assert "ran 15 backward passes of 'loss'; --pass takes 1 to 15 or -15 to -1" in capsys.readouterr().err


# The examples -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_that_is_stepped_through_can_be_by_command(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    assert main(["step", str(path)]) == 0
    assert "seed      d" in capsys.readouterr().out
    assert main(["draw", str(path), "-o", "x.svg"]) == 0
    assert "<svg" in Path("x.svg").read_text("utf-8")


@pytest.mark.parametrize("path", TRAINED, ids=lambda path: path.stem)
@pytest.mark.parametrize("study", ["explain", "lint", "digits", "check", "torch", "grad", "source"])
def test_every_example_that_trains_can_be_studied(capsys: pytest.CaptureFixture[str], path: Path, study: str) -> None:
    weight = ["model.0.weight"] if study in ("explain", "grad") else []
    if study == "torch":
        pytest.importorskip("torch")
    options = ["--order", "1"] if study == "check" else []
    options += ["--parameters", "model"] if study == "lint" else ["--ulps", "1000"] if study == "torch" else []
    found = main(["study", study, str(path), *weight, *options])
    said, complaint = capsys.readouterr()
    assert found == 0, complaint
    assert complaint.count("\n") <= 1
    if study in ("check", "torch", "lint"):
        assert re.search(r"^(right: |agrees with torch|no mistakes in )", said, re.MULTILINE)
