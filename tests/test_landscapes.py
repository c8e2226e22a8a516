"""Landscapes: the numbers are the engine's own, and are what is known of these losses; the settings are cross_entropy's."""

import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_sm import Value, cross_entropy, log_softmax, nn, optim
from micrograd_sm.study import (
    LOSSES,
    PICTURES,
    SETTINGS,
    Setting,
    logit_field,
    loss_curves,
    residual_maps,
    sample,
    setting_curves,
    setting_logit_field,
    setting_maps,
    setting_simplex_field,
    simplex_field,
    training_maps,
)

NATS = st.floats(-20, 20)
ROWS = st.lists(st.tuples(NATS, NATS, NATS), min_size=1, max_size=4)
SETTING = st.builds(
    Setting,
    targets=st.lists(st.integers(0, 2), max_size=4).map(lambda targets: (0, *targets)),
    temperature=st.floats(0.25, 4.0),
    label_smoothing=st.floats(0.0, 1.0),
    weight=st.none() | st.tuples(*[st.floats(0.1, 5.0)] * 3),
    ignore_index=st.sampled_from([-100, 1, 2]),
)


def near(x):
    return pytest.approx(x, rel=1e-12, abs=1e-12)


def probabilities(row, temperature=1.0):
    scaled = [z / temperature for z in row]
    exps = [math.exp(z - max(scaled)) for z in scaled]
    return [e / sum(exps) for e in exps]


@given(ROWS)
def test_the_gradient_of_cross_entropy_is_p_minus_y(rows):
    for row, gradient in zip(rows, sample("cross-entropy", rows, Setting(1)).gradients, strict=True):
        p = probabilities(row)
        assert gradient == near((p[0], p[1] - 1.0, p[2]))


@given(ROWS)
def test_the_other_losses_are_what_their_names_say(rows):
    of = {name: sample(name, rows, Setting(2)).losses for name in LOSSES}
    for place, row in enumerate(rows):
        p = probabilities(row)
        assert of["NLL of softmax, by mistake"][place] == near(-p[2])
        assert of["squared error on softmax"][place] == near(p[0] ** 2 + p[1] ** 2 + (1 - p[2]) ** 2)
        assert of["hinge"][place] == near(sum(max(0.0, 1.0 - row[2] + row[c]) for c in (0, 1)) / 3)


@given(ROWS, SETTING)
@settings(deadline=None)
def test_settings_are_cross_entropys_own(rows, setting):
    """Every setting comes down to how much each class pulls; the batch's own cross_entropy says the same."""
    found = sample("cross-entropy", rows, setting)
    for row, loss, gradient in zip(rows, found.losses, found.gradients, strict=True):
        z = Value(list(row))
        batch = z.unsqueeze(0).expand(len(setting.targets), 3) / setting.temperature
        weight = None if setting.weight is None else list(setting.weight)
        options = {"ignore_index": setting.ignore_index, "label_smoothing": setting.label_smoothing}
        direct = cross_entropy(batch, list(setting.targets), weight, **options)
        direct.backward()
        assert loss == near(direct.item())
        assert gradient == near(tuple(z.grad.tolist()))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_gradients_agree_with_differences(loss, setting):
    point, step = (0.37, -1.21, 0.58), 1e-5
    gradient = sample(loss, [point], setting).gradients[0]
    for c in range(3):
        ends = [[z + sign * step * (c == place) for place, z in enumerate(point)] for sign in (1, -1)]
        above, below = sample(loss, ends, setting).losses
        assert gradient[c] == pytest.approx((above - below) / (2 * step), abs=1e-9)


@given(ROWS, SETTING, st.sampled_from(list(LOSSES)))
@settings(deadline=None)
def test_gradients_sum_to_0_since_only_differences_of_logits_count(rows, setting, loss):
    for gradient in sample(loss, rows, setting).gradients:
        assert sum(gradient) == pytest.approx(0.0, abs=1e-12)


