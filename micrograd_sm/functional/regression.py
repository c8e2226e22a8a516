"""Losses that compare numbers or distributions, and margins."""

__all__: list[str] = []
