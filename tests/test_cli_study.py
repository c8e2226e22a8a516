"""`micrograd-sm study`: what it prints is what the studies of the same names return, as text and as strict JSON."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

import pytest

from micrograd_sm import Value, cross_entropy, hessian, study
from micrograd_sm.cli import main
from micrograd_sm.cli.expression import evaluate
from micrograd_sm.cli.study import EPILOG, LANDSCAPES
from micrograd_sm.cli.study_runs import RUNS, plain
from micrograd_sm.graph import Graph

LOSS = "x = [1.0, 2.0, 0.1]; cross_entropy(x, 2)"
NAIVE, SHIFTED = "x = [100.0, 0.0]; log(softmax(x, 0))[0]", "x = [100.0, 0.0]; log_softmax(x, 0)[0]"
OVERFLOW = "x = [1000.0, 0.0]; (exp(x) / exp(x).sum())[0]"
SCRIPT = """
print("training")
from micrograd_sm import Value, cross_entropy, nn
model, unused = nn.Linear(2, 3), nn.Linear(2, 2)
x = Value([[1.0, 2.0]], requires_grad=False)
logits = model(x)
loss = cross_entropy(logits, [1])
bad = Value(0.0, name="z") / Value(0.0, name="w")
"""


def graph(expression: str) -> Graph:
    return Graph(evaluate(expression), {})


CASES = {
    "explain": (["explain", LOSS, "x"], lambda: study.explain(graph(LOSS), "x")),
    "explain at a depth": (["explain", LOSS, "x", "--depth", "0"], lambda: study.explain(graph(LOSS), "x", 0)),
    "paths": (["paths", LOSS, "x", "-k", "3", "--at", "2"], lambda: study.paths(graph(LOSS), "x", 3, 2)),
    "compare": (["compare", NAIVE, SHIFTED], lambda: study.compare(graph(NAIVE), graph(SHIFTED))),
    "source": (["source", LOSS], lambda: study.source(graph(LOSS))),
    "lint": (["lint", LOSS], lambda: study.lint(graph(LOSS), names={})),
    "anomaly": (["anomaly", OVERFLOW], lambda: study.first_anomaly(evaluate(OVERFLOW), {})),
    "digits": (["digits", NAIVE], lambda: study.digits(graph(NAIVE))),
    "grad": (["grad", LOSS, "x"], lambda: study.derivatives(graph(LOSS), "grad")),
    "jacobian": (["jacobian", "x = [1.0, 2.0]; softmax(x, 0)"],
                 lambda: study.derivatives(graph("x = [1.0, 2.0]; softmax(x, 0)"), "jacobian")),
    "hessian": (["hessian", LOSS, "x"], lambda: study.derivatives(graph(LOSS), "hessian")),
    "landscape": (["landscape", "curves"], study.loss_curves),
}  # fmt: skip


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)


def strictly(text: str):
    """Return what a JSON document says; nan and infinities are no JSON."""
    return json.loads(text, parse_constant=pytest.fail)


def process(*arguments, **options):
    command = [sys.executable, "-m", "micrograd_sm", "study", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, **options)


# Text and JSON ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_text_is_what_the_result_says(capsys, name):
    arguments, result = CASES[name]
    assert main(["study", *arguments]) == (name == "anomaly")
    said, complaint = capsys.readouterr()
    assert said == str(result()).removesuffix("\n") + "\n"
    assert complaint == ""


@pytest.mark.parametrize("name", CASES)
def test_json_is_the_result_as_a_dict(capsys, name):
    arguments, result = CASES[name]
    main(["study", *arguments, "--json"])
    assert strictly(capsys.readouterr().out) == plain(result().to_dict())


def test_what_is_not_finite_is_a_word(capsys):
    main(["study", "anomaly", OVERFLOW, "--json"])
    assert strictly(capsys.readouterr().out)["result"] == ["inf", 1.0]


def test_side_by_side(capsys):
    assert main(["study", "digits", NAIVE, SHIFTED]) == 0
    first, second = (study.digits(graph(one)) for one in (NAIVE, SHIFTED))
    assert capsys.readouterr().out == first.beside(second) + "\n"
    main(["study", "digits", NAIVE, SHIFTED, "--json"])
    assert strictly(capsys.readouterr().out) == [first.to_dict(), second.to_dict()]


def test_mathml(capsys):
    main(["study", "explain", LOSS, "x", "--mathml"])
    assert ElementTree.fromstring(capsys.readouterr().out).tag.endswith("math")


def test_the_hessian_is_that_of_the_transform(capsys):
    main(["study", "hessian", LOSS, "x", "--json"])
    (block,) = strictly(capsys.readouterr().out)["blocks"]
    wanted = hessian(cross_entropy)(Value([1.0, 2.0, 0.1]), 2).tolist()
    assert block["by"] == ["x", "x"]
    assert [*chain(*block["data"])] == pytest.approx([*chain(*wanted)], abs=1e-15)


def test_several_leaves_make_blocks(capsys):
    assert main(["study", "hessian", "a = 2.0; b = [1.0, 3.0]; (a * b * b).sum()"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "L = 20", "d2L/da da = 0", "d2L/da db, shape (2,)", "  2  6", "d2L/db da, shape (2,)", "  2", "  6",
        "d2L/db db, shape (2, 2)", "  4  0", "  0  4",
    ]  # fmt: skip


def test_tables_of_more_dimensions_say_what_is_where(capsys):
    main(["study", "jacobian", "x = [[1.0, 2.0]]; x * x", "x"])
    assert "as a table of 2 x 2, a row for each element of L, a column for each of x\n  2  0\n  0  4" in capsys.readouterr().out
    main(["study", "grad", "x = [[1.0, 2.0], [3.0, 4.0]]; (x * x).sum()"])
    assert capsys.readouterr().out == "L = 30\ndL/dx, shape (2, 2)\n  2  4\n  6  8\n"


def test_large_ones_are_summed_up(capsys):
    main(["study", "hessian", f"x = {[0.5] * 20}; cross_entropy(x, 2)"])
    assert "[20 x 20 from " in capsys.readouterr().out


def test_the_only_leaf_needs_no_name(capsys):
    main(["study", "explain", LOSS])
    given = capsys.readouterr().out
    main(["study", "explain", LOSS, "x"])
    assert capsys.readouterr().out == given


def test_an_expression_may_begin_with_a_minus(capsys):
    assert main(["study", "grad", "-3.0 * 2.0"]) == 0
    assert "L = -6" in capsys.readouterr().out


# Verdicts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["lint", LOSS], 0, "no mistakes"),
        (["lint", "x = [[1.0, 2.0]]; cross_entropy(softmax(x, 1), [1])"], 1, "softmax-before-cross-entropy"),
        (["lint", "x = [1.0, 2.0]; nll_loss(log_softmax(log_softmax(x, 0), 0), 1)"], 0, "harmless"),
        (["lint", "x = [[1.0, 2.0]]; nll_loss(softmax(x, 1), [1])", "--ignore", "probabilities-to-nll-loss"], 0, "no mistakes"),
        (["anomaly", LOSS], 0, "no nan and no inf"),
        (["anomaly", "x = 0.0; log(x)"], 1, "the value of L is -inf: log of x = 0"),
        (["check", LOSS], 0, "right: 12 derivatives"),
        (["check", LOSS, "--order", "1"], 0, "right: 3 derivatives"),
        (["check", f"x = {[0.5] * 201}; (x * x).sum()"], 0, "right: 201 derivatives"),
        (["check", "x = [0.0, 2.0]; relu(x).sum()"], 0, "d L / d x[0] is 0 where the function has no derivative"),
    ],
)  # fmt: skip
def test_what_is_found_decides_the_exit_code(capsys, arguments, code, said):
    assert main(["study", *arguments]) == code
    shown, complaint = capsys.readouterr()
    assert said in shown and complaint == ""
    assert main(["study", *arguments, "--json"]) == code
    strictly(capsys.readouterr().out)


def test_a_wrong_gradient_is_found(capsys, monkeypatch):
    from micrograd_sm.primitives import PRIMITIVES  # noqa: PLC0415 - planted for this test

    monkeypatch.setattr(PRIMITIVES["sin"], "gradient", (lambda g, out, x: g * out,))
    assert main(["study", "check", "x = 2.0; sin(x)", "--order", "1"]) == 1
    assert "d L / d x is wrong" in capsys.readouterr().out
    assert main(["study", "check", "x = 2.0; sin(x)", "--order", "1", "--json"]) == 1
    report = strictly(capsys.readouterr().out)
    assert (report["right"], report["findings"][0]["input"]) == (False, "x")


@pytest.mark.parametrize("name", ["check", "grad", "explain"])
def test_nothing_to_differentiate_by(capsys, name):
    Path("fixed.py").write_text("from micrograd_sm import Value\nloss = Value(2.0, requires_grad=False).exp()\n")
    assert main(["study", name, "fixed.py"]) == 1
    said, complaint = capsys.readouterr()
    assert said == "" and complaint.count("\n") == 1


@pytest.mark.parametrize(
    "expression",
    [
        LOSS,
        "x = [[1.0, -2.0], [0.5, 3.0]]; w = [[0.1, 0.2], [0.3, 0.4]]; relu(x @ w).T.sum()",
        "x = [0.5, 2.0]; (tanh(x) * sigmoid(x) - sin(x) / cos(x) + log1p(x) ** 2 - sqrt(x)).mean()",
        "x = [3.0, 1.0, 3.0]; max(x) + x[1:].sum() + where(x > 2.0, x, -x).sum() + cat([x, x]).sum()",
        "x = [[1.0, 2.0, 0.1]]; y = stack([x, x]); permute(y, (2, 0, 1)).reshape(6)[1:].mean()",
        "x = [1.0, 2.0]; softplus(x).sum() + logsumexp(x, 0) + gather(x, 0, [1]).sum()",
    ],
)
def test_torch_agrees(capsys, expression):
    pytest.importorskip("torch", reason="needs torch")
    assert main(["study", "torch", expression]) == 0
    assert capsys.readouterr().out.startswith("agrees with torch\n  L")
    assert main(["study", "torch", expression, "--json"]) == 0
    assert strictly(capsys.readouterr().out)["agrees"] is True


def test_every_primitive_has_a_counterpart_on_torch():
    torch = pytest.importorskip("torch", reason="needs torch")
    from micrograd_sm.primitives import PRIMITIVES  # noqa: PLC0415
    from micrograd_sm.study.trust.on_torch import There  # noqa: PLC0415

    assert set(There(torch).operations) == set(PRIMITIVES)


def test_without_torch(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["study", "torch", LOSS]) == 1
    said, complaint = capsys.readouterr()
    assert said == "" and "torch is not installed; get it with: pip install torch" in complaint
    assert complaint.count("\n") == 1


# Scripts ------------------------------------------------------------------------------------------------------------


def test_names_of_a_script(capsys):
    assert main(["study", "explain", "train.py", "model.bias", "--depth", "0"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("training\n") and "dloss/dmodel.bias = " in said
    assert main(["study", "check", "train.py", "--order", "1"]) == 0
    assert main(["study", "hessian", "train.py", "model.bias"]) == 0
    assert "d2loss/dmodel.bias dmodel.bias, shape (3, 3)" in capsys.readouterr().out


def test_json_is_alone_on_stdout(capsys):
    main(["study", "explain", "train.py", "model.bias", "--json"])
    said, complaint = capsys.readouterr()
    assert strictly(said)["x"] == "model.bias" and complaint == "training\n"


def test_parameters_of_a_script(capsys):
    assert main(["study", "lint", "train.py", "--parameters", "model"]) == 0
    assert main(["study", "lint", "train.py", "--parameters", "unused"]) == 1
    assert "unused-parameter at weight" in capsys.readouterr().out
    assert main(["study", "lint", "train.py", "--sampled-from", "logits"]) == 1
    assert "logits" in capsys.readouterr().out


def test_the_line_of_an_anomaly(capsys):
    assert main(["study", "anomaly", "train.py", "--name", "bad"]) == 1
    assert 'train.py:8: bad = Value(0.0, name="z")' in capsys.readouterr().out


def test_two_values_of_a_script(capsys):
    Path("two.py").write_text("from micrograd_sm import Value\nx = Value(2.0)\na = x * x\nb = x ** 2.0\n")
    assert main(["study", "compare", "two.py", "two.py", "--name", "a", "--other-name", "b"]) == 0
    assert capsys.readouterr().out.startswith("2 of 2 and 3 nodes matched")
    assert main(["study", "compare", "two.py", "x = 2.0; x * x", "--name", "a", "--json"]) == 0
    assert [match["how"] for match in strictly(capsys.readouterr().out)["matches"]] == ["name", "root"]


# Files --------------------------------------------------------------------------------------------------------------


def test_a_program_runs_on_its_own(capsys):
    assert main(["study", "source", "a = 2.0; b = -3.0; tanh(a * b)", "-o", "neuron.py"]) == 0
    assert re.fullmatch(r"\d+ lines: neuron.py\n", capsys.readouterr().out)
    done = subprocess.run([sys.executable, "-S", "neuron.py"], capture_output=True, text=True, check=True)
    assert "grad_a = -7.37" in done.stdout


@pytest.mark.parametrize("name", ["explain", "paths"])
def test_a_picture_has_the_derivatives(capsys, name):
    assert main(["study", name, LOSS, "x", "--depth", "1", "-o", "graph.svg", "--json"]) == 0
    said, complaint = capsys.readouterr()
    assert strictly(said)["x"] == "x" and complaint == "3 nodes drawn: graph.svg\n"
    texts = "".join(ElementTree.parse("graph.svg").getroot().itertext())
    assert "local derivative × upstream gradient = contribution" in texts and "log_softmax" in texts


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (["lint", "x = [[1.0, 2.0]]; nll_loss(softmax(x, 1), [1])"], "probabilities-to-nll-loss"),
        (["anomaly", "x = [1000.0, 0.0]; (exp(x) / exp(x).sum())[0]"], "inf comes up here"),
        (["digits", "x = [100.0, 0.0]; log(softmax(x, 0))[0]"], "0 of 16 digits"),
    ],
)
def test_a_picture_has_what_was_found_at_its_node(capsys, arguments, note):
    main(["study", *arguments, "-o", "graph.svg"])
    assert "nodes drawn: graph.svg" in capsys.readouterr().out
    assert note in Path("graph.svg").read_text(encoding="utf-8")


def test_landscapes_are_those_of_the_library(capsys):
    assert tuple(LANDSCAPES) == tuple(study.PICTURES)
    assert main(["study", "landscape", "residuals", "-o", "map.json"]) == 0
    assert strictly(Path("map.json").read_text()) == plain(study.training_maps().to_dict())
    assert capsys.readouterr().out.endswith(": map.json\n")


def test_a_landscape_as_a_picture(capsys):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    assert main(["study", "landscape", "curves", "-o", "curves.svg"]) == 0
    assert capsys.readouterr().out == "loss and gradient against one logit: curves.svg\n"
    assert ElementTree.parse("curves.svg").getroot().tag.endswith("svg")


def test_without_matplotlib_there_are_numbers_and_a_clear_word():
    code = "import sys; sys.modules['matplotlib'] = None; from micrograd_sm.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "study", "landscape", "curves"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    done = subprocess.run([*command, "-o", "curves.svg"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "micrograd-sm: landscapes: pictures need matplotlib; pip install 'micrograd_sm[plot]'\n"


# What is wrong ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["explain", "x = 3.0; x * x", "y"], "no node is called 'y'; names are 'x'"),
        (["explain", "x = 3.0; y = 2.0; x * y"], "say which X: the leaves are x, y"),
        (["explain", "lambda: 0"], "not allowed"),
        (["paths", LOSS, "x", "-k", "-3"], "k must be an int above 0"),
        (["grad", "x = [1.0, 2.0]; x * x"], "one number"),
        (["grad", "x = 3.0; y = x * x; y + x", "y"], "y is no leaf that requires a gradient; those are x"),
        (["hessian", LOSS, "x", "x"], "a leaf is named twice"),
        (["lint", "nowhere.py"], "study: the file 'nowhere.py' does not exist"),
        (["lint", LOSS, "--name", "x"], "an expression is itself the value"),
        (["lint", LOSS, "--parameters", "model"], "no variable 'model'"),
        (["lint", "train.py", "--name", "other"], "train.py has no variable 'other'"),
        (["digits", LOSS, "--precision", "3"], "at least 40"),
        (["compare", LOSS, "x = [1.0, 2.0]; x * x"], "one root has shape"),
        (["source", LOSS, "-o", "nowhere/x.py"], "the folder 'nowhere' of 'x.py' does not exist"),
        (["landscape", "curves", "-o", "nowhere/x.svg"], "the folder 'nowhere' of 'x.svg' does not exist"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(capsys, arguments, complaint):
    assert main(["study", *arguments]) == 1
    said, why = capsys.readouterr()
    assert complaint in why and why.startswith("micrograd-sm: ")
    assert [line for line in why.splitlines() if line != "training"] == [why.splitlines()[-1]]
    assert said in ("", "training\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "the following arguments are required: STUDY"),
        (["guess"], "invalid choice: 'guess'"),
        (["explain"], "EXPRESSION|FILE.py"),
        (["explain", LOSS, "-o", "x.docx"], "'x.docx' must end in .svg, .png, .pdf or .dot"),
        (["source", LOSS, "-o", "x.txt"], "'x.txt' must end in .py"),
        (["landscape", "moon"], "invalid choice: 'moon'"),
        (["landscape", "curves", "-o", "x.pdf"], "'x.pdf' must end in .svg, .png or .json"),
        (["paths", LOSS, "x", "--at", "a"], "'a' must be an index, as 1 or 0,2"),
        (["check", LOSS, "--order", "3"], "invalid choice: 3"),
    ],
)
def test_wrong_usage_exits_with_2(capsys, arguments, complaint):
    with pytest.raises(SystemExit) as ended:
        main(["study", *arguments])
    said, why = capsys.readouterr()
    assert ended.value.code == 2
    assert said == "" and "usage: micrograd-sm study" in why and complaint in why


# The process --------------------------------------------------------------------------------------------------------


def test_a_process_prints_json():
    done = process("explain", LOSS, "x", "--json", env={**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert strictly(done.stdout) == plain(study.explain(graph(LOSS), "x").to_dict())


def test_a_closed_pipe_ends_it_quietly():
    command = f'"{sys.executable}" -m micrograd_sm study landscape residuals-settings | head -1'
    done = subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True, text=True, timeout=60)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


@pytest.mark.parametrize("name", RUNS)
def test_help_has_an_example_that_works(capsys, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main(["study", name, "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert max(map(len, said.splitlines())) <= 80
    if name == "torch":
        pytest.importorskip("torch", reason="needs torch")
    if name == "landscape":
        pytest.importorskip("matplotlib", reason="needs matplotlib")
    example = shlex.split(said.partition("example:\n")[2].replace("\\\n", ""))
    assert main(example[1:]) == (name in ("lint", "anomaly"))


def test_help_names_every_study(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["study", "--help"])
    said = capsys.readouterr().out
    assert EPILOG in said and max(map(len, said.splitlines())) <= 80
    assert set(RUNS) <= set(re.findall(r"^    (\w+)", said, re.MULTILINE))


def test_nothing_of_study_is_imported_for_others():
    code = """
