"""Torch programs to record: each returns its loss and the tensors whose gradients are wanted, and knows nothing of us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

Program = Callable[[], tuple[torch.Tensor, list[torch.Tensor]]]


def trained(model: nn.Module, loss: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    return loss, list(model.parameters())


def leaf(*shape: int) -> torch.Tensor:
    return torch.randn(shape, requires_grad=True)


def mlp() -> Any:
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.ReLU(inplace=True), nn.Linear(8, 3))
    return trained(model, F.cross_entropy(model(torch.randn(5, 4)), torch.tensor([0, 2, 1, 1, 0])))


def embedding() -> Any:
    table, out = nn.Embedding(7, 4, padding_idx=0), nn.Linear(12, 7)
    ids = torch.tensor([[0, 1, 2], [3, 3, 0]])
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)(out(table(ids).view(2, -1)), torch.tensor([4, 6]))
    return loss, [table.weight, *out.parameters()]


def batch_norm() -> Any:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.GELU(), nn.Linear(4, 1))
    return trained(model, F.mse_loss(model(torch.randn(6, 3)), torch.randn(6, 1)))


def batch_norm_in_use() -> Any:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.SiLU(), nn.Linear(4, 1))
    model(torch.randn(6, 3))
    model.eval()
    return trained(model, F.huber_loss(model(torch.randn(6, 3)), torch.randn(6, 1)))


def layer_norm() -> Any:
    model = nn.Sequential(nn.LayerNorm(5), nn.Linear(5, 5), nn.ELU(), nn.LayerNorm(5, elementwise_affine=False))
    return trained(model, (model(torch.randn(4, 5)) * torch.randn(4, 5)).sum())


def dropout() -> Any:
    model = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Dropout(0.5), nn.Linear(10, 4), nn.Dropout(0.3, inplace=True))
    return trained(model, model(torch.randn(3, 6)).logsumexp(1).mean())


def attention() -> Any:
    x, q, k, v = torch.randn(2, 4, 6), nn.Linear(6, 6, bias=False), nn.Linear(6, 6, bias=False), nn.Linear(6, 6, bias=False)
    split = lambda y: y.view(2, 4, 2, 3).transpose(1, 2)
    scores = split(q(x)) @ split(k(x)).transpose(-2, -1) / 3**0.5
    scores = scores.masked_fill(torch.tril(torch.ones(4, 4)) == 0, float("-inf"))
    out = (F.softmax(scores, dim=-1) @ split(v(x))).transpose(1, 2).contiguous().view(2, 4, 6)
    return (out**2).mean(), [q.weight, k.weight, v.weight]


def attention_of_torch() -> Any:
    q, k, v = leaf(2, 2, 4, 3), leaf(2, 2, 4, 3), leaf(2, 2, 4, 3)
    causal = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    masked = F.scaled_dot_product_attention(q, k, v, attn_mask=torch.ones(4, 4, dtype=torch.bool).tril())
    added = F.scaled_dot_product_attention(q, k, v, attn_mask=torch.randn(4, 4))
    return (causal * masked - added).square().sum(), [q, k, v]


def attention_with_dropout() -> Any:
    q, k, v = leaf(2, 2, 4, 3), leaf(2, 2, 4, 3), leaf(2, 2, 4, 3)
    return F.scaled_dot_product_attention(q, k, v, dropout_p=0.5, is_causal=True).square().sum(), [q, k, v]


def recurrent_by_hand() -> Any:
    cell, h, losses = nn.Linear(5, 3), torch.zeros(2, 3), []
    states = torch.zeros(4, 2, 3)
    for t, x in enumerate(torch.randn(4, 2, 2)):
        h = torch.tanh(cell(torch.cat([x, h], dim=1)))
        states[t] = h
        losses.append(h.pow(2).sum())
    return torch.stack(losses).mean() + states[1:, 0].prod(), list(cell.parameters())


def recurrent_cell() -> Any:
    cell, h = nn.RNNCell(2, 3), torch.zeros(2, 3)
    for x in torch.randn(3, 2, 2):
        h = cell(x, h)
    return h.sum(), list(cell.parameters())


def views() -> Any:
    w = leaf(4, 6)
    a, b = w.chunk(2, dim=1)
    c, d, e = torch.split(w.T, [1, 2, 3])
    parts = w.unsqueeze(0).expand(2, 4, 6).permute(2, 0, 1).reshape(6, 8).flatten()
    picked = w[torch.tensor([0, 3]), torch.tensor([1, 2])] * w[:, ::2][1, 1:] * w[w > 0].sum()
    rows = torch.stack([row * k for k, row in enumerate(w.unbind(0), 1)])
    return (a * b).sum() + c.sum() * d.mean() + e.std() + parts.var() + picked.sum() + rows[..., -1].norm(), [w]


def in_place() -> Any:
    w = leaf(3, 4)
    x = w * 2.0
    x += 1.0
    x.mul_(w.detach())
    x[:, 0] = w[:, 1].exp()
    x[1].add_(w[2])
    row = x[2]
    row[1:3] *= 3.0
    x.view(-1)[5] = w[0, 0] * w[0, 1]
    column = x.t()[3]
    column.sub_(1.0)
    x.clamp_(-2.0, 2.0)
    x.masked_fill_(torch.eye(3, 4, dtype=torch.bool), 0.5)
    return (x * torch.arange(12.0).view(3, 4)).sum() + row.sum() * column.mean(), [w]


def cut() -> Any:
    student, teacher = nn.Linear(4, 3), nn.Linear(4, 3)
    x = torch.randn(5, 4)
    with torch.no_grad():
        target = F.softmax(teacher(x) / 2.0, dim=1)
    logits = student(x)
    soft = F.kl_div(F.log_softmax(logits / 2.0, dim=1), target, reduction="batchmean")
    return soft + 0.1 * (logits - logits.detach().mean()).abs().mean(), list(student.parameters())


def convolution() -> Any:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    return trained(model, F.nll_loss(F.log_softmax(model(torch.randn(2, 1, 6, 6)), dim=1), torch.tensor([0, 2])))


def lstm() -> Any:
    model, out = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 1)
    states, (h, c) = model(torch.randn(2, 5, 3))
    return out(states).mean() + h.sum() * c.sum(), [*model.parameters(), *out.parameters()]


def transformer() -> Any:
    model = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True, norm_first=True)
    return trained(model, (model(torch.randn(2, 3, 8)) * torch.randn(2, 3, 8)).mean())


def contrastive() -> Any:
    a, b, scale = nn.Linear(5, 4), nn.Linear(6, 4), nn.Parameter(torch.tensor(1.5))
    x, y = F.normalize(a(torch.randn(4, 5)), dim=1), F.normalize(b(torch.randn(4, 6)), dim=-1)
    logits = scale.exp() * x @ y.mT
    loss = (F.cross_entropy(logits, torch.arange(4)) + F.cross_entropy(logits.T, torch.arange(4))) / 2
    return loss, [*a.parameters(), *b.parameters(), scale]


def variational() -> Any:
    encoder, decoder = nn.Linear(4, 6), nn.Linear(3, 4)
    x = torch.rand(5, 4)
    mu, log_var = encoder(x).chunk(2, dim=-1)
    z = mu + torch.randn_like(mu) * (0.5 * log_var).exp()
    fit = F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
    apart = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
    return (fit + apart) / len(x), [*encoder.parameters(), *decoder.parameters()]


def penalty() -> Any:
    """A gradient inside the loss, as critics are trained."""
    critic = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
    x = torch.randn(4, 3, requires_grad=True)
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return critic(x).mean() + ((slope.norm(2, dim=1) - 1) ** 2).mean(), list(critic.parameters())


def training() -> Any:
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    x, y = torch.randn(6, 2), torch.randn(6, 1)
    for optimizer in (torch.optim.Adam(model.parameters(), 0.05), torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)):
        for _ in range(2):
            loss = F.smooth_l1_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for p in model.parameters():
        p.data -= 0.1 * p.grad
    return trained(model, F.l1_loss(model(x), y))


def numbers() -> Any:
    a, b = leaf(), leaf(3)
    x = (a * b + 1.0 / b.exp() - (2.0**a) ** 0.5).sigmoid().log1p() + (1.0 - a).erf() + torch.logaddexp(a, b) % 1.7
    y = torch.where(b > 0, b.square(), b.abs()) + torch.maximum(a, b) + b.cumsum(0) - b.softmax(0).flip(0)
    product = torch.einsum("i,j->ij", x, y).tril().sum()
    return torch.dot(x, y) + product + torch.addmm(a, b[None], b[:, None]).sum(), [a, b]


def large() -> Any:
    w, b = leaf(200, 60), leaf(60)
    x = torch.randn(50, 200)
    return F.cross_entropy(torch.relu(x @ w + b), torch.arange(50)), [w, b]


PROGRAMS: list[Program] = [
    mlp, embedding, batch_norm, batch_norm_in_use, layer_norm, dropout, attention, attention_of_torch, attention_with_dropout,
    recurrent_by_hand,
    recurrent_cell, views, in_place, cut, convolution, lstm, transformer, contrastive, variational, penalty, training, numbers,
    large,
]  # fmt: skip
OPAQUE = {
    "attention_with_dropout": {"scaled_dot_product_attention"},
    "convolution": {"conv2d", "max_pool2d"},
    "lstm": {"lstm"},
    "transformer": {"multi_head_attention_forward"},
}
