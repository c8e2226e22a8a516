"""A training on one page: each iteration's numbers, the updates spelled out, and the slider."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micrograd_sm import Training, Value, manual_seed, nn, optim
from micrograd_sm.cli.main import main

FROM_3 = [1.0, 0.5]


def trained(make: Callable[[list[Value]], Any], iterations: int = 3, before_the_step: bool = False) -> Training:
    """Return the film of a small training; the loss is recorded before or after the optimizer's step."""
    w = Value(1.0, name="w")
    optimizer, film = make([w]), Training()
    for _ in range(iterations):
        loss = (w - 3.0) ** 2
        optimizer.zero_grad()
        loss.backward()
        if before_the_step:
            film.record(loss)
        optimizer.step()
        if not before_the_step:
            film.record(loss)
    return film


def updates(film: Training, name: str = "w") -> list[list[str]]:
    return [frame.updates[name] for frame in film.frames]


@pytest.mark.parametrize("before_the_step", [True, False])
def test_plain_steps(before_the_step: bool) -> None:
    film = trained(lambda params: optim.SGD(params, lr=0.1), before_the_step=before_the_step)
    assert updates(film) == [
        ["w <- w - lr * dloss/dw = 1 - 0.1 * (-4) = 1.4"],
        ["w <- w - lr * dloss/dw = 1.4 - 0.1 * (-3.2) = 1.72"],
        ["w <- w - lr * dloss/dw = 1.72 - 0.1 * (-2.56) = 1.976"],
    ]
    assert film.losses == pytest.approx([4.0, 2.56, 1.6384])


def test_momentum_decay_and_nesterov() -> None:
    first, second = updates(trained(lambda params: optim.SGD(params, lr=0.1, momentum=0.9), 2))
    assert first == ["velocity <- dloss/dw = -4", "w <- w - lr * velocity = 1 - 0.1 * (-4) = 1.4"]
    assert second[0] == "velocity <- momentum * velocity + dloss/dw = 0.9 * (-4) + (-3.2) = -6.800"
    (decayed,) = updates(trained(lambda params: optim.SGD(params, lr=0.1, weight_decay=0.5), 1))
    assert decayed[0] == "slope = dloss/dw + weight_decay * w = (-4) + 0.5 * 1 = -3.5"
    (ahead,) = updates(trained(lambda params: optim.SGD(params, lr=0.1, momentum=0.5, nesterov=True), 1))
    assert ahead[1] == "ahead = dloss/dw + momentum * velocity = (-4) + 0.5 * (-4) = -6"
    assert ahead[-1] == "w <- w - lr * ahead = 1 - 0.1 * (-6) = 1.6"


def test_adam_and_others() -> None:
    _, second = updates(trained(lambda params: optim.Adam(params, lr=0.1), 2))
    assert second == [
        "mean <- 0.9 * mean + 0.1 * dloss/dw = 0.9 * (-0.4000) + 0.1 * (-3.800) = -0.7400",
        "square <- 0.999 * square + 0.001 * (dloss/dw)^2 = 0.999 * 0.01600 + 0.001 * (-3.800)^2 = 0.03042",
        "M = mean / (1 - 0.9^2) = -3.895",
        "V = square / (1 - 0.999^2) = 15.22",
        "w <- w - lr * M / (sqrt(V) + eps) = 1.100 - 0.1 * (-3.895) / (sqrt(15.22) + 1e-8) = 1.200",
    ]
    (decoupled,) = updates(trained(lambda params: optim.AdamW(params, lr=0.1, weight_decay=0.5), 1))
    assert decoupled[0] == "w <- w * (1 - lr * weight_decay) = 1 * (1 - 0.1 * 0.5) = 0.95"
    (other,) = updates(trained(lambda params: optim.RMSprop(params, lr=0.1), 1))
    assert other == ["w <- 2.000, from 1, by RMSprop's rule, with lr = 0.1 and dloss/dw = -4"]


def test_a_schedule_changes_the_rate_that_is_said() -> None:
    w = Value(1.0, name="w")
    optimizer = optim.SGD([w], lr=0.4)
    schedule, film = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5), Training()
    for _ in range(3):
        loss = w * 1.0
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        film.record(loss)
    rates = [re.search(r"- ([\d.]+) \*", lines[0]) for lines in updates(film)]
    assert [found and found.group(1) for found in rates][1:] == ["0.2", "0.1"]


def test_updates_by_hand_and_by_no_rule() -> None:
    w, film = Value(FROM_3, name="w"), Training()
    for k in range(3):
        loss = ((w - 3.0) ** 2).sum()
        w.grad = None
        loss.backward()
        w.data = w.data - 0.25 * w.grad if k != 1 else [7.0, 7.5]
        film.record(loss)
    first, second, _ = updates(film)
    assert first == ["w[1] <- w[1] - 0.25 * dloss/dw[1] = 0.5 - 0.25 * (-5) = 1.75"]
    assert second == ["w[1] <- 7.5, from 1.75, by no rule that is known here"]


