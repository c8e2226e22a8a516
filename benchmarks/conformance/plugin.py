"""What the suite is told of `Array`: which tests apply, and that it never changes, so it is made with all its elements."""

import builtins
import importlib
import re

import pytest
from hypothesis import strategies as st
from subject import FUNCTIONS, OPERATORS

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


def applies(nodeid: str) -> bool:
    """Return whether a test is of a function or an operator that we have, on real numbers."""
    test, case = re.fullmatch(r".*::test_(\w+?)(?:\[(.*)\])?", nodeid, re.DOTALL).groups()
    if "imag(" in (case or "") or test.startswith("has_"):
        return False
    subject = re.split(r"[(\[ ,]", case)[0] if case else test
    return subject in FUNCTIONS or subject in OPERATORS or test.startswith("getitem")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept = [item for item in items if applies(item.nodeid)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept
