"""Networks that learners write: gradients by hand, a small transformer, recurrent cells, an autoencoder, modules of one's own.

`m` is the library, torch or micrograd_sm.
"""

from __future__ import annotations

import math
from typing import Any

from tests.agreement.test_programs import start


def begun(m: Any, model: Any) -> Any:
    """Give every parameter of a model numbers that Python made."""
    with m.no_grad():
        for k, p in enumerate(model.parameters()):
            p.copy_(start(m, *p.shape, seed=k, scale=0.5))
    return model


def gradients_by_hand(m: Any) -> Any:
    """The gradient of every intermediate of a network with batch normalisation, line by line."""
    F, n = m.nn.functional, 6
    Xb, Yb = m.tensor([[0, 1], [2, 3], [3, 3], [4, 0], [1, 1], [2, 4]]), m.tensor([1, 0, 4, 2, 2, 3])
    C, W1, b1, W2, b2 = (start(m, *size) for size in ((5, 3), (6, 4), (4,), (4, 5), (5,)))
    gain, bias = start(m, 1, 4) * 0.1 + 1.0, start(m, 1, 4) * 0.1
    for p in (C, W1, b1, W2, b2, gain, bias):
        p.requires_grad = True
    emb = C[Xb]
    embcat = emb.view(emb.shape[0], -1)
    hprebn = embcat @ W1 + b1
    mean = 1 / n * hprebn.sum(0, keepdim=True)
    diff = hprebn - mean
    diff2 = diff**2
    var = 1 / (n - 1) * diff2.sum(0, keepdim=True)
    inv = (var + 1e-5) ** -0.5
    raw = diff * inv
    hpreact = gain * raw + bias
    h = m.tanh(hpreact)
    logits = h @ W2 + b2
    loss = F.cross_entropy(logits, Yb)
    wanted = [logits, h, hpreact, raw, inv, var, diff2, diff, hprebn, mean, embcat, emb]
    for t in wanted:
        t.retain_grad()
    loss.backward()
    dlogits = F.softmax(logits, 1)
    dlogits[range(n), Yb] -= 1
    dlogits /= n
    dh = dlogits @ W2.T
    dhpreact = (1.0 - h**2) * dh
    draw = gain * dhpreact
    dinv = (diff * draw).sum(0, keepdim=True)
    dvar = -0.5 * (var + 1e-5) ** -1.5 * dinv
    ddiff2 = (1.0 / (n - 1)) * m.ones_like(diff2) * dvar
    ddiff = inv * draw
    ddiff += 2 * diff * ddiff2
    dhprebn = ddiff.clone()
    dmean = (-ddiff).sum(0)
    dhprebn += 1.0 / n * (m.ones_like(hprebn) * dmean)
    dembcat = dhprebn @ W1.T
    demb = dembcat.view(emb.shape)
    dC = m.zeros_like(C)
    for k in range(Xb.shape[0]):
        for j in range(Xb.shape[1]):
            dC[Xb[k, j]] += demb[k, j]
    short = gain * inv / n * (n * dhpreact - dhpreact.sum(0) - n / (n - 1) * raw * (dhpreact * raw).sum(0))
    found = [dlogits, dh, dhpreact, draw, dinv, dvar, ddiff2, ddiff, dhprebn, dmean, dembcat, demb]
    pairs = [*zip(found, wanted), (dC, C), (h.T @ dlogits, W2), (embcat.T @ dhprebn, W1), (dlogits.sum(0), b2), (short, hprebn)]
    worst = [(d - t.grad).abs().max().item() for d, t in pairs]
    return all(x < 1e-12 for x in worst), all(m.allclose(d, t.grad) for d, t in pairs), hprebn.grad.T, C.grad.std(), loss


