"""torch's methods that Values and Arrays have not: each says what to use. They are no part of `dir()`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from micrograd_sm.array import Array
from micrograd_sm.engine import Value
from micrograd_sm.missing import missing, missing_on_array

_NAMES = """
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
TORCHS = _NAMES.split()


class _Absent:
    """An attribute that raises AttributeError, so that `hasattr` and copies see that it is not there."""

    def __init__(self, error: Callable[[str], AttributeError]) -> None:
        self.error = error

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise self.error(self.name)


def attach() -> None:
    """Give Value and Array the names that they lack; those of methods that change in place end in `_`."""
    for name in TORCHS:
        for each in (name, f"{name}_"):
            _lack(Value, each, lambda name: missing("Value", name, _present(Value)))
            _lack(Array, each, missing_on_array)
    for name in list(vars(Value)):
        if name.endswith("_") and not name.endswith("__"):
            _lack(Array, name, missing_on_array)
    for kind in (Value, Array):
        kind.__dir__ = lambda self: _present(type(self))  # type: ignore[method-assign]


def _lack(kind: type, name: str, error: Callable[[str], AttributeError]) -> None:
    if not hasattr(kind, name):
        absent = _Absent(error)
        absent.__set_name__(kind, name)
        setattr(kind, name, absent)


def _present(kind: type) -> list[str]:
    return [name for name in dir(kind) if not isinstance(vars(kind).get(name), _Absent)]
