"""The screen: the progress, the nodes, the running gradients, the formula of the step, and the keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.panel import Panel
from rich.segment import Segment
from rich.text import Text

from micrograd_sm.steps.terminal.tables import gradient_lines, node_lines
from micrograd_sm.steps.terminal.walk import KEYS, Walk
from micrograd_sm.words.names import visible

_FRAMED = (40, 16)  # the fewest columns and rows for panels with frames
_BESIDE = 100  # the fewest columns for a panel of the running gradients
_BAR = 40  # columns of the progress bar, at most
_KEYS_SHORT = ("right next", "left back", "/ find", "f fold", "c grain", "? keys", "q leave")
_MARKS = "> current node   * changed by this step   - not yet computed"
_PLAIN = {"⊙": "*", "·": "*", "×": "x", "∂": "d", "…": "...", "→": "->", "←": "<-", "Σ": "sum", "−": "-", "≈": "~"}
_ASCII = str.maketrans(_PLAIN)
_Rows: TypeAlias = list[list[Segment]]
_PHASES = {"forward": "cyan", "seed": "bold", "backward": "magenta"}


class Screen:
    """A walk for rich to print, exactly as large as the window; markup in names is shown, not obeyed."""

    def __init__(self, walk: Walk, ascii_only: bool = False) -> None:
        self.walk, self.ascii_only = walk, ascii_only

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = console.size
        middle = height - 2
        shown = self._help if self.walk.reading == "help" else self._body
        body = shown(console, width, middle) if middle > 0 else []
        first, last = (_rendered(console, text, width, 1) for text in (self._progress(width), self._status(width)))
        for row, line in enumerate([*first, *body, *last][:height]):
            if row:
                yield Segment.line()
            yield from line

    def _progress(self, width: int) -> Text:
        walk = self.walk
        number, last, phase = walk.index + 1, len(walk.steps), walk.step.phase
        text = Text(f"step {number} of {last}  ", style="bold").append(f"{phase:<8}", style=f"bold {_PHASES[phase]}")
        if walk.steps.grain == "contribution" and width >= 72:
            text.append("  by contribution", style="dim")
        room = min(width - text.cell_len - 4, _BAR)
        if room >= 8:
            filled = round(room * number / last)
            full, empty = ("#", "-") if self.ascii_only else ("━", "─")
            text.append("  [" if self.ascii_only else "  ")
            text.append(full * filled, style=_PHASES[phase]).append(empty * (room - filled), style="dim")
            text.append("]" if self.ascii_only else "")
        return text

    def _status(self, width: int) -> Text:
        walk = self.walk
        if walk.reading == "find":
            return Text(self.safe(f"find: {walk.typed}")).append("_", style="bold")
        if walk.count:
            return Text(f"{walk.count}  then g goes to that step, right and left move by so many")
        if walk.message:
            return Text(self.safe(walk.message), style="bold")
        hints = list(_KEYS_SHORT)
        while len(hints) > 2 and len("   ".join(hints)) > width:
            del hints[-3]  # the keys for help and for leaving stay
        return Text("   ".join(hints), style="dim")

    def _body(self, console: Console, width: int, height: int) -> _Rows:
        """Return the nodes, the running gradients beside them if there is room, and the formula under both."""
        frame = 2 if width >= _FRAMED[0] and height + 2 >= _FRAMED[1] else 0
        lower = max(1, min(height * 2 // 5, 12)) + frame if height > 3 else min(height, 1)
        upper = height - lower
        nodes = width * 3 // 5 if width >= _BESIDE else width
        left = node_lines(self.walk, nodes - 2 * frame, upper - frame, self.safe)
        title = "nodes" if width > nodes else "nodes and running gradients"
        shown = self._panel(console, left, title, nodes, upper, frame)
        if width > nodes:
            changed = gradient_lines(self.walk, width - nodes - 2 * frame, upper - frame, self.safe)
            right = self._panel(console, changed, "running gradients", width - nodes, upper, frame)
            shown = [a + b for a, b in zip(shown, right, strict=True)]
        formula = self._formula(console, width - 2 * frame, lower - frame)
        return shown + self._panel(console, formula, self._title(), width, lower, frame)

    def _title(self) -> str:
        step = self.walk.step
        if step.phase == "seed":
            return "seed: dL/dL"
        words = {"forward": "forward: ", "backward": "back through "}[step.phase]
        return self.safe(f"{words}{step.node.op or ''}{f' in {step.node.scope}' if step.node.scope else ''}")

    def _formula(self, console: Console, width: int, height: int) -> list[Text]:
        """Return the formula, on three lines each if there is room, else on one; with room the rule, why, and the source."""
        step = self.walk.step
        parts = [[symbols, *(f"  = {part}" for part in rest if part)] for symbols, *rest in step.formulas]
        short = [[formula.text] for formula in step.formulas]
        rules = [f"local: {rule.text}" for rule in step.rules]
        source = [step.node.source] if step.node.source and step.phase != "seed" else []
        below: list[list[str]] = [[*rules, step.why, *source], [*rules, step.why], rules, source, []]
        for layout, extra in [(layout, extra) for extra in below for layout in (parts, short)]:
            lines = [row for formula in layout for row in self._wrapped(console, formula, width)]
            lines += [row for text in extra for row in self._wrapped(console, [text], width, "dim")]
            if len(lines) <= height:
                return lines
        if len(lines) > height:
            lines = lines[: max(height - 1, 1)]
            lines += [Text("..., enlarge the window to see more", style="dim")] if height > 1 else []
        return lines

    def _wrapped(self, console: Console, lines: list[str], width: int, first: str = "bold") -> Iterable[Text]:
        for row, line in enumerate(lines):
            style = first if row == 0 else ""
            yield from Text(self.safe(line), style=style).wrap(console, max(width, 1), overflow="fold")

    def _help(self, console: Console, width: int, height: int) -> _Rows:
        column = max(len(keys) for keys, _ in KEYS)
        lines = [Text(f"{keys:<{column}}  {what}") for keys, what in KEYS]
        lines += [Text(), Text(_MARKS)]
        if len(lines) + 2 <= height and max(line.cell_len for line in lines) + 4 <= width:
            return self._panel(console, lines, "keys", width, height, 2)
        flowing = Text("; ".join([*(f"{keys}: {what}" for keys, what in KEYS), _MARKS]))
        return _fitted(console, list(flowing.wrap(console, width)), width, height)

    def _panel(self, console: Console, lines: list[Text], title: str, width: int, height: int, frame: int) -> _Rows:
        if not frame:
            return _fitted(console, lines, width, height)
        inside = Text("\n").join(line[: width - 4] if line.cell_len > width - 4 else line for line in lines[: height - frame])
        inside.no_wrap, inside.overflow = True, "crop"
        shape = box.ASCII if self.ascii_only else box.ROUNDED
        heading = Text(set_cell_size(title, width - 8) if cell_len(title) > width - 8 else title, style="bold")
        panel = Panel(inside, box=shape, title=heading, title_align="left", width=width, height=height, border_style="dim")
        return _rendered(console, panel, width, height)

    def safe(self, text: str) -> str:
        """Return text without characters that move the cursor or reorder others; in ASCII if `ascii_only`."""
        text = visible(text).replace("\u200c", "\\u200c").replace("\u200d", "\\u200d")
        return text.translate(_ASCII).encode("ascii", "backslashreplace").decode() if self.ascii_only else text


def _fitted(console: Console, lines: list[Text], width: int, height: int) -> _Rows:
    return _rendered(console, Text("\n").join(lines[:height]), width, height)


def _rendered(console: Console, renderable: RenderableType, width: int, height: int) -> _Rows:
    """Return exactly `height` lines of exactly `width` columns."""
    if isinstance(renderable, Text):
        renderable.no_wrap, renderable.overflow = True, "crop"
    options = console.options.update(width=max(width, 1), height=height)
    lines = console.render_lines(renderable, options, pad=True)[:height]
    return Segment.set_shape(lines, width, height)
