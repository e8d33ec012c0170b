"""The index of documents: real files, a real SQLite file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import UsageError
from cellmage.retrieval import Index
from cellmage.retrieval.passages import PASSAGE_CHARS, passages


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "docs"
    path.mkdir()
    (path / "tides.md").write_text("# Tides\n\nThe moon pulls the sea, twice a day.\n")
    (path / "bread.md").write_text("# Bread\n\nFlour, water and a day of patience.\n")
    (path / "code.py").write_text('"""How to read a tide table."""\n\ndef read(): ...\n')
    return path


def titles(index: Index, query: str) -> list[str]:
    return [document.title for document in index.search(query)]


def test_build_search_and_again(folder: Path, tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    progress: list[tuple[int, int]] = []
    assert index.add([folder], lambda *counts: progress.append(counts)) == 3
    assert progress == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert titles(index, "What does the moon pull?")[0] == "Tides"
    assert "Bread" not in titles(index, "What does the moon pull?")
    assert index.add([folder]) == 0
    (folder / "bread.md").write_text("# Loaves\n\nNow of the moon.\n")
    (folder / "tides.md").unlink()
    assert index.add([folder]) == 1
    assert titles(index, "moon") == ["Loaves"]


def test_a_document_has_its_file_and_line(folder: Path, tmp_path: Path) -> None:
    (folder / "long.txt").write_text("filler words\n\n" * 300 + "the needle is here\n")
    index = Index(tmp_path / "index.db")
    index.add([folder])
    (document, *_) = index.search("needle")
    assert document.source == str(folder / "long.txt")
    lines = (folder / "long.txt").read_text().splitlines()
    assert "the needle is here" in lines[document.line - 1 :]
    assert "needle" in document.text


@pytest.mark.parametrize(
    "query", ["", "?!", "the", '" OR 1=1 --', "NEAR(moon", "a" * 10_000, "moon\0"]
)
def test_no_query_is_an_error(folder: Path, tmp_path: Path, query: str) -> None:
    index = Index(tmp_path / "index.db")
    index.add([folder])
    index.search(query)


def test_files_that_are_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / ".hidden.md").write_text("secret moon")
    (folder / "image.png").write_bytes(b"moon")
    (tmp_path / "outside.md").write_text("moon outside")
    (folder / "link.md").symlink_to(tmp_path / "outside.md")
    (folder / "latin.txt").write_bytes(b"caf\xe9 moon")
    os.mkfifo(folder / "pipe.md")
    index = Index(tmp_path / "index.db")
    assert index.add([folder]) == 4
    assert set(titles(index, "moon")) == {"Tides", "latin"}


def test_one_line_errors(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    with pytest.raises(UsageError, match="nothing is indexed"):
        index.search("moon")
    with pytest.raises(UsageError, match="no file or folder"):
        index.add([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no file here can be read"):
        index.add([tmp_path / "empty"])
    assert not index.path.exists()


def test_an_index_of_another_version(folder: Path, tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    index.add([folder])
    with closing(sqlite3.connect(index.path)) as connection:
        connection.executescript("DROP TABLE passages; PRAGMA user_version = 0")
    with pytest.raises(UsageError, match="another version; `add` makes it anew"):
        index.search("moon")
    assert index.add([folder]) == 3
    assert titles(index, "moon") == ["Tides"]


def test_common_words_alone_find_too(tmp_path: Path) -> None:
    """No more is ranked than the limit says, and a passage with a rare word is found."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(50):
        (docs / f"{number}.txt").write_text(f"salt water {number}")
    (docs / "moon.txt").write_text("the moon over salt water")
    index = Index(tmp_path / "index.db", max_ranked=5)
    index.add([docs])
    assert titles(index, "salt moon water")[0] == "moon"
    assert len(titles(index, "salt moon water")) == 5
    assert len(titles(index, "water and salt")) == 5
    assert len(titles(index, "salt in deserts")) == 5
    assert titles(index, "deserts") == []


def test_a_copy_is_found_once(folder: Path, tmp_path: Path) -> None:
    (folder / "copy.md").write_text((folder / "tides.md").read_text())
    index = Index(tmp_path / "index.db")
    index.add([folder])
    assert titles(index, "moon") == ["Tides"]


@given(st.text("ab \n#", max_size=200).map(lambda text: text * 40))
def test_any_text_in_passages(text: str) -> None:
    """Nothing is lost except white space, no passage is too long, and the lines are right."""
    pairs = list(passages(text))
    assert "".join("".join(passage for passage, _ in pairs).split()) == "".join(text.split())
    assert all(0 < len(passage) <= PASSAGE_CHARS for passage, _ in pairs)
    lines = text.split("\n")
    for passage, line in pairs:
        assert lines[line - 1].strip().endswith(passage.split("\n")[0].strip()) or passage
