"""What tests of pictures share: graphs to draw, and what a reader sees of them."""

import math
import re
import xml.etree.ElementTree as ET

from micrograd_sm import Value, cat, cross_entropy, softmax
from micrograd_sm.draw import layout


def words(drawing):
    """Return every text that a reader of the laid-out picture sees, in the file's order."""
    root = ET.fromstring(svg(drawing))
    said = ((element.text or "").replace("\xa0", " ").strip() for element in root.iter() if element.tag.endswith("}text"))
    return [text for text in said if text]


def svg(drawing):
    return layout.render(drawing.source, "svg")


def edges_of(source):
    return re.findall(r"(v\d+) -> (v\d+):(o\d+):n", source)


def after_backward(loss):
    loss.backward()
    return loss


def neuron():
    x, w, b = Value(2.0, name="x"), Value(-3.0, name="w"), Value(6.88, name="b")
    return after_backward((x * w + b).tanh())


def three_logits():
    return cross_entropy(Value([[1.0, 2.0, 0.1]], name="logits"), [2])


def matrices():
    x, w = Value([[1.0, 2.0], [3.0, 4.0]], name="X"), Value([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]], name="W")
    return after_backward(((x @ w) + Value([0.1, 0.2, 0.3], name="b")).tanh().mean())


def large():
    x = Value([[math.sin(0.3 * (10 * row + column)) for column in range(10)] for row in range(7)], name="x")
    return after_backward((x * 2.0).exp().sum())


def strange():
    x = Value([float("nan") if k == 7 else float(k) for k in range(30)], name="x")
    return after_backward(x.sum() + Value(0.0, name="y").log())


def deep_softmax(calls=45):
    x = Value([[1.0, 2.0, 0.5]], name="logits")
    for _ in range(calls):
        x = softmax(x, dim=1)
    return after_backward(x.sum())


def operands(count=4):
    return cat([Value([float(k)], name=f"x{k}") for k in range(count)]).sum()


NASTY_NAME = '<"|{&\\\u202e\U0001f600]]><script>alert(1)</script>'

GALLERY = {  # every kind of picture: what is drawn, and how
    "square": (lambda: after_backward(Value(3.0, name="x") ** 2), {}),
    "parallel": (lambda: subtracted_from_its_square(Value(3.0, name="x")), {}),
    "neuron": (neuron, {}),
    "neuron_lr_edges": (neuron, {"rankdir": "LR", "edges": True}),
    "neuron_bt": (neuron, {"rankdir": "BT", "show": "value"}),
    "neuron_rl_gradient": (neuron, {"rankdir": "RL", "show": "gradient"}),
    "cross_entropy_before": (three_logits, {}),
    "cross_entropy": (lambda: after_backward(three_logits()), {}),
    "cross_entropy_folded": (lambda: after_backward(three_logits()), {"fold": ["log_softmax"], "edges": True}),
    "cross_entropy_edges": (lambda: after_backward(three_logits()), {"edges": True}),
    "cross_entropy_shape": (three_logits, {"show": "shape"}),
    "cross_entropy_none": (three_logits, {"show": "none", "rankdir": "LR"}),
    "softmax_large": (lambda: softmax(Value([[float(k) for k in range(8)]] * 3), dim=1).log().sum(), {}),
    "large": (large, {}),
    "matrices_edges": (matrices, {"edges": True}),
    "strange_edges": (strange, {"edges": True}),
    "cat": (lambda: cat([Value([1.0]), Value([float("nan"), 1e-9]), Value([2.0])]), {}),
    "cat_lr": (operands, {"rankdir": "LR"}),
    "cat_bt": (operands, {"rankdir": "BT"}),
    "names": (lambda: Value(1.0, name=NASTY_NAME) * 2.0, {"rankdir": "LR"}),
    "many": (deep_softmax, {"show": "none"}),
}


def subtracted_from_its_square(x):
    return x * x - x
