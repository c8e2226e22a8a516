"""Values that hold Dask's arrays: in chunks, computed when they are asked for, on workers that may die."""

from __future__ import annotations

import operator
import os
import signal
import threading
import time
from typing import Any

import pytest

from micrograd_sm import Array, Graph, Value, cross_entropy, draw, nn

np = pytest.importorskip("numpy")
dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
pytest.importorskip("array_api_compat")

pytestmark = pytest.mark.filterwarnings("ignore")


def logits_and_targets(rows: int = 60) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    return generator.normal(size=(rows, 5)), generator.integers(0, 5, rows)


def outcome(logits: Any, targets: Any, **options: Any) -> list[Any]:
    x = Value(logits)
    loss = cross_entropy(x, targets, **options)
    (loss * loss).sum().backward()
    return [loss.tolist(), Value(x.grad).tolist()]


def in_chunks(array: Any) -> Any:
    return da.from_array(array, chunks=(7, *array.shape[1:]))


@pytest.mark.parametrize(
    "options",
    [{}, {"reduction": "sum"}, {"reduction": "none"}, {"weight": [1.0, 2.0, 3.0, 4.0, 5.0]}, {"label_smoothing": 0.1},
     {"ignore_index": 2}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["int64", "uint8"])
def test_cross_entropy_is_numpys(options: dict, dtype: str) -> None:
    logits, targets = logits_and_targets()
    found = outcome(in_chunks(logits), in_chunks(targets.astype(dtype)), **options)
    for ours, theirs in zip(found, outcome(logits, targets, **options)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-16)


class Started(dask.callbacks.Callback):
    """Counts the computations that Dask starts."""

    count = 0

    def _start(self, tasks: Any) -> None:
        self.count += 1


def test_nothing_is_computed_before_it_is_asked_for() -> None:
    logits, targets = map(in_chunks, logits_and_targets())
    targets = targets.astype("uint8")
    with Started() as started:
        x = Value(logits, name="x")
        loss = cross_entropy(x[2:] * 2.0, targets[2:])
        loss.backward()
        assert "not computed, shape (60, 5), float64, 9 chunks" in repr(x) and "not computed" in repr(loss)
        assert "computed when it is asked for" in draw(loss).source
        assert "not computed" in repr(Graph(loss)["v0"].data) and type(x.grad) is da.Array
        assert started.count == 0
        loss.item()
        assert started.count == 1


def test_a_mean_counts_its_targets_without_the_logits() -> None:
    def refused(block: Any) -> Any:
        raise ArithmeticError("the logits are not asked for yet")

    logits, targets = map(in_chunks, logits_and_targets())
    loss = cross_entropy(Value(logits.map_blocks(refused, meta=logits._meta)), targets, weight=[1.0, 2.0, 3.0, 4.0, 5.0])
    loss.backward()
    with pytest.raises(ArithmeticError):
        loss.item()


class Held(dask.callbacks.Callback):
    """Counts how many large arrays are held at once."""

    most = 0

    def _posttask(self, key: Any, result: Any, dsk: Any, state: Any, worker: Any) -> None:
        self.most = max(self.most, sum(getattr(x, "nbytes", 0) > 10_000 for x in state["cache"].values()))


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 3.0, 4.0, 5.0]])
@pytest.mark.parametrize("dtype", ["int64", "uint8"])
def test_few_chunks_are_held_at_once(dtype: str, weight: Any) -> None:
    place = da.arange(40_000, chunks=1_000)
    x = Value(da.sin(place[:, None] * 0.7 + da.arange(5)[None, :]))
    loss = cross_entropy(x, (place * 7 % 5).astype(dtype), weight)
    loss.backward()
    with Held() as held:
        dask.compute(loss.data, (x.grad**2).sum(), scheduler="synchronous")
    assert 1 <= held.most <= 5, held.most


def test_a_target_out_of_range_raises_when_it_is_computed() -> None:
    logits, targets = logits_and_targets()
    targets[8] = 5
    loss = cross_entropy(Value(in_chunks(logits)), in_chunks(targets))
    with pytest.raises(IndexError, match=r"target 5 is out of range for 5 classes \(0..4\)"):
        loss.item()


def test_arrays_of_different_libraries_do_not_mix() -> None:
    logits, _ = logits_and_targets()
    for program in (lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a.T @ b):
        with pytest.raises(
            TypeError, match=r"arrays of different libraries do not mix: got (numpy's ndarray|dask's Array) and"
        ):
            program(Value(logits), Value(in_chunks(logits)))


OPERATORS = [getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "pow", "lt", "le", "gt", "ge", "eq", "ne")]


@pytest.mark.parametrize("operation", OPERATORS, ids=lambda operation: operation.__name__)
@pytest.mark.parametrize("other", [Value([3.0, 2.0]), Array([3.0, 2.0]), [3.0, 2.0]], ids=["Value", "Array", "list"])
def test_our_own_numbers_mix_as_with_numpy(operation: Any, other: Any) -> None:
    def outcomes(x: Value) -> list[Any]:
        reflected = [operation(other, x)] if isinstance(other, Value) else []
        found = [operation(x, other), *reflected]
        for out in found:
            if isinstance(out, Value):
                out.sum().backward()
        return [np.asarray(out.tolist() if isinstance(out, Value) else out) for out in found] + [
            np.asarray(x.grad, dtype=float)
        ]

    for ours, theirs in zip(outcomes(Value(da.ones(2, chunks=1) * 2.0)), outcomes(Value(np.ones(2) * 2.0))):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("layer", [nn.Linear(5, 2), nn.BatchNorm1d(5), nn.LayerNorm(5)], ids=lambda layer: type(layer).__name__)
def test_layers_take_a_batch_in_chunks(layer: Any) -> None:
    logits, _ = logits_and_targets()
    state, found = layer.state_dict(), []
    for batch in (in_chunks(logits), logits):
        layer.load_state_dict(state)
        layer.zero_grad()
        out = layer(Value(batch))
        (out * out).sum().backward()
        found.append([out.tolist(), *(np.asarray(p.grad) for p in layer.parameters())])
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def slow(block: Any) -> Any:
    time.sleep(0.2)
    return block


def test_a_worker_that_is_killed_changes_no_number() -> None:
    distributed = pytest.importorskip("distributed")
    logits, targets = logits_and_targets(140)
    expected = outcome(logits, targets)
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        workers = client.run(os.getpid)
        killer = threading.Timer(1.0, os.kill, (min(workers.values()), signal.SIGKILL))
        killer.start()
        x = Value(in_chunks(logits).map_blocks(slow, dtype=float))
        loss = cross_entropy(x, in_chunks(targets))
        (loss * loss).sum().backward()
        found = client.gather(client.compute([loss.data, x.grad]))
        killer.join()
        assert set(client.run(os.getpid).values()) != set(workers.values())
    for ours, theirs in zip(found, expected):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-16)
