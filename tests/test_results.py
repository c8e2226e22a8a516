"""What the studies return behaves as its reader expects: truth, length, loop, equality, text, JSON and a notebook's HTML."""

from __future__ import annotations

import copy
import json
import math
import operator
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from importlib.util import find_spec
from typing import Any, NamedTuple

import pytest

from micrograd_sm import Array, Graph, Value, cross_entropy, nn, no_grad, softmax, study, trace
from micrograd_sm.graph import Node
from micrograd_sm.steps import steps
from micrograd_sm.steps.check import check
from micrograd_sm.transforms import grad, hessian, jacfwd, jacobian, value_and_grad

NAME = "<mark>&"  # of a user's variable, which no HTML may take for its own


def x(data: Any = 2.0) -> Value:
    return Value(data, name=NAME)


def logits() -> Value:
    return x([[1.0, 2.0, 0.1]])


def watched() -> study.Anomaly:
    with study.anomaly(report=True) as watch:
        x(0.0).log()
    assert watch.found is not None
    return watch.found


def check_of_a_wrong_gradient() -> Any:
    graph = steps(x().exp(), names={}).graph
    wrong = {node.id: node.grad if node.op else node.grad * 1.5 for node in graph}
    return check(graph.with_gradients(wrong), 1.0)


DRAWN = find_spec("matplotlib") is not None  # then a landscape is an image, and its names are in no text


class Case(NamedTuple):
    """A result of a study: whether it is true, what a loop over it yields (None: it has none), whether its HTML has NAME."""

    study: str
    make: Callable[[], Any]
    truth: bool
    items: Callable[[Any], Iterable[Any]] | None
    named: bool = True


PANELS: Any = lambda landscape: landscape.panels
MATCHES: Any = lambda comparison: comparison.matches
CASES = [
    Case("lint", lambda: study.lint(cross_entropy(softmax(logits(), 1), [2]), names={}), True, lambda lint: lint.mistakes),
    Case("lint", lambda: study.lint(cross_entropy(logits(), [2])), False, lambda lint: (), named=False),
    Case("first_anomaly", lambda: study.first_anomaly(x([1000.0, 0.0]).exp().sum(), {}), True, None),
    Case("anomaly", watched, True, None),
    Case("compare", lambda: study.compare(x() * 3.0, 3.0 * x(), {}), True, MATCHES),
    Case("compare", lambda: study.compare(x() * 3.0, x() * 3.5, {}), False, MATCHES),
    Case("compare", lambda: study.compare(x(math.inf) * 0.0, x(math.inf) * 1.0, {}), False, MATCHES),
    Case("source", lambda: study.source(x() ** 2.0, {}), True, str, named=False),  # which has names of Python's own
    Case("explain", lambda: study.explain(cross_entropy(logits(), [2]), NAME, names={}), True,
         lambda explanation: [x for x in str(explanation).splitlines() if "local: " not in x][: len(explanation.lines)]),
    Case("paths", lambda: study.paths(x() * 3.0 + x(), "v0", names={}), True, lambda paths: paths.largest),
    Case("derivatives", lambda: study.derivatives(cross_entropy(logits(), [2]), "hessian", names={}), True,
         lambda derivatives: derivatives.blocks),
    Case("derivatives", lambda: study.derivatives(x(math.inf) * 0.0, names={}), True, lambda derivatives: derivatives.blocks),
    Case("sample", lambda: study.sample("hinge", [[1.0, 0.0], [math.inf, 0.0]]), True,
         lambda samples: zip(samples.losses, samples.gradients), named=False),
    Case("residual_maps", lambda: study.residual_maps([[[0.0, math.inf]]], [0], [NAME]), True, PANELS, named=not DRAWN),
    Case("training_maps", lambda: study.training_maps(steps=(0, 1)), True, PANELS, named=False),
    Case("loss_curves", lambda: study.loss_curves(points=2), True, PANELS, named=False),
    Case("setting_curves", lambda: study.setting_curves(points=2), True, PANELS, named=False),
    Case("logit_field", lambda: study.logit_field(points=3), True, PANELS, named=False),
    Case("setting_logit_field", lambda: study.setting_logit_field(points=3), True, PANELS, named=False),
    Case("simplex_field", lambda: study.simplex_field(subdivisions=6), True, PANELS, named=False),
    Case("setting_simplex_field", lambda: study.setting_simplex_field(subdivisions=6), True, PANELS, named=False),
    Case("setting_maps", lambda: study.setting_maps(steps=(0, 1)), True, PANELS, named=False),
    Case("check_gradients", lambda: study.check_gradients(lambda y: y * y, x()), True,
         lambda report: report.findings, named=False),
    Case("check_backward", lambda: study.check_backward(x() * 3.0, {NAME: 3.0}, names={}), True, lambda found: found.lines),
    Case("check_backward", lambda: study.check_backward(x() * 3.0, {NAME: 1.0}, names={}), False, lambda found: found.lines),
    Case("check_against_torch", lambda: study.check_against_torch(lambda y: y * y, x()), True,
         lambda report: report.comparisons, named=False),
    Case("check_gradients", lambda: study.check_gradients(lambda y: y * y.detach(), x([3.0, 0.0])), False,
         lambda report: report.findings, named=False),
    Case("check_against_torch", lambda: study.check_against_torch(lambda y: y.exp() if isinstance(y, Value) else y, x()), False,
         lambda report: report.comparisons, named=False),
    Case("digits", lambda: study.digits(x([100.0, 0.0]).log_softmax(0)[1], {}), True, lambda digits: digits.nodes),
    Case("digits", lambda: study.digits(x([100.0, 0.0]).softmax(0).log()[0], {}), False, lambda digits: digits.nodes),
    Case("digits", lambda: study.digits(x(math.inf) * 0.0, {}), True, lambda digits: digits.nodes),
    Case("Steps.check", lambda: steps(x().relu(), names={}).check(), True, lambda check: (), named=False),
    Case("Steps.check", check_of_a_wrong_gradient, False, lambda check: check.differ),
]  # fmt: skip


