"""What people wrote for micrograd runs here with the imports renamed: its tests, its demo, its lecture's exercises."""

import math
import random

import numpy as np
import pytest
import torch

import micrograd_sm
from micrograd_sm.engine import Value
from micrograd_sm.nn import MLP, Layer, Neuron

# The two tests of micrograd's repository, test/test_engine.py, as they are ----------------------------------------


def test_sanity_check():
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    xmg, ymg = x, y

    x = torch.Tensor([-4.0]).double()
    x.requires_grad = True
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    xpt, ypt = x, y

    assert ymg.data == ypt.data.item()
    assert xmg.grad == xpt.grad.item()


def test_more_ops():
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    amg, bmg, gmg = a, b, g

    a = torch.Tensor([-4.0]).double()
    b = torch.Tensor([2.0]).double()
    a.requires_grad = True
    b.requires_grad = True
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g = g + 10.0 / f
    g.backward()
    apt, bpt, gpt = a, b, g

    tol = 1e-6
    assert abs(gmg.data - gpt.data.item()) < tol
    assert abs(amg.grad - apt.grad.item()) < tol
    assert abs(bmg.grad - bpt.grad.item()) < tol


# Its demo, demo.ipynb -----------------------------------------------------------------------------------------------


def make_moons(n, noise, seed):
    """scikit-learn's two interleaved half circles; labels 0 and 1."""
    generator = np.random.default_rng(seed)
    angles = np.linspace(0, np.pi, n // 2)
    outer = np.column_stack([np.cos(angles), np.sin(angles)])
    inner = np.column_stack([1 - np.cos(angles), 0.5 - np.sin(angles)])
    points = np.vstack([outer, inner]) + generator.normal(scale=noise, size=(n, 2))
    labels = np.repeat(np.array([0, 1]), n // 2)
    order = generator.permutation(n)
    return points[order], labels[order]


def torch_copy(model):
    layers = []
    for layer in model.layers:
        weight = torch.tensor([[w.data for w in neuron.w] for neuron in layer.neurons], dtype=torch.float64)
        bias = torch.tensor([neuron.b.data for neuron in layer.neurons], dtype=torch.float64)
        layers.append((weight.requires_grad_(), bias.requires_grad_()))
    return layers


def torch_step(layers, X, y, learning_rate):
    activations = torch.tensor(X)
    for place, (weight, bias) in enumerate(layers):
        activations = activations @ weight.T + bias
        if place < len(layers) - 1:
            activations = activations.relu()
    scores = activations[:, 0]
    loss = (1 - torch.tensor(y) * scores).relu().mean() + 1e-4 * sum((p * p).sum() for pair in layers for p in pair)
    gradients = torch.autograd.grad(loss, [p for pair in layers for p in pair])
    with torch.no_grad():
        for parameter, gradient in zip([p for pair in layers for p in pair], gradients, strict=True):
            parameter -= learning_rate * gradient
    return loss.item(), ((scores > 0) == (torch.tensor(y) > 0)).double().mean().item()


def test_moons_demo():
    np.random.seed(1337)
    random.seed(1337)
    X, y = make_moons(n=40, noise=0.1, seed=1)
    y = y * 2 - 1  # make y be -1 or 1
    assert isinstance(y[0], np.int64)
    model = MLP(2, [16, 16, 1])  # 2-layer neural network
    assert len(model.parameters()) == 337
    reference = torch_copy(model)

    def loss(batch_size=None):
        if batch_size is None:
            Xb, yb = X, y
        else:
            ri = np.random.permutation(X.shape[0])[:batch_size]
            Xb, yb = X[ri], y[ri]
        inputs = [list(map(Value, xrow)) for xrow in Xb]

        # forward the model to get scores
        scores = list(map(model, inputs))

        # svm "max-margin" loss
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(yb, scores)]
        data_loss = sum(losses) * (1.0 / len(losses))
        # L2 regularization
        alpha = 1e-4
        reg_loss = alpha * sum((p * p for p in model.parameters()))  # noqa: UP034
        total_loss = data_loss + reg_loss

        # also get accuracy
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(yb, scores)]
        return total_loss, sum(accuracy) / len(accuracy)

    for k in range(8):
        # forward
        total_loss, acc = loss()

        # backward
        model.zero_grad()
        total_loss.backward()

        # update (sgd)
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad

        expected_loss, expected_accuracy = torch_step(reference, X, y, learning_rate)
        assert total_loss.data == pytest.approx(expected_loss, rel=1e-9)
        assert acc == expected_accuracy
    assert total_loss.data < 0.5
    assert acc > 0.8
    total_loss, acc = loss(batch_size=10)
    assert total_loss.shape == ()


