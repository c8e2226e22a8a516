"""`micrograd-sm step`: scripts, printed steps, pages, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from micrograd_sm import Value
from micrograd_sm.cli import main
from micrograd_sm.steps import Steps, steps

NEURON = """
import sys
from pathlib import Path
from beside import three
from micrograd_sm import Value
x = Value(2.0, name="x")
w = Value(three)
loss = x * w
other = [x]
print("as main" if __name__ == "__main__" else "imported", Path(__file__).name, sys.argv)
"""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "beside.py").write_text("three = 3.0\n")
    (tmp_path / "scripts" / "neuron.py").write_text(NEURON)
    yield
    sys.modules.pop("beside", None)


def script(body: str, name: str = "own.py") -> str:
    Path(name).write_text(f"from micrograd_sm import Value\nx = Value(3.0)\n{body}\n", encoding="utf-8")
    return name


def process(*arguments, **options):
    command = [sys.executable, "-m", "micrograd_sm", "step", *arguments]
    return subprocess.run(command, check=False, capture_output=True, timeout=60, **{"text": True, **options})


# Printed ------------------------------------------------------------------------------------------------------------


def test_every_step_is_printed_where_there_is_no_terminal(capsys):
    assert main(["step", "a = 2.0; b = -3.0; a * b + a"]) == 0
    said, complaint = capsys.readouterr()
    assert complaint == ""
    own = steps((a := Value(2.0, name="a")) * Value(-3.0, name="b") + a)
    assert said == own.text() + "\n"
    assert said.splitlines()[0] == "1  forward   v2 = a * b = 2 * -3 = -6"


def test_one_line_for_each_contribution(capsys):
    main(["step", "x = 3.0; x * x", "--grain", "contribution", "--plain"])
    steps = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line[0].isdigit()]
    assert steps == ["forward", "seed", "backward", "backward"]


@pytest.mark.parametrize(
    ("fold", "operations"),
    [
        (["0"], ["L = cross_entropy(logits)"]),
        (["cross_entropy"], ["L = cross_entropy(logits)"]),
        (["1"], ["log_softmax(logits)", "nll_loss("]),
        (["log_softmax", "cross_entropy/nll_loss"], ["log_softmax(logits)", "nll_loss("]),
    ],
)
def test_folded(capsys, fold, operations):
    wanted = [part for one in fold for part in ("--fold", one)]
    assert main(["step", "logits = [[1.0, 2.0, 0.1]]; cross_entropy(logits, [2])", *wanted]) == 0
    forward = [line for line in capsys.readouterr().out.splitlines() if "forward" in line]
    assert len(forward) == len(operations)
    assert all(operation in line for operation, line in zip(operations, forward, strict=True))


def test_folding_what_there_is_not(capsys):
    assert main(["step", "softmax([1.0, 2.0], 0).sum()", "--fold", "tanh"]) == 1
    assert "tanh" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_names_that_would_move_the_cursor_are_printed_as_codes(encoding):
    path = script('loss = x * Value(2.0, name="\\x1b[2J\\u202eσ")')
    done = process(path, env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}, text=False)
    assert done.returncode == 0 and b"\x1b" not in done.stdout
    assert b"\\x1b[2J\\u202e" in done.stdout and "σ".encode(encoding, "backslashreplace") in done.stdout


# Scripts ------------------------------------------------------------------------------------------------------------


def test_a_script_runs_as_python_runs_it(capsys):
    before = list(sys.path), list(sys.argv), sys.modules["__main__"]
    assert main(["step", "scripts/neuron.py"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "as main neuron.py ['scripts/neuron.py']"
    assert said[1] == "1  forward   loss = x * w = 2 * 3 = 6    # neuron.py:8: loss = x * w"
    assert (sys.path, sys.argv, sys.modules["__main__"]) == before


def test_another_name(capsys):
    assert main(["step", script("out = (x * x).exp()"), "--name", "out"]) == 0
    assert "out = exp(" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "name", "complaint"),
    [
        ("y = x * 2.0", None, "own.py has no variable 'loss'; its Values are x, y: choose one with --name"),
        ("loss = 3.5", None, "'loss' in own.py is 3.5 of type float, no Value; its Values are x: choose one with --name"),
        ("del x", "out", "own.py has no variable 'out'; it has no Value"),
        ("loss = Value([1.0, 2.0]) * x", None, "needs a gradient of that shape"),
        ("loss = x.detach()", None, "requires no gradient"),
        ("import sys; sys.exit(3)", None, "own.py ended with exit code 3"),
        ("raise SystemExit('enough\\nof it')", None, "own.py ended with exit code 'enough\\nof it'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(capsys, body, name, complaint):
    assert main(["step", script(body), *(["--name", name] if name else [])]) == 1
    said = capsys.readouterr().err
    assert complaint in said and said.startswith("micrograd-sm: ") and said.count("\n") == 1


@pytest.mark.parametrize("code", ["", "0", "None"])
def test_a_script_that_exits_well_is_no_failure(capsys, code):
    assert main(["step", script(f"loss = x * x\nimport sys\nsys.exit({code})")]) == 0
    assert "loss = x * x" in capsys.readouterr().out


@pytest.mark.parametrize(("body", "what"), [("1 / 0", "ZeroDivisionError: division by zero"), ("loss = (", "SyntaxError")])
def test_a_script_that_fails_shows_its_own_traceback(capsys, body, what):
    assert main(["step", script(body)]) == 1
    said = capsys.readouterr().err
    assert 'own.py", line 3' in said and body in said and what in said
    assert "script.py" not in said  # only the user's lines
    assert said.splitlines()[-1].startswith(f"micrograd-sm: own.py failed: {what}")


def test_a_script_that_changes_its_folder_keeps_its_lines(capsys, tmp_path):
    body = f"import os\nos.chdir({str(tmp_path / 'scripts')!r})\nloss = x * x\nhere = os.path.isabs(__file__)\nprint(here)"
    assert main(["step", script(body)]) == 0
    said = capsys.readouterr().out
    assert "# own.py:5: loss = x * x" in said
    assert "True" in said
    os.chdir(tmp_path)
    assert main(["step", script(body + "\n1 / 0")]) == 1
    assert "    1 / 0" in capsys.readouterr().err


def test_no_script(capsys):
    assert main(["step", "nowhere.py"]) == 1
    assert capsys.readouterr().err == "micrograd-sm: step: the file 'nowhere.py' does not exist\n"
    assert main(["step", "1.0 + 2.0", "--name", "x"]) == 1
    assert "an expression is itself the value" in capsys.readouterr().err


def test_gradients_that_the_script_left_are_told_apart(capsys):
    assert main(["step", script("loss = x * x\nloss.backward()\nloss.backward()")]) == 0
    said, complaint = capsys.readouterr()
    assert "earlier backward passes are kept apart" in complaint
    assert "from nothing to 3" in said and "from 6" not in said


def test_ctrl_c_in_a_script(capsys):
    assert main(["step", script("raise KeyboardInterrupt")]) == 130


# Pages --------------------------------------------------------------------------------------------------------------


def test_a_page_is_written(capsys, monkeypatch):
    saved = []
    monkeypatch.setattr(Steps, "save", lambda self, path: saved.append((len(self), Path(path))), raising=False)
    (Path("scripts") / "away.py").write_text(
        "import os\nfrom micrograd_sm import Value\nloss = Value(1.0).exp()\nos.chdir('scripts')\n"
    )
    for what in ("exp(1.0)", "scripts/away.py"):  # a script may change folders
        here = Path.cwd()
        assert main(["step", what, "-o", "page.html"]) == 0
        assert capsys.readouterr().out == "3 steps: page.html\n"
        assert saved.pop() == (3, here / "page.html")


def test_a_real_page(capsys):
    assert main(["step", "x = 3.0; x * x", "-o", "page.html"]) == 0
    assert "<svg" in Path("page.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_found_before_the_script_runs(capsys):
    assert main(["step", script("print('ran'); loss = x * x"), "-o", "nowhere/page.html"]) == 1
    said, complaint = capsys.readouterr()
    assert said == "" and "the folder 'nowhere' of 'page.html' does not exist" in complaint


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["1+1", "-o", "page.docx"], "'page.docx' must end in .html"),
        (["1+1", "-o", ""], "'' must end in .html"),
        (["1+1", "--grain", "edge"], "invalid choice: 'edge'"),
        ([], "EXPRESSION|FILE.py"),
    ],
)
def test_wrong_usage_exits_with_2(arguments, complaint):
    done = process(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: micrograd-sm step" in done.stderr and complaint in done.stderr


# How it ends --------------------------------------------------------------------------------------------------------


def test_a_closed_pipe_ends_it_quietly():
    command = f'"{sys.executable}" -m micrograd_sm step "x = 1.0; x{" + 1.0" * 90}" | head -1'
    done = subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True, text=True, timeout=60)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_a_closed_stdin_or_stdout_prints():
    for closed in ("<&-", "</dev/null", ">&- 2>&-"):
        command = f'"{sys.executable}" -m micrograd_sm step 1+1 {closed}'
        done = subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), closed
        assert ("dL/dL = 1" in done.stdout) == (">&-" not in closed)


def test_help():
    done = process("--help", env={**os.environ, "COLUMNS": "80"})
    assert done.returncode == 0 and "FILE.py is run as `python FILE.py` runs it" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_printing_needs_no_rich():
    code = "import sys; sys.modules['rich'] = None; from micrograd_sm.cli import main; sys.exit(main(['step', '1.0 + 2.0']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, "")
