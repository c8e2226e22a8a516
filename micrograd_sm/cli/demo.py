"""The demonstration: training and inference on three rows of logits, each figure beside the expected one."""

from __future__ import annotations

from pathlib import Path
from random import Random

from micrograd_sm.draw import draw
from micrograd_sm.engine import Value
from micrograd_sm.functional import argmax, cross_entropy, log_softmax, multinomial, nll_loss, softmax

LOGITS = [[1.0, 2.0, 0.1], [1.2, 0.5, 0.3], [0.4, 1.0, 1.5]]
LABELS = [2, 0, 1]
SEED = 3

# Computed by torch 2.13 in float64, to four decimals.
SOFTMAX = [[0.2424, 0.6590, 0.0986], [0.5254, 0.2609, 0.2136], [0.1716, 0.3127, 0.5156]]
LOG_SOFTMAX = [[-1.4170, -0.4170, -2.3170], [-0.6435, -1.3435, -1.5435], [-1.7624, -1.1624, -0.6624]]
LOSS = 1.3743
GRADIENT = [[0.0808, 0.2197, -0.3005], [-0.1582, 0.0870, 0.0712], [0.0572, -0.2291, 0.1719]]
NLL_OF_SOFTMAX = -0.3123


class Comparison:
    """Print figures beside the expected ones, and remember which differ when rounded to four decimals."""

    def __init__(self) -> None:
        self.differing: list[str] = []

    def head(self, columns: int = 1) -> None:
        """Print the heading of the columns."""
        width = max(9 * columns, len(" computed"))
        print(f"\n  {'':<9}{'computed':>{width}}{'':{29 - width}}{'expected':>{width}}")

    def row(self, label: str, found: list[float], expected: list[float], what: str = "") -> None:
        """Print a row of numbers beside the expected one. If they differ, remember the row as `what` and `label`."""
        same = [f"{x:.4f}" for x in found] == [f"{x:.4f}" for x in expected]
        if not same:
            self.differing.append(" ".join(filter(None, (what, label))))
        print(f"  {label:<9}{_cells(found):<29}{_cells(expected):<29}{'ok' if same else 'DIFFERS'}")

    def rows(self, what: str, found: list[list[float]], expected: list[list[float]]) -> None:
        """Print a matrix beside the expected one."""
        self.head(len(expected[0]))
        for index, (row, expected_row) in enumerate(zip(found, expected, strict=True)):
            self.row(f"row {index}", row, expected_row, what)


def run(path: str | Path = "cross_entropy.svg") -> list[str]:
    """Print the demonstration, draw the loss into a file, and return the names of the figures that differ.

    Raises the errors of `Drawing.save`, after everything is printed.
    """
    figures = Comparison()
    _heading("A classification loss, its gradient, and a picture of both", "=")
    print(
        "\nThree examples (rows) and three classes (columns). A logit is the score that a\n"
        "model gives to a class; a label is the number of the class that is right.\n"
    )
    print(f"  {'':<9}{'logits':>27}    label")
    for index, (row, label) in enumerate(zip(LOGITS, LABELS, strict=True)):
        print(f"  {f'row {index}':<9}{_cells(row)}  {label:>7}")
    logits = Value(LOGITS, name="logits")
    loss = _training(figures, logits)
    _gradient(figures, logits)
    _inference(figures)
    _mistake(figures)
    _verdict(figures)
    draw(loss).save(path)
    print(f"\nThe picture of the loss, every step of it with its gradient: {path}")
    return figures.differing


def _training(figures: Comparison, logits: Value) -> Value:
    _heading("1. Training: logits -> log_softmax -> nll_loss -> backward")
    print("\nlog_softmax(logits, dim=1): the logarithm of each class's probability.")
    log_probs = log_softmax(logits, dim=1)
    log_probs.name = "log_probs"
    figures.rows("log_softmax", log_probs.tolist(), LOG_SOFTMAX)
    print("\nnll_loss(log_probs, labels): minus the log-probability of each label, averaged.")
    loss = nll_loss(log_probs, LABELS)
    loss.name = "loss"
    figures.head()
    figures.row("loss", [loss.item()], [LOSS])
    chosen = [f"{-log_probs.tolist()[index][label]:.4f}" for index, label in enumerate(LABELS)]
    print(f"\n  By hand: ({' + '.join(chosen)}) / {len(LABELS)} = {loss:.4f}")
    print("\ncross_entropy(logits, labels): both steps in one call.")
    figures.head()
    figures.row("loss", [cross_entropy(LOGITS, LABELS).item()], [LOSS], "cross_entropy")
    loss.backward()
    return loss


