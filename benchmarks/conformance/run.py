"""The array API's own tests, data-apis/array-api-tests, on `micrograd_sm.array`: which of those that apply pass.

`python benchmarks/conformance/run.py FOLDER`, where FOLDER is a clone of the suite with its submodule; it needs
pytest-json-report and ndindex. A test applies if it is of a function or an operator that we have, on real numbers.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
OPERATORS = {
    "abs", "add", "and", "eq", "ge", "gt", "invert", "le", "lt", "mul", "ne", "neg", "or", "pos", "pow", "sub", "truediv",
}  # fmt: skip
LINE = re.compile(r"(PASSED|FAILED|ERROR) array_api_tests/(\w+)\.py::test_(\w+)(?:\[(.*)\])?")


def applies(test: str, case: str, ours: set[str]) -> bool:
    """Return whether a test is of what we have."""
    if "imag(" in case or test.startswith("has_"):
        return False
    subject = re.split(r"[(\[ ,]", case)[0] if case else test
    if operator := re.fullmatch(r"__i?(\w+)__", subject):
        return operator[1] in OPERATORS or (operator[1] == "nvert")
    return subject in ours or (test in ours and not case)


def main(folder: str) -> None:
    sys.path.insert(0, str(HERE))
    from subject import OURS  # noqa: PLC0415

    environment = {
        **os.environ,
        "ARRAY_API_TESTS_MODULE": "subject",
        "ARRAY_API_TESTS_VERSION": "2024.12",
        "ARRAY_API_TESTS_SKIP_DTYPES": "float32",
        "PYTHONPATH": os.pathsep.join([str(HERE), folder, os.environ.get("PYTHONPATH", "")]),
    }
    options = ["-q", "-p", "plugin", "-p", "no:cacheprovider", "-W", "ignore", "--tb=no", "-rA", "--max-examples", "20"]
    options += ["--disable-deadline", "--continue-on-collection-errors"]
    command = [sys.executable, "-m", "pytest", "array_api_tests", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    told = done.stdout
    if " passed" not in told:
        sys.exit(told + done.stderr)
    counts: Counter[str] = Counter()
    failed = []
    for status, module, test, case in LINE.findall(told):
        if not applies(test, case, set(OURS)):
            counts["does not apply"] += 1
            continue
        counts[status] += 1
        if status != "PASSED":
            failed.append(f"{module}: {test} {case}".strip())
    applicable = counts["PASSED"] + len(failed)
    print(f"{counts['PASSED']} of {applicable} that apply pass ({counts['PASSED'] / max(1, applicable):.0%});")
    print(f"{counts['does not apply']} are of what is not here. Those that fail:", *failed, sep="\n  ")


if __name__ == "__main__":
    main(sys.argv[1])
