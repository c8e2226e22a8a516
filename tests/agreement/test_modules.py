"""Modules: what they hold and how it is found, added, switched and saved, as torch has it."""

import copy
import pickle
from collections import OrderedDict
from contextlib import nullcontext

import pytest
import torch

from micrograd_sm import Graph, Value, nn, no_grad, optim
from micrograd_sm.study import lint

PLACES = [(nn, lambda data: Value(data, requires_grad=False)), (torch.nn, lambda data: torch.tensor(data, dtype=torch.float64))]


def network(library, tensor):
    """Return a module with everything that modules hold, in either library."""

    class Block(library.Module):
        def __init__(self, size):
            super().__init__()
            self.norm = library.BatchNorm1d(size)
            self.register_buffer("steps", tensor([0.0]))
            self.scale = library.Parameter(tensor([2.0]))

        def forward(self, x):
            self.seen = self.norm(x) * self.scale
            return self.seen

    class Network(library.Module):
        def __init__(self):
            super().__init__()
            self.act = library.Tanh()
            self.blocks = library.ModuleList([Block(2), Block(2)])
            self.heads = library.ModuleDict({"a": library.Linear(2, 1), "b": library.Linear(2, 3, bias=False)})
            self.weights = library.ParameterList([library.Parameter(tensor([1.0]))])
            self.table = library.ParameterDict({"k": library.Parameter(tensor([1.0]))})
            self.register_buffer("mask", tensor([[1.0, 0.0]]), persistent=False)
            self.register_buffer("nothing", None)
            self.register_parameter("none", None)
            self.again = self.blocks[0]
            self.out = library.Sequential(OrderedDict([("first", library.Linear(2, 2)), ("second", library.Tanh())]))

        def forward(self, x):
            for block in self.blocks:
                x = self.act(block(x * self.mask))
            self.kept = x
            return self.heads["a"](self.out(x)) * self.weights[0] + self.table["k"]

    return Network()


@pytest.fixture
def networks():
    return [network(*place) for place in PLACES]


def saved(module):
    """Return the names in a module's state; torch saves what is shared under each of its names."""
    return sorted(name for name in module.state_dict() if not name.startswith("again."))


def test_all_is_found_under_torchs_names(networks):
    """Ours come in the order in which they were set, torch's those of a module before those of its sub-modules."""
    ours, theirs = networks
    for method in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        names = [[name for name, _ in getattr(module, method)()] for module in networks]
        assert sorted(names[0]) == sorted(names[1]), method
        assert len(set(names[0])) == len(names[0])
    for method in ("parameters", "buffers", "modules", "children"):
        assert len(getattr(ours, method)()) == len(list(getattr(theirs, method)())), method
    for options in ({"recurse": False}, {"prefix": "net"}):
        for method in ("named_parameters", "named_buffers"):
            names = [[name for name, _ in getattr(module, method)(**options)] for module in networks]
            assert sorted(names[0]) == sorted(names[1]), method
    assert saved(ours) == saved(theirs)
    assert [type(module).__name__ for module in ours.modules()] == [type(module).__name__ for module in theirs.modules()]


def test_the_state_is_the_same_after_a_pass(networks):
    ours, theirs = networks
    theirs.double()
    before = saved(ours)
    rows = [[1.0, 2.0], [3.0, 5.0]]
    for without in (False, True):
        with no_grad() if without else nullcontext():
            ours(Value(rows, requires_grad=False))
        with torch.no_grad() if without else nullcontext():
            theirs(torch.tensor(rows, dtype=torch.float64))
    assert saved(ours) == before == saved(theirs)
    assert ours.blocks[1].norm.num_batches_tracked.item() == theirs.blocks[1].norm.num_batches_tracked.item() == 2


def test_names_lead_to_parts(networks):
    for module in networks:
        assert module.get_submodule("blocks.1.norm") is module.blocks[1].norm
        assert module.get_submodule("") is module
        assert module.get_parameter("heads.a.weight") is module.heads["a"].weight
        assert module.get_buffer("blocks.0.steps") is module.blocks[0].steps
        for method, name in (("get_submodule", "blocks.7"), ("get_parameter", "mask"), ("get_buffer", "heads.a.weight")):
            with pytest.raises(AttributeError):
                getattr(module, method)(name)


def test_training_and_apply(networks):
    for module in networks:
        assert module.eval() is module
        assert not any(part.training for part in module.modules())
        assert module.train() is module
        assert all(part.training for part in module.modules())
        with pytest.raises(ValueError, match="mode"):
            module.train("yes")
    order = [[], []]
    for module, names in zip(networks, order, strict=True):
        assert module.apply(lambda part, names=names: names.append(type(part).__name__)) is module
    assert order[0][-2:] == order[1][-2:]
    assert [x for x in order[0] if x in ("Linear", "Tanh")] == [x for x in order[1] if x in ("Linear", "Tanh")]