def _gradient(figures: Comparison, logits: Value) -> None:
    print("\nloss.backward(): logits.grad is how fast the loss grows along each logit.")
    gradient = logits.grad.tolist()
    figures.rows("gradient", gradient, GRADIENT)
    print(
        "\nIn words: the gradient is (p - y) / N. p is softmax(logits), y is 1 for the\n"
        f"label and 0 for the other classes, and N = {len(LABELS)} is the number of rows.\n"
    )
    for index, (p, label) in enumerate(zip(softmax(LOGITS, dim=1).tolist(), LABELS, strict=True)):
        y = [float(k == label) for k in range(len(p))]
        by_rule = [(pk - yk) / len(LABELS) for pk, yk in zip(p, y, strict=True)]
        print(f"  {f'row {index}':<9}p           {_cells(p)}")
        print(f"  {'':<9}y           {''.join(f'{yk:9.0f}' for yk in y)}")
        figures_agree = all(abs(a - b) < 1e-12 for a, b in zip(by_rule, gradient[index], strict=True))
        if not figures_agree:
            figures.differing.append(f"(p - y) / N, row {index}")
        print(f"  {'':<9}(p - y) / {len(LABELS)} {_cells(by_rule)}  {'= logits.grad' if figures_agree else 'DIFFERS'}\n")
    print(
        "Only the label's entry is negative: a step against the gradient raises that\n"
        "logit and lowers the others, most of all where the model was confidently wrong.\n"
        "Each row sums to 0, since p and y both sum to 1."
    )


def _inference(figures: Comparison) -> None:
    _heading("2. Inference: logits -> softmax -> multinomial")
    print("\nsoftmax(logits, dim=1): probabilities, each row sums to 1.")
    probs = softmax(LOGITS, dim=1)
    figures.rows("softmax", probs.tolist(), SOFTMAX)
    samples = multinomial(probs, 10, replacement=True, generator=Random(SEED)).tolist()
    best = argmax(probs, dim=1).tolist()
    print(f"\nmultinomial(probs, 10, replacement=True): classes drawn by chance, seed {SEED}.\n")
    print(f"  {'':<9}{'drawn':<24}most probable (argmax)")
    for index, drawn in enumerate(samples):
        print(f"  {f'row {index}':<9}{' '.join(map(str, drawn)):<24}{best[index]}")


def _mistake(figures: Comparison) -> None:
    _heading("3. A common mistake: probabilities into nll_loss")
    print("\nnll_loss(softmax(logits, dim=1), labels): runs without an error, and is wrong.")
    logits = Value(LOGITS)
    mistaken = nll_loss(softmax(logits, dim=1), LABELS)
    mistaken.backward()
    figures.head()
    figures.row("loss", [mistaken.item()], [NLL_OF_SOFTMAX], "nll_loss of softmax")
    right, wrong = GRADIENT[0][LABELS[0]], logits.grad.tolist()[0][LABELS[0]]
    print(
        "\nnll_loss takes logarithms and only picks, negates and averages. Given\n"
        "probabilities it returns minus the labels' average probability: a number from\n"
        f"-1 to 0, where the true loss is never below 0 and is {LOSS} here. The gradient\n"
        f"is not (p - y) / N either: at row 0's label, which got p = {SOFTMAX[0][LABELS[0]]}, it is\n"
        f"{wrong:.4f} in place of {right:.4f}. So the rows that are most wrong learn least.\n"
        "Pass log_softmax to nll_loss, or the logits themselves to cross_entropy."
    )


def _verdict(figures: Comparison) -> None:
    _heading("Result")
    if figures.differing:
        print(f"\nThese differ from the expected figures: {', '.join(figures.differing)}.")
    else:
        print("\nEvery figure agrees with the expected one to four decimals.")


def _heading(text: str, line: str = "-") -> None:
    print(f"{'' if line == '=' else chr(10)}{text}\n{line * len(text)}")


def _cells(row: list[float]) -> str:
    return "".join(f"{x:9.4f}" for x in row)
