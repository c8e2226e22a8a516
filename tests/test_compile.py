"""A compiled function gives the function's values and gradients to the last bit, and never replays another branch."""

from __future__ import annotations

import ast
import builtins
import math
import random
import re
import struct
import threading
from collections.abc import Callable
from contextlib import redirect_stdout
from decimal import Decimal
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from micrograd_sm import (
    Graph,
    Value,
    compile,
    cross_entropy,
    enable_grad,
    grad,
    hessian,
    leaky_relu,
    nn,
    no_grad,
    optim,
    steps,
    value_and_grad,
    where,
)
from micrograd_sm.graph.evaluation import evaluated
from micrograd_sm.program import cells, function, writing
from micrograd_sm.study import anomaly, lint, source
from tests.test_source import BINARY, EDGES, TENSORS, UNARY

CHOICES: list[Callable[[Value], Value]] = [leaky_relu, lambda x: x.clamp(-1.0, 1.0), lambda x: where(x > 0, x, x * x)]


def bits(x: Any) -> list[bytes | None]:
    """Return the bits of every number in nested lists; nan is nan, whichever it is."""
    x = x.tolist() if hasattr(x, "tolist") else x
    if isinstance(x, list):
        return list(chain.from_iterable(map(bits, x)))
    return [x if x is None else b"nan" if x != x else struct.pack("<d", x)]


def outcome(f: Callable, data: list[Any], upstream: float = 1.0) -> Any:
    """Return the bits of a function's value and of its gradients, or the error that it raises."""
    leaves = [Value(x, name=f"x{place}") for place, x in enumerate(data)]
    try:
        out = f(*leaves)
    except (RuntimeError, ValueError) as error:
        return type(error), str(error)
    if out.requires_grad:
        out.backward(upstream)
    return bits(out.data), [bits(leaf.grad) for leaf in leaves]


def recordings(step: Any) -> int:
    return sum(map(len, step._replays.values()))


@st.composite
def scalar_functions(draw: st.DrawFn) -> Callable[..., Value]:
    plan = draw(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=10))

    def f(*leaves: Value) -> Value:
        values = list(leaves)
        for choice, i, j in plan:
            a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
            one = [*UNARY, *CHOICES]
            values.append(one[choice % len(one)](a) if choice < 50 else BINARY[choice % len(BINARY)](a, b))
        return values[-1]

    return f


numbers = st.one_of(st.sampled_from(EDGES), st.floats(-4, 4))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scalar_functions(), st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=2, max_size=5), numbers)
def test_the_same_bits_for_any_scalar_function_at_other_numbers(f: Callable, points: list, upstream: float) -> None:
    step = compile(f)
    for point in points:
        assert outcome(step, point) == outcome(f, point)
        assert outcome(step, point, upstream) == outcome(f, point, upstream)


ZEROS: list[Callable[[Value], Value]] = [
    lambda x: (x + -0.0) + 0.0, lambda x: (x * 0.0) + 0.0, lambda x: (x + 0.0) + 0.0, lambda x: (0.0 + x) + -0.0,
    lambda x: -x.neg(), lambda x: x * 1.0 / 1.0, lambda x: x - 0.0,
    lambda x: where(True, x, 1.0 / x), lambda x: (x * Value([0.0, 1.0])).sum(),
]  # fmt: skip


def test_the_same_bits_at_the_edges_of_floats() -> None:
    for f in (*UNARY, *CHOICES, *ZEROS):
        step = compile(f)
        for x in EDGES:
            assert outcome(step, [x]) == outcome(f, [x]), (x, step.code)
        assert recordings(step) == 1
    for g in BINARY:
        step = compile(g)
        for x in EDGES:
            for y in EDGES:
                assert outcome(step, [x, y]) == outcome(g, [x, y]), (x, y, step.code)
        assert recordings(step) == 1


