"""Fisher's irises: four measurements in, one of three species out, trained through cross_entropy.

The loss to expect: ln 3 = 1.0986 nats before training, when all species are equally likely; 0.06 afterwards, both on the
flowers that it learnt from and on those held out. It cannot reach 0: two of the species overlap.
"""

import csv
import math
import random
from pathlib import Path

from _check import check, finish
from _training import curve, save_pictures, watched

from micrograd_sm import Value, cross_entropy, nn, no_grad, optim, softmax
from micrograd_sm.study import lint, residual_maps

SPECIES = ["setosa", "versicolor", "virginica"]
STEPS = 150


def flowers():
    """Return the measurements, each scaled to mean 0 and deviation 1, and the species as 0, 1 or 2."""
    with open(Path(__file__).parent / "data" / "iris.csv", encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    columns = [[float(x) for x in column] for column in zip(*(row[:4] for row in rows), strict=True)]
    return [list(row) for row in zip(*map(_scaled, columns), strict=True)], [SPECIES.index(row[4]) for row in rows]


def _scaled(column):
    mean = math.fsum(column) / len(column)
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in column) / len(column))
    return [(x - mean) / deviation for x in column]


def new_model():
    """Return a network whose last layer starts at zero: before training, all species are equally likely."""
    source = random.Random(1936)
    model = nn.Sequential(nn.Linear(4, 8, generator=source), nn.Tanh(), nn.Linear(8, 3, generator=source))
    for parameter in model[2].parameters():
        parameter.data = parameter.data * 0.0
    return model


def training(model, inputs, target, steps=STEPS):
    """Train on all flowers at once, and yield each step's loss."""
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    batch = Value(inputs, requires_grad=False)
    for _ in range(steps):
        loss = cross_entropy(model(batch), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


def main():
    inputs, target = flowers()
    held_out = range(0, len(inputs), 5)
    learnt = [k for k in range(len(inputs)) if k not in held_out]
    x, y = [inputs[k] for k in learnt], [target[k] for k in learnt]
    unseen_x, unseen_y = [inputs[k] for k in held_out], [target[k] for k in held_out]
    model = new_model()

    print("lint:", lint(cross_entropy(model(x), y), model))
    few = range(2, 30, 3)  # ten of the flowers held out, of all species
    few_x, few_y = [unseen_x[k] for k in few], [unseen_y[k] for k in few]
    before = model(few_x)
    losses = watched(training(model, x, y), STEPS)
    print(curve(losses))
    print("\np - y of ten flowers held out, a column for each species, [ ] the right one's:")

    with no_grad():
        logits = model(unseen_x)
        unseen = cross_entropy(logits, unseen_y).item()
    maps = residual_maps([before, model(few_x)], few_y, ["before training", "after training"])
    print(*(line for panel in maps.panels for line in ["", *panel.lines()]), "", sep="\n")
    probs = softmax(logits, dim=1)
    wrong = [k for k, row in enumerate(probs.argmax(dim=1).tolist()) if row != unseen_y[k]]
    for k in wrong:
        shares = ", ".join(f"{name} {p:.2f}" for name, p in zip(SPECIES, probs[k].tolist(), strict=True))
        print(f"taken for another species: flower {held_out[k] + 1}, {SPECIES[unseen_y[k]]}\n  {shares}")
    save_pictures("iris", losses, {"ln 3": math.log(3), "held out": unseen}, maps)

    check("loss before training, ln 3", losses[0], 1.0986)
    check("loss after training, to two decimals", round(losses[-1], 2), 0.06)
    check("loss on the flowers held out, to two decimals", round(unseen, 2), 0.06)
    check("of 30 flowers held out, taken for another species", len(wrong), 1)
    finish()


if __name__ == "__main__":
    main()
