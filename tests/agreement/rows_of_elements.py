"""Rows of the table against torch: functions of each element, activations and losses."""

from __future__ import annotations

from tests.agreement.rows import POSITIVE, Row, any_shape, fixed

inf, nan = float("inf"), float("nan")
SAME = any_shape().map(lambda shape: (shape, shape))
INSIDE = {"low": 0.05, "high": 0.95}
PAIR = fixed((2, 3), (2, 3))
THREE = fixed((2, 3), (2, 3), (2, 3))
REDUCTIONS = ("mean", "sum", "none")

POINTWISE = [
    Row("clamp", lambda m, a: m.clamp(a, -1.0, 1.0)),
    Row("clamp", lambda m, a: a.clamp(min=0.0)),
    Row("clamp", lambda m, a: m.clamp(a, max=1)),
    Row("clamp", lambda m, a: m.clamp(a, 2.0, -1.0)),
    Row("clamp", lambda m, a: m.clamp(a, min=nan)),
    Row("clamp", lambda m, a, b: m.clamp(a, b), inputs=2),
    Row("clamp", lambda m, a, b: m.clamp(a, max=b), inputs=2),
    Row("clamp", lambda m, a, b, c: m.clamp(a, b, c), inputs=3, shapes=fixed((2, 3), (3,), (2, 1))),
    Row("logaddexp", lambda m, a, b: m.logaddexp(a, b), inputs=2),
    Row("expm1", lambda m, a: m.expm1(a)),
    Row("erf", lambda m, a: m.erf(a)),
    Row("log2", lambda m, a: m.log2(a), **POSITIVE),
    Row("log10", lambda m, a: m.log10(a), **POSITIVE),
    Row("rsqrt", lambda m, a: m.rsqrt(a), **POSITIVE),
    Row("tan", lambda m, a: m.tan(a), low=-1.5, high=1.5),
    Row("logit", lambda m, a: m.logit(a, eps=0.25), low=0.3, high=0.7),
    Row("logit", lambda m, a: a.logit(0.25), order=1),
    Row("logit", lambda m, a: a.logit(eps=0.0), order=1),
    Row("logit", lambda m, a: a.logit(eps=0.6), order=1),
]

