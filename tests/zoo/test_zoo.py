"""What works with which family: every cell, over real HTTP, and the page that says so."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.zoo.cells import CELLS, FAIL
from tests.zoo.families import FAMILIES
from tests.zoo.matrix import DOCUMENT, Row, document, try_all


@pytest.fixture(scope="module")
def rows() -> Mapping[str, Row]:
    return try_all()


@pytest.mark.parametrize("title", [family.title for family in FAMILIES])
def test_every_cell(title: str, rows: Mapping[str, Row]) -> None:
    row = rows[title]
    assert {column: cell for column, cell in row.items() if cell.mark == FAIL} == {}
    assert list(row) == list(CELLS)


def test_the_page_is_what_the_zoo_makes(rows: Mapping[str, Row]) -> None:
    assert DOCUMENT.read_text("utf-8") == document(rows), "make zoo"
