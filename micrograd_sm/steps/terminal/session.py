"""The terminal during a walk: it reads keys one by one, on an alternate screen, and restores the terminal afterwards."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from rich.console import Console, ConsoleDimensions
from rich.control import Control

from micrograd_sm.steps import Steps
from micrograd_sm.steps.terminal.keys import Keys
from micrograd_sm.steps.terminal.screen import Screen
from micrograd_sm.steps.terminal.walk import Walk

if sys.platform != "win32":
    import termios
    import tty

_ESCAPE_DELAY = 0.05  # seconds to wait for the rest of an escape sequence
_AT_MOST = 4096  # bytes read at once


class _Ended(BaseException):
    """The process must end, after the terminal is restored."""


def explore(steps: Steps, message: str = "") -> None:
    """Let a reader walk by key, on the terminal of stdin and stdout, until they leave; `message` is shown first.

    Raises KeyboardInterrupt on Ctrl-C. The terminal is restored even if a signal such as SIGTERM ends the process.
    """
    try:
        _Session(Walk(steps, message)).run()
    except _Ended as ended:
        number = ended.args[0]
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


class _Session:
    """One walk on one terminal."""

    def __init__(self, walk: Walk) -> None:
        self.walk, self.keys = walk, Keys()
        self.console = Console(file=sys.stdout, force_terminal=True, highlight=False, markup=False, emoji=False)
        self.screen = Screen(walk, ascii_only(self.console.encoding))
        self.input, self.output = sys.stdin.fileno(), sys.stdout.fileno()

    def run(self) -> None:
        with self._signals() as noticed:
            while not self.walk.done:
                with self._own_terminal():
                    suspended = self._until_left(noticed)
                if suspended:
                    _suspend()

    def _until_left(self, noticed: int) -> bool:
        """Answer keys until the reader leaves; return True if they only suspend the walk, by Ctrl-Z."""
        self._draw(anew=True)
        while not self.walk.done:
            delay = _ESCAPE_DELAY if self.keys.unfinished else None
            ready = select.select([self.input, noticed], [], [], delay)[0]
            anew = noticed in ready
            signals = os.read(noticed, _AT_MOST) if anew else b""
            if signal.SIGTSTP in signals:
                return True
            if signal.SIGCONT in signals:
                tty.setcbreak(self.input)  # a shell may have changed the mode meanwhile
            pressed = self.keys.waited() if not ready else []
            if self.input in ready:
                data = os.read(self.input, _AT_MOST)
                self.walk.done = not data  # the terminal was closed
                pressed = self.keys.feed(data)
            for key in pressed:
                anew = anew or key == "redraw"
                self.walk.press(key)
            if pressed or anew:
                self._draw(anew)
        return False

    def _draw(self, anew: bool) -> None:
        """Write the whole screen at once, so that it does not flicker."""
        columns, rows = os.get_terminal_size(self.output)
        self.console.size = ConsoleDimensions(columns or 80, rows or 24)
        with self.console:
            if anew:
                self.console.control(Control.clear())
            self.console.control(Control.home())
            self.console.print(self.screen, end="")
        sys.stdout.flush()

    @contextmanager
    def _own_terminal(self) -> Iterator[None]:
        """Take the terminal over: no echo, each key at once, an alternate screen without a cursor."""
        before = termios.tcgetattr(self.input)
        try:
            tty.setcbreak(self.input)
            self.console.set_alt_screen(True)
            self.console.show_cursor(False)
            yield
        finally:
            with suppress(OSError):  # a closed terminal needs no restoring
                self.console.show_cursor(True)
                self.console.set_alt_screen(False)
                sys.stdout.flush()
            with suppress(termios.error):
                termios.tcsetattr(self.input, termios.TCSADRAIN, before)

    @contextmanager
    def _signals(self) -> Iterator[int]:
        """Write signals that concern the screen to a pipe, which is read together with the keys; others end the walk."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        kept = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        actions: dict[str, Callable[[int, FrameType | None], None]] = {
            "SIGWINCH": _notice, "SIGTSTP": _notice, "SIGCONT": _notice, "SIGTERM": _end, "SIGHUP": _end,
            "SIGINT": signal.default_int_handler,  # even if the parent process ignores it
        }  # fmt: skip
        before = {name: signal.signal(getattr(signal, name), action) for name, action in actions.items()}
        try:
            yield reading
        finally:
            for name, action in before.items():
                signal.signal(getattr(signal, name), action)
            signal.set_wakeup_fd(kept)
            os.close(reading)
            os.close(writing)


def ascii_only(encoding: str) -> bool:
    """Whether only ASCII can be shown, because of the output's encoding or of the locale."""
    return not encoding.lower().startswith("utf") or os.environ.get("LC_ALL") in ("C", "POSIX")


def _notice(number: int, frame: FrameType | None) -> None:
    """Do nothing: the number of the signal is already in the pipe."""


def _end(number: int, frame: FrameType | None) -> None:
    raise _Ended(number)


def _suspend() -> None:
    """Stop the process, and return when the shell continues it."""
    noticing = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, noticing)
