"""The current position of a reader in the steps, and what each key does; it needs no terminal."""

from __future__ import annotations

from collections.abc import Callable

from micrograd_sm.graph import Node, Scope
from micrograd_sm.steps import Step, Steps
from micrograd_sm.words.names import shortened, visible

KEYS = (
    ("right, l, space", "next step"),
    ("left, h, backspace", "previous step"),
    ("page down, page up", "ten steps on, back"),
    ("Home, g", "first step"),
    ("End, G", "last step"),
    ("12 g", "step number 12"),
    ("12 right, 12 left", "twelve steps on, back"),
    ("/", "find a node by name, id, operation or scope"),
    ("n, N", "next, previous step found"),
    ("f", "fold the scope of the current node, or open it"),
    ("F", "fold every scope, or open all"),
    ("c", "one step for each operation, or each contribution"),
    ("?", "these keys"),
    ("q, Ctrl-C", "leave"),
)
_LONGEST_COUNT = 9  # digits
_LONGEST_SEARCH = 60  # characters
_PAGE = 10  # steps


class Walk:
    """The current step, which `press` changes. `message` says what happened, or why a key did nothing.

    `reading` is "" if keys walk, "find" if they are typed into a search, "help" if the keys are listed. `count` holds the
    digits typed so far, `search` the text of the last search.
    """

    def __init__(self, steps: Steps, message: str = "") -> None:
        self.message = message
        self.index = 0
        self.reading = self.count = self.search = self.typed = ""
        self.done = False
        self._look_at(steps)

    def _look_at(self, steps: Steps) -> None:
        """Keep the steps, each node's row in the list of nodes, and the step that computes it."""
        self.steps = steps
        self.rows = {node.id: row for row, node in enumerate(steps.graph)}
        self.computed = {step.node.id: step.index for step in steps if step.phase == "forward"}

    @property
    def step(self) -> Step:
        return self.steps[self.index]

    def press(self, key: str) -> None:
        """Carry out a key; an unknown key does nothing."""
        self.message = ""
        if self.reading == "find":
            self._type(key)
        elif self.reading == "help":
            self.reading, self.done = "", key == "q"
        elif key in _DIGITS and len(self.count) < _LONGEST_COUNT:
            self.count += key
        elif key in _ACTIONS:
            _ACTIONS[key](self)
            self.count = ""
        elif key == "escape":
            self.count = ""

    def _by(self, distance: int) -> None:
        self._to(self.index + distance * int(self.count or 1))

    def _to(self, index: int) -> None:
        last = len(self.steps) - 1
        if index > last:
            self.message = "this is the last step" if not self.count else f"there are {last + 1} steps; this is the last"
        elif index < 0:
            self.message = "this is the first step"
        self.index = min(max(index, 0), last)

    def _go(self) -> None:
        if self.count and not int(self.count):
            self.message = "steps are numbered from 1"
        self._to(max(int(self.count or 1) - 1, 0))

    def _find(self) -> None:
        self.reading, self.typed = "find", ""

    def _type(self, key: str) -> None:
        if key == "enter":
            self.reading, self.search = "", self.typed or self.search
            self._found(1)
        elif key == "escape" or (key == "backspace" and not self.typed):
            self.reading = ""
        elif key == "backspace":
            self.typed = self.typed[:-1]
        elif len(key) == 1 and len(self.typed) < _LONGEST_SEARCH:
            self.typed += key

    def _found(self, direction: int) -> None:
        """Go to the nearest step of a matching node in a direction; after the last step, begin again."""
        if not self.search:
            self.message = "there was no search yet: / begins one"
            return
        wanted = self._matches()  # a leaf has no step of its own: a step that uses it counts
        about = ((step, {step.node.id, *(x.id for x in step.operands if x.op is None)}) for step in self.steps)
        matching = [step.index for step, ids in about if ids & wanted]
        if not matching:
            self.message = f"no node has {shortened(visible(self.search))!r} as name, id, operation or scope"
            return
        ahead = [index for index in matching if (index - self.index) * direction > 0]
        self.index = (ahead or matching)[0 if direction > 0 else -1]
        self.message = f"step {matching.index(self.index) + 1} of {len(matching)} about {shortened(visible(self.search))!r}"
        if not ahead:
            self.message += f", from the {'start' if direction > 0 else 'end'} again"

    def _matches(self) -> set[str]:
        """Return the ids of the nodes with this id or name, or if there are none, of all nodes that contain the text."""
        wanted, labels = self.search.casefold(), self.step.names
        exact = {node.id for node in self.steps.graph if wanted in (node.id, labels[node.id].casefold())}
        return exact or {node.id for node in self.steps.graph if wanted in _words(node, labels[node.id])}

    def _change(self, steps: Steps) -> None:
        """Look at other steps of the same pass, and go to the step that contains the current one."""
        old = self.step
        self._look_at(steps)
        around = {inside: node.id for node in steps.graph for inside in node.folded}
        id = around.get(old.node.id, old.node.id)
        same = [step for step in steps if step.phase == old.phase and step.node.id == id]
        edges = {contribution.edge for contribution in old.contributions}
        exact = [step for step in same if edges & {contribution.edge for contribution in step.contributions}]
        self.index = (exact or same)[0].index if same else min(self.index, len(steps) - 1)

    def _grain(self) -> None:
        self._change(self.steps.by_contribution() if self.steps.grain == "node" else self.steps.by_node())
        self.message = f"one step for each {'operation' if self.steps.grain == 'node' else 'contribution'}"

    def _fold(self) -> None:
        node, graph = self.step.node, self.steps.graph
        if node.folded:
            opened = graph.unfold()
            scope = next(id for id in graph.folded if node.id in opened.members(id))
            self._change(self.steps.unfold(scope))
            self.message = f"{visible(_scopes(graph.scopes)[scope].path)} is open"
        elif node.call is None:
            self.message = "this node is in no scope, so there is nothing to fold; F folds every scope"
        else:
            folded, path = self.steps.fold(node.call), visible(_scopes(graph.scopes)[node.call].path)
            if len(folded.graph) == len(graph):
                self.message = f"{path} stays open: it cannot become a single operation"
                return
            self._change(folded)
            self.message = f"{path} is folded; f opens it"

    def _fold_all(self) -> None:
        if self.steps.graph.folded:
            self._change(self.steps.unfold())
            self.message = "every scope is open"
        elif not self.steps.graph.scopes:
            self.message = "there is no scope to fold: composed functions, such as softmax, open one"
        else:
            self._change(self.steps.fold())
            self.message = "every scope is folded; F opens them"

    def _help(self) -> None:
        self.reading = "help"

    def _leave(self) -> None:
        self.done = True


def _words(node: Node, label: str) -> str:
    return " ".join([node.id, label, node.op or "", node.symbol, node.scope]).casefold()


def _scopes(scopes: tuple[Scope, ...]) -> dict[str, Scope]:
    return {scope.id: scope for scope in scopes}


_DIGITS = frozenset("0123456789")
_ACTIONS: dict[str, Callable[[Walk], None]] = {
    **dict.fromkeys(("right", "down", "l", "j", " ", "enter"), lambda walk: walk._by(1)),
    **dict.fromkeys(("left", "up", "h", "k", "backspace"), lambda walk: walk._by(-1)),
    "page down": lambda walk: walk._by(_PAGE), "page up": lambda walk: walk._by(-_PAGE),
    "home": lambda walk: walk._to(0), "end": lambda walk: walk._to(len(walk.steps) - 1),
    "g": Walk._go, "G": lambda walk: walk._go() if walk.count else walk._to(len(walk.steps) - 1),
    "/": Walk._find, "n": lambda walk: walk._found(1), "N": lambda walk: walk._found(-1),
    "f": Walk._fold, "F": Walk._fold_all, "c": Walk._grain, "?": Walk._help, "q": Walk._leave,
}  # fmt: skip
