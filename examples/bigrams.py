"""Which character follows which: counted, and then learned by gradient descent, which comes near to the same table.

Written as a program in torch: with `import torch` and `import torch.nn.functional as F` it runs there, too. The loss is the
mean negative log-likelihood of the next character, in nats: ln 27 = 3.2958 if all 27 are equally likely. No table of 27 x 27
probabilities has a smaller loss on these names than the one that is counted.
"""

from _check import check, finish
from _names import CHARACTERS, some_names

import micrograd_sm as torch
import micrograd_sm.functional as F

NAMES, STEPS, RATE = 150, 100, 50.0


def pairs_of(names):
    """Return for each pair of neighbours in the names the first character and the second, as two tensors."""
    pairs = [(a, b) for name in names for a, b in zip("." + name, name + ".", strict=True)]
    first, second = ([CHARACTERS.index(pair[side]) for pair in pairs] for side in (0, 1))
    return torch.tensor(first), torch.tensor(second)


def counted(xs, ys):
    """Return the probability of each character after each, by counting."""
    N = torch.zeros((27, 27), dtype=torch.int32)
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        N[x, y] += 1
    P = N.double()
    P /= P.sum(1, keepdim=True).clamp(min=1)  # a character that no name has keeps its zeros
    return P


def new_weights():
    """Return the table of logits as it starts."""
    return torch.randn((27, 27), generator=torch.Generator().manual_seed(27), requires_grad=True)


def learned(W, xs, ys, steps=STEPS):
    """Descend along the gradient of the loss, and yield the loss of each step."""
    rows = F.one_hot(xs, num_classes=27).double()
    for _ in range(steps):
        logits = rows @ W
        counts = logits.exp()
        probs = counts / counts.sum(1, keepdim=True)
        loss = -probs[torch.arange(len(ys)), ys].log().mean()
        W.grad = None
        loss.backward()
        W.data += -RATE * W.grad
        yield loss.item()


def drawn(P, generator):
    """Return a name made up character by character."""
    character, name = 0, ""
    while True:
        character = torch.multinomial(P[character], 1, replacement=True, generator=generator).item()
        if character == 0:
            return name
        name += CHARACTERS[character]


def main():
    xs, ys = pairs_of(some_names(NAMES))
    P = counted(xs, ys)
    by_counting = -P[xs, ys].log().mean().item()
    W = new_weights()
    losses = list(learned(W, xs, ys))
    with torch.no_grad():
        found = F.softmax(W, dim=1)
        apart = (found - P)[0].abs().max().item()  # of what starts a name
    generator = torch.Generator().manual_seed(5)
    print("drawn from the counts: ", *(drawn(P, generator) for _ in range(5)))
    print("drawn from the weights:", *(drawn(found, generator) for _ in range(5)))
    check("loss of the first step", losses[0], 3.6391)
    check("loss of counting", by_counting, 2.1898)
    check("loss of the last step", losses[-1], 2.2220)
    check("largest difference of a probability to start with", apart, 0.0011)
    finish()


if __name__ == "__main__":
    main()
