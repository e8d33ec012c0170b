"""Files as they are: encodings, notebooks, web pages, and what cannot be read."""

from __future__ import annotations

import base64
import json
import os
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import UsageError
from cellmage.retrieval import Index
from cellmage.retrieval.decoding import decode
from cellmage.retrieval.documents import UnreadableError
from cellmage.retrieval.files import describe_left_out
from cellmage.retrieval.html_text import read_html
from cellmage.retrieval.notebook_text import read_notebook
from cellmage.retrieval.readers import read_document

STREET = "Straße nach Köln"
PICTURE = base64.b64encode(random.Random(1).randbytes(60_000)).decode()


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index" / "index.db")


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"],
)
def test_encodings(tmp_path: Path, index: Index, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(f"id;place\n1;{STREET}\n".encode(encoding))
    assert index.add([tmp_path]) == 1
    (document,) = index.search("Köln")
    assert document.text == f"id;place\n1;{STREET}"
    assert index.left_out == {}


def test_a_page_that_names_its_encoding(tmp_path: Path) -> None:
    page = '<meta charset="shift_jis"><p>成語しりとり'
    (tmp_path / "a.html").write_bytes(page.encode("shift_jis"))
    assert read_document(str(tmp_path / "a.html")).sections[0].text == "成語しりとり"


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        ("静默模式的说明：打开设置，然后选择静默。", ["gbk", "gb18030", "utf-16-le", "utf-16-be"]),
        ("靜默模式的說明：打開設定，然後選擇靜默。", ["big5", "utf-16-le"]),
        ("成語しりとりの遊び方について説明します。", ["shift_jis", "euc_jp", "utf-16-be"]),
        ("한국어 문서의 인코딩을 시험합니다. 이 문장은 충분히 깁니다.", ["euc_kr"]),
        ("Кодировка этого файла определяется по его содержанию.", ["cp1251", "koi8_r"]),
        ("Größe, Übermaß, «déjà vu», señor, työttömyys, “ja”", ["cp1252"]),
        ("Pää, määrä ja hyvää yötä", ["latin-1"]),
    ],
)
def test_encodings_that_nothing_names(text: str, encodings: list[str]) -> None:
    for encoding in encodings:
        for lines in (text, f"# Notes\n\n{text}\nend\n" * 300):
            assert decode(lines.encode(encoding)) == lines, encoding


def test_utf8_with_a_wrong_byte() -> None:
    assert decode("Ünïcödé für Köln".encode() + b"\xff") == "Ünïcödé für Köln\ufffd"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_text_or_binary(data: bytes) -> None:
    with suppress(UnreadableError):
        decode(data)


def test_a_notebook_of_version_3() -> None:
    cells = [
        {"cell_type": "heading", "level": 1, "source": ["Old tides"]},
        {"cell_type": "code", "input": ["x = 1"], "outputs": [{"text": ["42"], "png": PICTURE}]},
        None,
    ]
    document = read_notebook(json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}))
    assert document.title == "Old tides"
    assert [section.text for section in document.sections] == ["Old tides", "x = 1", "42"]


def test_an_error_in_a_notebook_and_an_underlined_heading() -> None:
    error = {"output_type": "error", "ename": "ValueError", "evalue": "\x1b[31mbad tide\x1b[0m"}
    cells = [
        {"cell_type": "markdown", "source": "Tides study\n===\n\nThe moon."},
        {"cell_type": "code", "source": "f()", "outputs": [error]},
    ]
    document = read_notebook(json.dumps({"cells": cells}))
    assert document.title == "Tides study"
    assert document.sections[-1].text == "ValueError: bad tide"


NOTEBOOK = {
    "nbformat": 4,
    "metadata": {"kernelspec": {"name": "python3"}},
    "cells": [
        {"cell_type": "code", "source": "# imports\nimport numpy", "outputs": []},
        {
            "cell_type": "markdown",
            "source": ["# Tides study\n", "\n", f"The moon. ![](data:image/png;base64,{PICTURE})"],
        },
        {
            "cell_type": "code",
            "source": "def height(port):\n    return 6.2",
            "outputs": [
                {"output_type": "stream", "text": ["Brest: ", "6.2 m\n"]},
                {"output_type": "display_data", "data": {"image/png": PICTURE}},
                {"output_type": "execute_result", "data": {"text/plain": "<Axes>"}},
            ],
        },
    ],
}  # fmt: skip


def test_a_notebook_is_its_cells(tmp_path: Path, index: Index) -> None:
    (tmp_path / "study.ipynb").write_text(json.dumps(NOTEBOOK))
    assert index.add([tmp_path]) == 1
    (document,) = index.search("height of a port")
    assert (document.title, document.line) == ("Tides study", 0)
    assert document.text == "def height(port):\n    return 6.2"
    texts = [section.text for section in read_notebook(json.dumps(NOTEBOOK)).sections]
    assert texts[0] == "# imports\nimport numpy"
    assert texts[3:] == ["Brest: 6.2 m\n", "<Axes>"]
    assert all(len(text) < 100 for text in texts)
    assert index.search(PICTURE[:40]) == []


