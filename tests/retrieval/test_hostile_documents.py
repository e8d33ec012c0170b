"""Documents that are made to be slow, or that no index can hold: read, or left out."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from cellmage import UsageError
from cellmage.providers.key_file import parse_key_file
from cellmage.retrieval import Index
from cellmage.retrieval.documents import UnreadableError
from cellmage.retrieval.readers import read_document

UNITS = [
    "<", "<a ", "<a>", "</", "</a>", "<!", "<!--", "<![", "<?", "<a b='", '<a b="c" ', "<h1>",
    "<svg>", "<h1>a<b>", "&", "&#", "&#9", "<title>", "<title>a&amp;", "<script>", "<script></s",
    "<template>", "<!DOCTYPE ", "-->", "\n", " ", "\t\n", "\r", "=", "= ", "=a", "# ", "#", "#\n",
    "# a\n", "a\n=", "'", '"', '"""', "a", "a ", "\u0301", "漢", "😀", "data:a;base64,",
    "A" * 200 + " ", "[", "{", "[],", "{},", '{"a":', '"a",', "\\", '"', "1", "1,", "_", ":",
    "export ", "A=b\n", "a.", "$env:", "%env ", "A=b #",
]  # fmt: skip
SIZES = {".html": 2**20, ".ipynb": 2**17, ".md": 2**14, ".py": 2**14}
MAX_SECONDS = 10
"""Reading takes a tenth of a second; a search that looks back takes minutes."""


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS, ids=range(len(UNITS)))
def test_documents_of_one_repeated_text(tmp_path: Path, unit: str) -> None:
    """Parsers that look back or ahead take minutes for these."""
    start = time.monotonic()
    for suffix, size in SIZES.items():
        text = (unit * size)[:size]
        cell = {"cell_type": "markdown", "source": f"# a{text}b"}
        path = tmp_path / f"x{suffix}"
        path.write_text(json.dumps({"cells": [cell]}) if suffix == ".ipynb" else text)
        try:
            document = read_document(str(path))
        except UnreadableError:
            continue
        assert len(document.title) <= 200
    assert len(parse_key_file((unit * 2**17)[: 2**17].encode()).keys) <= 1
    assert time.monotonic() - start < MAX_SECONDS


def test_characters_that_utf8_cannot_encode_are_indexed(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    cell = {"cell_type": "markdown", "source": "# moon\ud800"}
    (folder / "a.ipynb").write_text(json.dumps({"cells": [cell]}))
    for encoding in ("utf-7", "unicode_escape", "raw_unicode_escape", "punycode", "idna", "rot13"):
        page = f"<meta charset={encoding}>moon \\ud800 +2AA-".encode() + b"\xff"
        (folder / f"{encoding}.html").write_bytes(page)
    index = Index(tmp_path / "index.db")
    assert index.add([folder]) == 7
    assert index.left_out == {}
    assert index.search("moon")


def test_folders_without_end_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.md").write_text("moon")
    monkeypatch.chdir(tmp_path)
    for _ in range(150):
        Path("d").mkdir()
        os.chdir("d")
    index = Index(tmp_path / "index.db")
    assert index.add([tmp_path]) == 1
    assert list(index.left_out.values()) == ["more than 100 folders deep"]


def test_a_damaged_index_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("moon")
    index = Index(tmp_path / "index.db")
    index.path.write_bytes(b"junk" * 500)
    with pytest.raises(UsageError, match=r"index.db cannot be used \(file is not a database\)"):
        index.add([tmp_path / "a.md"])
    with pytest.raises(UsageError, match="delete it"):
        index.search("moon")
