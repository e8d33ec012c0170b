"""Each library works in the twin or is refused, as the table in docs/twin.md says."""

from __future__ import annotations

import pytest

from tests.twin.libraries import CASES, PAGE, Case, outcome, table_of


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_table(case: Case) -> None:
    found = outcome(case)
    if not found:
        pytest.skip(f"{case.module} is not installed; `make twin` has an environment with it")
    assert found == table_of(PAGE.read_text())[case.title]
    assert not found.startswith("fails")


def test_all_cases_are_in_the_table() -> None:
    assert set(table_of(PAGE.read_text())) == {case.title for case in CASES}
