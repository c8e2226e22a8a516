"""Products and sums in Einstein's notation: einsum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import prod
from typing import Any

from micrograd_sm import primitives
from micrograd_sm.array.strides import row_major_steps
from micrograd_sm.engine import Value, as_value
from micrograd_sm.mode import composed

__all__ = ["einsum"]

Labels = list[Hashable]  # one for each dimension: a letter, or -1, -2, ... for those of an ellipsis, counted from its end


@composed
def einsum(equation: str, *operands: Any) -> Value:
    """Return products of the operands' elements, summed over every letter that is not in the output (torch.einsum).

    Each letter stands for a dimension, `...` for any others, which broadcast. A letter twice in one operand takes a diagonal.
    Without `->`, the output has the letters that occur once, in alphabetical order. Operands may also be one list.

    Raises RuntimeError if letters and shapes do not fit, ValueError without operands, TypeError if the equation is no string.

    >>> einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).tolist()
    [3.0, 7.0]
    >>> einsum("ii", [[1.0, 2.0], [3.0, 4.0]]).item()
    5.0
    """
    factors, output = _read(equation, operands)
    sizes = _sizes(factors, equation)
    full = [_filled(_diagonal(value, labels), sizes) for value, labels in factors]
    return _ordered(_summed_out(_contracted(full, output), set(output)), output)


def work_of(equation: str, operands: Sequence[Any]) -> int:
    """Return how many multiplications einsum needs, at most: the product of the sizes of all letters."""
    return prod(max(size, 1) for size in _sizes(_read(equation, operands)[0], equation).values())


def _read(equation: str, operands: Sequence[Any]) -> tuple[list[tuple[Value, Labels]], Labels]:
    """Return the operands with their labels, and the labels of the output."""
    if not isinstance(equation, str):
        raise TypeError(f"einsum: the equation must be a string, got {equation!r}")
    given = operands[0] if len(operands) == 1 and isinstance(operands[0], (tuple, list)) and "," in equation else operands
    if not given:
        raise ValueError(f"einsum: {equation!r} needs operands")
    values = [as_value(operand, "einsum: operands") for operand in given]
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(values):
        raise RuntimeError(f"einsum: {equation!r} is for {len(terms)} operands, got {len(values)}")
    labels = [_labels(term, value, equation) for term, value in zip(terms, values, strict=True)]
    return list(zip(values, labels, strict=True)), _output(right if arrow else None, labels, equation)


def _labels(term: str, value: Value, equation: str) -> Labels:
    """Return the label of each dimension of an operand."""
    before, dots, after = term.partition("...")
    letters = [*before, *after]
    if not all(letter.isascii() and letter.isalpha() for letter in letters):
        raise RuntimeError(f"einsum: {equation!r} must be letters, `...`, commas and one `->`; {term!r} is not")
    others = value.ndim - len(letters)
    if others < 0 or (others and not dots):
        raise RuntimeError(f"einsum: {term!r} in {equation!r} does not name the {value.ndim} dimensions of shape {value.shape}")
    return [*before, *range(-others, 0), *after]


def _output(term: str | None, labels: Sequence[Labels], equation: str) -> Labels:
    """Return the labels of the output, in order."""
    counts = Counter(label for names in labels for label in names)
    dots: Labels = list(range(min((label for label in counts if isinstance(label, int)), default=0), 0))
    if term is None:
        return dots + sorted(label for label, count in counts.items() if count == 1 and isinstance(label, str))
    before, has_dots, after = term.partition("...")
    output = [*before, *(dots if has_dots else []), *after]
    wrong = [label for label in output if label not in counts or output.count(label) > 1]
    if wrong:
        raise RuntimeError(f"einsum: {wrong[0]!r} in the output of {equation!r} must be in an operand, and once in the output")
    return output


def _sizes(factors: Sequence[tuple[Value, Labels]], equation: str) -> dict[Hashable, int]:
    """Return the size of each label; a size of 1 is repeated where another operand has more."""
    sizes: dict[Hashable, int] = {}
    for value, labels in factors:
        own: dict[Hashable, int] = {}
        for label, size in zip(labels, value.shape, strict=True):
            if own.setdefault(label, size) != size:
                raise RuntimeError(f"einsum: {label!r} twice in {equation!r} needs equal sizes, got shape {value.shape}")
            known = sizes.setdefault(label, size)
            if known != size and 1 not in (known, size):
                raise RuntimeError(f"einsum: {label!r} in {equation!r} has sizes {known} and {size}")
            sizes[label] = size if known == 1 else known
    return sizes


def _diagonal(value: Value, labels: Labels) -> tuple[Value, Labels]:
    """Return an operand with one dimension for each of its letters: the diagonal where a letter is repeated."""
    once = list(dict.fromkeys(labels))
    if len(once) == len(labels):
        return value, labels
    steps = row_major_steps(value.shape)
    positions, shape = [0], tuple(value.shape[labels.index(label)] for label in once)
    for label, size in zip(once, shape, strict=True):
        step = sum(step for name, step in zip(labels, steps, strict=True) if name == label)
        positions = [position + index * step for position in positions for index in range(size)]
    return primitives.index(value, positions=positions, shape=shape, key="".join(map(str, labels))), once


def _filled(factor: tuple[Value, Labels], sizes: dict[Hashable, int]) -> tuple[Value, Labels]:
    """Return an operand with its sizes of 1 repeated, where another operand has more."""
    value, labels = factor
    shape = tuple(sizes[label] for label in labels)
    return (value if value.shape == shape else primitives.expand(value, shape=shape)), labels


def _contracted(factors: list[tuple[Value, Labels]], output: Labels) -> tuple[Value, Labels]:
    """Return the product of all operands, two at a time from the left, summed over what nothing needs any more."""
    product = factors[0]
    for place, factor in enumerate(factors[1:], start=2):
        needed = {*output, *(label for _, labels in factors[place:] for label in labels)}
        product = _multiplied(product, factor, needed)
    return product


def _multiplied(a: tuple[Value, Labels], b: tuple[Value, Labels], needed: set[Hashable]) -> tuple[Value, Labels]:
    """Return the product of two operands as one matmul of batches, (batch, left, summed) @ (batch, summed, right)."""
    a = _summed_out(a, needed | set(b[1]))
    b = _summed_out(b, needed | set(a[1]))
    shared = [label for label in a[1] if label in b[1]]
    batch, both = [x for x in shared if x in needed], [x for x in shared if x not in needed]
    left, right = [x for x in a[1] if x not in shared], [x for x in b[1] if x not in shared]
    sizes = dict([*zip(a[1], a[0].shape, strict=True), *zip(b[1], b[0].shape, strict=True)])
    parts = [[sizes[label] for label in labels] for labels in (batch, left, both, right)]
    groups, n, k, m = parts[0], *map(prod, parts[1:])
    rows = _reshaped(_ordered(a, batch + left + both), (*groups, n, k))
    columns = _reshaped(_ordered(b, batch + both + right), (*groups, k, m))
    product = primitives.matmul(rows, columns) if both else rows * columns
    return _reshaped(product, (*groups, *parts[1], *parts[3])), batch + left + right


def _summed_out(factor: tuple[Value, Labels], needed: set[Hashable]) -> tuple[Value, Labels]:
    value, labels = factor
    axes = tuple(axis for axis, label in enumerate(labels) if label not in needed)
    kept = [label for label in labels if label in needed]
    return (primitives.sum(value, axis=axes, keepdims=False), kept) if axes else factor


def _ordered(factor: tuple[Value, Labels], labels: Labels) -> Value:
    value, found = factor
    return value if found == labels else primitives.permute(value, order=tuple(map(found.index, labels)))


def _reshaped(value: Value, shape: tuple[int, ...]) -> Value:
    return value if value.shape == shape else primitives.reshape(value, shape=shape)