def made(case: Case) -> Any:
    if case.study == "check_against_torch":
        pytest.importorskip("torch", reason="needs torch")
    return case.make()


def test_no_study_is_missing() -> None:
    studies = {name for name in study.__all__ if name[0].islower() and callable(getattr(study, name))}
    assert studies == {case.study for case in CASES} - {"Steps.check"}


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.study} {place}") for place, case in enumerate(CASES)])
def test_a_result_behaves(case: Case) -> None:
    result, again = made(case), made(case)
    assert not isinstance(result, tuple)
    assert bool(result) is case.truth
    is_a_list_of(result, case.items)
    is_equal_by_contents(result, again)
    is_text(result, again)
    is_strict_json(result)
    is_html(result, case)


def is_a_list_of(result: Any, items: Callable[[Any], Iterable[Any]] | None) -> None:
    if items is None:
        assert not hasattr(result, "__len__") and not hasattr(result, "__iter__")
        return
    expected = list(items(result))
    assert list(result) == expected and len(result) == len(expected)
    if expected:
        assert result[0] == expected[0]


def is_equal_by_contents(result: Any, again: Any) -> None:
    assert result == again and not operator.ne(result, again)
    assert result == copy.copy(result)
    assert type(result).__hash__ is None or hash(result) == hash(again)
    strangers = [None, 3, "text", (1.0, 2.0), Array([1.0, 2.0]), Value([1.0, 2.0]), Graph(Value(1.0)), object()]
    assert not any(result == stranger or stranger == result for stranger in strangers)


def is_text(result: Any, again: Any) -> None:
    assert str(result).strip() and str(result) == str(again)
    assert " object at 0x" not in repr(result)


def is_strict_json(result: Any) -> None:
    content = result.to_dict()
    assert content and json.loads(json.dumps(content, allow_nan=False)) == content


