"""Every rule of lint has a page with a wrong program, which breaks that rule alone, and a right one, which breaks none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from micrograd_sm.study import RULES, Lint
from micrograd_sm.study.mistakes.lint import LAST_RULES

PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parent.parent / "docs" / "rules").glob("*.md")}
INDEX = PAGES.pop("index")


def linted(page: str) -> list[Lint]:
    """Run the blocks of a page, as the documentation's build does, and return what lint found."""
    variables: dict[str, Any] = {}
    values = []
    for code in re.findall(r"^```{run}\n(.*?)\n```$", page, flags=re.DOTALL | re.MULTILINE):
        before, _, last = code.rpartition("\n")
        exec(before, variables)
        values.append(eval(last, variables))
    return [value for value in values if isinstance(value, Lint)]


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    rules = {*RULES, *LAST_RULES}
    assert set(PAGES) == rules
    assert set(re.findall(r"^\| \[([\w-]+)\]\(\1\.md\)", INDEX, flags=re.MULTILINE)) == rules
    assert set(INDEX.rpartition(":hidden:\n")[2].split()) - {"```"} == rules


@pytest.mark.parametrize("rule", PAGES)
def test_a_page_is_right(rule: str) -> None:
    page = PAGES[rule]
    wrong, right = linted(page)
    assert wrong.rules == (rule,), str(wrong)
    assert right.clean, str(right)
    first = re.match(rf"# {rule}\n\n\*(Mistake|Hint)\.\* (.+)\n", page)
    assert first and f"| {first[1].lower()} | {first[2]} |" in INDEX
    assert f'ignore=["{rule}"]' in page
    assert rule == "detached" or {found.grade for found in wrong} == {first[1].lower()}
