"""Any sequence of what can happen to a conversation, against a strict server and a real store.

After every step, what is in memory equals a plain list, the store returns the same, and a server
that checks the roles accepts what would be sent. ``make stress`` runs 10 000 sequences.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cellmage import CellmageError, CellRef, Conversation, Options, Turn
from cellmage.conversation.store import ConversationScope, Store
from cellmage.messages import Message
from cellmage.stream.response_stream import ResponseStream
from cellmage.testing import Exchange, Reply, ScriptedServer, chunk, finish, tool_call
from tests.conversation.plain_history import Entry, PlainHistory, tool_results
from tests.message_rules import violations

CELLS = st.none() | st.builds(CellRef, st.sampled_from("abc"), st.integers(0, 2))
TEXTS = [chunk("one "), chunk("two "), chunk("three")]
REPLIES = {
    "complete": Reply([*TEXTS, finish()]),
    "length": Reply([*TEXTS, finish("length")]),
    "cut": Reply(TEXTS[:2], end="truncate"),
    "refused": Reply(status=400, content_type="application/json"),
    "silent": Reply([chunk(reasoning_content="hm")], end="truncate"),
    "held": Reply(TEXTS[:2], end="hang"),
    "tools": Reply(TEXTS[:2]),
    "tool_cut": Reply(TEXTS[:2], end="truncate"),
}
"""What the server replies, and to the results of tools."""


def r1() -> str:
    return "r1"


def stop() -> None:
    raise KeyboardInterrupt


def message_body(message: Message) -> dict[str, Any]:
    """Return a message as a server receives it."""
    calls = [
        {"id": call.id, "function": {"name": call.name, "arguments": call.arguments}}
        for call in message.tool_calls
    ]
    body = {"role": message.role, "content": message.content, "tool_calls": calls}
    return body | {"tool_call_id": message.tool_call_id}


class Conversations(RuleBasedStateMachine):
    server: ScriptedServer

    def __init__(self) -> None:
        super().__init__()
        self.server = SERVER
        self.server.play_with(self.reply)
        self.violations: list[str] = []
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").exists() else None))
        self.stores: list[Store] = []
        self.scope = ConversationScope("/notes/a.ipynb", "/notes")
        self.other_store = self.open_store()
        self.store = self.open_store()
        self.chat = self.open_chat()
        self.expected = PlainHistory()
        self.count = 0
        self.reply_name = "complete"

    def open_store(self) -> Store:
        """Open the file once more; drafts are saved at once."""
        self.stores.append(Store(self.folder / "turns.db", autosave_seconds=0.01))
        return self.stores[-1]

    def open_chat(self) -> Conversation:
        options = Options(model="m", base_url=self.server.url, connect_timeout=60)
        return Conversation(options, journal=self.store.journal(self.scope))

    def reply(self, exchange: Exchange) -> Reply:
        self.violations += violations(exchange)
        has_tools = self.reply_name.startswith("tool")
        if has_tools and exchange.body["messages"][-1]["role"] == "user":
            calls = [tool_call(name, "{}", n) for n, name in enumerate(["r1", "stop", "other"])]
            return Reply([TEXTS[0], *calls, finish("tool_calls")])
        return REPLIES[self.reply_name]

    def begin(self, cell: CellRef | None, reply_name: str, **arguments: Any) -> ResponseStream:
        self.reply_name = reply_name
        self.count += 1
        return self.chat.stream(f"question {self.count}", cell=cell, **arguments)

    def ask(
        self, cell: CellRef | None, reply_name: str, commit: str = "replace", **arguments: Any
    ) -> ResponseStream:
        stream = self.begin(cell, reply_name, commit=commit, **arguments)
        with suppress(CellmageError, KeyboardInterrupt):
            list(stream)
        self.expect(cell, stream, replace_turn=commit == "replace")
        return stream

    def expect(
        self, cell: CellRef | None, stream: ResponseStream, replace_turn: bool = True
    ) -> None:
        turn = Turn(stream.request.messages[-1].content, stream.response, cell)
        self.expected.commit(turn, replace_turn)

    def read_two(self, stream: ResponseStream, count: int = 2) -> Iterator[str]:
        texts = iter(stream)
        list(islice(texts, count))
        return texts

    # What can happen.

    @rule(
        cell=CELLS,
        reply_name=st.sampled_from(["complete", "complete", "length", "cut", "refused", "silent"]),
    )
    def asks(self, cell: CellRef | None, reply_name: str) -> None:
        """A cell asks; run again, or with another text, it replaces its turn."""
        self.ask(cell, reply_name)

    @rule(cell=CELLS)
    def asks_and_keeps_the_old_turn(self, cell: CellRef | None) -> None:
        self.ask(cell, "complete", commit="append")

    @rule(cell=CELLS, count=st.integers(1, 2))
    def is_interrupted(self, cell: CellRef | None, count: int) -> None:
        stream = self.begin(cell, "held")
        texts = self.read_two(stream, count)
        with suppress(KeyboardInterrupt):
            texts.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
        self.expect(cell, stream)

    @rule(cell=CELLS, reply_name=st.sampled_from(["tools", "tool_cut"]), is_stopped=st.booleans())
    def runs_tools(self, cell: CellRef | None, reply_name: str, is_stopped: bool) -> None:
        """A call of a tool, of one that is stopped by the user, and of one that is not there."""
        tools = [r1, stop] if is_stopped else [r1]
        stream = self.ask(cell, reply_name, tools=tools, approve="always")
        assert len(tool_results(stream.response)) == 3

    @rule()
    def two_at_once(self) -> None:
        """Two threads ask; each turn is complete, and one comes after the other."""
        streams = [self.begin(None, "complete"), self.begin(None, "complete")]
        threads = [threading.Thread(target=list, args=(stream,)) for stream in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        order = {turn.response.id: index for index, turn in enumerate(self.chat.turns)}
        for stream in sorted(streams, key=lambda stream: order[stream.id]):
            self.expect(None, stream)

    @precondition(lambda self: self.expected and self.expected.entries[-1].incomplete_reason)
    @rule(reply_name=st.sampled_from(["complete", "cut", "refused"]))
    def continues(self, reply_name: str) -> None:
        self.reply_name = reply_name
        stream = self.chat.continue_answer()
        with suppress(CellmageError):
            list(stream)
        self.expected.continue_last(stream.response)

    @precondition(lambda self: self.expected)
    @rule(count=st.integers(1, 3))
    def is_undone(self, count: int) -> None:
        self.chat.history.undo(count)
        del self.expected.entries[-count:]

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def is_dropped(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, len(self.expected)))
        self.chat.history.drop(number)
        del self.expected.entries[number - 1]

    @precondition(lambda self: any(entry.previous_texts for entry in self.expected.entries))
    @rule(data=st.data())
    def is_restored(self, data: st.DataObject) -> None:
        entries = enumerate(self.expected.entries)
        index = data.draw(st.sampled_from([i for i, entry in entries if entry.previous_texts]))
        attempt = data.draw(st.integers(1, len(self.expected.entries[index].previous_texts)))
        turn = self.chat.history.restore(index + 1, attempt)
        self.expected.restore(index, attempt - 1, turn)

    @rule(cell_id=st.sampled_from("abc"), index=st.integers(0, 2))
    def a_later_run_asks_less(self, cell_id: str, index: int) -> None:
        self.chat.history.drop_from(CellRef(cell_id, index))
        self.expected.drop_from(CellRef(cell_id, index))

    @rule()
    def restarts(self) -> None:
        self.store = self.open_store()
        self.chat = self.open_chat()
        self.chat.history.resume()

    @rule(cell=CELLS)
    def is_killed(self, cell: CellRef | None) -> None:
        """The kernel ends in mid-stream: after the restart, what was saved is a partial turn."""
        stream = self.begin(cell, "held")
        texts = self.read_two(stream)
        deadline = time.monotonic() + 5
        while "two" not in self.read_saved_text(stream):
            assert time.monotonic() < deadline
            time.sleep(0.002)
        chat = self.chat
        self.restarts()
        index = self.expected.position(cell)[0]
        self.expect(cell, stream)
        self.expected.entries[index].incomplete_reason = "killed"
        chat.history.journal = None  # a killed process writes no more
        texts.close()  # type: ignore[attr-defined]

    def read_saved_text(self, stream: ResponseStream) -> str:
        sql = "SELECT text FROM chunks WHERE response_id = ? ORDER BY id"
        chunks = self.other_store.execute(sql, [stream.id], timeout=5)
        return b"".join(text for (text,) in chunks).decode()

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def is_forked(self, data: st.DataObject) -> None:
        """A copy goes on; the original stays as it is, in the store."""
        count = data.draw(st.integers(1, len(self.expected)))
        turns = self.chat.turns[:count]
        self.count += 1
        notebook, folder = self.scope.notebook, self.scope.folder
        self.scope = ConversationScope(notebook, folder, f"fork {self.count}")
        self.chat = self.open_chat()
        self.chat.history.extend(turns)
        del self.expected.entries[count:]

    # What must hold.

    @invariant()
    def the_plain_list_agrees(self) -> None:
        assert not self.violations
        assert [Entry.of(turn) for turn in self.chat.turns] == self.expected.entries

    @invariant()
    def the_store_returns_the_same(self) -> None:
        assert self.store.pending_messages() == []
        stored = self.other_store.journal(self.scope).load()[0] if self.expected else []
        assert tuple(stored) == self.chat.turns

    @invariant()
    def the_next_request_is_accepted(self) -> None:
        messages = [message_body(message) for message in self.chat.request("next").messages]
        assert not violations(Exchange("", {}, {"messages": messages}))

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        shutil.rmtree(self.folder)
        self.server.exchanges.clear()


SERVER = ScriptedServer()


def setup_module() -> None:
    SERVER.__enter__()


def teardown_module() -> None:
    SERVER.__exit__()


TestSequences = Conversations.TestCase
TestSequences.settings = settings(
    deadline=None, stateful_step_count=30, max_examples=int(os.environ.get("SEQUENCES", "15"))
)
