"""Trains a module of `to_torch` on processes that share their gradients; test_to_torch starts them."""

from __future__ import annotations

import os
import random
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from micrograd_sm import Value
from micrograd_sm.torch import to_torch


def network(rows: int) -> torch.nn.Module:
    """Return the logits of a small network for a batch of so many rows, always with the same parameters."""
    source = random.Random(1)
    drawn = lambda n, m: [[source.gauss(0.0, 0.5) for _ in range(m)] for _ in range(n)]
    parameters = {"first": Value(drawn(4, 8)), "second": Value(drawn(8, 3))}
    x = Value([[0.0] * 4] * rows)
    return to_torch((x @ parameters["first"]).tanh() @ parameters["second"], {"x": x})


def batches(count: int = 20, rows: int = 8) -> list[tuple[torch.Tensor, torch.Tensor]]:
    source = torch.Generator().manual_seed(3)
    return [
        (torch.randn(rows, 4, generator=source, dtype=torch.float64), torch.randint(3, (rows,), generator=source))
        for _ in range(count)
    ]


def train(module: torch.nn.Module, data: list[Any]) -> list[torch.Tensor]:
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5, momentum=0.9)
    for x, target in data:
        optimizer.zero_grad()
        cross_entropy(module(x), target).backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in module.parameters()]


def worker(rank: int, processes: int, rendezvous: str, out: str) -> None:
    """Train on this process's share of each batch, save the parameters, and end the process.

    It ends by `os._exit`: while Python takes itself apart, a thread of gloo that still wants the GIL aborts the process.
    An exception takes the usual way, back to the process that started this one.
    """
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=processes)
    share = [(x.chunk(processes)[rank], target.chunk(processes)[rank]) for x, target in batches()]
    module = DistributedDataParallel(network(len(share[0][0])))
    torch.save(train(module, share), f"{out}.{rank}")
    dist.barrier()  # the other one must not lose its partner before it has finished
    dist.destroy_process_group()
    os._exit(0)