@pytest.mark.parametrize("name", TENSORS)
def test_the_same_bits_for_tensors(name: str) -> None:
    f, step = TENSORS[name], compile(TENSORS[name])
    if name == "second order":
        pytest.skip("it calls backward() inside; compile(grad(f)) is below")
    for data in (
        [[1.0, 2.0, 0.1], [1.2, -0.5, 0.3]],
        [[-1.0, 0.0, 3.0], [0.0, -0.0, -7.0]],
        [[math.inf, 1.0, 1.0], [math.nan] * 3],
    ):
        assert outcome(step, [data]) == outcome(f, [data])
    assert recordings(step) <= 2


@pytest.mark.parametrize("length", [5, 9, 100])
def test_a_long_program_is_several_functions(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x: Value, w: Value) -> Value:
        for place in range(12):
            x = (x * w + w[place % 3]).tanh()
        return (x * w).sum()

    monkeypatch.setattr(writing, "LONGEST_FUNCTION", length)
    step, points = compile(f), [[[1.0, 2.0, 3.0], [0.1, 0.2, -0.3]], [[-1.0, 0.5, 1e308], [1e300, -2.0, 4.0]]]
    for point in points:
        assert outcome(step, point) == outcome(f, point)
    functions = [node for node in ast.parse(step.code).body if isinstance(node, ast.FunctionDef)]
    assert (len(functions) > 1) == (length < 100) and sum(len(node.body) > length + 12 for node in functions) <= 1


@pytest.mark.parametrize("size", [1, 16, 17, 256, 257])
def test_dot_products_of_any_length(size: int) -> None:
    def f(x: Value, y: Value) -> Value:
        return (x @ y).sum()

    row, column = [[math.sin(3.7 * i) for i in range(size)]], [[math.cos(2.3 * i)] for i in range(size)]
    assert outcome(compile(f), [row, column]) == outcome(f, [row, column])


# Arguments and results ----------------------------------------------------------------------------------------------


def test_new_shapes_are_recorded_and_few_recordings_are_kept() -> None:
    step = compile(lambda x: (x * x).sum())
    for size in (*range(1, 30), 3):
        x = Value([2.0] * size)
        step(x).backward()
        assert x.grad.tolist() == [4.0] * size
    assert recordings(step) == function.MOST_RECORDINGS


def test_structures_go_in_and_come_out() -> None:
    def f(parameters: dict[str, Any], *, scale: Value) -> dict[str, Any]:
        out = parameters["w"] * parameters["rows"][0] * scale
        return {"loss": out.sum(), "parts": [out, (scale, None)], "note": "as it is", "data": out.data}

    step, w, rows, scale = compile(f), Value([1.0, 2.0]), [Value([3.0, 4.0])], Value(2.0)
    for _ in range(2):
        found = step({"w": w, "rows": rows}, scale=scale)
        assert found["parts"][1] == (scale, None) and found["parts"][1][0] is scale and found["note"] == "as it is"
        assert found["data"].tolist() == found["parts"][0].tolist() == [6.0, 16.0]
        w.grad = None
        found["loss"].backward()
        assert w.grad.tolist() == [6.0, 8.0]
        found["parts"][0].backward([1.0, 10.0])
        assert w.grad.tolist() == [12.0, 88.0]


def test_one_value_in_two_places() -> None:
    w = Value(3.0)
    step = compile(lambda x, y: x * y * w)
    for arguments in ((w, w), (Value(2.0), Value(5.0)), (Value(2.0), w)):
        w.grad = None
        step(*arguments).backward()
        found = w.grad
        w.grad = None
        step.function(*arguments).backward()
        assert found == w.grad
    assert recordings(step) == 2


def test_the_result_is_a_value_in_a_graph() -> None:
    w, x = Value(3.0, name="w"), Value(2.0)
    loss = compile(lambda x: w * x)(x * x) + w
    loss.backward()
    assert (loss.data, w.grad, x.grad) == (15.0, 5.0, 12.0)
    assert [node.op for node in Graph(loss)] == [None, None, "multiply", "compiled", "add"]
    w.data = 4.0
    with pytest.raises(RuntimeError, match="the data of 'w' was set after add had used it"):
        loss.backward()


