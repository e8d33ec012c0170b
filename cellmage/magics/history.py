"""``%llm_history``: the turns of a conversation, as the reader sees them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from ..conversation import Conversation
from ..errors import UsageError
from .settings import table


class Chats:
    """The conversations of a notebook, by name; the one without a name is always there."""

    def __init__(self) -> None:
        self._chats: dict[str | None, Conversation] = {None: Conversation()}

    def __iter__(self) -> Iterator[Conversation]:
        return iter(list(self._chats.values()))

    def get(self, name: str | None) -> Conversation:
        """The conversation of that name.

        Raises:
            UsageError: there is none.
        """
        if name not in self._chats:
            known = ", ".join(sorted(each for each in self._chats if each)) or "none yet"
            raise UsageError(
                f"there is no chat {name!r} (chats: {known}); %llm_history --new NAME makes one"
            )
        return self._chats[name]

    def new(self, name: str) -> None:
        """Make an empty conversation.

        Raises:
            UsageError: the name is empty or taken.
        """
        if not name.strip() or name in self._chats:
            raise UsageError(f"the chat name {name!r} is empty or taken")
        self._chats[name] = Conversation()


def history(chats: Chats, args: Namespace) -> str:
    """Do what the flags of ``%llm_history`` say, and tell it."""
    if args.new is not None:
        chats.new(args.new)
        return f"chat {args.new!r} is new; ask in it with %%llm --chat {args.new!r}"
    chat = chats.get(args.chat)
    if args.clear:
        return f"cleared {_turns(chat.clear())}"
    if args.undo is not None:
        return f"dropped {_turns(chat.undo(args.undo))}, {_turns(len(chat.turns))} left"
    return listing(chat)


def listing(chat: Conversation) -> str:
    """A line for each turn: its number, state, question and answer."""
    if not chat.turns:
        return "no turns yet"
    lines: list[tuple[str, ...]] = [("turn", "state", "question", "answer")]
    for number, turn in enumerate(chat.turns, 1):
        lines.append((str(number), turn.state, _words(turn.prompt), _words(turn.response.text)))
    return table(lines)


def _words(text: str, width: int = 36) -> str:
    line = " ".join(text[: 4 * width].split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _turns(count: int) -> str:
    return "1 turn" if count == 1 else f"{count} turns"