# micrograd.nn ---------------------------------------------------------------------------------------------------------


def test_parameters_are_micrograds_after_the_same_seed():
    random.seed(7)
    model = MLP(3, [4, 2])
    random.seed(7)
    expected = []
    for nin, nout in ((3, 4), (4, 2)):
        for _ in range(nout):
            expected += [random.uniform(-1, 1) for _ in range(nin)] + [0]  # micrograd draws in this order
    assert [p.data for p in model.parameters()] == expected
    assert isinstance(model.layers[0].neurons[0].w, list)
    assert model.layers[1].neurons[1].b is model.parameters()[-1]
    assert type(model.layers[0].neurons[0].b.data) is float


def test_reprs():
    assert repr(Neuron(2)) == "ReLUNeuron(2)"
    assert repr(Neuron(16, nonlin=False)) == "LinearNeuron(16)"
    assert repr(Layer(1, 2)) == "Layer of [ReLUNeuron(1), ReLUNeuron(1)]"
    assert repr(MLP(2, [2, 1])) == "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"


def test_scalars_in_scalars_out():
    model = MLP(1, [1, 3, 1])
    for x in (0.5, Value(0.5), np.float64(0.5), [0.5], np.array([0.5]), Value([0.5])):
        out = model(x)
        assert isinstance(out, Value)
        assert out.shape == ()
    assert isinstance(Layer(2, 3)([1, 2]), list)
    neuron = Neuron(2, nonlin=False)
    x = Value([2.0, 3.0])
    neuron(x).backward()
    assert x.grad.tolist() == [w.data for w in neuron.w]


@pytest.mark.parametrize("x", [[], [1.0], [1.0, 2.0, 3.0], 1.0, Value(1.0), Value([1.0]), np.zeros(3)])
def test_wrong_number_of_inputs(x):
    with pytest.raises(ValueError, match=r"ReLUNeuron\(2\): expected 2 inputs, got [013]"):
        MLP(2, [3, 1])(x)


def test_sizes():
    with pytest.raises(TypeError, match=r"nin must be an int, got 2\.0"):
        Neuron(2.0)
    with pytest.raises(ValueError, match="nout must not be negative, got -1"):
        Layer(2, -1)
    assert Neuron(0)([]).item() == 0.0


# The lecture's exercise: softmax and the negative log-likelihood of four logits ---------------------------------------

LOSS = 2.1755153626167147
GRADIENT = [0.041772570515350445, 0.8390245074625319, 0.005653302662216329, -0.8864503806400986]


def students_softmax(logits):
    counts = [logit.exp() for logit in logits]
    denominator = sum(counts)
    return [c / denominator for c in counts]


def ours(logits):
    return micrograd_sm.softmax(logits, dim=0)


@pytest.mark.parametrize("softmax", [students_softmax, ours])
def test_lecture_exercise(softmax):
    logits = [Value(0.0), Value(3.0), Value(-2.0), Value(1.0)]
    probs = softmax(logits)
    loss = -probs[3].log()  # dim 3 acts as the label for this input example
    loss.backward()
    assert loss.data == pytest.approx(LOSS, abs=1e-12)
    assert [logit.grad for logit in logits] == pytest.approx(GRADIENT, abs=1e-12)
    assert all(type(logit.grad) is float for logit in logits)
    assert math.isclose(sum(p.item() for p in probs), 1.0)
