"""The next character of a name from the three before it: an embedding, a hidden layer, and batch normalisation by hand.

Written as a program in torch: with `import torch` and `import torch.nn.functional as F` it runs there, too. Batch
normalisation keeps what the hidden layer sees near mean 0 and variance 1; while names are drawn, a running mean and variance
take the batch's place.
"""

import math
import random

from _check import check, finish
from _names import CHARACTERS, contexts_of, some_names

import micrograd_sm as torch
import micrograd_sm.functional as F

CONTEXT, FEATURES, HIDDEN, BATCH, STEPS = 3, 6, 32, 32, 400


class Network:
    """C holds a row of features for each character; the other tensors are those of two layers and of the normalisation."""

    def __init__(self, generator):
        normal = lambda *size: torch.randn(size, generator=generator)
        self.C = normal(27, FEATURES)
        self.W1 = normal(CONTEXT * FEATURES, HIDDEN) / (CONTEXT * FEATURES) ** 0.5
        self.W2 = normal(HIDDEN, 27) * 0.01  # all characters are about equally likely at first
        self.b2 = torch.zeros(27)
        self.gain, self.shift = torch.ones(1, HIDDEN), torch.zeros(1, HIDDEN)
        self.mean, self.variance = torch.zeros(1, HIDDEN), torch.ones(1, HIDDEN)  # running, not trained
        for parameter in self.parameters():
            parameter.requires_grad = True

    def parameters(self):
        return [self.C, self.W1, self.W2, self.b2, self.gain, self.shift]

    def __call__(self, contexts, training=False):
        before = self.C[contexts].view(-1, CONTEXT * FEATURES) @ self.W1
        if training:
            mean, variance = before.mean(0, keepdim=True), before.var(0, keepdim=True)
            with torch.no_grad():
                self.mean = 0.9 * self.mean + 0.1 * mean
                self.variance = 0.9 * self.variance + 0.1 * variance
        else:
            mean, variance = self.mean, self.variance
        normal = (before - mean) / torch.sqrt(variance + 1e-5)
        return torch.tanh(self.gain * normal + self.shift) @ self.W2 + self.b2


def training(network, X, Y, steps=STEPS):
    """Train on batches drawn at random, and yield each step's loss."""
    source = random.Random(27)
    for step in range(steps):
        ix = torch.tensor([source.randrange(len(Y)) for _ in range(BATCH)])
        loss = F.cross_entropy(network(X[ix], training=True), Y[ix])
        for parameter in network.parameters():
            parameter.grad = None
        loss.backward()
        rate = 0.5 if step < 0.7 * steps else 0.1
        for parameter in network.parameters():
            parameter.data += -rate * parameter.grad
        yield loss.item()


@torch.no_grad()
def drawn(network, generator):
    """Return a name made up character by character."""
    context, name = [0] * CONTEXT, ""
    while True:
        probs = F.softmax(network(torch.tensor([context])), dim=1)
        character = torch.multinomial(probs, num_samples=1, generator=generator).item()
        if character == 0:
            return name
        name += CHARACTERS[character]
        context = [*context[1:], character]


def new_network():
    """Return the network as it starts, the same in every run."""
    return Network(torch.Generator().manual_seed(1990))


def examples_of(names):
    """Return the contexts, (N, 3), and the characters that follow them, (N), as tensors of ints."""
    contexts, target = contexts_of(names, CONTEXT)
    return torch.tensor(contexts), torch.tensor(target)


def main():
    names = some_names(1200)
    X, Y = examples_of(names[:1000])
    network = new_network()
    losses = list(training(network, X, Y))
    with torch.no_grad():
        held_out = F.cross_entropy(network(examples_of(names[1000:])[0]), examples_of(names[1000:])[1]).item()
        flat = (network.C[X[:200]].view(200, -1) @ network.W1 - network.mean) / torch.sqrt(network.variance + 1e-5)
    print("drawn:", *(drawn(network, torch.Generator().manual_seed(seed)) for seed in range(6)))
    print(f"what tanh sees: mean {flat.mean().item():.2f}, deviation {flat.std().item():.2f}")
    check("loss of the first step, near ln 27", round(losses[0], 1), round(math.log(27), 1))
    check("mean loss of the last 50 steps", sum(losses[-50:]) / 50, 2.3795)
    check("loss on 200 names held out", held_out, 2.3696)
    finish()


if __name__ == "__main__":
    main()