ARITHMETIC = [
    Row("add", lambda m, a, b: m.add(a, b), inputs=2),
    Row("add", lambda m, a, b: a.add(b, alpha=2.5), inputs=2, special=False),
    Row("add", lambda m, a: m.add(a, 3)),
    Row("sub", lambda m, a, b: m.sub(a, b, alpha=2), inputs=2, special=False),
    Row("sub", lambda m, a: a.sub(1.5)),
    Row("mul", lambda m, a, b: m.mul(a, b), inputs=2),
    Row("mul", lambda m, a: a.mul(3)),
    Row("div", lambda m, a, b: m.div(a, b), inputs=2, **POSITIVE),
    Row("div", lambda m, a: m.div(a, 2)),
    Row("div", lambda m, a, b: m.div(a, b, rounding_mode="floor"), inputs=2),
    Row("div", lambda m, a, b: a.div(b, rounding_mode="trunc"), inputs=2),
    Row("neg", lambda m, a: m.neg(a)),
    Row("square", lambda m, a: m.square(a)),
    Row("pow", lambda m, a, b: m.pow(a, b), inputs=2, **POSITIVE),
    Row("pow", lambda m, a: a.pow(3)),
    Row("pow", lambda m, a: m.pow(2.5, a)),
    Row("reciprocal", lambda m, a: m.reciprocal(a), **POSITIVE),
    Row("lerp", lambda m, a, b: m.lerp(a, b, 0.3), inputs=2, special=False),
    Row("lerp", lambda m, a, b, w: a.lerp(b, w), inputs=3, special=False),
    Row("floor_divide", lambda m, a, b: m.floor_divide(a.detach(), b.detach()), inputs=2),
    Row("floor_divide", lambda m, a: a.detach() // 0.7),
    Row("floor_divide", lambda m, a: 7.0 // a.detach()),
    Row("floor_divide", lambda m: m.ints_of([7, -7, 0]) // 2, inputs=0),
    Row("floor_divide", lambda m: 7 // m.ints_of([2, -2]), inputs=0),
    Row("maximum", lambda m: m.maximum(m.ints_of([2, -2]), m.ints_of([1, 1])), inputs=0),
    Row("minimum", lambda m: m.minimum(m.ints_of([2, -2]), m.ints_of([1, 1])), inputs=0),
    Row("bitwise_xor", lambda m: m.ints_of([6, 5]) ^ 3, inputs=0),
    Row("bitwise_xor", lambda m, a: m.gt(a, 0.0) ^ m.gt(a, 1.0)),
    Row("remainder", lambda m, a, b: m.remainder(a, b), inputs=2, special=False),  # see test_elements
    Row("remainder", lambda m, a: a % 2.0),
    Row("remainder", lambda m, a: 3.0 % a.detach()),
    Row("remainder", lambda m, a: m.remainder(a, -1.5), special=False),
    Row("remainder", lambda m: m.ints_of([7, -7, 0]) % 3, inputs=0),
    Row("remainder", lambda m: m.ints_of([7, -7]) % -2.5, inputs=0),
    Row("remainder", lambda m: -7 % m.ints_of([3, -3]), inputs=0),
    Row("div", lambda m: m.div(m.ints_of([7, -7, 8]), 2, rounding_mode="trunc"), inputs=0),
    Row("div", lambda m: m.div(m.ints_of([7, -7, 8]), m.ints_of([-2, 2, -2]), rounding_mode="trunc"), inputs=0),
    Row("floor", lambda m, a: m.floor(a)),
    Row("ceil", lambda m, a: m.ceil(a)),
    Row("trunc", lambda m, a: a.trunc()),
    Row("round", lambda m, a: m.round(a)),
    Row("round", lambda m, a: m.round(a * 0.5)),
    Row("round", lambda m, a: m.round(a, decimals=2)),
    Row("round", lambda m, a: a.round(decimals=-1)),
    Row("sign", lambda m, a: m.sign(a)),
    *(Row(name, lambda m, name=name: getattr(m, name)(m.ints_of([3, -3, 0])), inputs=0) for name in (
        "floor", "ceil", "trunc", "round", "sign", "square", "neg", "isnan", "isinf", "isfinite",
    )),
    Row("clamp", lambda m: m.clamp(m.ints_of([1, 3, 9]), 2, 5), inputs=0),
    Row("clamp", lambda m: m.clamp(m.ints_of([1, 3, 9]), 2.5), inputs=0),
    Row("add", lambda m: m.add(m.ints_of([1, 2]), 2, alpha=3), inputs=0),
]  # fmt: skip

COMPARISONS = [
    *(Row(name, lambda m, a, b, name=name: getattr(m, name)(a, b), inputs=2) for name in ("eq", "ne", "lt", "le", "gt", "ge")),
    Row("eq", lambda m, a: a.eq(1.0)),
    Row("isnan", lambda m, a: m.isnan(a)),
    Row("isinf", lambda m, a: m.isinf(a)),
    Row("isfinite", lambda m, a: a.isfinite()),
    Row("logical_and", lambda m, a, b: m.logical_and(a, b), inputs=2),
    Row("logical_or", lambda m, a, b: a.logical_or(b), inputs=2),
    Row("logical_not", lambda m, a: m.logical_not(a)),
    Row("logical_not", lambda m, a: ~(m.isnan(a) | (m.gt(a, 1.0) & m.isfinite(a)))),
    Row("where", lambda m, a: m.where(m.gt(a, 0.5), a, a * 2.0)),
]

ACTIVATIONS = [
    Row("logsigmoid", lambda m, a: m.logsigmoid(a)),
    Row("gelu", lambda m, a: m.gelu(a)),
    Row("gelu", lambda m, a: m.gelu(a, approximate="tanh")),
    Row("silu", lambda m, a: m.silu(a)),
    Row("mish", lambda m, a: m.mish(a)),
    Row("leaky_relu", lambda m, a: m.leaky_relu(a)),
    Row("leaky_relu", lambda m, a: m.leaky_relu(a, 0.2)),
    Row("leaky_relu", lambda m, a: m.leaky_relu(a, negative_slope=-0.5)),
    Row("elu", lambda m, a: m.elu(a), high=-0.1),
    Row("elu", lambda m, a: m.elu(a), low=0.1),
    Row("elu", lambda m, a: m.elu(a, alpha=0.5), high=-0.1),
    Row("selu", lambda m, a: m.selu(a), high=-0.1),
    Row("relu6", lambda m, a: m.relu6(a * 3.0)),
    Row("hardtanh", lambda m, a: m.hardtanh(a)),
    Row("hardtanh", lambda m, a: m.hardtanh(a, -2.0, 0.5)),
    Row("dropout", lambda m, a: m.dropout(a, 0.5, False)),
    Row("dropout", lambda m, a: m.dropout(a, p=0.0)),
    Row("dropout", lambda m, a: m.dropout(a, p=1.0)),
    Row("softmin", lambda m, a: m.softmin(a, dim=-1)),
    Row("normalize", lambda m, a: m.normalize(a), shapes=fixed((2, 3)), low=0.5),
    Row("normalize", lambda m, a: m.normalize(a, dim=0), shapes=fixed((3,)), low=0.5),
    Row("normalize", lambda m, a: m.normalize(a, p=1.0, dim=-1), shapes=fixed((2, 3)), low=0.5),
    Row("normalize", lambda m, a: m.normalize(a, p=3.0, dim=0, eps=1.0), shapes=fixed((2, 3)), low=0.5),
    Row("normalize", lambda m, a: m.normalize(a, p=inf), shapes=fixed((2, 3)), low=0.5),
    Row("normalize", lambda m, a: m.normalize(a * 0.0, dim=0), shapes=fixed((2, 3)), order=1),
]

REGRESSION = [
    *(Row(name, lambda m, a, b, name=name: getattr(m, name)(a, b), inputs=2, shapes=SAME)
        for name in ("l1_loss", "smooth_l1_loss", "huber_loss", "hinge_embedding_loss", "poisson_nll_loss")),
    *(Row(name, lambda m, a, b, name=name, reduction=reduction: getattr(m, name)(a, b, reduction=reduction),
        inputs=2, shapes=PAIR)
        for name in ("l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss") for reduction in REDUCTIONS),
    *(Row(name, lambda m, a, b, w, name=name, reduction=reduction: getattr(m, name)(a, b, reduction=reduction, weight=w),
        inputs=3, shapes=THREE, **POSITIVE) for name in ("mse_loss", "l1_loss", "huber_loss") for reduction in REDUCTIONS),
    Row("smooth_l1_loss", lambda m, a: m.smooth_l1_loss(a, m.zeros_like_of(a), reduction="none", beta=2.0)),
    Row("smooth_l1_loss", lambda m, a: m.smooth_l1_loss(a, m.zeros_like_of(a), reduction="none")),
    Row("smooth_l1_loss", lambda m, a: m.smooth_l1_loss(a, m.zeros_like_of(a), reduction="none", beta=0.0)),
    Row("huber_loss", lambda m, a: m.huber_loss(a, m.zeros_like_of(a), reduction="none", delta=2.0)),
    Row("huber_loss", lambda m, a: m.huber_loss(a, m.zeros_like_of(a), reduction="none")),
    *(Row("kl_div", lambda m, a, t, reduction=reduction: m.kl_div(a, t, reduction=reduction), inputs=2, shapes=PAIR, **POSITIVE)
        for reduction in ("batchmean", "sum", "none")),
    Row("kl_div", lambda m, a, t: m.kl_div(a, t, reduction="batchmean", log_target=True), inputs=2, shapes=PAIR),
    Row("kl_div", lambda m, a: m.kl_div(a, m.new([0.0, 0.25, 1.0], False), reduction="sum"), shapes=fixed((3,))),
    Row("kl_div", lambda m, a: m.kl_div(a, m.new(0.5, False), reduction="batchmean"), shapes=fixed(())),
    *(Row("gaussian_nll_loss", lambda m, a, t, v, full=full, reduction=reduction: m.gaussian_nll_loss(
        a, t, v, full=full, reduction=reduction), inputs=3, shapes=fixed((2, 3), (2, 3), shape), **POSITIVE)
        for shape in ((2, 3), (2, 1), (2,)) for full, reduction in ((False, "mean"), (True, "sum"), (True, "none"))),
    Row("gaussian_nll_loss", lambda m, a, v: m.gaussian_nll_loss(a, a.detach() * 2.0, v * 1e-9, eps=1e-3), inputs=2,
        shapes=PAIR, **POSITIVE),
    Row("gaussian_nll_loss", lambda m, a: m.gaussian_nll_loss(a, a.detach() * 2.0, 0.5), shapes=fixed((2, 3))),
    Row("gaussian_nll_loss", lambda m, a, v: m.gaussian_nll_loss(a, a.detach(), v), inputs=2, shapes=fixed((2, 3), (1, 3))),
    Row("poisson_nll_loss", lambda m, a, t: m.poisson_nll_loss(a, t, log_input=False, full=True), inputs=2, shapes=PAIR,
        **POSITIVE),
    Row("poisson_nll_loss", lambda m, a, t: m.poisson_nll_loss(a, t.detach() * 3.0, full=True), inputs=2, shapes=PAIR),
    *(Row("binary_cross_entropy", lambda m, a, t, reduction=reduction: m.binary_cross_entropy(a, t, reduction=reduction),
        inputs=2, shapes=PAIR, **INSIDE, order=1) for reduction in REDUCTIONS),
    Row("binary_cross_entropy", lambda m, a, t, w: m.binary_cross_entropy(a, t.detach(), weight=w.detach()), inputs=3,
        shapes=fixed((2, 3), (2, 3), (3,)), **INSIDE, order=1),
]  # fmt: skip

MARGINS = [
    *(Row("multi_margin_loss", lambda m, a, options=options: m.multi_margin_loss(a, m.ints([2, 0]), **options),
        shapes=fixed((2, 3)), order=1) for options in (
            {}, {"p": 2}, {"margin": 0.5, "reduction": "none"}, {"p": 2, "reduction": "sum"})),
    Row("multi_margin_loss", lambda m, a: m.multi_margin_loss(a, m.ints([2, 0]), weight=m.new([1.0, 2.0, 0.5], False)),
        shapes=fixed((2, 3)), order=1),
    Row("multi_margin_loss", lambda m, a: m.multi_margin_loss(a, m.ints(1)), shapes=fixed((3,)), order=1),
    Row("multi_margin_loss", lambda m, a: m.multi_margin_loss(a, m.ints(1), reduction="none"), shapes=fixed((3,)), order=1),
    Row("multi_margin_loss", lambda m, a: m.multi_margin_loss(a, m.ints([1]), reduction="none"), shapes=fixed((3,)), order=1),
    *(Row("hinge_embedding_loss", lambda m, a, options=options: m.hinge_embedding_loss(
        a, m.new([1.0, -1.0, 1.0], False), **options), shapes=fixed((2, 3)))
        for options in ({}, {"margin": 0.5, "reduction": "sum"}, {"reduction": "none"})),
    *(Row("margin_ranking_loss", lambda m, a, b, options=options: m.margin_ranking_loss(
        a, b, m.new([1.0, -1.0, 1.0], False), **options), inputs=2, shapes=fixed((3,), (3,)))
        for options in ({}, {"margin": 0.5, "reduction": "sum"}, {"reduction": "none"})),
    Row("margin_ranking_loss", lambda m, a: m.margin_ranking_loss(a, a, m.new([1.0, -1.0], False)), shapes=fixed((2,))),
    *(Row("soft_margin_loss", lambda m, a, reduction=reduction: m.soft_margin_loss(
        a, m.new([1.0, -1.0, 1.0], False), reduction=reduction), shapes=fixed((2, 3))) for reduction in REDUCTIONS),
    Row("soft_margin_loss", lambda m, a: m.soft_margin_loss(a, m.new(-1.0, False), reduction="none")),
    Row("cosine_similarity", lambda m, a, b: m.cosine_similarity(a, b), inputs=2, shapes=PAIR, low=0.5),
    Row("cosine_similarity", lambda m, a, b: m.cosine_similarity(a, b, dim=0, eps=2.0), inputs=2, shapes=PAIR, low=0.5),
    Row("cosine_similarity", lambda m, a, b: m.cosine_similarity(a, b, dim=-1), inputs=2,
        shapes=fixed((2, 1, 3), (4, 3)), low=0.5),
    Row("cosine_similarity", lambda m, a, b: m.cosine_similarity(a, b * 0.0), inputs=2, shapes=PAIR, order=1),
    *(Row("cosine_embedding_loss", lambda m, a, b, options=options: m.cosine_embedding_loss(
        a, b, m.new([1.0, -1.0], False), **options), inputs=2, shapes=PAIR, low=0.5)
        for options in ({}, {"margin": 0.5, "reduction": "sum"}, {"reduction": "none"})),
    Row("cosine_embedding_loss", lambda m, a, b: m.cosine_embedding_loss(a, b, m.new(-1.0, False)), inputs=2,
        shapes=fixed((3,), (3,)), low=0.5),
    *(Row("triplet_margin_loss", lambda m, a, p, n, options=options: m.triplet_margin_loss(a, p, n, **options), inputs=3,
        shapes=THREE) for options in (
            {}, {"margin": 0.5, "p": 1.0}, {"swap": True}, {"reduction": "sum", "eps": 0.1}, {"reduction": "none", "p": 3.0})),
    Row("triplet_margin_loss", lambda m, a, p, n: m.triplet_margin_loss(a, p, n), inputs=3, shapes=fixed((3,), (3,), (3,))),
]  # fmt: skip

ROWS: list[Row] = [*POINTWISE, *ARITHMETIC, *COMPARISONS, *ACTIVATIONS, *REGRESSION, *MARGINS]
