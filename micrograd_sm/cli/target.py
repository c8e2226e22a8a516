"""The target of a command: the value of an EXPRESSION, or of a FILE.py in one of its backward passes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from micrograd_sm.cli.expression import evaluate
from micrograd_sm.cli.passes import Passes, Ran
from micrograd_sm.cli.script import is_script, run_script, value_in
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph, Moment, snapshot
from micrograd_sm.graph.snapshot import source_line
from micrograd_sm.words.names import visible


class Target(NamedTuple):
    """A graph, its variables and, if a script ran a backward pass of it, the seed and the name of that pass."""

    graph: Graph
    names: Mapping[str, Any]
    moment: Moment = Moment()
    seed: Any = None
    passed: str = ""
    note: str = ""  # for the reader
    name: str = "result"
    root: Value | None = None

    def graph_of(self, value: Value) -> Graph:
        """Return the graph of another Value, at the same moment."""
        return Graph(value, self.names, self.moment)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what to look at: an expression, or a script, its variable and one of its backward passes."""
    parser.add_argument("what", metavar="EXPRESSION|FILE.py", help="what to compute, or a script or notebook that computes it")
    parser.add_argument(
        "--name", metavar="NAME", help="the script's variable (default: loss, or else the root of the last pass)"
    )
    add_pass(parser, "--pass", "which of the script's backward passes of it: 1 is the first, -1 the last (default)")


def add_pass(parser: argparse.ArgumentParser, option: str, help: str) -> None:
    parser.add_argument(option, dest=f"{option.strip('-').replace('-', '_')}_number", metavar="N", type=_number, help=help)


def _number(text: str) -> int:
    if not text.strip().removeprefix("-").isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} must count from 1, the first, or from -1, the last")
    return int(text)


def target_of(
    what: str,
    name: str | None,
    number: int | None,
    command: str,
    quiet: bool = False,
    arguments: Sequence[str] = (),
    lines: bool = False,
) -> Target:
    """Return the value of an expression or a script; `quiet` sends what the script prints to stderr.

    With `lines` an expression's statements are its lines, as a script's always are.

    A script's value is taken at the backward pass of that number, by default the last, or as it is if no pass was run from
    it and its data has not changed. Without a name it is `loss`, or else the root of the pass.
    """
    if not is_script(what):
        if name:
            raise ValueError("--name says which value of a script to take; an expression is itself the value")
        if number:
            raise ValueError("--pass says which backward pass of a script to look at; an expression runs none")
        return Target(Graph(evaluate(what, lines=True) if lines else evaluate(what), {}), {})
    if not Path(what).is_file():
        raise FileNotFoundError(f"{command}: the file {what!r} does not exist")
    passes, shown = Passes(name or "loss", number or -1, anyone=name is None), Path(what).name
    with redirect_stdout(sys.stderr) if quiet else nullcontext():
        variables = run_script(what, passes, arguments)
    if passes.tape is not None:
        passes.tape.name_after(variables)
    value = passes.as_value(variables.get(passes.name))
    passes.claim(value, [variables])
    if name is None and value is None and not passes.count and passes.all.count:
        return _root(passes, variables, shown)
    if number is None and (graph := _unpassed(value, variables, passes)):
        return Target(graph, variables, name=passes.name, root=value)
    if number is not None or passes.count:
        number, ran = passes.chosen(shown)
        called = passes.script_name_of(ran) if name is None else None
        return _recorded(ran, number, passes.count, called or passes.name, variables)
    return _in_the_last(value_in(variables, passes.name, what, passes), variables, passes, shown)


def _unpassed(value: Value | None, variables: Mapping[str, Any], passes: Passes) -> Graph | None:
    """Return the graph of a Value that no pass was run from; None if its data has changed, or if only others have gradients."""
    if value is None or passes.ran_from(value) or (passes.count and not value.requires_grad):
        return None
    try:
        return Graph(value, variables)
    except RuntimeError:
        return None


def _root(passes: Passes, variables: Mapping[str, Any], shown: str) -> Target:
    """Return the root of a pass of a script that has no variable of the default name, and say which it is."""
    number, ran = passes.all.chosen(f"{visible(shown)} ran")
    name = passes.name_of(ran)
    line = ran.root._place.line
    where = f" ({source_line(*line)})" if line else ""
    which = f"{visible(name)!r}" if name else "a value without a name"
    found = _recorded(ran, number, passes.all.count, name or "the root", variables)
    count = f"backward pass {number} of {passes.all.count}"
    note = f"there is no {passes.name!r}; this is {which}{where}, the root of {count}"
    return found._replace(note=f"{note}{'; --name and --pass choose another' if passes.all.count > 1 else ''}")


def _recorded(ran: Ran, number: int, count: int, name: str, variables: Mapping[str, Any]) -> Target:
    names = {name: ran.root} | ran.names() | {name: ran.root}  # first, so that the root is called so
    passed = f"backward pass {number} of {count}"
    note = f"{passed} of {visible(name)!r}; --pass takes another" if count > 1 else ""
    graph = Graph(ran.root, names, ran.moment)
    return Target(graph, {**variables, **names}, ran.moment, snapshot(ran.seed), passed, note, name, ran.root)


def _in_the_last(value: Value, variables: Mapping[str, Any], passes: Passes, shown: str) -> Target:
    """Return a Value whose data has changed as it was in the last pass. Raises RuntimeError if that did not reach it."""
    last = passes.last
    if last is not None and value in last.moment:
        names = {**variables, **last.names()}
        note = f"{visible(passes.name)!r} as it was in the script's last backward pass"
        return Target(Graph(value, names, last.moment), names, last.moment, note=note, name=passes.name, root=value)
    try:
        return Target(Graph(value, variables), variables, name=passes.name, root=value)
    except RuntimeError as error:
        ran = f"{visible(shown)} ran no backward pass of {visible(passes.name)!r}, which could be shown"
        raise RuntimeError(f"{ran}: {error}") from None
