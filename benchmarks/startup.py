"""What `import micrograd_sm` adds to starting Python: fresh processes, alternately, medians.

To see which import it is, run `python -X importtime -c "import micrograd_sm"`.
"""

from __future__ import annotations

import subprocess
import sys

from timing import Figure, medians, show


def measure() -> list[Figure]:
    """Return the figure of this benchmark."""

    def starting(code: str):
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    with_import, without = medians(starting("import micrograd_sm"), starting("pass"), rounds=41, warmup=3)
    added = (with_import - without) * 1e3
    measured = f"{added:.0f} ms ({with_import * 1e3:.0f} ms against {without * 1e3:.0f} ms)"
    return [Figure("`import micrograd_sm`, above starting Python", "at most 50 ms", measured, added <= 50)]


if __name__ == "__main__":
    show(measure())
