"""Attention: each query's mean of the values, weighted by how well their keys fit."""

from __future__ import annotations

from typing import Any

from micrograd_sm.engine import Value, as_value
from micrograd_sm.functional.activations import dropout
from micrograd_sm.functional.comparisons import logical_not
from micrograd_sm.functional.kinds import kind_of
from micrograd_sm.functional.pointwise import masked_fill
from micrograd_sm.functional.probability import softmax
from micrograd_sm.mode import composed

__all__ = ["scaled_dot_product_attention"]


@composed
def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None,
) -> Value:  # fmt: skip
    """Return softmax(query @ key^T * scale + mask) @ value: (..., L, E), (..., S, E) and (..., S, V) to (..., L, V).

    `scale` is 1 / sqrt(E) by default. A mask of bools is True where a query may see a key, one of floats is added. With
    `is_causal`, a query sees no later key. Raises RuntimeError for a mask together with is_causal, and if shapes do not fit.
    Source: torch.nn.functional.scaled_dot_product_attention.

    >>> scaled_dot_product_attention([[1.0], [0.0]], [[1.0], [5.0]], [[10.0], [20.0]], is_causal=True).tolist()
    [[10.0], [15.0]]
    """
    q, k, v = (
        as_value(x, f"scaled_dot_product_attention: {name}") for x, name in ((query, "query"), (key, "key"), (value, "value"))
    )
    if is_causal and attn_mask is not None:
        raise RuntimeError("scaled_dot_product_attention: is_causal is a mask of its own: give it or attn_mask, not both")
    scores = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        rows, columns = scores.shape[-2:]
        scores = masked_fill(scores, [[column > row for column in range(columns)] for row in range(rows)], float("-inf"))
    if attn_mask is not None:
        mask = as_value(attn_mask, "scaled_dot_product_attention: attn_mask")
        scores = masked_fill(scores, logical_not(mask), float("-inf")) if kind_of(mask) is bool else scores + mask
    weights = softmax(scores, -1)
    return (dropout(weights, dropout_p) if dropout_p else weights) @ v
