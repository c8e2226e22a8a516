"""How often `check_backward` finds the slip: slips planted in the code of right derivations, on random numbers.

Each derivation is code: the forward pass, and one line for each gradient. A mutation changes the text of one line, as people
do; the judge gets only the graph and the numbers. `python benchmarks/derivations.py [FIRST SEED] [SEEDS]` prints the table.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import micrograd_sm as torch
import micrograd_sm.functional as F
from micrograd_sm.study import check_backward

DERIVATIONS = {
    "cross-entropy": (
        """
logits = randn(5, 4)
Y = torch.randint(0, 4, (5,), generator=generator)
n = 5
largest = logits.max(1, keepdim=True).values
below = logits - largest
counts = below.exp()
total = counts.sum(1, keepdim=True)
inverse = total ** -1
probs = counts * inverse
logprobs = probs.log()
loss = -logprobs[range(n), Y].mean()
""",
        """
dlogprobs = -F.one_hot(Y, num_classes=4) / n
dprobs = dlogprobs / probs
dinverse = (counts * dprobs).sum(1, keepdim=True)
dtotal = -(total ** -2) * dinverse
dcounts = inverse * dprobs
dcounts = dcounts + torch.ones_like(counts) * dtotal
dbelow = counts * dcounts
dlargest = -dbelow.sum(1, keepdim=True)
dlogits = dbelow
dlogits = dlogits + F.one_hot(logits.max(1).indices, num_classes=4) * dlargest
""",
    ),
    "tanh layers and embedding": (
        """
C = randn(6, 3)
X = torch.tensor([0, 2, 2, 5, 1])
W = randn(3, 4)
b = randn(4)
V = randn(4, 3)
T = randn(5, 3).detach()
rows = C[X]
before = rows @ W + b
hidden = torch.tanh(before)
out = hidden @ V
off = out - T
squares = off ** 2
loss = squares.mean()
""",
        """
dsquares = torch.ones_like(squares) / 15
doff = 2.0 * off * dsquares
dout = doff
dhidden = dout @ V.T
dV = hidden.T @ dout
dbefore = (1.0 - hidden ** 2) * dhidden
db = dbefore.sum(0)
dW = rows.T @ dbefore
drows = dbefore @ W.T
dC = F.one_hot(X, num_classes=6).T.double() @ drows
""",
    ),
    "batch normalisation": (
        """
x = randn(5, 3)
gain = randn(1, 3)
shift = randn(1, 3)
T = randn(5, 3).detach()
n = 5
mean = x.sum(0, keepdim=True) / n
centred = x - mean
squares = centred ** 2
variance = squares.sum(0, keepdim=True) / (n - 1)
scale = (variance + 1e-5) ** -0.5
normal = centred * scale
out = gain * normal + shift
weighed = torch.tanh(out) * T
loss = weighed.sum()
""",
        """
dweighed = torch.ones_like(weighed)
dout = (1.0 - torch.tanh(out) ** 2) * T * dweighed
dgain = (normal * dout).sum(0, keepdim=True)
dshift = dout.sum(0, keepdim=True)
dnormal = gain * dout
dscale = (centred * dnormal).sum(0, keepdim=True)
dvariance = -0.5 * (variance + 1e-5) ** -1.5 * dscale
dsquares = torch.ones_like(squares) * dvariance / (n - 1)
dcentred = scale * dnormal
dcentred = dcentred + 2.0 * centred * dsquares
dmean = -dcentred.sum(0, keepdim=True)
dx = dcentred
dx = dx + torch.ones_like(x) * dmean / n
""",
    ),
    "layer normalisation": (
        """
x = randn(4, 5)
gain = randn(5)
shift = randn(5)
T = randn(4, 5).detach()
m = 5
mean = x.sum(1, keepdim=True) / m
centred = x - mean
variance = (centred ** 2).sum(1, keepdim=True) / m
scale = (variance + 1e-5) ** -0.5
normal = centred * scale
out = normal * gain + shift
loss = (out * out * T).sum()
""",
        """
dout = 2.0 * out * T
dgain = (normal * dout).sum(0)
dshift = dout.sum(0)
dnormal = gain * dout
dscale = (centred * dnormal).sum(1, keepdim=True)
dvariance = -0.5 * (variance + 1e-5) ** -1.5 * dscale
dcentred = scale * dnormal
dcentred = dcentred + 2.0 * centred * dvariance / m
dmean = -dcentred.sum(1, keepdim=True)
dx = dcentred
dx = dx + torch.ones_like(x) * dmean / m
""",
    ),
    "attention": (
        """
q = randn(4, 3)
k = randn(4, 3)
v = randn(4, 2)
T = randn(4, 2).detach()
scores = q @ k.T * 0.5
weights = torch.softmax(scores, 1)
out = weights @ v
loss = (out * T).sum()
""",
        """
