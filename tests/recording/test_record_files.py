"""Records in a file of lines: sorted, merged, without secrets, readable when damaged."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.errors import UsageError
from cellmage.events import Complete, Start, Token
from cellmage.messages import ProviderState, Response, Timings, ToolInvocation, ToolStep, Usage
from cellmage.recording import Input, Inputs, Record, TimedEvent
from cellmage.recording.record_files import FileRecords
from cellmage.recording.record_lines import make_line, parse_lines
from tests.recording.test_json_form import RECORDS
from tests.repetitions import FACTOR

SECRET = "sk-abcdefghijklmnop1234"


def make_record(prompt: str = "Hi", text: str = "Hello", day: str = "2026-11-27") -> Record:
    inputs = Inputs((Input("model", "1", "m"), Input("prompt", prompt, prompt)))
    return Record(inputs, prompt, Response(text, model="m", provider="p"), day)


def with_pieces(record: Record, *texts: str) -> Record:
    pieces = [TimedEvent(index / 10, Token(text)) for index, text in enumerate(texts)]
    events = (TimedEvent(0.0, Start("m", "p")), *pieces, TimedEvent(1.0, Complete("stop")))
    response = replace(record.response, text="".join(texts), timings=Timings(0.1, 1.0, 2))
    return replace(record, response=response, events=events)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


DATED = RECORDS.map(lambda record: replace(record, asked_on="2026-11-27"))


@given(DATED)
def test_any_record_comes_back_as_it_was(record: Record) -> None:
    line = make_line(record, with_events=True)
    assert b"\n" not in line.data
    lines = parse_lines(line.data, "a")
    assert not lines.problems
    assert [found.record for found in lines.by_id.values()] == [line.record] == [record]


@given(st.lists(DATED, max_size=4), st.data())
def test_a_cut_at_any_byte_leaves_the_complete_lines(
    records: list[Record], data: st.DataObject
) -> None:
    whole = b"".join(make_line(record, with_events=True).data + b"\n" for record in records)
    cut = data.draw(st.integers(0, len(whole)))
    complete = whole[:cut].count(b"\n")
    lines = parse_lines(whole[:cut], "a")
    found = [line.record for line in lines.by_id.values()]
    expected = {(record.inputs.key, record.number): record for record in records[:complete]}
    assert {(record.inputs.key, record.number): record for record in found}.items() >= (
        expected.items()
    )
    assert len(lines.problems) <= 1
    kept = parse_lines(lines.to_bytes(), "a")
    assert kept.unread == lines.unread


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_any_bytes_are_named_and_kept(garbage: list[bytes]) -> None:
    good = make_line(make_record(), with_events=False).data
    lines = parse_lines(b"\n".join([*garbage, good]), "a")
    assert [line.record for line in lines.by_id.values()] == [make_record()]
    again = parse_lines(lines.to_bytes(), "a")
    assert again.unread == lines.unread


def test_a_damaged_line_is_named_with_its_number_and_the_rest_is_used(path: Path) -> None:
    FileRecords(path).add(make_record("a"))
    FileRecords(path).add(make_record("b"))
    first, second = path.read_bytes().splitlines()
    path.write_bytes(first + b"\n" + second[:40] + b"\n")
    records = FileRecords(path)
    assert records.find(make_record("a").inputs, 1)
    assert records.find(make_record("b").inputs, 1) is None
    assert records.problems == ("line 2 of answers.jsonl cannot be read: it is not complete JSON",)
    records.add(make_record("c"))
    assert second[:40] in path.read_bytes().splitlines()


def test_a_day_that_is_none_is_a_problem(path: Path) -> None:
    FileRecords(path).add(make_record(day="soon"))
    assert "cannot be read" in FileRecords(path).problems[0]


def test_both_sides_of_a_merge_are_used_and_the_markers_go(path: Path) -> None:
    ours, theirs = (make_line(make_record(name), with_events=False).data for name in "ab")
    path.write_bytes(b"<<<<<<< HEAD\n" + ours + b"\n=======\n" + theirs + b"\n>>>>>>> branch\n")
    records = FileRecords(path)
    assert (len(records), records.problems) == (2, ())
    records.add(make_record("c"))
    assert b"<<<<<<<" not in path.read_bytes()
    assert path.read_bytes().count(b"\n") == 3


def test_a_line_can_be_read_by_a_human_and_has_no_times_and_no_state(path: Path) -> None:
    state = ProviderState("chat", "opaque")
    response = Response(
        "schön", model="m", usage=Usage(3, 5), timings=Timings(0.1, 0.2, 1), state=(state,)
    )
    FileRecords(path).add(replace(with_pieces(make_record(), "a"), response=response))
    line = path.read_text()
    value = json.loads(line)
    assert list(value)[:2] == ["key", "model"]
    assert '"text": "schön"' in line
    assert value["response"] == {"model": "m", "usage": [3, 5]}
    assert value["asked_on"] == "2026-11-27"
    assert "opaque" not in line
    assert "events" not in value


def test_lines_are_sorted_whatever_their_order_was(tmp_path: Path) -> None:
    names = ["b", "a", "ä", "c"]
    for order, file in ((names, "1"), (names[::-1], "2")):
        for name in order:
            FileRecords(tmp_path / file).add(make_record(name))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_the_same_answer_asked_again_keeps_its_line(path: Path) -> None:
    first = with_pieces(make_record(), "Hel", "lo")
    FileRecords(path, with_events=True).add(first)
    before = path.read_bytes()
    call = ToolInvocation("other id", "f", "{}", "r")
    again = replace(with_pieces(make_record(day="2027-01-01"), "H", "ello"))
    FileRecords(path, with_events=True).add(again)
    assert path.read_bytes() == before
    step = replace(again.response, steps=(ToolStep("", (call,)),))
    FileRecords(path, with_events=True).add(replace(again, response=step))
    assert b"2027-01-01" in path.read_bytes()


def test_another_text_replaces_the_line_and_events_replace_an_answer_without(path: Path) -> None:
    FileRecords(path).add(make_record())
    FileRecords(path, with_events=True).add(with_pieces(make_record(), "Hel", "lo"))
    assert len(path.read_bytes().splitlines()) == 1
    found = FileRecords(path).find(make_record().inputs, 1)
    assert found
    assert len(found.events) == 4
    FileRecords(path).add(make_record(text="Goodbye"))
    assert b"Hello" not in path.read_bytes()


def test_no_secret_is_written_not_even_in_pieces(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "very-own-key-of-this-machine-1"
    monkeypatch.setenv("OPENAI_API_KEY", own)
    records = FileRecords(path, with_events=True)
    records.add(with_pieces(make_record("a"), "use sk-abcdefgh", "ijklmnop1234 now"))
    records.add(with_pieces(make_record("b"), "use very-own-key", "-of-this-machine-1 now"))
    calls = (ToolInvocation("1", "f", f'{{"key": "{SECRET}"}}', SECRET),)
    response = Response("", steps=(ToolStep("", calls),), reasoning=f"hm {SECRET}")
    records.add(replace(make_record("c"), response=response))
    text = path.read_text()
    for part in (SECRET, "ijklmnop", own, "very-own", "-of-this-machine"):
        assert part not in text
    found = FileRecords(path).find(make_record("a").inputs, 1)
    assert found
    assert found.response.text == "use …1234 now"
    assert [timed.event for timed in found.timed_events()][1:2] == [Token("use …1234 now")]


def test_half_a_surrogate_pair_is_written_as_an_escape(path: Path) -> None:
    FileRecords(path).add(replace(make_record(), prompt="a\ud800"))
    found = FileRecords(path).find(make_record().inputs, 1)
    assert found
    assert found.prompt == "a\ud800"


def test_a_file_that_somebody_else_has_changed_is_read_again(path: Path) -> None:
    one, other = FileRecords(path), FileRecords(path)
    assert one.find(make_record("a").inputs, 1) is None
    other.add(make_record("a"))
    assert one.find(make_record("a").inputs, 1)
    path.unlink()
    assert one.find(make_record("a").inputs, 1) is None


def test_threads_lose_no_line(path: Path) -> None:
    def add(number: int) -> None:
        records = FileRecords(path)
        for index in range(5):
            records.add(make_record(f"{number} {index}"))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(FileRecords(path)) == 20


ADD = """
import sys
from pathlib import Path
from tests.recording.test_record_files import FileRecords, make_record
records = FileRecords(Path(sys.argv[1]))
for index in range(int(sys.argv[3])):
    records.add(make_record(f"{sys.argv[2]} {index}"))
