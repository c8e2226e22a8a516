"""Steps and studies on each storage: the same words as on lists; large arrays are summarised, and never made lists."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from micrograd_sm import Graph, Value, cross_entropy, draw, engine, gaussian_nll_loss, nll_loss, steps
from micrograd_sm.array import Array, storage, summary
from micrograd_sm.graph import computed
from micrograd_sm.study import anomaly, compare, digits, explain, first_anomaly, lint, paths
from tests.test_lint import RIGHT, WRONG, linted

np = pytest.importorskip("numpy")
ROWS, TARGET = [[0.5, -1.0, 0.25], [1.0, 0.125, -0.5], [2.0, 0.0, 0.5], [0.75, 0.25, 3.0]], [2, 0, 1, 0]


def numpy_array(data: Any) -> Any:
    return np.array(data)


def torch_tensor(data: Any) -> Any:
    pytest.importorskip("array_api_compat")
    return pytest.importorskip("torch").asarray(np.array(data))


def dask_array(data: Any) -> Any:
    pytest.importorskip("array_api_compat")
    return pytest.importorskip("dask.array").from_array(np.array(data), chunks=3)


EAGER = [numpy_array, torch_tensor]


def loss_on(make: Callable[[Any], Any], rows: Any = ROWS, target: Any = TARGET) -> tuple[Value, Value]:
    x = Value(make(rows), name="x")
    return x, nll_loss(x * 2.0, make(target) if make is not list else target)  # no rounding, in any order of addition


def large(make: Callable[[Any], Any], size: int = 60_000) -> tuple[Value, Value]:
    generator = np.random.default_rng(0)
    x = Value(make(generator.normal(size=(size, 3))), name="x")
    return x, cross_entropy(x * 2.0, make(generator.integers(0, 3, size=size)))


@contextmanager
def large_lists() -> Iterator[list[str]]:
    """Hear of each array of more elements than are looked at one by one that is turned into a list."""
    found: list[str] = []

    def hear(frame: Any, event: str, call: Any) -> None:
        if event == "c_call" and call.__name__ == "tolist" and math.prod(call.__self__.shape) > summary.LARGE:
            found.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")

    before = sys.getprofile()
    sys.setprofile(hear)
    try:
        yield found
    finally:
        sys.setprofile(before)


VIEWS: dict[str, Callable[[Value, Value], Any]] = {
    "steps": lambda x, loss: steps(loss, {"loss": loss}).text(),
    "steps of a graph": lambda x, loss: steps(Graph(loss, {"loss": loss})).text(),
    "folded steps": lambda x, loss: steps(loss, {"loss": loss}).fold().text(),
    "lint": lambda x, loss: str(lint(loss, names={})),
    "explain": lambda x, loss: str(explain(loss, x, names={})),
    "explain, folded": lambda x, loss: str(explain(loss, x, 0, names={})),
    "first_anomaly": lambda x, loss: str(first_anomaly(loss, names={})),
    "compare": lambda x, loss: str(compare(loss, loss, names={})),
}
OF_EACH_NUMBER: dict[str, Callable[[Value, Value], Any]] = {
    "check": lambda x, loss: str(steps(loss, {}).check()),
    "paths": lambda x, loss: str(paths(loss, x, names={})),
    "digits": lambda x, loss: str(digits(loss, names={})),
}


@pytest.mark.parametrize("make", EAGER)
@pytest.mark.parametrize("view", (VIEWS | OF_EACH_NUMBER).values(), ids=VIEWS | OF_EACH_NUMBER)
def test_a_view_says_what_it_says_of_lists(view: Callable, make: Callable) -> None:
    assert view(*loss_on(make)) == view(*loss_on(list))


@pytest.mark.parametrize("view", (VIEWS | OF_EACH_NUMBER).values(), ids=VIEWS | OF_EACH_NUMBER)
def test_a_view_of_dasks_arrays_computes_them_once(view: Callable) -> None:
    x, loss = loss_on(dask_array)
    with started() as computations:
        said = view(x, loss)
    assert "not computed" not in said and said == view(*loss_on(dask_array))
    assert len(computations) == (2 if view is VIEWS["compare"] else 1)  # of two graphs


# Large arrays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_view_of_large_arrays_makes_no_lists_and_is_the_same_on_each_library(view: Callable) -> None:
    said = set()
    for make in EAGER:
        x, loss = large(make)
        with large_lists() as found:
            said.add(view(x, loss))
        assert found == []
    assert len(said) == 1


def test_steps_of_a_large_array_say_shape_first_numbers_and_ends() -> None:
    x = Value(np.linspace(-1.0, 3.0, 120_000).reshape(400, 300), name="x")
    product, _, _, _, to_exp, through_exp, through_product = steps((x * 2.0).exp().sum(), {})
    assert product.formulas[0].numbers == "[400 x 300 from -1 to 3: -1, -1.000, -0.9999, ...] * 2"
    assert product.formulas[0].result == "[400 x 300 from -2 to 6: -2, -2.000, -2.000, ...]"
    assert to_exp.text.startswith("dL/dv3 += dL/dL = 1, a copy for each element = [400 x 300 from 1 to 1: 1, 1, 1, ...]")
    assert through_exp.text.startswith(
        "dL/dv2 += dL/dv3 * dv3/dv2, element by element = [400 x 300 from 1 to 1: 1, 1, 1, ...] * ["
    )
    assert through_exp.rules[0].text == "d exp(u)/du = exp(u) = 403.4, at [399, 299]"
    assert through_exp.why == "exp is its own slope, so its result is the factor: 403.4 at [399, 299]."
    assert through_product.rules[0].text == "d(u * v)/du = v = 2, at [399, 299]" and "400 x 300 from" in through_product.mathml


def test_nan_and_infinities_of_a_large_array_are_said() -> None:
    data = np.zeros(200_000)
    data[5], data[7], data[8] = np.nan, np.inf, 2.5
    x = Value(data, name="x")
    assert "sum([200000 elements from 0 to 2.5, some nan, some inf: 0, 0, 0, ...], dim=0) = nan" in steps(x.sum(), {})[0].text
    found = first_anomaly(x * 1.0)
    assert found is not None and found.kind == "nan" and str(found).startswith("the value of x is nan: it was given so")
    assert found.to_dict()["result"]["strange"] == 2


def test_p_minus_y_is_found_in_a_large_array() -> None:
    x, loss = large(numpy_array)
    assert any("is (p - y) / 60000." in step.why for step in steps(loss))
    (share,) = explain(loss, x).shares
    assert share.formula == "(p - y) / 60000" and share.y.ends == [0.0, 1.0] and share.p.shape == (60_000, 3)


def test_a_large_step_leaves_the_gradients_of_backward() -> None:
    (x, loss), (y, other) = large(numpy_array), large(numpy_array)
    walk = steps(loss)
    other.backward()
    assert (x.grad == y.grad).all() and walk.graph[walk.graph.id_of(x)].grad.array is x.grad


def test_a_number_beside_a_large_array_inside_a_fold_has_its_derivative() -> None:
    v, x = Value(0.5, name="v"), Value(np.linspace(-1.0, 1.0, 150_000), name="x")
    step = steps(gaussian_nll_loss(x, x.data * 0.9, v), {}).fold()[-1]
    assert step.formulas[0].text == "dL/dv += dL/dL * dL/dv = 1 * 0.9933 = 0.9933, from nothing to 0.9933"


def test_a_large_anomaly_is_found_in_its_block() -> None:
    x = Value(np.linspace(0.0, 1.0, 150_000), name="x")
    with large_lists() as found, np.errstate(all="ignore"), anomaly(report=True) as watch:
        x.log()
    assert found == [] and str(watch.found).startswith("the value of v1 is -inf: log of x = [150000 elements from 0 to 1: 0, ")


@pytest.mark.parametrize("view", OF_EACH_NUMBER.values(), ids=OF_EACH_NUMBER)
@pytest.mark.parametrize("make", EAGER)
def test_what_reads_each_number_says_so(view: Callable, make: Callable) -> None:
    x, loss = large(make)
    with pytest.raises(
        RuntimeError, match=r"^(check|paths|digits): node v0 has shape \(60000, 3\), 180,000 elements, .*a few rows"
    ):
        view(x, loss)


def test_a_large_array_has_a_page(open_page: Any, tmp_path: Path) -> None:
    _, loss = large(numpy_array, 400_000)
    path = steps(loss, {"loss": loss}).save(tmp_path / "page.html")
    assert path.stat().st_size < 300_000
    page = open_page(path, "#step=20")
    assert "too large to be shown element by element" in page.locator("#heat").inner_text()
    assert "400000 x 3 from" in page.locator("#formula").inner_text()
    page.keyboard.press("p")
    assert page.locator("#asked").inner_text().startswith("This array is too large")
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_a_large_array_is_compared_with_a_list_and_not_with_another_librarys() -> None:
    (x, loss), other = large(numpy_array), large(torch_tensor)[1]
    lists = Value(x.data.tolist(), name="x")
    found = compare((x * 2.0).sum(), (lists * 2.0).sum(), names={})
    assert found and [match.value for match in found][:2] == [0.0, 0.0]
    with pytest.raises(TypeError, match="arrays of different libraries do not mix"):
        compare(loss, other, names={})


def test_edges_of_large_arrays_are_drawn() -> None:
    _, loss = large(numpy_array)
    loss.backward()
    assert "(60000, 3)" in draw(loss, edges=True).source


UNASKED = {"sampling-from-logits", "smoothing-twice"}  # of large arrays, as the docs say
UNASKED |= {"detached"}  # of any array of another library: a detached copy has an array of its own


@pytest.mark.parametrize("name", [*WRONG, *RIGHT])
def test_lint_finds_in_summaries_what_it_finds_in_lists(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_numpy(data: Any, requires_grad: bool) -> Any:
        x = storage.stored(data, requires_grad)
        return storage.stored(np.array(x.tolist(), dtype=x.dtype).reshape(x.shape), requires_grad) if type(x) is Array else x

    rules, code = WRONG.get(name) or RIGHT[name]
    monkeypatch.setattr(engine, "stored", in_numpy)
    monkeypatch.setattr(summary, "LARGE", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's of nan and infinity
        found = set(linted(code).rules)
    assert found in (rules, rules - UNASKED)


# Dask -----------------------------------------------------------------------------------------------------------------


@contextmanager
def started() -> Iterator[list[int]]:
    """Hear of each computation that Dask starts."""
    callbacks = pytest.importorskip("dask.callbacks")
    found: list[int] = []

    class Started(callbacks.Callback):
        def _start(self, tasks: Any) -> None:
            found.append(len(tasks))

    with Started():
        yield found


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 8 elements of an array are computed for a view."""
    monkeypatch.setattr(computed, "MOST", 8)


