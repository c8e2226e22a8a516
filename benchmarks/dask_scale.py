"""cross_entropy and its gradient over 10^8 logits, in chunks, on two worker processes of one machine; run by hand.

It holds three things: the loss and gradient of 10^6 logits are NumPy's, a worker that is killed in the middle changes no
number, and no worker ever holds more than a few chunks, where the logits alone are 800 MB. The gradient is not gathered: each
worker reduces its chunks to the sum of the gradient's squares, as training would reduce them to the gradient of its weights.

    python benchmarks/dask_scale.py [rows] [rows of a chunk]
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster

from micrograd_sm import Value, cross_entropy

CLASSES = 10
CLUSTER = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None, "silence_logs": 50}


def logits_and_targets(rows: int, chunk: int) -> tuple:
    """Return logits (rows, 10) and targets (rows,) that any process computes from the place alone."""
    place = da.arange(rows, chunks=chunk)
    logits = da.sin(place[:, None] * 0.7 + da.arange(CLASSES, chunks=CLASSES)[None, :] * 1.3) * 3.0
    return logits, (place * 7) % CLASSES


def loss_and_squares(logits, targets) -> tuple:
    """Return the loss, and the sum of the squares of its gradient, of any storage; Dask has not computed them yet."""
    x = Value(logits)
    loss = cross_entropy(x, targets)
    loss.backward()
    return loss.data, (x.grad**2).sum()


def check_against_numpy(rows: int = 100_000) -> None:
    logits, targets = logits_and_targets(rows, 10_000)
    x, y = Value(logits), Value(logits.compute())
    ours, theirs = cross_entropy(x, targets), cross_entropy(y, targets.compute())
    ours.backward()
    theirs.backward()
    loss, gradient = dask.compute(ours.data, x.grad)
    print(
        f"10^6 logits: loss {loss:.15f}, NumPy's {theirs.item():.15f}; gradients differ by {abs(gradient - y.grad).max():.1e}"
    )
    assert abs(loss - theirs.item()) < 1e-14 and abs(gradient - y.grad).max() < 1e-18


def peak() -> float:
    """Return the most memory that this process has held so far, in MB."""
    with open(f"/proc/{os.getpid()}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def run(client: Client, rows: int, chunk: int, kill: bool) -> tuple[float, float]:
    before = client.run(peak)
    logits, targets = logits_and_targets(rows, chunk)
    start = time.perf_counter()
    parts = loss_and_squares(logits, targets)
    built = time.perf_counter() - start
    if kill:
        victim = next(iter(client.run(os.getpid).values()))
        threading.Timer(5.0, os.kill, (victim, signal.SIGKILL)).start()
    loss, squares = client.gather(client.compute(parts))
    took = time.perf_counter() - start
    after = client.run(peak)
    grown = [f"{after[worker] - before[worker]:.0f} MB" if worker in before else "(started anew)" for worker in after]
    print(f"{rows * CLASSES:.0e} logits, chunks of {chunk * CLASSES * 8 / 1e6:.0f} MB{', a worker killed' * kill}: "
          f"loss {loss:.15f}, |gradient|^2 {squares:.15e}; built in {built:.1f} s, computed in {took:.0f} s; "
          f"workers at rest {', '.join(f'{x:.0f}' for x in before.values())} MB, grown by {', '.join(grown)}")  # fmt: skip
    return float(loss), float(squares)


def main(rows: int = 10_000_000, chunk: int = 100_000) -> None:
    check_against_numpy()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        first = run(client, rows, chunk, kill=False)
        second = run(client, rows, chunk, kill=True)
    assert np.allclose(first, second, rtol=1e-13, atol=0.0), (first, second)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
