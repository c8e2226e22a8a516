"""The backward pass of a small network written out by hand, each line checked against the gradient that backward() found.

Written as a program in torch: with `import torch` and `import torch.nn.functional as F` it runs there, too. The network is that
of mlp_batchnorm.py; its forward pass is cut into small steps, so that each gradient is one line: d["X"] is the gradient of the
loss by X. At the end are the short ways: softmax and cross-entropy in one line, and batch normalisation in one line.
"""

from _check import check, finish
from _names import contexts_of, some_names

import micrograd_sm as torch
import micrograd_sm.functional as F

CONTEXT, FEATURES, HIDDEN, BATCH = 3, 4, 12, 16
PARAMETERS = ("C", "W1", "b1", "gain", "shift", "W2", "b2")


def new_parameters():
    """Return the tensors that are trained, by name, all of them different from 0, so that no mistake hides."""
    generator = torch.Generator().manual_seed(7)
    sizes = [(27, FEATURES), (CONTEXT * FEATURES, HIDDEN), (HIDDEN,), (1, HIDDEN), (1, HIDDEN), (HIDDEN, 27), (27,)]
    made = {name: torch.randn(size, generator=generator) * 0.3 for name, size in zip(PARAMETERS, sizes, strict=True)}
    made["gain"] += 1.0
    for parameter in made.values():
        parameter.requires_grad = True
    return made


def forward(p, X, Y):
    """Return the loss, and every value on the way to it, by name."""
    v, n = dict(p), len(Y)
    v["rows"] = v["C"][X]
    v["features"] = v["rows"].view(n, -1)
    v["before"] = v["features"] @ v["W1"] + v["b1"]
    # batch normalisation
    v["mean"] = v["before"].sum(0, keepdim=True) / n
    v["centred"] = v["before"] - v["mean"]
    v["squares"] = v["centred"] ** 2
    v["variance"] = v["squares"].sum(0, keepdim=True) / (n - 1)
    v["scale"] = (v["variance"] + 1e-5) ** -0.5
    v["normal"] = v["centred"] * v["scale"]
    v["seen"] = v["gain"] * v["normal"] + v["shift"]
    # the second layer
    v["hidden"] = torch.tanh(v["seen"])
    v["logits"] = v["hidden"] @ v["W2"] + v["b2"]
    # cross-entropy
    v["largest"] = v["logits"].max(1, keepdim=True).values
    v["below"] = v["logits"] - v["largest"]
    v["counts"] = v["below"].exp()
    v["total"] = v["counts"].sum(1, keepdim=True)
    v["inverse"] = v["total"] ** -1
    v["probs"] = v["counts"] * v["inverse"]
    v["logprobs"] = v["probs"].log()
    v["loss"] = -v["logprobs"][range(n), Y].mean()
    for value in v.values():
        value.retain_grad()
    return v


def by_hand(v, X, Y):
    """Return the gradient of the loss by every value, from the last to the first."""
    d, n = {}, len(Y)
    d["logprobs"] = torch.zeros_like(v["logprobs"])
    d["logprobs"][range(n), Y] = -1.0 / n
    d["probs"] = d["logprobs"] / v["probs"]
    d["inverse"] = (v["counts"] * d["probs"]).sum(1, keepdim=True)
    d["counts"] = v["inverse"] * d["probs"]  # one of its two ways to the loss
    d["total"] = -(v["total"] ** -2) * d["inverse"]
    d["counts"] += torch.ones_like(v["counts"]) * d["total"]  # and the other
    d["below"] = v["counts"] * d["counts"]
    d["largest"] = -d["below"].sum(1, keepdim=True)
    d["logits"] = d["below"].clone()
    d["logits"] += F.one_hot(v["logits"].max(1).indices, num_classes=27) * d["largest"]
    d["hidden"] = d["logits"] @ v["W2"].T
    d["W2"] = v["hidden"].T @ d["logits"]
    d["b2"] = d["logits"].sum(0)
    d["seen"] = (1.0 - v["hidden"] ** 2) * d["hidden"]
    d["gain"] = (v["normal"] * d["seen"]).sum(0, keepdim=True)
    d["shift"] = d["seen"].sum(0, keepdim=True)
    d["normal"] = v["gain"] * d["seen"]
    d["scale"] = (v["centred"] * d["normal"]).sum(0, keepdim=True)
    d["centred"] = v["scale"] * d["normal"]
    d["variance"] = -0.5 * (v["variance"] + 1e-5) ** -1.5 * d["scale"]
    d["squares"] = torch.ones_like(v["squares"]) * d["variance"] / (n - 1)
    d["centred"] += 2.0 * v["centred"] * d["squares"]
    d["mean"] = -d["centred"].sum(0, keepdim=True)
    d["before"] = d["centred"].clone()
    d["before"] += torch.ones_like(v["before"]) * d["mean"] / n
    d["features"] = d["before"] @ v["W1"].T
    d["W1"] = v["features"].T @ d["before"]
    d["b1"] = d["before"].sum(0)
    d["rows"] = d["features"].view(v["rows"].shape)
    d["C"] = torch.zeros_like(v["C"])
    for i in range(n):
        for j in range(CONTEXT):
            d["C"][X[i, j]] += d["rows"][i, j]  # a character that occurs twice is counted twice
    return d


def in_one_line(v, Y):
    """Return the gradients by logits and by what batch normalisation gets, each in a line or two."""
    n = len(Y)
    dlogits = F.softmax(v["logits"].detach(), 1)
    dlogits[range(n), Y] -= 1.0
    dlogits /= n
    dseen, normal = v["seen"].grad, v["normal"].detach()
    inner = n * dseen - dseen.sum(0) - n / (n - 1) * normal * (dseen * normal).sum(0)
    return {"logits": dlogits, "before": (v["gain"] * v["scale"]).detach() / n * inner}


def train(p, X, Y, steps):
    """Train by the gradients found by hand, and yield each step's loss."""
    for _ in range(steps):
        v = forward(p, X, Y)
        with torch.no_grad():
            gradients = by_hand(v, X, Y)
            for name, parameter in p.items():
                parameter += -0.5 * gradients[name]
        yield v["loss"].item()


def data():
    """Return a batch of contexts, (16, 3), and the characters that follow them, (16)."""
    contexts, target = contexts_of(some_names(10), CONTEXT)
    return torch.tensor(contexts[:BATCH]), torch.tensor(target[:BATCH])


def main():
    X, Y = data()
    p = new_parameters()
    v = forward(p, X, Y)
    v["loss"].backward()
    with torch.no_grad():
        found = by_hand(v, X, Y)
        short = in_one_line(v, Y)
    print(f"{'gradient of the loss by':<24} {'shape':<12} largest difference")
    differences = []
    for name, gradient in [*found.items(), *short.items()]:
        differences.append((gradient - v[name].grad).abs().max().item())
        print(f"{name:<24} {tuple(gradient.shape)!s:<12} {differences[-1]:.1e}")
    check("gradients that agree to 1e-12", sum(x < 1e-12 for x in differences), len(differences))
    check("loss at first", v["loss"].item(), 3.4443)
    check("loss after 40 steps along gradients found by hand", list(train(p, X, Y, 41))[-1], 0.3344)
    finish()


if __name__ == "__main__":
    main()
