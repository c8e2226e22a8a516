"""Programs as people write them while they learn: each is a function of the library, torch or micrograd_sm, and gives the same.

Starting numbers are made by Python, so that both have the same.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch

import micrograd_sm


def start(m: Any, *size: int, seed: int = 0, scale: float = 1.0) -> Any:
    source = random.Random(seed + sum(size))
    count = math.prod(size)
    return m.tensor([source.gauss(0.0, scale) for _ in range(count)]).view(size)


def bigram_table(m: Any) -> Any:
    words = ["emma", "olivia", "ava"]
    chars = sorted(set("".join(words)))
    stoi = {s: i + 1 for i, s in enumerate(chars)}
    stoi["."] = 0
    N = m.zeros((len(stoi), len(stoi)), dtype=m.int32)
    for w in words:
        chs = [".", *list(w), "."]
        for ch1, ch2 in pairwise(chs):
            N[stoi[ch1], stoi[ch2]] += 1
    P = (N + 1).double()
    P /= P.sum(1, keepdim=True)
    log_likelihood, n = 0.0, 0
    for w in words:
        chs = [".", *list(w), "."]
        for ch1, ch2 in pairwise(chs):
            log_likelihood += m.log(P[stoi[ch1], stoi[ch2]])
            n += 1
    return (
        N,
        P[0].sum(),
        -log_likelihood / n,
        N[0].double() / N[0].sum(),
        N.sum(1),
        N[:, 0].tolist(),
        N.shape[0],
    )


def one_layer(m: Any) -> Any:
    xs, ys = m.tensor([0, 5, 13, 13, 1]), m.tensor([5, 13, 13, 1, 0])
    num = xs.nelement()
    W = start(m, 27, 27)
    W.requires_grad = True
    for _ in range(5):
        xenc = m.nn.functional.one_hot(xs, num_classes=27).double()
        logits = xenc @ W
        counts = logits.exp()
        probs = counts / counts.sum(1, keepdims=True)
        loss = -probs[m.arange(num), ys].log().mean() + 0.01 * (W**2).mean()
        W.grad = None
        loss.backward()
        W.data += -10 * W.grad
    return loss, W, xenc.shape[1], probs[0].sum(), f"{loss.item():.6f}"


class Linear:
    def __init__(self, m: Any, fan_in: int, fan_out: int, bias: bool = True) -> None:
        self.weight = start(m, fan_in, fan_out) / fan_in**0.5
        self.bias = m.zeros(fan_out) if bias else None

    def __call__(self, x: Any) -> Any:
        self.out = x @ self.weight
        if self.bias is not None:
            self.out += self.bias
        return self.out

    def parameters(self) -> list:
        return [self.weight] + ([] if self.bias is None else [self.bias])


class BatchNorm1d:
    def __init__(self, m: Any, dim: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.m, self.eps, self.momentum, self.training = m, eps, momentum, True
        self.gamma, self.beta = m.ones(dim), m.zeros(dim)
        self.running_mean, self.running_var = m.zeros(dim), m.ones(dim)

    def __call__(self, x: Any) -> Any:
        if self.training:
            dim = 0 if x.ndim == 2 else (0, 1)
            xmean, xvar = x.mean(dim, keepdim=True), x.var(dim, keepdim=True)
        else:
            xmean, xvar = self.running_mean, self.running_var
        xhat = (x - xmean) / self.m.sqrt(xvar + self.eps)
        self.out = self.gamma * xhat + self.beta
        if self.training:
            with self.m.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * xmean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * xvar
        return self.out

    def parameters(self) -> list:
        return [self.gamma, self.beta]


class Tanh:
    def __init__(self, m: Any) -> None:
        self.m = m

    def __call__(self, x: Any) -> Any:
        self.out = self.m.tanh(x)
        return self.out

    def parameters(self) -> list:
        return []


def deep_network(m: Any) -> Any:
    C = start(m, 10, 4)
    layers = [
        Linear(m, 12, 8, bias=False), BatchNorm1d(m, 8), Tanh(m), Linear(m, 8, 8, bias=False), BatchNorm1d(m, 8), Tanh(m),
        Linear(m, 8, 10, bias=False), BatchNorm1d(m, 10),
    ]  # fmt: skip
    with m.no_grad():
        layers[-1].gamma *= 0.1
        for layer in layers[:-1]:
            if isinstance(layer, Linear):
                layer.weight *= 5 / 3
    parameters = [C] + [p for layer in layers for p in layer.parameters()]
    for p in parameters:
        p.requires_grad = True
    Xb = m.tensor([[0, 1, 2], [3, 4, 5], [9, 9, 0], [7, 1, 1]])
    Yb = m.tensor([3, 6, 1, 0])
    lossi, ud = [], []
    for i in range(4):
        emb = C[Xb]
        x = emb.view(emb.shape[0], -1)
        for layer in layers:
            x = layer(x)
        loss = m.nn.functional.cross_entropy(x, Yb)
        for layer in layers:
            layer.out.retain_grad()
        for p in parameters:
            p.grad = None
        loss.backward()
        lr = 0.1 if i < 3 else 0.01
        for p in parameters:
            p.data += -lr * p.grad
        lossi.append(loss.log10().item())
        with m.no_grad():
            ud.append([((lr * p.grad).std() / p.data.std()).log10().item() for p in parameters if p.ndim == 2])
    stats = []
    for layer in layers[:-1]:
        if isinstance(layer, Tanh):
            t = layer.out
            hy, hx = m.histogram(t.detach(), bins=5, range=(-1.0, 1.0), density=True)
            stats += [t.mean(), t.std(), (t.abs() > 0.97).double().mean() * 100, hx[:-1].detach(), hy.detach()]
            stats += [layer.out.grad.mean(), layer.out.grad.std(), f"{t.mean().item():.3f}"]
    for norm in layers[1::3]:
        norm.training = False
    x = C[Xb].view(4, -1)
    for layer in layers:
        x = layer(x)
    count = sum(p.nelement() for p in parameters)
    return lossi, ud, stats, x, m.nn.functional.softmax(x, dim=1).max(1).indices, count, m.tensor(lossi).view(-1, 2).mean(1)


def compared(m: Any) -> Any:
    logits, Yb, n = start(m, 4, 5).requires_grad_(), m.tensor([1, 0, 4, 4]), 4
    maxes = logits.max(1, keepdim=True).values
    norm = logits - maxes
    counts = norm.exp()
    counts_sum = counts.sum(1, keepdims=True)
    inv = counts_sum**-1
    probs = counts * inv
    logprobs = probs.log()
    loss = -logprobs[range(n), Yb].mean()
    for t in [logprobs, probs, counts, counts_sum, inv, norm, maxes]:
        t.retain_grad()
    loss.backward()
    dlogprobs = m.zeros_like(logprobs)
    dlogprobs[range(n), Yb] = -1.0 / n
    dprobs = (1.0 / probs) * dlogprobs
    exact = m.all(dlogprobs == logprobs.grad).item()
    near = m.allclose(dprobs, probs.grad)
    worst = (dprobs - probs.grad).abs().max().item() < 1e-12
    dlogits = m.nn.functional.softmax(logits, 1)
    dlogits[range(n), Yb] -= 1
    dlogits /= n
    return (
        exact,
        near,
        worst,
        m.allclose(dlogits, logits.grad),
        (dlogits - logits.grad).abs().max() < 1e-12,
        dlogits[0].sum() < 1e-9,
    )


def consecutive(m: Any) -> Any:
    e = start(m, 4, 8, 6)
    a = e.view(4, 4, 12)
    b = m.cat([e[:, ::2, :], e[:, 1::2, :]], dim=2)
    x = start(m, 4, 1, 6)
    return (a == b).all(), a.view(4, 2, 24).shape[1], x.squeeze(1), e.mean((0, 1), keepdim=True), e.var((0, 1)), e.unbind(1)[0]


def averages(m: Any) -> Any:
    B, T, C = 2, 4, 2
    x = start(m, B, T, C)
    xbow = m.zeros((B, T, C))
    for b in range(B):
        for t in range(T):
            xprev = x[b, : t + 1]
            xbow[b, t] = m.mean(xprev, 0)
    wei = m.tril(m.ones(T, T))
    wei = wei / wei.sum(1, keepdim=True)
    tril = m.tril(m.ones(T, T))
    wei3 = m.zeros((T, T)).masked_fill(tril == 0, float("-inf"))
    wei3 = m.nn.functional.softmax(wei3, dim=-1)
    return xbow, m.allclose(xbow, wei @ x), m.allclose(xbow, wei3 @ x), wei3


def generated(m: Any) -> Any:
    """A batch of text, a causal head, the most likely next character, and the loss estimated without a gradient."""
    data = m.tensor([ord(c) % 11 for c in "to be or not to be that is the question"], dtype=m.long)
    n = int(0.9 * len(data))
    train = data[:n]
    ix = m.tensor([0, 7, 3])
    x = m.stack([train[i : i + 5] for i in ix])
    y = m.stack([train[i + 1 : i + 6] for i in ix])
    table, key, query, value = (start(m, *size).requires_grad_() for size in ((11, 6), (6, 6), (6, 6), (6, 11)))

    def logits_of(idx: Any) -> Any:
        T = idx.shape[1]
        h = table[idx]
        k, q, v = h @ key, h @ query, h @ value
        att = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        att = att.masked_fill(m.tril(m.ones(T, T)) == 0, float("-inf"))
        return m.nn.functional.softmax(att, dim=-1) @ v

    logits = logits_of(x)
    B, T, C = logits.shape
    loss = m.nn.functional.cross_entropy(logits.view(B * T, C), y.view(B * T))
    loss.backward()
    idx = m.zeros((1, 1), dtype=m.long)
    with m.no_grad():
        for _ in range(6):
            last = logits_of(idx[:, -4:])[:, -1, :]
            idx = m.cat((idx, m.argmax(last, dim=-1, keepdim=True)), dim=1)
        losses = m.zeros(3)
        for k in range(3):
            losses[k] = loss.item() * k
    return x, y, loss, table.grad, idx, losses.mean(), idx[0].tolist(), key.grad.norm()


def polynomial(m: Any) -> Any:
    x = m.linspace(-math.pi, math.pi, 50)
    y = m.sin(x)
    a, b, c, d = (m.tensor(v, requires_grad=True) for v in (0.1, -0.2, 0.3, -0.4))
    for _ in range(20):
        y_pred = a + b * x + c * x**2 + d * x**3
        loss = (y_pred - y).pow(2).sum()
        loss.backward()
        with m.no_grad():
            for p in (a, b, c, d):
                p -= 1e-6 * p.grad
                p.grad = None
    return loss, a, b, c, d, a.item()


def module(m: Any) -> Any:
    nn = m.nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(3, 4), nn.Linear(4, 4)])
            self.heads = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.Linear(4, 1)})
            self.scale = nn.Parameter(m.ones(1) * 0.5)
            self.register_buffer("shift", m.tensor([1.0, 2.0]))
            self.norm, self.drop = nn.LayerNorm(4), nn.Dropout(0.9)

        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                x = m.relu(layer(x)) * self.scale
            x = self.drop(self.norm(x))
            return self.heads["a"](x) + self.shift, self.heads["b"](x)

    net = Net()
    for k, (_, p) in enumerate(sorted(net.named_parameters())):
        p.data = start(m, *p.shape, seed=k)
    net.eval()
    decay = [p for p in net.parameters() if p.dim() > 1]
    rest = [p for p in net.parameters() if p.dim() <= 1]
    optimizer = m.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=0.05)
    scheduler = m.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    seen = []
    for _ in range(4):
        a, b = net(start(m, 5, 3))
        loss = nn.CrossEntropyLoss()(a, m.tensor([0, 1, 1, 0, 1])) + nn.MSELoss()(b, m.zeros(5, 1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
        seen += [loss.item(), float(norm), scheduler.get_last_lr()[0]]
    names = sorted(net.state_dict())
    return seen, names, net.training, sum(p.numel() for p in net.parameters() if p.requires_grad), len(list(net.children()))


def selected(m: Any) -> Any:
    x = m.arange(6).view(2, 3)
    a, i, j = x.double(), m.tensor([0, 1]), m.tensor([2, 0])
    mask = (a > 1) & (a < 5)
    values, indices = m.topk(a.flatten(), 2)
    correct = (a.argmax(1) == m.tensor([2, 1])).sum().item()
    return (
        a[i, j],
        a[mask],
        m.where(mask, a, -a),
        a.clamp(1, 3),
        (a > 2).nonzero(),
        values,
        indices,
        correct,
        m.sort(-a, dim=1).values,
        a.chunk(3, dim=1)[1],
        a.split([1, 2], dim=1)[1],
        a.masked_fill(a > 3, 0.0),
        a.gather(1, m.tensor([[0], [2]])),
        a.min(dim=0).values,
        a.amax(dim=1),
        m.max(a, a.flip(1)),
        m.min(a, 2 * a),
        [row.sum().item() for row in a],
        a.reshape(-1)[::2],
        a[-1, -1].item(),
    )


def arranged(m: Any) -> Any:
    x = m.arange(6).view(2, 3)
    a, b = x.double(), m.ones_like(x).double()
    return (
        a.size(),
        a.size(0),
        a.dim(),
        x.numel(),
        a.t(),
        m.cat([a, b]),
        m.stack((a, b), 1),
        a.unsqueeze(0).expand(2, -1, -1),
        a.roll(1),
        a.flip(1),
        a.repeat(1, 2),
        a.permute(1, 0).contiguous().view(-1),
        m.triu(a),
        m.diag(m.tensor([1.0, 2.0])),
        a.tolist(),
        len(a),
        m.eye(2),
        m.full((2,), 7),
        m.linspace(0, 1, 3),
        a.long(),
        a.bool().any(),
        (a >= 0).all(),
        m.zeros(2).fill_(3),
        a.squeeze(),
    )


def computed(m: Any) -> Any:
    x = m.arange(6).view(2, 3)
    a, b = x.double(), m.ones_like(x).double()
    return (
        a.T @ b,
        a.sum(0),
        a.mean(dim=1),
        a.pow(2),
        m.einsum("ij,kj->ik", a, b),
        m.outer(a[0], a[1]),
        a.cumsum(1),
        a.prod(),
        a.std(),
        a.var(unbiased=False),
        a.norm(),
        m.dot(a[0], b[0]),
        m.mv(a, b[0]),
        x % 2,
        x // 2,
        round(a[0, 1].item(), 1),
        a.abs().max(),
        m.logsumexp(a, 1),
        a.softmax(1),
        a.log_softmax(1),
        m.exp(b),
        b.log(),
        a.sqrt(),
        a.sigmoid(),
        a.tanh(),
        a.square(),
        a.eq(b),
        m.allclose(a, a + 1e-12),
        a.is_floating_point(),
        m.bmm(a[None], b.T[None]),
        f"{a[0, 1]:.2f}",
        int(a[1, 0]),
    )


PROGRAMS = [
    bigram_table, one_layer, deep_network, compared, consecutive, averages, generated, polynomial, module, selected, arranged,
    computed,
]  # fmt: skip


@pytest.fixture(autouse=True)
def in_float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def plain(x: Any) -> Any:
    """Return what a program gave as numbers, text, and lists of them."""
    if isinstance(x, (list, tuple)):
        return [plain(part) for part in x]
    return plain(x.tolist()) if hasattr(x, "tolist") else x


def close(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(close, ours, theirs))
    if isinstance(theirs, str):
        return ours == theirs
    return isinstance(ours, bool) == isinstance(theirs, bool) and ours == pytest.approx(
        theirs, rel=1e-9, abs=1e-11, nan_ok=True
    )


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_it_gives_what_torch_gives(program: Callable) -> None:
    theirs, ours = plain(program(torch)), plain(program(micrograd_sm))
    for place, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert close(a, b), f"result {place}: ours {a}, torch's {b}"
