"""``%llm_history``: show the turns of a conversation, or change them."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path

from ..approvals import format_call
from ..context_window import turn_tokens
from ..conversation.conversation import Conversation
from ..conversation.export import export_turns, import_turns
from ..display.listing import Listing, Row
from ..errors import UsageError
from ..messages import Usage
from ..pricing import cost, format_usd
from ..rendering.answer import STALE_NOTICE
from ..text import clean_message, excerpt, truncate
from ..turns import Turn
from .conversations import ConversationRegistry
from .store_messages import count_turns

_EXCERPT_CHARS = 28
"""Characters of a question, and of an answer, in plain text: both are beside each other."""

_EXCERPTS = ("question", "answer")

_MATCH_CHARS = 60
_CHARS_BEFORE_MATCH = 20
_NO_TURNS = "No turns yet."


Result = str | Listing
"""What is shown: a line or a text, or a table."""


def run_history(chats: ConversationRegistry, args: Namespace) -> Result:
    """Do what the first flag of ``%llm_history`` asks for; without one, list the turns."""
    if args.new is not None:
        return _new(chats, args.new)
    if args.resume is not None:
        return _resume(chats, args)
    chat = chats.get(args.chat)
    for name, action in _ACTIONS.items():
        value = getattr(args, name)
        if value is not None and value is not False:
            return action(chats, chat, args)
    return list_turns(chats, chat)


def list_turns(chats: ConversationRegistry, chat: Conversation) -> Result:
    """Return a row for each turn: its number, cell, model, state, question and answer."""
    if not chat.turns:
        return _NO_TURNS
    rows = [_turn_row(chats, number, turn) for number, turn in enumerate(chat.turns, 1)]
    has_stale = any(turn.stale for turn in chat.turns)
    end = STALE_NOTICE if has_stale else ""
    return Listing(list(rows[0]), {"": rows}, end, _EXCERPT_CHARS, _EXCERPTS)


def _turn_row(chats: ConversationRegistry, number: int, turn: Turn) -> Row:
    return {"turn": str(number), "cell": chats.cell_name(turn), **_version_row(turn)}


def _version_row(turn: Turn) -> Row:
    return {
        "model": turn.response.model or "—",
        "state": turn.state,
        "question": turn.question,
        "answer": _answer(turn),
    }


def _answer(turn: Turn) -> str:
    """Return the answer with a blank line where tools were called: its texts are apart."""
    texts = [*(step.text for step in turn.response.steps), turn.response.final_text]
    return "\n\n".join(filter(None, texts))


def _excerpt(text: str, width: int = _MATCH_CHARS) -> str:
    return truncate(clean_message(text[: 8 * width]), width)


# The actions of the flags.


def _new(chats: ConversationRegistry, name: str) -> str:
    count = len(chats.create(name).turns)
    state = f"has {count_turns(count)}" if count else "is new"
    return f"Chat {name!r} {state}. Ask in it with %%llm --chat {name!r}"


def _resume(chats: ConversationRegistry, args: Namespace) -> str:
    if not args.resume:
        return f"Resumed {count_turns(chats.resume(args.chat))}."
    path = _path(chats, args.resume)
    return f"Resumed {count_turns(chats.resume_from(path))} of {path.name}"


def _path(chats: ConversationRegistry, name: str) -> Path:
    return chats.folder / os.path.expanduser(name)


def _undo(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> str:
    dropped, remaining = chat.history.undo(args.undo), len(chat.turns)
    verb = "remains" if remaining == 1 else "remain"
    return f"Dropped {count_turns(dropped)}. {count_turns(remaining)} {verb}."


def _drop(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> str:
    return f"Dropped turn {args.drop}: {_excerpt(chat.history.drop(args.drop).prompt)}"


def _clear(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> str:
    return f"Dropped {count_turns(chat.history.clear())}."


def _verbose(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> str:
    return (
        "\n\n".join(
            "\n".join(_turn_lines(number, turn)) for number, turn in enumerate(chat.turns, 1)
        )
        or _NO_TURNS
    )


def _turn_lines(number: int, turn: Turn) -> list[str]:
    """Return a turn in full: its question, the tool calls and their results, its answer."""
    lines = [f"── {number}, {turn.state} ──", turn.question]
    lines.append(f"── {turn.response.model} ──")
    for step in turn.response.steps:
        lines += [step.text] if step.text else []
        for call in step.calls:
            lines += [format_call(call), f"→ {call.result}"]
    return [*lines, turn.response.final_text]


def _search(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> Result:
    phrase = args.search.casefold()
    rows: list[Row] = []
    for number, turn in enumerate(chat.turns, 1):
        for source, text in (("question", turn.question), ("answer", _answer(turn))):
            index = text.casefold().find(phrase)
            if index >= 0:
                passage = text[max(0, index - _CHARS_BEFORE_MATCH) :]
                rows.append({"turn": str(number), "in": source, "text": _excerpt(passage)})
    return Listing(list(rows[0]), {"": rows}) if rows else "No matches."


def _chats(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> Result:
    rows = [
        {"chat": name or "—", "turns": str(count), "state": state}
        for name, count, state in chats.summaries()
    ]
    return Listing(list(rows[0]), {"": rows})


def _fork(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> str:
    count = len(chat.turns) if args.at is None else args.at
    if args.at is not None:
        chat.history.turn(args.at)
    if any(name == args.fork for name, *_ in chats.summaries()):
        raise UsageError(f"there is a chat {args.fork!r} already; give another name")
    chats.fork(chat, args.fork, count)
    return f"Chat {args.fork!r} has {count_turns(count)}. Ask in it with %%llm --chat {args.fork!r}"


def _tokens(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> Result:
    sizes = turn_tokens(chat.turns)
    sized_turns = enumerate(zip(chat.turns, sizes, strict=True), 1)
    rows = [_tokens_row(number, turn, size) for number, (turn, size) in sized_turns]
    total = f"The next prompt is sent with about {sum(sizes)} tokens of earlier turns."
    return Listing(["turn", "in", "out", "adds", "cost"], {"": rows}, total)


def _tokens_row(number: int, turn: Turn, size: int) -> Row:
    usage, price = turn.response.usage or Usage(), cost(turn.response)
    counts = ["—" if n is None else str(n) for n in (usage.input_tokens, usage.output_tokens)]
    return {
        "turn": str(number),
        "in": counts[0],
        "out": counts[1],
        "adds": f"~{size}",
        "cost": format_usd(price) if price else "—",
    }


def _export(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> str:
    export_turns(chat.turns, chats.folder, args.export)
    return f"Wrote {count_turns(len(chat.turns))} to {args.export}"


def _import(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> str:
    path = _path(chats, args.import_)
    return f"Imported {count_turns(chat.history.extend(import_turns(path)))} from {path.name}"


def _versions(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> Result:
    turn = chat.history.turn(args.versions)
    names = [f"{args.versions}.{number}" for number in range(1, len(turn.previous_attempts) + 1)]
    versions = (*turn.previous_attempts, turn)
    rows = [
        {"version": name, **_version_row(version)}
        for name, version in zip([*names, "now"], versions, strict=True)
    ]
    return Listing(list(rows[0]), {"": rows}, text_chars=_EXCERPT_CHARS, excerpts=_EXCERPTS)


def _restore(chats: ConversationRegistry, chat: Conversation, args: Namespace) -> str:
    number, _, version = args.restore.partition(".")
    if not (number.isdecimal() and version.isdecimal()):
        raise UsageError(f"--restore {excerpt(args.restore)}: give N.K, as --versions N lists them")
    turn = chat.history.restore(int(number), int(version))
    return f"Restored turn {number}: {_excerpt(turn.response.text)}"


Action = Callable[[ConversationRegistry, Conversation, Namespace], Result]
_ACTIONS: Mapping[str, Action] = {
    "clear": _clear,
    "undo": _undo,
    "drop": _drop,
    "verbose": _verbose,
    "search": _search,
    "chats": _chats,
    "fork": _fork,
    "tokens": _tokens,
    "export": _export,
    "import_": _import,
    "versions": _versions,
    "restore": _restore,
}
"""The actions by the name of their flag; the first one whose flag is on the line runs."""
