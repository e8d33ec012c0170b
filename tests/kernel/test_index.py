"""The progress of an index, on the page of a real kernel."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.kernel.client import Kernel

COUNT = 2_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number}.md").write_text(
            f"# Note {number}\n\n" + "The moon pulls the sea. " * 100
        )
    return folder


def test_one_bar_that_grows(offline: Kernel, folder: Path) -> None:
    began = time.monotonic()
    run = offline.run(f"%llm_index --name grows {str(folder)!r}")
    took = time.monotonic() - began
    assert run.ok, run.error
    first, *others = run.frames
    assert first.type == "display_data"
    assert {frame.type for frame in others} == {"update_display_data"}
    assert {frame.display_id for frame in others} == {first.display_id}
    counts = [int(frame.content["data"]["text/plain"].split()[0]) for frame in run.frames]
    assert counts == sorted(set(counts)), "each frame counts more files"
    assert (counts[0], counts[-1]) == (0, COUNT)
    assert len(counts) <= 10 * took + 2
    (output,) = run.outputs
    bar = f'<progress value="{COUNT}" max="{COUNT}"></progress> {COUNT} of {COUNT} files'
    assert output["data"] == {"text/html": bar, "text/plain": f"{COUNT} of {COUNT} files"}
    assert run.printed == f"Read {COUNT} files. Ask about them with %%llm --rag grows\n"
    again = offline.run(f"%llm_index {str(folder)!r} --name grows")
    assert again.frames == [], "nothing is to be read, so nothing is counted"
    assert (
        again.printed
        == f"Nothing has changed: {COUNT} files. Ask about them with %%llm --rag grows\n"
    )


def test_without_a_user_nothing_is_shown(offline: Kernel, folder: Path) -> None:
    run = offline.run(f"%llm_index --name alone {str(folder)!r}", allow_stdin=False)
    assert run.frames == []
    assert run.printed == f"Read {COUNT} files. Ask about them with %%llm --rag alone\n"


def test_what_is_captured_has_the_last_line_only(offline: Kernel, folder: Path) -> None:
    run = offline.run(f"%%capture caught\n%llm_index --name caught {str(folder)!r}")
    assert run.frames == []
    assert offline.value("caught.outputs") == []
    assert offline.value("caught.stdout").startswith(f"Read {COUNT} files")


def test_files_that_are_left_out_are_named(offline: Kernel, tmp_path: Path) -> None:
    (tmp_path / "big.ipynb").write_bytes(b" " * 5 * 2**20)
    (tmp_path / "a.md").write_text("# Tides")
    run = offline.run(f"%llm_index --name left {str(tmp_path)!r}")
    assert run.printed.splitlines()[-1] == "Left out: big.ipynb (5.0 MiB, at most 4 MiB)."


def test_types_that_are_not_read_are_counted(offline: Kernel, tmp_path: Path) -> None:
    for name in ("a.pdf", "b.PDF", "c.png", ".env"):
        (tmp_path / name).write_bytes(b"%PDF-1.7")
    (tmp_path / "empty.md").touch()
    (tmp_path / "program").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "LICENSE").write_text("Anyone may read this licence.")
    for folder in ("node_modules", ".git", "__pycache__", ".venv"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text("# Not this")
    line, left_out = offline.run(f"%llm_index --name types {str(tmp_path)!r}").printed.splitlines()
    assert line == "Read 1 file. Ask about them with %%llm --rag types"
    assert left_out.startswith("Left out: 2 .pdf, ")
    assert left_out.endswith(" (these types are not read).")
    assert all(f"1 {kind}" in left_out for kind in (".png", ".env", "empty", "binary"))
    again = offline.run(f"%llm_index --name types {str(tmp_path)!r}").printed
    assert again.startswith("Nothing has changed: 1 file. ")