import sys
import micrograd_sm
from micrograd_sm.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
print([name for name in sys.modules if name.startswith(("matplotlib", "torch", "numpy", "micrograd_sm.study"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_page_shows_real_output(capsys):
    page = (Path(__file__).parents[1] / "docs" / "study.md").read_text(encoding="utf-8")
    shown = re.findall(r"```console\n\$ micrograd-sm (.*)\n((?:.*\n)*?)```", page)
    assert {shlex.split(command)[1] for command, _ in shown} == set(RUNS)
    for command, output in shown:
        if " torch " in command:  # how many ulps is torch's own affair, and it may be missing
            continue
        main(shlex.split(command))
        assert capsys.readouterr().out == output, command


def test_gradients_in_a_dict(capsys):
    path = "mine.py"
    program = "x = Value([1.0, 2.0])\ny = x * 3.0\nloss = y.sum()\ngrads = {'y': [1.0, 1.0], 'x': [1.0, 1.0]}\n"
    Path(path).write_text(f"from micrograd_sm import Value\n{program}")
    assert main(["study", "mine", path, "--mine", "grads"]) == 1
    assert "dx: wrong: the local derivative is missing" in capsys.readouterr().out
    assert main(["study", "mine", path, "--mine", "nothing"]) == 1
    assert "no variable 'nothing'" in capsys.readouterr().err


# Landscapes of one's own ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["logits", "--logits", "[1.0, 2.0, 0.0]", "--targets", "[0, 1, 2]", "--loss", "cross-entropy"], "minimum 1.0986 at"),
        (["curves", "--loss", "cross_entropy(logits, target) + (logits**2).sum()/9"], "minimum 0.6183 at 1.4434"),
        (["simplex", "--targets", "[0, 0, 1, 2]", "--loss", "cross_entropy(logits, target)"], "minimum 1.0397"),
        (["residuals", "--logits", "[[1.0, 2.0]]", "--targets", "[1]"], "+0.27  [-0.27]"),
        (["residuals", "--logits", "[[0.0, 1.0]]", "--targets", "[1]", "--loss", "(logits**2).sum()"], "+0.00  [+2.00]"),
        (["logits", "--loss", "(logits * 0).sum()"], "nothing pulls"),
    ],
)
def test_a_landscape_of_ones_own(capsys, arguments, said):
    assert main(["study", "landscape", *arguments]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["logits-settings", "--loss", "hinge"], "logits-settings takes no --loss; logits does"),
        (["residuals", "--loss", "hinge"], "residuals needs --logits, a list of rows, and --targets"),
        (["logits", "--logits", "3.0"], "--logits must be a list, as in '[2.0, 0.5, 0.0]', got '3.0'"),
        (["logits", "--targets", "[7]"], "target 7 is out of range for 3 classes"),
        (["logits", "--loss", ""], "the expression is empty"),
        (["logits", "--loss", "foo(logits)"], "the function foo is not allowed"),
        (["logits", "--loss", "logts.sum()"], "the name logts is unknown (did you mean logits?)"),
    ],
)
def test_a_landscape_that_cannot_be_made(capsys, arguments, said):
    assert main(["study", "landscape", *arguments]) == 1
    assert said in capsys.readouterr().err