def test_clipped_and_accumulated_gradients_are_those_of_the_step() -> None:
    w, film = Value(1.0, name="w"), Training()
    optimizer = optim.SGD([w], lr=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        (w * 10.0).backward()
        loss = w * 3.0
        loss.backward()
        nn.utils.clip_grad_norm_([w], 1.0)
        optimizer.step()
        film.record(loss)
    (line,) = updates(film)[0]
    assert line.startswith("w <- w - lr * dloss/dw = 1 - 0.5 * ") and line.endswith("= 0.5000")


def test_without_a_backward_pass_and_on_bad_input() -> None:
    film, w = Training(), Value(1.0, name="w")
    assert not len(film) and film and "nothing recorded" in repr(film)
    film.record((w - 3.0) ** 2)
    assert film.frames[0].updates == {"w": ["w is not changed"]} and w.grad is None
    with pytest.raises(TypeError, match=r"expected the loss, a Value, got 3\.0 of type float"):
        film.record(3.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"a loss is one number, got shape \(2,\)"):
        film.record(Value([1.0, 2.0]))
    with pytest.raises(TypeError, match=r"optimizer must be one of micrograd_sm\.optim"):
        Training(optimizer=3)  # type: ignore[arg-type]
    for path, error in [("film.mp3", ValueError), ("nowhere/film.html", FileNotFoundError)]:
        with pytest.raises(error):
            film.save(path)


def test_graphs_of_other_structures_have_pictures_of_their_own(tmp_path: Path) -> None:
    w, film = Value(1.0, name="w"), Training()
    for k in range(12):
        loss = w * 2.0
        for _ in range(k % 2 if k < 4 else k):
            loss = loss + w
        film.record(loss)
    assert [frame.picture for frame in film.frames] == [0, 1, 0, 1, 2, 3, 4, 5, None, None, None, None]
    assert "structure of its own" in film.frames[-1].note
    assert film.save(tmp_path / "film.html").read_text("utf-8").count("data-picture=") == 6


def moons(iterations: int) -> Training:
    """Return the film of the network 2-16-16-1 on 100 points of two moons."""
    manual_seed(1)
    generator = random.Random(1)
    points = [[generator.gauss(k % 2, 0.4), generator.gauss(-(k % 2), 0.4)] for k in range(100)]
    batch, targets = Value(points, requires_grad=False), Value([[2.0 * (k % 2) - 1.0] for k in range(100)], requires_grad=False)
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer, film = optim.SGD(model.parameters(), lr=0.1), Training()
    for _ in range(iterations):
        loss = (1.0 - targets * model(batch)).relu().mean() + 1e-4 * sum((p * p).sum() for p in model.parameters())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        film.record(loss)
    return film


def test_the_page_goes_through_the_iterations(open_page: Callable[..., Any], tmp_path: Path) -> None:
    film = moons(200)
    path = film.save(tmp_path / "moons.html")
    assert path.stat().st_size < 2_000_000
    page = open_page(path)
    title = lambda: page.locator("#now-title").inner_text()
    assert title().startswith("Iteration 1: loss ") and page.locator("#place").inner_text() == "1 of 200"
    first = page.locator("#picture svg").inner_html()
    page.keyboard.press("End")
    assert title().startswith("Iteration 200: ") and page.locator("#picture svg").inner_html() != first
    page.keyboard.press("Home")
    assert page.locator("#picture svg").inner_html() == first  # the same start
    page.keyboard.press("ArrowRight")
    said = page.locator("#updates").inner_text()
    assert "model.0.weight" in said and film.frames[1].updates["model.0.weight"][0] in said
    took = page.evaluate(
        """() => {
          const start = performance.now();
          for (let k = 1; k <= 200; k += 1) { training.go(k); document.body.offsetHeight; }
          return (performance.now() - start) / 200;
        }"""
    )
    assert took < 100
    box = page.locator("#losses").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert 80 < int(page.locator("#place").inner_text().split()[0]) < 120


SCRIPT = """
from micrograd_sm import Value, optim
w, b = Value(0.5), Value(0.0)
optimizer = optim.SGD([w, b], lr=0.05, momentum=0.5)
def train():
    for x, y in [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)] * 3:
        loss = (w * x + b - y) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
train()
"""


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SCRIPT, "utf-8")
    assert main(["train", "train.py", "-o", "page.html"]) == 0
    assert capsys.readouterr().out.startswith("9 iterations, loss 2.25 to ")
    page = Path("page.html").read_text("utf-8")
    assert "w &lt;- w" not in page and "w \\u003c- w - lr * velocity = 0.5 - 0.05 * (-3) = 0.65" in page
    assert main(["train", "train.py", "--name", "out"]) == 1
    assert "ran no backward pass from 'out'" in capsys.readouterr().err
    assert main(["train", "nowhere.py"]) == 1
    with pytest.raises(SystemExit):
        main(["train", "1 + 1"])
