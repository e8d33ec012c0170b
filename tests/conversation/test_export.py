"""Exports: imported again they are the same turns; names are data, and never paths."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import (
    CellRef,
    Conversation,
    Document,
    Image,
    Message,
    Options,
    Response,
    Timings,
    Turn,
    Usage,
    UsageError,
)
from cellmage.conversation.export import export_turns, import_turns
from cellmage.rendering.metadata import answer_metadata
from tests.attachments import ATTACHMENTS, IMAGE, OTHER_IMAGE, PDF
from tests.repetitions import repeat

DATA = json.loads((Path(__file__).parents[1] / "data/hostile_names.json").read_text())
NAMES = [case["name"] for case in DATA["names"]]

TEXT = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["-->", "<!-- cellmage ", "\ud800", "a\r\nb", "```\n", "> q", "\x00\x1b[1m"]
)
IDS = st.text(st.characters(codec="utf-8"), max_size=30)
USAGES = st.builds(Usage, *[st.none() | st.integers(0, 9)] * 3)
RESPONSES = st.builds(
    Response,
    text=TEXT,
    reasoning=TEXT,
    model=TEXT,
    finish_reason=st.none() | st.just("stop"),
    usage=st.none() | USAGES,
    timings=st.none() | st.builds(Timings, st.none() | st.just(0.5), st.just(1.5)),
    incomplete_reason=st.none() | st.just("killed"),
    notices=st.lists(TEXT, max_size=2).map(tuple),
    id=IDS,
    sources=st.lists(st.builds(Document, TEXT, st.just(""), TEXT, st.just(3)), max_size=2).map(
        tuple
    ),
)
TURN_WITHOUT_ATTEMPTS = st.builds(
    Turn,
    TEXT,
    RESPONSES,
    st.none() | st.builds(CellRef, IDS, st.integers(0, 9)),
    st.booleans(),
    system=TEXT,
)
TURN_WITH_PARTS = st.builds(
    lambda parts, response: Turn.of(Message("user", tuple(parts)), response),
    st.lists(TEXT | st.sampled_from(ATTACHMENTS), max_size=4).map(lambda parts: [*parts, IMAGE]),
    RESPONSES,
)
ANY_TURN = TURN_WITHOUT_ATTEMPTS | TURN_WITH_PARTS
TURNS = st.lists(
    st.builds(
        lambda turn, attempts: replace(turn, previous_attempts=tuple(attempts)),
        ANY_TURN,
        st.lists(ANY_TURN, max_size=2),
    ),
    max_size=4,
)


@repeat(200)
@given(TURNS, st.sampled_from(["x.md", "x.json", "x.ipynb"]))
def test_any_turns_are_imported_as_they_were(tmp_path: Path, turns: list[Turn], name: str) -> None:
    (tmp_path / name).unlink(missing_ok=True)
    assert import_turns(export_turns(turns, tmp_path, name)) == turns


def test_an_exported_notebook_is_a_notebook(tmp_path: Path) -> None:
    turns = [Turn("What?", Response("**This**", id="1")), Turn("And?", Response("That", id="2"))]
    path = export_turns(turns, tmp_path, "x.ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.source for cell in notebook.cells] == [
        "%load_ext cellmage", "%%llm\nWhat?", "%%llm\nAnd?",
    ]  # fmt: skip
    other = nbformat.read(export_turns(turns[:1], tmp_path, "y.ipynb"), as_version=4)
    assert not {cell.id for cell in notebook.cells} & {cell.id for cell in other.cells}


def test_markdown_can_be_read(tmp_path: Path) -> None:
    path = export_turns([Turn("What\nis it?", Response("# This\n\n- and that"))], tmp_path, "x.md")
    assert path.read_text().startswith("## 1\n\n> What\n> is it?\n\n# This\n\n- and that\n\n<!--")


def with_image(*, answers: int) -> Turn:
    """A turn whose question has an image and a PDF, asked several times."""
    question = Message("user", ("What is", IMAGE, "this?", PDF))
    turns = [Turn.of(question, Response(f"{n}", id=f"{n}")) for n in range(answers)]
    return replace(turns[-1], previous_attempts=tuple(turns[:-1]))


@pytest.mark.parametrize("suffix", ["md", "json", "ipynb"])
def test_the_bytes_of_an_image_are_in_a_file_once(tmp_path: Path, suffix: str) -> None:
    text = export_turns([with_image(answers=3)], tmp_path, f"x.{suffix}").read_text()
    assert text.count(base64.b64encode(IMAGE.data).decode()) == 1


def test_markdown_names_images(tmp_path: Path) -> None:
    text = export_turns([with_image(answers=1)], tmp_path, "x.md").read_text()
    question = "> What is\n> (image: PNG, 2 x 1, 70 bytes)\n> this?\n> (file: report.pdf, 2 pages,"
    assert question in text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda document: document.pop("blobs"), "are missing"),
        (lambda document: change_image(document["blobs"]), "have been changed"),
        (lambda document: document.update(blobs=[]), '"blobs" is'),
        (lambda document: document.update(blobs={IMAGE.digest: "%"}), '"blobs" is'),
        (lambda document: document["turns"][0].update(prompt="Another"), "do not match"),
        (lambda document: document["turns"][0].update(parts=[{"image_url": "file:///a"}]), "http"),
        (lambda document: document["turns"][0].update(parts=["What is"]), '"parts" is'),
        (lambda document: document["turns"][0].update(parts=[5]), '"parts" is'),
    ],
)
def test_changed_images_are_not_imported(
    tmp_path: Path, change: Callable[[Any], object], problem: str
) -> None:
    path = export_turns([with_image(answers=1)], tmp_path, "x.json")
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError, match=problem):
        import_turns(path)


def change_image(blobs: dict[str, str]) -> None:
    """Put another image in the place of the first one."""
    blobs[IMAGE.digest] = base64.b64encode(OTHER_IMAGE.data).decode()


def test_what_could_not_be_imported_is_not_exported(tmp_path: Path) -> None:
    image = Image(IMAGE.data + os.urandom(1) * (25 * 2**20))
    turns = [Turn.of(Message("user", (image, Image(image.data + b"!"))), Response("Hello"))]
    with pytest.raises(UsageError, match="more than 64 MiB"):
        export_turns(turns, tmp_path, "x.json")
    assert list_files(tmp_path) == set()


@pytest.mark.parametrize("suffix", ["", ".md", ".json", ".ipynb"])
@pytest.mark.parametrize("name", NAMES)
def test_hostile_names(tmp_path: Path, name: str, suffix: str) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / f"symlink-to-outside{suffix}").symlink_to(tmp_path / "outside")
    (folder / f"dir-instead-of-file{suffix}").mkdir()
    before = list_files(tmp_path)
    path = None
    with suppress(UsageError):
        path = export_turns([Turn("a", Response("b"))], folder, name + suffix)
    if path is None:
        assert list_files(tmp_path) == before
    else:
        assert path.parent == folder
        assert path.is_file()
        assert list_files(tmp_path) - before == {f"ours/{name + suffix}"}


@pytest.mark.parametrize(
    "name",
    [
        "NUL.txt",
        "nul .txt",
        "COM¹",
        "lpt³.a",
        "CONOUT$",
        "a\u2066b",
        "a\u061cb",
        "a\ud800",
        "a\u3164",
    ],
)
def test_reserved_and_invisible_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="give a plain file name"):
        export_turns([], tmp_path, f"{name}.md")
    assert export_turns([], tmp_path, "nullable.txt.md").exists()


def list_files(folder: Path) -> set[str]:
    return {
        str((Path(parent) / name).relative_to(folder))
        for parent, folders, files in os.walk(folder)
        for name in [*folders, *files]
    }


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("mine")
    with pytest.raises(UsageError, match=r"there is a x\.md already"):
        export_turns([], tmp_path, "x.md")
    assert (tmp_path / "x.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.json", "{"), ("x.json", "[1]"), ("x.json", '{"cellmage": 1, "turns": [{}]}'),
        ("x.json", '{"cellmage": 2, "turns": []}'), ("x.json", "[" * 100_000),
        ("x.json", '{"cellmage": 1, "turns": [{"prompt": 1, "text": "a"}]}'),
        ("x.json", '{"cellmage": 1, "turns": [{"prompt": "a", "text": "b", "cell": ["c", "0"]}]}'),
        ("x.json", '{"cellmage": 1, "turns": [{"prompt": "a", "text": "b", "cell": ["c", 1e99]}]}'),
        ("x.json", '{"cellmage": 1, "turns": [{"prompt": "", "text": "", "response": {"id": 5}}]}'),
        ("x.json", '{"cellmage": 1, "turns": [{"prompt": "a", "text": "b", '
                   '"response": {"usage": ["a", "b"]}}]}'),
        ("x.md", "# mine"), ("x.ipynb", "{}"), ("x.ipynb", '{"cells": [1]}'), ("x.txt", "a"),
        ("x.ipynb", '{"cells": [{"cell_type": "code", "source": 3, "outputs": []}]}'),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError) as caught:
        import_turns(tmp_path / name)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_only_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    for path in (tmp_path / "x.json", tmp_path, tmp_path / "nowhere.json", Path("/dev/zero")):
        with pytest.raises(UsageError):
            import_turns(path)


@pytest.mark.parametrize(("size", "is_kept"), [(0, True), (500_000, False)])
def test_the_output_of_a_cell_has_the_images_of_its_question(
    tmp_path: Path, size: int, is_kept: bool
) -> None:
    """Large ones are left out of the output, but not the turn."""
    image = Image(IMAGE.data + bytes(size))
    chat = Conversation(Options(model="offline/echo"))
    stream = chat.stream(["What is this?", image])
    text = "".join(stream)
    metadata = {"cellmage": answer_metadata(stream.request, stream.response)}
    output = {"output_type": "display_data", "data": {"text/plain": text}, "metadata": metadata}
    cell = {"cell_type": "code", "id": "c1", "source": "ask()", "outputs": [output], "metadata": {}}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "x.ipynb").write_text(json.dumps(notebook))
    (turn,) = import_turns(tmp_path / "x.ipynb")
    assert turn.prompt == "What is this?"
    assert turn.parts == (("What is this?", image) if is_kept else ())
