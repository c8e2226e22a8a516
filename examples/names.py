"""First names, character by character: three characters in, the next one out, trained through cross_entropy.

The loss to expect, in nats for each character: ln 27 = 3.2958 before training, when all characters are equally likely; 2.34
by counting which character follows which; about 2.1 after training. Then names are drawn, one character after the other, by
softmax and multinomial. The network is that of makemore and of Bengio et al. 2003,
https://www.jmlr.org/papers/v3/bengio03a.html.
"""

import math
import random
import textwrap

from _check import check, finish
from _names import CHARACTERS, all_names, contexts_of
from _training import curve, save_pictures, watched

from micrograd_sm import cross_entropy, multinomial, nn, no_grad, optim, softmax
from micrograd_sm.study import lint, residual_maps

CONTEXT, FEATURES, HIDDEN, BATCH, STEPS = 3, 8, 64, 64, 1000
SEED = 27


class Model(nn.Module):
    """A row of features for each of the last three characters, a hidden layer, and a logit for each next character."""

    def __init__(self, source):
        self.features = nn.Embedding(len(CHARACTERS), FEATURES, generator=source)
        self.hidden = nn.Linear(CONTEXT * FEATURES, HIDDEN, generator=source)
        self.out = nn.Linear(HIDDEN, len(CHARACTERS), generator=source)
        for parameter in self.out.parameters():  # all characters are equally likely at first
            parameter.data = parameter.data * 0.0

    def forward(self, contexts):
        features = self.features(contexts).reshape(len(contexts), CONTEXT * FEATURES)
        return self.out(self.hidden(features).tanh())


def examples_of(names):
    """Return for each character the three before it, and the character itself, as indices into CHARACTERS."""
    return contexts_of(names, CONTEXT)


def new_model():
    """Return the network as it starts, the same in every run."""
    return Model(random.Random(1990))


def training(model, contexts, target, steps=STEPS):
    """Train on batches drawn at random, and yield each step's loss."""
    source = random.Random(SEED)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for step in range(steps):
        optimizer.lr = 0.01 if step < 0.7 * steps else 0.002
        batch = [source.randrange(len(target)) for _ in range(BATCH)]
        loss = cross_entropy(model([contexts[k] for k in batch]), [target[k] for k in batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


def counted(names, unseen):
    """Return the loss of a guess by how often one character follows another; each pair counts once more than it occurs."""
    count = [[1] * len(CHARACTERS) for _ in CHARACTERS]
    for (*_, last), character in zip(*examples_of(names), strict=True):
        count[last][character] += 1
    pairs = [(context[-1], character) for context, character in zip(*examples_of(unseen), strict=True)]
    return -math.fsum(math.log(count[last][c] / sum(count[last])) for last, c in pairs) / len(pairs)


def drawn(model, source):
    """Return a name that the model makes up."""
    context, name = [0] * CONTEXT, ""
    while True:
        probs = softmax(model([context]), dim=1)
        character = multinomial(probs, 1, generator=source).tolist()[0][0]
        if character == 0:
            return name
        name += CHARACTERS[character]
        context = [*context[1:], character]


def show(maps, name):
    """Print p - y where y is 1, for each character of a name, before and after training."""
    before, after = (panel.rows for panel in maps.panels)
    contexts, target = examples_of([name])
    print(f"\np - y of each character of {name!r}, before and after training:")
    for row, (context, character) in enumerate(zip(contexts, target, strict=True)):
        text = "".join(CHARACTERS[k] for k in context)
        print(f"  {text} -> {CHARACTERS[character]}  {before[row][character]:+.2f}  {after[row][character]:+.2f}")


def main():
    names = all_names()
    names, unseen = names[:-500], names[-500:]
    contexts, target = examples_of(names)
    model = new_model()
    one = unseen[0]
    one_contexts, one_target = examples_of([one])
    before = model(one_contexts)
    loss = cross_entropy(model(contexts[:BATCH]), target[:BATCH])
    print("lint:", lint(loss, model, sampled_from=softmax(before, dim=1)))
    losses = watched(training(model, contexts, target), STEPS)
    print(curve(losses))

    with no_grad():
        unseen_contexts, unseen_target = examples_of(unseen)
        held_out = cross_entropy(model(unseen_contexts), unseen_target).item()
        after = model(one_contexts)
        source = random.Random(5)
        made = [drawn(model, source) for _ in range(10)]
    maps = residual_maps([before, after], one_target, ["before training", "after training"])
    show(maps, one)
    known = set(names)
    print("\ndrawn (* is in the list):")
    print(textwrap.fill(", ".join(name + "*" * (name in known) for name in made), 80))
    pairs = counted(names, unseen)
    save_pictures("names", losses, {"ln 27": math.log(27), "pairs counted": pairs, "held out": held_out}, maps)

    check("loss before training, ln 27", losses[0], 3.2958)
    check("loss of counting pairs, on the names held out", pairs, 2.3416)
    check("loss on the names held out, to one decimal", round(held_out, 1), 2.1)
    finish()


if __name__ == "__main__":
    main()
