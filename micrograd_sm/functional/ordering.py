"""Sorting, searching and running totals."""

__all__: list[str] = []
