"""Recorded answers in the store: found by other kernels, also after damage, a lock or a kill."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from cellmage import CellRef, Response
from cellmage.conversation.store import ConversationScope, Store
from cellmage.conversation.store.database import MIGRATIONS, connect
from cellmage.messages import ProviderState, Timings
from cellmage.recording import Input, Inputs, Record
from tests.conversation.store.chats import (
    SCOPE,
    SCOPE_B,
    TERMINAL,
    ask,
    open_chat,
    resume,
    start_process,
)

STATE = ProviderState("chat", '{"reasoning_content": "Hm."}')


def make_record(prompt: str, number: int = 1, cell: str = "c1", model: str = "m") -> Record:
    inputs = Inputs((Input("model", model, model), Input("prompt", prompt, prompt)))
    text = f"answer to {prompt}, {number}"
    response = Response(text, timings=Timings(0.1, 0.2, 3), state=(STATE,))
    return Record(inputs, prompt, response, "2026-11-27", number, cell, 0)


def test_another_kernel_finds_an_answer_with_all_that_belongs_to_it(store: Store) -> None:
    record = make_record("Hi \udc80")
    store.records(SCOPE).add(record)
    other = Store(store.path)
    store.close()
    assert other.records(SCOPE).find(record.inputs, 1) == record
    assert other.records(SCOPE).find(record.inputs, 2) is None
    assert other.records(SCOPE_B).find(record.inputs, 1) is None
    assert other.records(SCOPE).numbers(record.inputs) == {1: CellRef("c1", 0)}
    other.close()


def test_a_lookup_creates_no_file(store: Store) -> None:
    assert store.records(SCOPE).find(make_record("Hi").inputs, 1) is None
    assert not store.path.exists()


def test_an_answer_replaces_the_one_with_its_inputs_and_number(store: Store) -> None:
    records = store.records(SCOPE)
    first, second = make_record("Hi"), make_record("Hi", 2, cell="")
    newer = replace(first, response=Response("newer"))
    for record in (first, second, newer):
        records.add(record)
    assert records.find(first.inputs, 1) == newer
    assert records.find(first.inputs, 2) == second
    assert records.find(first.inputs, 5, or_last=True) == second
    assert records.numbers(first.inputs) == {1: CellRef("c1", 0), 2: None}


def test_the_nearest_answer_is_the_newest_of_the_cell(store: Store) -> None:
    records = store.records(SCOPE)
    old, newer, other = make_record("a"), make_record("b"), make_record("c", cell="c2")
    for record in (old, newer, other):
        records.add(record)
    asked = make_record("c").inputs
    assert records.nearest(asked, CellRef("c1", 0)) == newer
    assert records.nearest(asked, CellRef("c3", 0)) == other
    assert records.nearest(make_record("d").inputs, None) is None


def test_of_several_models_in_a_cell_the_same_is_nearest(store: Store) -> None:
    records = store.records(SCOPE)
    for model in ("m", "n"):
        records.add(make_record("a", model=model))
    nearest = records.nearest(make_record("b", model="m").inputs, CellRef("c1", 0))
    assert nearest == make_record("a", model="m")


def test_an_answer_without_a_turn_leads_to_the_notebook(store: Store) -> None:
    scope = ConversationScope("an id", "/notes", path="/notes/a.ipynb")
    store.records(scope).add(make_record("Hi"))
    store.close()
    (found,) = store.notebooks_with_cells(["c1"])
    assert (found.id, found.path, found.cells) == ("an id", "/notes/a.ipynb", frozenset(["c1"]))
    assert [notebook.id for notebook in store.notebooks_at("/notes/a.ipynb")] == ["an id"]
    assert store.count_turns(scope) == 0


def test_a_notebook_that_joins_another_brings_its_answers(store: Store) -> None:
    own, both = make_record("own"), make_record("both")
    store.records(SCOPE).add(own)
    store.records(SCOPE).add(both)
    kept = replace(both, response=Response("kept"))
    store.records(SCOPE_B).add(kept)
    store.close()
    store.merge_notebook("/notes/a.ipynb", SCOPE_B)
    records = Store(store.path).records(SCOPE_B)
    assert records.find(own.inputs, 1) == own
    assert records.find(both.inputs, 1) == kept


def test_outside_of_a_notebook_the_folder_has_the_answers(store: Store) -> None:
    record = make_record("Hi", cell="")
    store.records(TERMINAL).add(record)
    store.close()
    assert Store(store.path).records(TERMINAL).find(record.inputs, 1) == record
    assert store.execute("SELECT count(*) FROM conversations") == [(0,)]


def test_a_file_of_an_earlier_release_gets_the_table(store: Store) -> None:
    store.path.parent.mkdir()
    connect(store.path, MIGRATIONS[:4]).close()
    record = make_record("Hi")
    store.records(SCOPE).add(record)
    store.close()
    assert Store(store.path).records(SCOPE).find(record.inputs, 1) == record


@pytest.mark.parametrize("value", ["", "{", "[]", '{"inputs": 5}', 7, b"\xff"])
def test_a_damaged_row_is_asked_again(store: Store, value: object) -> None:
    damaged, whole = make_record("a"), make_record("b", cell="c2")
    for record in (damaged, whole):
        store.records(SCOPE).add(record)
    store.execute("UPDATE records SET record = ? WHERE cell_id = 'c1'", [value])
    records = store.records(SCOPE)
    assert records.find(damaged.inputs, 1) is None
    assert records.find(whole.inputs, 1) == whole


def test_a_row_with_the_record_of_another_key_is_asked_again(store: Store) -> None:
    first, second = make_record("a"), make_record("b")
    for record in (first, second):
        store.records(SCOPE).add(record)
    store.execute("UPDATE records SET record = (SELECT max(record) FROM records)")
    records = store.records(SCOPE)
    assert records.find(first.inputs, 1) is None
    assert records.find(second.inputs, 1) == second


@pytest.mark.parametrize("seed", range(5))
def test_answers_are_saved_from_a_damaged_file(store: Store, seed: int) -> None:
    chat = open_chat(store)
    for number in range(40):
        ask(chat, f"q{number}", f"c{number}")
        store.records(SCOPE).add(make_record(f"q{number}", cell=f"c{number}"))
    store.close()
    data = bytearray(store.path.read_bytes())
    chance = random.Random(seed)
    data[4096 * chance.randrange(len(data) // 4096) :][:4096] = bytes(4096)
    start = 4096 * chance.randrange(1, len(data) // 4096)
    data[start : start + 4096] = bytes(4096)
    data[:100] = bytes(100)
    store.path.write_bytes(data)
    other = Store(store.path)
    found = [other.records(SCOPE).find(make_record(f"q{n}").inputs, 1) for n in range(40)]
    assert "the stored conversations were damaged" in " ".join(other.pending_messages())
    assert sum(record is not None for record in found) >= 20
    other.close()


def test_a_locked_file_costs_no_answer(store: Store) -> None:
    patient = Store(store.path, autosave_seconds=0.05, lock_timeout_seconds=0.05)
    ask(open_chat(store), "first")
    record = make_record("Hi")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        records = patient.records(SCOPE)
        records.add(record)
        assert records.find(record.inputs, 1) == record
        assert records.numbers(record.inputs) == {1: CellRef("c1", 0)}
        assert "in use by another program" in " ".join(patient.pending_messages())
        other.execute("ROLLBACK")
    patient.close()
    assert store.records(SCOPE).find(record.inputs, 1) == record


IN_MID_STREAM = """
import sys
from pathlib import Path
from cellmage import CellRef, Conversation
from cellmage.conversation.store import ConversationScope, Store
from cellmage.recording import KEEP, Recorder, Recording
from cellmage.testing import ScriptedProvider
store = Store(Path(sys.argv[1]))
records = store.records(ConversationScope("/notes/a.ipynb", "/notes"))
steps = [step for n in range(10_000) for step in (f"{n} ", 0.01)]
chat = Conversation(provider=ScriptedProvider(steps))
recorder = Recorder(Recording(records, KEEP), cell=CellRef("c1", 0))
for text in chat.stream("Count", history="ignore", recorder=recorder):
    print(text, flush=True, end="")
