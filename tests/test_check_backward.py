"""`check_backward`: which line of a derivation by hand is wrong, and which slip it is."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import pytest

from micrograd_sm import Graph, Value, cross_entropy
from micrograd_sm.array import Array
from micrograd_sm.cli import main
from micrograd_sm.study import check_backward

SEED = 77  # the rules were written while looking at other ones


def corpus() -> Any:
    path = Path(__file__).parents[1] / "benchmarks" / "derivations.py"
    spec = importlib.util.spec_from_file_location("derivations", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small() -> tuple[Value, dict[str, Any]]:
    x = Value([[1.0, 2.0], [0.5, -1.0]], name="x")
    b = Value([0.1, 0.2], name="b")
    y = (x + b).tanh()
    y.name = "y"
    dy = 2.0 * y.detach()
    dx = (1.0 - y.detach() ** 2) * dy
    return (y * y).sum(), {"y": dy, "x": dx, "b": dx.sum(0)}


def test_planted_slips_are_located_and_named() -> None:
    outcomes = list(corpus().outcomes(SEED))
    planted = [x for x in outcomes if x.mutation != "none"]
    assert all(x.located for x in outcomes if x.mutation == "none")
    assert len(planted) > 150
    assert sum(x.located for x in planted) >= 0.97 * len(planted)
    assert sum(x.named for x in planted) >= 0.9 * len(planted)


def test_a_right_derivation_is_right() -> None:
    loss, mine = small()
    found = check_backward(loss, mine, names={})
    assert found and len(found) == 3 and not found.wrong and found.first is None
    assert [line.name for line in found] == ["y", "b", "x"]
    assert str(found).startswith("right: 3 gradients")


def test_a_wrong_line_is_wrong_once() -> None:
    loss, mine = small()
    mine["y"] = -mine["y"]
    mine["x"] = -mine["x"]
    mine["b"] = -mine["b"]
    found = check_backward(loss, mine, names={})
    assert [line.verdict for line in found] == ["wrong", "follows", "follows"]
    assert found.first is not None and found.first.slip == "sign"
    assert found.first.written == "dy"
    assert "1 of 3 gradients, 2 only because of one before" in str(found)


@pytest.mark.parametrize("kind", ["Value", "Array", "list", "function", "prefix", "by Value"])
def test_the_ways_to_give_gradients(kind: str) -> None:
    x = Value([1.0, 2.0], name="x")
    loss, dx = (x * 3.0).sum(), [3.0, 3.5]
    ways: dict[str, Any] = {
        "Value": {"x": Value(dx)}, "Array": {"dx": Array(dx)}, "list": {"x": dx}, "function": lambda: {"x": dx},
        "by Value": {x: dx}, "prefix": None,
    }  # fmt: skip
    found = check_backward(loss, ways[kind], prefix="d" if kind == "prefix" else None)
    assert not found and found.lines[0].written == "dx" and 0.7 < found.lines[0].digits < 0.9


def test_gradients_that_are_tensors() -> None:
    torch = pytest.importorskip("torch")
    x = Value([1.0, 2.0], name="x")
    loss = (x / 3.0).sum()
    assert check_backward(loss, {"x": torch.tensor([1.0, 1.0]) / 3.0}, names={})  # of float32
    assert not check_backward(loss, {"x": torch.tensor([1.0, 1.0 + 1e-7], dtype=torch.float64) / 3.0}, names={})


def test_rounding_is_no_slip() -> None:
    logits = Value([[1.0, 2.0, 0.1], [0.3, 0.2, 0.1]], name="logits")
    p = logits.detach().softmax(1)
    one_hot = Value([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    loss = cross_entropy(logits, [2, 0])
    assert check_backward(loss, {"logits": (p - one_hot) / 2.0 * (1.0 + 1e-10)}, names={})
    assert not check_backward(loss, {"logits": (p - one_hot) / 2.0 * (1.0 + 1e-7)}, names={})


def test_a_gradient_that_is_0_but_for_rounding() -> None:
    x = Value([1.0, 2.0, 4.0], name="x")
    shift = Value(0.3, name="shift")
    y = x + shift
    loss = ((y - y.sum() / 3.0) ** 3.0).sum()
    loss.backward()
    assert check_backward(loss, {"x": x.grad, "shift": 1e-15}, names={})
    assert not check_backward(loss, {"x": x.grad, "shift": 1e-3}, names={})


def test_nan_is_wrong() -> None:
    loss, mine = small()
    mine["x"] = [[math.nan] * 2] * 2
    assert not check_backward(loss, mine, names={})


def test_wrong_use_is_said() -> None:
    loss, mine = small()
    with pytest.raises(ValueError, match=r"check_backward: z fits no value of the loss; the names there are: b, x, y"):
        check_backward(loss, {"z": 1.0}, names={})
    assert check_backward(loss, {**mine, "z": 1.0}, names={}).left_out == ("z",)
    with pytest.raises(TypeError, match='say prefix="d"'):
        check_backward(loss)
    with pytest.raises(TypeError, match="mine must be a dict of gradients"):
        check_backward(loss, [1.0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the gradient 'x' must hold numbers"):
        check_backward(loss, {"x": "three"}, names={})
    with pytest.raises(ValueError, match="a loss is one number"):
        check_backward(Value([1.0, 2.0]) * 2.0, {"x": 1.0}, names={})


def test_the_graph_stays_as_it_is() -> None:
    loss, mine = small()
    before = Graph(loss, {}).to_json()
    mine["x"] = mine["b"]
    check_backward(loss, mine, names={})
    assert Graph(loss, {}).to_json() == before


def test_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "by_hand.py"
    text = "from micrograd_sm import Value\nx = Value([1.0, 2.0])\ny = x * x\nloss = y.sum()\ndx = {}\n"
    script.write_text(text.format("2.0 * x.detach()"))
    assert main(["study", "mine", str(script)]) == 0
    script.write_text(text.format("x.detach()"))
    assert main(["study", "mine", str(script)]) == 1
    capsys.readouterr()
    assert main(["study", "mine", str(script), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["right"] is False and said["lines"][0]["written"] == "dx"
