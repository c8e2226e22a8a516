"""A transformer of one block on names: each character looks back at those before it, and is given the next one to guess.

Written as a program in torch: with `import torch`, `import torch.nn.functional as F` and `from torch import nn` it runs there.
"""

import random

from _check import check, finish
from _names import CHARACTERS, some_names

import micrograd_sm as torch
import micrograd_sm.functional as F
from micrograd_sm import nn

LENGTH, WIDTH, HEADS, BATCH, STEPS = 6, 16, 2, 8, 150


class Head(nn.Module):
    """Attention: each position asks (query), is asked (key), and passes on (value)."""

    def __init__(self, size):
        super().__init__()
        self.query = nn.Linear(WIDTH, size, bias=False)
        self.key = nn.Linear(WIDTH, size, bias=False)
        self.value = nn.Linear(WIDTH, size, bias=False)
        self.register_buffer("past", torch.tril(torch.ones(LENGTH, LENGTH)))

    def forward(self, x):
        length, size = x.shape[1], self.key.weight.shape[0]
        scores = self.query(x) @ self.key(x).transpose(-2, -1) * size**-0.5
        scores = scores.masked_fill(self.past[:length, :length] == 0, float("-inf"))
        return F.softmax(scores, dim=-1) @ self.value(x)


class Block(nn.Module):
    """Attention and then a small network for each position; both are added to what comes in."""

    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleList([Head(WIDTH // HEADS) for _ in range(HEADS)])
        self.project = nn.Linear(WIDTH, WIDTH)
        self.network = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))
        self.before_heads, self.before_network = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x):
        normal = self.before_heads(x)
        x = x + self.project(torch.cat([head(normal) for head in self.heads], dim=-1))
        return x + self.network(self.before_network(x))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.character = nn.Embedding(27, WIDTH)
        self.position = nn.Embedding(LENGTH, WIDTH)
        self.block = Block()
        self.normal = nn.LayerNorm(WIDTH)
        self.out = nn.Linear(WIDTH, 27)

    def forward(self, ids, target=None):
        x = self.character(ids) + self.position(torch.arange(ids.shape[1]))
        logits = self.out(self.normal(self.block(x)))
        loss = None if target is None else F.cross_entropy(logits.view(-1, 27), target.view(-1))
        return logits, loss


def new_model():
    """Return the model as it starts, the same in every run."""
    torch.manual_seed(1337)
    return Transformer()


def examples_of(names):
    """Return windows of characters, (N, 6), and for each of them the one that follows, (N, 6)."""
    text = "".join("." + name for name in names)
    ids = [CHARACTERS.index(character) for character in text]
    starts = range(len(ids) - LENGTH)
    windows = [ids[start : start + LENGTH + 1] for start in starts]
    return torch.tensor([window[:-1] for window in windows]), torch.tensor([window[1:] for window in windows])


def training(model, X, Y, steps=STEPS):
    """Train on batches drawn at random, and yield each step's loss."""
    source = random.Random(27)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(steps):
        ix = torch.tensor([source.randrange(len(X)) for _ in range(BATCH)])
        _, loss = model(X[ix], Y[ix])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        yield loss.item()


@torch.no_grad()
def drawn(model, count, generator):
    """Return a text of `count` characters that the model makes up, starting from a dot."""
    ids = torch.zeros((1, 1), dtype=torch.long)
    for _ in range(count):
        logits, _ = model(ids[:, -LENGTH:])
        probs = F.softmax(logits[:, -1, :], dim=-1)
        ids = torch.cat((ids, torch.multinomial(probs, num_samples=1, generator=generator)), dim=1)
    return "".join(CHARACTERS[k] for k in ids[0].tolist())


def main():
    names = some_names(320)
    X, Y = examples_of(names[:300])
    model = new_model()
    print(sum(p.numel() for p in model.parameters()), "parameters")
    losses = list(training(model, X, Y))
    model.eval()
    with torch.no_grad():
        _, held_out = model(*examples_of(names[300:]))
    print("drawn:", drawn(model, 40, torch.Generator().manual_seed(2)))
    check("loss of the first step, near ln 27", losses[0], 3.4125)
    check("mean loss of the last 20 steps", sum(losses[-20:]) / 20, 2.4530)
    check("loss on 20 names held out", held_out.item(), 2.4727)
    finish()


if __name__ == "__main__":
    main()