def small_gpt(m: Any) -> Any:
    """A transformer of modules: heads, blocks, a generate loop, the loss estimated in eval mode, AdamW."""
    nn, F = m.nn, m.nn.functional
    size, width, context = 7, 8, 5
    device = "cuda" if m.cuda.is_available() and m.backends.mps.is_available() else "cpu"

    class Head(nn.Module):
        def __init__(self, head_size: int) -> None:
            super().__init__()
            self.key, self.query, self.value = (nn.Linear(width, head_size, bias=False) for _ in range(3))
            self.register_buffer("tril", m.tril(m.ones(context, context)))
            self.dropout = nn.Dropout(0.0)

        def forward(self, x: Any) -> Any:
            T = x.shape[1]
            k, q = self.key(x), self.query(x)
            weights = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
            weights = weights.masked_fill(self.tril[:T, :T] == 0, float("-inf"))
            return self.dropout(F.softmax(weights, dim=-1)) @ self.value(x)

    class Block(nn.Module):
        def __init__(self, heads: int) -> None:
            super().__init__()
            self.heads = nn.ModuleList([Head(width // heads) for _ in range(heads)])
            self.proj = nn.Linear(width, width)
            self.net = nn.Sequential(nn.Linear(width, 16), nn.ReLU(), nn.Linear(16, width), nn.Dropout(0.0))
            self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)

        def forward(self, x: Any) -> Any:
            y = self.ln1(x)
            x = x + self.proj(m.cat([head(y) for head in self.heads], dim=-1))
            return x + self.net(self.ln2(x))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.positions = nn.Embedding(size, width), nn.Embedding(context, width)
            self.blocks = nn.Sequential(*[Block(2) for _ in range(2)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, size)
            self.apply(self._first)

        def _first(self, module: Any) -> None:
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, mean=0.0, std=0.02)

        def forward(self, idx: Any, targets: Any = None) -> Any:
            x = self.tokens(idx) + self.positions(m.arange(idx.shape[1], device=device))
            logits = self.head(self.norm(self.blocks(x)))
            if targets is None:
                return logits, None
            B, T, C = logits.shape
            return logits, F.cross_entropy(logits.view(B * T, C), targets.view(B * T))

        def generate(self, idx: Any, count: int) -> Any:
            for _ in range(count):
                logits, _ = self(idx[:, -context:])
                logits = logits[:, -1, :] / 0.8
                values, _ = m.topk(logits, 2)
                logits[logits < values[:, [-1]]] = -float("Inf")
                probs = F.softmax(logits, dim=-1)
                drawn = m.multinomial(probs, num_samples=1)
                assert (probs.gather(1, drawn) > 0).all()
                idx = m.cat((idx, probs.argmax(-1, keepdim=True)), dim=1)
            return idx

    data = m.tensor([(3 * k * k + k) % size for k in range(40)], dtype=m.long)

    def batch(*places: int) -> Any:
        x = m.stack([data[i : i + context] for i in places])
        y = m.stack([data[i + 1 : i + context + 1] for i in places])
        return x.to(device), y.to(device)

    model = begun(m, Model()).to(device)

    @m.no_grad()
    def estimated() -> Any:
        model.eval()
        losses = m.zeros(2)
        for k in range(2):
            losses[k] = model(*batch(k, k + 9))[1].item()
        model.train()
        return losses.mean()

    optimizer = m.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for step in range(3):
        _, loss = model(*batch(step, step + 11, step + 20))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    count = sum(p.numel() for p in model.parameters())
    out = model.generate(m.zeros((1, 1), dtype=m.long, device=device), max(3, 1))
    return losses, estimated(), out, count, model.head.weight, model.training, len(model.state_dict())


def recurrent(m: Any) -> Any:
    """A cell, and an LSTM written by hand, over the steps of sequences."""
    nn = m.nn

    class Cell(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.i2h, self.h2o, self.softmax = nn.Linear(3 + 4, 4), nn.Linear(4, 2), nn.LogSoftmax(dim=1)

        def forward(self, x: Any, hidden: Any) -> Any:
            hidden = m.tanh(self.i2h(m.cat((x, hidden), 1)))
            return self.softmax(self.h2o(hidden)), hidden

    class LSTM(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.W, self.U = nn.Parameter(m.empty(3, 16)), nn.Parameter(m.empty(4, 16))
            self.b = nn.Parameter(m.zeros(16))

        def forward(self, x: Any) -> Any:
            h = c = x.new_zeros(x.size(0), 4)
            hidden = []
            for t in range(x.size(1)):
                i, f, g, o = (x[:, t] @ self.W + h @ self.U + self.b).chunk(4, 1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
                hidden.append(h)
            return m.stack(hidden, dim=1), (h, c)

    cell, lstm, x = begun(m, Cell()), begun(m, LSTM()), start(m, 2, 5, 3)
    hidden = m.zeros(2, 4)
    letters = m.zeros(5, 1, 3)
    for place in range(5):
        letters[place][0][place % 3] = 1
    for t in range(5):
        output, hidden = cell(x[:, t] + letters[t], hidden)
    loss = nn.NLLLoss()(output, m.tensor([0, 1]))
    loss.backward()
    for p in cell.parameters():
        p.data += -0.05 * p.grad.data
    out, (h, c) = lstm(x)
    (out**2).mean().backward()
    norm = nn.utils.clip_grad_norm_(lstm.parameters(), max_norm=0.01)
    return loss, list(cell.parameters()), out, h, c, norm, [p.grad for p in lstm.parameters()], output.topk(1)[1]


def autoencoder(m: Any) -> Any:
    """A variational autoencoder: reparameterised noise, reconstruction and Kullback-Leibler divergence."""
    nn, F = m.nn, m.nn.functional

    class VAE(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.fc21, self.fc22 = nn.Linear(6, 5), nn.Linear(5, 2), nn.Linear(5, 2)
            self.decoder = nn.Sequential(nn.Linear(2, 5), nn.GELU(), nn.Linear(5, 6), nn.Sigmoid())

        def forward(self, x: Any) -> Any:
            h = F.relu(self.fc1(x.view(-1, 6)))
            mu, logvar = self.fc21(h), self.fc22(h)
            std = m.exp(0.5 * logvar)
            assert m.randn_like(std).shape == std.shape
            return self.decoder(mu + start(m, *std.shape) * std), mu, logvar

    model, data = begun(m, VAE()), (start(m, 5, 1, 2, 3) > 0).double()
    optimizer = m.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        recon, mu, logvar = model(data)
        bce = F.binary_cross_entropy(recon, data.view(-1, 6), reduction="sum")
        loss = bce - 0.5 * m.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss.backward()
        optimizer.step()
    return loss, bce, list(model.parameters())


def own_modules(m: Any) -> Any:
    """A norm and a scale of one's own, tied weights, a hook, what is found in a module."""
    nn = m.nn

    class RMSNorm(nn.Module):
        def __init__(self, dim: int) -> None:
            super().__init__()
            self.weight = nn.Parameter(m.ones(dim))
            self.register_buffer("count", m.tensor(0))
            self.register_parameter("bias", None)

        def forward(self, x: Any) -> Any:
            self.count += 1
            return (x * m.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)).type_as(x) * self.weight

        def extra_repr(self) -> str:
            return f"dim={self.weight.shape[0]}"

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))
            self.acts = nn.ModuleDict({"relu": nn.ReLU(), "leaky": nn.LeakyReLU(0.1)})
            self.norm, self.tokens, self.head = RMSNorm(3), nn.Embedding(4, 3), nn.Linear(3, 4, bias=False)
            self.tokens.weight = self.head.weight

        def forward(self, ix: Any, act: str = "relu") -> Any:
            x = self.tokens(ix)
            for layer in self.layers:
                x = self.acts[act](layer(x)) + x
            return self.head(self.norm(x))

    net = begun(m, Net())
    shapes: list = []
    hook = net.layers[0].register_forward_hook(lambda module, args, out: shapes.append(tuple(out.shape)))
    out = net(m.tensor([[0, 1], [2, 3]]))
    hook.remove()
    (out.logsumexp(-1).sum() + net(m.tensor([1]), "leaky").sum()).backward()
    return (
        out, [p.grad for p in net.parameters()], net.norm.count, shapes, repr(net.norm), repr(net.head),
        [name for name, _ in net.named_modules()], [name for name, _ in net.named_parameters()],
        [name for name, _ in net.named_buffers()], len(net.layers), list(net.acts.keys()),
    )  # fmt: skip


def attention(m: Any) -> Any:
    """Heads by view and transpose, by einsum and by torch's own function; positions as sines and as rotations."""
    F, (B, T, C, H) = m.nn.functional, (2, 4, 6, 2)
    x, W = start(m, B, T, C).requires_grad_(), start(m, C, 3 * C).requires_grad_()
    q, k, v = (part.view(B, T, H, C // H).transpose(1, 2) for part in (x @ W).split(C, dim=2))
    scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
    scores = scores.masked_fill(m.tril(m.ones(T, T)).view(1, 1, T, T)[:, :, :T, :T] == 0, float("-inf"))
    by_view = (F.softmax(scores, dim=-1) @ v).transpose(1, 2).contiguous().view(B, T, C)
    s = m.einsum("bhqd,bhkd->bhqk", q, k) / math.sqrt(C // H) + m.triu(m.full((T, T), float("-inf")), diagonal=1)
    by_einsum = m.einsum("bhqk,bhkd->bhqd", s.softmax(-1), v).permute(0, 2, 1, 3).reshape(B, T, C)
    own = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
    (by_view.pow(2).sum() + own.sum()).backward()
    position = m.arange(T).unsqueeze(1)
    rates = m.exp(m.arange(0, C, 2) * (-math.log(10000.0) / C))
    sines = m.zeros(T, C)
    sines[:, 0::2], sines[:, 1::2] = m.sin(position * rates), m.cos(position * rates)
    angles = m.outer(m.arange(T).double(), rates)
    pairs = x.reshape(B, T, C // 2, 2)
    turned = m.stack([
        pairs[..., 0] * angles.cos() - pairs[..., 1] * angles.sin(), pairs[..., 0] * angles.sin() + pairs[..., 1] * angles.cos()
    ], -1).flatten(2)  # fmt: skip
    return by_view, m.allclose(by_view, by_einsum), m.allclose(by_view, own), sines, turned, x.grad, W.grad


NETWORKS = [gradients_by_hand, small_gpt, recurrent, autoencoder, own_modules, attention]
