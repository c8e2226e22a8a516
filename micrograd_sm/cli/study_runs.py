"""What each command of `micrograd-sm study` does: the study of the same name, printed as text or as JSON."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from micrograd_sm import study
from micrograd_sm.cli.expression import function_of, variables
from micrograd_sm.cli.script import is_script
from micrograd_sm.cli.target import Target, target_of
from micrograd_sm.draw import Drawing, draw, in_a_folder
from micrograd_sm.engine import Value
from micrograd_sm.graph import Graph
from micrograd_sm.graph.evaluation import backward_pass
from micrograd_sm.nn import Module
from micrograd_sm.study.replay import inputs_of, replay
from micrograd_sm.study.subject import opaque_in, refuse_opaque
from micrograd_sm.study.trust.lost import ALL, LOSS, NodeDigits
from micrograd_sm.words.names import labels_of
from micrograd_sm.words.plain import plain

_MOST_TWICE = 200  # numbers up to which `check` looks at the Hessian unasked: a quarter of a minute


def _taken(options: argparse.Namespace) -> Target:
    return _target(options, options.what, options.name, options.pass_number)


def _other(options: argparse.Namespace, what: str, name: str | None = None, number: int | None = None) -> Target:
    """Return a target to study beside the first; --name and --pass apply if it is a script, unless name and number do."""
    scripted = is_script(what)
    name, number = name or (options.name if scripted else None), number or (options.pass_number if scripted else None)
    return _target(options, what, name, number)


def _target(options: argparse.Namespace, what: str, name: str | None, number: int | None) -> Target:
    found = target_of(what, name, number, "study", options.json, options.given)
    if found.note:
        print(f"micrograd-sm: {found.note}", file=sys.stderr)
    return found


def _at_depth(graph: Graph, depth: int | None) -> Graph:
    return graph if depth is None else graph.fold(depth=depth)


def _output(options: argparse.Namespace) -> Path | None:
    """Return the absolute path to write to, before a script runs that may change folders; None if there is none."""
    return in_a_folder(options.output).absolute() if options.output else None


def _print(options: argparse.Namespace, found: Any, text: str | None = None) -> None:
    """Print what a study found, as its text or as JSON."""
    print(json.dumps(plain(found), ensure_ascii=True, allow_nan=False) if options.json else text or found)


# Why is this gradient what it is ------------------------------------------------------------------------------------


def _explain(options: argparse.Namespace) -> int:
    output, target = _output(options), _taken(options)
    found = study.explain(target.graph, _x(target.graph, options.x), options.depth)
    _print(options, found, found.mathml if options.mathml else None)
    _draw(options, target, output)
    return 0


def _paths(options: argparse.Namespace) -> int:
    output, target = _output(options), _taken(options)
    _print(options, study.paths(target.graph, _x(target.graph, options.x), options.k, options.at, options.depth))
    _draw(options, target, output)
    return 0


def _x(graph: Graph, x: str | None) -> str:
    """Return what to differentiate by: x, or the id of the only leaf."""
    if x is not None:
        return x
    inputs = inputs_of(graph)
    if not inputs:
        raise ValueError("study: no leaf of this value requires a gradient, so there is none to look into")
    if len(inputs) > 1:
        labels = labels_of(graph)
        raise ValueError(f"study: say which X: the leaves are {', '.join(labels[node.id] for node in inputs)}")
    return inputs[0].id


def _draw(options: argparse.Namespace, target: Target, output: Path | None) -> None:
    """Draw the graph, folded as in the text, with the contribution along each edge."""
    if output:
        graph = _at_depth(target.graph, options.depth)
        _save(options, draw(graph.with_gradients(backward_pass(graph).gradients), edges=True), output)


def _draw_notes(options: argparse.Namespace, graph: Graph, notes: Mapping[str, str], output: Path | None) -> None:
    """Draw the graph with notes on some nodes."""
    if output:
        _save(options, draw(graph.with_gradients(backward_pass(graph).gradients), notes=notes), output)


def _save(options: argparse.Namespace, drawing: Drawing, output: Path) -> None:
    drawing.save(output)
    folded = f", folded from {drawing.folded_from}" if drawing.folded_from else ""
    print(f"{len(drawing.graph)} nodes drawn{folded}: {options.output}", file=sys.stderr if options.json else sys.stdout)


def _compare(options: argparse.Namespace) -> int:
    output = _output(options)
    target, other = _taken(options), _other(options, options.other, options.other_name, options.other_pass_number)
    found = study.compare(_at_depth(target.graph, options.depth), _at_depth(other.graph, options.depth))
    _print(options, found)
    if output:
        found.save(output, (_title(options.what, target), _title(options.other, other)))
        print(f"both graphs side by side: {options.output}", file=sys.stderr if options.json else sys.stdout)
    return 0


def _title(what: str, target: Target) -> str:
    """Return what a page calls a target: the expression, or the script with its variable and its pass."""
    if not is_script(what):
        return what
    return f"{Path(what).name}, {target.name}" + (f", {target.passed}" if target.passed else "")


def _source(options: argparse.Namespace) -> int:
    output = _output(options)
    program = study.source(_taken(options).graph)
    if output:
        program.save(output)
    if output and not options.json:
        print(f"{program.count(chr(10))} lines: {options.output}")
    else:
        _print(options, program.to_dict(), program.removesuffix("\n"))
    return 0


# Which mistake is it ------------------------------------------------------------------------------------------------


def _lint(options: argparse.Namespace) -> int:
    output, target = _output(options), _taken(options)
    parameters, sampled = (_variable(target, name) for name in (options.parameters, options.sampled_from))
    sampled = target.graph_of(sampled) if isinstance(sampled, Value) else sampled
    found = study.lint(target.graph, parameters, sampled, target.names, options.ignore)
    _print(options, found)
    rules: dict[str, list[str]] = {}  # by node id
    for mistake in found:
        if mistake.node:
            rules.setdefault(mistake.node, []).append(mistake.rule)
    _draw_notes(options, target.graph, {id: ", ".join(broken) for id, broken in rules.items()}, output)
    return int(any(not mistake.harmless for mistake in found))


def _variable(target: Target, name: str | None) -> Any:
    if name is None:
        return None
    if name not in target.names:
        raise ValueError(f"study lint: no variable {name!r}; --parameters and --sampled-from name a script's variables")
    found = target.names[name]
    return found if isinstance(found, Module) or not hasattr(found, "named_parameters") else {name: found}


def _anomaly(options: argparse.Namespace) -> int:
    output, target = _output(options), _taken(options)
    found = study.first_anomaly(target.graph)
    none = f"no nan and no inf in the values and gradients of {len(target.graph):,} nodes"
    _print(options, found, none if found is None else None)
    if found is not None:
        ids = {label: id for id, label in labels_of(target.graph).items()}
        notes = {found.node: f"{found.kind} comes up here"}
        passed_to = () if found.passed_to is None else (found.passed_to,)
        for labels, note in (
            (found.masked, "left out here, but not on the way back"),
            (found.reached, "its gradient is not finite"),
            (passed_to, f"{found.kind} was passed on to here"),
            (found.route, "it went on to here"),
            (found.back, "it came back through here"),
        ):
            notes |= {ids[label]: note for label in labels if ids[label] not in notes}
        _draw_notes(options, target.graph, notes, output)
    return int(found is not None)


def _mine(options: argparse.Namespace) -> int:
    target = _taken(options)
    names = target.names if is_script(options.what) else variables(options.what)
    if options.mine and options.mine not in names:
        raise ValueError(f"study mine: no variable {options.mine!r}; --mine names a dict of the script")
    given = {"mine": names[options.mine]} if options.mine else {"prefix": options.prefix}
    found = study.check_backward(target.graph, names=names, **given)
    _print(options, found)
    return int(not found)


# How far to trust it ------------------------------------------------------------------------------------------------


def _check(options: argparse.Namespace) -> int:
    graph = _taken(options).graph
    function, values = _as_function(graph)
    twice = sum(prod(value.shape) for value in values) <= _MOST_TWICE and opaque_in(graph) is None
    order = options.order or (2 if twice else 1)
    report = study.check_gradients(function, *values, order=order)
    name = _naming(graph)
    findings = (replace(x, derivative=name(x.derivative), input=name(x.input)) for x in report.findings)
    report = replace(report, findings=tuple(findings))
    _print(options, report)
    return int(not report)


def _torch(options: argparse.Namespace) -> int:
    graph = _taken(options).graph
    refuse_opaque(graph, "study torch")
    function, values = _as_function(graph)
    try:
        report = study.check_against_torch(function, *values, ulps=options.ulps)
    except ImportError as error:
        raise RuntimeError(str(error)) from None
    name = _naming(graph)
    report = replace(report, comparisons=tuple(replace(x, name=name(x.name)) for x in report.comparisons))
    _print(options, report)
    return int(not report)


def _digits(options: argparse.Namespace) -> int:
    output = _output(options)
    if output and options.others:
        raise ValueError(f"study digits: -o draws one graph, and there are {1 + len(options.others)}; draw each by itself")
    targets = [_taken(options), *(_other(options, what) for what in options.others)]
    first, *others = found = [study.digits(target.graph, precision=options.precision) for target in targets]
    _print(options, found if others else first, first.beside(*others) if others else None)
    _draw_notes(options, first.graph, {node.id: note for node in first.nodes if (note := _lost(node))}, output)
    return 0


def _lost(node: NodeDigits) -> str:
    """Return how many of 16 digits a node has, in its value and its gradient, if it lost any."""
    lost = (("", node.value), ("gradient ", node.gradient))
    return ", ".join(f"{which}{int(x)} of 16 digits" for which, x in lost if x is not None and x <= ALL - LOSS)


def _as_function(graph: Graph) -> tuple[Callable[..., Value], list[Value]]:
    inputs = inputs_of(graph)
    return replay(graph, inputs), [Value(node.data) for node in inputs]


def _naming(graph: Graph) -> Callable[[str], str]:
    """Return a function that replaces "input 0" and "output" in a text by the graph's own labels."""
    labels, inputs = labels_of(graph), inputs_of(graph)
    label = lambda found: labels[inputs[int(found[1])].id if found[1] else graph.root]
    return lambda text: re.sub(r"\binput (\d+)|\boutputs?\b", label, text)


