"""What is sent for a file."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pandas
import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from cellmage import File, Image, UsageError
from cellmage.describe import describe, describe_path, table_files
from tests.attachments import png


def write_pdf(path: Path, texts: list[str]) -> Path:
    """Write a PDF with a text on each page."""
    writer = PdfWriter()
    kind = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = DictionaryObject({NameObject(k): NameObject(v) for k, v in kind.items()})
    for text in texts:
        page = writer.add_blank_page(200, 200)
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    writer.write(path)
    return path


def test_text_is_in_a_fence_that_it_cannot_end(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Title\n````\ncode\n````\n")
    assert describe_path(path, "stats").text == "`````md\n# Title\n````\ncode\n````\n\n`````"
    path = tmp_path / "a.py"
    path.write_bytes("x = 'ü'\n".encode("latin-1"))
    assert "x = 'ü'" in describe_path(path, "stats").text


def test_a_page_is_its_text(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("<title>T</title><script>run()</script><p>The <b>moon</b> pulls.")
    assert describe_path(path, "stats").text == "```html\nThe moon pulls.\n```"


def test_a_notebook_is_its_cells(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": "# Tides"},
        {"cell_type": "code", "source": ["x = 1\n", "x"], "outputs": [{"text": "printed"}]},
    ]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    low, high = describe_path(path, "stats"), describe_path(path, "rows")
    assert low.text == "```python\n# Tides\n\nx = 1\nx\n```"
    assert low.left_out == "outputs left out; level `rows` sends them"
    assert "printed" in high.text


def test_images_by_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "picture.txt"
    path.write_bytes(png())
    assert describe_path(path, "stats").parts == (Image(png()),)


def test_a_document_or_its_text(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "report.pdf", ["The moon", "The sea"])
    document = describe_path(path, "stats", reads_pdf=True)
    assert isinstance(document.parts[0], File)
    assert document.counts.startswith("the document itself, report.pdf, 2 pages")
    text = describe_path(path, "stats")
    assert text.text == "[page 1]\nThe moon\n[page 2]\nThe sea"
    assert text.counts.startswith("its text, ")
    assert text.counts.endswith(" of 2 pages")
    path.write_bytes(b"%PDF-1.7\nbroken")
    with pytest.raises(UsageError, match="damaged or encrypted"):
        describe_path(path, "stats")


def test_a_path_is_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("The moon")
    assert describe(path).text == "```txt\nThe moon\n```"
    assert describe(tmp_path).text == str(tmp_path)


TABLE = pandas.DataFrame({"city": ["Rome"] * 6, "size": range(6)})


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.parquet"])
def test_tables(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.parquet":
        TABLE.to_parquet(path)
    else:
        TABLE.to_csv(path, sep="\t" if name == "a.tsv" else ",", index=False)
    text = describe_path(path, "stats").text
    assert "6 rows, 2 columns" in text
    assert "held by at least 5 rows: Rome (6)" in text


@pytest.mark.slow
def test_each_library_reads_tables(tmp_path: Path) -> None:
    """In a process of its own, where the others cannot be found."""
    TABLE.to_csv(tmp_path / "a.csv", index=False)
    TABLE.to_parquet(tmp_path / "a.parquet")
    code = (
        "import sys\n"
        "for name in sys.argv[2].split(','): sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from cellmage.describe import describe_path\n"
        "try: print(describe_path(Path(sys.argv[1]), 'stats').text.partition(':')[0])\n"
        "except Exception as error: print(error)\n"
    )

    def read(name: str, hidden: str) -> str:
        command = [sys.executable, "-c", code, str(tmp_path / name), hidden]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert read("a.csv", "none") == "DataFrame (polars)"
    assert read("a.csv", "polars") == "DataFrame (pandas)"
    assert read("a.parquet", "polars") == "Table (pyarrow)"
    assert read("a.csv", "polars,pandas").endswith("needs a library: pip install 'cellmage[data]'")
    write_pdf(tmp_path / "a.pdf", ["a"])
    assert read("a.pdf", "pypdf").endswith("needs a library: pip install 'cellmage[pdf]'")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("missing.txt", None, "there is no such file"),
        ("a.bin", bytes(range(256)) * 20, "binary"),
        ("a.parquet", b"PAR1 broken", "cannot read it as a table"),
        ("a.ipynb", b"{", "it cannot be read"),
        ("large.txt", b"x" * (20 * 2**20 + 1), "it is larger than 20 MiB"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, data: bytes | None, message: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=message) as caught:
        describe_path(tmp_path / name, "stats")
    assert str(caught.value).startswith(f"{name}: ")


def test_a_long_file_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x" * 300_000)
    described = describe_path(path, "stats")
    assert len(described.text) < 201_000
    assert described.counts == "200 000 characters of 300 000 characters"
    assert "100 000 characters left out" in described.left_out


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder; name files"):
        describe_path(tmp_path, "stats")


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_csv_file_of_any_encoding_and_separator(
    library: str, separator: str, encoding: str
) -> None:
    text = "né;größe\nAnna;1,5\nJörg;2,5\n".replace(";", separator)
    text = text.replace("1,5", "15").replace("2,5", "25") if separator == "," else text
    readers = {"pandas": table_files._pandas_csv, "polars": table_files._polars_csv}
    data = table_files._in_utf8(text.encode(encoding), ".csv")
    table = readers[library](import_module(library), data, ".csv")
    assert list(table.columns) == ["né", "größe"]
    assert list(table["né"]) == ["Anna", "Jörg"]


@pytest.mark.parametrize("text", ['{"cells": [1, null]}', '{"cells": {"a": 1}}', "[]", "no JSON"])
def test_a_damaged_notebook_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.ipynb"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        describe_path(path, "stats")
    assert str(caught.value).startswith("bad.ipynb: ")
    assert "\n" not in str(caught.value)
