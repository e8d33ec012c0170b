"""An answer in a saved notebook is one text, in however many outputs it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cellmage
from cellmage.conversation.export import import_turns
from cellmage.text import strip_control_chars


def output(text: str, **metadata: Any) -> dict[str, Any]:
    data = {"text/markdown": text, "text/plain": strip_control_chars(text)}
    return {
        "output_type": "display_data",
        "data": data,
        "metadata": {"cellmage": {"id": "r1", **metadata}},
    }


def live(markdown: str, part: int) -> dict[str, Any]:
    return {
        "output_type": "display_data",
        "data": {"text/markdown": markdown},
        "metadata": {"cellmage": {"id": "r1", "part": part, "live": True}},
    }


def notebook(*outputs: dict[str, Any]) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": "c1", "source": "%%llm\nGo", "metadata": {},
            "execution_count": 1, "outputs": list(outputs)}  # fmt: skip
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=6))
def test_any_parts_are_one_answer(texts: list[str]) -> None:
    whole = "".join(texts)
    *others, last = [output(text, part=n) for n, text in enumerate(texts)]
    last["metadata"]["cellmage"] |= {"of": len(texts), "prompt": "Why?", "model": "m"}
    if strip_control_chars(whole) != whole:
        last["metadata"]["cellmage"]["text"] = whole
    footer = {"output_type": "display_data", "data": {"text/plain": "(a line)"}, "metadata": {}}
    (turn,) = cellmage.read(notebook(*others, last, footer))
    assert (turn.prompt, turn.response.text, turn.response.model) == ("Why?", whole, "m")
    assert turn.cell == cellmage.CellRef("c1", 0)
    assert turn.response.incomplete_reason is None


def test_a_file_that_was_saved_while_the_answer_arrived(tmp_path: Path) -> None:
    half = notebook(output("One ▌.\n\n", part=0), live("and **tw▌**", 1))
    file = tmp_path / "half.ipynb"
    file.write_text(json.dumps(half), encoding="utf-8")
    (turn,) = cellmage.read(file)
    assert (turn.prompt, turn.response.text) == ("Go", "One ▌.\n\nand **tw**")
    assert turn.response.incomplete_reason == "saved"
    assert cellmage.read(str(file)) == cellmage.read(nbformat.read(file, 4)) == [turn]
    assert import_turns(file) == [turn]


def test_parts_whose_end_is_not_in_the_file_are_not_a_whole_answer() -> None:
    (turn,) = cellmage.read(notebook(output("One. ", part=0), output("Two. ", part=1)))
    assert (turn.response.text, turn.response.incomplete_reason) == ("One. Two. ", "saved")


def test_a_line_that_waits_is_no_answer() -> None:
    waiting = {"output_type": "display_data", "metadata": {}, "data": {"text/markdown": "*…*"}}
    assert cellmage.read(notebook(waiting)) == []


@pytest.mark.parametrize("content", [{}, {"cells": 3}, {"cells": [3]}, 3, None, "no-such.ipynb"])
def test_what_is_not_a_notebook(content: Any) -> None:
    with pytest.raises(cellmage.UsageError):
        cellmage.read(content)
