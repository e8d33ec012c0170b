"""Any sequence of what can happen to a conversation, against a strict server and a real store.

After every step: what is in memory is what a plain list says it is, the store gives the same back,
and a server that checks the roles accepts what would be sent. ``make sequences`` runs 10 000.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cellmage import CellmageError, CellRef, Conversation, Options
from cellmage.conversation.store import Home, Store, writer
from cellmage.messages import Response
from cellmage.providers.openai import _message
from cellmage.stream.response_stream import ResponseStream
from cellmage.testing import Exchange, Reply, ScriptedServer, chunk, finish, tool_call
from tests.message_rules import violations

KEYS = st.none() | st.builds(CellRef, st.sampled_from("abc"), st.integers(0, 2))
PIECES = ["one ", "two ", "three"]


@dataclass
class Entry:
    """A turn as the plain list knows it: attempts are texts, the last is the live one."""

    key: CellRef | None
    prompt: str
    text: str
    partial: str | None
    stale: bool = False
    earlier: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)


def results(response: Response) -> list[str]:
    return [call.result for each in response.steps for call in each.calls]


def r1() -> str:
    return "r1"


def stopped() -> None:
    raise KeyboardInterrupt


class Conversations(RuleBasedStateMachine):
    server: ScriptedServer

    def __init__(self) -> None:
        super().__init__()
        self.server = SERVER
        self.server.play_with(self.reply)
        self.wrong: list[str] = []
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").exists() else None))
        self.path = self.folder / "turns.db"
        self.stores: list[Store] = []
        self.home = Home("/notes/a.ipynb", "/notes")
        self.reader = self.open()
        self.store = self.open()
        self.chat = self.conversation()
        self.turns: list[Entry] = []
        self.number = 0
        self.how = "whole"

    def open(self) -> Store:
        self.stores.append(Store(self.path))
        return self.stores[-1]

    def conversation(self) -> Conversation:
        options = Options(model="m", base_url=self.server.url, connect_timeout=60)
        return Conversation(options, journal=self.store.journal(self.home))

    def reply(self, exchange: Exchange) -> Reply:
        self.wrong += violations(exchange)
        texts = [chunk(piece) for piece in PIECES]
        if self.how.startswith("tool"):
            if exchange.body["messages"][-1]["role"] == "user":
                asked = [
                    tool_call(name, "{}", n) for n, name in enumerate(["r1", "stopped", "other"])
                ]
                return Reply([*texts[:1], *asked, finish("tool_calls")])
            return Reply(texts[:2], end="truncate" if self.how == "tool_cut" else "clean")
        ways: dict[str, Reply] = {
            "whole": Reply([*texts, finish()]),
            "length": Reply([*texts, finish("length")]),
            "cut": Reply(texts[:2], end="truncate"),
            "refused": Reply(status=400, content_type="application/json"),
            "silent": Reply([chunk(reasoning_content="hm")], end="truncate"),
            "held": Reply(texts[:2], end="hang"),
        }
        return ways[self.how]

    # What can happen.

    def begin(self, key: CellRef | None, how: str, **more: Any) -> ResponseStream:
        self.how = how
        self.number += 1
        return self.chat.stream(f"question {self.number}", cell=key, **more)

    def ask(self, key: CellRef | None, how: str, **more: Any) -> None:
        stream = self.begin(key, how, **more)
        with suppress(CellmageError):
            list(stream)
        self.expect(key, stream, **more)

    def expect(
        self, key: CellRef | None, stream: ResponseStream, commit: str = "replace", **_: Any
    ) -> None:
        response = stream.response
        if not response.has_content:
            return
        prompt = stream.request.messages[-1].content
        entry = Entry(
            key, prompt, response.text, response.incomplete_reason, results=results(response)
        )
        place, is_there = self.place(key if commit == "replace" else None)
        if is_there:
            old = self.turns[place]
            entry.earlier = [*old.earlier, old.text]
            self.turns[place] = entry
        else:
            self.turns.insert(place, entry)
        for later in self.turns[place + 1 :]:
            later.stale = True

    def place(self, key: CellRef | None) -> tuple[int, bool]:
        same = [at for at, each in enumerate(self.turns) if key and each.key == key]
        if same:
            return same[-1], True
        before = [
            at
            for at, each in enumerate(self.turns)
            if key and each.key and each.key.cell_id == key.cell_id and each.key.index < key.index
        ]
        return (before[-1] + 1 if before else len(self.turns)), False

    @rule(key=KEYS, how=st.sampled_from(["whole", "whole", "length", "cut", "refused", "silent"]))
    def asks(self, key: CellRef | None, how: str) -> None:
        """A cell asks; run again, or with another text, it takes its turn's place."""
        self.ask(key, how)

    @rule(key=KEYS)
    def asks_and_keeps_the_old_turn(self, key: CellRef | None) -> None:
        self.ask(key, "whole", commit="append")

    @rule(key=KEYS, pieces=st.integers(1, 2))
    def is_interrupted(self, key: CellRef | None, pieces: int) -> None:
        stream = self.begin(key, "held")
        texts = iter(stream)
        list(islice(texts, pieces))
        with suppress(KeyboardInterrupt):
            texts.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
        self.expect(key, stream)

    @rule(key=KEYS, how=st.sampled_from(["tools", "tool_cut"]), is_stopped=st.booleans())
    def runs_tools(self, key: CellRef | None, how: str, is_stopped: bool) -> None:
        """A call of a tool, of one that is stopped by the user, and of one that is not there."""
        tools = [r1, stopped] if is_stopped else [r1]
        stream = self.begin(key, how, tools=tools, approve="always")
        with suppress(CellmageError, KeyboardInterrupt):
            list(stream)
        assert len(results(stream.response)) == 3
        self.expect(key, stream)

    @rule(key=KEYS)
    def two_at_once(self, key: CellRef | None) -> None:
        """Two threads ask; each turn is whole, and one comes after the other."""
        streams = [self.begin(None, "whole"), self.begin(None, "whole")]
        threads = [threading.Thread(target=list, args=(stream,)) for stream in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        order = {turn.response.id: at for at, turn in enumerate(self.chat.turns)}
        for stream in sorted(streams, key=lambda each: order[each.id]):
            self.expect(None, stream)

    @precondition(lambda self: self.turns and self.turns[-1].partial)
    @rule(how=st.sampled_from(["whole", "cut", "refused"]))
    def goes_on(self, how: str) -> None:
        self.how = how
        stream = self.chat.continue_answer()
        with suppress(CellmageError):
            list(stream)
        if stream.response.text:
            self.turns[-1].text += stream.response.text
            self.turns[-1].partial = stream.response.incomplete_reason

    @precondition(lambda self: self.turns)
    @rule(count=st.integers(1, 3))
    def is_undone(self, count: int) -> None:
        self.chat.history.undo(count)
        del self.turns[-count:]

    @precondition(lambda self: self.turns)
    @rule(data=st.data())
    def is_dropped(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, len(self.turns)))
        self.chat.history.drop(number)
        del self.turns[number - 1]

    @precondition(lambda self: any(each.earlier for each in self.turns))
    @rule(data=st.data())
    def is_restored(self, data: st.DataObject) -> None:
        at = data.draw(st.sampled_from([at for at, each in enumerate(self.turns) if each.earlier]))
        attempt = data.draw(st.integers(1, len(self.turns[at].earlier)))
        turn = self.chat.history.restore(at + 1, attempt)
        old = self.turns[at]
        texts = [*old.earlier, old.text]
        text = texts.pop(attempt - 1)
        self.turns[at] = Entry(
            turn.cell, turn.prompt, text, turn.response.incomplete_reason,
            earlier=texts, results=results(turn.response),
        )  # fmt: skip
        assert turn.response.text == text

    @rule(cell=st.sampled_from("abc"), ordinal=st.integers(0, 2))
    def a_later_run_asks_less(self, cell: str, ordinal: int) -> None:
        self.chat.history.drop_from(CellRef(cell, ordinal))
        self.turns = [
            each
            for each in self.turns
            if not (each.key and each.key.cell_id == cell and each.key.index >= ordinal)
        ]

    @rule()
    def restarts(self) -> None:
        self.store = self.open()
        self.chat = self.conversation()
        self.chat.history.resume()

    @rule(key=KEYS)
    def is_killed(self, key: CellRef | None) -> None:
        """The kernel ends in mid-stream: what it had saved is a partial turn after the restart."""
        stream = self.begin(key, "held")
        texts = iter(stream)
        list(islice(texts, 2))
        until = time.monotonic() + 5
        while "two" not in self.saved(stream):
            assert time.monotonic() < until
            time.sleep(0.002)
        chat = self.chat
        self.restarts()
        entry_before = len(self.turns)
        self.expect(key, stream)
        self.turns[self.place(key)[0] if key else entry_before].partial = "killed"
        chat.history.journal = None  # the dead write no more
        texts.close()  # type: ignore[attr-defined]

    def saved(self, stream: ResponseStream) -> str:
        sql = "SELECT text FROM pieces WHERE turn = ? ORDER BY id"
        job = self.reader._writer.put(lambda c: c.execute(sql, (stream.id,)).fetchall())
        return b"".join(text for (text,) in job.result(5)).decode()

    @precondition(lambda self: self.turns)
    @rule(data=st.data())
    def is_forked(self, data: st.DataObject) -> None:
        """A copy goes on; the original stays as it is, in the store."""
        count = data.draw(st.integers(1, len(self.turns)))
        turns = self.chat.turns[:count]
        self.home = Home(self.home.notebook, self.home.folder, f"fork {self.number}")
        self.number += 1
        self.chat = self.conversation()
        self.chat.history.extend(turns)
        del self.turns[count:]

    # What must hold.

    @invariant()
    def the_plain_list_agrees(self) -> None:
        assert not self.wrong
        shown = [
            Entry(
                turn.cell, turn.prompt, turn.response.text, turn.response.incomplete_reason, turn.stale,
                [each.response.text for each in turn.previous_attempts], results(turn.response),
            )
            for turn in self.chat.turns
        ]  # fmt: skip
        assert shown == self.turns

    @invariant()
    def the_store_gives_the_same(self) -> None:
        assert self.store.told() == []
        found = self.reader.journal(self.home).load()[0] if self.turns else []
        assert tuple(found) == self.chat.turns

    @invariant()
    def the_next_request_is_accepted(self) -> None:
        messages = list(map(_message, self.chat.request("next").messages))
        assert not violations(Exchange("", {}, {"messages": messages}))

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        shutil.rmtree(self.folder)
        self.server.exchanges.clear()


SERVER = ScriptedServer()


def setup_module() -> None:
    writer.TICK = 0.01  # drafts are saved at once
    SERVER.__enter__()


def teardown_module() -> None:
    SERVER.__exit__()
    writer.TICK = 0.5


TestSequences = Conversations.TestCase
TestSequences.settings = settings(
    deadline=None, stateful_step_count=30, max_examples=int(os.environ.get("SEQUENCES", "40"))
)