def test_no_grad_gives_values_alone() -> None:
    w = Value(3.0)
    step = compile(lambda x: w * x)
    with no_grad():
        assert not step(Value(2.0)).requires_grad
        with enable_grad():
            assert step(Value(2.0)).requires_grad
    inside = compile(lambda x: x * no_grad()(lambda: w * x)())
    x = Value(2.0)
    inside(x).backward()
    assert (x.grad, w.grad) == (6.0, None)


def test_gradients_of_gradients() -> None:
    def f(x: Value) -> Value:
        return (x * x * x).sum()

    for transform in (grad, hessian, value_and_grad):
        compiled = compile(transform(f))
        for data in ([1.0, 2.0], [3.0, -4.0]):
            x = Value(data, requires_grad=False)
            found, expected = compiled(x), transform(f)(x)
            assert str(found) == str(expected)
            assert str(transform(compile(f))(x)) == str(expected)
    w = Value(2.0)
    loss = compile(lambda: w**3.0)()
    loss.backward(create_graph=True)
    slope, w.grad = w.grad, None
    slope.backward()
    assert (slope.data, w.grad) == (12.0, 12.0)


def test_inside_another_compiled_function_and_under_a_watch_the_function_itself_is_called() -> None:
    inner = compile(lambda x: (x / 0.0) * 0.0)
    outer = compile(lambda x: inner(x) + x)
    assert bits(outer(Value(1.0)).data) == [b"nan"] and recordings(inner) == 0
    with anomaly(report=True) as watch:
        inner(Value(1.0)).backward()
    assert watch.found and "divide" in str(watch.found)


def test_methods_and_names() -> None:
    class Model:
        def __init__(self, k: float) -> None:
            self.k = Value(k)

        @compile
        def scaled(self, x: Value) -> Value:
            """Return x times k."""
            return self.k * x

    assert [Model(k).scaled(Value(2.0)).data for k in (2.0, 3.0)] == [4.0, 6.0]
    assert Model.scaled.__name__ == "scaled" and Model.scaled.__doc__ == "Return x times k."
    with pytest.raises(TypeError, match=r"expected a function, got Value\(2\.\); write compile\(f\)\(x\)"):
        compile(Value(2.0))  # type: ignore[arg-type]


def test_a_comparison_has_the_methods_of_an_array_and_elements_can_be_set() -> None:
    def f(x: Value) -> Value:
        rows = x.detach() * 0.0
        rows[1:] = x.detach()[1:] * 2.0
        kept = x * 1.0
        kept[0] = x[2]
        return (
            (kept * (x > 0).float() * rows.sum()).sum() + (x < 1).sum() * (x > 2).float().mean() + (x > 0).reshape(3, 1).T[0, 0]
        )

    step = compile(f)
    for data in ([1.0, -2.0, 3.0], [-1.0, 5.0, 0.0]):
        assert outcome(step, [data]) == outcome(f, [data])
    assert recordings(step) == 1


def test_threads() -> None:
    w = Value(2.0)
    step, found = compile(lambda x: (w * x).exp()), []

    def work(k: int) -> None:
        for n in range(20):
            found.append(step(Value([float(k)] * (n % 5 + 1))).tolist()[0] == (w * float(k)).exp().data)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80


def test_what_is_too_long_to_be_written_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MOST_OPERATIONS", 100)
    x = Value([[1.0] * 6] * 6)
    for f in (lambda x: x @ x, lambda x: (x * x * x * x).sum()):
        with pytest.raises(
            RuntimeError, match=r"takes more than 100 operations on single numbers, .* call the function itself"
        ):
            compile(f)(x)
    assert compile(lambda x: x[0] * x[0])(x).shape == (6,)


def test_other_libraries_arrays_are_refused() -> None:
    numpy = pytest.importorskip("numpy")
    with pytest.raises(TypeError, match="a Value holds an array of numpy; only Python's numbers are compiled"):
        compile(lambda x: x * 2.0)(Value(numpy.ones(2)))