def test_of_one_class_weights_do_nothing():
    weighted = sample("cross-entropy", [(1.0, 2.0, 0.5)], Setting((0, 0), weight=(7.0, 1.0, 1.0)))
    assert weighted.losses == near(sample("cross-entropy", [(1.0, 2.0, 0.5)]).losses)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"targets": ()}, ValueError, "targets must be one or more class indices"),
        ({"targets": (0.5,)}, ValueError, "targets must be one or more class indices"),
        ({"temperature": 0.0}, ValueError, "temperature must be a finite number above 0, got 0.0"),
        ({"temperature": math.nan}, ValueError, "temperature must be"),
        ({"temperature": "1"}, TypeError, "temperature must be a number, got '1'"),
        ({"label_smoothing": 1.5}, ValueError, "label_smoothing must be within 0 and 1, got 1.5"),
        ({"weight": (1.0, -1.0, 1.0)}, ValueError, "weights must be finite and not negative"),
        ({"weight": (1.0, 2.0)}, ValueError, "2 weights for 3 classes"),
        ({"targets": (3,)}, IndexError, "target 3 is out of range for 3 classes (0..2)"),
        ({"targets": (1, 1), "ignore_index": 1}, ValueError, "all ignored"),
        ({"weight": (0.0, 1.0, 1.0)}, ValueError, "weights sum to 0"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(options, error, said):
    with pytest.raises(error) as caught:
        loss_curves(Setting(**options))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: sample("perceptron", [[0.0, 0.0]]), "no loss is called 'perceptron'; there are 'cross-entropy'"),
        (lambda: loss_curves(span=(1.0, 1.0)), "span must rise between two finite numbers, got (1.0, 1.0)"),
        (lambda: loss_curves(span=(0.0, math.inf)), "span must rise"),
        (lambda: logit_field(points=1), "points must be at least 2, got 1"),
        (lambda: simplex_field(subdivisions=2), "subdivisions must be at least 3, got 2"),
        (lambda: loss_curves([]), "setting must be a Setting"),
        (lambda: setting_curves([]), "settings must be one or more"),
        (lambda: setting_maps(()), "settings must be one or more"),
        (lambda: setting_logit_field(Setting()), "settings must be one or more"),
        (lambda: training_maps(nn.Linear(2, 3)), "model, inputs and target go together"),
        (lambda: training_maps(steps=(10, 0)), "steps must rise from 0 or more, got (10, 0)"),
        (lambda: training_maps(steps=()), "steps must rise"),
        (lambda: residual_maps([], [0]), "logits holds no map"),
        (lambda: residual_maps([[0.0, 0.0]], [0]), "logits must be (N, C), got shape (2,)"),
        (lambda: residual_maps([[[0.0, 0.0]]], [0], ["a", "b"]), "2 titles for 1 maps"),
    ],
)
def test_a_picture_of_nothing_is_refused(call, said):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert said in str(caught.value)


def test_only_cross_entropy_pulls_hard_at_what_is_very_wrong():
    panel = loss_curves().panels[0]
    at_minus_8 = {curve.label: curve.gradients[0] for curve in panel.curves}
    assert at_minus_8["cross-entropy"] < -0.999
    assert at_minus_8["hinge"] == near(-2 / 3)
    assert all(abs(at_minus_8[name]) < 1e-3 for name in ("NLL of softmax, by mistake", "squared error on softmax"))


@pytest.mark.parametrize("landscape", [loss_curves(), setting_curves()], ids=["losses", "settings"])
def test_a_curves_gradient_is_its_slope(landscape):
    for panel in landscape.panels:
        for curve in (curve for curve in panel.curves if "hinge" not in (curve.label, panel.title)):
            for i in range(1, len(panel.x) - 1):
                slope = (curve.losses[i + 1] - curve.losses[i - 1]) / (panel.x[i + 1] - panel.x[i - 1])
                assert curve.gradients[i] == pytest.approx(slope, abs=2e-3)


def test_a_field_over_logits_is_drawn_where_its_logits_are():
    for panel in logit_field(points=11).panels:
        for logits, position, gradient, descent in zip(
            panel.logits, panel.positions, panel.gradients, panel.descent, strict=True
        ):
            assert logits == (*position, 0.0)
            assert descent == (-gradient[0], -gradient[1])


def test_against_cross_entropys_gradient_lies_the_targets_corner():
    for target, corner in enumerate([(0.0, 0.0), (1.0, 0.0), (0.5, 0.75**0.5)]):
        panel = simplex_field(Setting(target), subdivisions=12).panels[0]
        for position, descent in zip(panel.positions, panel.descent, strict=True):
            assert (position[0] + descent[0], position[1] + descent[1]) == near(corner)


def test_cross_entropy_is_least_where_softmax_is_in_proportion_to_the_pull():
    expected = [(3, 2, 1), (9, 4, 1), (2.7, 2, 1.3), (3, 2, 5), (3, 2, 0)]
    for panel, shares in zip(setting_simplex_field().panels, expected, strict=True):
        found = [math.exp(z) for z in panel.logits[panel.lowest]]
        assert found == pytest.approx([share / sum(shares) for share in shares], abs=1 / 60 + 1e-9)
    assert setting_logit_field().panels[-1].lowest is None  # nothing holds class 2: its logit wants to go to minus infinity


