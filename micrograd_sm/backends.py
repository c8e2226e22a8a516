"""`backends.mps` and `backends.cudnn`, for programs that ask for a GPU or make one repeatable: there is none.

>>> from micrograd_sm import backends
>>> backends.cudnn.deterministic = True
>>> backends.mps.is_available()
False
"""

from __future__ import annotations

from types import SimpleNamespace

mps = SimpleNamespace(is_available=lambda: False, is_built=lambda: False)
cudnn = SimpleNamespace(is_available=lambda: False, enabled=False, benchmark=False, deterministic=True)
