"""The prompts of a notebook's cells, without running them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cellmage.errors import UsageError
from cellmage.magics.notebook_cells import NotebookCells
from cellmage.magics.prompt_cells import find_calls

CELLS: list[tuple[str, list[tuple[str, bool]]]] = [
    ("%%llm\nHello", [("Hello", False)]),
    ("%%llm --model a -t 0\nHello\n%%llm no prompt", [("Hello\n%%llm no prompt", False)]),
    ("x = 1\n%%llm\nOne\n# about two\n%%llm\nTwo", [("One", False), ("Two", False)]),
    ("%%time\n%%llm\nHello", [("Hello", False)]),
    ("%%capture out\nx = 1\n%llm Hello", [("Hello", False)]),
    ("%%llm_hide\n%%llm\nHello", [("Hello", False)]),
    ("for n in range(3):\n    %llm Number {{ n }}?", [("Number {{ n }}?", True)]),
    ("text = %llm What is it?\nprint(text)", [("What is it?", False)]),
    ("def f():\n    return 1\n%llm Hello", [("Hello", False)]),
    ("%llm_fix Be brief.", [("Be brief.", False)]),
    ("print('%llm no prompt')", []),
    ("%llm_config --model x", []),
    ("rows = %llm_history", []),
    ("x = 1", []),
    ("!ls", []),
]


@pytest.mark.parametrize(("source", "prompts"), CELLS)
def test_prompts_are_found_as_a_cell_runs_them(
    source: str, prompts: list[tuple[str, bool]]
) -> None:
    assert [(call.text, call.is_repeated) for call in find_calls(source)] == prompts


def test_flags_are_parsed_as_the_magic_does() -> None:
    (call,) = find_calls("%%llm --schema City --out city -m gpt-6-luna\nHello")
    assert call.args is not None
    assert (call.args.schema, call.args.out, call.args.model) == ("City", "city", "gpt-6-luna")
    (fix,) = find_calls("%llm_fix")
    assert fix.args is not None
    assert fix.args.code == "python"
    assert "corrected" in fix.text


def test_a_line_that_cannot_be_parsed_says_so() -> None:
    (call,) = find_calls("%%llm --modle x\nHello")
    assert call.args is None
    assert "did you mean --model" in call.problem
    with pytest.raises(UsageError, match="it is not Python"):
        find_calls("x = = 1\n%llm Hello")


def test_a_cell_without_a_magic_is_a_prompt_in_ambient_mode() -> None:
    assert [call.text for call in find_calls("Hello", is_ambient=True)] == ["Hello"]


class _Shell:
    """A shell that runs one cell at a time, as ipykernel tells of it."""

    def __init__(self) -> None:
        self.execution_count = 0
        self.message: dict[str, Any] = {}

    def get_parent(self) -> dict[str, Any]:
        return self.message

    def run(self, cells: NotebookCells, own_id: str, source: str) -> None:
        self.execution_count += 1
        self.message = {"metadata": {"cellId": own_id}, "content": {"code": source}}
        info = SimpleNamespace(store_history=True)
        cells.after_run(SimpleNamespace(info=info, execution_count=self.execution_count))


def write(path: Path, cells: dict[str, str], seconds: float) -> Path:
    content = [{"cell_type": "markdown", "id": "m", "source": "Title"}] + [
        {"cell_type": "code", "id": own_id, "source": source.splitlines(True), "outputs": []}
        for own_id, source in cells.items()
    ]
    path.write_text(json.dumps({"cells": content, "nbformat": 4, "nbformat_minor": 5}))
    os.utime(path, (time.time() + seconds,) * 2)
    return path


class TestNotebookCells:
    @pytest.fixture
    def shell(self) -> _Shell:
        return _Shell()

    @pytest.fixture
    def cells(self, shell: _Shell) -> NotebookCells:
        cells = NotebookCells(shell)  # type: ignore[arg-type]
        shell.run(cells, "b", "ran b")
        shell.run(cells, "new", "ran new")
        return cells

    def read(self, cells: NotebookCells, path: Path | None) -> list[tuple[str, str, int]]:
        return [(cell.id, cell.source, cell.count) for cell in cells.read(path)]

    def test_a_cell_that_ran_since_has_the_text_that_ran(
        self, cells: NotebookCells, tmp_path: Path
    ) -> None:
        path = write(tmp_path / "n.ipynb", {"a": "a\n1", "b": "old b"}, -60)
        expected = [("a", "a\n1", 0), ("b", "ran b", 1), ("new", "ran new", 2)]
        assert self.read(cells, path) == expected

    def test_a_file_that_was_saved_since_has_the_text_and_no_deleted_cells(
        self, cells: NotebookCells, tmp_path: Path
    ) -> None:
        path = write(tmp_path / "n.ipynb", {"a": "a", "b": "edited b"}, 60)
        assert self.read(cells, path) == [("a", "a", 0), ("b", "edited b", 1)]

    def test_cells_with_other_ids_in_the_file_are_known_by_their_texts(
        self, cells: NotebookCells, tmp_path: Path
    ) -> None:
        path = write(tmp_path / "n.ipynb", {"x": "ran b\n", "y": "other"}, 60)
        assert self.read(cells, path) == [("b", "ran b\n", 1), ("y", "other", 0)]

    def test_another_notebook_is_left_out(self, cells: NotebookCells, tmp_path: Path) -> None:
        ran = [("b", "ran b", 1), ("new", "ran new", 2)]
        assert self.read(cells, write(tmp_path / "n.ipynb", {"a": "a"}, 60)) == ran
        assert self.read(cells, None) == ran
        damaged = tmp_path / "damaged.ipynb"
        damaged.write_text("{")
        assert self.read(cells, damaged) == ran