def test_hinge_is_flat_where_all_margins_are_kept():
    flat = [row for row in logit_field().panels[3].gradients if row == (0.0, 0.0, 0.0)]
    assert flat and logit_field().panels[3].lowest is None


def test_residuals_are_p_minus_y_and_0_where_ignored():
    logits, target = [[1.0, 2.0, 0.1], [1.2, 0.5, 0.3]], [2, 0]
    plain, ignoring = (residual_maps([logits], target, setting=s).panels[0] for s in (None, Setting(ignore_index=0)))
    for row, found, t in zip(logits, plain.rows, target, strict=True):
        assert found == near(tuple(p - (c == t) for c, p in enumerate(probabilities(row))))
    assert plain.loss == near(cross_entropy(logits, target).item())
    assert ignoring.rows == (plain.rows[0], (0.0, 0.0, 0.0))
    assert ignoring.ignored == (1,)
    both = residual_maps([logits], target, setting=Setting(temperature=2.0, ignore_index=0))
    assert str(both.setting) == "temperature 2, class 0 ignored"


def test_the_maps_of_a_model_of_ones_own():
    layer = nn.Linear(2, 3)
    layer.load_state_dict({"weight": [[0.0, 0.0]] * 3, "bias": [0.0, 0.0, 0.0]})
    inputs, target = [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], [0, 1, 2]
    landscape = training_maps(layer, inputs, target, steps=(0, 30), optimizer=optim.Adam(layer.parameters(), lr=0.1))
    start, end = landscape.panels
    third = 1 / 3
    assert start.rows[0] == near((third - 1, third, third))
    assert end.loss < start.loss / 3
    trained = log_softmax(layer(inputs), dim=1).exp().tolist()
    assert end.rows == tuple(
        near(tuple(p - (c == t) for c, p in enumerate(row))) for row, t in zip(trained, target, strict=True)
    )


def test_the_maps_need_no_seed_and_spend_no_random_numbers():
    from micrograd_sm import manual_seed, rand  # noqa: PLC0415

    manual_seed(1)
    first = rand(3).tolist()
    manual_seed(1)
    assert training_maps(steps=(0, 3)) == training_maps(steps=(0, 3))
    assert rand(3).tolist() == first


def test_settings_are_compared_from_one_start():
    plain, smooth, *_ = setting_maps(SETTINGS[:1] + SETTINGS[2:3], steps=(0, 5)).panels
    for before, after, target in zip(plain.rows, smooth.rows, plain.target, strict=True):
        assert after == near(tuple(g + 0.3 * (c == target) - 0.1 for c, g in enumerate(before)))


@pytest.mark.parametrize("name", PICTURES)
def test_each_picture_by_its_name_as_text_and_json(name):
    landscape = PICTURES[name]()
    assert landscape == PICTURES[name]()
    plain = json.loads(landscape.to_json(), parse_constant=pytest.fail)  # no nan, no inf
    assert [panel["title"] for panel in plain["panels"]] == [panel.title for panel in landscape.panels]
    assert all(f"\n{panel.title}" in str(landscape) for panel in landscape.panels)
    assert max(map(len, str(landscape).splitlines()[3:])) <= 120
    assert not re.search(r"-0\.0+\b", str(landscape))


# Losses and logits of one's own -----------------------------------------------------------------------------------------


def ridge(logits, target):
    return cross_entropy(logits, target) + (logits**2).sum() / 8


def test_a_loss_of_ones_own_is_computed_row_by_row_if_it_is_one_number():
    rows = [[0.5, -1.0, 2.0], [0.0, 0.0, 0.0]]
    each = sample(lambda logits, target: cross_entropy(logits, target, reduction="none") + (logits**2).sum(dim=1) / 8, rows)
    assert list(sample(ridge, rows)) == list(each)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6))
@settings(deadline=None, max_examples=20)
def test_the_minimum_is_where_the_gradient_is_0(targets):
    for landscape in (
        logit_field(Setting(targets=(0, 1, 2, *targets)), points=9, losses="cross-entropy"),
        simplex_field(Setting(targets=(0, 1, 2, *targets)), subdivisions=20, losses={"mine": LOSSES["cross-entropy"]}),
    ):
        (panel,) = landscape.panels
        counts = [(0, 1, 2, *targets).count(c) for c in range(3)]
        assert probabilities(panel.minimum.logits) == pytest.approx([n / sum(counts) for n in counts], rel=1e-9)
        assert panel.minimum.loss <= min(panel.losses) and panel.lines()