dout = T
dweights = dout @ v.T
dv = weights.T @ dout
dscores = weights * (dweights - (weights * dweights).sum(1, keepdim=True))
dq = dscores @ k * 0.5
dk = dscores.T @ q * 0.5
""",
    ),
    "sigmoid cross-entropy": (
        """
X = randn(6, 3).detach()
w = randn(3, 1)
b = randn(1)
T = (randn(6, 1).detach() > 0).double()
n = 6
z = X @ w + b
p = torch.sigmoid(z)
losses = -(T * p.log() + (1.0 - T) * (1.0 - p).log())
loss = losses.sum() / n
""",
        """
dlosses = torch.ones_like(losses) / n
dp = -(T / p - (1.0 - T) / (1.0 - p)) * dlosses
dz = p * (1.0 - p) * dp
dw = X.T @ dz
db = dz.sum(0)
""",
    ),
}


class Mutation(NamedTuple):
    """What people do to a line: a pattern, what it becomes, and the names under which the slip is named rightly."""

    name: str
    pattern: str
    becomes: str
    kinds: frozenset[str]


FACTORS = {"factor", "variance", "wrong count", "mean for sum"}
MUTATIONS = [
    Mutation("sign", r"= (.*)$", r"= -(\1)", frozenset({"sign"})),
    Mutation("sign of one path", r"^(d\w+ = \w+ \+ )(.*)$", r"\1-(\2)", frozenset({"sign"})),
    Mutation("sum missing", r"\.sum\(\d(, keepdim=True)?\)", "", frozenset({"sum missing", "shape"})),
    Mutation("mean for sum", r"\.sum\(", ".mean(", frozenset({"mean for sum", "factor"})),
    Mutation("wrong sum", r"\.sum\(0", ".sum(1", frozenset({"wrong sum", "keepdim"})),
    Mutation("wrong sum", r"\.sum\(1", ".sum(0", frozenset({"wrong sum", "keepdim"})),
    Mutation("keepdim", r", keepdim=True", "", frozenset({"keepdim"})),
    Mutation("= for +=", r"^(d\w+) = \1 \+ (.*)$", r"\1 = \2", frozenset({"path missing", "only one path"})),
    Mutation("path missing", r"^(d\w+) = \1 \+ .*$", r"\1 = \1", frozenset({"path missing", "only one path"})),
    Mutation("count missing", r" / (n|m|15|\(n - 1\))", "", frozenset(FACTORS)),
    Mutation("count twice", r" / (n|m|15|\(n - 1\))", r" / \1 / \1", frozenset(FACTORS)),
    Mutation("n for n - 1", r"\(n - 1\)", "n", frozenset({"variance"})),
    Mutation("n - 1 for n", r"/ n$", "/ (n - 1)", frozenset({"variance"})),
    Mutation("transposition missing", r"\.T", "", frozenset({"operands exchanged", "transposed"})),
    Mutation("order exchanged", r"= ([\w.]+) @ ([\w.]+)", r"= \2 @ \1", frozenset({"operands exchanged", "transposed"})),
    Mutation("result transposed", r"= (.* @ .*)$", r"= (\1).T", frozenset({"transposed", "operands exchanged"})),
    Mutation("upstream missing", r" \* d\w+$", "", frozenset({"upstream forgotten"})),
    Mutation("local missing", r"= (?!.* \+ )[^d].* \* (d\w+)$", r"= \1", frozenset({"local derivative forgotten", "factor"})),
    Mutation("factor 2 missing", r"2\.0 \* ", "", frozenset({"factor", "exponent forgotten", "path missing"})),
    Mutation("exponent missing", r"-0\.5 \* ", "", frozenset({"factor", "exponent forgotten"})),
    Mutation("not lowered", r"-1\.5", "-0.5", frozenset({"exponent not lowered"})),
    Mutation("not lowered", r"total \*\* -2", "total ** -1", frozenset({"exponent not lowered", "upside down"})),
    Mutation("at the input", r"hidden \*\* 2", "before ** 2", frozenset({"wrong place"})),
    Mutation("at the input", r"p \* \(1\.0 - p\)", "z * (1.0 - z)", frozenset({"wrong place"})),
    Mutation("tanh for sigmoid", r"p \* \(1\.0 - p\)", "(1.0 - p ** 2)", frozenset({"other function"})),
    Mutation("sigmoid for tanh", r"\(1\.0 - hidden \*\* 2\)", "hidden * (1.0 - hidden)", frozenset({"other function"})),
    Mutation("at the input", r"= counts \* dcounts", "= below * dcounts", frozenset({"wrong place"})),
    Mutation("log for exp", r"= counts \* dcounts", "= dcounts / below", frozenset({"other function"})),
    Mutation("upside down", r"dlogprobs / probs", "dlogprobs * probs", frozenset({"upside down"})),
    Mutation("exp for log", r"dlogprobs / probs", "dlogprobs * probs.exp()", frozenset({"other function"})),
    Mutation("operands exchanged", r"= inverse \* dprobs", "= counts * dprobs", frozenset({"operands exchanged"})),
    Mutation("operands exchanged", r"= \(counts \* dprobs", "= (inverse * dprobs", frozenset({"operands exchanged"})),
    Mutation("operands exchanged", r"= gain \* d", "= normal * d", frozenset({"operands exchanged"})),
    Mutation("operands exchanged", r"= scale \* d", "= centred * d", frozenset({"operands exchanged"})),
    Mutation("overwritten", r"= F\.one_hot.*drows", "= overwritten(C, X, drows)", frozenset({"overwritten"})),
    Mutation("maximum at each", r"F\.one_hot\(logits.*?4\)", "torch.ones_like(logits)", frozenset({"mask forgotten"})),
    Mutation("wrong upstream", r"= hidden\.T @ dout", "= hidden.T @ dsquares", frozenset({"wrong upstream"})),
    Mutation("mean's path missing", r"dweights - .*$", "dweights)", frozenset({"path missing", "only one path"})),
]  # fmt: skip


class Outcome(NamedTuple):
    """One planted slip: in which derivation, of which kind, in which line, and whether it was found and named."""

    derivation: str
    mutation: str
    line: str
    located: bool
    named: bool
    said: str


def prepared(seed: int, forward: str) -> dict[str, Any]:
    """Run a forward pass on random numbers and return its variables."""
    generator = torch.Generator().manual_seed(seed)

    def randn(*shape: int) -> Any:
        return torch.randn(*shape, generator=generator).requires_grad_()

    def overwritten(C: Any, X: Any, drows: Any) -> Any:
        d = torch.zeros_like(C)
        d[X] = drows
        return d

    space = {"torch": torch, "F": F, "randn": randn, "generator": generator, "overwritten": overwritten}
    exec(forward, space)
    return space


def derived(space: dict[str, Any], lines: list[str]) -> dict[str, Any]:
    """Run a derivation's lines and return all variables."""
    space = dict(space)
    with torch.no_grad():
        exec("\n".join(lines), space)
    return space


