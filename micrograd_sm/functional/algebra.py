"""Products of vectors and matrices, and norms."""

__all__: list[str] = []
