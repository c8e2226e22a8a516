"""Scripts and notebooks on the command line: which value is shown, arguments, and the traceback of one that fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from micrograd_sm.cli import main

HEAD = "from micrograd_sm import Value\n"
COMMANDS = [["step", "--plain"], ["draw", "-oa.dot"], ["study", "explain"], ["study", "lint"]]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def script(body: str, name: str = "own.py") -> str:
    Path(name).write_text(HEAD + body, encoding="utf-8")
    return name


def notebook(*cells: str, name: str = "own.ipynb", old: bool = False) -> str:
    word = "input" if old else "source"
    listed: list[dict[str, Any]] = [{"cell_type": "markdown", "source": ["# Text"]}]
    listed += [{"cell_type": "code", word: cell.splitlines(keepends=True)} for cell in (HEAD, *cells)]
    Path(name).write_text(json.dumps({"worksheets": [{"cells": listed}]} if old else {"cells": listed}), encoding="utf-8")
    return name


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    assert main([*arguments]) == code
    return capsys.readouterr()


def named(command: list[str], path: str, *more: str) -> list[str]:
    """Return a command on a script, with the x that `explain` needs."""
    return (
        [*command[:1], *command[1:2], path, *(["w"] if "explain" in command else []), *command[2:], *more]
        if (command[0] == "study")
        else [command[0], path, *command[1:], *more]
    )


# Which value ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_a_name_it_is_loss(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    path = script("w = Value(3.0)\nloss = w * w\nloss.backward()\nother = w * 5.0\nother.backward()\n")
    assert "there is no" not in shown(capsys, *named(command, path))[1]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_or_else_the_root_of_the_last_pass_and_it_is_said_which(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    path = script("w = Value(3.0)\nout = w * w\nout.backward()\nother = w * 5.0\n")
    complaint = shown(capsys, *named(command, path))[1]
    assert (
        complaint
        == "micrograd-sm: there is no 'loss'; this is 'out' (own.py:3: out = w * w), the root of backward pass 1 of 1\n"
    )


def test_the_pass_can_be_chosen_and_the_variable_may_be_a_functions(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("""
w = Value(3.0)
def train():
    for k in range(1, 4):
        total = w * float(k)
        total.backward()