class Tags(HTMLParser):
    """The tags of some HTML, each of which must be closed, and in their order."""

    VOID = frozenset({"br", "img", "wbr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.add(tag)
        self.open += [] if tag in self.VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, text: str) -> None:
        self.text += text


def is_html(result: Any, case: Case) -> None:
    html = result._repr_html_()
    tags = Tags(html)
    assert tags.text.strip() or "img" in tags.found
    assert "mark" not in tags.found and "color" not in html and "background" not in html  # read on a dark page, too
    assert (NAME in tags.text) == case.named


def test_results_of_one_kind_differ_where_their_contents_do() -> None:
    kinds: dict[type, list[Any]] = {}
    for case in CASES:
        kinds.setdefault(type(made(case)), []).append(made(case))
    assert sum(len(results) > 1 for results in kinds.values()) >= 5
    for results in kinds.values():
        for place, result in enumerate(results):
            assert [result == other for other in results].index(True) == place
            assert not any(result == other for other in results[:place] + results[place + 1 :])


def test_an_array_of_another_library_equals_no_result() -> None:
    numpy = pytest.importorskip("numpy", reason="needs NumPy")
    for case in CASES[:3]:
        result = case.make()
        assert not operator.eq(numpy.array([1.0, 2.0]), result) and not operator.eq(result, numpy.array([1.0, 2.0]))


# What each of them promises besides ---------------------------------------------------------------------------------


def test_a_lint_is_asked_for_a_rule_or_a_finding() -> None:
    wrong = study.lint(cross_entropy(softmax(logits(), 1), [2]))
    assert "softmax-before-cross-entropy" in wrong and "exp-overflow" not in wrong
    assert wrong.mistakes[0] in wrong and 3 not in wrong
    harmless = study.lint(cross_entropy(logits().log_softmax(1), [2]))
    assert harmless and all(mistake.harmless for mistake in harmless)


def test_graphs_agree_to_rounding_whatever_the_size_of_their_numbers() -> None:
    a, b, c = (Value([data, 2.0], name="x") for data in (1e12 / 3, 1e12 / 3 * (1 + 1e-15), 1e12 / 3 * (1 + 1e-6)))
    assert study.compare((a * a).sum(), (b * b).sum(), {}) and not study.compare((a * a).sum(), (c * c).sum(), {})
    assert not study.compare(x(1e300) * 1e300, x(1e300) * 1.0, {}), "inf is close to no number"
    assert not study.compare(x([math.inf, 1.0]).sum() * 0.0, x([1.0, 1.0]).sum() * 0.0, {}), "nor is nan"


def test_a_source_is_a_str_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    a, b = Value([2.0, 3.0], name="a"), Value(-3.0, name="b")
    loss = (a * b).tanh().sum()
    program = study.source(loss)
    loss.backward()
    assert program.run() == {"loss": loss.data, "grad_a": a.grad.tolist(), "grad_b": b.grad}
    assert capsys.readouterr().out == ""
    variables: dict[str, Any] = {}
    exec(program, variables)
    assert variables[program.loss] == loss.data and capsys.readouterr().out.startswith("loss = ")
    assert program[:11] == "import math" and program == program.text and type(program.text) is str
    assert {program: 1}[program.text] == 1
    assert copy.deepcopy(program).gradients == program.gradients == {"a": "grad_a", "b": "grad_b"}


def test_more_paths_than_a_length_can_say() -> None:
    y = start = x(1.0)
    for _ in range(70):
        y = y + y
    found = study.paths(y, start, k=3)
    assert (found.total, len(found), [path.product for path in found]) == (2**70, 3, [1.0] * 3)


def test_where_no_path_leads_there_are_none() -> None:
    start = x([1.0, 2.0])
    found = study.paths(start[0] * 1.0, start, at=1)
    assert not found and found.total == 0 and list(found) == []


def test_a_watch_is_true_if_it_found_something() -> None:
    with study.anomaly(report=True) as watch:
        assert not watch
        x(1.0).exp()
    assert not watch and repr(watch) == "<anomaly: nothing found>"
    with watch:
        x(0.0).log()
    assert watch and "is -inf: log of" in repr(watch)


def test_digits_are_found_by_name_label_id_and_position() -> None:
    a, b, other = x([1.0, 2.0]), Value(2.0, name="b"), Value(4.0, name="b")
    found = study.digits((a * b + other).sum(), {})
    assert found[NAME] is found["v0"] is found[0] is next(iter(found)) and found["L"] is found[-1] is found.nodes[-1]
    assert found["b:v1"] is found["v1"] and NAME in found and found[0] in found and "c" not in found and 3 not in found
    with pytest.raises(
        KeyError, match=r"no node is called 'c'; there are <mark>& \(v0\), b:v1 \(v1\), b:v2 \(v2\), v3, v4, L \(v5\)"
    ):
        found["c"]
    with pytest.raises(KeyError, match=r"2 nodes are called 'b': take one of b:v1 \(v1\), b:v2 \(v2\)"):
        found["b"]
    chain = x()
    for _ in range(20):
        chain = -chain
    with pytest.raises(KeyError, match=r"v11 and 9 more"):
        study.digits(chain, {})["c"]


def test_digits_of_other_numbers_are_other_digits() -> None:
    assert study.digits(x(2.0) * 2.0, {}) != study.digits(x(4.0) * 2.0, {})


def test_an_item_of_a_result_is_a_record_of_its_own() -> None:
    shares = [study.explain(cross_entropy(logits(), [2]), NAME, names={}).shares[0] for _ in range(2)]
    assert shares[0] == shares[1] and shares[0] != Array([1.0]) and shares[0].to_dict()["formula"] == "p - y"
    (block,) = study.derivatives(cross_entropy(logits(), [2]))
    assert block == block and block != 3 and block.to_dict()["shape"] == [1, 3]
    failure = check_of_a_wrong_gradient().first
    assert isinstance(failure.node, Node) and failure.to_dict()["node"] == failure.node.id


# Wrong use is said at once ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, jacfwd, hessian])
@pytest.mark.parametrize("point", [Value(3.0), Array([1.0, 2.0]), 3.0, [1.0], (Value(1.0), Value(2.0)), lambda: 0, None, True])
def test_a_point_in_place_of_argnums(transform: Any, point: Any) -> None:
    name = transform.__name__
    with pytest.raises(RuntimeError, match=rf"^{name}: argnums must be an int or a tuple of ints, .* {name}\(f\)\(x\)$"):
        transform(lambda y: y * y, point)


@pytest.mark.parametrize("context", [study.anomaly, no_grad, trace])
def test_a_context_that_was_not_called(context: Any) -> None:
    name = context.__name__
    said = rf"^{name} is a context only when it is called: write `with {name}\(\):`$"
    with pytest.raises(TypeError, match=said), context:
        pytest.fail("it was entered")


def test_a_function_in_place_of_report() -> None:
    with pytest.raises(TypeError, match=r"report must be True or False, got <function .*write `with anomaly\(\):`"):
        study.anomaly(test_no_study_is_missing)  # type: ignore[arg-type]


@pytest.mark.parametrize("leaves", [Value(2.0), Value([1.0, 2.0]), Array([1.0]), "weight", 3])
def test_a_single_one_in_place_of_leaves(leaves: Any) -> None:
    with pytest.raises(TypeError, match=r"^derivatives: leaves must be a list of Values, names or ids, as in \[x\]; got "):
        study.derivatives(x() * 3.0, "grad", leaves)


def test_leaves_from_any_list() -> None:
    layer = nn.Linear(2, 1)
    loss = (layer([[1.0, 2.0]]) ** 2).sum()
    assert len(study.derivatives(loss, "grad", layer.parameters())) == len(study.derivatives(loss)) == 2


@pytest.mark.parametrize("kind", [Value(2.0), Array([1.0, 2.0]), ["grad"], None, "third"])
def test_anything_in_place_of_a_kind(kind: Any) -> None:
    with pytest.raises(ValueError, match="derivatives: kind must be one of 'grad', 'jacobian', 'hessian', got"):
        study.derivatives(x() * 3.0, kind)
