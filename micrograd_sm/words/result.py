"""The bases of results and their parts: named fields, equality by content, text, plain data and HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from html import escape
from typing import Any, Generic, TypeVar

from micrograd_sm.words.plain import plain

Item = TypeVar("Item")


class Record:
    """The base of a frozen dataclass that may hold arrays. Two are equal if their plain data is, and none can be hashed."""

    __hash__: Any = None
    __array_ufunc__ = None  # so that a NumPy array lets us compare

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data for strict JSON; nan and infinities are words."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is type(self) and self.to_dict() == other.to_dict())


class Result(Record):
    """The base of the result of a study: a Python prompt and a notebook show its `str()`."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return prose(str(self))


class Listing(Result, Generic[Item]):
    """The base of a result that is a list: true if it has items, with a length, an index and iteration."""

    def _items(self) -> Sequence[Item]:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._items())

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items())

    def __getitem__(self, index: int) -> Item:
        return self._items()[index]


def prose(text: str) -> str:
    """Return text as HTML, in the notebook's font, with its line breaks and indents."""
    return f'<div style="white-space:pre-wrap">{escape(text)}</div>'
