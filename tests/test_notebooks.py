"""The tutorials: each says what it is for, leads to the next, has outputs and recorded answers."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

from cellmage.recording.record_files import FileRecords

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
NAMES = [
    "01_quickstart",
    "02_streams",
    "03_conversations",
    "04_streams_in_python",
    "05_data_and_code",
    "06_code_that_ran",
    "07_structured_and_tools",
    "08_chat_with_documents",
    "09_many_prompts",
    "10_web_service",
]
"""The tutorials, in the order in which they are read."""

WORDS_PER_MINUTE = 200
"""How fast a page is read; code is read with the prose."""

MAX_LINES, MAX_COLUMNS = 60, 120
"""What fits on a page, of the code of a cell."""


@cache
def cells_of(name: str) -> list[nbformat.NotebookNode]:
    cells: list[nbformat.NotebookNode] = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells
    return cells


def prose_of(name: str) -> str:
    return "\n\n".join(cell.source for cell in cells_of(name) if cell.cell_type == "markdown")


def test_no_tutorial_is_forgotten() -> None:
    assert [path.stem for path in sorted(FOLDER.glob("*.ipynb"))] == NAMES
    assert [path.name for path in sorted(FOLDER.glob("*.jsonl"))] == [
        f"{n}.llm.jsonl" for n in NAMES
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_first_cell_says_what_one_can_do_and_how_long_it_takes(name: str) -> None:
    first = cells_of(name)[0].source
    assert re.match(r"# \S", first)
    assert "After this notebook you can\n\n- " in first
    minutes = re.search(r"\*\*Time:\*\* (\d+) minutes", first)
    assert minutes
    assert 10 <= int(minutes[1]) <= 15
    words = sum(len(cell.source.split()) for cell in cells_of(name))
    assert words / WORDS_PER_MINUTE <= int(minutes[1])


@pytest.mark.parametrize(
    ("name", "following"), list(zip(NAMES, [*NAMES[1:], NAMES[0]], strict=True))
)
def test_the_last_cell_leads_on(name: str, following: str) -> None:
    last = cells_of(name)[-1].source
    assert "## What to try next\n\n- " in last
    assert f"({following}.ipynb)" in last
    assert re.search(r"\*\*More:\*\* .*\.\./docs/\w", last)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", prose_of(name))
    assert links
    assert all((FOLDER / link).is_file() for link in links), links


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_small_and_have_run(name: str) -> None:
    code = [cell for cell in cells_of(name) if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    lines = [cell.source.splitlines() for cell in code]
    assert all(len(each) <= MAX_LINES for each in lines)
    assert all(len(line) <= MAX_COLUMNS for each in lines for line in each)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_names_the_machine_where_it_was_made(name: str) -> None:
    saved = "".join(path.read_text() for path in FOLDER.glob(f"{name}.*"))
    assert not re.search(r"/(home|root|tmp|work|Users)/\w", saved)


@pytest.mark.parametrize("name", NAMES)
def test_the_answers_are_recorded(name: str) -> None:
    assert list(FileRecords(FOLDER / f"{name}.llm.jsonl"))