def test_of_a_larger_array_dask_computes_the_ends_alone(few: None) -> None:
    x, loss = loss_on(dask_array)
    with started() as computations:
        walk = steps(loss, {})
        text, page = walk.text(), walk._repr_mimebundle_()
        assert "v2 = x * 2 = [4 x 3 from -1 to 3: 0.5, -1, 0.25, ...] * 2 = [4 x 3 from -2 to 6: 1, -2, 0.5, ...]" in text
        assert "dL/dx += dL/dv2 * dv2/dx, element by element = " in text and page
        assert str(explain(loss, x)) and first_anomaly(loss) is None
    assert len(computations) == 3


def test_a_study_refuses_a_larger_array_before_it_is_computed(few: None) -> None:
    _, loss = loss_on(dask_array)
    with started() as computations:
        for study, name in ((lint, "lint"), (lambda loss: compare(loss, loss), "compare")):
            with pytest.raises(
                RuntimeError, match=rf"^{name}: node v0 has shape \(4, 3\), 12 elements, .* 8 that are not computed"
            ):
                study(loss)
    assert computations == []


def test_what_dask_raises_is_raised_at_once() -> None:
    loss = nll_loss(Value(dask_array(ROWS)), dask_array([2, 0, 5, 0]))
    with pytest.raises(IndexError, match="target 5 is out of range"):
        steps(loss)


def test_edges_of_arrays_that_are_not_computed_are_drawn_without_them() -> None:
    _, loss = loss_on(dask_array)
    loss.backward()
    with started() as computations:
        assert "computed when it is asked for" in draw(loss, edges=True).source
    assert computations == []
