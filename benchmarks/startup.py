"""What `import micrograd_sm` adds to starting Python: fresh processes, alternately, medians.

They are started by a small process of their own: one that has loaded torch starts others more slowly.
The rounds that do not count leave compiled bytecode behind in a temporary folder, as the first import anywhere does. To
see which import takes how long, run `python -X importtime -c "import micrograd_sm"`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from tempfile import TemporaryDirectory

from timing import Figure, medians, show


def seconds() -> list[float]:
    """Return the seconds of a process that imports micrograd_sm, and of one that does not."""
    with TemporaryDirectory() as bytecode:
        environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = bytecode

        def starting(code: str):
            return lambda: subprocess.run([sys.executable, "-c", code], check=True, env=environment)

        return medians(starting("import micrograd_sm"), starting("pass"), rounds=41, warmup=3)


def measure() -> list[Figure]:
    """Return the figure of this benchmark."""
    starter = subprocess.run([sys.executable, __file__, "--seconds"], check=True, capture_output=True, text=True)
    with_import, without = map(float, starter.stdout.split())
    added = (with_import - without) * 1e3
    measured = f"{added:.0f} ms ({with_import * 1e3:.0f} ms against {without * 1e3:.0f} ms)"
    return [Figure("`import micrograd_sm`, above starting Python", "at most 30 ms", measured, added <= 30)]


if __name__ == "__main__":
    if sys.argv[1:] == ["--seconds"]:
        print(*seconds())
    else:
        show(measure())