# Source and training -------------------------------------------------------------------------------------------------


def test_source_is_what_source_prints() -> None:
    w = Value(3.0)

    def f(x: Value) -> Value:
        return (w * x - 1.0).tanh()

    step, x = compile(f), Value(0.25)
    for what in ("source", "code"):
        with pytest.raises(RuntimeError, match=f"compile: {what} is that of the last call, and there was none"):
            getattr(step, what)
    step(x)
    assert step.source == source(f(x), names={"x": x, "w": w})
    assert step.source.run()["loss"] == step(x).data
    assert "tanh(x" in step.code
    with pytest.raises(ValueError, match="the function returned Value"):
        _ = _called(compile(lambda x: x * Value([1.0, 2.0])), x).source


def _called(step: Any, *args: Any) -> Any:
    step(*args)
    return step


@pytest.mark.parametrize("by_hand", [True, False])
def test_training_takes_the_same_steps(by_hand: bool) -> None:
    def losses(wrap: Callable) -> list[Any]:
        random.seed(5)
        model = nn.MLP(2, [4, 1])
        points = [[random.uniform(-1, 1), random.uniform(-1, 1)] for _ in range(5)]
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.0 if by_hand else 0.9)

        def loss() -> Value:
            scores = [model(point) for point in points]
            data = sum((1.0 - y * score).relu() for y, score in zip((1.0, -1.0, 1.0, -1.0, 1.0), scores)) * 0.2
            return data + 1e-4 * sum(p * p for p in model.parameters())

        step, found = wrap(loss), []
        for _ in range(12):
            model.zero_grad()
            total = step()
            total.backward()
            found.append((total.data, [p.grad for p in model.parameters()]))
            if by_hand:
                for p in model.parameters():
                    p.data -= 0.1 * p.grad
            else:
                optimizer.step()
        return found

    assert losses(compile) == losses(lambda f: f)


def test_batches_with_probabilities_for_targets_are_recorded_once() -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3))
    step = compile(lambda x, y: cross_entropy(model(x), y))
    generator = random.Random(2)
    for _ in range(3):
        x = Value([[generator.gauss(0, 1) for _ in range(2)] for _ in range(3)], requires_grad=False)
        y = Value([[float(k == generator.randrange(3)) for k in range(3)] for _ in range(3)], requires_grad=False)
        assert bits(step(x, y).data) == bits(step.function(x, y).data)
    assert recordings(step) == 1


def test_studies_of_a_graph_with_a_compiled_node() -> None:
    w, x = Value(3.0, name="w"), Value([2.0, 0.5], name="x")
    loss = compile(lambda x: (w * x).tanh().sum())(x) * 2.0
    graph = Graph(loss)
    leaves = {node.id: node.data for node in graph if node.op is None}
    assert evaluated(graph, leaves)[graph.root] == loss.data
    moved = {id: data * 0.5 if graph[id].name in ("w", "x") else data for id, data in leaves.items()}
    assert evaluated(graph, moved)[graph.root] == 2.0 * (Value(1.5) * Value([1.0, 0.25])).tanh().sum().data
    assert len(steps(loss)) == 5 and not lint(loss)
    with pytest.raises(
        RuntimeError, match="source: node v2, compiled, is what compile made: give the loss of the function itself"
    ):
        source(loss)
    with pytest.raises(RuntimeError, match="a compiled function computes with floats only"):
        evaluated(graph, {**leaves, "v0": Decimal(1)})


def test_the_page_shows_what_it_prints() -> None:
    page = (Path(__file__).parent.parent / "docs" / "compile.md").read_text(encoding="utf-8")
    scope: dict[str, Any] = {"Value": Value, "compile": compile}
    for example in re.findall(r"^>>> (.*)\n((?:(?!>>> |```).*\n)*)", page, flags=re.MULTILINE):
        with redirect_stdout(StringIO()) as printed:
            exec(builtins.compile(example[0], "page", "single"), scope)
        assert printed.getvalue() == example[1], example
