"""The command: what it prints, what it writes, and how it ends."""

import os
import re
import runpy
import signal
import subprocess
import sys
import sysconfig
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import micrograd_sm
from micrograd_sm.cli import demo, main
from micrograd_sm.draw import layout

cli = sys.modules["micrograd_sm.cli.main"]  # `micrograd_sm.cli.main` is the function


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def nothing_lays_out(monkeypatch):
    monkeypatch.setattr(layout, "find_dot", lambda: None)
    monkeypatch.setattr(layout, "find_pure", lambda: None)


def process(*arguments, **options):
    command = [sys.executable, "-m", "micrograd_sm", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, **options)


# demo ---------------------------------------------------------------------------------------------------------------


def test_demo_prints_every_figure_and_writes_the_picture(capsys):
    assert main(["demo"]) == 0
    said, complaint = capsys.readouterr()
    assert complaint == ""
    figures = [*demo.LOGITS, *demo.SOFTMAX, *demo.LOG_SOFTMAX, *demo.GRADIENT, [demo.LOSS], [demo.NLL_OF_SOFTMAX]]
    assert {f"{x:.4f}" for row in figures for x in row} <= set(re.findall(r"-?\d+\.\d{4}", said))
    assert "the gradient is (p - y) / N" in said
    assert said.count("= logits.grad") == 3
    assert "Every figure agrees" in said
    assert "DIFFERS" not in said
    assert said.endswith("cross_entropy.svg\n")
    assert ET.parse("cross_entropy.svg").getroot().tag.endswith("svg")
    assert "log_probs" in Path("cross_entropy.svg").read_text(encoding="utf-8")


def test_demo_fits_a_terminal_of_80_columns_in_plain_ascii(capsys):
    main(["demo"])
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    assert said.isascii()
    assert said == "\n".join(line.rstrip() for line in said.split("\n"))


def test_demo_says_the_same_every_time():
    assert process("demo").stdout == process("demo").stdout


@pytest.mark.parametrize(
    ("figure", "wrong", "named"),
    [
        ("LOSS", 1.3744, "loss, cross_entropy loss"),
        ("NLL_OF_SOFTMAX", -0.3124, "nll_loss of softmax loss"),
        ("SOFTMAX", [*demo.SOFTMAX[:2], [0.0, 0.0, 1.0]], "softmax row 2"),
        ("GRADIENT", [[0.0808, 0.2197, 0.3005], *demo.GRADIENT[1:]], "gradient row 0"),
    ],
)
def test_a_figure_that_differs_fails(monkeypatch, capsys, figure, wrong, named):
    monkeypatch.setattr(demo, figure, wrong)
    assert main(["demo"]) == 1
    said, complaint = capsys.readouterr()
    assert "DIFFERS" in said
    assert "Every figure agrees" not in said
    assert complaint == f"micrograd-sm: figures differ: {named}\n"


def test_a_gradient_that_is_not_p_minus_y_fails(monkeypatch, capsys):
    monkeypatch.setattr(demo, "LABELS", [2, 0, 0])
    monkeypatch.setattr(demo, "nll_loss", lambda log_probs, labels: micrograd_sm.nll_loss(log_probs, [2, 0, 1]))
    assert main(["demo"]) == 1
    assert "(p - y) / N, row 2" in capsys.readouterr().err


def test_demo_without_a_layout_program_prints_all_else(capsys, nothing_lays_out):
    assert main(["demo"]) == 1
    said, complaint = capsys.readouterr()
    assert "Every figure agrees" in said
    assert complaint.startswith("micrograd-sm: ") and "pip install 'micrograd_sm[draw]'" in complaint
    assert complaint.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_demo_elsewhere(capsys):
    assert main(["demo", "-o", "picture.dot"]) == 0
    assert Path("picture.dot").read_text(encoding="utf-8").startswith("digraph")
    assert capsys.readouterr().out.endswith("picture.dot\n")


# draw ---------------------------------------------------------------------------------------------------------------


def test_draw_runs_backward_on_one_number(capsys):
    assert main(["draw", "cross_entropy([[1.0, 2.0, 0.1]], [2])", "-o", "loss.svg"]) == 0
    assert capsys.readouterr().out == "result 2.317, with the gradients of a backward pass\n12 nodes drawn: loss.svg\n"
    drawn = Path("loss.svg").read_text(encoding="utf-8")
    assert "0.6590" in drawn and "not yet computed" not in drawn