def test_a_notebook_before_version_4() -> None:
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"]}]}]}
    assert read_notebook(json.dumps(old)).sections[0].text == "x = 1"


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"cells": 3}', '{"cells": [3]}', "[" * 10**5])
def test_no_notebook(text: str) -> None:
    with pytest.raises(UnreadableError, match="not a notebook"):
        read_notebook(text)


PAGE = """<!DOCTYPE html><html><head><title>The
Tides</title><style>.moon { color: red }</style></head>
<body onload="evil()"><!-- hidden --><h1>High <i>water</i></h1><script>let sea = "<p>x</p>"</script>
<p>The moon&nbsp;pulls<br>the sea.</p><ul><li>one</li><li>two</li></ul>
<table><tr><td>a</td><td>b</td></tr></table><svg><text>drawn</text></svg>
<![if !mso]><noscript>no</noscript><p>last"""


def test_a_page_is_what_a_reader_sees(tmp_path: Path, index: Index) -> None:
    (tmp_path / "p.html").write_text(PAGE)
    index.add([tmp_path])
    (document,) = index.search("moon")
    assert (document.title, document.line) == ("The Tides", 0)
    words = "High water The moon pulls the sea. one two a b last"
    assert document.text.split() == words.split()
    for hidden in ("red", "evil", "hidden", "drawn", "let", "no"):
        assert hidden not in document.text.split()


def test_a_page_without_an_end_of_its_head() -> None:
    assert read_html("<head><title>A</title><p>B").sections[0].text == "B"
    assert read_html("<h1>Only <b>this</b></h1>x<h1>y</h1>").title == "Only this"


@given(st.text("<>/!-[]abph1 &;\"'=\n") | st.text())
def test_any_page(text: str) -> None:
    read_html(text)


def test_what_is_left_out_is_told(tmp_path: Path, index: Index) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "note.md").write_text("# Note\n\nThe moon.")
    (docs / "big.ipynb").write_bytes(b" " * 5 * 2**20)
    (docs / "noise.log").write_bytes(bytes(range(256)) * 20)
    (docs / "broken.ipynb").write_text("{")
    (docs / "empty.md").write_text("")
    (docs / "picture.png").write_bytes(b"png")
    for count in (1, 0):
        assert index.add([docs]) == count
        assert {Path(path).name: reason for path, reason in index.left_out.items()} == {
            "big.ipynb": "5.0 MiB, at most 4 MiB",
            "noise.log": "binary",
            "broken.ipynb": "not a notebook",
        }
    line = describe_left_out(index.left_out, limit=2)
    assert line.startswith("Left out: big.ipynb (5.0 MiB, at most 4 MiB), ")
    assert line.endswith(", and 1 more.")
    (docs / "note.md").unlink()
    (docs / "noise.log").unlink()
    (docs / "broken.ipynb").unlink()
    with pytest.raises(UsageError, match=r"no file here can be read; left out: big\.ipynb \(5"):
        index.add([docs])


def test_a_file_that_vanishes_while_files_are_read(tmp_path: Path, index: Index) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("moon")
    assert index.add([tmp_path], lambda *_: (tmp_path / "a.md").unlink(missing_ok=True)) == 1
    assert describe_left_out(index.left_out) == "Left out: a.md (No such file or directory)."


def test_a_name_that_is_not_utf8(tmp_path: Path, index: Index) -> None:
    (tmp_path / "a.md").write_text("moon")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.md")).write_text("moon")
    assert index.add([tmp_path]) == 1
    line = describe_left_out(index.left_out)
    assert line == "Left out: b\\udcff.md (its name is not UTF-8)."


def test_a_named_link_out_of_its_folder_is_left_out(tmp_path: Path, index: Index) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (tmp_path / "secret.md").write_text("moon")
    (folder / "own.md").write_text("moon")
    (folder / "out.md").symlink_to(tmp_path / "secret.md")
    (folder / "in.md").symlink_to(folder / "own.md")
    assert index.add([folder / "out.md", folder / "in.md"]) == 1
    (reason,) = index.left_out.values()
    assert reason == f"a link out of its folder; name {tmp_path / 'secret.md'} itself"


def test_a_picture_in_markdown_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"![x](data:image/png;base64,{PICTURE})\n\nThe moon.")
    text = read_document(str(tmp_path / "a.md")).sections[0].text
    assert text == "![x](data:image/png;base64,…)\n\nThe moon."
