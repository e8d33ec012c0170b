"""A copy of a conversation is a fork; a pickle is one without its store and without keys."""

from __future__ import annotations

import copy
import pickle
import threading
from pathlib import Path

import pytest

from cellmage import Conversation, Options, UsageError
from cellmage.conversation.store import ConversationScope, Store
from cellmage.testing import ScriptedProvider

ECHO = Options(model="offline/echo", extra_body={"a": [1]})


@pytest.mark.parametrize("copy_function", [copy.copy, copy.deepcopy])
def test_a_fork(copy_function: object, tmp_path: Path) -> None:
    journal = Store(tmp_path / "turns.db").journal(ConversationScope("/a.ipynb", "/"))
    chat = Conversation(ECHO, journal=journal)
    chat.ask("one")
    fork: Conversation = copy_function(chat)  # type: ignore[operator]
    assert type(fork) is Conversation
    assert fork.turns == chat.turns
    fork.ask("two")
    chat.ask("three")
    assert [turn.prompt for turn in fork.turns] == ["one", "two"]
    assert [turn.prompt for turn in chat.turns] == ["one", "three"]
    assert fork.history.journal is None
    chat.history.resume()
    assert [turn.prompt for turn in chat.turns] == ["one", "three"]


def test_a_fork_has_the_same_provider() -> None:
    chat = Conversation(ECHO, provider=ScriptedProvider(["Hello"]))
    assert copy.deepcopy(chat).provider is chat.provider
    assert copy.deepcopy([chat, chat])[0].provider is chat.provider


def test_a_pickle() -> None:
    chat = Conversation(ECHO)
    chat.ask("one")
    again: Conversation = pickle.loads(pickle.dumps(chat))
    assert (again.options, again.turns) == (chat.options, chat.turns)
    assert again.ask("two").text == "two"


def test_a_provider_that_cannot_be_pickled() -> None:
    provider = ScriptedProvider(["Hello"])
    provider.lock = threading.Lock()  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="its provider cannot; pickle its `turns`"):
        pickle.dumps(Conversation(ECHO, provider=provider))
