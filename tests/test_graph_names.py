"""Names of nodes: their own, else what the caller's variables, containers, modules and self call them."""

from __future__ import annotations

from micrograd_sm import Value, nn
from micrograd_sm.graph import Graph


def named(graph):
    return {node.name: node.data for node in graph if node.name}


def test_names_come_from_the_callers_variables():
    x = Value(2.0)
    y = Value(3.0)
    loss = x * y
    assert named(Graph(loss)) == {"x": 2.0, "y": 3.0, "loss": 6.0}


def test_an_own_name_comes_before_the_variables():
    x = Value(2.0, name="weight")
    assert named(Graph(x.exp()))["weight"] == 2.0


def test_names_inside_containers():
    W = [Value(1.0), (Value(2.0),)]
    d = {"k": Value(3.0), 4: [Value(4.0)], (5,): Value(5.0)}
    loss = W[0] + W[1][0] + d["k"] + d[4][0] + d[(5,)]
    assert named(Graph(loss)) == {"W[0]": 1.0, "W[1][0]": 2.0, "d['k']": 3.0, "d[4][0]": 4.0, "loss": 15.0}


def test_a_variable_comes_before_a_container_that_was_filled_first():
    all_of_them = [Value(1.0)]
    x = all_of_them[0]
    assert named(Graph(x.exp())) == {"x": 1.0}


def test_the_first_of_two_variables_gives_the_name():
    first = Value(1.0)
    second = first
    assert named(Graph(second.exp())) == {"first": 1.0}


def test_underscored_names_and_notebook_history_do_not_count():
    _hidden = Value(1.0)
    history = {1: _hidden}
    variables = {"_hidden": _hidden, "_oh": history, "Out": history}
    assert named(Graph(_hidden.exp(), names=variables)) == {}
    assert named(Graph(_hidden.exp(), names={"Out": history})) == {"Out[1]": 1.0}


def test_containers_that_hold_themselves_end():
    deep = Value(1.0)
    loop = []
    loop += [loop, loop, loop, [[[[[[[[[[[[deep]]]]]]]]]]]]]
    assert named(Graph(deep.exp(), names={"loop": loop})) == {f"loop[3]{'[0]' * 12}": 1.0}


def test_a_huge_container_is_not_searched_to_its_end():
    rows = [[0.0] for _ in range(200_000)]
    rows.append(Value(1.0))
    assert named(Graph(rows[-1].exp())) == {}


def test_a_huge_container_does_not_hide_what_comes_after_it():
    rows = [[0.0] for _ in range(200_000)]
    weights = [Value(1.0)]
    assert named(Graph(weights[0].exp(), names={"rows": rows, "weights": weights})) == {"weights[0]": 1.0}


# Modules and self ---------------------------------------------------------------------------------------------------


def test_names_inside_modules():
    model = nn.Sequential(nn.Linear(1, 1), nn.Tanh(), nn.Linear(1, 1, bias=False))
    names = [node.name for node in Graph(model([[1.0]])) if node.kind == "leaf"]
    assert names == ["model.0.weight", "model.0.bias", "model.2.weight"]


def test_names_inside_a_multi_layer_perceptron():
    mlp = nn.MLP(1, [2, 1])
    loss = mlp(Value([0.5])) ** 2
    names = {node.name for node in Graph(loss) if node.kind == "leaf"} - {None}
    assert names == {f"mlp.{name}" for name, _ in mlp.named_parameters()}
    assert "mlp.layers.0.neurons.1.w.0" in names


def test_names_of_modules_in_containers():
    layers = {"first": nn.Linear(1, 1, bias=False), 2: [nn.Embedding(2, 1)]}
    loss = layers["first"](layers[2][0]([1])).sum()
    assert {node.name for node in Graph(loss) if node.kind == "leaf"} == {"layers['first'].weight", "layers[2][0].weight"}


def test_a_name_given_to_a_parameter_comes_before_the_modules():
    class Affine(nn.Module):
        def __init__(self):
            self.slope, self.shift = Value(2.0, name="slope"), Value(1.0)

    affine = Affine()
    assert named(Graph(affine.slope + affine.shift)) == {"slope": 2.0, "affine.shift": 1.0}


def test_a_class_of_modules_and_one_that_cannot_list_its_parameters_give_no_names():
    class Broken(nn.Module):
        def named_parameters(self):
            raise OSError

    w, layer, broken = Value(2.0), nn.Linear, Broken()
    assert named(Graph(w.exp(), names={"layer": layer, "broken": broken, "w": w})) == {"w": 2.0}


def test_names_inside_self():
    class Neuron:
        def __init__(self):
            self.w, self.more, self._hidden = Value(2.0), [Value(3.0)], Value(4.0)
            self.inner = nn.Linear(1, 1, bias=False)

        def names(self):
            loss = self.w * self.more[0] * self._hidden * self.inner.weight
            return [node.name for node in Graph(loss, names={"self": self}) if node.kind == "leaf"]

        def names_of_the_caller(self):
            return named(Graph(self.w * self._hidden))

    assert Neuron().names() == ["self.w", "self.more[0]", None, "self.inner.weight"]
    assert Neuron().names_of_the_caller() == {"self.w": 2.0}


def test_self_without_attributes_is_no_trouble():
    class Slotted:
        __slots__ = ("w",)

        def names(self):
            self.w = Value(2.0)
            return named(Graph(self.w.exp()))

    assert Slotted().names() == {}


def test_private_parts_of_modules_do_not_count():
    class Holder(nn.Module):
        def __init__(self):
            self._layer, self.seen = nn.Linear(1, 1, bias=False), Value(1.0)

    holder = Holder()
    assert [node.name for node in Graph(holder._layer.weight * holder.seen)] == [None, "holder.seen", None]


def test_a_computed_value_has_a_name_in_self():
    class Holder(nn.Module):
        def forward(self):
            self.output = Value(1.0).exp()
            return named(Graph(self.output))

    assert Holder().forward() == {"self.output": Value(1.0).exp().item()}
