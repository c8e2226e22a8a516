"""How many of the corpus's mistakes lint finds, and how many right programs it flags, by kind.

    python benchmarks/lint.py

The programs are in tests/lint_corpus: `wrong.txt` says which rules each breaks, `right.txt` breaks none. A false alarm is
any finding that a program is not said to have, hints included.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import micrograd_sm
from micrograd_sm.study import lint

CORPUS = Path(__file__).parent.parent / "tests" / "lint_corpus"


def programs(file: str) -> list[tuple[set[str], str]]:
    """Return the programs of a file: which rules each breaks, and its code."""
    found = []
    for part in (CORPUS / file).read_text(encoding="utf-8").split("## ")[1:]:
        head, _, code = part.partition("\n")
        found.append(({rule.strip() for rule in head.partition(":")[2].split(",") if rule.strip()}, code))
    return found


def rules_found(code: str) -> set[str]:
    micrograd_sm.manual_seed(3)
    variables: dict[str, Any] = {name: getattr(micrograd_sm, name) for name in micrograd_sm.__all__}
    exec(code, variables)
    return set(lint(variables["loss"], variables.get("parameters"), variables.get("sampled_from"), variables).rules)


def main() -> None:
    expected, found, missed, false = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    right = programs("right.txt")
    for rules, code in [*programs("wrong.txt"), *right]:
        said = rules_found(code)
        expected.update(rules)
        found.update(said & rules)
        missed.update(rules - said)
        false.update(said - rules)
    print(f"{'rule':32} found missed false alarms")
    for rule in sorted({*expected, *false}):
        print(f"{rule:32} {found[rule]:5} {missed[rule]:6} {false[rule]:12}")
    print(f"{'all':32} {found.total():5} {missed.total():6} {false.total():12}   ({len(right)} right programs)")


if __name__ == "__main__":
    main()
