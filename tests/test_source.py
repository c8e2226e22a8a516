"""The source of a gradient runs on its own, imports only math, and gives the engine's bits."""

from __future__ import annotations

import ast
import json
import math
import struct
import subprocess
import sys
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from micrograd_sm import Graph, Value, binary_cross_entropy_with_logits, cross_entropy, nll_loss, nn, softmax, stack, trace
from micrograd_sm.study import Program, source

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -7.25, 1e-300, -1e-300, 710.0, -745.2, 1e308, math.inf, -math.inf, math.nan]
UNARY: list[Callable[[Value], Value]] = [
    Value.exp, Value.log, Value.log1p, Value.sin, Value.cos, Value.tanh, Value.sigmoid, Value.relu, Value.abs, Value.softplus,
    Value.erf, Value.expm1,
    Value.sqrt, lambda x: -x, lambda x: x**2, lambda x: x**-0.5, lambda x: x + 1, lambda x: 3 / x, lambda x: 2.0**x,
]  # fmt: skip
BINARY: list[Callable[[Value, Value], Value]] = [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a**b, Value.maximum,
]  # fmt: skip


def bits(x: Any) -> list[bytes]:
    """Return the bits of every number in nested lists; nan is nan, whichever it is."""
    if hasattr(x, "tolist"):
        x = x.tolist()
    if isinstance(x, list):
        return list(chain.from_iterable(map(bits, x)))
    return [b"nan" if x != x else struct.pack("<d", x)]


def executed(program: Program) -> dict[str, Any]:
    variables: dict[str, Any] = {"print": lambda *_: None}
    exec(program.text, variables)
    return variables


def check(loss: Value, leaves: list[Value], run: Callable[[Program], dict[str, Any]] = executed) -> None:
    program = source(loss, names={})
    variables = run(program)
    loss.backward()
    assert bits(variables[program.loss]) == bits(loss.data)
    for leaf in leaves:
        if leaf.grad is not None:
            assert bits(variables[program.gradients[leaf.name or ""]]) == bits(leaf.grad), program.text


def alone(program: Program) -> dict[str, Any]:
    """Run the program in a Python that sees no installed package, and return what it computed."""
    wanted = [program.loss, *program.gradients.values()]
    code = f"{program.text}\nprint(repr({{name: globals()[name] for name in {wanted}}}))"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return eval(ran.stdout.splitlines()[-1], {"inf": math.inf, "nan": math.nan})


@st.composite
def scalar_graphs(draw: st.DrawFn) -> tuple[Value, list[Value]]:
    numbers = st.one_of(st.sampled_from(EDGES), st.floats(-4, 4))
    leaves = [Value(draw(numbers), name=f"x{place}") for place in range(draw(st.integers(1, 3)))]
    values = list(leaves)
    for _ in range(draw(st.integers(1, 8))):
        some = st.sampled_from(values[-4:])
        if draw(st.booleans()):
            values.append(draw(st.sampled_from(UNARY))(draw(some)))
        else:
            values.append(draw(st.sampled_from(BINARY))(draw(some), draw(some)))
    return values[-1], leaves


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scalar_graphs())
def test_the_same_bits_for_any_scalar_graph(drawn: tuple[Value, list[Value]]) -> None:
    loss, leaves = drawn
    check(loss, leaves)


@settings(max_examples=25, deadline=None)
@given(scalar_graphs())
def test_it_runs_alone(drawn: tuple[Value, list[Value]]) -> None:
    loss, leaves = drawn
    check(loss, leaves, alone)


def _logits() -> Value:
    return Value([[1.0, 2.0, 0.1], [1.2, -0.5, 0.3]], name="x")


def _slope(x: Value) -> Value:
    cross_entropy(x, [0, 2]).backward(create_graph=True)
    slope, x.grad = x.grad, None
    return (slope * slope).sum()


