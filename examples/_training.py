"""Shows a training: a progress bar in a terminal, the losses as a chart in text, and pictures if matplotlib is installed."""

import importlib.util
import math
import sys
import time

from _output import output_folder, written


def watched(losses, total):
    """Return a training's losses as a list; if stdout is a terminal, a bar shows its progress and its latest loss."""
    if not sys.stdout.isatty():
        return list(losses)
    return _rich(losses, total) if importlib.util.find_spec("rich") else _plain(losses, total)


def _rich(losses, total):
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    seen = []
    columns = [MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(), TextColumn("loss {task.fields[loss]:.3f}")]
    with Progress(*columns) as bar:
        task = bar.add_task("training", total=total, loss=math.nan)
        for loss in losses:
            seen.append(loss)
            bar.update(task, advance=1, loss=loss)
    return seen


def _plain(losses, total):
    seen, shown = [], 0.0
    for loss in losses:
        seen.append(loss)
        if time.monotonic() - shown > 0.1 or len(seen) == total:
            shown, full = time.monotonic(), 30 * len(seen) // total
            print(f"\r{len(seen):>5}/{total} [{'#' * full:30}] loss {loss:.3f}", end="", flush=True)
    print()
    return seen


def curve(losses, columns=60, rows=10):
    """Return losses as a chart in text, with a star in each column at the mean of its steps."""
    columns = min(columns, len(losses))
    bins = [losses[k * len(losses) // columns : (k + 1) * len(losses) // columns] for k in range(columns)]
    means = [math.fsum(part) / len(part) for part in bins]
    low, high = min(means), max(means)
    heights = [round((mean - low) / (high - low or 1) * (rows - 1)) for mean in means]
    lines = []
    for row in reversed(range(rows)):
        level = low + (high - low) * row / (rows - 1)
        label = f"{level:8.3f}" if row % 3 == 0 else ""
        lines.append(f"{label:>8} |{''.join('*' if height == row else ' ' for height in heights)}".rstrip())
    return "\n".join([*lines, f"{'loss':>8} +{'-' * columns}", f"{'':10}steps 1 to {len(losses)}"])


def save_pictures(name, losses, lines, maps):
    """Write NAME_loss.svg and NAME_residuals.svg into the folder given on the command line, by default `output`.

    `lines` has losses to compare with, by label; `maps` is a Landscape. Without matplotlib nothing is written.
    """
    if not importlib.util.find_spec("matplotlib"):
        print("no pictures, since matplotlib is missing; pip install 'micrograd_sm[plot]'")
        return
    folder = output_folder()
    _plot(losses, lines, folder / f"{name}_loss.svg")
    maps.save(folder / f"{name}_residuals.svg")
    written(folder, f"{name}_loss.svg", f"{name}_residuals.svg")


def _plot(losses, lines, path):
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, len(losses) + 1), losses, color="#0072B2", linewidth=0.8, label="training batch")
    for (what, loss), style in zip(lines.items(), ("--", ":", "-."), strict=False):
        axes.axhline(loss, color="#000000", linestyle=style, linewidth=1.2, label=f"{what}: {loss:.3f}")
    axes.set_xlabel("step")
    axes.set_ylabel("cross-entropy (nats)")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    with rc_context({"svg.hashsalt": path.name}):  # the same bytes in every run
        figure.savefig(path, metadata={"Date": None})
