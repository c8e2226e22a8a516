"""The backward passes that a script runs: which of them start from its variable, and what the Values held then."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple
from weakref import ref

from micrograd_sm.engine import Value
from micrograd_sm.graph import Moment
from micrograd_sm.mode import users_frame
from micrograd_sm.words.names import visible

_parents = attrgetter("parents")


class Ran(NamedTuple):
    """A backward pass: its root and seed, what the Values held, and the variables of the functions, innermost first."""

    root: Value
    seed: Any
    moment: Moment
    variables: tuple[Mapping[str, Any], ...]

    def names(self) -> dict[str, Any]:
        """Return the variables by name; those of an inner function come first and win."""
        names: dict[str, Any] = {}
        for name, x in chain.from_iterable(variables.items() for variables in self.variables):
            names.setdefault(name, x)
        return names


class Passes:
    """The backward passes of the Values that the variable `name` held. One is kept: the first is number 1, the last -1.

    The variable may belong to any function that runs. It holds the root during the pass or later, as in `loss = train()`: so
    roots are remembered as long as they live. With `anyone`, the passes of whatever Values are kept, too, in `all`.
    """

    def __init__(self, name: str, number: int = -1, anyone: bool = False) -> None:
        self.name, self.number = name, number
        self.script: dict[str, Any] = {}  # the variables of the script itself
        self.tape: Any = None  # of a torch program
        self.count = 0
        self.last: Ran | None = None  # of whatever Value
        self.all, self.anyone = _Kept(number), anyone
        self._kept = _Kept(number)
        self._roots: set[int] = set()  # creation numbers
        self._unclaimed: dict[int, tuple[ref[Value], list[tuple[Any, Moment] | None]]] = {}

    def as_value(self, x: Any) -> Value | None:
        """Return what a variable holds as a Value: itself, or that of a torch tensor; None if it is neither."""
        if isinstance(x, Value) or self.tape is None:
            return x if isinstance(x, Value) else None
        return self.tape.value_of(x) if x in self.tape else None

    def heard(self, root: Value, seed: Any, nodes: list[Value]) -> None:
        """Hear of a pass, before its gradients are added to `.grad`."""
        frames = [*_users_variables(self.script), self.script]
        if self.tape is not None:
            for variables in frames:
                self.tape.name_after(variables)
        named = [self.as_value(variables.get(self.name)) for variables in frames]
        for value in named:
            self.claim(value, frames)
        moment = Moment({*nodes, *chain.from_iterable(map(_parents, nodes))})
        seed = seed.data if isinstance(seed, Value) else seed
        self.last = Ran(root, seed, moment, tuple(map(dict, frames)))
        if self.anyone:
            self.all.add(self.last)
        if any(value is root for value in named):
            self._keep(root, self.last)
        else:
            self._remember(root, seed, moment)

    def _remember(self, root: Value, seed: Any, moment: Moment) -> None:
        """Remember a pass that may turn out to be the variable's, or None if its number was not asked for."""
        forget = lambda _, number=root.number: self._unclaimed.pop(number, None)
        passes = self._unclaimed.setdefault(root.number, (ref(root, forget), []))[1]
        passes.append((seed, moment) if self.number < 0 or len(passes) < self.number else None)
        if len(passes) > -self.number > 0:
            passes[self.number - 1] = None

    def claim(self, value: Value | None, frames: Sequence[Mapping[str, Any]]) -> None:
        """Keep the passes of a Value that the variable now holds."""
        if value is not None and value.number in self._unclaimed:
            variables = tuple(map(dict, frames))
            for each in self._unclaimed.pop(value.number)[1]:
                self._keep(value, each and Ran(value, *each, variables))

    def _keep(self, root: Value, ran: Ran | None) -> None:
        self.count += 1
        self._roots.add(root.number)
        self._kept.add(ran)

    def ran_from(self, value: Value) -> bool:
        """Return whether a pass of the variable started from this Value."""
        return value.number in self._roots

    def chosen(self, path: str) -> tuple[int, Ran]:
        """Return the pass that was asked for, and its number; IndexError if there is none."""
        return self._kept.chosen(f"{visible(path)} ran", f" of {visible(self.name)!r}")

    def name_of(self, ran: Ran) -> str | None:
        """Return the name of a variable that holds the root of a pass, the innermost function's first."""
        for name, x in chain.from_iterable(variables.items() for variables in (*ran.variables, self.script)):
            if self.as_value(x) is ran.root and not name.startswith("_"):
                return name
        return None

    def script_name_of(self, ran: Ran) -> str | None:
        """Return what the script itself called the root when the pass ran; None if it had no variable that held it.

        A helper that is given `o` may have a parameter called `loss`: the reader looks for `o`.
        """
        held = [name for name, x in ran.variables[-1].items() if self.as_value(x) is ran.root and not name.startswith("_")]
        return self.name if self.name in held else next(iter(held), None)


class _Kept:
    """The pass that was asked for, of those that were added: the first is number 1, the last -1."""

    def __init__(self, number: int) -> None:
        self.number, self.count = number, 0
        self._passes: deque[Ran | None] = deque(maxlen=max(1, min(-number, sys.maxsize)))

    def add(self, ran: Ran | None) -> None:
        self.count += 1
        if self.number < 0 or self.count == self.number:
            self._passes.append(ran)

    def chosen(self, who: str, of: str = "") -> tuple[int, Ran]:
        if abs(self.number) > self.count or (ran := self._passes[0]) is None:
            passes = f"{self.count} backward passes" if self.count > 1 else f"{self.count or 'no'} backward pass"
            choice = f"; --pass takes 1 to {self.count} or -{self.count} to -1" if self.count else ""
            raise IndexError(f"{who} {passes}{of}{choice}")
        return self.number if self.number > 0 else self.count + 1 + self.number, ran


def _users_variables(script: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the variables of the user's functions that run, innermost first, without the script itself."""
    frame = users_frame()
    while frame is not None and frame.f_locals is not script:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in ("micrograd_sm", "torch"):
            yield frame.f_locals
        frame = frame.f_back