def test_draw_says_why_there_are_no_gradients(capsys):
    assert main(["draw", "softmax([1.0, 2.0], 0)", "-o", "probs.dot"]) == 0
    assert "result of shape (2,), drawn without gradients" in capsys.readouterr().out
    assert "not yet computed" in Path("probs.dot").read_text(encoding="utf-8")


def test_draw_takes_the_looks_of_a_picture(capsys):
    looks = ["--rankdir", "LR", "--show", "gradient", "--edges", "--fold", "log_softmax,nll_loss"]
    assert main(["draw", "cross_entropy([[1.0, 2.0]], [0])", "-o", "a.dot", *looks]) == 0
    source = Path("a.dot").read_text()
    assert "rankdir=LR" in source and "upstream gradient" in source and ">value<" not in source
    assert "3 nodes drawn: a.dot" in capsys.readouterr().out


@pytest.mark.parametrize(("fold", "nodes"), [("0", 41), ("never", 201), ("softmax", 41)])
def test_draw_folds(capsys, fold, nodes):
    assert main(["draw", nested(40), "-o", "a.dot", "--fold", fold]) == 0
    assert f"\n{nodes} nodes drawn" in capsys.readouterr().out


def test_draw_says_when_it_folds_by_itself(capsys):
    assert main(["draw", nested(40), "-o", "a.dot"]) == 0
    assert "so functions are folded; --fold never opens all\n41 nodes drawn" in capsys.readouterr().out


def nested(calls):
    return f"x = [[1.0, 2.0]]; {'; '.join(['x = softmax(x, 1)'] * calls)}; x"


def test_draw_refuses_a_scope_that_there_is_not(capsys):
    assert main(["draw", "softmax([[1.0]], 1)", "-o", "a.dot", "--fold", "nll_loss"]) == 1
    assert "no scope 'nll_loss'; the scopes are softmax" in capsys.readouterr().err


def test_draw_names_and_png(capsys):
    assert main(["draw", "weight = 2.0; weight * 3", "-o", "a.dot"]) == 0
    assert "weight" in Path("a.dot").read_text(encoding="utf-8")
    assert main(["draw", "[[2.0]] * 3", "-o", "a.png"]) == 0
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    assert "result 6.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("expression", "output", "complaint"),
    [
        ("__import__('os')", "a.svg", "__import__"),
        ("lambda: 1", "a.svg", "lambda"),
        ("(" * 3000, "a.svg", "cannot be read"),
        ("cross_entropy([[1.0]], [3])", "a.svg", "target 3"),
        ("[1, 2] @ [1, 2, 3]", "a.svg", "do not multiply"),
        ("softmax([1, 2], 'a')", "a.svg", "dim must be an int"),
        ("[[1], [2, 3]].sum()", "a.svg", "ragged"),
        ("1 + 1", "nowhere/a.svg", "does not exist"),
        ("x = '\n'; x", "a.svg", "cannot be read"),
        ("exp('\ud800')", "a.svg", ""),
    ],
)
def test_draw_that_fails_says_why_in_one_line(capsys, expression, output, complaint):
    assert main(["draw", expression, "-o", output]) == 1
    said = capsys.readouterr().err
    assert said.startswith("micrograd-sm: ") and complaint in said
    assert said.count("\n") == 1 and "Traceback" not in said
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("-2*3", "-6.0"), ("-.5*2", "-1.0"), ("-(1+2)", "-3.0"), ("--2*3", "6.0"), ("-exp(0)", "-1.0"), ("-inf*2", "-inf"),
        ("-ones(3).sum()", "-3.0"), ("- [1].sum()", "-1.0"), ("-one_hot([0]).sum() * 1.0", "-1.0"), ("-2*x", None),
    ],
)  # fmt: skip
def test_an_expression_may_begin_with_a_minus(capsys, expression, result):
    for arguments in (["draw", expression, "-oa.dot"], ["draw", "-o", "a.dot", "--", expression]):
        assert main(arguments) == (0 if result else 1)
        said, complaint = capsys.readouterr()
        assert f"result {result}," in said if result else "the name x is unknown" in complaint


@pytest.mark.parametrize("command", [["demo"], ["draw", "1 + 1"]])
def test_a_missing_folder_is_found_before_the_work(capsys, monkeypatch, command):
    monkeypatch.setattr("micrograd_sm.cli.target.evaluate", None)
    assert main([*command, "-o", "nowhere/a.dot"]) == 1
    said, complaint = capsys.readouterr()
    assert said == "" and "the folder 'nowhere' of 'a.dot' does not exist" in complaint