train()
""")
    said, complaint = shown(capsys, "draw", path, "-o", "a.dot", "--pass", "2")
    assert said.startswith("total 6.0") and "backward pass 2 of 3" in said
    assert "this is 'total' (own.py:6: total = w * float(k)), the root of backward pass 2 of 3; --name and --pass" in complaint
    assert "own.py ran 3 backward passes; --pass takes 1 to 3" in shown(capsys, "step", path, "--pass", "4", code=1)[1]


def test_a_root_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("w = Value(3.0)\n(w * w).backward()\n")
    assert "this is a value without a name (own.py:3: (w * w).backward())" in shown(capsys, "step", path)[1]


def test_no_pass_and_no_loss(capsys: pytest.CaptureFixture[str]) -> None:
    path = script("w = Value(3.0)\nout = w * w\n")
    assert (
        "own.py has no variable 'loss'; its Values are w, out: choose one" in shown(capsys, "draw", path, "-oa.dot", code=1)[1]
    )


# Notebooks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_notebook_is_a_script(capsys: pytest.CaptureFixture[str], command: list[str], old: bool) -> None:
    path = notebook("w = Value(3.0)\n", "# two lines\nloss = w * w\nloss.backward()\nloss", old=old)
    assert shown(capsys, *named(command, path))[1] == ""


def test_its_lines_are_told_by_cell(capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook("w = Value(3.0)\n", "# two lines\nloss = w * w\nloss.backward()")
    assert "# own.ipynb[3]:2: loss = w * w" in shown(capsys, "step", path)[0]


def test_what_only_ipython_understands_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(
        "%matplotlib inline\n!pip install something\nw = Value(3.0)\nw?\n",
        "%%time\nhalf = w * 0.5",
        "%%bash\nrm -rf nothing",
        "if True:\n    %time loss = half * half\nfiles = !ls\nleft = (7\n    % 4)\nassert left == 3\ndisplay('shown')",
        "loss.backward()",
    )
    said, complaint = shown(capsys, "study", "grad", path)
    assert (
        "1.5" in said
        and said.startswith("shown\n")
        and complaint == "micrograd-sm: own.ipynb: 8 lines for IPython were left out\n"
    )


@pytest.mark.parametrize("content", ["", "[]", "{}", "no json", '{"cells": [{}]}', "\xff"])
def test_what_is_no_notebook(capsys: pytest.CaptureFixture[str], content: str) -> None:
    Path("own.ipynb").write_text(content, encoding="latin-1")
    assert "own.ipynb is not a Jupyter notebook: " in shown(capsys, "step", "own.ipynb", code=1)[1]


def test_a_cell_that_fails_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook("def f():\n    return 1 / 0\n", "\nf()")
    complaint = shown(capsys, "step", path, code=1)[1]
    assert 'own.ipynb[3]", line 2, in <module>\n    f()\n' in complaint and 'own.ipynb[2]", line 2, in f\n' in complaint


# Arguments -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_arguments_after_two_dashes_reach_the_script(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    path = script("import sys\nprint(sys.argv[1:])\nw = Value(3.0)\nloss = w * w\nloss.backward()\n")
    assert "['--epochs', '3', '-o', '--']" in shown(capsys, *named(command, path, "--", "--epochs", "3", "-o", "--"))[0]
    assert "[]\n" in shown(capsys, *named(command, path))[0]


def test_an_expression_takes_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["step", "1 + 1", "--", "--epochs"])
    assert ended.value.code == 2 and "--epochs" in capsys.readouterr().err


# Tracebacks ----------------------------------------------------------------------------------------------------------


def test_a_traceback_has_the_users_own_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Path("module_beside.py").write_text("import json\ndef read(x):\n    return json.loads(x)\n", encoding="utf-8")
    complaint = shown(capsys, "step", script("import module_beside\nmodule_beside.read('{')\n"), code=1)[1]
    assert "\n    module_beside.read('{')\n" in complaint and "\n    return json.loads(x)\n" in complaint
    assert "lines of Python left out\n" in complaint and "decoder.py" not in complaint and "cli" not in complaint
    assert "json.decoder.JSONDecodeError: Expecting property name" in complaint
    sys.modules.pop("module_beside")


def test_an_error_of_this_package_ends_at_the_users_line(capsys: pytest.CaptureFixture[str]) -> None:
    complaint = shown(capsys, "step", script("Value([1.0, 2.0]).reshape(3)\n"), code=1)[1]
    assert 'own.py", line 2, in <module>\n    Value([1.0, 2.0]).reshape(3)\n' in complaint
    assert "of micrograd_sm left out\nRuntimeError: reshape: shape (2,)" in complaint and "shaping.py" not in complaint


def test_causes_and_contexts_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    body = "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('no') from e\n"
    complaint = shown(capsys, "step", script(body), code=1)[1]
    assert "direct cause" in complaint and "ZeroDivisionError" in complaint and "    1 / 0\n" in complaint
    complaint = shown(capsys, "step", script(body.replace(" from e", "")), code=1)[1]
    assert "During handling" in complaint
    assert "ZeroDivisionError" not in shown(capsys, "step", script(body.replace("from e", "from None")), code=1)[1]


def test_a_syntax_error_shows_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    complaint = shown(capsys, "draw", script("x = (1\n"), "-o", "a.dot", code=1)[1]
    assert 'own.py", line 2\n    x = (1\n        ^\n' in complaint and "Traceback" not in complaint


def test_as_a_real_command() -> None:
    path = script("import sys\nraise SystemExit(int(sys.argv[1]))\n")
    run = lambda *given: subprocess.run(
        [sys.executable, "-m", "micrograd_sm", "step", path, "--", *given], capture_output=True, text=True, check=False
    )
    done = run("3")
    assert done.returncode == 1 and done.stderr == "micrograd-sm: own.py ended with exit code 3\n"
