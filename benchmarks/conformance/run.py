"""The array API's own tests, data-apis/array-api-tests, on `micrograd_sm.array`: which of those that apply pass.

`python benchmarks/conformance/run.py FOLDER`, where FOLDER is a clone of the suite with its submodule; it needs
pytest-json-report and ndindex. `plugin` says which tests apply.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLES = "100"  # for each test
UNREADABLE = ("inspection_functions", "signatures")  # files that need more to be collected: an inspection API, all dtypes


def main(folder: str) -> None:
    environment = {
        **os.environ,
        "ARRAY_API_TESTS_MODULE": "subject",
        "ARRAY_API_TESTS_VERSION": "2024.12",
        "ARRAY_API_TESTS_SKIP_DTYPES": "float32,int32,uint8",
        "PYTHONPATH": os.pathsep.join([str(HERE), folder, os.environ.get("PYTHONPATH", "")]),
    }
    options = ["-q", "-p", "plugin", "-p", "no:cacheprovider", "-W", "ignore", "--tb=no", "-rA", "--max-examples", EXAMPLES]
    options += ["--hypothesis-seed", "0", "--disable-deadline"]
    options += [f"--ignore=array_api_tests/test_{name}.py" for name in UNREADABLE]
    command = [sys.executable, "-m", "pytest", "array_api_tests", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    failed = re.findall(r"^(?:FAILED|ERROR) array_api_tests/test_(.*?)(?: - .*)?$", done.stdout, re.MULTILINE)
    passed, left_out = (re.search(rf"(\d+) {word}", done.stdout) for word in ("passed", "deselected"))
    if not passed or not left_out:
        sys.exit(done.stdout + done.stderr)
    applicable = int(passed[1]) + len(failed)
    print(f"{passed[1]} of {applicable} that apply pass ({int(passed[1]) / applicable:.0%});")
    print(f"{left_out[1]} are of what is not here. Those that fail:", *failed, sep="\n  ")


if __name__ == "__main__":
    main(sys.argv[1])