# Derivatives and landscapes -----------------------------------------------------------------------------------------


def _derivatives(options: argparse.Namespace) -> int:
    _print(options, study.derivatives(_taken(options).graph, options.study, options.leaves))
    return 0


def _landscape(options: argparse.Namespace) -> int:
    output = _output(options)
    landscape = _own_landscape(options) if _own(options) else study.PICTURES[options.landscape]()
    if output and output.suffix.lower() == ".json":
        output.write_text(landscape.to_json() + "\n", encoding="utf-8")
    elif output:
        landscape.save(output)
    if output and not options.json:
        print(f"{landscape.title}: {options.output}")
    else:
        _print(options, landscape)
    return 0


def _own(options: argparse.Namespace) -> dict[str, str]:
    """Return what a landscape is told of the user's own, by its option."""
    given = {"--logits": options.logits, "--targets": options.targets, "--loss": options.loss}
    return {option: text for option, text in given.items() if text is not None}


def _own_landscape(options: argparse.Namespace) -> study.Landscape:
    name, given = options.landscape, _own(options)
    if name.endswith("-settings"):
        raise ValueError(f"study landscape: {name} takes no {' or '.join(given)}; {name.removesuffix('-settings')} does")
    logits, targets = _list_of(given, "--logits"), _list_of(given, "--targets")
    loss = given.get("--loss")
    losses = loss if loss in study.LOSSES else None if loss is None else function_of(loss, "logits", "target")
    if name != "residuals":
        setting = None if targets is None else study.Setting(tuple(targets))
        return study.PICTURES[name](setting=setting, losses=losses, logits=logits)
    if logits is None or targets is None:
        raise ValueError("study landscape: residuals needs --logits, a list of rows, and --targets, a class for each row")
    return study.residual_maps([logits], targets, ["your logits"], loss=losses)


def _list_of(given: Mapping[str, str], option: str) -> Any:
    """Return the list that an option has, as numbers; None if it was not given."""
    if option not in given:
        return None
    found = variables(f"x = {given[option]}").get("x")
    if not isinstance(found, (list, tuple)):
        raise ValueError(f"study landscape: {option} must be a list, as in '[2.0, 0.5, 0.0]', got {given[option]!r}")
    return list(found)


RUNS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "explain": _explain, "paths": _paths, "compare": _compare, "source": _source,
    "lint": _lint, "anomaly": _anomaly, "mine": _mine, "check": _check, "torch": _torch, "digits": _digits,
    "grad": _derivatives, "jacobian": _derivatives, "hessian": _derivatives, "landscape": _landscape,
}  # fmt: skip
