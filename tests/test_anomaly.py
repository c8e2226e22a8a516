"""Where nan or infinity first came up: the node, the line, the operands' values; in values, then in gradients."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from micrograd_sm import (
    Value,
    cross_entropy,
    grad,
    hessian,
    jvp,
    masked_fill,
    nll_loss,
    no_grad,
    softmax,
    trace,
    value_and_grad,
    vjp,
    where,
)
from micrograd_sm.mode import scope
from micrograd_sm.steps import steps
from micrograd_sm.study import Anomaly, anomaly, first_anomaly


def test_the_first_value_with_its_line_and_operands() -> None:
    x = Value([0.0, 800.0], name="logits")
    with pytest.raises(RuntimeError) as caught, anomaly():
        probs = softmax(x, dim=0)
        log_probs = probs.log()
        loss = nll_loss(log_probs, 0)
        loss.backward()
    said = str(caught.value).splitlines()
    assert said[0] == "anomaly: the value of log_probs is -inf: log of probs = [0, 1]"
    assert said[1].startswith("  test_anomaly.py:") and said[1].endswith("log_probs = probs.log()")


def test_a_gradient_where_every_value_is_finite() -> None:
    x = Value([0.0, 4.0], name="x")
    with anomaly(report=True) as watch:
        root = x.sqrt()
        loss = where(x > 0.0, root, 0.0).sum()
        loss.backward()
    found = watch.found
    assert found is not None
    assert (found.what, found.kind, found.label, found.op, found.passed_to) == ("gradient", "nan", "root", "sqrt", "x")
    assert found.upstream.tolist() == [0.0, 1.0] and dict(found.operands)["x"].tolist() == [0.0, 4.0]
    assert (found.source or "").endswith("root = x.sqrt()")


def test_gradients_are_looked_at_only_after_backward() -> None:
    x = Value(0.0, name="x")
    with anomaly():
        loss = x.sqrt() * 0.0
    assert loss.data == 0.0


def test_what_is_right_passes() -> None:
    x = Value([[1.0, 2.0, 0.1]], name="x")
    with anomaly() as watch:
        masked = masked_fill(x, [[False, False, True]], -math.inf)
        loss = cross_entropy(masked, [1])
        loss.backward()
    assert watch.found is None and x.grad is not None


def test_only_what_is_made_inside_counts() -> None:
    x = Value(-1.0, name="x")
    earlier = x.log()
    with anomaly():
        later, still = x * 2.0, earlier * 2.0
    assert math.isnan(earlier.data) and math.isnan(still.data) and later.data == -2.0


def test_the_first_of_several_graphs() -> None:
    with anomaly(report=True) as watch:
        x = Value(1000.0)
        values = [x.sin(), x.exp(), (x * -1.0).log()]
    assert len(values) == 3 and watch.found is not None
    assert (watch.found.label, watch.found.kind) == ("values[1]", "inf")


def test_a_leaf_given_as_nan_and_inf_minus_inf() -> None:
    x = Value([math.nan, 1.0], name="x")
    assert str(first_anomaly(x * 2.0)) == "the value of x is nan: it was given so\n  from there it went on to L"
    y = Value(1e308, name="y")
    found = first_anomaly(y * 10.0 - y * 10.0)
    assert found is not None and (found.kind, found.op) == ("inf", "multiply")


def test_an_exception_goes_on_with_a_note() -> None:
    with pytest.raises(IndexError) as caught, anomaly():
        bad = Value(0.0).log()
        cross_entropy(Value([bad.item(), 0.0]), 7)
    assert "the value of bad is -inf: log of" in caught.value.__notes__[0]


def score(weights: Value) -> Value:
    scaled = weights * 1000.0
    return (scaled.exp() / scaled.exp().sum()).log().sum()


def test_what_functions_made_and_dropped_is_seen() -> None:
    w = Value([1.0, 2.0], name="w")
    with pytest.raises(RuntimeError) as caught, anomaly():
        score(w).item()
    assert str(caught.value).startswith("anomaly: the value of v3 is inf: exp of scaled = [1000, 2000]\n  test_anomaly.py:")
    with pytest.raises(RuntimeError, match=r"the value of v1 is inf: exp of scaled = \[1000, 2000\]"), anomaly(), no_grad():
        score(w).item()
    with pytest.raises(RuntimeError, match=r"the value of v1 is -inf: log of w = 0"), anomaly(), trace(), scope("head"):
        Value(0.0, name="w").log().item()


def test_a_gradient_in_a_function_is_seen() -> None:
    def train(w: Value) -> None:
        (w.sqrt() * 2.0).backward()

    with (
        pytest.raises(RuntimeError, match=r"the gradient of w is inf: v1 = sqrt of w = 0 passed it back, with 2 up"),
        anomaly(),
    ):
        train(Value(0.0, name="w"))


def test_an_operation_without_a_graph_keeps_its_parameters() -> None:
    with anomaly(report=True) as watch, no_grad():
        rows = Value([[math.nan], [1.0]]).exp(), Value([[1e308, 1e308]]).sum(dim=1)
    assert len(rows) == 2 and watch.found is not None and (watch.found.op, watch.found.kind) == (None, "nan")
    with anomaly(report=True) as watch, no_grad():
        total = Value([[1e308, 1e308]], name="x").sum(dim=1)
    assert watch.found is not None and (watch.found.op, watch.found.kind, total.tolist()) == ("sum", "inf", [math.inf])


def test_one_in_another_and_a_walk_inside() -> None:
    outer, inner = anomaly(report=True), anomaly(report=True)
    with outer:
        with inner:
            bad = Value(0.0, name="q").log()
        steps(Value(0.0, name="w").sqrt() * 2.0)
    assert bad.data == -math.inf and inner.found is not None and outer.found is not None
    assert str(inner.found) == str(outer.found)
    with anomaly(report=True) as watch:
        walk = steps(Value(0.0, name="w").sqrt() * 2.0)
    assert len(walk) == 5 and watch.found is not None and watch.found.what == "gradient"
    with pytest.raises(RuntimeError, match="entered already; make another"), watch, watch:
        pass


def test_it_can_be_used_again_and_under_no_grad() -> None:
    watch = anomaly(report=True)
    with watch:
        one = Value(0.0).log()
    assert watch.found is not None and one.data == -math.inf
    with watch, no_grad():
        two = Value(1.0).log()
    assert watch.found is None and two.data == 0.0


def test_no_grad_is_touched_and_the_result_is_plain_data() -> None:
    x = Value([0.0, 1.0], name="x")
    found = first_anomaly(x.log().sum())
    assert isinstance(found, Anomaly) and x.grad is None
    assert json.loads(json.dumps(found.to_dict()))["operands"] == {"x": [0.0, 1.0]}
    assert first_anomaly(x.exp().sum()) is None


def test_what_it_refuses() -> None:
    with pytest.raises(TypeError, match="report must be True or False, got 'yes'"):
        anomaly("yes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a Value"):
        first_anomaly(3.0)  # type: ignore[arg-type]


def test_the_route_of_a_value_goes_to_the_loss_and_of_its_gradient_to_the_leaves() -> None:
    x, w = Value([1000.0, 0.0], name="x"), Value(2.0, name="w")
    e = x.exp()
    found = first_anomaly((e * w).sum(), {"e": e})
    assert found is not None and (found.label, found.kind, found.route) == ("e", "inf", ("v3", "L"))
    assert found.reached == ("x", "w") and "from there it went on to v3, L" in str(found)


def test_the_masked_branch_that_it_crossed() -> None:
    """The classic: where() hides a root of 0 from the loss, and 0 times its infinite slope is nan on the way back."""
    x = Value([0.0, 4.0], name="x")
    root = x.sqrt()
    safe = where(x > 0, root, 0.0)
    found = first_anomaly(safe.sum(), {"root": root, "safe": safe})
    assert found is not None and (found.what, found.kind, found.passed_to, found.masked) == ("gradient", "nan", "x", ("safe",))
    assert "safe is a `where` that left this side out" in str(found)


def test_only_nan_counts_if_infinity_is_meant() -> None:
    x = Value([1000.0], name="x")
    assert first_anomaly(x.exp().sum(), {}, inf=False) is None
    with anomaly(inf=False):
        y = x.exp()
    with pytest.raises(RuntimeError, match="the value of z is nan"), anomaly(inf=False):
        z = y - y
    assert math.isnan(z.item())


def test_it_can_stop_at_the_line() -> None:
    x, reached = Value([0.0], name="x"), []
    with pytest.raises(RuntimeError, match="the value of v1 is -inf: log of x"), anomaly(raise_at_once=True):
        y = x.log()
        reached.append(y)
    assert not reached
    with pytest.raises(RuntimeError, match="the gradient of x is inf"), anomaly(raise_at_once=True):
        (x**0.5).sum().backward()
        reached.append(x)
    assert not reached and x.grad is None
    for wrong in ({"report": True, "raise_at_once": True}, {"inf": 1}):
        with pytest.raises(TypeError):
            anomaly(**wrong)


def test_no_function_of_ours_hides_a_nan_in_its_graph() -> None:
    x = Value([-1.0, 0.5, 2.0], name="x")
    for y in (x.clamp(0.0, 1.0), x.clamp(min=0.0), x.clamp(max=1.0), x.abs(), x.relu(), x.softplus()):
        assert first_anomaly(y.sum(), {}) is None


def test_a_context_tells_the_route_forward_and_back() -> None:
    x, w = Value([1000.0, 0.0], name="x"), Value(2.0, name="w")
    with anomaly(report=True) as watch:
        e = x.exp()
        scaled = e * w
        loss = scaled.sum()
        loss.backward()
    found = watch.found
    assert found is not None and (found.label, found.what, found.kind) == ("e", "value", "inf")
    assert found.route == ("scaled", "loss") and found.back == () and set(found.reached) == {"x", "w"}
    with pytest.raises(RuntimeError, match="it went on to v3, scaled, loss\n  gradients that are not finite: x"), anomaly():
        scaled = (x.exp() * 1.0).sum()
        loss = scaled * 2.0
        loss.backward()


def test_a_context_names_the_where_that_a_gradient_crossed() -> None:
    x = Value([0.0, 4.0], name="x")
    with anomaly(report=True) as watch:
        half = x * 0.5
        root = half.sqrt()
        safe = where(x > 0, root, 0.0)
        safe.sum().backward()
    found = watch.found
    assert found is not None and found.what == "gradient" and found.passed_to == "half"
    assert (found.masked, found.reached) == (("safe",), ("x",))
    assert "so mask the operand, not the result" in str(found)


@pytest.mark.parametrize("transform", [grad, value_and_grad, lambda f: lambda x: vjp(f, x)[1](1.0), hessian])
def test_it_sees_through_transforms(transform: Any) -> None:
    def f(x: Value) -> Value:
        return (x * 0.0).sqrt() * 2.0

    with pytest.raises(RuntimeError, match=r" is (inf|nan): divide of .*\n  test_anomaly.py"), anomaly():
        transform(f)(Value(3.0))
    with pytest.raises(RuntimeError, match=r"the value of .* is -inf: log of"), anomaly(raise_at_once=True):
        transform(lambda x: (x * 0.0).log())(Value(3.0))


def test_a_forward_derivative_is_seen_too() -> None:
    with pytest.raises(RuntimeError, match="anomaly"), anomaly():
        jvp(lambda x: x.sqrt(), (Value(0.0),), (1.0,))
