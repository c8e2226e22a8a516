"""What is said if somebody asks for what torch has and micrograd_sm has not: one message, and the way out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

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


_METHODS = """
H absolute acos acosh addbmm addcdiv addcmul addmm addmv addr adjoint allclose aminmax angle arccos arccosh arcsin
arcsinh arctan arctan2 arctanh argwhere as_strided as_strided_scatter as_subclass asin asinh atan atan2 atanh baddbmm
bernoulli bfloat16 bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor byte cauchy
cholesky cholesky_inverse cholesky_solve clamp_max clamp_min clip coalesce conj conj_physical copysign corrcoef cosh cov
cross cuda cummax cummin cumprod cumsum data_ptr deg2rad dense_dim dequantize det detach diag_embed diagflat
diagonal_scatter diff digamma dist divide dsplit eig element_size eq equal erf erfc erfinv exp2 expm1 exponential
fill_diagonal fix fliplr flipud float_power fmax fmin fmod frac frexp gcd ge geometric geqrf ger get_device grad_fn
greater greater_equal gt half hardshrink heaviside histc hsplit hypot igamma igammac imag index index_add index_copy
index_fill index_put index_reduce inner inverse is_coalesced is_complex is_conj is_contiguous is_cpu is_cuda
is_inference is_mps is_nonzero is_pinned is_same_size is_set_to is_shared is_signed isclose isneginf isposinf isreal
istft itemsize kron kthvalue layout lcm ldexp le lerp less less_equal lgamma log10 log1p log2 log_normal logaddexp2
logcumsumexp logdet logical_and logical_not logical_or logical_xor logit lstsq lt lu lu_solve mH masked_scatter
matrix_exp matrix_power moveaxis msort multiply mvlgamma nan_to_num nanmean nanmedian nanquantile nansum narrow_copy
nbytes ndimension ne negative new new_empty new_empty_strided new_full new_ones new_tensor new_zeros nextafter
nonzero_static not_equal orgqr ormqr pin_memory pinverse polygamma positive prelu put qr quantile rad2deg ravel real
register_hook register_post_accumulate_grad_hook reinforce renorm resize resize_as resize_as_sparse resolve_conj
resolve_neg retains_grad rot90 rsqrt scatter_reduce select_scatter sgn share_memory short sign signbit sinc sinh
slice_scatter slogdet solve sparse_resize sparse_resize_and_clear split_with_sizes squeeze stft storage storage_offset
storage_type stride subtract sum_to_size svd swapaxes swapdims symeig t tan tensor_split to_dense trace transpose
triangular_solve tril triu true_divide trunc type_as unfold unique_consecutive unsqueeze untyped_storage values vdot
vsplit xlogy
"""
METHODS = _METHODS.split()


class Absent:
    """An attribute that raises AttributeError, so that `hasattr` and copies see that it is not there."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type[Lacking]) -> NoReturn:
        raise owner._lacks(self.name)


class Lacking:
    """The base of Value and Array: what they lack of torch's methods says what to use instead, and `dir` leaves it out."""

    __slots__ = ()
    vars().update({each: Absent(each) for name in METHODS for each in (name, f"{name}_")})  # what changes in place ends in _

    @classmethod
    def _lacks(cls, name: str) -> AttributeError:
        return missing(cls.__name__, name, _present(cls))

    def __dir__(self) -> list[str]:
        return _present(type(self))


def _present(kind: type) -> list[str]:
    """Return the names of a class that are there."""
    held: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        held.update(vars(base))
    return [name for name in held if not isinstance(held[name], Absent)]