TENSORS: dict[str, Callable[[Value], Value]] = {
    "cross_entropy": lambda x: cross_entropy(x, [2, 0]),
    "weights, smoothing, ignored": lambda x: cross_entropy(x, [2, -100], weight=[1.0, 2.0, 0.5], label_smoothing=0.1),
    "probabilities": lambda x: cross_entropy(x, [[0.1, 0.2, 0.7], [1.0, 0.0, 0.0]]),
    "naive": lambda x: nll_loss(softmax(x, dim=1).log(), [0, 1]),
    "binary": lambda x: binary_cross_entropy_with_logits(x, [[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]),
    "ties": lambda x: x.relu().amax(dim=1).sum() + x.abs().amin(),
    "moves": lambda x: (x.transpose(0, 1).reshape(2, 3)[:, [0, 0, 2]] * x.unsqueeze(0).expand(2, 2, 3)).mean(),
    "joined": lambda x: stack([x[0], x[1] * x[0]]).reshape(6).amax() + (stack([x, x * x]) @ x.transpose(0, 1)).sum(),
    "powers": lambda x: (x.abs() ** x).sum() + (x**0.5).sum() + (2.0**x).logsumexp(dim=(0, 1)),
    "long dot product": lambda x: (x.reshape(1, 6).expand(1, 6) @ x.reshape(6, 1)).sum(),
    "second order": _slope,
    "overflow": lambda x: (x * 1e3).exp().sum() / (x - x).sum(),
}


@pytest.mark.parametrize("name", TENSORS)
def test_the_same_bits_for_tensors(name: str) -> None:
    x = _logits()
    check(TENSORS[name](x), [x], alone)


@pytest.mark.parametrize("k", [3, 17, 40, 300])
def test_dot_products_of_any_length_are_added_up_as_the_engine_does(k: int) -> None:
    x = Value([[math.sin(3.7 * i) for i in range(k)]], name="x")
    y = Value([[math.cos(2.3 * i)] for i in range(k)], name="y")
    check((x @ y).sum(), [x, y])


@pytest.mark.parametrize(
    "numbers", [[1e16, 1.0, -1e16], [0.1] * 10, [1e308, 1e308], [math.inf, 1.0, -math.inf], [-0.0, -0.0], [5.0]]
)
def test_sums_are_added_up_as_the_engine_does(numbers: list[float]) -> None:
    x = Value(numbers, name="x")
    check((x * x.sum()).sum(), [x], alone)


def test_a_network() -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3))
    parameters = dict(model.named_parameters())
    for name, parameter in parameters.items():
        parameter.name = name
    check(cross_entropy(model([[0.5, -1.0], [2.0, 0.1]]), [0, 2]), list(parameters.values()), alone)


def test_it_imports_only_math() -> None:
    tree = ast.parse(source(cross_entropy(_logits() * 1e4, [2, 0])).text)
    imported = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(node) for node in imported] == ["import math"]


def test_names_are_data() -> None:
    names = ["x", "x", "loss", "math", "class", "grad_x", "0day", "x_0", "a\nimport os", "é", "'''", "v9", "ieee"]
    leaves = [Value(1.0 + place, name=name) for place, name in enumerate(names)]
    loss = leaves[0] * 0.0
    for leaf in leaves:
        loss = loss + leaf * leaf
    program = source(loss + Value([1.0, 2.0], name="x").sum() + Value([5.0], name="é\u202e").sum())
    variables = executed(program)
    assert bits(variables[program.loss]) == bits(loss.data + 8.0)
    loss.backward()
    found = [variables[name] for name in program.gradients.values()]
    assert found[: len(leaves)] == [leaf.grad for leaf in leaves]
    assert [line for line in program.text.splitlines() if line.startswith(("import", "from"))] == ["import math"]


@pytest.mark.parametrize("name", ["ValueError", "OverflowError", "hasattr", "zip", "len"])
def test_a_name_does_not_hide_what_the_program_calls(name: str) -> None:
    x = Value(-1.0, name=name)
    row = stack([x] * 17)
    check((row @ row) + x.sqrt(), [x], alone)


def test_a_traced_line_stands_above_what_it_made() -> None:
    with trace():
        loss = Value(2.0, name="x").exp()
    assert "test_source.py" in source(loss).text


def test_the_graph_may_be_given_and_no_grad_is_touched() -> None:
    x = Value(2.0, name="x")
    loss = x.softplus()
    assert source(Graph(loss).fold()).text == source(loss).text
    assert x.grad is None
    assert json.loads(json.dumps(source(loss).to_dict()))["gradients"] == {"x": "grad_x"}


def test_what_it_refuses() -> None:
    with pytest.raises(TypeError, match=r"source: expected a Value or a Graph, got 3\.0"):
        source(3.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"one number, got shape \(2,\); reduce it first"):
        source(Value([1.0, 2.0]) * 2)
    with pytest.raises(ValueError, match="requires no gradient"):
        source(Value(1.0, requires_grad=False))
    with pytest.raises(ValueError, match="at most 20,000 are written"):
        source((Value([[1.0] * 100] * 100) @ Value([[1.0] * 100] * 100)).sum())
