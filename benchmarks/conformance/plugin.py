"""What the suite is told of `Array`: it never changes, so it is made with all its elements."""

import builtins
import importlib

import pytest
from hypothesis import strategies as st

_max = builtins.max
builtins.max = lambda *args, **options: _max(*args, **options) if args != ([],) else (None, 0)  # of no complex types
try:
    importlib.import_module("array_api_tests.dtype_helpers")
finally:
    builtins.max = _max


def pytest_configure(config: pytest.Config) -> None:
    from array_api_tests import hypothesis_helpers as helpers  # noqa: PLC0415  when its types are known
    from array_api_tests import xps  # noqa: PLC0415

    arrays = xps.arrays

    def made_at_once(*args, **options):
        return arrays(*args, **{**options, "fill": st.nothing()})

    xps.arrays = helpers.xps.arrays = made_at_once
