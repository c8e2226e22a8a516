"""The house: who imports whom, and what is loaded before it is asked for. `lint-imports` checks the layers."""

from __future__ import annotations

import subprocess
import sys

import pytest

STUDIES = {"lint": "mistakes", "explain": "why", "digits": "trust", "loss_curves": "landscapes"}


def test_no_file_imports_in_a_circle() -> None:
    """Circles of type annotations aside: those are read by people and type checkers only."""
    grimp = pytest.importorskip("grimp", reason="import-linter, of the test extra, brings it")
    graph = grimp.build_graph("micrograd_sm", exclude_type_checking_imports=True, cache_dir=None)
    waiting = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    while free := [module for module, imported in waiting.items() if not imported & waiting.keys()]:
        for module in free:
            del waiting[module]
    assert not waiting, f"among these are circles: {sorted(waiting)}"


def loaded(code: str) -> set[str]:
    """Return the modules of this package that are loaded after some code ran in a process of its own."""
    code += "; import sys; print(*(name for name in sys.modules if name.startswith('micrograd_sm.')))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("study", STUDIES)
def test_only_the_study_that_is_used_is_loaded(study: str) -> None:
    rooms = {name.split(".")[2] for name in loaded(f"from micrograd_sm.study import {study}") if name.count(".") > 2}
    assert {"micrograd_sm.study." + room for room in rooms} & {f"micrograd_sm.study.{room}" for room in STUDIES.values()} == {
        f"micrograd_sm.study.{STUDIES[study]}"
    }


def test_recording_torch_needs_torch_and_says_so() -> None:
    code = "import sys; sys.modules['torch'] = None; import micrograd_sm.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "ImportError: micrograd_sm.torch records programs in torch" in done.stderr
    assert "pip install torch" in done.stderr


def test_importing_study_loads_no_study() -> None:
    assert not {name for name in loaded("import micrograd_sm.study") if name.startswith("micrograd_sm.study.")}


@pytest.mark.parametrize("library", ["graphviz", "matplotlib", "numpy", "rich", "torch"])
def test_importing_the_package_needs_no_other_library(library: str) -> None:
    missing = f"import sys; sys.modules[{library!r}] = None"
    loaded(f"{missing}; import micrograd_sm, micrograd_sm.cli, micrograd_sm.study, micrograd_sm.nn, micrograd_sm.optim")