def test_freezing(networks):
    for module in networks:
        assert module.requires_grad_(False) is module
        names = [name for name, _ in module.named_parameters()]
        assert "heads.a.weight" in names
        assert not any(parameter.requires_grad for parameter in module.parameters())
        module.requires_grad_(True)
        assert [name for name, _ in module.named_parameters()] == names


@pytest.mark.parametrize(("library", "tensor"), PLACES)
def test_registering_errors(library, tensor):
    module = library.Module()
    module.register_buffer("b", tensor([1.0]))
    module.taken = 3
    for register, part in (
        (module.register_buffer, tensor([1.0])),
        (module.register_parameter, library.Parameter(tensor([1.0]))),
        (module.add_module, library.Tanh()),
    ):
        for name, error in (("a.b", KeyError), ("", KeyError), ("taken", KeyError), ("forward", KeyError), (3, TypeError)):
            with pytest.raises(error):
                register(name, part)
    for register in (module.register_parameter, module.add_module):
        with pytest.raises(TypeError):
            register("c", 3.0)
    module.register_buffer("b", tensor([2.0]))
    assert [name for name, _ in module.named_buffers()] == ["b"]


@pytest.mark.parametrize("library", [nn, torch.nn])
def test_containers(library):
    a, b, c = library.Linear(1, 1), library.Tanh(), library.ReLU()
    for build in (lambda parts: library.Sequential(*parts), library.ModuleList):
        parts = build([a, b])
        assert parts.append(c) is parts
        assert list(parts) == [a, b, c]
        assert [parts[0], parts[-1], len(parts)] == [a, c, 3]
        assert list(parts[1:]) == [b, c]
        assert type(parts[1:]) is type(parts)
        parts[1] = c
        parts.insert(0, b)
        assert list(parts) == [b, a, c, c]
        del parts[0]
        parts.extend([b])
        assert list(parts) == [a, c, c, b]
        assert [name for name, _ in parts.named_children()] == ["0", "1", "3"]
        for index, error in ((7, IndexError), (-5, IndexError)):
            with pytest.raises(error):
                parts[index]
        with pytest.raises(TypeError):
            parts.append(3)
    assert list(library.ModuleList([a]) + library.ModuleList([b])) == [a, b]
    table = library.ModuleDict({"a": a})
    table["b"] = b
    table.update({"c": c, "a": b})
    assert list(table) == list(table.keys()) == ["a", "b", "c"]
    assert list(table.values()) == [b, b, c]
    assert dict(table.items())["c"] is c
    assert "b" in table and len(table) == 3
    assert table.pop("b") is b
    del table["c"]
    assert list(table) == ["a"]
    table.clear()
    assert len(table) == 0
    for key, part, error in (("pop", a, KeyError), ("a.b", a, KeyError), ("x", 3, TypeError)):
        with pytest.raises(error):
            table[key] = part
    with pytest.raises(KeyError):
        table["gone"]
    named = library.Sequential(OrderedDict([("hidden", a), ("act", b)]))
    assert named.hidden is a
    assert [name for name, _ in named.named_children()] == ["hidden", "act"]
    assert [name for name, _ in named[1:].named_children()] == ["act"]


def test_a_module_of_a_sequential_that_is_set_later_is_called_too():
    for library, x in ((nn, Value([-1.0])), (torch.nn, torch.tensor([-1.0]))):
        model = library.Sequential(library.ReLU())
        model.last = library.Sigmoid()
        assert model(x).tolist() == [0.5]


def test_parameter_lists_make_parameters():
    held = nn.ParameterList([Value([1.0]), 2.0]), nn.ParameterDict({"a": [1.0, 2.0]})
    assert all(isinstance(parameter, nn.Parameter) for part in held for parameter in part.parameters())
    assert [parameter.tolist() for parameter in held[0]] == [[1.0], 2.0]
    assert repr(held[0]) == "ParameterList((0): (1,), (1): ())"


# Parameters -----------------------------------------------------------------------------------------------------------


def test_a_parameter_is_a_value_everywhere():
    p, x = nn.Parameter([1.0, 2.0]), Value([3.0, 4.0])
    for left, right in ((p, x), (x, p), (p, p), (p, 2.0), (2.0, p)):
        for operation in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a**b):
            plain = [Value(y.data) if isinstance(y, Value) else y for y in (left, right)]
            out = operation(left, right)
            assert type(out) is Value
            assert out.tolist() == operation(*plain).tolist()
    assert type(p @ x) is Value
    assert (p < x).tolist() == [True, True]
    assert (x > p).tolist() == [True, True]
    loss = (p * x).sum()
    loss.backward()
    assert p.grad.tolist() == [3.0, 4.0]
    assert {node.name for node in Graph(loss)} >= {"p", "x"}
    optim.SGD([p], lr=0.5).step()
    assert p.tolist() == [-0.5, 0.0]