"""


@pytest.mark.slow
def test_kill_9_in_mid_stream_leaves_a_part_of_the_answer(store: Store) -> None:
    with start_process(IN_MID_STREAM, store.path) as process:
        assert process.stdout is not None
        printed = b""
        while len(printed.split()) < 200:
            printed += os.read(process.stdout.fileno(), 4096)
        process.send_signal(signal.SIGKILL)
    ((text,),) = store.execute("SELECT record FROM records")
    inputs = Inputs(())
    nearest = store.records(SCOPE).nearest(inputs, CellRef("c1", 0))
    assert text
    assert nearest is not None
    assert not nearest.is_complete
    assert nearest.response.incomplete_reason == "killed"
    assert printed.decode().startswith(nearest.response.text)
    assert len(printed.split()) - len(nearest.response.text.split()) <= 100


def test_a_kept_answer_makes_no_later_turn_stale(store: Store) -> None:
    chat = open_chat(store)
    ask(chat, "one", "c1")
    ask(chat, "two", "c2")
    first, second = chat.turns
    kept = replace(first, response=replace(first.response, id="kept", kept_from="2026-11-27"))
    chat.history.commit(kept, replace_turn=True)
    assert not chat.turns[1].stale
    assert not resume(store).turns[1].stale
    other = replace(kept, response=replace(kept.response, id="other", text="edited"))
    chat.history.commit(other, replace_turn=True)
    assert chat.turns[1] == resume(store).turns[1] == second.mark_stale()