def judged(space: dict[str, Any]) -> Any:
    return check_backward(space["loss"], prefix="d", names=space)


def outcomes(seed: int) -> Iterator[Outcome]:
    """Plant each mutation in each line that it fits, and yield what was said of it."""
    for name, (forward, backward) in DERIVATIONS.items():
        space, lines = prepared(seed, forward), backward.strip().splitlines()
        right = derived(space, lines)
        report = judged(right)
        yield Outcome(name, "none", "", bool(report), bool(report), str(report))
        for mutation in MUTATIONS:
            for place, line in enumerate(lines):
                changed = re.sub(mutation.pattern, mutation.becomes, line, count=1)
                if changed != line:
                    yield from _planted(name, mutation, space, right, [*lines[:place], changed, *lines[place + 1 :]], place)


def _planted(
    name: str, mutation: Mutation, space: dict[str, Any], right: dict[str, Any], lines: list[str], place: int
) -> Iterator[Outcome]:
    written = lines[place].split()[0]
    try:
        found = derived(space, lines)
    except (RuntimeError, ValueError, TypeError, IndexError):
        return  # Python says it itself
    same = tuple(found[written].shape) == tuple(right[written].shape)
    if same and (found[written] - right[written]).abs().max().item() < 1e-9:
        return  # no slip after all
    report = judged(found)
    first = report.first
    located = first is not None and first.written == written
    yield Outcome(name, mutation.name, lines[place], located, located and first.slip in mutation.kinds, str(first))


def main(first: int = 1000, seeds: int = 3, verbose: bool = False) -> None:
    """Print how many slips were found and named, by kind."""
    all_of = [outcome for seed in range(first, first + seeds) for outcome in outcomes(seed)]
    clean = [x for x in all_of if x.mutation == "none"]
    planted = [x for x in all_of if x.mutation != "none"]
    count = Counter(x.mutation for x in planted)
    print(f"{'slip':<24}{'planted':>8}{'located':>9}{'named':>7}")
    for mutation, total in count.items():
        of = [x for x in planted if x.mutation == mutation]
        print(f"{mutation:<24}{total:>8}{sum(x.located for x in of):>9}{sum(x.named for x in of):>7}")
    located, named = (sum(getattr(x, what) for x in planted) for what in ("located", "named"))
    print(f"{'all':<24}{len(planted):>8}{located:>9}{named:>7}  {located / len(planted):.1%} {named / len(planted):.1%}")
    print(f"right derivations called wrong: {sum(not x.located for x in clean)} of {len(clean)}")
    if verbose:
        for x in planted:
            if not x.named:
                print("---", x.derivation, "|", x.mutation, "|", x.line, "|", x.located, "\n   ", x.said)


if __name__ == "__main__":
    numbers = [int(x) for x in sys.argv[1:] if x.isdecimal()]
    main(*numbers, verbose="-v" in sys.argv)