"""


@pytest.mark.slow
def test_processes_lose_no_line(path: Path) -> None:
    count = 10 * FACTOR
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen([sys.executable, "-c", ADD, str(path), name, str(count)], cwd=root)
        for name in "abc"
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(FileRecords(path)) == 3 * count
    assert sorted(item.name for item in path.parent.glob("*.jsonl")) == [path.name]


def test_a_link_and_the_permissions_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    FileRecords(path).add(make_record("a"))
    path.chmod(0o640)
    link.symlink_to(path)
    FileRecords(link).add(make_record("b"))
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert len(FileRecords(path)) == 2


def test_a_folder_that_cannot_be_locked_is_written_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = path.parent / "a-file"
    blocked.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    FileRecords(path).add(make_record())
    assert len(FileRecords(path)) == 1


def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="folder cannot be read: Is a directory"):
        len(FileRecords(tmp_path / "folder"))
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        FileRecords(tmp_path / "gone" / "a.jsonl").add(make_record())
    assert os.listdir(tmp_path / "folder") == []


def test_answers_that_nobody_used_are_removed(path: Path) -> None:
    for name in "abc":
        FileRecords(path).add(make_record(name))
    with path.open("ab") as file:
        file.write(b"of a later release\n")
    records = FileRecords(path)
    with pytest.raises(UsageError, match="no answer of this file was used yet"):
        records.remove_unused()
    records.find(make_record("a").inputs, 1)
    records.add(make_record("b", "new"))
    assert records.remove_unused() == 1
    assert len(FileRecords(path)) == 2
    assert path.read_bytes().endswith(b"of a later release\n")