def test_parameters_are_made_and_copied():
    x = Value([1.0, 2.0])
    for data, expected in ((x, [1.0, 2.0]), (x * 2.0, [2.0, 4.0]), ([1, 2], [1.0, 2.0]), (3, 3.0), (x.data, [1.0, 2.0])):
        parameter = nn.Parameter(data)
        assert parameter is not data
        assert (parameter.tolist(), parameter.requires_grad, parameter.op) == (expected, True, None)
    frozen = nn.Parameter([1.0], requires_grad=False)
    frozen.grad = Value([2.0]).data
    for copied in (copy.copy(frozen), copy.deepcopy(frozen), pickle.loads(pickle.dumps(frozen))):
        assert type(copied) is nn.Parameter
        assert (copied.tolist(), copied.requires_grad, copied.grad.tolist()) == ([1.0], False, [2.0])
    assert repr(nn.Parameter([1.0])) == "Parameter containing:\nValue([1.])"
    with pytest.raises(TypeError):
        nn.Parameter("x")


def test_layers_hold_parameters():
    model = nn.Sequential(nn.Linear(2, 2), nn.Embedding(2, 2), nn.LayerNorm(2), nn.BatchNorm1d(2))
    assert all(isinstance(parameter, nn.Parameter) for parameter in model.parameters())


def test_next_takes_the_first_parameter():
    model = nn.Linear(2, 3)
    assert next(model.parameters()) is model.weight
    parameters = model.parameters()
    assert [next(parameters), next(parameters)] == [model.weight, model.bias]
    assert next(parameters, None) is None
    assert len(parameters) == 2
    assert model.parameters() == list(model.parameters())


# What is state, and what is not ---------------------------------------------------------------------------------------


class Keeping(nn.Module):
    """Has constants, and keeps what passes through it in every way there is."""

    def __init__(self):
        self.table = Value([1.0, 2.0], requires_grad=False)
        self.mean = Value([0.0], requires_grad=False)
        self.last, self.seen = None, []
        self.w = Value([1.0, 1.0])

    def forward(self, x):
        self.x, self.last = x, (x * self.w).detach()
        self.seen.append(self.last)
        self.mean = self.mean * 0.5
        return x * self.w


def test_what_forward_keeps_is_no_state():
    module = Keeping()
    before = list(module.state_dict())
    assert before == ["table", "mean", "w"]
    with no_grad():
        for _ in range(2):
            module(Value([1.0, 2.0], requires_grad=False))
    assert list(module.state_dict()) == before
    assert copy.deepcopy(module).state_dict() == module.state_dict()
    module.w.requires_grad = False  # frozen later: still there
    assert list(module.state_dict()) == before
    assert module.parameters() == []
    module.register_buffer("late", [1.0])
    module.scale = nn.Parameter(2.0)
    assert list(module.state_dict()) == ["table", "mean", "w", "late", "scale"]


def test_a_buffer_stays_one_whatever_is_assigned():
    module = nn.Module()
    module.register_buffer("mean", Value([1.0]))
    assert module.parameters() == []
    module.mean = module.mean + Value([2.0])
    assert module.state_dict() == {"mean": [3.0]}
    module.mean = None
    assert module.state_dict() == {}
    module.mean = Value([4.0])
    assert module.parameters() == []
    assert [name for name, _ in module.named_buffers()] == ["mean"]


def test_hooks():
    for library, x in ((nn, Value([1.0])), (torch.nn, torch.tensor([1.0]))):
        layer, seen = library.ReLU(), []
        first = layer.register_forward_hook(lambda module, args, out, seen=seen: seen.append((module, args, out.tolist())))
        second = layer.register_forward_hook(lambda module, args, out: out + 1.0)
        assert layer(x).tolist() == [2.0]
        assert seen == [(layer, (x,), [1.0])]
        first.remove()
        first.remove()
        assert layer(x).tolist() == [2.0]
        second.remove()
        assert layer(x).tolist() == [1.0]
        assert len(seen) == 1


def test_moving_to_the_cpu_is_no_move():
    model = nn.Linear(1, 1)
    for moved in (model.to("cpu"), model.to(device="cpu"), model.to(float), model.cpu(), model.double(), model.float()):
        assert moved is model
    for move in (model.cuda, lambda: model.to("cuda:0"), lambda: model.to(device="mps")):
        with pytest.raises(RuntimeError, match="cannot be had"):
            move()
    with pytest.raises(TypeError, match="floats"):
        model.to(int)


@pytest.mark.parametrize(
    ("room", "name", "way"),
    [(nn, "Conv2d", "windows of the input"), (nn, "Sequental", "did you mean 'Sequential'"), (optim, "RMSProp", "'RMSprop'"),
     (nn.functional, "conv2d", "windows of the input")],
)  # fmt: skip
def test_what_is_not_there(room, name, way):
    with pytest.raises(AttributeError, match=way):
        getattr(room, name)


def test_studies_know_the_parameters_of_modules():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 2))
    loss = nn.CrossEntropyLoss()(model([[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]]), [0, 1, 0])
    assert "0.weight" in {node.name.split("model.")[-1] for node in Graph(loss) if node.name}
    assert lint(loss, model) is not None
