"""What is said if somebody asks for what torch has and micrograd_sm has not: one message, and the way out."""

from __future__ import annotations

from collections.abc import Iterable

_RECORD = "micrograd_sm.torch.record shows the graphs of programs in torch"
_CONVOLUTION = f"write it as windows of the input, x[..., i:i + k], times the weights, or keep torch: {_RECORD}"
_RECURRENT = "write its cell with Linear, tanh and sigmoid in a loop over the steps"
_NO_DEVICE = "numbers are Python's, on the CPU: leave it out"
_INSTEAD = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "Conv1d", "Conv2d", "Conv3d", "unfold"), _CONVOLUTION),
    **dict.fromkeys(
        ("max_pool1d", "max_pool2d", "MaxPool1d", "MaxPool2d"), "reshape the input to windows and take amax over them"
    ),
    **dict.fromkeys(
        ("avg_pool1d", "avg_pool2d", "AvgPool1d", "AvgPool2d"), "reshape the input to windows and take the mean over them"
    ),
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), _RECURRENT),
    **dict.fromkeys(
        ("MultiheadAttention", "Transformer", "TransformerEncoderLayer"),
        "write it with Linear and scaled_dot_product_attention",
    ),
    **dict.fromkeys(("BatchNorm2d", "BatchNorm3d"), "reshape to (N, C, L) and use BatchNorm1d"),
    **dict.fromkeys(("mps", "xpu"), _NO_DEVICE),
    **dict.fromkeys(("amp", "autocast", "distributed", "jit"), f"it makes programs faster, not other; {_NO_DEVICE}"),
    **dict.fromkeys(("DataLoader", "TensorDataset", "data"), "draw a batch by index: ix = randint(0, len(X), (32,)); X[ix]"),
    **dict.fromkeys(
        ("OneCycleLR", "CyclicLR", "PolynomialLR", "CosineAnnealingWarmRestarts", "SequentialLR", "ReduceLROnPlateau"),
        "LambdaLR takes any schedule as a function of the epoch; or set group['lr'] of each of optimizer.param_groups",
    ),
    "sparse_coo_tensor": "all tensors are dense: zeros(...), then x[rows, columns] = values",
    "complex": "numbers are real: keep the real and the imaginary part as two tensors",
    "trapz": "((y[1:] + y[:-1]) / 2 * (x[1:] - x[:-1])).sum()",
    "ctc_loss": _RECORD,
    "register_hook": "every value keeps its gradient: read .grad after backward(), or walk through steps(loss)",
    "grad_fn": ".op is the name of the operation, .parents are its operands, and draw(loss) shows them all",
    "storage": ".tolist() has the numbers, .shape the shape",
    "data_ptr": ".tolist() has the numbers",
}  # fmt: skip


def missing(owner: str, name: str, known: Iterable[str] = ()) -> AttributeError:
    """Return the error for a name that `owner`, such as micrograd_sm or Value, does not have.

    >>> missing("micrograd_sm", "conv9d", ["exp"])
    AttributeError("micrograd_sm has no 'conv9d'; micrograd_sm.torch.record shows the graphs of programs in torch")
    >>> missing("micrograd_sm", "expp", ["exp"])
    AttributeError("micrograd_sm has no 'expp'; did you mean 'exp'?")
    """
    instead = _INSTEAD.get(name)
    if instead is None:
        import difflib  # noqa: PLC0415 - only for who errs

        near = difflib.get_close_matches(name, sorted(x for x in known if not x.startswith("_")), n=1, cutoff=0.75)
        instead = f"did you mean {near[0]!r}?" if near else _RECORD
    return AttributeError(f"{owner} has no {name!r}; {instead}")


def missing_on_array(name: str) -> AttributeError:
    """Return the error for a name that an Array, a gradient or the data of a Value, does not have.

    >>> missing_on_array("zero_")
    AttributeError("a gradient or data is an Array, which never changes: no 'zero_'; set x.grad = None, or set x.data")
    """
    if not name.endswith("_") or name.startswith("_"):
        return missing("Array", name)
    way = "set x.grad = None" if name == "zero_" else f"call x.{name}(...) under no_grad()"
    return AttributeError(f"a gradient or data is an Array, which never changes: no {name!r}; {way}, or set x.data")