# How it ends --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["paint"],
        ["draw"],
        ["draw", "1 + 1"],
        ["draw", "-o", "a.svg"],
        ["demo", "extra"],
        *([*command, "-o", output] for command in (["demo"], ["draw", "1 + 1"]) for output in ("", "a.jpg", "a")),
    ],
)
def test_wrong_usage_exits_with_2(arguments):
    done = process(*arguments)
    assert done.returncode == 2
    assert "usage: micrograd-sm" in done.stderr
    if "-o" in arguments and arguments[-1] != "a.svg":
        assert f"{arguments[-1]!r} must end in .svg, .png, .pdf or .dot" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["draw", "--help"]])
def test_help_has_an_example(arguments):
    done = process(*arguments, env={**os.environ, "COLUMNS": "80"})
    assert done.returncode == 0
    assert re.search(r"examples?:\n  micrograd-sm (demo|draw)", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_version():
    assert process("--version").stdout == f"micrograd-sm {micrograd_sm.__version__}\n"


def test_exit_codes_of_the_process():
    assert process("draw", "1 + 1", "-o", "a.svg").returncode == 0
    refused = process("draw", "().__class__", "-o", "b.svg")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("micrograd-sm: the attribute .__class__ is not allowed")


def test_the_installed_command():
    command = Path(sysconfig.get_path("scripts")) / "micrograd-sm"
    if not command.exists():
        pytest.skip("the package is on the path but not installed, so its command is not there")
    done = subprocess.run([command, "draw", "2 * 3", "-o", "a.dot"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_output_that_cannot_show_a_character():
    done = process("draw", "1 + 1", "-o", "σ.dot", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u03c3.dot" in done.stdout


@pytest.mark.parametrize("arguments", [["demo"], ["demo", "-o", "nowhere/a.svg"], ["draw", "1 + 1", "-o", "a.dot"]])
def test_a_closed_pipe_ends_it_quietly(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "micrograd_sm", *arguments], check=False, stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@pytest.mark.parametrize("arguments", ["demo -o a.svg", "draw 1+1 -o a.svg", "draw 1+ -o a.svg", "draw 1+ -o a.svg 2>&-"])
def test_a_closed_stdout(arguments):
    command = f'"{sys.executable}" -m micrograd_sm {arguments} >&-'
    done = subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True, text=True, timeout=60)
    failing = "1+ " in arguments
    assert done.returncode == failing
    assert Path("a.svg").exists() != failing
    assert done.stderr.count("\n") == (failing and "2>&-" not in arguments)


def test_a_closed_pipe_in_process(monkeypatch, capfd):
    def closed(*arguments):
        raise BrokenPipeError

    silenced = []
    monkeypatch.setattr(cli.os, "dup2", lambda null, out: silenced.append(os.close(null)))
    monkeypatch.setattr("micrograd_sm.cli.target.evaluate", closed)
    assert main(["draw", "1 + 1", "-o", "a.svg"]) == 1
    monkeypatch.setattr(sys.stdout, "flush", closed)
    assert cli._failed("why", 1) == 1
    monkeypatch.undo()
    assert (len(silenced), capfd.readouterr().err) == (2, "micrograd-sm: why\n")


def test_a_message_of_many_lines_is_one_line(monkeypatch, capsys):
    def failing(expression):
        raise ValueError("first\n  second")

    monkeypatch.setattr("micrograd_sm.cli.target.evaluate", failing)
    assert main(["draw", "1 + 1", "-o", "a.svg"]) == 1
    assert capsys.readouterr().err == "micrograd-sm: first second\n"


def test_python_m(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["micrograd_sm", "draw", "1 + 1", "-o", "a.dot"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("micrograd_sm", run_name="__main__")
    assert ended.value.code == 0
    assert "result 2.0" in capsys.readouterr().out


def test_ctrl_c_in_process(monkeypatch, capsys):
    def interrupted(expression):
        raise KeyboardInterrupt

    monkeypatch.setattr("micrograd_sm.cli.target.evaluate", interrupted)
    assert main(["draw", "1 + 1", "-o", "a.svg"]) == 130
    assert capsys.readouterr().err == "micrograd-sm: interrupted\n"


def test_ctrl_c_while_the_layout_runs(tmp_path):
    slow = tmp_path / "dot"
    slow.write_text("#!/bin/sh\ntouch started\nexec sleep 30\n")
    slow.chmod(0o755)
    command = [sys.executable, "-m", "micrograd_sm", "draw", "1 + 1", "-o", "a.svg"]
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    running = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 20
    while not Path("started").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)
    _, complaint = running.communicate(timeout=20)
    assert (running.returncode, complaint) == (130, "micrograd-sm: interrupted\n")
