"""A conversation in a store, with a strict server: what the tests of scenarios have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cellmage import CellmageError, CellRef, Conversation, Options
from cellmage.conversation.store import ConversationScope, Store
from cellmage.testing import Exchange, Reply, ScriptedServer, answer
from tests.message_rules import violations

SCOPE = ConversationScope("/notes/a.ipynb", "/notes")


class Scene:
    """A conversation in a store. The server answers "u1" with "a1", unless `replies` has a reply.

    Args:
        server: the server; it refuses a request that breaks the rules of roles.
        path: the file of the store.
    """

    def __init__(self, server: ScriptedServer, path: Path) -> None:
        self.server = server
        self.path = path
        self.store = Store(path)
        self.chat = self.open_chat()
        self.replies: dict[str, Reply] = {}
        server.play_with(self._reply)

    def open_chat(self) -> Conversation:
        """Return the conversation as another kernel opens it; its turns are not loaded."""
        options = Options(model="m", base_url=self.server.url)
        return Conversation(options, journal=Store(self.path).journal(SCOPE))

    def _reply(self, exchange: Exchange) -> Reply:
        broken_rules = violations(exchange)
        assert not broken_rules, broken_rules
        question = exchange.messages[-1][1]
        return self.replies.get(question) or Reply(answer(question.replace("u", "a"), 2))

    def ask(self, prompt: str, cell: str | None = None, **arguments: Any) -> str:
        """Ask, and return the kind of the error; empty if there was none."""
        ref = None if cell is None else CellRef(cell, 0)
        stream = self.chat.stream(prompt, cell=ref, **arguments)
        try:
            for _ in stream:
                pass
        except CellmageError as error:
            return error.kind
        return ""

    def next_messages(self) -> list[tuple[str, str]]:
        """Return the roles and texts before a next question; the store must agree."""
        request = self.chat.request("next")
        resumed = self.open_chat()
        resumed.history.resume()
        assert resumed.turns == self.chat.turns
        assert resumed.request("next").messages == request.messages
        return [(message.role, message.content) for message in request.messages[:-1]]

    def next_texts(self) -> str:
        """Return the texts before a next question, with commas; the store must agree."""
        return ",".join(text for _, text in self.next_messages())

    def states(self) -> list[tuple[str, str]]:
        """Return the state and the incomplete reason of each stored turn."""
        rows = self.store.execute("SELECT state, metadata FROM turns ORDER BY changed_at")
        return [
            (state, json.loads(metadata).get("incomplete_reason") or "complete")
            for state, metadata in rows
        ]