def test_the_minimum_of_a_curve_is_exact():
    curve = loss_curves(losses=ridge, logits=[0.0, 1.0, -1.0]).panels[0].curves[0]
    ((loss, gradient),) = sample(ridge, [(curve.minimum[0], 1.0, -1.0)])
    assert gradient[0] == pytest.approx(0.0, abs=1e-12) and loss == curve.minimum[1] <= min(curve.losses)


@pytest.mark.parametrize(
    ("loss", "why"),
    [
        (lambda logits, target: (logits * 0.0).sum() + 2.0, "the loss is 2 everywhere here"),
        (lambda logits, target: (logits - 9.0).log().sum(), "no sample of the loss is finite"),
        (LOSSES["cross-entropy"], "no minimum inside: the loss falls up to the border, at (4.00, -4.00)"),
        (
            lambda logits, target: (logits[:, 0] + logits[:, 1]).relu().sum(),
            "no single minimum: 45 samples share the least loss",
        ),
    ],
)
def test_why_there_is_no_minimum(loss, why):
    (panel,) = logit_field(points=9, losses={"mine": loss}).panels
    assert panel.minimum is None and panel.why.startswith(why) and why in "\n".join(panel.lines())


def test_there_is_no_exact_minimum_at_a_kink():
    (panel,) = logit_field(points=9, losses=lambda logits, target: (logits[:, :2] - 0.3).abs().sum(dim=1)).panels
    assert panel.minimum is None and panel.positions[panel.lowest] == (0.0, 0.0)
    assert "least of the samples at (0.00, 0.00), where the gradient is not 0" in "\n".join(panel.lines())


def test_logits_of_ones_own_are_in_the_middle():
    (panel,) = logit_field(points=5, losses="hinge", logits=[3.0, -2.0, 1.0, 0.5]).panels
    assert panel.here == (3.0, -2.0) == panel.positions[12] and panel.logits[12] == (3.0, -2.0, 1.0, 0.5)
    (panel,) = simplex_field(losses="hinge", logits=[1.0, 1.0, 1.0]).panels
    assert panel.here == pytest.approx((0.5, math.sqrt(0.75) / 3))


def test_residuals_of_a_loss_of_ones_own():
    logits, target = [[0.5, 1.0], [0.0, -1.0]], [0, 1]
    z = Value(logits)
    ridge(z, target).backward()
    (panel,) = residual_maps([logits], target, loss=ridge).panels
    assert [list(row) for row in panel.rows] == z.grad.tolist() and panel.loss == ridge(Value(logits), target).item()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: loss_curves(losses="hing"), ValueError, "no loss is called 'hing'; there are 'cross-entropy'"),
        (lambda: loss_curves(losses=3), TypeError, "losses must be a function of logits and targets"),
        (lambda: loss_curves(losses=lambda z: z.sum()), TypeError, "a loss takes two arguments, logits .N, C. and a list of N"),
        (lambda: loss_curves(losses=lambda z, t: 3.0), TypeError, "a loss must return a Value, got 3.0 of type float"),
        (
            lambda: loss_curves(losses=lambda z, t: z),
            ValueError,
            r"one number or one for each of 161 rows, got shape \(161, 3\)",
        ),
        (lambda: loss_curves(losses=lambda z, t: Value(1.0)), ValueError, "does not depend on the logits"),
        (lambda: loss_curves(logits=[1.0]), ValueError, r"two or more finite numbers, one for each class, got \[1.0\]"),
        (lambda: loss_curves(logits=[[1.0, 2.0]]), TypeError, "the numbers of one example"),
        (lambda: simplex_field(logits=[1.0, 2.0]), ValueError, "a triangle has 3 classes, got 2 logits"),
        (lambda: residual_maps([[[1.0, 2.0]]], [0, 1], loss=ridge), ValueError, r"2 targets for logits of shape \(1, 2\)"),
        (lambda: residual_maps([[[1.0, 2.0]]], [0], setting=Setting(), loss=ridge), ValueError, "not both"),
    ],
)
def test_what_no_landscape_can_be_made_of(make, error, words):
    with pytest.raises(error, match=words):
        make()
